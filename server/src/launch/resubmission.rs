//! One run's job once more: its script and its submission, for some subruns or all that are left.

use crate::model::{Kind, Sequence, Subrun};
use crate::night::{NightPaths, Observation, Resources};
use crate::status::Sight;

use super::plan::{PlannedScript, purpose};
use super::script::{ScriptOptions, Work, job_script_with};
use super::{PlannedJob, ground};

/// A job that is to be submitted again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resubmission {
    /// Its script.
    pub script: PlannedScript,
    /// The job.
    pub job: PlannedJob,
}

/// The job of a sequence for these `subruns`, which must be some of its own, in order (none for the
/// calibration). Blocks on the disk, and writes nothing.
///
/// # Errors
/// Why it cannot be processed, in a sentence.
pub fn resubmission(
    (paths, observation, seen): (&NightPaths, &Observation, &Sight),
    sequence: &Sequence,
    subruns: &[Subrun],
    options: &ScriptOptions,
    resources: &Resources,
) -> Result<Resubmission, String> {
    let disk = ground::inspect(paths, observation, seen);
    if let Some(why) = disk.unreadable.get(&sequence.run) {
        return Err(format!("Run {} is not submitted again: {why}.", sequence.run));
    }
    let runs = observation.calibration.ok_or("The night has no calibration runs within reach.")?;
    let work = match sequence.kind {
        Kind::Calibration => Work::Calibration(runs),
        Kind::Data if !disk.calibrated => {
            return Err(format!(
                "The calibration (run {}) is not there yet: see to it first.",
                runs.pedcal
            ));
        }
        Kind::Data => Work::Data {
            calibration: disk.calibration.clone()?,
            pedestal_ids: disk.pedestal_ids.contains(&sequence.run),
            subruns: subruns.to_vec(),
        },
    };
    let text = job_script_with(paths, sequence, &work, options, resources);
    let text = text.map_err(|error| error.to_string())?;
    let file = paths.script(sequence.run);
    let job = PlannedJob {
        purpose: purpose(sequence.run),
        name: sequence.job_name(),
        script: file.clone(),
        needs: Vec::new(),
        exclude_nodes: None,
    };
    Ok(Resubmission { script: PlannedScript { run: sequence.run, file, text }, job })
}
