//! What the tests of this room and of those above it build with: the golden night as the original
//! wrote it, in a directory of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, TimeZone, Utc};

use crate::config::SiteConfig;
use crate::model::{JobId, NightStatus, RunDetail, RunId, SchedulerHealth, TaskRecord};
use crate::night::{MissingSummary, NightPaths, Observation};

use super::{Depth, Jobs, NightInput, StatusCache, night_status, run_detail};

/// The night 2024-11-28 of `golden/tree.json`.
pub struct Golden {
    dir: tempfile::TempDir,
    pub paths: NightPaths,
}

/// When the tests take place.
pub fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 22, 7, 43, 57).unwrap()
}

impl Golden {
    pub fn new() -> Self {
        Self::named("real")
    }

    /// The night in a tree whose directory has this name.
    pub fn named(name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().join(name);
        let text = include_str!("../../tests/golden/sequencer.cfg");
        let text = text.replace("BASE: /fefs/aswg/data/real", &format!("BASE: {}", base.display()));
        let config = dir.path().join("sequencer.cfg");
        fs::write(&config, text).unwrap();
        let config = Arc::new(SiteConfig::load(&config).unwrap());
        let prod_id = config.prod_id.clone().unwrap();
        let paths = NightPaths::new(config, "2024-11-28".parse().unwrap(), prod_id);
        let golden = Self { dir, paths };
        let tree: BTreeMap<String, String> =
            serde_json::from_str(include_str!("../../tests/golden/tree.json")).unwrap();
        for (path, content) in &tree {
            golden.put(base.join(path), content);
        }
        golden
    }

    /// Changes the configuration; the paths follow.
    pub fn configure(&mut self, change: impl FnOnce(&mut SiteConfig)) {
        change(Arc::make_mut(&mut self.paths.config));
    }

    /// A directory beside the tree.
    pub fn beside(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    /// Writes a file with its directories.
    #[allow(clippy::unused_self)] // the file belongs to the night
    pub fn put(&self, file: PathBuf, content: &str) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    /// Writes a file of the analysis directory.
    pub fn analysis(&self, name: &str, content: &str) {
        self.put(self.paths.analysis_dir().join(name), content);
    }

    pub fn observation(&self) -> Observation {
        Observation::read(&self.paths, MissingSummary::Fail).unwrap()
    }

    pub fn status(&self, depth: Depth, tasks: &[TaskRecord]) -> NightStatus {
        self.input(depth, tasks, |input| night_status(&input, &StatusCache::default()))
    }

    pub fn run(&self, run: u32, tasks: &[TaskRecord]) -> Option<RunDetail> {
        self.input(Depth::Full, tasks, |input| {
            run_detail(&input, RunId(run), &StatusCache::default())
        })
    }

    pub fn input<T>(
        &self,
        depth: Depth,
        tasks: &[TaskRecord],
        then: impl FnOnce(NightInput<'_>) -> T,
    ) -> T {
        let observation = self.observation();
        let health = SchedulerHealth { answered: Some(now()), ..SchedulerHealth::of("slurm") };
        let jobs = Jobs { tasks, health, notices: Vec::new() };
        then(NightInput {
            paths: &self.paths,
            observation: &observation,
            jobs: &jobs,
            depth,
            dl2: None,
            now: now(),
        })
    }
}

/// A history in which these executables of the golden configuration ended so, one after another.
pub fn history(subrun: &str, tries: &[(&str, i32)]) -> String {
    let prod = |stage: &str| match stage {
        "lstchain_dl1ab" | "lstchain_check_dl1" => "tailcut84",
        "lstchain_dl1_to_dl2" => "model2",
        _ => "v0.1.0",
    };
    let line = |(stage, rc): &(&str, i32)| {
        format!("{subrun} {stage} {} 2024-11-29 02:14 in conf.json {rc}\n", prod(stage))
    };
    tries.iter().map(line).collect::<Vec<_>>().concat()
}

/// The history of a subrun of which everything is done.
pub fn complete(subrun: &str) -> String {
    let stages =
        ["lstchain_data_r0_to_dl1", "lstchain_dl1ab", "lstchain_check_dl1", "lstchain_dl1_to_dl2"];
    history(subrun, &stages.map(|stage| (stage, 0)))
}

/// Task `index` of a job of run 19102, in a state.
pub fn task(job: u64, index: usize, state: &str) -> TaskRecord {
    task_of(19102, job, u32::try_from(index).ok(), state)
}

/// A task of a run.
pub fn task_of(run: u32, job: u64, index: Option<u32>, state: &str) -> TaskRecord {
    TaskRecord {
        job: JobId(job),
        task: index,
        name: format!("LST1_{run}"),
        comment: String::new(),
        state: state.to_owned().into(),
        exit: None,
        cpu_seconds: 0,
        elapsed_seconds: 0,
        max_rss_bytes: None,
        submitted: None,
        started: None,
        ended: None,
        reason: String::new(),
        restarts: 0,
        nodes: String::new(),
    }
}
