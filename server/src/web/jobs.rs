//! One question to the scheduler at a time, for all nights and all viewers.
//!
//! It is asked on a task of its own: a scheduler that hangs stops nobody from seeing what is on the
//! disk. While it does not answer, its last answer stands, and every viewer is informed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Days, TimeDelta, Utc};
use tokio::sync::{Notify, watch};

use crate::config::{SchedulerKind, ServerConfig};
use crate::launch::ledger::{question, resolve};
use crate::model::{SchedulerHealth, TaskRecord};
use crate::schedule::{JobSnapshot, Question, Scheduler, SchedulerError, back_off};
use crate::store::Store;

/// What the scheduler said last.
#[derive(Clone, Debug)]
pub struct JobNews {
    /// Its last answer; `None` if it has never answered.
    pub snapshot: Option<Arc<JobSnapshot>>,
    /// Whether it answers now.
    pub health: SchedulerHealth,
}

impl JobNews {
    /// All jobs of all nights.
    pub fn tasks(&self) -> &[TaskRecord] {
        self.snapshot.as_deref().map_or(&[], |snapshot| &snapshot.tasks)
    }
}

/// How the scheduler is asked.
#[derive(Clone, Copy, Debug)]
pub struct AskPace {
    /// Time between an answer and the next question while somebody looks on, if the answer did not
    /// take long.
    pub poll: Duration,
    /// How old may be what is reported of jobs that have ended.
    pub ended: Duration,
    /// The same while nobody does.
    pub idle: Duration,
    /// A question that is open for longer is reported to every viewer.
    pub slow: Duration,
    /// A question that is open for longer is given up.
    pub give_up: Duration,
}

/// However long an answer took, the next question comes after this.
const LONGEST_REST: Duration = Duration::from_secs(120);

impl AskPace {
    /// The pace for the scheduler that is configured: Slurm serves a whole site, and is asked less
    /// often than what is ours.
    pub fn of(server: &ServerConfig) -> Self {
        match server.scheduler {
            SchedulerKind::Local => Self::new(server.poll),
            SchedulerKind::Slurm => Self { ended: server.sacct, ..Self::new(server.squeue) },
        }
    }

    /// How long the scheduler is left alone after an answer that took so long.
    fn rest(&self, wanted: bool, took: Duration) -> Duration {
        let usual = if wanted { self.poll } else { self.idle };
        usual.max(back_off(took, LONGEST_REST))
    }

    /// The pace of a server that looks every `poll`.
    pub fn new(poll: Duration) -> Self {
        Self {
            poll,
            ended: Duration::ZERO,
            idle: Duration::from_secs(30).max(poll),
            slow: Duration::from_secs(5).max(poll * 2),
            give_up: Duration::from_secs(90).max(poll * 2),
        }
    }
}

/// The jobs that somebody looks at.
#[derive(Clone, Debug)]
pub struct Watched {
    /// How far back jobs of any night are asked for.
    pub recent: DateTime<Utc>,
    /// How far back those of the watched nights are.
    pub since: DateTime<Utc>,
    /// The names of the watched nights' jobs.
    pub names: Vec<String>,
}

/// Keeps asking the scheduler.
pub struct JobWatch {
    news: watch::Sender<JobNews>,
    interest: Notify,
    /// When the scheduler last answered.
    heard: watch::Sender<Option<Instant>>,
}

/// Jobs are never asked for further back than this, whatever old night somebody looks at.
pub const FURTHEST: Days = Days::new(60);

/// An answer that is older is old.
const OLD: Duration = Duration::from_secs(10);

impl JobWatch {
    /// Nothing is known yet; [`JobWatch::run`] asks.
    pub fn new(engine: &str) -> Arc<Self> {
        let health = SchedulerHealth::of(engine);
        let news = watch::Sender::new(JobNews { snapshot: None, health });
        Arc::new(Self { news, interest: Notify::new(), heard: watch::Sender::new(None) })
    }

