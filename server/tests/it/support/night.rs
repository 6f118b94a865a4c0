//! The golden night: where its files are, and what they say.

use std::fs;
use std::path::PathBuf;

use server::model::{Level, NightDate};
use server::night::NightPaths;

use super::TestSite;

/// The golden night.
pub const DATE: &str = "2024-11-28";

/// The production of the fixtures.
pub const PROD_ID: &str = "v0.1.0";

/// Its run summary, in the tree.
pub const SUMMARY: &str = "monitoring/RunSummary/RunSummary_20241128.ecsv";

impl TestSite {
    /// The files of the golden night in the production of the fixtures.
    pub fn paths(&self) -> NightPaths {
        self.paths_of(DATE)
    }

    /// The files of another night.
    pub fn paths_of(&self, date: &str) -> NightPaths {
        let date: NightDate = date.parse().unwrap();
        NightPaths::new(self.site_config(), date, PROD_ID.parse().unwrap())
    }

    /// Where the night is processed.
    pub fn analysis(&self) -> PathBuf {
        self.path("running_analysis/20241128/v0.1.0")
    }

    /// Where a level's files are once the night is closed.
    pub fn final_dir(&self, level: Level) -> PathBuf {
        self.paths().final_dir(level).unwrap()
    }

    /// The flag that says that the night is closed.
    pub fn flag(&self) -> PathBuf {
        self.path("OSA/Closer/20241128/v0.1.0/NightFinished.txt")
    }

    /// Lets the night be closed by somebody else.
    pub fn close_by_hand(&self) {
        fs::create_dir_all(self.flag().parent().unwrap()).unwrap();
        fs::write(self.flag(), "host:1").unwrap();
    }

    /// The job script of a sequence.
    pub fn script(&self, run: u32) -> String {
        let file = self.analysis().join(format!("sequence_LST1_{run}.sh"));
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    /// The runs that have a job script.
    pub fn scripts(&self) -> Vec<String> {
        let entries = fs::read_dir(self.analysis()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let run = |name: String| {
            Some(name.strip_prefix("sequence_LST1_")?.strip_suffix(".sh")?.to_owned())
        };
        let mut runs: Vec<_> = names.filter_map(run).collect();
        runs.sort();
        runs
    }
}
