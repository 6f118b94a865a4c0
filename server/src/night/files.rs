//! Calibration files: which of those that are there a night uses, or where it will find its own.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::model::{CalibrationRuns, NightDate, RunId};

use super::version::Version;
use super::{NightError, NightPaths, night_of};

/// Positions of the filter wheels where nobody knows better.
const USUAL_FILTERS: &str = "52";

/// What the reduction of a run is calibrated with. The first two may not exist yet: the night's
/// calibration makes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalibrationFiles {
    /// Baseline of the DRS4 chips.
    pub drs4: PathBuf,
    /// Charge calibration.
    pub calibration: PathBuf,
    /// Time calibration.
    pub time: PathBuf,
    /// Systematic corrections.
    pub systematics: PathBuf,
}

/// The calibration files of a night with these calibration runs. Blocks on the disk.
///
/// # Errors
/// [`NightError::NoNight`], [`NightError::NoCalibrationFile`] if there is no time calibration or
/// no systematic correction, [`NightError::Read`].
pub fn calibration_files(
    paths: &NightPaths,
    runs: CalibrationRuns,
) -> Result<CalibrationFiles, NightError> {
    Ok(CalibrationFiles {
        drs4: drs4_file(paths, runs.drs4, night_of(runs.drs4, paths)?)?,
        calibration: charge_file(paths, runs.pedcal, night_of(runs.pedcal, paths)?)?,
        time: time_file(paths, runs.pedcal)?,
        systematics: systematics_file(paths, runs.pedcal)?,
    })
}

/// The DRS4 baseline from a run of `night`: that of the latest production of the same `vX.Y` that
/// has one, else where the night's own production will have it.
pub fn drs4_file(paths: &NightPaths, run: RunId, night: NightDate) -> Result<PathBuf, NightError> {
    let name = NightPaths::drs4_name(run);
    let directory = paths.drs4_dir(night);
    for production in productions(&directory, paths)? {
        let file = production.join(&name);
        if exists(&file)? {
            return Ok(file);
        }
    }
    Ok(directory.join(paths.prod_id.as_str()).join(name))
}

/// The charge calibration from a run of `night`, chosen like the DRS4 baseline; taken with
/// whatever filters if it is there, else expected with filters 52.
pub fn charge_file(
    paths: &NightPaths,
    run: RunId,
    night: NightDate,
) -> Result<PathBuf, NightError> {
    let directory = paths.charge_dir(night);
    for production in productions(&directory, paths)? {
        let mut names = names(&production)?;
        names
            .retain(|name| name.to_str().is_some_and(|n| NightPaths::filters_of(n, run).is_some()));
        if let Some(name) = names.into_iter().max() {
            return Ok(production.join(name));
        }
    }
    let name = NightPaths::charge_name(run, USUAL_FILTERS);
    Ok(directory.join(paths.prod_id.as_str()).join(name))
}

/// The last time calibration whose run is not after the `PEDCALIB` run.
fn time_file(paths: &NightPaths, pedcal: RunId) -> Result<PathBuf, NightError> {
    let root = paths.time_calibrations();
    let mut files = Vec::new();
    for night in names(&root)? {
        let directory = NightPaths::in_use(&root.join(&night));
        for name in names(&directory)? {
            let run = name.to_str().and_then(NightPaths::run_of_time_calibration);
            let run = run.filter(|run| *run <= pedcal);
            files.extend(run.map(|run| (run, night.clone(), directory.join(name))));
        }
    }
    files.into_iter().max().map(|(_, _, file)| file).ok_or(NightError::NoCalibrationFile {
        what: "time calibration (D/pro/time_calibration.RunRRRRR.0000.h5, RRRRR not after the run)",
        run: pedcal,
        directory: root,
    })
}

/// The systematic correction of the last date not after the night, else the oldest.
fn systematics_file(paths: &NightPaths, pedcal: RunId) -> Result<PathBuf, NightError> {
    let root = paths.systematics();
    let mut dates = Vec::new();
    for name in names(&root)? {
        let date = name.to_str().and_then(|name| NightDate::from_compact(name).ok());
        let Some(date) = date else { continue };
        if exists(&paths.systematics_file(date))? {
            dates.push(date);
        }
    }
    dates.sort_unstable();
    let chosen = dates.iter().rfind(|date| **date <= paths.date).or_else(|| dates.first());
    chosen.map(|date| paths.systematics_file(*date)).ok_or(NightError::NoCalibrationFile {
        what: "systematic correction (D/pro/ffactor_systematics_D.h5)",
        run: pedcal,
        directory: root,
    })
}

/// The productions of the same `vX.Y` as the night's in a directory, the latest first; the night's
/// own one only if its name is no version.
fn productions(directory: &Path, paths: &NightPaths) -> Result<Vec<PathBuf>, NightError> {
    let own = paths.prod_id.as_str();
    let Some(version) = Version::parse(own) else { return Ok(vec![directory.join(own)]) };
    let mut found = Vec::new();
    for name in names(directory)? {
        let other = name.to_str().and_then(Version::parse);
        found.extend(other.filter(|other| other.same_major(&version)).map(|v| (v, name)));
    }
    found.sort_unstable_by(|a, b| b.cmp(a));
    Ok(found.into_iter().map(|(_, name)| directory.join(name)).collect())
}

/// The names in a directory, none if it does not exist.
fn names(directory: &Path) -> Result<Vec<OsString>, NightError> {
    let wrap = |cause| NightError::read(directory, cause);
    match std::fs::read_dir(directory) {
        Err(cause) if is_missing(&cause) => Ok(Vec::new()),
        entries => entries
            .map_err(wrap)?
            .map(|entry| entry.map(|entry| entry.file_name()).map_err(wrap))
            .collect(),
    }
}

fn exists(file: &Path) -> Result<bool, NightError> {
    match file.try_exists() {
        Err(cause) if !is_missing(&cause) => Err(NightError::read(file, cause)),
        there => Ok(there.unwrap_or(false)),
    }
}

/// A path that leads through a plain file is as missing as one that ends nowhere.
fn is_missing(cause: &std::io::Error) -> bool {
    matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests;
