//! Which files a subrun is calibrated with: those that the command line names, else those that the
//! night has; and what to take instead of one that is not there.

use std::path::{Path, PathBuf};

use crate::model::{NightDate, RunId, SubrunId};
use crate::night::{
    MissingSummary, NightError, NightPaths, Observation, calibration_files, charge_file, drs4_file,
};

use super::ProcessError;
use super::data::Inputs;
use super::work::is_product;

/// Files that the command line names.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)] // each field is that of `Inputs`
pub struct Given {
    pub drs4: Option<PathBuf>,
    pub calibration: Option<PathBuf>,
    pub time: Option<PathBuf>,
    pub systematics: Option<PathBuf>,
    pub drive_log: Option<PathBuf>,
    pub run_summary: Option<PathBuf>,
    pub pedestal_ids: Option<PathBuf>,
}

impl Inputs {
    /// The files to use for a subrun, and what to say about them. Blocks on the disk.
    ///
    /// A DRS4 baseline or charge calibration that is not there is replaced by one of the same run
    /// of another production of the same `vX.Y`, or with other filters. Ids of interleaved
    /// pedestals that are not there are done without: not every subrun has them.
    ///
    /// # Errors
    /// A calibration file is not named, and the night does not tell which it is.
    pub fn find(
        paths: &NightPaths,
        id: SubrunId,
        given: Given,
    ) -> Result<(Self, Vec<String>), ProcessError> {
        let mut inputs = complete(paths, given)?;
        let mut said = Vec::new();
        for (file, what) in
            [(&mut inputs.drs4, "DRS4 baseline"), (&mut inputs.calibration, "charge calibration")]
        {
            if is_product(file) {
                continue;
            }
            if let Some(other) = substitute(paths, file)? {
                said.push(format!(
                    "the {what} {} is not there: using {}",
                    file.display(),
                    other.display()
                ));
                *file = other;
            }
        }
        if let Some(ids) = inputs.pedestal_ids.take_if(|ids| !ids.is_file()) {
            said.push(format!(
                "subrun {id} has no ids of interleaved pedestals ({} is not there): doing without",
                ids.display()
            ));
        }
        Ok((inputs, said))
    }
}

fn complete(paths: &NightPaths, given: Given) -> Result<Inputs, ProcessError> {
    let drive_log = given.drive_log.unwrap_or_else(|| paths.drive_log());
    let run_summary = given.run_summary.unwrap_or_else(|| paths.run_summary());
    let pedestal_ids = given.pedestal_ids;
    if let (Some(drs4), Some(calibration), Some(time), Some(systematics)) =
        (&given.drs4, &given.calibration, &given.time, &given.systematics)
    {
        let [drs4, calibration, time, systematics] =
            [drs4, calibration, time, systematics].map(Clone::clone);
        return Ok(Inputs {
            drs4,
            calibration,
            time,
            systematics,
            drive_log,
            run_summary,
            pedestal_ids,
        });
    }
    let observation = Observation::read(paths, MissingSummary::Fail)?;
    let runs = observation.calibration.ok_or(ProcessError::NoCalibration { date: paths.date })?;
    let found = calibration_files(paths, runs)?;
    Ok(Inputs {
        drs4: given.drs4.unwrap_or(found.drs4),
        calibration: given.calibration.unwrap_or(found.calibration),
        time: given.time.unwrap_or(found.time),
        systematics: given.systematics.unwrap_or(found.systematics),
        drive_log,
        run_summary,
        pedestal_ids,
    })
}

/// A file of the same run and night that is there, if there is one.
fn substitute(paths: &NightPaths, file: &Path) -> Result<Option<PathBuf>, NightError> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some(run) = run_in(name) else { return Ok(None) };
    let night = file.parent().and_then(Path::parent).and_then(Path::file_name);
    let night = night.and_then(|name| NightDate::from_compact(name.to_str()?).ok());
    let night = night.unwrap_or(paths.date);
    let other = if name == NightPaths::drs4_name(run) {
        drs4_file(paths, run, night)?
    } else if NightPaths::filters_of(name, run).is_some() {
        charge_file(paths, run, night)?
    } else {
        return Ok(None);
    };
    Ok(is_product(&other).then_some(other))
}

/// The run in the name of a calibration file: `….RunRRRRR.0000.h5`.
fn run_in(name: &str) -> Option<RunId> {
    let (_, rest) = name.split_once(".Run")?;
    rest.split('.').next()?.parse().ok()
}
