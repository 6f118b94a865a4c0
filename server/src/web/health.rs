//! Whether the server is well: what has to work is tried, not only asked about.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fmt, io};

use chrono::{DateTime, TimeDelta, Utc};
use nix::sys::statvfs::statvfs;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::hint::Hint;
use crate::internal::InternalError;
use crate::model::SchedulerHealth;
use crate::store::{Store, StoreError};

/// What is checked may take so long.
const PATIENCE: Duration = Duration::from_secs(5);
/// A result stands for so long: however often somebody asks, the checks cost nothing.
const LIFETIME: Duration = Duration::from_secs(2);
/// A scheduler whose last answer is older is not well; in between it is left alone for two minutes, and given
/// up after a minute and a half.
const SCHEDULER_SILENT: TimeDelta = TimeDelta::minutes(5);
const MB: u64 = 1_000_000;

/// What the checks are about.
#[derive(Clone, Debug)]
pub struct HealthConfig {
    /// Directories whose disks must have space.
    pub directories: Vec<PathBuf>,
    /// Free space, in MB, that each disk must have.
    pub least_free_mb: u64,
}

/// Something that has to work, and whether it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Check {
    /// `database`, `threads`, `scheduler` or `disk`.
    pub name: &'static str,
    /// Whether it works.
    pub ok: bool,
    /// What was found, with what to do where it does not work.
    pub detail: String,
}

impl Check {
    fn new(name: &'static str, found: Result<String, String>) -> Self {
        let ok = found.is_ok();
        let (Ok(detail) | Err(detail)) = found;
        Self { name, ok, detail }
    }
}

/// The checks, and what came of them last.
pub struct Checks {
    config: HealthConfig,
    store: Store,
    started: DateTime<Utc>,
    tried: Mutex<Tried>,
}

/// What came of the checks last, and what of them is still under way.
#[derive(Default)]
struct Tried {
    at: Option<Instant>,
    checks: Vec<Check>,
    database: Trial<Result<(), StoreError>>,
    threads: Trial<()>,
    disks: Vec<Trial<io::Result<u64>>>,
}

/// Something that is tried, and never twice at once: a try that hangs holds a thread, and is waited for
/// again. It is never cut short either, which would leave a transaction half begun.
struct Trial<T>(Option<JoinHandle<T>>);

impl<T> Default for Trial<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Trial<T> {
    /// What came of it; `None` if that takes too long.
    async fn outcome(
        &mut self,
        begin: impl FnOnce() -> JoinHandle<T>,
    ) -> Option<Result<T, InternalError>> {
        let under_way = self.0.get_or_insert_with(begin);
        let ended = tokio::time::timeout(PATIENCE, under_way).await.ok()?;
        self.0 = None;
        Some(ended.map_err(InternalError::from))
    }
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checks").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Checks {
    /// Of a server that begins now.
    pub fn new(config: HealthConfig, store: Store) -> Self {
        Self { config, store, started: Utc::now(), tried: Mutex::default() }
    }

    /// What works and what does not, as of this moment.
    pub async fn results(&self, scheduler: &SchedulerHealth) -> Vec<Check> {
        let mut checks = self.own().await;
        let found = scheduler_answers(scheduler, self.started, Utc::now());
        checks.push(Check::new("scheduler", found));
        checks
    }

    /// What is ours, tried at most every now and then.
    async fn own(&self) -> Vec<Check> {
        let mut tried = self.tried.lock().await;
        if tried.at.is_some_and(|at| at.elapsed() < LIFETIME) {
            return tried.checks.clone();
        }
        let Tried { database, threads, disks, .. } = &mut *tried;
        let (database, threads, disks) =
            tokio::join!(self.database(database), self.threads(threads), self.disks(disks));
        tried.checks = vec![Check::new("database", database), Check::new("threads", threads)];
        tried.checks.extend(disks.into_iter().map(|disk| Check::new("disk", disk)));
        tried.at = Some(Instant::now());
        tried.checks.clone()
    }

    /// Whether the database can be written.
    async fn database(&self, trial: &mut Trial<Result<(), StoreError>>) -> Result<String, String> {
        let file = self.store.file.display();
        let store = self.store.clone();
        let write = || tokio::spawn(async move { store.note_health(Utc::now()).await });
        match trial.outcome(write).await {
            Some(Ok(Ok(()))) => Ok(format!("{file} can be written")),
            Some(Ok(Err(error))) => Err(match error.hint() {
                Some(hint) => format!("{error}: {hint}"),
                None => error.to_string(),
            }),
            Some(Err(error)) => Err(error.to_string()),
            None => Err(format!(
                "{file} could not be written within {} s: another program holds it, or its disk \
                 hangs",
                PATIENCE.as_secs()
            )),
        }
    }

