//! Reading nights, runs and logs from the disk for viewers.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use app::backend::BackendError;
use chrono::{DateTime, Utc};

use crate::config::SiteConfig;
use crate::hint::Hint;
use crate::input_file;
use crate::model::{NightDate, NightList, NightStatus, Notice, ProdId, RunDetail, RunId};
use crate::night::{self, JobLog, MissingSummary, NightError, NightPaths, Observation, RunSummary};
use crate::schedule::JobSnapshot;
use crate::status::{
    Depth, Diagnosis, Jobs, NightInput, NightsCache, StatusCache, assess, list_nights, run_detail,
    unobserved, with_blockers,
};

use super::blocking_store::BlockingStore;
use super::jobs::JobNews;
use super::problem::unavailable;

/// Reads nights and runs from the disk. Every function blocks.
pub trait NightReader: Send + Sync + 'static {
    /// All nights.
    fn nights(&self, jobs: &JobNews, now: DateTime<Utc>) -> Result<NightList, BackendError>;

    /// A night.
    fn night(
        &self,
        date: NightDate,
        jobs: &JobNews,
        now: DateTime<Utc>,
    ) -> Result<NightStatus, BackendError>;

    /// A run.
    fn run(
        &self,
        date: NightDate,
        run: RunId,
        jobs: &JobNews,
        now: DateTime<Utc>,
    ) -> Result<RunDetail, BackendError>;

    /// A log file of a run, open. Nothing but a plain file of that run in the night's log directory
    /// is ever opened, whatever the name.
    fn open_log(&self, date: NightDate, run: RunId, name: &str) -> Result<File, BackendError>;

    /// Where the files of a night are, if there is such a night.
    fn paths(&self, date: NightDate) -> Result<NightPaths, BackendError>;

    /// The night in which a run was taken.
    fn night_of(&self, run: RunId) -> Result<NightDate, BackendError>;
}

/// The directory tree that the configuration describes.
#[derive(Debug)]
pub struct SiteReader {
    any_night: NightPaths,
    store: BlockingStore,
    histories: StatusCache,
    nights: NightsCache,
    diagnosis: Diagnosis,
}

impl SiteReader {
    /// Nothing is read yet.
    pub fn new(
        config: Arc<SiteConfig>,
        prod_id: ProdId,
        today: NightDate,
        store: BlockingStore,
    ) -> Self {
        Self {
            any_night: NightPaths::new(config, today, prod_id),
            store,
            histories: StatusCache::default(),
            nights: NightsCache::default(),
            diagnosis: Diagnosis::default(),
        }
    }

    /// With the operator's list of known errors.
    #[must_use]
    pub fn with_diagnosis(self, diagnosis: Diagnosis) -> Self {
        Self { diagnosis, ..self }
    }

    fn observe<T>(
        &self,
        date: NightDate,
        read: impl FnOnce(&NightPaths, Result<Observation, NightError>) -> Result<T, BackendError>,
    ) -> Result<T, BackendError> {
        let paths = self.any_night.of_night(date);
        match Observation::read(&paths, MissingSummary::Fail) {
            // A missing summary means that there is no such night. Other errors are shown.
            Err(error @ NightError::NoSummary { .. }) => {
                let text = format!("there is no night {date}: {error}");
                Err(BackendError::not_found(text).with_hint(error.hint()))
            }
            observation => read(&paths, observation.map(|seen| self.store.decided(&paths, seen))),
        }
    }
}

impl NightReader for SiteReader {
    fn nights(&self, jobs: &JobNews, now: DateTime<Utc>) -> Result<NightList, BackendError> {
        let any_night = &self.any_night;
        self.nights.decide(self.store.decisions_of_all_nights(&any_night.prod_id));
        let caches = (&self.nights, &self.histories);
        let of_night = |paths: &_, seen: &_| self.store.jobs_of(paths, seen, jobs).into_tasks();
        let nights = list_nights(&self.any_night, &room(jobs), of_night, caches, now)
            .map_err(|error| unavailable(&error))?;
        Ok(NightList { nights, scanned: now })
    }

