//! `osa datacheck`: looks at datacheck files.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;

use crate::datacheck::draw::{Format, Hover, figure_as, sheet_as};
use crate::datacheck::figure::{NightSheet, RunSheet, Sheet, SubrunRings, night_sheet, run_sheet};
use crate::datacheck::zero::without_sign_of_zero;
use crate::datacheck::{
    Inspection, NightData, Pace, RunData, RunJudgement, Thresholds, Verdict, inspect, judge,
    read_muons, run_number, subrun_number, summarise,
};
use crate::internal::blocking;

use super::{Failure, Outcome};

/// Look at datacheck files
#[derive(Clone, Debug, clap::Args)]
pub struct Datacheck {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Clone, Debug, Subcommand)]
enum Verb {
    /// Tell what is in a datacheck file of a subrun, run or night, or in a muon file
    Inspect {
        /// The file (HDF5, or FITS for muon rings)
        file: PathBuf,
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Write all figures of a run (its merged file, or those of its subruns) or of a night
    Figures {
        /// HDF5 files of one run or of nights, and the FITS files of the run's muon rings
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Directory to write to, one directory a sheet
        #[arg(short, long)]
        output: PathBuf,
        /// What to write
        #[arg(short, long, value_enum, default_value = "svg")]
        format: Format,
        /// The run of a night whose pixels are shown [default: the first]
        #[arg(long)]
        run: Option<i64>,
        /// Thresholds [default: those that the program brings along]
        #[arg(long)]
        thresholds: Option<PathBuf>,
    },
    /// Judge the runs of nights, or a run before its night is closed: ok, warn or bad, and why
    Judge {
        /// Datacheck files of nights; or of one run (its merged file, or those of its subruns), with the
        /// FITS files of its muon rings
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Thresholds [default: those that the program brings along]
        #[arg(long)]
        thresholds: Option<PathBuf>,
        /// Print JSON instead of text
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
pub async fn run(args: Datacheck) -> Outcome {
    blocking(move || act(args.verb)).await?
}

fn act(verb: Verb) -> Outcome {
    match verb {
        Verb::Inspect { file, json } => {
            let inspection = inspect(&file)?;
            let text = if json {
                serde_json::to_string_pretty(&inspection)? + "\n"
            } else {
                as_text(&inspection)
            };
            print(&text)?;
        }
        Verb::Figures { files, output, format, run, thresholds } => {
            let thresholds = load(thresholds.as_deref())?;
            let of = files[0].file_stem().unwrap_or_default().to_string_lossy();
            for sheet in sheets(&files, run, &thresholds)? {
                write_sheet(&of, &sheet, &output, format)?;
            }
        }
        Verb::Judge { files, thresholds, json } => {
            let judgements = judge(&to_judge(&files)?, &load(thresholds.as_deref())?);
            let text = if json {
                serde_json::to_string_pretty(&judgements)? + "\n"
            } else {
                judgements.iter().map(judgement_text).collect()
            };
            print(&text)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn load(thresholds: Option<&Path>) -> Result<Thresholds, Failure> {
    Ok(thresholds.map_or_else(Thresholds::shipped, Thresholds::load)?)
}

fn is_fits(file: &Path) -> bool {
    file.extension().is_some_and(|suffix| suffix == "fits")
}

fn is_nights(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("DL1_"))
}

/// What is judged: nights, or one run.
fn to_judge(files: &[PathBuf]) -> Result<NightData, Failure> {
    let (fits, hdf5): (Vec<PathBuf>, Vec<PathBuf>) =
        files.iter().cloned().partition(|f| is_fits(f));
    let night = if hdf5.iter().any(|file| is_nights(file)) {
        NightData::read(&hdf5, true)?
    } else {
        let mut runs: Vec<i64> = files.iter().filter_map(|file| run_number(file)).collect();
        runs.sort_unstable();
        runs.dedup();
        let [run] = runs[..] else {
            let text = "the files are neither of nights (DL1_datacheck_D.h5) nor of one run";
            return Err(Failure::new(text).hint("give the files of one run at a time"));
        };
        let muons = fits.into_iter().filter_map(|file| Some((subrun_number(&file)?, file)));
        summarise(run, &hdf5, &muons.collect(), Pace::Hurried)?
    };
    for (file, problem) in &night.unreadable {
        eprintln!("warning: left out {}: {problem}", file.display());
    }
    Ok(night)
}

/// The sheets of a run, or of nights if the first file is a night's.
fn sheets(
    files: &[PathBuf],
    run: Option<i64>,
    thresholds: &Thresholds,
) -> Result<Vec<Sheet>, Failure> {
    let hdf5: Vec<PathBuf> = files.iter().filter(|file| !is_fits(file)).cloned().collect();
    if hdf5.iter().any(|file| is_nights(file)) {
        let night = NightData::read(&hdf5, true)?;
        let place = |run| night.run_numbers().iter().position(|other| *other == run);
        let row = match run {
            None => 0,
            Some(run) => place(run)
                .ok_or_else(|| Failure::new(format!("run {run} is not in these files")))?,
        };
        return Ok(NightSheet::ALL.map(|sheet| night_sheet(&night, thresholds, sheet, row)).into());
    }
    let data = RunData::read(&hdf5)?;
    for (file, problem) in &data.unreadable {
        eprintln!("warning: left out {}: {problem}", file.display());
    }
    let mut rings: Vec<SubrunRings> = Vec::new();
    for subrun in data.subruns() {
        let of_subrun = |file: &&PathBuf| is_fits(file) && subrun_number(file) == Some(subrun);
        // Without one file of muon rings there are still all other figures.
        let read = |file: &PathBuf| {
            let left_out = |error| eprintln!("warning: left out: {error}");
            read_muons(file).map_err(left_out).ok()
        };
        rings.push(SubrunRings { subrun, rings: files.iter().find(of_subrun).and_then(read) });
    }
    Ok(RunSheet::ALL.map(|sheet| run_sheet(&data, &rings, sheet)).into())
}

fn write_sheet(of: &str, sheet: &Sheet, output: &Path, format: Format) -> Result<(), Failure> {
    let directory = output.join(&sheet.key);
    std::fs::create_dir_all(&directory)
        .map_err(|error| Failure::new(format!("cannot create {}: {error}", directory.display())))?;
    let write = |name: &str, content: Vec<u8>| {
        let file = directory.join(format!("{name}.{}", format.suffix()));
        std::fs::write(&file, content)
            .map_err(|error| Failure::new(format!("cannot write {}: {error}", file.display())))
    };
    for figure in &sheet.figures {
        write(&figure.id, figure_as(figure, format, Hover::Tells)?)?;
    }
    match sheet_as(of, sheet, format)? {
        Some(page) => write("sheet", page),
        None => Ok(()),
    }
}

fn judgement_text(judgement: &RunJudgement) -> String {
    let mut lines = vec![format!("run {}: {}\n", judgement.run, judgement.verdict.as_str())];
    for finding in judgement.findings.iter().filter(|finding| finding.verdict != Verdict::Ok) {
        lines.push(format!("  {:4} {}\n", finding.verdict.as_str(), finding.reason));
    }
    lines.concat()
}

/// Prints to standard output; whoever reads it may stop early (`| head`).
fn print(text: &str) -> Result<(), Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn as_text(inspection: &Inspection) -> String {
    let mut lines = Vec::new();
    for (name, table) in &inspection.tables {
        let Some(table) = table else {
            lines.push(format!("{name}: not in this file\n"));
            continue;
        };
        lines.push(format!("{name}: {} rows", table.nrows));
        lines.push(format!(
            "  {:38} {:5} {:>15} {:>6} {:>5} {:>14} {:>14} {:>14}  unit",
            "column", "type", "shape", "NaN", "Inf", "min", "max", "sum"
        ));
        for (column, entry) in &table.columns {
            let shape = entry.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("x");
            let numbers = entry.numbers.as_ref().map_or_else(String::new, |numbers| {
                format!(
                    " {:>6} {:>5} {:>14} {:>14} {:>14}",
                    numbers.n_nan,
                    numbers.n_inf,
                    brief(numbers.min),
                    brief(numbers.max),
                    brief(Some(numbers.sum_finite))
                )
            });
            let unit = entry.unit.as_deref().unwrap_or_default();
            let line = format!("  {column:38} {:5} {shape:>15}{numbers}  {unit}", entry.dtype);
            lines.push(line.trim_end().to_owned());
        }
        lines.push(String::new());
    }
    lines.join("\n")
}

/// A number in at most 14 characters.
fn brief(value: Option<f64>) -> String {
    match value {
        None => "-".into(),
        Some(value) if value.fract() == 0.0 && value.abs() < 1e12 => {
            without_sign_of_zero(value.to_string())
        }
        Some(value) if (1e-3..1e6).contains(&value.abs()) => format!("{value:.6}"),
        Some(value) if (1e6..1e10).contains(&value.abs()) => format!("{value:.2}"),
        Some(value) => format!("{value:.5e}"),
    }
}
