//! `autocloser`: closes last night once everything of it is ready.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::Utc;
use clap::Args;

use crate::close::auto::{self, AutoOptions, AutoPlan};
use crate::close::{CloseError, Request};
use crate::internal::blocking;
use crate::launch::Engine;
use crate::model::{Author, CloseOptions};

use super::closer::{Telescope, conclude, json, request};
use super::{Common, Failure, Outcome, warn_of_database};

/// Close a night once everything of it is ready; for cron.
///
/// A sequence is ready when it is closed, or its job has ended well, all its subruns have reached
/// their last stage and there is 100 % of every product.
#[derive(Clone, Debug, Args)]
pub struct Autocloser {
    #[command(flatten)]
    common: Common,
    /// Run also while another automatic closer is under way
    #[arg(short, long)]
    ignore_cronlock: bool,
    /// Close the night even if something is not ready
    #[arg(short, long)]
    force: bool,
    /// There are no DL2 files
    #[arg(long)]
    no_dl2: bool,
    /// Do not check if the gain selection finished correctly
    #[arg(long)]
    no_gainsel: bool,
    /// Close each run as it is ready, and the night after the last
    #[arg(short, long)]
    runwise: bool,
    /// Write what there is to say to this file
    #[arg(short, long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Print what was decided as JSON
    #[arg(long)]
    json: bool,
    /// Telescope
    #[arg(value_enum)]
    tel_id: Telescope,
}

/// Closes what is ready, or tells what that is.
pub async fn run(args: Autocloser) -> Outcome {
    if let Some(log) = &args.log {
        say_to(log)?;
    }
    args.tel_id.check()?;
    let now = Utc::now();
    let options = CloseOptions { no_dl2: args.no_dl2, seq: None, no_jobs: args.common.test };
    let common = args.common.clone();
    let request = blocking(move || request(&common, options, Author::Auto, now)).await??;
    let options = AutoOptions {
        force: args.force,
        runwise: args.runwise,
        ignore_lock: args.ignore_cronlock,
        no_gainsel: args.no_gainsel,
    };
    if args.common.simulate {
        warn_of_database(&request.settings).await?;
        let plan = auto::preview(&request, options).await?;
        tell(&plan, &args)?;
        return Ok(ExitCode::SUCCESS);
    }
    let engine = Engine::open(&request.settings).await?;
    let outcome = close(&args, &request, &engine, options).await;
    engine.close().await;
    outcome
}

async fn close(
    args: &Autocloser,
    request: &Request,
    engine: &Engine,
    options: AutoOptions,
) -> Outcome {
    let outcome = match auto::run(engine, request, options).await {
        // Cron starts one every few minutes; that the last is not done yet is no failure.
        Err(error @ CloseError::Busy { .. }) => {
            eprintln!("{error}");
            return Ok(ExitCode::SUCCESS);
        }
        outcome => outcome?,
    };
    tell(&outcome.plan, args)?;
    let mut code = ExitCode::SUCCESS;
    for (seq, closed) in outcome.closings {
        let mut one = request.clone();
        one.options.seq = seq;
        if let Err(error @ (CloseError::Busy { .. } | CloseError::Unfinished(_))) = closed {
            eprintln!("{error}");
            continue;
        }
        let ended = conclude(closed, &one, false)?;
        if ended != ExitCode::SUCCESS {
            code = ended;
        }
    }
    Ok(code)
}

fn tell(plan: &AutoPlan, args: &Autocloser) -> Result<(), Failure> {
    if args.json {
        std::io::stdout().write_all(json(plan)?.as_bytes())?;
        return Ok(());
    }
    if let Some(gate) = &plan.gate {
        eprintln!("Nothing is closed: {gate}.");
        return Ok(());
    }
    for sequence in &plan.sequences {
        let word = match (sequence.closed, sequence.is_ready()) {
            (true, _) => "closed",
            (_, true) => "ready",
            (_, false) => "not ready: ",
        };
        eprintln!("run {}: {word}{}", sequence.run, sequence.why);
    }
    let would = if args.common.simulate { "would be" } else { "is" };
    for run in &plan.runs {
        eprintln!("Run {run} of {} {would} closed.", plan.date);
    }
    match plan.night {
        true if args.common.simulate => eprintln!("The night {} would be closed.", plan.date),
        true => {}
        false => eprintln!("The night {} stays open.", plan.date),
    }
    Ok(())
}

/// Lets standard error go to a file, at its end.
fn say_to(file: &Path) -> Result<(), Failure> {
    let opened = OpenOptions::new().append(true).create(true).open(file);
    let opened = opened
        .map_err(|cause| Failure::new(format!("cannot write to {}: {cause}", file.display())))?;
    nix::unistd::dup2_stderr(opened)?;
    Ok(())
}
