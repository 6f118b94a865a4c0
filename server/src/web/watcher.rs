//! Everything that viewers see, looked at once for all of them and kept fresh while they look.

mod reading;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveTime, Utc};
use tokio::sync::watch;

use crate::datacheck::Criteria;
use crate::hint::Hint;
use crate::model::{NightDate, NightList, NightStatus, Notice, RunDetail, RunId, Severity};
use crate::schedule::Scheduler;
use crate::store::Store;

use super::disk_reads::{DiskReads, ReadKind};
use super::figures::Figures;
use super::jobs::{AskPace, FURTHEST, JobNews, JobWatch, Watched};
use super::provenance::Logs;
use super::quality::Board;
use super::reader::NightReader;
use super::snapshot_cache::{RefreshPolicy, Snapshot, SnapshotCache};

/// How often the list of nights is looked at while nobody does.
const IDLE: Duration = Duration::from_secs(30);
/// How long somebody waits for the scheduler's answer where the last one is old.
const ATTENTION: Duration = Duration::from_secs(1);

/// The caches of snapshots, and what keeps them fresh.
pub struct Watcher {
    /// The list of nights.
    pub nights: Arc<SnapshotCache<(), NightList>>,
    /// Nights.
    pub night: Arc<SnapshotCache<NightDate, NightStatus>>,
    /// Runs.
    pub run: Arc<SnapshotCache<(NightDate, RunId), RunDetail>>,
    /// What the scheduler says.
    pub jobs: Arc<JobWatch>,
    /// How often is looked.
    pub poll: Duration,
    reader: Arc<dyn NightReader>,
    figures: Arc<Figures>,
    quality: Arc<Board>,
    store: Store,
    /// What is wrong with the database, if anything is.
    trouble: watch::Sender<Option<Notice>>,
    provenance: Arc<Logs>,
    reads: DiskReads,
}

impl Watcher {
    /// Looks through `look` every `poll` at what somebody wants. `engine` is the scheduler's name;
    /// runs are judged by `criteria`; notes about them are in `store`.
    pub fn new(
        reader: Arc<dyn NightReader>,
        engine: &str,
        poll: Duration,
        criteria: Criteria,
        store: Store,
    ) -> Arc<Self> {
        let figures = Arc::new(Figures::new(criteria));
        let quality = Arc::new(Board::new(Arc::clone(&figures)));
        let jobs = JobWatch::new(engine);
        let news = jobs.news();
        let policy = RefreshPolicy::new(poll);
        let nights = SnapshotCache::new(policy, |a: &NightList, b| a.nights == b.nights, {
            let (reader, news, quality) = (Arc::clone(&reader), news.clone(), Arc::clone(&quality));
            move |(): &()| {
                let mut nights = reader.nights(&current(&news), Utc::now())?;
                quality.attach_quality_to_nights(&mut nights);
                Ok(nights)
            }
        });
        let night = SnapshotCache::new(policy, same_night, {
            let (reader, news, quality) = (Arc::clone(&reader), news.clone(), Arc::clone(&quality));
            move |date: &NightDate| {
                let mut night = reader.night(*date, &current(&news), Utc::now())?;
                quality.attach_quality_to_night(&mut night);
                Ok(night)
            }
        });
        let run = SnapshotCache::new(policy, same_run, {
            let (reader, quality) = (Arc::clone(&reader), Arc::clone(&quality));
            move |(date, run): &(NightDate, RunId)| {
                let mut run = reader.run(*date, *run, &current(&news), Utc::now())?;
                quality.attach_quality_to_run(&mut run);
                Ok(run)
            }
        });
        Arc::new(Self {
            nights,
            night,
            run,
            jobs,
            poll,
            reader,
            figures,
            quality,
            store,
            trouble: watch::Sender::new(None),
            provenance: Arc::default(),
            reads: DiskReads::default(),
        })
    }

    /// Keeps everything fresh, forever. `days` is how far back jobs are asked for at least; what is
    /// learnt of submitted jobs is written to `store`.
    pub async fn run(
        self: Arc<Self>,
        scheduler: Arc<dyn Scheduler>,
        store: Option<Store>,
        days: Days,
        pace: AskPace,
    ) {
        let asking = {
            let (watcher, asked) = (Arc::clone(&self), Arc::clone(&self));
            let jobs = Arc::clone(&self.jobs);
            async move {
                let wanted = move || watcher.is_watched();
                let watched = move |now| asked.watched(now, days);
                jobs.run(scheduler, store, pace, wanted, watched).await;
            }
        };
        tokio::join!(asking, self.keep_refreshing(), self.keep_judging(), self.keep_checking());
    }

    /// Judges the data quality of what somebody looks at, and of all nights there are.
    async fn keep_judging(&self) {
        let mut tick = interval(self.poll);
        loop {
            tick.tick().await;
            let runs = self.run.wanted().into_iter().map(|(date, _)| date);
            let watched: BTreeSet<NightDate> =
                self.night.wanted().into_iter().chain(runs).collect();
            let list = self.nights.peek(&()).and_then(|snapshot| snapshot.found.ok());
            let all = list
                .map_or_else(Vec::new, |list| list.nights.iter().map(|night| night.date).collect());
            for date in self.quality.due(&watched, &all) {
                let (reader, quality) = (Arc::clone(&self.reader), Arc::clone(&self.quality));
                let judge = move || reader.paths(date).map(|paths| quality.judge(&paths));
                let judged = self.reads.run(ReadKind::Datacheck, Some(date), judge).await;
                if let Err(error) = judged.and(self.notes(date).await) {
                    tracing::debug!(%date, %error, "a night is not judged");
                }
            }
        }
    }

