//! The local scheduler: the common scenarios, what it alone promises, and what it survives.

mod command;
mod crashes;
mod processes;
mod promises;
mod rivals;

use std::path::{Path, PathBuf};
use std::time::Duration;

use server::schedule::Scheduler;
use server::schedule::local::{Local, Place, Settings};
use server::store::Store;
use tempfile::TempDir;

use super::lab::{Lab, until};
use super::scenarios::scheduler_scenarios;
use crate::support::{OSA, executable};
use processes::{Process, processes};

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

    /// A lab whose runners first do what the shell lines `before` say; `$LAB` is its directory.
    pub async fn with_runners(before: &str) -> Self {
        let mut lab = Self::new().await;
        let program = lab.dir.path().join("bin/osa");
        let quote = |path: &Path| format!("'{}'", path.display());
        let body = format!(
            "LAB={}\nif [ \"$1\" = local-task ]; then\n{before}\nfi\n\
             exec bash -c 'exec -a \"$0\" {OSA} \"$@\"' {} \"$@\"",
            quote(lab.dir.path()),
            quote(&program),
        );
        executable(&program, &body);
        let store = Store::open(&lab.database()).await.unwrap();
        lab.scheduler = Local::new(store, program, settings());
        lab
    }

    /// The same queue as another process would open it.
    pub async fn reopened(&self) -> Local {
        open(self.dir.path(), settings()).await
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

    /// Its supervisors that live now.
    pub fn supervisors(&self) -> Vec<Process> {
        processes(&["local-scheduler", self.database().to_str().unwrap()])
    }

    /// Its runners that live now.
    pub fn runners(&self) -> Vec<Process> {
        processes(&["local-task", self.database().to_str().unwrap()])
    }

    /// Waits until the supervisor at work is there.
    pub async fn supervisor(&self) -> Process {
        until(self, "one supervisor", || async {
            match self.supervisors().as_slice() {
                [one] if self.place().has_supervisor().unwrap() => Ok(one.clone()),
                others => Err(format!("{others:?}")),
            }
        })
        .await
    }

    /// Ends a process as none can survive, and waits until it is gone.
    pub async fn kill(&self, process: &Process) {
        process.kill();
        until(self, "the end of a killed process", || async {
            if process.is_alive() { Err(format!("{process:?}")) } else { Ok(()) }
        })
        .await;
    }

    /// Waits until there is one runner.
    pub async fn runner(&self) -> Process {
        until(self, "one runner", || async {
            match self.runners().as_slice() {
                [one] => Ok(one.clone()),
                others => Err(format!("{others:?}")),
            }
        })
        .await
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
    Local::new(store, OSA.into(), settings)
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

mod scenarios {
    use super::{LocalLab, scheduler_scenarios};

    scheduler_scenarios!(LocalLab::new().await);
}
