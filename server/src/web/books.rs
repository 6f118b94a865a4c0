//! Which jobs are a night's, as our books of submissions have it.

use std::collections::BTreeMap;

use crate::launch::ledger::{NightJobs, night_jobs};
use crate::model::{Decision, NightDate, Notice, ProdId, Severity};
use crate::night::{NightPaths, Observation};
use crate::status::Jobs;
use crate::store::Store;

use super::jobs::JobNews;
use super::look::unreadable;

/// The books, for threads that may block.
#[derive(Debug)]
pub struct Books {
    store: Store,
    runtime: tokio::runtime::Handle,
}

/// The decisions about runs of one night, and why they are not known if they are not.
type Decided = (Vec<Decision>, Option<Notice>);

/// The jobs of one night.
pub struct Known(NightJobs);

impl Books {
    /// The books in `store`. Call it on the program's runtime.
    pub fn new(store: Store) -> Self {
        Self { store, runtime: tokio::runtime::Handle::current() }
    }

    /// What was decided about a night's runs.
    pub fn decided(&self, paths: &NightPaths, mut observation: Observation) -> Observation {
        let (decisions, notice) = self.decisions(paths);
        observation.notices.extend(notice);
        observation.decided(decisions)
    }

    fn decisions(&self, paths: &NightPaths) -> Decided {
        match self.runtime.block_on(self.store.decisions(paths.date, &paths.prod_id)) {
            Ok(decisions) => (decisions, None),
            Err(error) => {
                let notice = Notice {
                    severity: Severity::Error,
                    message: format!("{error}: {}", error.cause),
                    hint:
                        "decisions about runs are not known; see whether the file is there and its \
                           disk is full"
                            .into(),
                };
                (Vec::new(), Some(notice))
            }
        }
    }

    /// The decisions that act in any night.
    pub fn decisions_of_all_nights(&self, prod_id: &ProdId) -> BTreeMap<NightDate, Vec<Decision>> {
        let read = self.runtime.block_on(self.store.decisions_of_all_nights(prod_id));
        // The list does without them; the night's own page tells what is wrong.
        read.unwrap_or_default()
    }

    /// The night's jobs among all that the scheduler knows. If the books cannot be read, all jobs
    /// with the names of the night's, and a notice that says so.
    pub fn jobs_of(&self, paths: &NightPaths, observation: &Observation, news: &JobNews) -> Known {
        let Some(snapshot) = news.snapshot.as_deref() else {
            return Known(NightJobs::default());
        };
        let names: Vec<String> =
            observation.sequences.iter().map(crate::model::Sequence::job_name).collect();
        let read = self.runtime.block_on(self.store.submissions_named(&names));
        let (submissions, error) = match read {
            Ok(submissions) => (submissions, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let ours = |submission: &crate::store::Submission| {
            submission.date == paths.date && submission.prod_id == paths.prod_id
        };
        let mut jobs = night_jobs(&submissions, ours, snapshot, &names, self.store.grace);
        jobs.notices.extend(error.map(|error| {
            Notice {
                severity: Severity::Error,
                message: format!("{error}: {}", error.cause),
                hint:
                    "jobs of other productions of this night may be shown; see whether the file is \
                   there and its disk is full"
                        .into(),
            }
        }));
        Known(jobs)
    }
}

impl Known {
    /// The night's jobs as the status room takes them.
    pub fn room(&self, news: &JobNews) -> Jobs<'_> {
        let mut notices = unreadable(news);
        notices.extend(self.0.notices.iter().cloned());
        Jobs { tasks: &self.0.tasks, health: news.health.clone(), notices }
    }
}