    /// What is wrong with the database, if anything is.
    pub fn trouble(&self) -> Option<Notice> {
        self.trouble.borrow().clone()
    }

    /// Looks again and again whether the database is still the one that was opened. By itself, since its
    /// disk may hang as any other.
    async fn keep_checking(&self) {
        let mut tick = interval(self.poll);
        loop {
            tick.tick().await;
            self.check_database().await;
        }
    }

    async fn check_database(&self) {
        let trouble = self.store.check().await.err().map(|error| Notice {
            severity: Severity::Error,
            message: error.to_string(),
            hint: error.hint().unwrap_or_default(),
        });
        let changed = self.trouble.send_if_modified(|known| {
            let changed = *known != trouble;
            known.clone_from(&trouble);
            changed
        });
        match trouble {
            Some(notice) if changed => tracing::error!("{}", notice.message),
            None if changed => tracing::info!("the database is there again"),
            _ => {}
        }
    }

    async fn keep_refreshing(&self) {
        let mut news = self.jobs.news();
        let mut tick = interval(self.poll);
        let mut idle = interval(IDLE.max(self.poll));
        loop {
            let news = tokio::select! {
                _ = tick.tick() => false,
                changed = news.changed() => changed.is_ok(),
                _ = idle.tick() => {
                    self.nights.warm(());
                    false
                }
            };
            self.nights.tick(news);
            self.night.tick(news);
            self.run.tick(news);
        }
    }

    /// Whether anybody looks at anything.
    fn is_watched(&self) -> bool {
        !self.nights.wanted().is_empty()
            || !self.night.wanted().is_empty()
            || !self.run.wanted().is_empty()
    }

    /// The jobs that somebody looks at.
    fn watched(&self, now: DateTime<Utc>, days: Days) -> Watched {
        let runs = self.run.wanted();
        let mut names: BTreeSet<String> =
            runs.iter().map(|(_, run)| format!("LST1_{run}")).collect();
        for date in self.night.wanted() {
            let night = self.night.peek(&date).and_then(|snapshot| snapshot.found.ok());
            let sequences = night.iter().flat_map(|night| &night.sequences);
            names.extend(sequences.map(|status| status.sequence.job_name()));
        }
        let recent = now.checked_sub_days(days).unwrap_or(now);
        Watched { recent, since: self.since(now, days), names: names.into_iter().collect() }
    }

    /// How far back jobs are asked for: `days`, or to the evening of the oldest night that somebody
    /// looks at.
    fn since(&self, now: DateTime<Utc>, days: Days) -> DateTime<Utc> {
        let nights = self.night.wanted().into_iter();
        let oldest = nights.chain(self.run.wanted().into_iter().map(|(date, _)| date)).min();
        let usual = now.checked_sub_days(days).unwrap_or(now);
        let furthest = now.checked_sub_days(FURTHEST).unwrap_or(usual).min(usual);
        let oldest = oldest.map_or(usual, |night| night.date().and_time(NaiveTime::MIN).and_utc());
        oldest.clamp(furthest, usual)
    }

    /// The list of nights, for somebody who looks.
    pub async fn see_nights(&self) -> Snapshot<NightList> {
        self.jobs.attend(ATTENTION.min(self.poll * 2)).await;
        self.nights.get(()).await
    }

    /// A run of a night, for somebody who looks.
    pub async fn see_run(&self, date: NightDate, run: RunId) -> Snapshot<RunDetail> {
        self.jobs.attend(ATTENTION.min(self.poll * 2)).await;
        let seen = self.run.get((date, run)).await;
        self.ask_soon(seen.found.as_ref().is_ok_and(|run| run.scheduler.unasked.is_some()));
        seen
    }

    /// A night, for somebody who looks.
    pub async fn see_night(&self, date: NightDate) -> Snapshot<NightStatus> {
        self.jobs.attend(ATTENTION.min(self.poll * 2)).await;
        let seen = self.night.get(date).await;
        self.ask_soon(seen.found.as_ref().is_ok_and(|night| night.scheduler.unasked.is_some()));
        seen
    }

    /// Now that somebody looks at a night, the scheduler is asked about its jobs too.
    fn ask_soon(&self, unasked: bool) {
        if unasked {
            self.jobs.wake();
        }
    }
}

fn interval(period: Duration) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    interval
}

fn current(news: &watch::Receiver<JobNews>) -> JobNews {
    news.borrow().clone()
}

/// Whether two nights look the same: when they were looked at is no difference.
fn same_night(old: &NightStatus, new: &NightStatus) -> bool {
    old.state == new.state
        && old.prod_id == new.prod_id
        && old.calibration == new.calibration
        && old.sequences == new.sequences
        && old.notices == new.notices
        && old.decisions == new.decisions
        && old.datacheck_notes == new.datacheck_notes
        && old.blockers == new.blockers
        && old.scheduler.engine == new.scheduler.engine
        && old.scheduler.error == new.scheduler.error
        && old.scheduler.elsewhere == new.scheduler.elsewhere
        && old.scheduler.unasked == new.scheduler.unasked
}

/// Whether two runs look the same: when they were looked at is no difference.
fn same_run(old: &RunDetail, new: &RunDetail) -> bool {
    old.prod_id == new.prod_id
        && old.status == new.status
        && old.subruns == new.subruns
        && old.history == new.history
        && old.older_history_lines == new.older_history_lines
        && old.tasks == new.tasks
        && old.logs == new.logs
        && old.scheduler.engine == new.scheduler.engine
        && old.scheduler.error == new.scheduler.error
        && old.scheduler.elsewhere == new.scheduler.elsewhere
        && old.scheduler.unasked == new.scheduler.unasked
}
