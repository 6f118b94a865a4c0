//! A site and a scheduler that tests make up.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use app::backend::BackendError;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::actions::{ActionError, ActionService, ConfirmedAction, ExecutionState};
use crate::internal::lock;
use crate::model::*;
use crate::schedule::{
    JobRequest, JobSnapshot, Scheduler, SchedulerError, SchedulerId, SubmitError,
};

use super::jobs::JobNews;
use super::reader::NightReader;

/// The night that exists.
pub const NIGHT: &str = "2024-11-28";

/// A scheduler that answers as set, or fails, or hangs.
#[derive(Clone)]
pub struct FakeScheduler {
    answer: Arc<Mutex<Result<Vec<TaskRecord>, String>>>,
    hanging: watch::Sender<bool>,
}

impl FakeScheduler {
    /// Knows no job.
    pub fn new() -> Self {
        Self { answer: Arc::new(Mutex::new(Ok(Vec::new()))), hanging: watch::Sender::new(false) }
    }

    /// From now on it knows job 7 of run 19102, with tasks in these states.
    pub fn set(&self, states: &[&str]) {
        let tasks = states.iter().zip(0..).map(|(state, task)| record(task, state)).collect();
        *self.answer.lock().unwrap() = Ok(tasks);
    }

    /// From now on it fails.
    pub fn fail(&self, message: &str) {
        *self.answer.lock().unwrap() = Err(message.to_owned());
    }

    /// From now on it does not answer, or does so again.
    pub fn hang(&self, hanging: bool) {
        self.hanging.send_replace(hanging);
    }
}

#[async_trait]
impl Scheduler for FakeScheduler {
    fn engine(&self) -> &'static str {
        "slurm"
    }

    async fn submit(&self, _: &JobRequest) -> Result<JobId, SubmitError> {
        Err(SubmitError::Refused(SchedulerError::new("a test does not submit")))
    }

    async fn jobs(&self, since: DateTime<Utc>) -> Result<JobSnapshot, SchedulerError> {
        let _ = self.hanging.subscribe().wait_for(|hanging| !hanging).await;
        let answer = lock(&self.answer).clone();
        answer
            .map(|tasks| {
                let scheduler = SchedulerId::new(self.engine());
                JobSnapshot::new(scheduler, Utc::now(), since, tasks)
            })
            .map_err(SchedulerError::new)
    }

    async fn cancel(&self, _: JobId) -> Result<(), SchedulerError> {
        Ok(())
    }
}

/// Task of job 7.
pub fn record(task: u32, state: &str) -> TaskRecord {
    TaskRecord {
        job: JobId(7),
        task: Some(task),
        name: "LST1_19102".into(),
        comment: String::new(),
        state: state.parse().unwrap(),
        exit: None,
        cpu_seconds: 1855,
        elapsed_seconds: 620,
        max_rss_bytes: Some(1_234_000_000),
        submitted: None,
        started: None,
        ended: None,
        reason: String::new(),
        restarts: 0,
        nodes: String::new(),
    }
}

/// A site with one night of one calibration and one run, whose logs are real files.
pub struct FakeSite {
    /// What failed, by subrun.
    pub failed: Mutex<Vec<u32>>,
    /// Subruns of the run.
    pub subruns: u32,
    /// Directory of logs.
    pub logs: PathBuf,
    /// Why nothing can be read, if so.
    pub error: Mutex<Option<BackendError>>,
}

impl FakeSite {
    /// Three subruns, of which the third has failed.
    pub fn new(logs: PathBuf) -> Self {
        Self { failed: Mutex::new(vec![2]), subruns: 3, logs, error: Mutex::new(None) }
    }

    fn check(&self, date: NightDate) -> Result<(), BackendError> {
        if let Some(error) = self.error.lock().unwrap().clone() {
            return Err(error);
        }
        match date.to_string() == NIGHT {
            true => Ok(()),
            false => Err(BackendError::not_found(format!("there is no night {date}"))),
        }
    }

    fn sequence(&self, jobs: &JobNews) -> SequenceStatus {
        let failed = self.failed.lock().unwrap();
        let segments = (0..self.subruns).map(|subrun| {
            let (done, condition) = match failed.contains(&subrun) {
                true => (Some(Stage::R0ToDl1), Condition::Failed),
                false => (Some(Stage::Dl1ToDl2), Condition::Done),
            };
            Segment { first: subrun, last: subrun, done, condition }
        });
        let mut counts = std::collections::BTreeMap::new();
        for task in jobs.tasks() {
            *counts.entry(task.state.clone()).or_insert(0) += 1;
        }
        SequenceStatus {
            sequence: Sequence {
                number: 2,
                parent: Some(1),
                run: RunId(19102),
                kind: Kind::Data,
                subruns: self.subruns,
                source: Some("BL Lac".into()),
            },
            action: SequenceAction::Check,
            tries: Some(1),
            job: Some(JobId(7)),
            state: jobs.tasks().first().map(|task| task.state.clone()),
            counts,
            cpu_seconds: Some(1855),
            exit: None,
            reason: String::new(),
            percent: Some(Percentages { dl1: 100, muons: 83, dl1ab: 83, datacheck: 83, dl2: 83 }),
            segments: segments.collect(),
            quality: None,
        }
    }
}

impl NightReader for FakeSite {
    fn nights(&self, jobs: &JobNews, now: DateTime<Utc>) -> Result<NightList, BackendError> {
        let night = self.night(NIGHT.parse().unwrap(), jobs, now)?;
        Ok(NightList { nights: vec![crate::status::summary(&night)], scanned: now })
    }

