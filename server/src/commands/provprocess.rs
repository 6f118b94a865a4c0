//! `provprocess`: extracts the provenance of one run from `prov.log`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use crate::config::SiteConfig;
use crate::internal::blocking;
use crate::model::{NightDate, ProdId, RunId};
use crate::night::NightPaths;
use crate::provenance::products::{Filter, Note, products, write};
use crate::provenance::record::Activity;
use crate::provenance::scan::Scan;
use crate::provenance::{Fold, ProvenanceError, Request, read_log};

use super::{Failure, Outcome};

/// How many bad lines are named one by one.
const NAMED_BAD: usize = 20;

/// Extract the provenance of a run from the prov.log of the working directory: one activity a
/// stage, as PROV-JSON and as a graph
#[derive(Debug, Args)]
pub struct ProvprocessArgs {
    /// Use this configuration file [default: $OSA_CONFIG, ./sequencer.cfg, or the installed one]
    #[arg(short, long, value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Only this part of the pipeline [calibration, r0_to_dl1 or dl1_to_dl2]
    #[arg(short, long, value_name = "FILTER", value_parser = filter)]
    filter: Option<Filtered>,
    /// Remove prov.log afterwards
    #[arg(short)]
    quit: bool,
    /// There are no DL2 files
    #[arg(long)]
    no_dl2: bool,
    /// Number of the drs4_pedestal run used in the calibration
    drs4_pedestal_run_id: RunId,
    /// Number of the pedcal run used in the calibration
    pedcal_run_id: RunId,
    /// Number of the run whose provenance is to be extracted
    run: RunId,
    /// Date of the start of the night, YYYYMMDD
    #[arg(value_parser = date)]
    date: NightDate,
    /// Production
    prod_id: ProdId,
}

/// A filter; the original's default is an empty text.
#[derive(Clone, Copy, Debug)]
struct Filtered(Option<Filter>);

fn filter(text: &str) -> Result<Filtered, String> {
    if text.is_empty() {
        return Ok(Filtered(None));
    }
    let found = Filter::ALL.into_iter().find(|filter| filter.name() == text);
    found.map(|filter| Filtered(Some(filter))).ok_or_else(|| {
        let names: Vec<_> = Filter::ALL.iter().map(|filter| filter.name()).collect();
        format!("not one of {}", names.join(", "))
    })
}

fn date(text: &str) -> Result<NightDate, String> {
    let date = NightDate::from_compact(text).or_else(|_| text.parse::<NightDate>());
    date.map_err(|error| error.to_string())
}

/// Runs it.
pub async fn run(args: ProvprocessArgs) -> Outcome {
    blocking(move || extract(&args)).await?
}

fn extract(args: &ProvprocessArgs) -> Outcome {
    let site = SiteConfig::load(&SiteConfig::locate(args.config.as_deref()))?;
    let paths = NightPaths::new(Arc::new(site), args.date, args.prod_id.clone());
    // The file of the working directory, whatever the analysis directory: closing runs there.
    let log = paths.provenance_log();
    let log = PathBuf::from(log.file_name().unwrap_or_default());
    let request = Request {
        drs4: args.drs4_pedestal_run_id,
        pedcal: args.pedcal_run_id,
        run: args.run,
        date: args.date,
    };
    let (folds, scan) = read_log(&log, &[request]).map_err(|error| no_log(error, &log))?;
    report_bad(&log, &scan);
    let products = products(args.filter.and_then(|filter| filter.0), !args.no_dl2);
    for fold in &folds {
        warn_of_missing(&log, fold, &products.iter().flat_map(|p| p.activities).copied().collect());
        write(&paths, &products, fold, tell)?;
    }
    if products.is_empty() {
        eprintln!("Nothing to do: the step makes DL2, and there is no DL2 (--no-dl2).");
    }
    if args.quit {
        let removed = std::fs::remove_file(&log);
        removed.map_err(|cause| ProvenanceError::Write { file: log, cause })?;
    }
    Ok(ExitCode::SUCCESS)
}

fn no_log(error: ProvenanceError, log: &Path) -> Failure {
    let here = std::env::current_dir().unwrap_or_default();
    let name = log.display();
    Failure::from(error)
        .hint(format!("{name} is read in the working directory, now {}; run it in the analysis directory of the night", here.display()))
}

pub(super) fn report_bad(log: &Path, scan: &Scan) {
    for bad in scan.bad.iter().take(NAMED_BAD) {
        eprintln!("warning: {} {bad}", log.display());
    }
    if scan.bad_count > 0 {
        let (count, lines, name) = (scan.bad_count, scan.lines, log.display());
        eprintln!("warning: {name}: {count} of {lines} lines are torn or no records of provenance");
    }
}

/// Says which steps have left no record: their part of the provenance stays empty.
fn warn_of_missing(log: &Path, fold: &Fold, activities: &BTreeSet<Activity>) {
    let missing: Vec<_> = activities.iter().filter(|a| !fold.has(**a)).map(|a| a.name()).collect();
    if !missing.is_empty() {
        let (run, log) = (fold.request().run, log.display());
        eprintln!("warning: {log} has no record of {} for run {run}", missing.join(", "));
    }
}

pub(super) fn tell(note: Note) {
    match note {
        Note::Copied(file) => println!("copying {}", file.display()),
        Note::Made(file) => println!("creating {}", file.display()),
        Note::Missing(file, cause) => {
            eprintln!("warning: could not copy {}: {cause}", file.display());
        }
    }
}
