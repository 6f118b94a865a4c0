//! `datasequence` and `calibration_pipeline` on the golden night, and what they leave.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use server::datacheck::{RunData, read_muons};
use server::model::{Level, RunId, Subrun};
use server::process::history::History;

use crate::support::{TestCommand, TestSite, contents};

/// The subrun that is reduced: the golden night has nothing of it yet.
pub const SUBRUN: &str = "19103.0001";

pub const R0_TO_DL1: &str = "lstchain_data_r0_to_dl1";
pub const DL1AB: &str = "lstchain_dl1ab";
pub const CHECK_DL1: &str = "lstchain_check_dl1";
pub const DL1_TO_DL2: &str = "lstchain_dl1_to_dl2";

/// The golden night with stand-ins.
pub fn site() -> TestSite {
    let site = TestSite::golden().with_lstchain_files().with_standins();
    site.with_env("STANDIN_VERSION", "v0.1.0")
}

impl TestSite {
    /// `osa datasequence` for [`SUBRUN`], with more options.
    pub fn datasequence(&self, options: &[&str]) -> TestCommand {
        self.stages("datasequence", options).args([SUBRUN, "LST1"])
    }

    /// `osa calibration_pipeline` for the golden runs.
    pub fn calibration(&self) -> TestCommand {
        let runs = ["--drs4-pedestal-run=19100", "--pedcal-run=19101", "LST1"];
        self.stages("calibration_pipeline", &runs)
    }

    fn stages(&self, name: &str, options: &[&str]) -> TestCommand {
        self.command([name, "--date=2024-11-28", "--prod-id=v0.1.0"]).args(options)
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
        let tree = contents(&self.analysis());
        assert_eq!(tree.keys().filter(of_subrun).count(), Level::ALL.len(), "{tree:?}");
    }

    /// The processes whose command line names this site.
    pub fn processes(&self) -> Vec<u32> {
        let mine = self.dir().as_os_str().as_bytes();
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
