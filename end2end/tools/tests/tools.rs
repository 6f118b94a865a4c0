//! The stand-ins as others call them: through the links that `--install` makes.
#![allow(clippy::unwrap_used)] // a test that cannot set the stage has failed

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const CAT_A: &str = "monitoring/PixelCalibration/Cat-A";

/// A directory with links to the stand-ins and a small directory tree.
struct Site {
    root: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let site = Self { root };
        let program = env!("CARGO_BIN_EXE_lstchain-standin");
        let status = Command::new(program).arg("--install").arg(site.path("bin")).status();
        assert!(status.unwrap().success());
        for run in ["19100.0000", "19101.0000", "19102.0000", "19102.0001"] {
            site.write(&format!("R0/20241128/LST-1.1.Run{run}.fits.fz"), "");
        }
        site.write("monitoring/RunSummary/RunSummary_20241128.ecsv", "x");
        site.write(
            &format!(
                "{CAT_A}/drs4_time_sampling_from_FF/20210321/pro/time_calibration.Run04211.0000.h5"
            ),
            "x",
        );
        site.write(
            &format!("{CAT_A}/ffactor_systematics/20240201/pro/ffactor_systematics_20240201.h5"),
            "x",
        );
        site.write("dl1/x", "");
        site.write("dl2/x", "");
        site.write("models/x", "");
        site
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.root.path().join(relative)
    }

    fn write(&self, relative: &str, text: &str) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs a tool in the root of the tree; relative paths in `arguments` are the tree's.
    fn run(&self, tool: &str, arguments: &str) -> Output {
        Command::new(self.path("bin").join(tool))
            .args(arguments.split_whitespace())
            .current_dir(self.root.path())
            .env_remove("STANDIN_RULES")
            .env_remove("STANDIN_VERSION")
            .output()
            .unwrap()
    }

    fn good(&self, tool: &str, arguments: &str) {
        let output = self.run(tool, arguments);
        assert!(output.status.success(), "{tool} {arguments}: {output:?}");
    }

    fn bad(&self, tool: &str, arguments: &str, sign: &str) -> Option<i32> {
        let output = self.run(tool, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(sign), "{tool} {arguments}: {said}");
        assert!(!output.status.success());
        output.status.code()
    }
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_night_goes_through_all_tools() {
    let site = Site::new();
    site.good(
        "lstcam_calib_onsite_create_drs4_pedestal_file",
        "-r 19100 -b . --r0-dir=R0 --no-progress",
    );
    site.good("lstcam_calib_onsite_create_calibration_file", "-p 19100 -r 19101 -b . --r0-dir=R0");
    let night = site.path(&format!("{CAT_A}/calibration/20241128"));
    assert_eq!(fs::read_link(night.join("pro")).unwrap(), Path::new("v0.10.18"));
    assert_eq!(names(&night.join("pro")), ["calibration_filters_52.Run19101.0000.h5", "log"]);
    assert_eq!(names(&night.join("pro/log")), ["calibration_filters_52.Run19101.0000.pdf"]);
    for run in ["19102.0000", "19102.0001"] {
        site.good(
            "lstchain_data_r0_to_dl1",
            &format!(
                "--input-file=R0/20241128/LST-1.1.Run{run}.fits.fz --output-dir=. \
             --pedestal-file={CAT_A}/drs4_baseline/20241128/pro/drs4_pedestal.Run19100.0000.h5"
            ),
        );
        site.good(
            "lstchain_dl1ab",
            &format!("--input-file=dl1_LST-1.Run{run}.h5 --output-file=dl1/dl1_LST-1.Run{run}.h5"),
        );
        site.good("lstchain_check_dl1", &format!(
            "--input-file=dl1/dl1_LST-1.Run{run}.h5 --output-dir=dl1 --muons-dir=. --omit-pdf --batch"
        ));
        site.good(
            "lstchain_dl1_to_dl2",
            &format!(
                "--input-file=dl1/dl1_LST-1.Run{run}.h5 --output-dir=dl2 --path-models=models"
            ),
        );
    }
    site.good("lstchain_merge_hdf5_files", "--input-dir=dl2 --output-file=dl2/dl2_LST-1.Run19102.h5 --no-image --no-progress --run-number=19102 --pattern=dl2_*.h5");
    site.good("lstchain_merge_muon_files", "--input-dir=. --output-file=muons_LST-1.Run19102.fits --run-number=19102 --pattern=muons_*.fits");
    site.good(
        "lstchain_check_dl1",
        "--input-file dl1/datacheck_dl1_LST-1.Run19102.*.h5 --output-dir dl1 --muons-dir .",
    );
    site.good(
        "lstchain_longterm_dl1_check",
        "--input-dir=dl1 --output-file=DL1_datacheck_20241128.h5 --muons-dir=. --batch",
    );
    site.good(
        "lstchain_cherenkov_transparency",
        "--update-datacheck-file DL1_datacheck_20241128.h5 --input-dir dl1",
    );
    assert_eq!(
        names(&site.path("dl1")),
        [
            "datacheck_dl1_LST-1.Run19102.0000.h5",
            "datacheck_dl1_LST-1.Run19102.0001.h5",
            "datacheck_dl1_LST-1.Run19102.h5",
            "datacheck_dl1_LST-1.Run19102.pdf",
            "dl1_LST-1.Run19102.0000.h5",
            "dl1_LST-1.Run19102.0001.h5",
            "x",
        ]
    );
}