    fn night(
        &self,
        date: NightDate,
        jobs: &JobNews,
        now: DateTime<Utc>,
    ) -> Result<NightStatus, BackendError> {
        self.check(date)?;
        Ok(NightStatus {
            date,
            prod_id: "v0.1.0".parse().unwrap(),
            state: NightState::Failing,
            calibration: Some(CalibrationRuns { drs4: RunId(19100), pedcal: RunId(19101) }),
            sequences: vec![self.sequence(jobs)],
            decisions: Vec::new(),
            datacheck_notes: Vec::new(),
            blockers: Vec::new(),
            activity: NightActivity::default(),
            notices: vec![
                Notice {
                    severity: Severity::Info,
                    message: "run 19105 is of type ERRPEDCALIB".into(),
                    hint: String::new(),
                },
                Notice {
                    severity: Severity::Error,
                    message: "1 subrun of run 19102 has failed <twice>".into(),
                    hint: "see its log".into(),
                },
            ],
            scheduler: jobs.health.clone(),
            scanned: now,
        })
    }

    fn run(
        &self,
        date: NightDate,
        run: RunId,
        jobs: &JobNews,
        now: DateTime<Utc>,
    ) -> Result<RunDetail, BackendError> {
        self.check(date)?;
        if run != RunId(19102) {
            return Err(BackendError::not_found(format!("night {date} has no run {run}")));
        }
        let status = self.sequence(jobs);
        let subruns = status.segments.iter().map(|segment| {
            let failed = segment.condition == Condition::Failed;
            SubrunDetail {
                subrun: Subrun(segment.first),
                done: segment.done,
                condition: segment.condition,
                failed: failed.then_some(Stage::Dl1ab),
                rc: Some(i32::from(failed)),
                tries: 4,
                task: jobs.tasks().get(segment.first as usize).cloned(),
                logs: vec![LogFile {
                    name: format!("Run19102.{:04}_jobid_7.err", segment.first),
                    size: 10,
                    modified: now,
                }],
            }
        });
        Ok(RunDetail {
            date,
            prod_id: "v0.1.0".parse().unwrap(),
            subruns: subruns.collect(),
            status,
            history: vec![HistoryLine {
                run: "19102.0002".into(),
                executable: "lstchain_dl1ab".into(),
                prod_id: "tailcut84".into(),
                when: "2024-11-29 09:14".into(),
                input: Some("/data/dl1_LST-1.Run19102.0002.h5".into()),
                config: None,
                rc: 1,
            }],
            older_history_lines: 0,
            tasks: jobs.tasks().to_vec(),
            logs: Vec::new(),
            scheduler: jobs.health.clone(),
            scanned: now,
        })
    }

    fn open_log(&self, date: NightDate, run: RunId, name: &str) -> Result<File, BackendError> {
        self.check(date)?;
        let missing = || BackendError::not_found(format!("there is no log {name} of run {run}"));
        crate::night::JobLog::parse(name).filter(|log| log.run == run).ok_or_else(missing)?;
        crate::input_file::open_no_link(&self.logs.join(name)).map_err(|_| missing())
    }

    fn night_of(&self, run: RunId) -> Result<NightDate, BackendError> {
        match run {
            RunId(19102) => Ok(NIGHT.parse().unwrap()),
            _ => Err(BackendError::not_found(format!("no run summary has a run {run}"))),
        }
    }

    fn paths(&self, date: NightDate) -> Result<crate::night::NightPaths, BackendError> {
        self.check(date)?;
        let config = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/sequencer.cfg");
        let mut config = crate::config::SiteConfig::load(std::path::Path::new(config)).unwrap();
        config.directories.analysis_dir = self.logs.join("running");
        config.directories.dl1_dir = self.logs.join("dl1");
        config.directories.longterm_dir = self.logs.join("longterm");
        config.directories.pedestal_dir = self.logs.join("drs4");
        config.directories.calib_dir = self.logs.join("charge");
        Ok(crate::night::NightPaths::new(config.into(), date, "v0.1.0".parse().unwrap()))
    }
}

/// Plans every action as one job, and records what it executes.
#[derive(Clone, Default)]
pub struct FakeActions {
    /// What was to be done, by whom.
    pub done: Arc<Mutex<Vec<(Action, String)>>>,
    /// What stands in the way.
    pub obstacles: Arc<Mutex<Vec<String>>>,
}

impl FakeActions {
    /// The mark of its plans.
    pub const MARK: &str = "mark";
}

#[async_trait]
impl ActionService for FakeActions {
    async fn plan(
        &self,
        date: NightDate,
        action: Action,
        _: DateTime<Utc>,
    ) -> Result<ActionPlan, ActionError> {
        Ok(ActionPlan {
            date,
            action,
            obstacles: self.obstacles.lock().unwrap().clone(),
            doubts: Vec::new(),
            steps: vec![PlannedStep { title: "submit <LST1_19102>".into(), items: Vec::new() }],
            jobs: 1,
            files: 0,
            bytes: 0,
            mark: Self::MARK.into(),
        })
    }

    async fn carry_out(&self, confirmed: ConfirmedAction) -> Result<ExecutionState, ActionError> {
        let plan = self.plan(confirmed.date, confirmed.action.clone(), confirmed.now).await?;
        if !plan.obstacles.is_empty() {
            return Err(ActionError::Obstacles(Box::new(plan)));
        }
        if confirmed.mark != Self::MARK {
            return Err(ActionError::Changed(Box::new(plan)));
        }
        self.done.lock().unwrap().push((confirmed.action, confirmed.author.to_string()));
        Ok(ExecutionState::UnderWay)
    }
}
