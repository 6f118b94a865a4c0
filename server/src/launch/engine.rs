//! The scheduler and the database of what was submitted to it: asking both about a night.

use std::sync::Arc;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};

use crate::config::{SchedulerKind, Settings};
use crate::hint::Hint;
use crate::model::{Notice, SchedulerHealth, TaskRecord};
use crate::night::{NightPaths, Observation};
use crate::schedule::{self, JobSnapshot, Scheduler, SchedulerError, SchedulerId};
use crate::status::Jobs;
use crate::store::local_queue::LocalQueue;
use crate::store::{Grace, ReadAccess, SiteDatabase, Store, StoreError, Submission};

use super::LaunchError;
use super::elsewhere::elsewhere;
use super::ledger::{night_jobs, question, resolve};

/// The database and the scheduler.
#[derive(Clone)]
pub struct Engine {
    /// The database.
    pub store: Store,
    /// The scheduler.
    pub scheduler: Arc<dyn Scheduler>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let engine = self.scheduler.engine();
        f.debug_struct("Engine").field("store", &self.store).field("scheduler", &engine).finish()
    }
}

impl Engine {
    /// Opens the database, which is made if it is missing, and the scheduler that is set.
    ///
    /// # Errors
    /// Either cannot be used.
    pub async fn open(settings: &Settings) -> Result<Self, LaunchError> {
        let grace = Grace::new(settings.server.lost_after);
        let store = SiteDatabase::of(settings).open().await?.with_grace(grace);
        let scheduler = schedule::open(&settings.server, store.clone())?;
        Ok(Self { store, scheduler })
    }

    /// Closes the database, so that SQLite clears its log away.
    pub async fn close(self) {
        drop(self.scheduler);
        self.store.close().await;
    }
}

/// A night's jobs as the scheduler and the database tell them.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The tasks that belong to the night.
    pub tasks: Vec<TaskRecord>,
    /// What a shifter should know of submissions.
    pub notices: Vec<Notice>,
    /// Whether the scheduler answers.
    pub health: SchedulerHealth,
}

impl Answer {
    /// Nobody was asked.
    pub fn unknown() -> Self {
        let Jobs { health, notices, .. } = Jobs::unknown();
        Self { tasks: Vec::new(), notices, health }
    }

    /// As the status room takes it.
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs { tasks: &self.tasks, health: self.health.clone(), notices: self.notices.clone() }
    }

    fn silent(engine: &str, error: &SchedulerError) -> Self {
        let (error, hint) = (Some(error.to_string()), error.hint());
        let health = SchedulerHealth { error, hint, ..SchedulerHealth::of(engine) };
        Self { health, ..Self::unknown() }
    }

    fn new(
        snapshot: &JobSnapshot,
        submissions: &[Submission],
        elsewhere: Option<String>,
        paths: &NightPaths,
        names: &[String],
        grace: Grace,
    ) -> Self {
        let ours = |submission: &Submission| {
            submission.date == paths.date && submission.prod_id == paths.prod_id
        };
        let night = night_jobs(submissions, ours, snapshot, names, grace);
        let mut notices = night.notices;
        notices.extend(snapshot.notices());
        let health = SchedulerHealth {
            answered: Some(snapshot.taken),
            elsewhere,
            ..SchedulerHealth::of(&snapshot.scheduler.engine)
        };
        Self { tasks: night.tasks, notices, health }
    }

    /// The answer, if a launch may rely on it.
    ///
    /// # Errors
    /// The scheduler did not answer, or it is another one than the night was submitted to.
    pub fn reliable(self) -> Result<Self, LaunchError> {
        if let Some(error) = self.health.error {
            return Err(LaunchError::Unanswered { error, hint: self.health.hint });
        }
        if let Some(why) = self.health.elsewhere {
            return Err(LaunchError::Elsewhere(why));
        }
        Ok(self)
    }
}

/// Asks the scheduler about a night, and writes down what its answer says about submissions. A
/// scheduler that does not answer is reported in the answer's health.
///
/// # Errors
/// The database cannot be read or written.
pub async fn ask(
    engine: &Engine,
    paths: &NightPaths,
    observation: &Observation,
    now: DateTime<Utc>,
) -> Result<Answer, LaunchError> {
    let (store, scheduler) = (&engine.store, &engine.scheduler);
    let names = names(observation);
    let known = store.submissions_named(&names).await?;
    let question = question(&names, &known, since(paths, now));
    let snapshot = match scheduler.jobs_of(&question).await {
        Ok(snapshot) => snapshot,
        Err(error) => return Ok(Answer::silent(scheduler.engine(), &error)),
    };
    resolve(store, &snapshot, now).await?;
    let submissions = store.submissions_named(&names).await?;
    let of_night = store.submissions_of(paths.date, &paths.prod_id).await?;
    let elsewhere = elsewhere(&of_night, &snapshot.scheduler);
    Ok(Answer::new(&snapshot, &submissions, elsewhere, paths, &names, store.grace))
}

