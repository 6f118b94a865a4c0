//! `closer`: a finished night is closed.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};

use crate::close::{self, CloseError, Closed, Request};
use crate::internal::blocking;
use crate::launch::{self, Engine};
use crate::model::{Author, Block, CloseOptions, ClosingPlan, ClosingProgress, RunId};

use super::{Common, Failure, Outcome, stages};

/// Close a night: move its products to their final directories, merge and check them, extract the
/// provenance, and leave a flag.
///
/// Asks if not everything is finished; without a terminal the answer is no. What was cut short, or
/// has failed, is resumed when the command is run again.
#[derive(Clone, Debug, Args)]
pub struct Closer {
    #[command(flatten)]
    common: Common,
    /// Assume yes to all questions
    #[arg(short, long)]
    yes: bool,
    /// Close this run only, and leave the night open
    #[arg(long, value_name = "RUN")]
    seq: Option<RunId>,
    /// There are no DL2 files
    #[arg(long)]
    no_dl2: bool,
    /// Open the night, or the run of --seq, again: remove the flags, leave the files where they are
    #[arg(long, conflicts_with_all = ["simulate", "test"])]
    reopen: bool,
    /// Print the plan (with -s) or what was done as JSON; `null` if it was closed already
    #[arg(long)]
    json: bool,
    /// Telescope
    #[arg(value_enum)]
    tel_id: Telescope,
}

/// The telescopes that the original's command line knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Telescope {
    #[value(name = "ST")]
    St,
    #[value(name = "LST1")]
    Lst1,
    #[value(name = "LST2")]
    Lst2,
}

impl Telescope {
    /// Refuses all but the one that is processed here.
    pub(super) fn check(self) -> Result<(), Failure> {
        if self == Self::Lst1 {
            return Ok(());
        }
        let named = self.to_possible_value().map(|value| value.get_name().to_owned());
        let named = named.unwrap_or_default();
        Err(Failure::new(format!("only LST1 is processed here, not {named}")).hint("write LST1"))
    }
}

/// A night on the command line that is to be closed. Blocks on the disk.
pub(super) fn request(
    common: &Common,
    options: CloseOptions,
    by: Author,
    now: DateTime<Utc>,
) -> Result<Request, Failure> {
    let settings = common.settings()?;
    let prod_id = stages::production(None, &settings)?;
    Request::read(settings, common.night(now), prod_id, options, by, now).map_err(Failure::from)
}

/// Closes the night, or shows what closing would do.
pub async fn run(args: Closer) -> Outcome {
    args.tel_id.check()?;
    let now = Utc::now();
    let options = CloseOptions { no_dl2: args.no_dl2, seq: args.seq, no_jobs: args.common.test };
    let common = args.common.clone();
    let mut request = blocking(move || request(&common, options, launch::user(), now)).await??;
    request.anyway = args.yes;
    if args.common.simulate {
        let plan = close::preview(&request).await.map_err(Failure::from)?;
        let text = if args.json { json(&plan)? } else { close::plan_text(&plan) };
        std::io::stdout().write_all(text.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let engine = Engine::open(&request.settings).await?;
    let outcome = match args.reopen {
        true => reopen(&args, &request, &engine).await,
        false => close_night(&args, request, &engine).await,
    };
    engine.close().await;
    outcome
}

async fn close_night(args: &Closer, mut request: Request, engine: &Engine) -> Outcome {
    let mut closed = close::start(engine, &request).await;
    if let Err(CloseError::Unfinished(plan)) = &closed {
        if !ask(plan)? {
            return Ok(ExitCode::SUCCESS);
        }
        request.anyway = true;
        closed = close::start(engine, &request).await;
    }
    conclude(closed, &request, args.json)
}

/// Says how a closing ended.
pub(super) fn conclude(
    closed: Result<Closed, CloseError>,
    request: &Request,
    as_json: bool,
) -> Outcome {
    let what = match request.options.seq {
        Some(run) => format!("Run {run} of {}", request.paths.date),
        None => format!("The night {}", request.paths.date),
    };
    match closed {
        Ok(Closed::Before) => {
            if as_json {
                std::io::stdout().write_all(b"null\n")?;
            }
            eprintln!("{what} is closed already.");
        }
        Ok(Closed::Now(progress)) => {
            if as_json {
                std::io::stdout().write_all(json(&progress)?.as_bytes())?;
            } else {
                tell(&progress);
            }
            eprintln!("{what} is closed.");
        }
        Err(CloseError::Blocked(blocks)) => return Ok(blocked(&blocks)),
        Err(error) => return Err(error.into()),
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn json<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

fn tell(progress: &ClosingProgress) {
    for step in &progress.steps {
        let detail = if step.detail.is_empty() { "" } else { ": " };
        eprintln!("{}{detail}{}", step.title, step.detail);
    }
}

/// What is in the way; that the night is just not due is no failure.
fn blocked(blocks: &[Block]) -> ExitCode {
    let mut failed = false;
    for block in blocks {
        let patience = block.kind.is_patience();
        failed |= !patience;
        eprintln!("{}{}", if patience { "" } else { "error: " }, block.message);
        for line in &block.evidence {
            eprintln!("  {line}");
        }
        if !block.remedy.is_empty() {
            eprintln!("hint: {}", block.remedy);
        }
    }
    eprintln!("Nothing was closed.");
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Asks whether to close although not all is finished; without a terminal the answer is no.
fn ask(plan: &ClosingPlan) -> Result<bool, Failure> {
    for sequence in plan.unfinished() {
        eprintln!("run {} is not finished: {}", sequence.run, sequence.why);
    }
    if !std::io::stdin().is_terminal() {
        eprintln!("Nothing was closed.\nhint: -y closes it all the same");
        return Ok(false);
    }
    eprint!("Close all the same? (y/n): ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    let yes = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
    if !yes {
        eprintln!("Nothing was closed.");
    }
    Ok(yes)
}

async fn reopen(args: &Closer, request: &Request, engine: &Engine) -> Outcome {
    let removed = close::reopen(engine, request).await.map_err(Failure::from)?;
    if args.json {
        let text = json(&serde_json::json!({ "removed": removed }))?;
        std::io::stdout().write_all(text.as_bytes())?;
    } else {
        for flag in &removed {
            eprintln!("removed {flag}");
        }
    }
    let date = request.paths.date;
    match (removed.is_empty(), args.seq) {
        (true, _) => eprintln!("Nothing of {date} was closed."),
        (false, None) => eprintln!("The night {date} is open again."),
        (false, Some(run)) => eprintln!("Run {run} of {date} is open again."),
    }
    Ok(ExitCode::SUCCESS)
}
