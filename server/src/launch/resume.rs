//! Going on with launches that were cut short: their program is gone, and some of their jobs were not
//! submitted.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::Settings;
use crate::hint::Hint;
use crate::internal::{blocking, executable};
use crate::model::{ActionOutcome, AuditEntry, Author, NightDate, ProdId};
use crate::night::{MissingSummary, NightError, NightPaths, Observation};
use crate::store::{Store, StoreError};

use super::request::{LaunchRequest, Launched, author};
use super::submit::Verdict;
use super::{Engine, LaunchError, LaunchOptions, ScriptOptions};

/// A launch that was cut short longer ago is no longer what anybody wants.
const LONGEST: TimeDelta = TimeDelta::days(1);
/// So often it is tried again while the outcome of single jobs is unknown.
const TRIES: u32 = 5;

/// A launch whose program is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupted {
    /// Its line in the audit log.
    pub line: i64,
    /// The night.
    pub date: NightDate,
    /// The production.
    pub prod_id: ProdId,
    /// How it was launched.
    pub options: LaunchOptions,
    /// What its jobs were for.
    pub purposes: BTreeSet<String>,
    /// When it was begun.
    pub begun: DateTime<Utc>,
}

/// Why a launch was not resumed.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// It cannot be launched.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// The night cannot be read.
    #[error(transparent)]
    Night(#[from] NightError),
}

impl Hint for ResumeError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Launch(error) => error.hint(),
            Self::Night(error) => error.hint(),
        }
    }
}

/// The launches that were cut short on this machine, are the last thing that was done to their night,
/// and were begun within a day.
///
/// # Errors
/// The database cannot be read.
pub async fn interrupted(
    store: &Store,
    now: DateTime<Utc>,
) -> Result<Vec<Interrupted>, StoreError> {
    let open = store.last_open_actions("launch", now - LONGEST).await?;
    let gone = open.into_iter().filter(|entry| is_gone(&entry.process));
    Ok(gone.filter_map(interrupted_by).collect())
}

fn interrupted_by(entry: AuditEntry) -> Option<Interrupted> {
    let AuditEntry { id: line, night: date, prod_id, plan, begun, .. } = entry;
    // Earlier versions did not write down how a night was launched.
    let options = serde_json::from_value(plan.get("options")?.clone()).ok()?;
    let purpose = |job: &serde_json::Value| job.get("purpose")?.as_str().map(str::to_owned);
    let purposes = plan.get("jobs")?.as_array()?.iter().filter_map(purpose).collect();
    Some(Interrupted { line, date, prod_id, options, purposes, begun })
}

/// Whether a program (`user@host:pid`) has run on this machine and is gone. Of one with our own number
/// it is certain: we have not launched anything yet.
fn is_gone(process: &str) -> bool {
    let (Some((host, pid)), own) = (place(process), author()) else { return false };
    let here = place(&own).is_some_and(|(here, _)| here == host);
    here && (pid == std::process::id() || !Path::new("/proc").join(pid.to_string()).exists())
}

fn place(process: &str) -> Option<(&str, u32)> {
    let (who, pid) = process.rsplit_once(':')?;
    let host = who.rsplit_once('@').map_or(who, |(_, host)| host);
    Some((host, pid.parse().ok()?))
}

/// Goes on with a launch: what was submitted is not submitted again. Jobs of which it is not known yet
/// whether they were submitted are waited for.
///
/// # Errors
/// The night cannot be read, or see [`LaunchRequest::launch`].
pub async fn resume(
    engine: &Engine,
    settings: &Settings,
    launch: &Interrupted,
) -> Result<Launched, ResumeError> {
    let outcome =
        ActionOutcome { success: false, message: "cut short; the server goes on with it".into() };
    engine.store.end_action(launch.line, &outcome, Utc::now()).await.map_err(LaunchError::from)?;
    let pause = settings.server.lost_after / 2;
    for _ in 1..TRIES {
        let launched = launch_rest(engine, settings, launch).await?;
        let unclear = |verdict: &Verdict| {
            matches!(verdict, Verdict::Blocked(_) | Verdict::Uncertain(_) | Verdict::Held(_))
        };
        if !launched.outcomes.iter().any(|outcome| unclear(&outcome.verdict)) {
            return Ok(launched);
        }
        tokio::time::sleep(pause.max(Duration::from_millis(100))).await;
    }
    launch_rest(engine, settings, launch).await
}

