//! The scripted Slurm in `end2end/fake-slurm`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use server::schedule::slurm::{Slurm, Timeouts};
use server::schedule::{JobSnapshot, Scheduler, SchedulerError};
use tempfile::TempDir;

/// Where the fake's commands are.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../end2end/fake-slurm");

/// A fake Slurm with a state of its own.
pub struct FakeSlurm {
    /// Removed when it is dropped, unless another process has made it.
    _keep: Option<TempDir>,
    dir: PathBuf,
    slurm: Slurm,
}

impl FakeSlurm {
    /// One that keeps jobs as they are until it is told otherwise.
    pub fn holding() -> Self {
        let keep = tempfile::tempdir().unwrap();
        fs::create_dir_all(keep.path().join("slurm-state/faults")).unwrap();
        let fake = Self::at(keep.path());
        Self { _keep: Some(keep), ..fake }
    }

    /// One that runs what is submitted.
    pub fn running() -> Self {
        let fake = Self::holding();
        fake.set("mode", "run");
        fake
    }

    /// One that gives the answers of sacct and squeue that the original saw in the golden night.
    pub fn golden() -> Self {
        let fake = Self::holding();
        fake.set("sacct.csv", include_str!("../../golden/sacct.csv"));
        fake.set("squeue.csv", include_str!("../../golden/squeue.csv"));
        fake
    }

    /// The one that another process has set up in this directory.
    pub fn at(dir: &Path) -> Self {
        let directory = dir.join("slurm-state").to_str().unwrap().to_owned();
        let slurm =
            Slurm::new(search_path()).with_environment(vec![("FAKE_SLURM".into(), directory)]);
        Self { _keep: None, dir: dir.to_owned(), slurm }
    }

    /// Our adapter gives up soon on a command that hangs; long enough for one that does not.
    pub fn impatient(mut self) -> Self {
        let short = Duration::from_secs(10);
        let timeouts = Timeouts { submit: short, ask: short, cancel: short };
        self.slurm = self.slurm.with_timeouts(timeouts);
        self
    }

    /// The directory of the test.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The fake's own directory.
    pub fn directory(&self) -> PathBuf {
        self.dir.join("slurm-state")
    }

    /// Our adapter.
    pub fn scheduler(&self) -> &dyn Scheduler {
        &self.slurm
    }

    /// The variables by which a command of ours finds it.
    pub fn environment(&self) -> [(&'static str, String); 2] {
        [("PATH", search_path()), ("FAKE_SLURM", self.directory().display().to_string())]
    }

    /// Writes one of the fake's settings.
    pub fn set(&self, name: &str, text: &str) {
        fs::write(self.directory().join(name), text).unwrap();
    }

    /// Every call of a command of the fake, as a line: its name and its arguments.
    fn log(&self) -> String {
        fs::read_to_string(self.directory().join("calls")).unwrap_or_default()
    }

    /// Whether nobody has asked it anything.
    pub fn was_never_asked(&self) -> bool {
        self.log().is_empty()
    }

    /// How often a command was called.
    pub fn calls(&self, tool: &str) -> usize {
        self.log().lines().filter(|line| line.split(' ').next() == Some(tool)).count()
    }

    /// The arguments of the calls of a command, joined by blanks.
    pub fn arguments(&self, tool: &str) -> Vec<String> {
        let prefix = format!("{tool} ");
        self.log().lines().filter_map(|line| line.strip_prefix(&prefix)).map(Into::into).collect()
    }

    /// Moves jobs by hand: `set 1000_2 FAILED 1:0`, `requeue 1000_2`, `forget 1000`.
    pub fn control(&self, arguments: &[&str]) {
        self.fakectl(arguments);
    }

    fn fakectl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(Path::new(TOOLS).join("fakectl"));
        let output = command.args(arguments).envs(self.environment()).output().unwrap();
        assert!(output.status.success(), "fakectl {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What our adapter says of all jobs.
    pub async fn snapshot(&self) -> Result<JobSnapshot, SchedulerError> {
        self.slurm.jobs(Utc::now() - TimeDelta::hours(12)).await
    }

    /// How many jobs it has had by name, as its own records say.
    pub fn jobs(&self) -> BTreeMap<String, usize> {
        let mut count = BTreeMap::new();
        for name in self.fakectl(&["names"]).lines() {
            *count.entry(name.to_owned()).or_insert(0) += 1;
        }
        count
    }
}

/// The fake's commands before all others.
fn search_path() -> String {
    format!("{TOOLS}:{}", std::env::var("PATH").unwrap())
}
