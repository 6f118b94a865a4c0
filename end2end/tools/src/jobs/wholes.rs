//! The tools that work on whole runs and nights.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::ArgMatches;

use crate::behaviour::Behaviour;
use crate::content::Product;
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
    Ok(Job { products: vec![Product { path: file, text: Some(text), append: false }] })
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
    run_wise_datachecks(&needed(options, "input-dir")?)?;
    let output = needed(options, "output-file")?;
    Ok(Job::writing(["h5", "html", "log"].map(|suffix| output.with_extension(suffix))))
}

pub fn transparency(options: &ArgMatches) -> Result<Job, Failure> {
    run_wise_datachecks(&needed(options, "input-dir")?)?;
    let path = input(options, "update-datacheck-file")?;
    Ok(Job { products: vec![Product { path, text: None, append: true }] })
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