    /// What the scheduler said last, now and whenever that changes.
    pub fn news(&self) -> watch::Receiver<JobNews> {
        self.news.subscribe()
    }

    /// Somebody looks on: asks at the next chance instead of idling.
    pub fn wake(&self) {
        self.interest.notify_one();
    }

    /// Somebody looks on: if the last answer is old, waits a moment for a new one.
    pub async fn attend(&self, moment: Duration) {
        let mut heard = self.heard.subscribe();
        let old = heard.borrow_and_update().is_none_or(|heard| heard.elapsed() > OLD);
        // One that is known not to answer keeps nobody waiting.
        if old && self.news.borrow().health.error.is_none() {
            self.wake();
            let _ = tokio::time::timeout(moment, heard.changed()).await;
        }
    }

    /// Asks forever. `wanted` tells whether somebody looks on, `watched` at which jobs.
    pub async fn run(
        &self,
        scheduler: Arc<dyn Scheduler>,
        store: Option<Store>,
        pace: AskPace,
        wanted: impl Fn() -> bool + Send + Sync,
        watched: impl Fn(DateTime<Utc>) -> Watched + Send + Sync,
    ) {
        loop {
            let question = about(store.as_ref(), watched(Utc::now()), pace).await;
            let begun = Instant::now();
            let answer = self.ask(&*scheduler, pace, &question).await;
            let took = begun.elapsed();
            if let Some(snapshot) = answer
                && let Some(store) = &store
            {
                note(store, &snapshot).await;
            }
            // Somebody who begins to look on ends the idling, and only that.
            let least = pace.rest(true, took);
            let rest = pace.rest(wanted(), took);
            tokio::time::sleep(least).await;
            let _ =
                tokio::time::timeout(rest.saturating_sub(least), self.interest.notified()).await;
        }
    }

    /// Asks once; gives what was answered.
    #[tracing::instrument(name = "ask_scheduler", level = "debug", skip_all, fields(scheduler = scheduler.engine()))]
    async fn ask(
        &self,
        scheduler: &dyn Scheduler,
        pace: AskPace,
        question: &Question,
    ) -> Option<Arc<JobSnapshot>> {
        let mut question = scheduler.jobs_of(question);
        if let Ok(answer) = tokio::time::timeout(pace.slow, &mut question).await {
            return self.take(answer);
        }
        self.fail(format!("no answer for {} s so far", pace.slow.as_secs()), None);
        match tokio::time::timeout(pace.give_up.saturating_sub(pace.slow), question).await {
            Ok(answer) => self.take(answer),
            Err(_) => {
                self.fail(format!("no answer within {} s", pace.give_up.as_secs()), None);
                None
            }
        }
    }

    fn take(&self, answer: Result<JobSnapshot, SchedulerError>) -> Option<Arc<JobSnapshot>> {
        match answer {
            Err(error) => {
                self.fail(error.message, error.hint);
                None
            }
            Ok(mut snapshot) => {
                snapshot.tasks.sort_by_key(|task| (task.job, task.task));
                let snapshot = Arc::new(snapshot);
                self.news.send_if_modified(|news| {
                    let same = news.health.error.is_none()
                        && news.snapshot.as_ref().is_some_and(|old| {
                            old.tasks == snapshot.tasks && old.notices() == snapshot.notices()
                        });
                    if news.health.error.is_some() {
                        tracing::info!(
                            scheduler = news.health.engine,
                            "the scheduler answers again"
                        );
                    }
                    news.health.answered = Some(snapshot.taken);
                    (news.health.error, news.health.hint) = (None, None);
                    news.snapshot = Some(Arc::clone(&snapshot));
                    !same
                });
                self.heard.send_replace(Some(Instant::now()));
                Some(snapshot)
            }
        }
    }

