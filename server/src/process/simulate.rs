//! Going through a night without running anything: only its provenance is written.

use chrono::{DateTime, Utc};

use crate::model::{CalibrationRuns, Kind, Sequence, Subrun, SubrunId};
use crate::night::{NightPaths, calibration_files, night_of};
use crate::provenance::capture::{self, ActivityRun, HASHED_UP_TO, Surroundings};

use super::work::Work;
use super::{CalibrationNights, Inputs, ProcessError, calibration_works, data_works};

/// A night to be gone through.
#[derive(Clone, Copy, Debug)]
pub struct Simulation<'a> {
    /// The night and production.
    pub paths: &'a NightPaths,
    /// The runs that calibrate it.
    pub runs: CalibrationRuns,
    /// What the records tell of the program and its machine.
    pub surroundings: &'a Surroundings,
    /// When all of it was done.
    pub now: DateTime<Utc>,
}

impl Simulation<'_> {
    /// Writes the records that a sequence leaves in `prov.log` when all its stages end well. Files
    /// that are not there are named all the same. Blocks.
    ///
    /// # Errors
    /// `prov.log` cannot be written, or it is not known where the files of the calibration are.
    pub fn sequence(&self, sequence: &Sequence) -> Result<(), ProcessError> {
        let (paths, run) = (self.paths, sequence.run);
        let directory = paths.analysis_dir();
        std::fs::create_dir_all(&directory).map_err(ProcessError::file("make", &directory))?;
        if sequence.kind == Kind::Calibration {
            let nights = CalibrationNights {
                drs4: night_of(self.runs.drs4, paths)?,
                pedcal: night_of(self.runs.pedcal, paths)?,
            };
            return self.works(&calibration_works(paths, self.runs, nights)?);
        }
        let files = calibration_files(paths, self.runs)?;
        for subrun in (0..sequence.subruns).map(Subrun) {
            let ids = paths.pedestal_ids(run, subrun);
            let inputs = Inputs {
                drs4: files.drs4.clone(),
                calibration: files.calibration.clone(),
                time: files.time.clone(),
                systematics: files.systematics.clone(),
                drive_log: paths.drive_log(),
                run_summary: paths.run_summary(),
                pedestal_ids: ids.is_file().then_some(ids),
            };
            self.works(&data_works(paths, SubrunId { run, subrun }, &inputs, true))?;
        }
        Ok(())
    }

    fn works(&self, works: &[Work]) -> Result<(), ProcessError> {
        let log = self.paths.provenance_log();
        for work in works {
            let (tag, files) = work.trace.describe()?;
            let run = ActivityRun {
                tag,
                paths: self.paths,
                files,
                started: self.now,
                ended: self.now,
                surroundings: self.surroundings,
                hashed_up_to: HASHED_UP_TO,
            };
            capture::activity(&log, &run)?;
        }
        Ok(())
    }
}
