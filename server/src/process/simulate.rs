//! Going through a sequence without running anything: only its provenance is written.

use chrono::{DateTime, Utc};

use crate::provenance::capture::{self, ActivityRun, HASHED_UP_TO, Surroundings};

use super::{ProcessError, Sequence};

/// Writes the records that the stages of a sequence leave when they end well, all at the time `now`.
/// Files that are not there are named all the same. Blocks.
///
/// # Errors
/// `prov.log` cannot be written, or the directories of the calibration cannot be read.
pub fn simulate(
    sequence: &Sequence,
    surroundings: &Surroundings,
    now: DateTime<Utc>,
) -> Result<(), ProcessError> {
    let paths = &sequence.paths;
    let log = paths.provenance_log();
    for work in &sequence.works {
        let (tag, files) = work.trace.told()?;
        let run = ActivityRun {
            tag,
            paths,
            files,
            started: now,
            ended: now,
            surroundings,
            hashed_up_to: HASHED_UP_TO,
        };
        capture::activity(&log, &run)?;
    }
    Ok(())
}
