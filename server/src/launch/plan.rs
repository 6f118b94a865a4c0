//! What launching a night would do: status and observation in, scripts and jobs out.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;

use crate::model::{
    Action, Condition, Kind, NightStatus, RunId, Sequence, SequenceStatus, SubrunId,
};
use crate::night::{CalibrationFiles, NightPaths, Observation};

use super::gates::{Flags, Gate, shut};
use super::script::{ScriptError, ScriptOptions, Work, job_script};
use super::{LaunchOptions, PlannedJob};

/// What launching a night would do.
#[derive(Clone, Debug, Serialize)]
pub struct LaunchPlan {
    /// Why nothing is launched; `None` if all gates are open.
    pub gate: Option<Gate>,
    /// Job scripts to write, of all sequences that can have one.
    pub scripts: Vec<PlannedScript>,
    /// Jobs to submit, in this order.
    pub jobs: Vec<PlannedJob>,
    /// Sequences for which no job is submitted, and why.
    pub left_out: Vec<LeftOut>,
}

/// A job script to be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedScript {
    /// The run.
    pub run: RunId,
    /// Where it goes.
    pub file: PathBuf,
    /// What it holds.
    pub text: String,
}

/// A sequence for which no job is submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The run.
    pub run: RunId,
    /// Why.
    pub reason: Reason,
}

/// Why no job is submitted for a sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It has the flag `.veto`.
    Vetoed,
    /// It has the flag `.closed`.
    Closed,
    /// Everything of it is done.
    Finished,
    /// `--no-calib`.
    NotWanted,
    /// It cannot be processed; the text says why and what to do.
    Blocked(String),
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Vetoed => "it is vetoed",
            Self::Closed => "it is closed",
            Self::Finished => "it is finished",
            Self::NotWanted => "the calibration is not wanted (--no-calib)",
            Self::Blocked(why) => why,
        })
    }
}

/// What a plan is made of.
#[derive(Clone, Debug)]
pub(super) struct Grounds<'a> {
    pub(super) paths: &'a NightPaths,
    pub(super) observation: &'a Observation,
    /// With histories.
    pub(super) status: &'a NightStatus,
    pub(super) flags: &'a Flags,
    /// The files that calibrate the night, or why there are none.
    pub(super) calibration: Result<CalibrationFiles, String>,
    /// Whether the calibration's own products are there.
    pub(super) calibrated: bool,
    /// Runs with files of interleaved pedestals.
    pub(super) pedestal_ids: BTreeSet<RunId>,
    pub(super) options: &'a LaunchOptions,
    pub(super) script: &'a ScriptOptions,
}

/// Whether something of a sequence is left to be done, and may be.
pub(super) fn is_open(status: &SequenceStatus) -> bool {
    let done = !status.segments.is_empty()
        && status.segments.iter().all(|segment| segment.condition == Condition::Done);
    !done && !matches!(status.action, Action::Veto | Action::Closed)
}

/// What a job is for, in the books.
pub fn purpose(run: RunId) -> String {
    format!("sequence {run}")
}

impl Grounds<'_> {
    /// The plan. A gate that is shut leaves the rest of the plan as it would be.
    pub(super) fn plan(&self) -> Result<LaunchPlan, ScriptError> {
        let gate = shut(self.status, self.flags, self.options);
        let mut plan =
            LaunchPlan { gate, scripts: Vec::new(), jobs: Vec::new(), left_out: Vec::new() };
        for status in &self.status.sequences {
            let sequence = &status.sequence;
            let work = self.work(sequence);
            if let Ok(work) = &work {
                let text = job_script(self.paths, sequence, work, self.script)?;
                let file = self.paths.script(sequence.run);
                plan.scripts.push(PlannedScript { run: sequence.run, file, text });
            }
            match self.reason(status, work.err()) {
                Some(reason) => plan.left_out.push(LeftOut { run: sequence.run, reason }),
                None => plan.jobs.push(self.job(sequence)),
            }
        }
        self.settle_dependencies(&mut plan);
        Ok(plan)
    }

    /// What the job does, or why it cannot.
    fn work(&self, sequence: &Sequence) -> Result<Work, String> {
        let runs = self
            .observation
            .calibration
            .ok_or("the night has no calibration runs; put their numbers into its run summary")?;
        match sequence.kind {
            Kind::Calibration => Ok(Work::Calibration(runs)),
            Kind::Data if sequence.subruns == 0 => Err("it has no subruns".into()),
            Kind::Data => Ok(Work::Data {
                calibration: self.calibration.clone()?,
                pedestal_ids: self.pedestal_ids.contains(&sequence.run),
            }),
        }
    }

    fn reason(&self, status: &SequenceStatus, blocked: Option<String>) -> Option<Reason> {
        let calibration = status.sequence.kind == Kind::Calibration;
        if calibration && self.options.no_calib {
            Some(Reason::NotWanted)
        } else if calibration && self.calibrated {
            Some(Reason::Finished)
        } else if status.action == Action::Closed {
            Some(Reason::Closed)
        } else if status.action == Action::Veto {
            Some(Reason::Vetoed)
        } else if !calibration && !is_open(status) {
            Some(Reason::Finished)
        } else {
            blocked.map(Reason::Blocked)
        }
    }

    fn job(&self, sequence: &Sequence) -> PlannedJob {
        PlannedJob {
            purpose: purpose(sequence.run),
            name: sequence.job_name(),
            script: self.paths.script(sequence.run),
            needs: Vec::new(),
        }
    }

    /// Data needs the calibration: its files, or its job in this plan. Where there will be neither,
    /// no job may go out. With `--no-calib` the user vouches for the files.
    fn settle_dependencies(&self, plan: &mut LaunchPlan) {
        let calibration = self.status.sequences.iter().map(|status| &status.sequence);
        let calibration = calibration.filter(|sequence| sequence.kind == Kind::Calibration);
        let Some(run) = calibration.map(|sequence| sequence.run).next() else { return };
        if self.calibrated || self.options.no_calib {
            return;
        }
        let needed = purpose(run);
        if plan.jobs.iter().any(|job| job.purpose == needed) {
            for job in plan.jobs.iter_mut().filter(|job| job.purpose != needed) {
                job.needs.push(needed.clone());
            }
            return;
        }
        let reason = plan.left_out.iter().find(|left| left.run == run).map(|left| &left.reason);
        let why = reason.map(ToString::to_string).unwrap_or_default();
        let why = format!("it needs the calibration of run {run}, and that is left out: {why}");
        let blocked: Vec<RunId> = self
            .status
            .sequences
            .iter()
            .map(|status| status.sequence.run)
            .filter(|run| plan.jobs.iter().any(|job| job.purpose == purpose(*run)))
            .collect();
        plan.jobs.clear();
        let left = |run| LeftOut { run, reason: Reason::Blocked(why.clone()) };
        plan.left_out.extend(blocked.into_iter().map(left));
    }
}

/// The run's subrun that a trial takes: the first.
pub fn trial(sequence: &Sequence) -> SubrunId {
    SubrunId { run: sequence.run, subrun: crate::model::Subrun(0) }
}
