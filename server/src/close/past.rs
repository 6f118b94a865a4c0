//! What the database says of earlier closings of a night.

use std::collections::BTreeSet;

use crate::model::{JobState, RunId, StepState};
use crate::store::{Closing, Store, StoreError, Submission, SubmissionState};

use super::Request;
use super::survey::Survey;

/// What the database says of earlier closings of a night.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// One that has not come to its end.
    pub(super) earlier: Option<Closing>,
    /// Purposes of jobs that have ended well since the night was reopened last.
    pub(super) done: BTreeSet<String>,
    /// The same since the earlier closing was begun, and the purposes of its jobs; others were done
    /// before it.
    pub(super) own: Option<(BTreeSet<String>, BTreeSet<String>)>,
}

impl Past {
    pub(super) async fn of(store: &Store, request: &Request) -> Result<Self, StoreError> {
        let (date, prod_id) = (request.paths.date, &request.paths.prod_id);
        let last = store.closings(date, prod_id).await?;
        let last = last.into_iter().find(|closing| closing.options.seq == request.options.seq);
        let earlier = last.filter(|closing| closing.state != StepState::Done);
        let submissions = store.submissions_of(date, prod_id).await?;
        let done = done_after(&submissions, store.reopened_after(date, prod_id).await?);
        let own = match earlier.as_ref().filter(|earlier| earlier.options == request.options) {
            Some(earlier) => Some((
                done_after(&submissions, earlier.after_submission),
                store.closing_purposes(earlier.id).await?,
            )),
            None => None,
        };
        Ok(Self { earlier, done, own })
    }

    /// Whether the earlier closing cannot be resumed: files have come since of a run of which
    /// it has done jobs, so that they must be done again.
    pub(super) fn is_outdated(&self, survey: &Survey) -> bool {
        let Some((done, _)) = &self.own else { return self.earlier.is_some() };
        let of = |run: RunId| done.iter().any(|purpose| purpose.ends_with(&format!(" {run}")));
        survey.groups.iter().any(|group| survey.moves(group.run) && of(group.run))
    }
}

/// Purposes whose last submission, of those after the one with this number, has ended well.
fn done_after(submissions: &[Submission], floor: i64) -> BTreeSet<String> {
    let mut done = BTreeSet::new();
    for submission in submissions.iter().filter(|submission| submission.id > floor) {
        let well = submission.state == SubmissionState::Submitted
            && submission.end_state == Some(JobState::Completed);
        match well {
            true => done.insert(submission.purpose.clone()),
            false => done.remove(&submission.purpose),
        };
    }
    done
}
