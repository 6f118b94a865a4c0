//! The on-site calibration tools, which find their own way in the directory tree:
//! `BASE/monitoring/PixelCalibration/Cat-A/<kind>/<date>/<version>/`, with a link `pro` to the
//! version that is in use.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::ArgMatches;

use crate::behaviour::Behaviour;
use crate::content::Product;
use crate::failure::Failure;

use super::Job;
use super::files::{list_below, needed, path, whole};

const CAT_A: &str = "monitoring/PixelCalibration/Cat-A";

pub fn drs4_baseline(options: &ArgMatches, behaviour: &Behaviour) -> Result<Job, Failure> {
    let run = number(options, "run-number");
    let raw = raw_file(options, run)?;
    let dir = output_dir(options, behaviour, "drs4_baseline", &raw)?;
    let name = format!("drs4_pedestal.Run{run:05}.{:04}", number(options, "sub-run"));
    write(options, &dir, &name)
}

pub fn charge_calibration(options: &ArgMatches, behaviour: &Behaviour) -> Result<Job, Failure> {
    let run = number(options, "run-number");
    let base = needed(options, "base-dir")?;
    let given = options.get_one::<String>("filters").or(behaviour.filters.as_ref());
    let filters = given.map_or("52", String::as_str);
    let raw = raw_file(options, run)?;
    let dir = output_dir(options, behaviour, "calibration", &raw)?;
    let date = date_of(&raw);
    whole(&base.join(format!("monitoring/RunSummary/RunSummary_{date}.ecsv")))?;
    let cat_a = base.join(CAT_A);
    let pedestal = options.get_one::<i64>("pedestal-run");
    let pedestal =
        pedestal.map_or("drs4_pedestal.Run*".into(), |run| format!("drs4_pedestal.Run{run:05}.*"));
    last(&cat_a.join("drs4_baseline"), &pedestal, "drs4 pedestal")?;
    last(&cat_a.join("drs4_time_sampling_from_FF"), "time_calibration.Run*", "time calibration")?;
    if !options.get_flag("no-sys-correction") {
        last(&cat_a.join("ffactor_systematics"), "*.h5", "F-factor systematics")?;
    }
    let base_name = options.get_one::<String>("output-base-name").map_or("", String::as_str);
    let prefix = if options.get_flag("no-sys-correction") { "no_sys_corrected_" } else { "" };
    let subrun = number(options, "sub-run");
    let name = format!("{prefix}{base_name}_filters_{filters}.Run{run:05}.{subrun:04}");
    write(options, &dir, &name)
}

fn number(options: &ArgMatches, name: &str) -> i64 {
    options.get_one(name).copied().unwrap_or_default()
}

/// The raw file of a run: `R0/*/LST-1.1.RunRRRRR.SSSS.fits.fz`.
fn raw_file(options: &ArgMatches, run: i64) -> Result<PathBuf, Failure> {
    let base = needed(options, "base-dir")?;
    let r0 = path(options, "r0-dir").unwrap_or_else(|| base.join("R0"));
    let pattern = format!("LST-1.1.Run{run:05}.{:04}*.fits.fz", number(options, "sub-run"));
    list_below(&r0, "", &pattern).into_iter().next().ok_or_else(|| {
        Failure::python(format!("OSError: Run {run} not found in r0_dir {}", r0.display()))
    })
}

/// The date of a raw file: the name of its directory.
fn date_of(raw: &Path) -> String {
    let dir = raw.parent().and_then(Path::file_name).unwrap_or_default();
    dir.to_string_lossy().into_owned()
}

/// Makes the directory of the products, its `log/` and the link `pro`.
fn output_dir(
    options: &ArgMatches,
    behaviour: &Behaviour,
    kind: &str,
    raw: &Path,
) -> Result<PathBuf, Failure> {
    let version =
        options.get_one::<String>("prod-version").cloned().unwrap_or_else(|| behaviour.version());
    let night = needed(options, "base-dir")?.join(CAT_A).join(kind).join(date_of(raw));
    let dir = night.join(&version);
    std::fs::create_dir_all(dir.join("log"))?;
    if !options.get_flag("no-pro-symlink") {
        let pro = night.join("pro");
        match std::fs::remove_file(&pro) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(cause.into()),
            _ => std::os::unix::fs::symlink(&version, pro)?,
        }
    }
    Ok(dir)
}

/// The newest file of a kind that is in use: `dir/*/pro/pattern`.
fn last(dir: &Path, pattern: &str, what: &str) -> Result<PathBuf, Failure> {
    let file = list_below(dir, "pro", pattern).pop().ok_or_else(|| {
        Failure::python(format!("OSError: No {what} file {pattern} found under {}", dir.display()))
    })?;
    whole(&file)?;
    Ok(file)
}

/// The product and its check plot. One that is there is only replaced with `--yes`.
fn write(options: &ArgMatches, dir: &Path, name: &str) -> Result<Job, Failure> {
    let suffix = options.get_one::<String>("output-format").map_or("h5", String::as_str);
    let file = dir.join(format!("{name}.{suffix}"));
    if file.exists() && !options.get_flag("yes") {
        return Err(Failure::plain("\n--> Output file exists already. Stop"));
    }
    let plot = Product::plot(dir.join("log").join(format!("{name}.pdf")));
    Ok(Job { products: vec![Product::new(file), plot] })
}