    fn fail(&self, message: String, hint: Option<String>) {
        self.news.send_if_modified(|news| {
            let changed = news.health.error.as_ref() != Some(&message);
            if changed {
                tracing::warn!(
                    scheduler = news.health.engine,
                    error = message,
                    "the scheduler does not answer"
                );
            }
            (news.health.error, news.health.hint) = (Some(message), hint);
            changed
        });
    }
}

/// What to ask: about the watched jobs, those that were submitted lately, and those of which it is
/// not known how they ended. So the answer does not grow with what others run.
async fn about(store: Option<&Store>, watched: Watched, pace: AskPace) -> Question {
    let Watched { recent, since, names } = watched;
    let from_store = async |store: &Store| {
        let open = store.submissions_open(recent).await?;
        let named = store.submissions_named(&names).await?;
        let oldest = open.iter().map(|s| s.created).min().unwrap_or(recent);
        let all: Vec<String> = open.iter().map(|s| s.job_name.clone()).collect();
        let mut asked = question(&names, &named, since);
        asked.extend(question(&all, &open, (oldest - TimeDelta::hours(1)).max(since.min(recent))));
        Ok::<_, crate::store::StoreError>(asked)
    };
    let known = match store {
        Some(store) => from_store(store).await.ok(),
        None => None,
    };
    let question = known.unwrap_or_else(|| Question::all(since.min(recent)));
    Question { max_age: pace.ended, ..question }
}

/// Writes down what the answer says about what was submitted.
async fn note(store: &Store, snapshot: &JobSnapshot) {
    if let Err(error) = resolve(store, snapshot, Utc::now()).await {
        tracing::warn!(%error, "cannot record what became of submitted jobs");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::testing::FakeScheduler;

    fn pace() -> AskPace {
        AskPace {
            poll: Duration::from_millis(1),
            ended: Duration::ZERO,
            idle: Duration::from_millis(1),
            slow: Duration::from_millis(10),
            give_up: Duration::from_secs(60),
        }
    }

    fn watched(now: DateTime<Utc>) -> Watched {
        Watched { recent: now, since: now, names: Vec::new() }
    }

    #[test]
    fn a_slow_scheduler_is_asked_less_often() {
        let pace = AskPace::new(Duration::from_secs(5));
        let rest = |wanted, milliseconds| pace.rest(wanted, Duration::from_millis(milliseconds));
        assert_eq!(rest(true, 20), Duration::from_secs(5));
        assert_eq!(rest(true, 3000), Duration::from_secs(30));
        assert_eq!(rest(true, 60_000), LONGEST_REST);
        assert_eq!(rest(false, 20), Duration::from_secs(30));
    }

    #[tokio::test]
    async fn a_scheduler_that_hangs_is_reported_and_its_last_answer_stands() {
        let scheduler = FakeScheduler::new();
        scheduler.set(&["RUNNING"]);
        let watch = JobWatch::new("slurm");
        let mut news = watch.news();
        let asking = tokio::spawn({
            let (watch, scheduler) = (Arc::clone(&watch), scheduler.clone());
            async move { watch.run(Arc::new(scheduler), None, pace(), || true, watched).await }
        });
        news.wait_for(|news| news.snapshot.is_some()).await.unwrap();
        scheduler.hang(true);
        let told = news.wait_for(|news| news.health.error.is_some()).await.unwrap().clone();
        assert!(told.health.answered.is_some());
        assert_eq!(told.tasks().len(), 1);
        scheduler.hang(false);
        news.wait_for(|news| news.health.error.is_none()).await.unwrap();
        asking.abort();
    }

    #[tokio::test]
    async fn an_error_is_reported_word_by_word() {
        let scheduler = FakeScheduler::new();
        scheduler.fail("sacct: error: slurm_persist_conn_open_without_init");
        let watch = JobWatch::new("slurm");
        let mut news = watch.news();
        watch.ask(&scheduler, pace(), &Question::all(Utc::now())).await;
        let told = news.borrow_and_update().health.error.clone().unwrap();
        assert!(told.contains("slurm_persist_conn_open"), "{told}");
    }
}
