//! A golden night whose executables are the stand-ins, and what the tests look at.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use server::datacheck::{RunData, read_muons};
use server::model::{Level, RunId, Subrun};
use server::night::NightPaths;
use server::process::history::History;

use crate::standins;
use crate::support::{TempNight, golden_night};

pub const DATE: &str = "2024-11-28";

/// The subrun that is reduced: the golden night has nothing of it yet.
pub const SUBRUN: &str = "19103.0001";

pub const R0_TO_DL1: &str = "lstchain_data_r0_to_dl1";
pub const DL1AB: &str = "lstchain_dl1ab";
pub const CHECK_DL1: &str = "lstchain_check_dl1";
pub const DL1_TO_DL2: &str = "lstchain_dl1_to_dl2";

/// The golden night with stand-ins.
pub struct Site {
    pub night: TempNight,
}

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Site {
    pub fn new() -> Self {
        let site = Self { night: golden_night() };
        let lstchain = site.night.dir.path().join("lstchain");
        fs::create_dir_all(lstchain.join("models")).unwrap();
        fs::write(lstchain.join("config.json"), "{}").unwrap();
        let path = |name: &str| lstchain.join(name).display().to_string();
        let night = &site.night;
        night.configure(
            "/software/lstchain/data/lstchain_standard_config.json",
            &path("config.json"),
        );
        night.configure("/data/models/prod5/zenith_20deg/20201023_v0.6.3", &path("models"));
        standins::install(&site.bin());
        site
    }

    /// The directory of the stand-ins and their rules.
    pub fn bin(&self) -> PathBuf {
        self.night.dir.path().join("bin")
    }

    /// How the stand-ins shall behave.
    pub fn rules(&self, text: &str) {
        fs::write(self.bin().join("standin.rules"), text).unwrap();
    }

    pub fn paths(&self) -> NightPaths {
        self.night.paths(DATE)
    }

    /// `osa datasequence` for [`SUBRUN`], with more options.
    pub fn datasequence(&self, options: &[&str]) -> Command {
        let mut command = self.osa("datasequence", options);
        command.args([SUBRUN, "LST1"]);
        command
    }

    /// `osa calibration_pipeline` for the golden runs.
    pub fn calibration(&self, options: &[&str]) -> Command {
        let mut command = self.osa("calibration_pipeline", options);
        command.args(["--drs4-pedestal-run=19100", "--pedcal-run=19101", "LST1"]);
        command
    }

    fn osa(&self, name: &str, options: &[&str]) -> Command {
        let mut command = self.night.osa();
        command
            .env("OSA_JOB_PATH", self.bin())
            .env("STANDIN_VERSION", "v0.1.0")
            .env_remove("STANDIN_RULES")
            .args([name, "--date=2024-11-28", "--prod-id=v0.1.0"])
            .args(options);
        command
    }

    /// Where a level's file of [`SUBRUN`] is.
    pub fn product(&self, level: Level) -> PathBuf {
        let paths = self.paths();
        paths.running_dir(level).join(paths.product_name(level, RunId(19103), Some(Subrun(1))))
    }

    /// A file of the subrun's sequence: `history`, `veto`.
    pub fn sequence_file(&self, suffix: &str) -> PathBuf {
        self.paths().sequence_file(RunId(19103), Some(Subrun(1)), suffix)
    }

    /// Executable and return code of each line of the subrun's history.
    pub fn history(&self) -> Vec<(String, i32)> {
        lines(&self.sequence_file("history"))
    }

    /// Asserts that the subrun has one whole file of every level, and nothing else.
    pub fn assert_products_are_whole(&self) {
        for level in Level::ALL {
            let file = self.product(level);
            let problem = match level {
                Level::Datacheck => RunData::read(std::slice::from_ref(&file)).err(),
                Level::Muons => read_muons(&file).err(),
                _ => {
                    let text = fs::read_to_string(&file).unwrap_or_default();
                    assert!(
                        text.ends_with("complete\n"),
                        "{} is not whole: {text:?}",
                        file.display()
                    );
                    None
                }
            };
            assert!(problem.is_none(), "{} is not whole: {problem:?}", file.display());
        }
        let of_subrun = |file: &&PathBuf| file.display().to_string().contains("Run19103.0001.");
        let tree = files(&self.paths().analysis_dir());
        assert_eq!(tree.keys().filter(of_subrun).count(), Level::ALL.len(), "{tree:?}");
    }

    /// The processes whose command line names this site.
    pub fn processes(&self) -> Vec<u32> {
        let mine = self.night.dir.path().as_os_str().as_bytes();
        let named = |pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.windows(mine.len()).any(|window| window == mine)
        };
        let entries = fs::read_dir("/proc").unwrap().flatten();
        entries.filter_map(|e| e.file_name().to_str()?.parse().ok()).filter(named).collect()
    }
}

/// Executable and return code of each line of a history, none of which may be torn.
pub fn lines(history: &Path) -> Vec<(String, i32)> {
    let history = History::read(history).unwrap();
    assert_eq!(history.torn, []);
    history.lines.into_iter().map(|line| (line.executable, line.rc)).collect()
}

/// Expected lines of a history.
pub fn tries(expected: &[(&str, i32)]) -> Vec<(String, i32)> {
    expected.iter().map(|(executable, rc)| ((*executable).to_owned(), *rc)).collect()
}

/// All files below a directory with their content.
pub fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.append(&mut files(&entry.path()));
        } else {
            found.insert(entry.path(), fs::read(entry.path()).unwrap());
        }
    }
    found
}

/// Runs a command to its end.
pub fn end(mut command: Command) -> Ended {
    of(command.output().unwrap())
}

/// A command that was started. Its outputs go to files: what a killed one leaves running would
/// hold pipes open.
pub struct Started {
    pub child: Child,
    outputs: [File; 2],
}

/// Starts a command whose outputs are kept.
pub fn start(mut command: Command) -> Started {
    let outputs = [tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap()];
    let [stdout, stderr] = outputs.each_ref().map(|file| file.try_clone().unwrap());
    let child = command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).spawn().unwrap();
    Started { child, outputs }
}

impl Started {
    /// Sends it, and nobody else, a signal.
    pub fn send(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Ended {
        let status = self.child.wait().unwrap();
        let [stdout, stderr] = self.outputs.each_mut().map(|file| {
            let mut text = String::new();
            file.rewind().unwrap();
            file.read_to_string(&mut text).unwrap();
            text
        });
        Ended { code: status.code(), stdout, stderr }
    }
}

fn of(output: Output) -> Ended {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Waits until something is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(90), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
