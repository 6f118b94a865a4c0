//! Nights that were submitted to another scheduler than the one that is asked.

use crate::schedule::SchedulerId;
use crate::store::{Submission, SubmissionState};

/// May this be a submission to `here`? One of which the scheduler is not known may be.
pub(super) fn may_be_here(submission: &Submission, here: &SchedulerId) -> bool {
    submission.scheduler.as_ref().is_none_or(|scheduler| !scheduler.differs(here))
}

/// Is this a submission to a scheduler that is surely another one than `here`, which nobody has
/// released from it? Then what `here` says proves nothing about its job.
pub(super) fn is_elsewhere(submission: &Submission, here: &SchedulerId) -> bool {
    submission.released.is_none()
        && submission.asked.is_some()
        && matches!(submission.state, SubmissionState::Intended | SubmissionState::Submitted)
        && !may_be_here(submission, here)
}

/// Why a night must not be judged by what `here` says, nor be submitted to it: jobs of it belong to
/// another scheduler. In sentences, with what to do; `None` if it may.
///
/// `submissions` are those of the night ([`Store::submissions_of`]).
pub fn elsewhere<'s>(
    submissions: impl IntoIterator<Item = &'s Submission>,
    here: &SchedulerId,
) -> Option<String> {
    let mut others = submissions.into_iter().filter(|submission| is_elsewhere(submission, here));
    let first = others.next()?;
    let there = first.scheduler.as_ref()?;
    let job = first.job.map_or_else(|| "a job".to_owned(), |job| format!("job {job}"));
    let more = match others.count() {
        0 => String::new(),
        1 => " and one other job".to_owned(),
        number => format!(" and {number} other jobs"),
    };
    let back = if there.engine == here.engine {
        let cluster = there.cluster.as_deref().unwrap_or_default();
        format!("let osa ask cluster {cluster} (slurm_cluster in osa.toml, or SLURM_CONF)")
    } else {
        format!("set scheduler = \"{}\" in osa.toml (OSA_SCHEDULER)", there.engine)
    };
    Some(format!(
        "{job} for {} of {}{more} belong{} to {there}, but the scheduler in use is {here}. To go on \
         with the night, {back}. If it must go on here, cancel its jobs there and run `osa release \
         {}`.",
        first.purpose,
        first.date,
        if more.is_empty() { "s" } else { "" },
        first.date,
    ))
}
