//! `osa why`: what stands in the way of closing a night.

use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::Args;

use crate::config::Settings;
use crate::internal::blocking;
use crate::launch;
use crate::model::{Blocker, Blockers, Evidence, NightDate, NightState, NightStatus};
use crate::night::{MissingSummary, NightError, NightPaths, Observation};
use crate::status::{
    Depth, Diagnosis, Jobs, NightInput, StatusCache, assess, unobserved, with_blockers,
};

use super::{Failure, Outcome, stages, warn_of_database};

/// Tell why a night is not closed: what stands in the way, what shows it, and what to do.
///
/// Changes nothing. The exit code is 0 whether or not something stands in the way.
#[derive(Clone, Debug, Args)]
pub struct Why {
    /// Use this configuration file [default: $OSA_CONFIG, ./sequencer.cfg, or the installed one]
    #[arg(short, long, value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Date (YYYY-MM-DD) of the start of the night
    #[arg(value_name = "DATE")]
    date: NightDate,
}

/// Prints what stands in the way.
pub async fn run(args: Why) -> Outcome {
    let now = Utc::now();
    let config = args.config.clone();
    let date = args.date;
    let (settings, paths, diagnosis) = blocking(move || {
        let settings = Settings::load(config.as_deref())?;
        let prod_id = stages::production(None, &settings)?;
        let paths = NightPaths::new(settings.site.clone(), date, prod_id);
        let diagnosis = Diagnosis::new(settings.server.known_errors.clone())?;
        Ok::<_, Failure>((settings, paths, diagnosis))
    })
    .await??;
    let status = find(&settings, paths, diagnosis, now).await?;
    let found = Blockers {
        date,
        closed: status.state == NightState::Closed,
        blockers: status.blockers,
        scanned: now,
    };
    let text = match args.json {
        true => serde_json::to_string_pretty(&found)? + "\n",
        false => as_text(&found),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

async fn find(
    settings: &Settings,
    paths: NightPaths,
    diagnosis: Diagnosis,
    now: DateTime<Utc>,
) -> Result<NightStatus, Failure> {
    let of = paths.clone();
    let read = blocking(move || Observation::read(&of, MissingSummary::Fail)).await?;
    let observation = match read {
        Ok(observation) => observation,
        Err(error @ NightError::NoSummary { .. }) => return Err(error.into()),
        Err(error) => return Ok(unobserved(&paths, &error, &Jobs::unknown(), now)),
    };
    warn_of_database(settings).await?;
    let observation = launch::decided(settings, &paths, observation).await?;
    let answer = launch::ask_read_only(settings, &paths, &observation, now).await?;
    let assess_night = move || {
        let input = NightInput {
            paths: &paths,
            observation: &observation,
            jobs: &answer.jobs(),
            depth: Depth::Full,
            dl2: None,
            now,
        };
        with_blockers(&input, assess(&input, &StatusCache::default()), &diagnosis)
    };
    Ok(blocking(assess_night).await?)
}

fn as_text(found: &Blockers) -> String {
    let date = found.date;
    if found.closed {
        return format!("The night {date} is closed.\n");
    }
    if found.blockers.is_empty() {
        return format!("Nothing stands in the way of closing {date}: run closer -d {date} LST1\n");
    }
    found.blockers.iter().map(|blocker| paragraph(blocker, date)).collect::<Vec<_>>().join("\n")
}

fn paragraph(blocker: &Blocker, date: NightDate) -> String {
    let mut text = format!("{}: {}\n", blocker.kind.title(), blocker.what);
    for evidence in &blocker.evidence {
        let _ = writeln!(text, "  {}", shown(evidence));
    }
    if !blocker.explanation.is_empty() {
        let _ = writeln!(text, "  {}", blocker.explanation);
    }
    for (remedy, word) in blocker.remedies.iter().zip(std::iter::once("do:").chain(OR)) {
        let _ = writeln!(text, "  {word:3} {}", remedy.command(date));
    }
    text
}

/// Each remedy would do.
const OR: [&str; 9] = ["or:"; 9];

fn shown(evidence: &Evidence) -> String {
    match evidence {
        Evidence::File { path, note } => format!("{path} {note}"),
        Evidence::Note { text } => text.clone(),
        Evidence::Job { job, task, state, exit, reason } => {
            let task = task.map(|task| format!("_{task}")).unwrap_or_default();
            let exit = exit.map(|exit| format!(", exit {exit}")).unwrap_or_default();
            let reason = Some(reason).filter(|reason| !reason.is_empty());
            let reason = reason.map(|reason| format!(", {reason}")).unwrap_or_default();
            format!("job {job}{task}: {state}{exit}{reason}")
        }
        Evidence::LogLine { name, line, offset, text, .. } => match line {
            Some(line) => format!("log/{name}:{line}: {text}"),
            None => format!("log/{name}, byte {offset}: {text}"),
        },
    }
}
