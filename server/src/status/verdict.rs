//! What follows from a row: is it finished, at work, in trouble? And so the night.

use crate::model::{Condition, Kind, NightState, SequenceStatus, Stage};

use super::Depth;
use super::jobs::NEVER;
use super::progress::Evidence;

/// What follows from a sequence's row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Nothing is left to be done: every subrun has reached its last stage (by its history; by its
    /// files where there is none, in a closed night, or where histories were not read), or the
    /// sequence was closed by hand.
    pub finished: bool,
    /// A job of it waits or runs, and can get on.
    pub active: bool,
    /// It is not finished, and its last job or a subrun failed, its job can never begin, or it is
    /// vetoed.
    pub failing: bool,
    /// Something was done for it or tried. Not said of a calibration that is finished: its files
    /// and its job may be there for another night's sake.
    pub started: bool,
}

impl Verdict {
    pub(super) fn new(status: &SequenceStatus, evidence: &Evidence<'_>, depth: Depth) -> Self {
        let files = evidence.files;
        let finished = files.closed
            || match depth {
                Depth::Full => all_done(status),
                Depth::Table => all_there(status, evidence),
            };
        let state = status.state.as_ref();
        let never = status.reason == NEVER;
        let failed = |segment: &crate::model::Segment| segment.condition == Condition::Failed;
        let failing = !finished
            && (files.vetoed
                || never
                || state.is_some_and(crate::model::JobState::is_failure)
                || status.segments.iter().any(failed));
        let started = match status.sequence.kind {
            Kind::Calibration => status.job.is_some() && !finished,
            Kind::Data => status.job.is_some() || !files.is_empty(),
        };
        Self {
            finished,
            active: !never && status.counts.keys().any(crate::model::JobState::is_active),
            failing,
            started,
        }
    }
}

fn all_done(status: &SequenceStatus) -> bool {
    !status.segments.is_empty()
        && status.segments.iter().all(|segment| segment.condition == Condition::Done)
}

/// Whether every product of the stages is there for every subrun.
fn all_there(status: &SequenceStatus, evidence: &Evidence<'_>) -> bool {
    let Some(percent) = status.percent else { return evidence.calibrated };
    status.sequence.subruns > 0
        && evidence.stages.iter().all(|stage| match stage {
            Stage::R0ToDl1 => percent.dl1 >= 100,
            Stage::Dl1ab => percent.dl1ab >= 100,
            Stage::CheckDl1 => percent.datacheck >= 100,
            Stage::Dl1ToDl2 => percent.dl2 >= 100,
            Stage::Drs4Baseline | Stage::ChargeCalibration => true,
        })
}

/// A night in one word; the first of these that is true:
///
/// 1. `Closed`: there is `NightFinished.txt`. What is in its place is there, whatever came before.
/// 2. `Empty`: there is no sequence.
/// 3. `Failing`: a sequence is failing (see [`Verdict::failing`]), whatever the others do.
/// 4. `Processing`: a job waits or runs.
/// 5. `Processed`: every sequence is finished.
/// 6. `Fresh`: nothing was started.
/// 7. `Failing`: something was begun, is not finished, and nobody is at work on it; `Processing`
///    if the scheduler was not asked or never answered, since somebody may be.
pub fn night_state(verdicts: &[&Verdict], closed: bool, asked: bool) -> NightState {
    let any = |what: fn(&Verdict) -> bool| verdicts.iter().any(|verdict| what(verdict));
    if closed {
        NightState::Closed
    } else if verdicts.is_empty() {
        NightState::Empty
    } else if any(|verdict| verdict.failing) {
        NightState::Failing
    } else if any(|verdict| verdict.active) {
        NightState::Processing
    } else if verdicts.iter().all(|verdict| verdict.finished) {
        NightState::Processed
    } else if !any(|verdict| verdict.started) {
        NightState::Fresh
    } else if asked {
        NightState::Failing
    } else {
        NightState::Processing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_is_what_its_worst_sequence_says() {
        let finished = Verdict { finished: true, started: true, ..Verdict::default() };
        let idle = Verdict::default();
        let active = Verdict { active: true, started: true, ..Verdict::default() };
        let failing = Verdict { failing: true, started: true, ..Verdict::default() };
        let begun = Verdict { started: true, ..Verdict::default() };
        let of = |verdicts: &[&Verdict]| night_state(verdicts, false, true);
        assert_eq!(of(&[]), NightState::Empty);
        assert_eq!(of(&[&idle, &idle]), NightState::Fresh);
        assert_eq!(of(&[&active, &idle]), NightState::Processing);
        assert_eq!(of(&[&active, &failing, &finished]), NightState::Failing);
        assert_eq!(of(&[&finished, &finished]), NightState::Processed);
        assert_eq!(of(&[&finished, &begun]), NightState::Failing);
        assert_eq!(of(&[&finished, &idle]), NightState::Failing, "a run was never launched");
        assert_eq!(night_state(&[&begun], false, false), NightState::Processing);
        assert_eq!(night_state(&[&failing], true, true), NightState::Closed);
    }
}
