//! The local scheduler.

use std::path::{Path, PathBuf};
use std::time::Duration;

use server::schedule::Scheduler;
use server::schedule::local::{Local, Place, Settings};
use server::store::Store;
use tempfile::TempDir;

use super::lab::Lab;
use super::scenarios::scheduler_scenarios;

/// A queue of its own, with this build's `osa` as supervisor and runner.
pub struct LocalLab {
    dir: TempDir,
    scheduler: Local,
}

/// Impatient settings: processes must not outlive their test for long.
pub fn settings() -> Settings {
    Settings { cpus: 2, grace: Duration::from_secs(2), idle: Duration::from_millis(500) }
}

impl LocalLab {
    pub async fn new() -> Self {
        Self::with(settings()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let scheduler = open(dir.path(), settings).await;
        Self { dir, scheduler }
    }

    pub fn database(&self) -> PathBuf {
        self.dir.path().join("osa.sqlite")
    }

    pub fn place(&self) -> Place {
        Place::of(&self.database()).unwrap()
    }

    /// What supervisors and runners said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.place().log()).unwrap_or_default()
    }
}

impl Drop for LocalLab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the log of the local scheduler:\n{}", self.log());
        }
    }
}

/// The scheduler with its queue in `dir`, as a further process would open it.
pub async fn open(dir: &Path, settings: Settings) -> Local {
    let store = Store::open(&dir.join("osa.sqlite")).await.unwrap();
    Local::new(store, env!("CARGO_BIN_EXE_osa").into(), settings)
}

#[async_trait::async_trait]
impl Lab for LocalLab {
    fn scheduler(&self) -> &dyn Scheduler {
        &self.scheduler
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }
}

scheduler_scenarios!(LocalLab::new().await);