/// Submits what is left of it: not what was submitted and has ended since, however it did.
async fn launch_rest(
    engine: &Engine,
    settings: &Settings,
    launch: &Interrupted,
) -> Result<Launched, ResumeError> {
    let Interrupted { date, prod_id, begun, .. } = launch;
    let submissions = engine.store.submissions_of(*date, prod_id).await;
    let ended = submissions.map_err(LaunchError::from)?.into_iter();
    let ended = ended.filter(|s| s.created >= *begun && s.end_state.is_some());
    let ended: BTreeSet<String> = ended.map(|submission| submission.purpose).collect();
    let left = launch.purposes.difference(&ended).cloned().collect();
    let request = request(engine, settings, launch).await?;
    Ok(request.launch_rest(engine, &left).await?)
}

async fn request(
    engine: &Engine,
    settings: &Settings,
    launch: &Interrupted,
) -> Result<LaunchRequest, ResumeError> {
    let Interrupted { date, prod_id, options, .. } = launch;
    let paths = NightPaths::new(settings.site.clone(), *date, prod_id.clone());
    let of = paths.clone();
    let read = blocking(move || Observation::read(&of, MissingSummary::Fail)).await;
    let observation = read.map_err(LaunchError::from)??;
    let decisions = engine.store.decisions(*date, prod_id).await.map_err(LaunchError::from)?;
    Ok(LaunchRequest {
        paths,
        observation: Arc::new(observation.decided(decisions)),
        options: *options,
        script: ScriptOptions {
            program: executable().map_err(LaunchError::from)?,
            job_path: settings.server.job_path.clone(),
            no_dl2: options.no_dl2,
            verbose: false,
        },
        by: Author::Auto,
        author: author(),
        now: Utc::now(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::NewAction;

    #[tokio::test]
    async fn only_what_was_cut_short_last_and_here_is_gone_on_with() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("osa.sqlite")).await.unwrap();
        let prod_id: ProdId = "v0.1.0".parse().unwrap();
        let now = Utc::now();
        let own = author();
        let (who, _) = own.rsplit_once(':').unwrap();
        let gone = format!("{who}:4194305"); // no system has such a number
        let parent = format!("{who}:{}", std::os::unix::process::parent_id());
        let options = LaunchOptions { no_dl2: true, submit: true, ..LaunchOptions::default() };
        let jobs = serde_json::json!([{ "purpose": "sequence 19102", "name": "LST1_19102" }]);
        let plan = serde_json::json!({ "jobs": jobs, "options": options });
        let earlier = serde_json::json!({ "jobs": [] });
        let begin = async |night: &str, process: &str, action: &str, plan, hours| {
            let (author, date) = (Author::Auto, night.parse().unwrap());
            let entry =
                NewAction { date, prod_id: &prod_id, author: &author, process, action, plan };
            store.begin_action(&entry, now - TimeDelta::hours(hours)).await.unwrap()
        };
        let line = begin("2024-11-28", &gone, "launch", &plan, 2).await;
        let ours = begin("2024-11-27", &own, "launch", &plan, 2).await;
        begin("2024-11-26", &parent, "launch", &plan, 2).await;
        begin("2024-11-25", "lst@elsewhere:4194305", "launch", &plan, 2).await;
        begin("2024-11-24", &gone, "launch", &plan, 30).await;
        begin("2024-11-23", &gone, "launch", &earlier, 2).await;
        begin("2024-11-22", &gone, "launch", &plan, 3).await;
        begin("2024-11-22", &gone, "cancel", &plan, 2).await;
        begin("2024-11-21", &gone, "close", &plan, 2).await;
        let ended = begin("2024-11-20", &gone, "launch", &plan, 2).await;
        let outcome = ActionOutcome { success: true, message: "1 job submitted".into() };
        store.end_action(ended, &outcome, now).await.unwrap();

        let found = interrupted(&store, now).await.unwrap();
        let lines: Vec<i64> = found.iter().map(|launch| launch.line).collect();
        assert_eq!(lines, [line, ours]);
        assert_eq!(found[0].options, options);
        assert_eq!(found[0].purposes, BTreeSet::from(["sequence 19102".to_owned()]));
    }
}
