//! `osa release`: lets a night be processed by another scheduler than it was submitted to.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use serde_json::json;

use crate::config::Settings;
use crate::internal::blocking;
use crate::launch::elsewhere::elsewhere;
use crate::launch::{self, Engine};
use crate::model::{ActionOutcome, NightDate, ProdId};
use crate::schedule::{Question, SchedulerId};
use crate::store::NewAction;

use super::{Failure, Outcome, stages};

/// Let a night be processed by the scheduler in use, although it was submitted to another one.
///
/// Its jobs with the other scheduler count no more, so cancel them there first: two schedulers that
/// process one night overwrite each other's files. Needed where a cluster was replaced.
#[derive(Clone, Debug, Args)]
pub struct Release {
    /// Use this configuration file [default: $OSA_CONFIG, ./sequencer.cfg, or the installed one]
    #[arg(short, long, value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Why; the audit log keeps it
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Date (YYYY-MM-DD) of the start of the night
    #[arg(value_name = "DATE")]
    date: NightDate,
}

/// Releases the night, and says how many jobs count no more.
pub async fn run(args: Release) -> Outcome {
    let now = Utc::now();
    let (settings, prod_id) = {
        let config = args.config.clone();
        let load = move || {
            let settings = Settings::load(config.as_deref())?;
            let prod_id = stages::production(None, &settings)?;
            Ok::<_, Failure>((settings, prod_id))
        };
        blocking(load).await??
    };
    let engine = Engine::open(&settings).await?;
    let outcome = release(&args, &engine, &prod_id, now).await;
    engine.close().await;
    outcome
}

async fn release(args: &Release, engine: &Engine, prod_id: &ProdId, now: DateTime<Utc>) -> Outcome {
    let here =
        engine.scheduler.jobs_of(&Question::none(now - TimeDelta::hours(1))).await?.scheduler;
    let submissions = engine.store.submissions_of(args.date, prod_id).await?;
    let Some(why) = elsewhere(&submissions, &here) else {
        let date = args.date;
        let message = format!("no job of {date} belongs to another scheduler than {here}");
        return Err(
            Failure::new(message).hint("nothing needs to be released: go on with the night")
        );
    };
    let entry = NewAction {
        date: args.date,
        prod_id,
        author: &launch::user(),
        process: &launch::author(),
        action: "release",
        plan: &json!({ "to": here.to_string(), "reason": args.reason, "found": why }),
    };
    let line = engine.store.begin_action(&entry, now).await?;
    let released = write_down(args, engine, prod_id, &here, now).await;
    let outcome = match &released {
        Ok(message) => ActionOutcome { success: true, message: message.clone() },
        Err(error) => ActionOutcome { success: false, message: error.to_string() },
    };
    engine.store.end_action(line, &outcome, Utc::now()).await?;
    writeln!(std::io::stdout(), "{}", released?)?;
    Ok(ExitCode::SUCCESS)
}

async fn write_down(
    args: &Release,
    engine: &Engine,
    prod_id: &ProdId,
    here: &SchedulerId,
    now: DateTime<Utc>,
) -> Result<String, crate::store::StoreError> {
    let message = format!("the night was released to {here} by {}", launch::user());
    let released = engine
        .store
        .ledger(async |ledger| ledger.release(args.date, prod_id, here, &message, now).await);
    let jobs = released.await?;
    let plural = if jobs == 1 { "" } else { "s" };
    Ok(format!("{}: {jobs} job{plural} of another scheduler count no more", args.date))
}
