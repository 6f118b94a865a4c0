//! How far each subrun has come, and how it does.

use crate::model::{Condition, Kind, Level, RunId, Segment, Sequence, Stage, Subrun, TaskRecord};

use super::{Digest, Histories, RunFiles};

/// Where one subrun (or the calibration) stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The last stage that ended well.
    pub done: Option<Stage>,
    /// How it does now.
    pub condition: Condition,
    /// The stage that failed last, if its last try did.
    pub failed: Option<Stage>,
    /// Return code of the last try, if there was one.
    pub rc: Option<i32>,
    /// How many tries its history has.
    pub tries: u32,
}

/// What is known of a sequence beside its jobs.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Its stages.
    pub stages: &'a [Stage],
    /// Its files.
    pub files: &'a RunFiles,
    /// The night's histories.
    pub histories: &'a Histories,
    /// Whether the products of the calibration are there; of no matter for data.
    pub calibrated: bool,
    /// Whether the night is closed: then the files are the truth, not the histories, which may
    /// have been cleared away.
    pub closed: bool,
}

impl Evidence<'_> {
    /// Where a subrun stands; `subrun` is `None` for the calibration. `task` is its task in the
    /// sequence's last job.
    ///
    /// What is done counts first: a task that waits to find nothing to do does not undo it. Then
    /// comes a task at work or waiting, since whatever failed before is being tried again. Then a
    /// failure, as the history or the task tells it (a task that ran out of time or memory may have
    /// written nothing down).
    pub fn standing(
        &self,
        run: RunId,
        subrun: Option<Subrun>,
        task: Option<&TaskRecord>,
    ) -> Standing {
        let history = self.histories.get((run, subrun));
        let done = self.done(history, subrun);
        let digest = history.cloned().unwrap_or_default();
        let condition = match task.map(|task| &task.state) {
            _ if done == self.stages.len() => Condition::Done,
            Some(state) if state.is_running() => Condition::Running,
            Some(state) if state.is_active() => Condition::Waiting,
            Some(state) if state.is_failure() => Condition::Failed,
            _ if digest.failed.is_some() => Condition::Failed,
            _ => Condition::Idle,
        };
        Standing {
            done: done.checked_sub(1).and_then(|last| self.stages.get(last)).copied(),
            condition,
            failed: digest.failed.filter(|_| condition != Condition::Done),
            rc: digest.rc,
            tries: digest.tries,
        }
    }

    /// How many stages are done: as the history says or, where there is none and for a night that
    /// is closed, as the files say. The calibration is done when its files are there, since others
    /// may have made them, and is not when they are gone.
    fn done(&self, history: Option<&Digest>, subrun: Option<Subrun>) -> usize {
        match history {
            Some(digest) if subrun.is_none() && !self.calibrated => {
                digest.done.min(self.stages.len().saturating_sub(1))
            }
            _ if subrun.is_none() => self.done_by_files(subrun),
            Some(digest) if !self.closed => digest.done.min(self.stages.len()),
            _ => self.done_by_files(subrun),
        }
    }

    /// The last stage whose product is there; earlier products may have been cleared away.
    fn done_by_files(&self, subrun: Option<Subrun>) -> usize {
        let Some(subrun) = subrun else {
            return if self.calibrated { self.stages.len() } else { 0 };
        };
        let there = |stage: &Stage| {
            product(*stage).is_some_and(|level| self.files.products(level).contains(subrun))
        };
        self.stages.iter().rposition(there).map_or(0, |last| last + 1)
    }
}

/// The product that shows that a stage has ended well.
fn product(stage: Stage) -> Option<Level> {
    match stage {
        Stage::Drs4Baseline | Stage::ChargeCalibration => None,
        Stage::R0ToDl1 => Some(Level::Dl1),
        Stage::Dl1ab => Some(Level::Dl1ab),
        Stage::CheckDl1 => Some(Level::Datacheck),
        Stage::Dl1ToDl2 => Some(Level::Dl2),
    }
}

/// What a sequence's histories belong to: every subrun, or the calibration as a whole.
pub fn subruns(sequence: &Sequence) -> Vec<Option<Subrun>> {
    match sequence.kind {
        Kind::Calibration => vec![None],
        Kind::Data => sequence.subrun_ids().map(Some).collect(),
    }
}

/// Merges neighbours that stand alike; the calibration is a single piece numbered 0.
pub fn segments(standings: impl IntoIterator<Item = Standing>) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for (subrun, standing) in (0..).zip(standings) {
        let Standing { done, condition, .. } = standing;
        match segments.last_mut() {
            Some(last) if (last.done, last.condition) == (done, condition) => last.last = subrun,
            _ => segments.push(Segment { first: subrun, last: subrun, done, condition }),
        }
    }
    segments
}