#[test]
fn a_summary_is_made_from_the_raw_files() {
    let site = Site::new();
    site.write("R0/20241128/LST-1.1.Run19103.0000.fits.fz", "ERRPEDCALIB\n");
    site.good("lstchain_create_run_summary", "--date=20241128 --r0-path=R0 --output-dir=.");
    let text = fs::read_to_string(site.path("RunSummary_20241128.ecsv")).unwrap();
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with('1')).collect();
    assert_eq!(rows[0], "19100,1,DRS4,-1,-1,-1,-1,-1,0,run_start");
    assert_eq!(rows[2], "19102,2,DATA,-1,-1,-1,-1,-1,0,run_start");
    assert_eq!(rows[3], "19103,1,ERRPEDCALIB,-1,-1,-1,-1,-1,0,run_start");
    site.bad(
        "lstchain_create_run_summary",
        "--date=20241128 --r0-path=R0 --output-dir=.",
        "already exists",
    );
}

#[test]
fn failures_are_asked_for_by_rules_and_leave_part_of_the_product() {
    let site = Site::new();
    site.write("bin/standin.rules", "dl1ab 19102.0000 fail=locking times=1\n");
    site.good("lstchain_data_r0_to_dl1", "-f R0/20241128/LST-1.1.Run19102.0000.fits.fz -o .");
    let call = "-f dl1_LST-1.Run19102.0000.h5 -o dl1/dl1_LST-1.Run19102.0000.h5";
    assert_eq!(site.bad("lstchain_dl1ab", call, "Resource temporarily unavailable"), Some(1));
    site.bad("lstchain_check_dl1", "--input-file=dl1/dl1_LST-1.Run19102.0000.h5", "truncated file");
    site.bad("lstchain_dl1ab", call, "catB/calibration already exists");
    fs::remove_file(site.path("dl1/dl1_LST-1.Run19102.0000.h5")).unwrap();
    site.good("lstchain_dl1ab", call);
}

#[test]
fn wrong_calls_fail_like_the_real_tools() {
    let site = Site::new();
    assert_eq!(site.bad("lstchain_dl1ab", "--colour=red", "--colour"), Some(2));
    assert_eq!(
        site.bad("lstchain_data_r0_to_dl1", "-f none.fits.fz", "Input file does not exist"),
        Some(1)
    );
    assert_eq!(
        site.bad("lstchain_check_dl1", "--input-file=none.h5", "Input files not found!"),
        Some(255)
    );
    site.bad("onsite_create_calibration_file", "-r 19101 -p 19100 -b .", "drs4 pedestal");
    site.write("bin/standin.rules", "charge_calibration * fail=filters\n");
    site.bad("onsite_create_calibration_file", "-r 19101 -b .", "Missing filter value");
    site.write("bin/standin.rules", "nonsense\n");
    assert_eq!(site.bad("lstchain_dl1ab", "-f a -o b", "standin.rules:1:"), Some(2));
}