/// As [`ask`], and writes nothing: a missing database is not made, an idle local scheduler is not
/// woken, and what the answer says of submissions is not written down.
///
/// # Errors
/// The database is there and cannot be read.
pub async fn ask_read_only(
    settings: &Settings,
    paths: &NightPaths,
    observation: &Observation,
    now: DateTime<Utc>,
) -> Result<Answer, LaunchError> {
    let server = &settings.server;
    let ReadAccess { store, notice } = SiteDatabase::of(settings).open_to_read().await?;
    let names = names(observation);
    let submissions = match &store {
        Some(store) => store.submissions_named(&names).await?,
        None => Vec::new(),
    };
    let since = since(paths, now);
    let question = question(&names, &submissions, since);
    let kind = server.scheduler;
    let snapshot = match (kind, &store) {
        (SchedulerKind::Slurm, _) => schedule::slurm(server).jobs_of(&question).await,
        (SchedulerKind::Local, Some(store)) => queued(store.clone(), since, now).await,
        // Its queue is in the database: `decided` tells why that cannot be read.
        (SchedulerKind::Local, None) if notice.is_some() => return Ok(Answer::unknown()),
        (SchedulerKind::Local, None) => Ok(local(Vec::new(), since, now)),
    };
    let snapshot = match snapshot {
        Ok(snapshot) => snapshot,
        Err(error) => return Ok(Answer::silent(kind.as_str(), &error)),
    };
    let of_night = match store {
        Some(store) => store.submissions_of(paths.date, &paths.prod_id).await?,
        None => Vec::new(),
    };
    let elsewhere = elsewhere(&of_night, &snapshot.scheduler);
    let grace = Grace::new(server.lost_after);
    Ok(Answer::new(&snapshot, &submissions, elsewhere, paths, &names, grace))
}

/// What was observed, as people have decided about it. A missing database holds no decision, and
/// is not made. Why it cannot be read from here is a notice.
///
/// # Errors
/// The database is damaged.
pub async fn decided(
    settings: &Settings,
    paths: &NightPaths,
    mut observation: Observation,
) -> Result<Observation, StoreError> {
    let ReadAccess { store, notice } = SiteDatabase::of(settings).open_to_read().await?;
    observation.notices.extend(notice);
    Ok(match store {
        Some(store) => observation.decided(store.decisions(paths.date, &paths.prod_id).await?),
        None => observation,
    })
}

async fn queued(
    store: Store,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<JobSnapshot, SchedulerError> {
    let tasks = LocalQueue::new(store).tasks(since, now).await;
    let tasks = tasks.map_err(SchedulerError::caused_by)?;
    Ok(local(tasks, since, now))
}

fn local(tasks: Vec<TaskRecord>, since: DateTime<Utc>, taken: DateTime<Utc>) -> JobSnapshot {
    let scheduler = SchedulerId::new(SchedulerKind::Local.as_str());
    JobSnapshot::new(scheduler, taken, since, tasks)
}

fn names(observation: &Observation) -> Vec<String> {
    observation.sequences.iter().map(crate::model::Sequence::job_name).collect()
}

/// How far back jobs are asked for: as many days as the configuration says
/// (`STARTTIME_DAYS_SACCT`), else to the noon before the night, two days at least and sixty at most,
/// since nobody keeps accounts of an old night waiting.
fn since(paths: &NightPaths, now: DateTime<Utc>) -> DateTime<Utc> {
    let back = |days| now.checked_sub_days(Days::new(days)).unwrap_or(now);
    match paths.config.slurm.starttime_days_sacct {
        Some(days) => back(days.into()),
        None => {
            let noon = paths.date.date().and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(12);
            noon.clamp(back(60), back(2))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::fixture::{Golden, now};

    #[test]
    fn jobs_are_asked_for_as_far_back_as_the_night() {
        let mut golden = Golden::new();
        let since_of = |golden: &Golden, date: &str| {
            let paths = golden.paths.of_night(date.parse().unwrap());
            since(&paths, now()).format("%Y-%m-%d %H").to_string()
        };
        assert_eq!(since_of(&golden, "2026-11-21"), "2026-11-20 07");
        assert_eq!(since_of(&golden, "2026-11-01"), "2026-11-01 12");
        assert_eq!(since_of(&golden, "2024-11-28"), "2026-09-23 07");
        golden.configure(|config| config.slurm.starttime_days_sacct = Some(7));
        assert_eq!(since_of(&golden, "2024-11-28"), "2026-11-15 07");
    }

    #[test]
    fn a_launch_relies_on_no_silence_and_on_no_other_scheduler() {
        let with = |change: fn(&mut SchedulerHealth)| {
            let mut answer = Answer { health: SchedulerHealth::of("slurm"), ..Answer::unknown() };
            change(&mut answer.health);
            answer.reliable()
        };
        assert!(with(|_| {}).is_ok());
        let silent = with(|health| health.error = Some("no answer".into()));
        assert!(matches!(silent, Err(LaunchError::Unanswered { .. })));
        let other = with(|health| health.elsewhere = Some("job 7 belongs to Slurm".into()));
        assert!(matches!(other, Err(LaunchError::Elsewhere(_))));
    }
}
