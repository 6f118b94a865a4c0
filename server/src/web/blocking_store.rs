//! The jobs, decisions and activity of a night in the database, for threads that may block.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveTime, Utc};

use crate::launch::elsewhere::elsewhere;
use crate::launch::ledger::{NightJobs, night_jobs};
use crate::model::{
    Decision, NightActivity, NightDate, Notice, ProdId, SchedulerHealth, Severity, TaskRecord,
};
use crate::night::{NightPaths, Observation};
use crate::schedule::JobSnapshot;
use crate::status::Jobs;
use crate::store::Store;

use super::activity::activity;
use super::jobs::{FURTHEST, JobNews};
use super::reader::unreadable;

/// The database, for threads that may block.
#[derive(Debug)]
pub struct BlockingStore {
    store: Store,
    runtime: tokio::runtime::Handle,
    since: DateTime<Utc>,
}

/// The decisions about runs of one night, and why they are not known if they are not.
type Decided = (Vec<Decision>, Option<Notice>);

/// The jobs of one night.
#[derive(Default)]
pub struct Known {
    jobs: NightJobs,
    elsewhere: Option<String>,
    unasked: Option<String>,
}

impl BlockingStore {
    /// The database `store` of a program that was started now. Call it on the program's runtime.
    pub fn new(store: Store) -> Self {
        Self { store, runtime: tokio::runtime::Handle::current(), since: Utc::now() }
    }

    /// What is being done to a night and what was done.
    pub fn activity(&self, paths: &NightPaths, now: DateTime<Utc>) -> NightActivity {
        let read = self.runtime.block_on(activity(&self.store, paths, self.since, now));
        // Where the database cannot be read, the decisions of the night say so already.
        read.unwrap_or_default()
    }

    /// What was decided about a night's runs.
    pub fn decided(&self, paths: &NightPaths, mut observation: Observation) -> Observation {
        let (decisions, notice) = self.decisions(paths);
        observation.notices.extend(notice);
        observation.decided(decisions)
    }

    fn decisions(&self, paths: &NightPaths) -> Decided {
        let read = async {
            // A file that took the place of ours has other decisions.
            self.store.check().await?;
            self.store.decisions(paths.date, &paths.prod_id).await
        };
        match self.runtime.block_on(read) {
            Ok(decisions) => (decisions, None),
            Err(error) => {
                let notice = Notice {
                    severity: Severity::Error,
                    message: error.to_string(),
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

    /// The night's jobs among all that the scheduler knows. If the database cannot be read, all jobs
    /// with the names of the night's, and a notice that says so.
    pub fn jobs_of(&self, paths: &NightPaths, observation: &Observation, news: &JobNews) -> Known {
        let Some(snapshot) = news.snapshot.as_deref() else {
            return Known { unasked: Some(unasked(&news.health)), ..Known::default() };
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
                message: error.to_string(),
                hint:
                    "jobs of other productions of this night may be shown; see whether the file is \
                   there and its disk is full"
                        .into(),
            }
        }));
        let of_night = self.runtime.block_on(self.store.submissions_of(paths.date, &paths.prod_id));
        // If they cannot be read, a notice says so already.
        let elsewhere = elsewhere(&of_night.unwrap_or_default(), &snapshot.scheduler);
        let asked = was_asked(snapshot, &names, paths.date);
        let unasked = (!asked && elsewhere.is_none()).then(|| unasked(&news.health));
        Known { jobs, elsewhere, unasked }
    }
}

impl Known {
    /// The night's tasks alone.
    pub fn into_tasks(self) -> Vec<TaskRecord> {
        self.jobs.tasks
    }

    /// The night's jobs as the status room takes them.
    pub fn room(&self, news: &JobNews) -> Jobs<'_> {
        let mut notices = unreadable(news);
        notices.extend(self.jobs.notices.iter().cloned());
        let (elsewhere, unasked) = (self.elsewhere.clone(), self.unasked.clone());
        let health = SchedulerHealth { elsewhere, unasked, ..news.health.clone() };
        Jobs { tasks: &self.jobs.tasks, health, notices }
    }
}

/// Whether the scheduler was asked about these jobs of a night, as far back as it ever is.
fn was_asked(snapshot: &JobSnapshot, names: &[String], date: NightDate) -> bool {
    let asked = &snapshot.asked;
    let oldest = snapshot.taken.checked_sub_days(FURTHEST).unwrap_or(snapshot.taken);
    let evening = date.date().and_time(NaiveTime::MIN).and_utc();
    let by_name = names.iter().all(|name| asked.names.contains(name));
    names.is_empty() || ((asked.all || by_name) && snapshot.since <= evening.max(oldest))
}

