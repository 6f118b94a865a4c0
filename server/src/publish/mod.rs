//! Copying a night's datacheck to where it is looked at: a directory of this machine, or another
//! machine over ssh, with one connection for all files.
//!
//! Only what is new or other than its copy, by size and time, is copied; each file appears whole or
//! not at all. What is missing is reported, and keeps nothing else from being copied.

mod local;
mod remote;
mod sources;
mod tar;

pub use sources::{Found, products};

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::Settings;
use crate::hint::Hint;
use crate::internal::{Cause, InternalError, blocking};
use crate::model::{ActionOutcome, Author, CopyState, PublishPlan};
use crate::night::NightPaths;
use crate::store::{NewAction, Store, StoreError};

/// Why a night's datacheck cannot be copied.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// It is not said where to.
    #[error("{}: [WEBSERVER] DATACHECK is not set: it is the directory to copy to", .0.display())]
    NoDestination(PathBuf),
    /// The directory cannot be used.
    #[error("cannot use {}: {cause}", directory.display())]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// The other machine cannot be reached, or did not do what it was asked to.
    #[error("copying to {host} stopped: {problem}")]
    Remote {
        /// The machine.
        host: String,
        /// What is known.
        #[source]
        problem: Cause,
    },
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A failure within the program.
    #[error(transparent)]
    Internal(#[from] InternalError),
}

impl Hint for PublishError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NoDestination(file) => {
                Some(format!("set DATACHECK in section [WEBSERVER] of {}", file.display()))
            }
            Self::Directory { cause, .. } => cause.hint(),
            Self::Remote { host, .. } => Some(format!(
                "try `ssh -o BatchMode=yes {host} true` as this user: it must need no password; \
                 [WEBSERVER] HOST names the machine. Copying again sends only what is missing"
            )),
            Self::Store(error) => error.hint(),
            Self::Internal(error) => error.hint(),
        }
    }
}

/// A night whose datacheck is to be copied.
#[derive(Clone, Debug)]
pub struct Request {
    /// The night.
    pub paths: NightPaths,
    /// The PATH in which ssh is looked for.
    pub search_path: OsString,
    /// Who.
    pub author: Author,
    /// The program that does it, `user@host:pid`.
    pub process: String,
    /// Now.
    pub now: DateTime<Utc>,
}

impl Request {
    /// By the settings, for whoever asks.
    pub fn new(
        settings: &Settings,
        paths: NightPaths,
        (author, process): (Author, String),
        now: DateTime<Utc>,
    ) -> Self {
        Self { paths, search_path: settings.server.child_path(), author, process, now }
    }

    /// What would be copied; nothing is changed anywhere, and no other machine is asked. Blocks.
    ///
    /// # Errors
    /// [`PublishError::NoDestination`].
    pub fn plan(&self) -> Result<PublishPlan, PublishError> {
        let webserver = &self.paths.config.webserver;
        let root = webserver
            .datacheck
            .as_ref()
            .ok_or_else(|| PublishError::NoDestination(self.paths.config.file.clone()))?;
        let (files, missing) = sources::find(&self.paths);
        let mut plan = PublishPlan {
            date: self.paths.date,
            prod_id: self.paths.prod_id.clone(),
            host: webserver.host.clone().filter(|host| !host.is_empty()),
            root: root.display().to_string(),
            files,
            missing,
        };
        if plan.host.is_none() {
            local::compare(root, &mut plan.files);
        }
        Ok(plan)
    }

    /// Plans, and copies what was planned. A file that cannot be copied is reported in the plan that
    /// comes back, and keeps no other from being copied.
    ///
    /// # Errors
    /// Nothing can be copied at all, or the connection broke: what was copied before stays.
    #[tracing::instrument(name = "copy_datacheck", skip_all, fields(date = %self.paths.date, user = %self.author))]
    pub async fn execute(&self, store: &Store) -> Result<PublishPlan, PublishError> {
        let begun = Instant::now();
        let request = self.clone();
        let plan = blocking(move || request.plan()).await??;
        let entry = NewAction {
            date: plan.date,
            prod_id: &plan.prod_id,
            author: &self.author,
            process: &self.process,
            action: "copy_datacheck",
            plan: &plan,
        };
        let line = store.begin_action(&entry, self.now).await?;
        let path = self.search_path.clone();
        let copied = blocking(move || copy(plan, &path)).await?;
        let outcome = match &copied {
            Ok(plan) => summarize(plan),
            Err(error) => ActionOutcome { success: false, message: error.to_string() },
        };
        let took = TimeDelta::from_std(begun.elapsed()).unwrap_or(TimeDelta::MAX);
        let ended = store.end_action(line, &outcome, self.now + took).await;
        let plan = copied?;
        ended?;
        Ok(plan)
    }
}

fn copy(mut plan: PublishPlan, search_path: &OsString) -> Result<PublishPlan, PublishError> {
    match plan.host.clone() {
        None => local::copy(&PathBuf::from(&plan.root), &mut plan.files)?,
        Some(host) => remote::copy(&host, &plan.root, &mut plan.files, search_path)?,
    }
    Ok(plan)
}

/// The outcome of the files, in one line.
pub fn summarize(plan: &PublishPlan) -> ActionOutcome {
    let count = |state| plan.files.iter().filter(|file| file.state == state).count();
    let failed = plan.files.iter().filter(|file| file.error.is_some()).count();
    let mut parts = vec![format!("{} copied", count(CopyState::Copied))];
    for (number, word) in
        [(count(CopyState::Same), "the same"), (plan.missing.len(), "missing"), (failed, "failed")]
    {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    ActionOutcome { success: failed == 0, message: parts.join(", ") }
}
