//! Which calibration files are used when several are there, or none.

use super::*;
use crate::hint::Hint;
use crate::testing::{site, write};

struct Tree {
    dir: tempfile::TempDir,
    paths: NightPaths,
}

fn tree(prod_id: &str, files: &[&str]) -> Tree {
    let (dir, site) = site();
    let paths = NightPaths::new(site, "2024-11-28".parse().unwrap(), prod_id.parse().unwrap());
    for file in files {
        write(&dir.path().join("monitoring/PixelCalibration/Cat-A").join(file), "x");
    }
    Tree { dir, paths }
}

impl Tree {
    fn relative(&self, file: PathBuf) -> String {
        let root = self.dir.path().join("monitoring/PixelCalibration/Cat-A");
        file.strip_prefix(root).unwrap().display().to_string()
    }

    fn drs4(&self) -> String {
        self.relative(drs4_file(&self.paths, RunId(19100), self.paths.date).unwrap())
    }

    fn charge(&self) -> String {
        self.relative(charge_file(&self.paths, RunId(19101), self.paths.date).unwrap())
    }
}

#[test]
fn a_file_of_the_latest_production_of_the_same_major_version_is_used() {
    let name = "drs4_pedestal.Run19100.0000.h5";
    let in_production = |p: &str| format!("drs4_baseline/20241128/{p}/{name}");
    let files = ["v0.9.9", "v0.10.9", "v0.10.10", "v0.11.0", "v0.1.99", "pro"].map(in_production);
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let with_empty = [&files[..], &["drs4_baseline/20241128/v0.10.11/other.h5"]].concat();
    assert_eq!(tree("v0.10.18", &with_empty).drs4(), in_production("v0.10.10"));
    assert_eq!(tree("v0.9.0", &files).drs4(), in_production("v0.9.9"));
    assert_eq!(tree("v0.12.0", &files).drs4(), in_production("v0.12.0"));
    assert_eq!(tree("special", &files).drs4(), in_production("special"));
}

#[test]
fn a_charge_calibration_is_used_whatever_its_filters_and_else_expected_with_52() {
    let expected = "calibration/20241128/v0.1.0/calibration_filters_52.Run19101.0000.h5";
    assert_eq!(tree("v0.1.0", &[]).charge(), expected);
    let other = "calibration/20241128/v0.1.0/calibration_filters_7.Run19101.0000.h5";
    let files = [other, "calibration/20241128/v0.1.1/calibration_filters_52.Run19100.0000.h5"];
    assert_eq!(tree("v0.1.0", &files).charge(), other);
    let special = "calibration/20241128/special/calibration_filters_0.Run19101.0000.h5";
    assert_eq!(tree("special", &[special, other]).charge(), special);
}

const TIMES: [&str; 3] = [
    "drs4_time_sampling_from_FF/20191124/pro/time_calibration.Run01625.0000.h5",
    "drs4_time_sampling_from_FF/20210321/pro/time_calibration.Run04211.0000.h5",
    "drs4_time_sampling_from_FF/20250101/pro/time_calibration.Run20000.0000.h5",
];

#[test]
fn the_time_calibration_is_the_last_that_is_not_after_the_run() {
    let tree = tree("v0.1.0", &TIMES);
    write(&tree.paths.time_calibrations().join("README"), "no directory");
    for (run, file) in [(19101, 1), (4211, 1), (4210, 0), (20000, 2)] {
        let found = time_file(&tree.paths, RunId(run)).unwrap();
        assert_eq!(tree.relative(found), TIMES[file], "{run}");
    }
    let error = time_file(&tree.paths, RunId(1624)).unwrap_err();
    assert!(error.to_string().contains("for run 01624 in "), "{error}");
    assert!(error.to_string().contains("drs4_time_sampling_from_FF"), "{error}");
    assert!(error.hint().is_some());
}

#[test]
fn the_systematics_are_the_last_not_after_the_night_or_the_oldest() {
    let file = |date: &str| format!("ffactor_systematics/{date}/pro/ffactor_systematics_{date}.h5");
    let find = |dates: &[&str]| {
        let files: Vec<String> = dates.iter().map(|date| file(date)).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let tree = tree("v0.1.0", &files);
        let found = systematics_file(&tree.paths, RunId(19101)).map_err(|e| e.to_string())?;
        Ok::<_, String>(tree.relative(found))
    };
    assert_eq!(find(&["20200725", "20240201", "20241129"]).unwrap(), file("20240201"));
    assert_eq!(find(&["20200725", "20241128"]).unwrap(), file("20241128"));
    assert_eq!(find(&["20250102", "20250101"]).unwrap(), file("20250101"));
    assert!(find(&[]).unwrap_err().contains("no systematic correction"));
}

#[test]
fn a_directory_that_cannot_be_read_is_an_error_and_no_missing_file() {
    let tree = tree("v0.1.0", &[]);
    // A link that leads to itself can be read by nobody, not even by root.
    let day = tree.paths.drs4_dir(tree.paths.date);
    std::fs::create_dir_all(day.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&day, &day).unwrap();
    let error = drs4_file(&tree.paths, RunId(19100), tree.paths.date).unwrap_err();
    assert!(matches!(error, NightError::Read { .. }), "{error}");
}
