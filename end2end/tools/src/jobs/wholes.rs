//! The tools that work on whole runs and nights.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::ArgMatches;

use crate::behaviour::Behaviour;
use crate::content::{Content, Product};
use crate::datacheck::Subruns;
use crate::failure::Failure;

use super::Job;
use super::files::{input, list, needed, run_field, whole};

pub fn create_run_summary(options: &ArgMatches, behaviour: &Behaviour) -> Result<Job, Failure> {
    let date = options.get_one::<String>("date").map_or("", String::as_str);
    let raw = needed(options, "r0-path")?.join(date);
    let files = list(&raw, "LST-1.1.Run*.fits.fz");
    if files.is_empty() {
        return Err(Failure::python(format!("IndexError: no R0 files in {}", raw.display())));
    }
    let file = needed(options, "output-dir")?.join(format!("RunSummary_{date}.ecsv"));
    if file.exists() && !options.get_flag("overwrite") {
        return Err(Failure::python(format!(
            "OSError: {} already exists. If you mean to replace it then use the argument \
             \"overwrite=True\".",
            file.display()
        )));
    }
    let text = summary(&files, date, behaviour.version().trim_start_matches('v'));
    Ok(Job { products: vec![Product { path: file, content: Content::Text(text), append: false }] })
}

/// The run summary. A raw file may say its run's type in its first line (`DRS4`, `PEDCALIB`,
/// `DATA`, ...); else the night's first run is the pedestal, its second the calibration.
fn summary(files: &[PathBuf], date: &str, version: &str) -> String {
    let columns = [
        ("run_id", "int64"),
        ("n_subruns", "int64"),
        ("run_type", "string"),
        ("ucts_timestamp", "int64"),
        ("run_start", "int64"),
        ("dragon_reference_time", "int64"),
        ("dragon_reference_module_id", "int16"),
        ("dragon_reference_module_index", "int16"),
        ("dragon_reference_counter", "uint64"),
        ("dragon_reference_source", "string"),
    ];
    let mut text = String::from("# %ECSV 1.0\n# ---\n# datatype:\n");
    for (name, kind) in columns {
        let _ = writeln!(text, "# - {{name: {name}, datatype: {kind}}}");
    }
    let night = [date.get(..4), date.get(4..6), date.get(6..)].map(Option::unwrap_or_default);
    let _ = write!(
        text,
        "# delimiter: ','\n# meta: !!omap\n# - {{date: '{}'}}\n# - {{lstchain_version: {version}}}\n\
         # schema: astropy-2.0\n{}\n",
        night.join("-"),
        columns.map(|(name, _)| name).join(","),
    );
    for (index, (run, files)) in by_run(files).iter().enumerate() {
        let first = files.first().and_then(|file| std::fs::read_to_string(file).ok());
        let written = first.as_deref().and_then(|text| text.lines().next()).map(str::trim);
        let guess = ["DRS4", "PEDCALIB"].get(index).copied().unwrap_or("DATA");
        let known = |word: &&str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        };
        let run_type = written.filter(known).unwrap_or(guess);
        let subruns = files.len();
        let _ = writeln!(text, "{run},{subruns},{run_type},-1,-1,-1,-1,-1,0,run_start");
    }
    text
}

/// The files of each run, runs in order.
fn by_run(files: &[PathBuf]) -> Vec<(u64, Vec<&PathBuf>)> {
    let mut runs = std::collections::BTreeMap::<u64, Vec<&PathBuf>>::new();
    for file in files {
        let field = run_field(&file.to_string_lossy());
        if let Ok(run) = field.split('.').next().unwrap_or_default().parse() {
            runs.entry(run).or_default().push(file);
        }
    }
    runs.into_iter().collect()
}

pub fn merge_hdf5(options: &ArgMatches) -> Result<Job, Failure> {
    merge(options, || Failure::python("IndexError: list index out of range"))
}

pub fn merge_muons(options: &ArgMatches) -> Result<Job, Failure> {
    let output = needed(options, "output-file")?;
    let dir = needed(options, "input-dir")?;
    if output.exists() {
        return Err(Failure::python(format!("OSError: {} exists, exiting.", output.display())));
    }
    merge(options, || {
        Failure::python(format!(
            "OSError: No muon files in {} with the parameters requested",
            dir.display()
        ))
    })
}

fn merge(options: &ArgMatches, none: impl Fn() -> Failure) -> Result<Job, Failure> {
    let dir = needed(options, "input-dir")?;
    let pattern = options.get_one::<String>("pattern").map_or("*", String::as_str);
    let run = options.get_one::<i64>("run-number").map(|run| format!("Run{run:05}"));
    let of_run = |file: &PathBuf| {
        let path = file.to_string_lossy();
        run.as_ref().is_none_or(|run| path.contains(run.as_str()))
    };
    let inputs: Vec<_> = list(&dir, pattern).into_iter().filter(of_run).collect();
    if inputs.is_empty() {
        return Err(none());
    }
    inputs.iter().try_for_each(|file| whole(file))?;
    Ok(Job::writing([needed(options, "output-file")?]))
}

pub fn longterm(options: &ArgMatches) -> Result<Job, Failure> {
    let dir = needed(options, "input-dir")?;
    run_wise_datachecks(&dir)?;
    let output = needed(options, "output-file")?;
    let runs = runs_of(&dir);
    let anomalies = format!("Datacheck of {} runs: no anomalies were looked for\n", runs.len());
    let page = "<!DOCTYPE html>\n<html lang=\"en\"><head><title>DL1 datacheck</title></head>\n\
                <body><p>The long-term page of the stand-in.</p></body></html>\n";
    let product = |suffix: &str, content| Product {
        path: output.with_extension(suffix),
        content,
        append: false,
    };
    Ok(Job {
        products: vec![
            product("h5", Content::Night(runs)),
            product("html", Content::Text(page.to_owned())),
            product("log", Content::Text(anomalies)),
        ],
    })
}

/// The runs of a directory with run-wise files, and their subruns, by the files that are there.
fn runs_of(dir: &Path) -> Vec<Subruns> {
    let runs = list(dir, "datacheck_dl1_LST-1.Run?????.h5");
    let runs = runs.iter().filter_map(|file| Subruns::of(file));
    runs.map(|run| with_subruns(dir, run)).collect()
}

/// A run with the subruns whose files are in a directory.
pub fn with_subruns(dir: &Path, run: Subruns) -> Subruns {
    let files = list(dir, &format!("datacheck_dl1_LST-1.Run{:05}.????.h5", run.run));
    let numbers = files.iter().filter_map(|file| Subruns::of(file)).flat_map(|one| one.numbers);
    Subruns { numbers: numbers.collect(), ..run }
}

pub fn transparency(options: &ArgMatches) -> Result<Job, Failure> {
    let dir = needed(options, "input-dir")?;
    run_wise_datachecks(&dir)?;
    let path = input(options, "update-datacheck-file")?;
    let content = Content::Spectrum(runs_of(&dir));
    Ok(Job { products: vec![Product { path, content, append: true }] })
}

/// The run-wise datacheck files of a directory, of which there must be one.
fn run_wise_datachecks(dir: &Path) -> Result<(), Failure> {
    let files = list(dir, "datacheck_dl1_LST-1.Run?????.h5");
    if files.is_empty() {
        let message = format!("No run-wise datacheck files found in {}!", dir.display());
        return Err(Failure::plain(message).with(Some(255)));
    }
    files.iter().try_for_each(|file| whole(file))
}
