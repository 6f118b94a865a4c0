//! `osa cancel`: ends jobs, whichever scheduler runs them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::json;

use crate::config::Settings;
use crate::internal::blocking;
use crate::launch::{self, Engine, ask};
use crate::model::{ActionOutcome, JobId, NightDate};
use crate::night::{MissingSummary, NightPaths, Observation};
use crate::schedule::{JobSnapshot, Question};
use crate::status::jobs::NEVER;
use crate::store::NewAction;

use super::{Failure, Outcome, stages};

/// Cancel jobs, with all their tasks.
#[derive(Clone, Debug, Args)]
pub struct Cancel {
    /// Use this configuration file [default: $OSA_CONFIG, ./sequencer.cfg, or the installed one]
    #[arg(short, long, value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Cancel the jobs of this night that can never begin, since what they need has failed
    #[arg(long, value_name = "DATE", conflicts_with = "jobs", required_unless_present = "jobs")]
    stuck: Option<NightDate>,
    /// Jobs to cancel, such as 34567001
    #[arg(value_name = "JOB")]
    jobs: Vec<u64>,
}

/// Cancels and says what was cancelled; a job that the scheduler does not know is a failure.
pub async fn run(args: Cancel) -> Outcome {
    let now = Utc::now();
    let settings = {
        let config = args.config.clone();
        blocking(move || Settings::load(config.as_deref())).await??
    };
    let engine = Engine::open(&settings).await?;
    let outcome = cancel(&args, &settings, &engine, now).await;
    engine.close().await;
    outcome
}

#[tracing::instrument(
    skip_all,
    fields(date = args.stuck.map(tracing::field::display), user = %launch::user())
)]
async fn cancel(
    args: &Cancel,
    settings: &Settings,
    engine: &Engine,
    now: DateTime<Utc>,
) -> Outcome {
    let jobs = match args.stuck {
        Some(date) => stuck(settings.clone(), engine, date, now).await?,
        None => {
            let jobs = args.jobs.iter().copied().map(JobId).collect();
            let question = Question { jobs, ..Question::none(now - chrono::TimeDelta::days(2)) };
            known(args, &engine.scheduler.jobs_of(&question).await?)?
        }
    };
    if jobs.is_empty() {
        eprintln!("no job of that night is stuck");
    }
    for (job, name) in &jobs {
        // Only a job that we submitted has a night, and so an audit log.
        let line = begin(engine, *job, name, now).await?;
        let cancelled = engine.scheduler.cancel(*job).await;
        if let Some(line) = line {
            let outcome = match &cancelled {
                Ok(()) => ActionOutcome { success: true, message: format!("cancelled job {job}") },
                Err(error) => ActionOutcome { success: false, message: error.to_string() },
            };
            engine.store.end_action(line, &outcome, Utc::now()).await?;
        }
        cancelled?;
        writeln!(std::io::stdout(), "cancelled job {job} ({name})")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Begins a line in the audit log of the night that the job belongs to, if the database knows it.
async fn begin(
    engine: &Engine,
    job: JobId,
    name: &str,
    now: DateTime<Utc>,
) -> Result<Option<i64>, Failure> {
    let known = engine.store.submissions_named(&[name.to_owned()]).await?;
    let Some(submission) = known.into_iter().rev().find(|known| known.job == Some(job)) else {
        return Ok(None);
    };
    let entry = NewAction {
        date: submission.date,
        prod_id: &submission.prod_id,
        author: &launch::user(),
        process: &launch::author(),
        action: "cancel",
        plan: &json!({ "job": job, "name": name, "purpose": submission.purpose }),
    };
    Ok(Some(engine.store.begin_action(&entry, now).await?))
}

/// The jobs named on the command line, all of which must be there.
fn known(args: &Cancel, snapshot: &JobSnapshot) -> Result<BTreeMap<JobId, String>, Failure> {
    let wanted: BTreeSet<JobId> = args.jobs.iter().copied().map(JobId).collect();
    let name = |job: &JobId| {
        let task = snapshot.tasks.iter().find(|task| task.job == *job);
        let name = task.map(|task| (*job, task.name.clone()));
        name.ok_or_else(|| {
            Failure::new(format!("the scheduler knows no job {job} of ours; nothing was cancelled"))
        })
    };
    wanted.iter().map(name).collect()
}

/// The jobs of a night that can never begin.
async fn stuck(
    settings: Settings,
    engine: &Engine,
    date: NightDate,
    now: DateTime<Utc>,
) -> Result<BTreeMap<JobId, String>, Failure> {
    let read = move || {
        let prod_id = stages::production(None, &settings)?;
        let paths = NightPaths::new(settings.site, date, prod_id);
        let observation = Observation::read(&paths, MissingSummary::Fail)?;
        Ok::<_, Failure>((paths, observation))
    };
    let (paths, observation) = blocking(read).await??;
    let answer = ask(engine, &paths, &observation, now).await?;
    if let Some(error) = answer.health.error {
        let failure = Failure::new(format!("the scheduler does not answer: {error}"));
        return Err(match answer.health.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        });
    }
    if let Some(why) = answer.health.elsewhere {
        return Err(Failure::new(why));
    }
    let stuck = answer.tasks.into_iter().filter(|t| t.state.is_waiting() && t.reason == NEVER);
    Ok(stuck.map(|task| (task.job, task.name)).collect())
}