    /// Whether work that blocks finds a thread.
    async fn threads(&self, trial: &mut Trial<()>) -> Result<String, String> {
        match trial.outcome(|| tokio::task::spawn_blocking(|| ())).await {
            Some(Ok(())) => Ok("work that blocks finds a thread".to_owned()),
            Some(Err(error)) => Err(error.to_string()),
            None => Err(format!(
                "no thread was free within {} s: a disk or file system hangs, see the log",
                PATIENCE.as_secs()
            )),
        }
    }

    /// Whether the disks have space.
    async fn disks(&self, trials: &mut Vec<Trial<io::Result<u64>>>) -> Vec<Result<String, String>> {
        trials.resize_with(self.config.directories.len(), Trial::default);
        let mut found = Vec::new();
        for (directory, trial) in self.config.directories.iter().zip(trials) {
            let shown = directory.display();
            let directory = directory.clone();
            let read = || tokio::task::spawn_blocking(move || free_space(&directory));
            found.push(match trial.outcome(read).await {
                Some(Ok(Ok(free))) => enough(&shown, free / MB, self.config.least_free_mb),
                Some(Ok(Err(error))) => {
                    Err(format!("cannot tell the free space at {shown}: {error}"))
                }
                Some(Err(error)) => Err(error.to_string()),
                None => Err(format!("the disk of {shown} does not answer: see whether it hangs")),
            });
        }
        found
    }
}

/// Free space, in bytes, on the disk of a directory, or of where it will be made. Blocks.
fn free_space(directory: &Path) -> io::Result<u64> {
    let there = directory.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let disk = statvfs(there)?;
    Ok(disk.blocks_available().saturating_mul(disk.fragment_size()))
}

fn enough(shown: &impl fmt::Display, free_mb: u64, least_mb: u64) -> Result<String, String> {
    if free_mb >= least_mb {
        return Ok(format!("{free_mb} MB are free at {shown}"));
    }
    Err(format!(
        "only {free_mb} MB are free at {shown}, less than `least_free_mb` in osa.toml \
         (OSA_LEAST_FREE_MB), {least_mb}: free some space"
    ))
}

fn scheduler_answers(
    health: &SchedulerHealth,
    started: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<String, String> {
    let engine = &health.engine;
    let error = health.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    let silent = now - health.answered.unwrap_or(started);
    let age = format!("{} s", silent.num_seconds().max(0));
    match (silent < SCHEDULER_SILENT, health.answered) {
        (true, Some(_)) => Ok(format!("{engine} answered {age} ago{error}")),
        (true, None) => Ok(format!("{engine} was not asked yet, or has not answered{error}")),
        (false, Some(_)) => Err(format!("{engine} has not answered for {age}{error}")),
        (false, None) => Err(format!("{engine} has never answered since the start{error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheduler_may_be_silent_for_minutes_and_no_longer() {
        let started = DateTime::UNIX_EPOCH;
        let minute = |minutes| started + TimeDelta::minutes(minutes);
        let of = |answered: Option<i64>, error: Option<&str>, now| {
            let health = SchedulerHealth {
                answered: answered.map(minute),
                error: error.map(str::to_owned),
                ..SchedulerHealth::of("slurm")
            };
            scheduler_answers(&health, started, minute(now))
        };
        assert!(of(None, None, 4).is_ok() && of(Some(10), Some("slow"), 14).is_ok());
        let silent = of(Some(10), Some("no route to host"), 15).unwrap_err();
        assert_eq!(silent, "slurm has not answered for 300 s: no route to host");
        assert!(of(None, None, 5).unwrap_err().contains("never answered"));
    }

    #[test]
    fn a_disk_without_space_is_named_with_the_setting() {
        let dir = tempfile::tempdir().unwrap();
        assert!(free_space(&dir.path().join("not/yet/made")).unwrap() > 0);
        assert_eq!(enough(&"/data", 7, 7).unwrap(), "7 MB are free at /data");
        let full = enough(&"/data", 6, 7).unwrap_err();
        assert!(full.contains("/data") && full.contains("OSA_LEAST_FREE_MB"), "{full}");
    }

    #[tokio::test]
    async fn what_hangs_is_tried_once_and_waited_for() {
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let mut trial = Trial::default();
        let begun = std::cell::Cell::new(0);
        let hang = |ended: tokio::sync::oneshot::Receiver<()>| {
            begun.set(begun.get() + 1);
            tokio::spawn(async move { ended.await.is_ok() })
        };
        // Asked and not waited for, as by somebody who has gone.
        let asked = trial.outcome(|| hang(ended));
        assert!(tokio::time::timeout(Duration::ZERO, asked).await.is_err());
        end.send(()).unwrap();
        let (_, other) = tokio::sync::oneshot::channel();
        assert!(matches!(trial.outcome(|| hang(other)).await, Some(Ok(true))));
        assert_eq!(begun.get(), 1);
    }
}
