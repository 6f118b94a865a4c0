//! Where the jobs of a closing stand, as the database has it.

use crate::model::{ClosingJob, ClosingJobState, JobId, JobState};
use crate::night::NightPaths;
use crate::store::{Submission, SubmissionState};

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It was not submitted, or never reached the scheduler.
    Open,
    /// Whether the scheduler has it is not known yet.
    Unclear,
    /// It waits or runs.
    Active(JobId),
    /// It has ended well.
    Done,
    /// It has ended and not well, was refused, or is gone.
    Failed {
        /// Why.
        why: String,
        /// It was cancelled.
        cancelled: bool,
    },
}

/// Where a job stands by the last submission for its purpose.
pub(super) fn standing(
    paths: &NightPaths,
    job: &ClosingJob,
    submissions: &[Submission],
) -> Standing {
    let last = submissions.iter().rfind(|submission| submission.purpose == job.purpose);
    let Some(last) = last else { return Standing::Open };
    match (last.state, last.job, &last.end_state) {
        (SubmissionState::Intended, ..) => Standing::Unclear,
        (SubmissionState::Withdrawn, ..) => Standing::Open,
        (SubmissionState::Submitted, Some(id), None) => Standing::Active(id),
        (SubmissionState::Submitted, _, Some(JobState::Completed)) => Standing::Done,
        (SubmissionState::Submitted, Some(id), Some(end)) => {
            let log = paths.closing_log(&job.name, id);
            let why = format!("job {id} ended as {end}; see {}.err and .out", log.display());
            Standing::Failed { why, cancelled: *end == JobState::Cancelled }
        }
        (SubmissionState::Lost | SubmissionState::Refused | SubmissionState::Submitted, ..) => {
            Standing::Failed { why: last.message.clone(), cancelled: false }
        }
    }
}

/// What the database has of a closing's jobs, given by name and purpose.
pub(super) fn job_states(
    jobs: &[(String, String)],
    submissions: &[Submission],
    after: i64,
) -> Vec<ClosingJobState> {
    let state = |(name, purpose): &(String, String)| {
        let last = submissions.iter().rfind(|s| s.id > after && s.purpose == *purpose);
        let job = last.and_then(|last| last.job);
        ClosingJobState {
            name: name.clone(),
            job,
            end: last.and_then(|last| match last.state {
                SubmissionState::Lost => Some(JobState::Lost),
                _ => last.end_state.clone(),
            }),
            message: last.map(|last| last.message.clone()).unwrap_or_default(),
            log: job.map(|job| NightPaths::closing_log_name(name, job)).unwrap_or_default(),
        }
    };
    jobs.iter().map(state).collect()
}
