//! Jobs that keep a night from being closed: those that wait, run, are held or are lost.

use crate::model::{Blocker, BlockerKind, Evidence, JobState, Remedy, SequenceStatus, TaskRecord};
use crate::status::jobs::NEVER;

use super::{begun, blank, job, named, resubmit};

pub(super) fn never(status: &SequenceStatus, last: &[&TaskRecord]) -> Option<Blocker> {
    let id = status.job?;
    let run = status.sequence.run;
    let stuck = last.iter().find(|task| task.reason == NEVER);
    Some(Blocker {
        run: Some(run),
        evidence: stuck.map(|task| job(task)).into_iter().collect(),
        explanation: "The job that it needs has failed, and it would wait forever. Cancel it, \
                      see to what failed, and launch again."
            .into(),
        remedies: vec![Remedy::CancelNever { jobs: vec![id] }],
        ..blank(
            BlockerKind::NeverStarts,
            format!("Job {id} of {} can never start.", named(&status.sequence)),
        )
    })
}

/// Slurm holds what somebody asked it to hold, and tasks that it could not launch, for example after its
/// controller died: nothing but a hand releases them (`squeue` then gives `JobHeldUser`, `JobHeldAdmin` or
/// `launch failed requeued held`).
pub(super) fn held(status: &SequenceStatus, last: &[&TaskRecord]) -> Option<Blocker> {
    let is_held = |task: &&&TaskRecord| {
        task.state.is_active() && task.reason.to_ascii_lowercase().contains("held")
    };
    let tasks: Vec<_> = last.iter().filter(is_held).collect();
    let first = tasks.first()?;
    let number = |task: &TaskRecord| match task.task {
        Some(number) => format!("{}_{number}", task.job),
        None => task.job.to_string(),
    };
    let numbers: Vec<_> = tasks.iter().map(|task| number(task)).collect();
    let numbers = numbers.join(",");
    let sequence = named(&status.sequence);
    Some(Blocker {
        run: Some(status.sequence.run),
        evidence: tasks.iter().map(|task| job(task)).collect(),
        explanation: format!(
            "Somebody held it, or the scheduler could not launch it ({}). See why, then release it: \
             scontrol release {numbers}",
            first.reason
        ),
        ..blank(BlockerKind::Held, format!("The scheduler holds {numbers} of {sequence}."))
    })
}

pub(super) fn lost(status: &SequenceStatus, last: &[&TaskRecord]) -> Option<Blocker> {
    let task = last.iter().find(|task| task.state == JobState::Lost)?;
    let run = status.sequence.run;
    Some(Blocker {
        run: Some(run),
        evidence: vec![job(task)],
        explanation: task.reason.clone(),
        remedies: vec![resubmit(run, Vec::new())],
        ..blank(
            BlockerKind::Lost,
            format!(
                "Job {} of {} vanished from the scheduler's records.",
                task.job,
                named(&status.sequence)
            ),
        )
    })
}

pub(super) fn processing(status: &SequenceStatus) -> Option<Blocker> {
    let id = status.job?;
    let count = |which: fn(&JobState) -> bool| -> u32 {
        status.counts.iter().filter(|(state, _)| which(state)).map(|(_, number)| number).sum()
    };
    let active = count(JobState::is_active);
    let running = count(JobState::is_running);
    let what = match active - running {
        _ if active == 0 => return None,
        0 => format!("{} is being processed: {running} running.", begun(&status.sequence)),
        _ if running == 0 => format!("{} waits for its turn.", begun(&status.sequence)),
        waiting => format!(
            "{} is being processed: {running} running, {waiting} waiting.",
            begun(&status.sequence)
        ),
    };
    let state = status.state.clone().filter(JobState::is_active).unwrap_or(JobState::Running);
    Some(Blocker {
        run: Some(status.sequence.run),
        evidence: vec![Evidence::Job {
            job: id,
            task: None,
            state,
            exit: None,
            reason: status.reason.clone(),
        }],
        ..blank(BlockerKind::Processing, what)
    })
}
