//! What `osa decide` and `osa resubmit` share: show the plan, and carry it out.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::Utc;
use clap::Args;

use crate::config::Settings;
use crate::internal::{blocking, executable};
use crate::launch::{self, Engine, ScriptOptions};
use crate::model::{NightDate, Remedy, RemedyPlan, RemedyStep};
use crate::night::NightPaths;
use crate::remedies::Request;

use super::{Failure, Outcome, stages, warn_of_database};

/// Flags of all commands that act on a night.
#[derive(Clone, Debug, Args)]
pub(super) struct Act {
    /// Use this configuration file [default: $OSA_CONFIG, ./sequencer.cfg, or the installed one]
    #[arg(short, long, value_name = "CONFIG", global = true)]
    config: Option<PathBuf>,
    /// Do nothing, just show what would be done
    #[arg(short, long, global = true)]
    simulate: bool,
    /// Print the plan as JSON
    #[arg(long, global = true)]
    json: bool,
    /// Why, for those who come after
    #[arg(long, value_name = "TEXT", default_value = "", global = true)]
    reason: String,
}

/// Plans what was asked for and, without `-s`, does it. What keeps it from being done is reported on
/// standard error, with exit code 1.
pub(super) async fn run(act: Act, date: NightDate, remedy: Remedy) -> Outcome {
    let request = request(&act, date, remedy).await?;
    if act.simulate {
        warn_of_database(&request.settings).await?;
        let plan = request.plan().await?;
        print(&plan, act.json, "would ")?;
        return match plan.obstacles.first() {
            None => Ok(ExitCode::SUCCESS),
            Some(_) => Err(Failure::new(plan.obstacles.join(" "))),
        };
    }
    let engine = Engine::open(&request.settings).await?;
    let done = request.execute(&engine).await;
    engine.close().await;
    let done = done?;
    print(&done.plan, act.json, "")?;
    if done.submitted.is_empty() && done.outcome.success {
        return Ok(ExitCode::SUCCESS);
    }
    for submitted in &done.submitted {
        eprintln!("{}: {}", submitted.name, submitted.verdict);
    }
    Ok(if done.outcome.success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn request(act: &Act, date: NightDate, remedy: Remedy) -> Result<Request, Failure> {
    let now = Utc::now();
    let config = act.config.clone();
    let (settings, paths) = blocking(move || {
        let settings = Settings::load(config.as_deref())?;
        let prod_id = stages::production(None, &settings)?;
        let paths = NightPaths::new(settings.site.clone(), date, prod_id);
        Ok::<_, Failure>((settings, paths))
    })
    .await??;
    let program = executable()?;
    let job_path = settings.server.job_path.clone();
    let script = ScriptOptions { program, job_path, no_dl2: false, verbose: false };
    Ok(Request {
        settings,
        paths,
        remedy,
        reason: act.reason.clone(),
        script,
        author: launch::user(),
        process: launch::author(),
        now,
    })
}

fn print(plan: &RemedyPlan, json: bool, before: &str) -> Result<(), Failure> {
    let text = match json {
        true => serde_json::to_string_pretty(plan)? + "\n",
        false => {
            let line = |step: &RemedyStep| format!("{before}{}\n", step.sentence());
            plan.steps.iter().map(line).collect::<Vec<_>>().concat()
        }
    };
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