fn unasked(health: &SchedulerHealth) -> String {
    let engine = match health.engine.as_str() {
        "slurm" => "Slurm",
        _ => "The scheduler",
    };
    format!(
        "{engine} was not asked about the jobs of this night yet: none may be shown although there are \
         some. It is asked now; look again in a moment."
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::TimeDelta;

    use super::*;
    use crate::model::{JobId, ProdId, RunId, SequenceAction};
    use crate::schedule::{Question, SchedulerId};
    use crate::status::fixture::{Golden, now, task_of};
    use crate::store::{Intent, SubmissionState};
    use crate::web::{NightReader, SiteReader};

    async fn submit(store: &Store, paths: &NightPaths, prod_id: &ProdId, job: u64) {
        let intent = Intent {
            date: paths.date,
            prod_id,
            purpose: "sequence 19102",
            job_name: "LST1_19102",
            token: &format!("osa:{job}"),
            script: std::path::Path::new("sequence_LST1_19102.sh"),
            author: "somebody",
            scheduler: &SchedulerId::new("slurm"),
        };
        let (state, job) = (SubmissionState::Submitted, Some(JobId(job)));
        let submitted = store.ledger(async |ledger| {
            let id = ledger.record(&intent, now()).await?;
            assert!(ledger.ask(id, now()).await?);
            ledger.settle(id, state, job, "", now()).await
        });
        assert!(submitted.await.unwrap());
    }

    fn news(jobs: &[u64]) -> JobNews {
        let task = |job: &u64| {
            let mut task = task_of(19102, *job, Some(5), "TIMEOUT");
            task.comment = format!("osa:{job}");
            task
        };
        let (scheduler, since) = (SchedulerId::new("slurm"), now() - TimeDelta::days(1));
        let snapshot = JobSnapshot::new(scheduler, now(), since, jobs.iter().map(task).collect());
        let health = SchedulerHealth { answered: Some(now()), ..SchedulerHealth::of("slurm") };
        JobNews { snapshot: Some(Arc::new(snapshot)), health }
    }

    /// The same run may be reduced in two productions at the same time.
    #[tokio::test(flavor = "multi_thread")]
    async fn jobs_of_another_production_are_shown_nowhere() {
        let golden = Golden::new();
        let store = Store::open(&golden.beside().join("osa.sqlite")).await.unwrap();
        let paths = golden.paths.clone();
        submit(&store, &paths, &"v0.0.1".parse().unwrap(), 7).await;
        submit(&store, &paths, &paths.prod_id, 8).await;
        let store = BlockingStore::new(store);
        let seen = tokio::task::spawn_blocking(move || {
            let config = Arc::clone(&paths.config);
            let reader = SiteReader::new(config, paths.prod_id.clone(), paths.date, store);
            [&[7][..], &[7, 8]].map(|jobs| {
                let news = news(jobs);
                let night = reader.night(paths.date, &news, now()).unwrap();
                let row = night.sequences.into_iter().find(|s| s.sequence.run == RunId(19102));
                let run = reader.run(paths.date, RunId(19102), &news, now()).unwrap();
                let list = reader.nights(&news, now()).unwrap();
                let row = row.unwrap();
                (row.action, row.job, run.tasks.len(), list.nights[0].failed)
            })
        });
        let seen = seen.await.unwrap();
        assert_eq!(seen[0], (SequenceAction::None, None, 0, 0));
        assert_eq!(seen[1], (SequenceAction::Check, Some(JobId(8)), 1, 1));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_night_that_the_scheduler_was_not_asked_about_says_so() {
        let golden = Golden::new();
        let store = Store::open(&golden.beside().join("osa.sqlite")).await.unwrap();
        let (paths, store) = (golden.paths.clone(), BlockingStore::new(store));
        let seen = tokio::task::spawn_blocking(move || {
            let config = Arc::clone(&paths.config);
            let reader = SiteReader::new(config, paths.prod_id.clone(), paths.date, store);
            let since = now() - TimeDelta::days(100);
            [Question::none(since), Question::all(since)].map(|asked| {
                let mut news = news(&[]);
                let snapshot = news.snapshot.take().unwrap();
                let snapshot = JobSnapshot { since, asked, ..(*snapshot).clone() };
                news.snapshot = Some(Arc::new(snapshot));
                let night = reader.night(paths.date, &news, now()).unwrap();
                let run = reader.run(paths.date, RunId(19102), &news, now()).unwrap();
                assert_eq!(night.scheduler.unasked, run.scheduler.unasked);
                night.scheduler.unasked
            })
        });
        let [before, after] = seen.await.unwrap();
        assert!(
            before.unwrap().starts_with("Slurm was not asked about the jobs of this night yet")
        );
        assert_eq!(after, None);
    }

    #[test]
    fn a_night_is_known_once_its_jobs_were_asked_for_as_far_back_as_it_is() {
        let date: NightDate = "2024-11-28".parse().unwrap();
        let names = ["LST1_19101", "LST1_19102"].map(str::to_owned);
        let evening = date.date().and_time(NaiveTime::MIN).and_utc();
        let asked = |taken: DateTime<Utc>, since: DateTime<Utc>, names: &[String]| {
            let snapshot = JobSnapshot::new(SchedulerId::new("slurm"), taken, since, Vec::new());
            let asked = Question { names: names.to_vec(), ..Question::none(since) };
            let asked = if names.is_empty() { Question::all(since) } else { asked };
            JobSnapshot { asked, ..snapshot }
        };
        let (hour, day) = (TimeDelta::hours(1), TimeDelta::days(1));
        let known = |snapshot: &JobSnapshot| was_asked(snapshot, &names, date);
        assert!(known(&asked(evening + day, evening, &[])));
        assert!(known(&asked(evening + day, evening, &names)));
        assert!(!known(&asked(evening + day, evening, &names[..1])), "not by that name");
        assert!(!known(&asked(evening + day, evening + hour, &[])), "not so far back");
        let years = evening + day * 700;
        assert!(known(&asked(years, years - day * 60, &[])), "as far back as is ever asked");
        assert!(!known(&asked(years, years - day * 7, &[])));
    }
}
