//! What launching a night would do: status and observation in, scripts and jobs out.

use std::path::PathBuf;

use serde::Serialize;

use crate::model::{
    Condition, Kind, NightStatus, RunId, Segment, Sequence, SequenceAction, SequenceStatus, Subrun,
};
use crate::night::{NightPaths, Observation};

use super::gates::{Gate, shut};
use super::ground::Disk;
use super::script::{ScriptError, ScriptOptions, Work, job_script_with};
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
    /// It has the flag `.veto`, or all subruns of it that are not done have one.
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
    pub(super) disk: &'a Disk,
    pub(super) options: &'a LaunchOptions,
    pub(super) script: &'a ScriptOptions,
}

/// What a job is for, in the database.
pub fn purpose(run: RunId) -> String {
    format!("sequence {run}")
}

impl Grounds<'_> {
    /// The plan. A gate that is shut leaves the rest of the plan as it would be.
    pub(super) fn plan(&self) -> Result<LaunchPlan, ScriptError> {
        let gate = shut(self);
        let mut plan =
            LaunchPlan { gate, scripts: Vec::new(), jobs: Vec::new(), left_out: Vec::new() };
        for status in &self.status.sequences {
            let sequence = &status.sequence;
            let work = self.work(sequence);
            if let Ok(work) = &work {
                let resources = self.observation.resources(sequence.run);
                let text = job_script_with(self.paths, sequence, work, self.script, &resources)?;
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
            Kind::Data => {
                let run = sequence.run;
                let subruns: Vec<Subrun> =
                    sequence.subrun_ids().filter(|s| !self.is_vetoed(run, *s)).collect();
                if subruns.is_empty() {
                    return Err("it has no subruns that are not vetoed".into());
                }
                Ok(Work::Data {
                    calibration: self.disk.calibration.clone()?,
                    pedestal_ids: self.disk.pedestal_ids.contains(&run),
                    subruns,
                })
            }
        }
    }

    fn reason(&self, status: &SequenceStatus, blocked: Option<String>) -> Option<Reason> {
        let calibration = status.sequence.kind == Kind::Calibration;
        if calibration && self.options.no_calib {
            return Some(Reason::NotWanted);
        }
        self.settled(status).or(blocked.map(Reason::Blocked))
    }

    /// Why nothing of a sequence is left to be done, or may be; `None` if something is.
    pub(super) fn settled(&self, status: &SequenceStatus) -> Option<Reason> {
        if status.sequence.kind == Kind::Calibration && self.disk.calibrated {
            return Some(Reason::Finished);
        }
        match status.action {
            SequenceAction::Closed => return Some(Reason::Closed),
            SequenceAction::Veto => return Some(Reason::Vetoed),
            SequenceAction::Check | SequenceAction::None => {}
        }
        if let Some(why) = self.disk.unreadable.get(&status.sequence.run) {
            return Some(Reason::Blocked(why.clone()));
        }
        if status.sequence.kind == Kind::Calibration {
            return None;
        }
        let open = |segment: &&Segment| segment.condition != Condition::Done;
        let mut open = status.segments.iter().filter(open).peekable();
        if open.peek().is_none() && !status.segments.is_empty() {
            return Some(Reason::Finished);
        }
        let mut left = open.flat_map(|segment| segment.first..=segment.last).map(Subrun);
        let vetoed = |subrun| self.is_vetoed(status.sequence.run, subrun);
        (!status.segments.is_empty() && left.all(vetoed)).then_some(Reason::Vetoed)
    }

    fn is_vetoed(&self, run: RunId, subrun: Subrun) -> bool {
        self.disk.vetoed.get(&run).is_some_and(|vetoed| vetoed.contains(subrun))
    }

    fn job(&self, sequence: &Sequence) -> PlannedJob {
        PlannedJob {
            purpose: purpose(sequence.run),
            name: sequence.job_name(),
            script: self.paths.script(sequence.run),
            needs: Vec::new(),
            exclude_nodes: None,
        }
    }

    /// Data needs the calibration: its files, or its job in this plan. Where there will be neither,
    /// no job may go out. With `--no-calib` the user vouches for the files.
    fn settle_dependencies(&self, plan: &mut LaunchPlan) {
        let calibration = self.status.sequences.iter().map(|status| &status.sequence);
        let calibration = calibration.filter(|sequence| sequence.kind == Kind::Calibration);
        let Some(run) = calibration.map(|sequence| sequence.run).next() else { return };
        if self.disk.calibrated || self.options.no_calib {
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
