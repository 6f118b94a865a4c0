//! What the provenance of a stage names.

use std::path::{Path, PathBuf};

use crate::model::{CalibrationRuns, RunId, Stage, SubrunId};
use crate::night::{NightPaths, charge_file, drs4_file};
use crate::provenance::capture::{CalibrationRun, DataInputs, Files};
use crate::provenance::record::{Activity, Subject, Tag};

use super::calibration::CalibrationNights;
use super::{Inputs, ProcessError};

/// What a stage uses and makes, as its records in `prov.log` will have it.
#[derive(Clone, Debug)]
pub struct Trace {
    stage: Stage,
    subject: Traced,
}

#[derive(Clone, Debug)]
enum Traced {
    Subrun(RunId, Files),
    /// Where its files are is known only when they are made.
    Calibration {
        paths: NightPaths,
        runs: CalibrationRuns,
        nights: CalibrationNights,
        raw: PathBuf,
    },
}

impl Trace {
    /// That of a stage of a subrun.
    pub(super) fn subrun(stage: Stage, paths: &NightPaths, id: SubrunId, inputs: &Inputs) -> Self {
        let files = match stage {
            Stage::Dl1ab => Files::dl1ab(paths, id),
            Stage::CheckDl1 => Files::dl1_datacheck(paths, id),
            Stage::Dl1ToDl2 => Files::dl1_to_dl2(paths, id),
            // The stages of the calibration are none of a subrun.
            Stage::R0ToDl1 | Stage::Drs4Baseline | Stage::ChargeCalibration => {
                Files::r0_to_dl1(paths, id, &data_inputs(inputs))
            }
        };
        Self { stage, subject: Traced::Subrun(id.run, files) }
    }

    /// That of a stage of the calibration, made of this raw file.
    pub(super) fn calibration(
        stage: Stage,
        paths: &NightPaths,
        runs: CalibrationRuns,
        nights: CalibrationNights,
        raw: PathBuf,
    ) -> Self {
        Self { stage, subject: Traced::Calibration { paths: paths.clone(), runs, nights, raw } }
    }

    /// What the records name, once the stage has ended well.
    ///
    /// # Errors
    /// The directories of the calibration cannot be read.
    pub(super) fn describe(&self) -> Result<(Tag, Files), ProcessError> {
        let activity = activity(self.stage);
        match &self.subject {
            Traced::Subrun(run, files) => {
                Ok((Tag { activity, subject: Subject::Run(*run) }, files.clone()))
            }
            Traced::Calibration { paths, runs, nights, raw } => {
                let subject = Subject::Calibration { drs4: runs.drs4, pedcal: runs.pedcal };
                let drs4 = drs4_file(paths, runs.drs4, nights.drs4)?;
                let files = if self.stage == Stage::Drs4Baseline {
                    let check_plot = check_plot(&drs4);
                    let (raw, drs4, check_plot) = (&**raw, &*drs4, &*check_plot);
                    Files::drs4_pedestal(CalibrationRun { raw, drs4, product: drs4, check_plot })
                } else {
                    let product = charge_file(paths, runs.pedcal, nights.pedcal)?;
                    let check_plot = check_plot(&product);
                    let (raw, drs4, check_plot) = (&**raw, &*drs4, &*check_plot);
                    let product = &*product;
                    Files::calibrate_charge(CalibrationRun { raw, drs4, product, check_plot })
                };
                Ok((Tag { activity, subject }, files))
            }
        }
    }
}

/// Which activity a stage is.
fn activity(stage: Stage) -> Activity {
    match stage {
        Stage::Drs4Baseline => Activity::Drs4Pedestal,
        Stage::ChargeCalibration => Activity::CalibrateCharge,
        Stage::R0ToDl1 => Activity::R0ToDl1,
        Stage::Dl1ab => Activity::Dl1ab,
        Stage::CheckDl1 => Activity::Dl1Datacheck,
        Stage::Dl1ToDl2 => Activity::Dl1ToDl2,
    }
}

fn data_inputs(inputs: &Inputs) -> DataInputs<'_> {
    DataInputs {
        drs4: &inputs.drs4,
        calibration: &inputs.calibration,
        time: &inputs.time,
        systematics: &inputs.systematics,
        drive_log: &inputs.drive_log,
        run_summary: &inputs.run_summary,
        pedestal_ids: inputs.pedestal_ids.as_deref(),
    }
}

/// The plot beside a calibration file, in `log/`.
fn check_plot(file: &Path) -> PathBuf {
    let name = file.with_extension("pdf");
    let directory = file.parent().unwrap_or(Path::new("")).join("log");
    name.file_name().map_or(directory.clone(), |name| directory.join(name))
}
