//! A named pipe that nobody writes to, a device without an end or far too large a file in the place of a file
//! that is read: every command says so and ends.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::datacheck::night_file;
use crate::support::{Case, DATE, FakeSlurm, SUMMARY, TestSite, until};

/// What is put in a file's place, and what is said of it.
type Obstacle = (fn(&Path), &'static str);

const OBSTACLES: [Obstacle; 3] = [
    (|file| mkfifo(file, Mode::S_IRWXU).unwrap(), "named pipe"),
    (|file| symlink("/dev/zero", file).unwrap(), "device"),
    (|file| File::create(file).unwrap().set_len(1 << 30).unwrap(), "it has 1073741824 bytes"),
];

/// The output of a command with an obstacle in the place of a file.
fn reported(site: &TestSite, file: &Path, obstacle: fn(&Path), command: &[&str]) -> String {
    let aside = file.with_extension("aside");
    if file.exists() {
        fs::rename(file, &aside).unwrap();
    } else {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
    }
    obstacle(file);
    let mut running = site.command(command).start();
    until("the command ends", || !running.is_running());
    fs::remove_file(file).unwrap();
    if aside.exists() {
        fs::rename(&aside, file).unwrap();
    }
    let output = running.wait();
    format!("{}{}", output.out, output.err)
}

#[test]
fn no_command_waits_for_a_pipe_or_reads_without_an_end() {
    let site = TestSite::golden().with_slurm(FakeSlurm::holding());
    let config = site.config().to_owned();
    let table = ["sequencer", "-c", config.to_str().unwrap(), "-d", DATE, "-s", "LST1"];
    let history = site.analysis().join("sequence_LST1_19102.0000.history");
    let why = ["why", DATE];
    let cases: [(_, &[&str]); 4] = [
        (site.path(SUMMARY), &table),
        (site.path("monitoring/RunCatalog/RunCatalog_20241128.ecsv"), &table),
        (config.clone(), &table),
        (history, &why),
    ];
    for (file, command) in cases {
        for (obstacle, problem) in OBSTACLES {
            let _case = Case::named(format!("{problem} as {}, {}", file.display(), command[0]));
            let text = reported(&site, &file, obstacle, command);
            assert!(text.contains(problem), "{text}");
        }
    }
}

#[test]
fn settings_that_cannot_be_read_are_named() {
    for variable in ["OSA_TOML", "OSA_KNOWN_ERRORS"] {
        let elsewhere = tempfile::tempdir().unwrap();
        let file = elsewhere.path().join("settings.toml");
        let site = TestSite::golden()
            .with_slurm(FakeSlurm::holding())
            .with_env(variable, file.to_str().unwrap());
        for (obstacle, problem) in OBSTACLES {
            let _case = Case::named(format!("{problem} as {variable}"));
            let text = reported(&site, &file, obstacle, &["why", DATE]);
            assert!(text.contains(problem) && text.contains("settings.toml"), "{text}");
        }
    }
}

#[test]
fn products_and_records_that_cannot_be_read_are_named() {
    let site = TestSite::golden().with_slurm(FakeSlurm::holding());
    let log = site.analysis().join("prov.log");
    let table = site.analysis().join("datacheck_dl1_LST-1.Run19102.0000.h5");
    let table = table.to_str().unwrap();
    let provenance = ["provenance", "--run", "19102", "--date", DATE];
    let inspect = ["datacheck", "inspect", table];
    let night = night_file(site.dir());
    let judge = ["datacheck", "judge", "--thresholds", table, night.to_str().unwrap()];
    let cases: [(&Path, &[&str]); 3] =
        [(&log, &provenance), (Path::new(table), &inspect), (Path::new(table), &judge)];
    for (file, command) in cases {
        // A record of provenance may be as large as it likes: it is read line by line.
        for (obstacle, problem) in &OBSTACLES[..2] {
            let _case = Case::named(format!("{problem} as {}", file.display()));
            let text = reported(&site, file, *obstacle, command);
            assert!(text.contains(problem), "{text}");
        }
    }
}

#[test]
fn a_script_is_read_only_if_it_is_a_file() {
    let site = TestSite::golden().with_slurm(FakeSlurm::holding());
    let script = site.analysis().join("sequence_LST1_19102.sh");
    for (obstacle, problem) in OBSTACLES {
        let _case = Case::named(problem.to_owned());
        // Whether it leaves DL2 out is then unknown, which is no reason to show nothing.
        let text = reported(&site, &script, obstacle, &["why", DATE]);
        assert!(text.contains("19102"), "{text}");
    }
}

#[test]
fn a_run_whose_history_cannot_be_read_is_not_submitted() {
    for (obstacle, problem) in OBSTACLES {
        let _case = Case::named(problem.to_owned());
        let site = TestSite::golden().with_slurm(FakeSlurm::holding());
        let history = site.analysis().join("sequence_LST1_19102.0000.history");
        let config = site.config().to_str().unwrap().to_owned();
        let launch = ["sequencer", "-c", &config, "-d", DATE, "LST1"];
        let text = reported(&site, &history, obstacle, &launch);
        assert!(text.contains("what is done of it is not known"), "{text}");
        let others: Vec<_> = site.slurm().jobs().into_keys().collect();
        assert_eq!(others, ["LST1_19106"], "{text}");
    }
}
