//! `simulate_processing`: a night gone through with every executable left out, for its provenance.

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::Args;

use crate::config::Settings;
use crate::internal::blocking;
use crate::model::{CalibrationRuns, Kind, NightDate, Sequence};
use crate::night::{self, MissingSummary, NightPaths, Observation};
use crate::process::{ProcessError, Simulation};
use crate::provenance::capture::Surroundings;
use crate::provenance::products::{products, write};
use crate::provenance::{Request, read_log};

use super::{Failure, Outcome, provprocess, stages};

/// Go through a night without running anything, and write the provenance that its processing
/// would leave
#[derive(Debug, Args)]
pub struct SimulateProcessing {
    /// Use this configuration file [default: $OSA_CONFIG, ./sequencer.cfg, or the installed one]
    #[arg(short, long, value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Date (YYYY-MM-DD) of the start of the night [default: the latest with a run summary]
    #[arg(short, long, value_name = "DATE")]
    date: Option<NightDate>,
    /// Then extract the provenance of each run, as provprocess does
    #[arg(short)]
    provenance: bool,
    /// Replace provenance files that are there
    #[arg(long)]
    force: bool,
    /// Write to the end of a prov.log that is there
    #[arg(long)]
    append: bool,
}

/// Runs it.
pub async fn run(args: SimulateProcessing) -> Outcome {
    blocking(move || simulate(&args, Utc::now())).await?
}

fn simulate(args: &SimulateProcessing, now: DateTime<Utc>) -> Outcome {
    let settings = Settings::load(args.config.as_deref())?;
    let date = match args.date {
        Some(date) => date,
        None => latest(&settings)?,
    };
    let prod_id = stages::production(None, &settings)?;
    let paths = NightPaths::new(settings.site.clone(), date, prod_id);
    let observation = Observation::read(&paths, MissingSummary::Fail)?;
    if observation.sequences.is_empty() {
        eprintln!("No runs found for this date. Nothing to do. Exiting.");
        return Ok(ExitCode::SUCCESS);
    }
    let runs = observation.calibration.ok_or(ProcessError::NoCalibration { date })?;
    refuse(args, &paths, &observation.sequences)?;
    let version = paths.config.lstchain_version(&settings.server.job_path);
    let surroundings = Surroundings::of_this_process(version, Vec::new());
    let night = Simulation { paths: &paths, runs, surroundings: &surroundings, now };
    for sequence in &observation.sequences {
        night.sequence(sequence)?;
        let (run, subruns) = (sequence.run, sequence.subruns);
        match sequence.kind {
            Kind::Calibration => eprintln!("simulated the calibration, run {run}"),
            Kind::Data => eprintln!("simulated run {run}, {subruns} subruns"),
        }
    }
    println!("{}", paths.provenance_log().display());
    if args.provenance {
        extract(&paths, runs, &observation.sequences)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn latest(settings: &Settings) -> Result<NightDate, Failure> {
    night::list(&settings.site)?.first().copied().ok_or_else(|| {
        let directory = settings.site.directories.run_summary_dir.display();
        Failure::new(format!("there is no run summary in {directory}"))
            .hint("name a night with -d; its run summary must be there")
    })
}

/// Refuses to touch what is there unless it is asked for. Nothing was written before.
fn refuse(
    args: &SimulateProcessing,
    paths: &NightPaths,
    sequences: &[Sequence],
) -> Result<(), Failure> {
    let log = paths.provenance_log();
    if log.exists() && !args.append {
        return Err(Failure::new(format!("{} is there already", log.display()))
            .hint("write to its end with --append, or move it away"));
    }
    if !args.provenance || args.force {
        return Ok(());
    }
    let data = sequences.iter().filter(|sequence| sequence.kind == Kind::Data);
    let products = products(None, true);
    let files = data.flat_map(|one| products.iter().flat_map(|p| p.files(paths, one.run)));
    match files.into_iter().find(|file| file.exists()) {
        None => Ok(()),
        Some(file) => Err(Failure::new(format!("{} is there already", file.display()))
            .hint("replace provenance files with --force, or leave out -p")),
    }
}

/// What provprocess does, for all runs from one reading of the log.
fn extract(
    paths: &NightPaths,
    runs: CalibrationRuns,
    sequences: &[Sequence],
) -> Result<(), Failure> {
    let data = sequences.iter().filter(|sequence| sequence.kind == Kind::Data);
    let request = |run| Request { drs4: runs.drs4, pedcal: runs.pedcal, run, date: paths.date };
    let requests: Vec<_> = data.map(|sequence| request(sequence.run)).collect();
    let log = paths.provenance_log();
    let (folds, scan) = read_log(&log, &requests)?;
    provprocess::report_bad(&log, &scan);
    for fold in &folds {
        write(paths, &products(None, true), fold, provprocess::tell)?;
    }
    Ok(())
}
