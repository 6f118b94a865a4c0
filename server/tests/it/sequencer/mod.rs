//! `sequencer` on the golden night, against the scripted Slurm.

mod crashes;
mod launching;
mod looking;
mod trial;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::scheduler::fake_slurm::FakeSlurm;
use super::scheduler::fake_slurm::TOOLS;
use super::support::{TempNight, golden_night};

const SIMULATE_TEST: &str = include_str!("../../golden/table-simulate-test.txt");
const SIMULATE_SLURM: &str = include_str!("../../golden/table-simulate-slurm.txt");
const NO_SUBMIT: &str = include_str!("../../golden/sequencer-no-submit.txt");

/// A night and a Slurm of its own.
struct Site {
    night: TempNight,
    slurm: FakeSlurm,
}

impl Site {
    /// The golden night; Slurm knows nothing.
    fn new() -> Self {
        Self { night: golden_night(), slurm: FakeSlurm::holding() }
    }

    /// The golden night with the answers of sacct and squeue that the original saw.
    fn golden() -> Self {
        let site = Self::new();
        site.slurm.set("sacct.csv", include_str!("../../golden/sacct.csv"));
        site.slurm.set("squeue.csv", include_str!("../../golden/squeue.csv"));
        site
    }

    /// A night of which nothing is done, closed or vetoed, the calibration files being gone too.
    fn fresh() -> Self {
        let site = Self::new();
        for directory in [
            "running_analysis",
            "monitoring/PixelCalibration/Cat-A/calibration",
            "monitoring/PixelCalibration/Cat-A/drs4_baseline",
        ] {
            fs::remove_dir_all(site.night.path(directory)).unwrap();
        }
        site
    }

    /// `sequencer -d 2024-11-28 ARGUMENTS LST1`.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.night.osa();
        command.arg("sequencer").args(["-d", "2024-11-28"]).args(arguments).arg("LST1");
        command.env("PATH", format!("{TOOLS}:{}", std::env::var("PATH").unwrap()));
        command.env("FAKE_SLURM", self.slurm.books());
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(arguments).output().unwrap())
    }

    fn analysis(&self) -> PathBuf {
        self.night.path("running_analysis/20241128/v0.1.0")
    }

    /// Every file of the site with its content, and every directory.
    fn everything(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut left = vec![self.night.dir.path().to_owned()];
        while let Some(directory) = left.pop() {
            for entry in fs::read_dir(&directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    left.push(path.clone());
                    found.insert(path, Vec::new());
                } else {
                    found.insert(path.clone(), fs::read(&path).unwrap());
                }
            }
        }
        found
    }
}

/// What a command said, and how it ended.
struct Said {
    out: String,
    err: String,
    code: Option<i32>,
}

impl Said {
    fn of(output: Output) -> Self {
        Self {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
        }
    }

    /// Standard output with the golden time in its heading.
    fn out_at_golden_time(&self) -> String {
        let (before, rest) = self.out.split_once("sequencer.py at ").unwrap();
        let (time, after) = rest.split_at("2026-11-22 07:43".len());
        assert!(chrono::NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M").is_ok(), "{time}");
        format!("{before}sequencer.py at 2026-11-22 07:43{after}")
    }

    #[track_caller]
    fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn badly(self) -> Self {
        assert_eq!(self.code, Some(1), "{}{}", self.out, self.err);
        self
    }
}

/// The runs that have a job script.
fn scripts(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries
        .filter_map(|name| {
            let name = name.into_string().unwrap();
            Some(name.strip_prefix("sequence_LST1_")?.strip_suffix(".sh")?.to_owned())
        })
        .collect();
    names.sort();
    names
}