    fn night(
        &self,
        date: NightDate,
        jobs: &JobNews,
        now: DateTime<Utc>,
    ) -> Result<NightStatus, BackendError> {
        self.observe(date, |paths, observation| match observation {
            Err(error) => Ok(unobserved(paths, &error, &room(jobs), now)),
            Ok(observation) => {
                let known = self.store.jobs_of(paths, &observation, jobs);
                let jobs = &known.room(jobs);
                let observation = &observation;
                let input =
                    NightInput { paths, observation, jobs, depth: Depth::Full, dl2: None, now };
                let mut status =
                    with_blockers(&input, assess(&input, &self.histories), &self.diagnosis);
                status.activity = self.store.activity(paths, now);
                Ok(status)
            }
        })
    }

    fn run(
        &self,
        date: NightDate,
        run: RunId,
        jobs: &JobNews,
        now: DateTime<Utc>,
    ) -> Result<RunDetail, BackendError> {
        self.observe(date, |paths, observation| {
            let observation = &observation.map_err(|error| unavailable(&error))?;
            let known = self.store.jobs_of(paths, observation, jobs);
            let jobs = &known.room(jobs);
            let input = NightInput { paths, observation, jobs, depth: Depth::Full, dl2: None, now };
            run_detail(&input, run, &self.histories).ok_or_else(|| {
                BackendError::not_found(format!("night {date} has no run {run} to process"))
            })
        })
    }

    fn open_log(&self, date: NightDate, run: RunId, name: &str) -> Result<File, BackendError> {
        let file = log_path(&self.any_night.of_night(date), run, name)?;
        input_file::open_no_link(&file).map_err(|error| match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                BackendError::unavailable(format!("the log {name} may not be read: {error}"))
                    .with_hint(error.hint())
            }
            _ => BackendError::not_found(format!("there is no log {name} of run {run}")),
        })
    }

    fn night_of(&self, run: RunId) -> Result<NightDate, BackendError> {
        match self.nights.night_of(run) {
            Some(date) => Ok(date),
            None => search(&self.any_night, run).map_err(|error| match error {
                NightError::NoNight { .. } => {
                    BackendError::not_found(format!("no run summary has a run {run}"))
                }
                error => unavailable(&error),
            }),
        }
    }

    fn paths(&self, date: NightDate) -> Result<NightPaths, BackendError> {
        let paths = self.any_night.of_night(date);
        match paths.run_summary().is_file() {
            true => Ok(paths),
            false => {
                let file = paths.run_summary();
                let text = format!("there is no night {date}: {} is missing", file.display());
                let hint = NightError::NoSummary { date, file }.hint();
                Err(BackendError::not_found(text).with_hint(hint))
            }
        }
    }
}

/// Nights whose run summaries are searched for a run; older runs are in the file of all runs.
const SEARCHED: usize = 60;

fn search(any_night: &NightPaths, run: RunId) -> Result<NightDate, NightError> {
    let nights = night::list(&any_night.config)?;
    let has = |date: &&NightDate| {
        let summary = RunSummary::read(&any_night.of_night(**date));
        summary.is_ok_and(|summary| summary.run(run).is_some())
    };
    match nights.iter().take(SEARCHED).find(has) {
        Some(date) => Ok(*date),
        None => night::night_of(run, any_night),
    }
}

/// Where the log is, if its name is one that a job of this run gives its logs: such a name has no
/// place for directories.
fn log_path(paths: &NightPaths, run: RunId, name: &str) -> Result<PathBuf, BackendError> {
    let log = JobLog::parse(name).filter(|log| log.run == run && log.name() == name);
    let log = log.ok_or_else(|| {
        BackendError::not_found(format!("{name:?} is not the name of a log of run {run}"))
    })?;
    Ok(paths.job_log(&log))
}

/// All jobs of all nights, as the status room takes them.
fn room(news: &JobNews) -> Jobs<'_> {
    Jobs { tasks: news.tasks(), health: news.health.clone(), notices: unreadable(news) }
}

/// What to say of lines that could not be understood.
pub(super) fn unreadable(news: &JobNews) -> Vec<Notice> {
    news.snapshot.as_deref().map_or_else(Vec::new, JobSnapshot::notices)
}
