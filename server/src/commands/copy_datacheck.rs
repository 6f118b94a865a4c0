//! `copy_datacheck`: copies a night's datacheck to where it is looked at.

use std::io::Write;
use std::process::ExitCode;

use chrono::Utc;
use clap::Args;

use crate::internal::blocking;
use crate::launch;
use crate::model::{CopyState, PublishPlan};
use crate::night::NightPaths;
use crate::publish::{Request, summarize};
use crate::store::SiteDatabase;

use super::closer::Telescope;
use super::{Common, Failure, Outcome, stages};

/// Copy the calibration and DL1 data-check files to the datacheck web server.
///
/// To the directory DATACHECK of section WEBSERVER in the configuration, on HOST over ssh if that is
/// set. What was copied before is left alone. What is missing is reported on standard error, and keeps
/// nothing else from being copied.
#[derive(Clone, Debug, Args)]
pub struct CopyDatacheck {
    #[command(flatten)]
    common: Common,
    /// Print the plan (with -s), or what was done, as JSON
    #[arg(long)]
    json: bool,
    /// Telescope
    #[arg(value_enum)]
    tel_id: Telescope,
}

/// Copies, or shows what would be copied.
pub async fn run(args: CopyDatacheck) -> Outcome {
    args.tel_id.check()?;
    let now = Utc::now();
    let common = args.common.clone();
    let (settings, request) = blocking(move || {
        let settings = common.settings()?;
        let prod_id = stages::production(None, &settings)?;
        let paths = NightPaths::new(settings.site.clone(), common.night(now), prod_id);
        let who = (launch::user(), launch::author());
        let request = Request::new(&settings, paths, who, now);
        Ok::<_, Failure>((settings, request))
    })
    .await??;
    if args.common.simulate {
        let plan = blocking(move || request.plan()).await??;
        tell(&args, &plan)?;
        return Ok(ExitCode::SUCCESS);
    }
    let store = SiteDatabase::of(&settings).open().await?;
    let copied = request.execute(&store).await;
    store.close().await;
    let plan = copied?;
    tell(&args, &plan)?;
    let outcome = summarize(&plan);
    eprintln!("{}", outcome.message);
    Ok(if outcome.success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(args: &CopyDatacheck, plan: &PublishPlan) -> Result<(), Failure> {
    let host = plan.host.as_ref().map(|host| format!("{host}:")).unwrap_or_default();
    let mut text = String::new();
    for file in &plan.files {
        if file.state == CopyState::Same && !args.common.verbose {
            continue;
        }
        let word = match (args.common.simulate, file.state) {
            (true, CopyState::Same) | (false, _) => file.state.as_str(),
            (true, _) => "would copy",
        };
        let line = format!("{word} {} -> {host}{}/{}\n", file.source, plan.root, file.destination);
        text.push_str(&line);
    }
    if args.json {
        text = serde_json::to_string_pretty(plan)? + "\n";
    }
    std::io::stdout().write_all(text.as_bytes())?;
    for file in &plan.files {
        if let Some(error) = &file.error {
            eprintln!("error: {} was not copied: {error}", file.source);
        }
    }
    for missing in &plan.missing {
        eprintln!("missing: {}: {}", missing.what, missing.reason);
    }
    Ok(())
}
