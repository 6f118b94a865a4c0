//! Everything that viewers see, looked at once for all of them and kept fresh while they look.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use app::backend::BackendError;
use chrono::{DateTime, Days, NaiveTime, Utc};
use tokio::sync::watch;

use crate::datacheck::Criteria;
use crate::hint::Hint;
use crate::model::{
    DatacheckNote, DatacheckRange, DatacheckSheet, FigureQuery, LogChunk, NightDate, NightList,
    NightStatus, Products, ProvenanceAsked, ProvenanceView, RunDetail, RunId,
};
use crate::night::{JobLog, NightPaths};
use crate::schedule::Scheduler;
use crate::store::Store;

use super::disk_reads::{DiskReads, ReadKind};
use super::figures::{self, Figures, NightWish, RangeWish, RunWish};
use super::jobs::{AskPace, FURTHEST, JobNews, JobWatch, Watched};
use super::logs::{self, Start};
use super::look::Look;
use super::products;
use super::provenance::Logs;
use super::quality::{self, Board};
use super::shelf::{Pace, Shelf, Snapshot};

/// A log that nobody has written to for longer is not being written to, unless its job runs.
const LOG_RESTS: Duration = Duration::from_secs(60);
/// How often the list of nights is looked at while nobody does.
const IDLE: Duration = Duration::from_secs(30);
/// How long somebody waits for the scheduler's answer where the last one is old.
const ATTENTION: Duration = Duration::from_secs(1);

/// So many days are shown of many nights where none are named.
const USUAL_RANGE: u32 = 90;

/// The shelves of snapshots, and what keeps them fresh.
pub struct Watcher {
    /// The list of nights.
    pub nights: Arc<Shelf<(), NightList>>,
    /// Nights.
    pub night: Arc<Shelf<NightDate, NightStatus>>,
    /// Runs.
    pub run: Arc<Shelf<(NightDate, RunId), RunDetail>>,
    /// What the scheduler says.
    pub jobs: Arc<JobWatch>,
    /// How often is looked.
    pub poll: Duration,
    look: Arc<dyn Look>,
    figures: Arc<Figures>,
    quality: Arc<Board>,
    store: Store,
    provenance: Arc<Logs>,
    reads: DiskReads,
}

impl Watcher {
    /// Looks through `look` every `poll` at what somebody wants. `engine` is the scheduler's name;
    /// runs are judged by `criteria`; notes about them are in `store`.
    pub fn new(
        look: Arc<dyn Look>,
        engine: &str,
        poll: Duration,
        criteria: Criteria,
        store: Store,
    ) -> Arc<Self> {
        let figures = Arc::new(Figures::new(criteria));
        let quality = Arc::new(Board::new(Arc::clone(&figures)));
        let jobs = JobWatch::new(engine);
        let news = jobs.news();
        let pace = Pace::new(poll);
        let nights = Shelf::new(pace, |a: &NightList, b| a.nights == b.nights, {
            let (look, news, quality) = (Arc::clone(&look), news.clone(), Arc::clone(&quality));
            move |(): &()| {
                let mut nights = look.nights(&current(&news), Utc::now())?;
                quality.adorn_nights(&mut nights);
                Ok(nights)
            }
        });
        let night = Shelf::new(pace, same_night, {
            let (look, news, quality) = (Arc::clone(&look), news.clone(), Arc::clone(&quality));
            move |date: &NightDate| {
                let mut night = look.night(*date, &current(&news), Utc::now())?;
                quality.adorn_night(&mut night);
                Ok(night)
            }
        });
        let run = Shelf::new(pace, same_run, {
            let (look, quality) = (Arc::clone(&look), Arc::clone(&quality));
            move |(date, run): &(NightDate, RunId)| {
                let mut run = look.run(*date, *run, &current(&news), Utc::now())?;
                quality.adorn_run(&mut run);
                Ok(run)
            }
        });
        Arc::new(Self {
            nights,
            night,
            run,
            jobs,
            poll,
            look,
            figures,
            quality,
            store,
            provenance: Arc::default(),
            reads: DiskReads::default(),
        })
    }

    /// Keeps everything fresh, for ever. `days` is how far back jobs are asked for at least; what is
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
        tokio::join!(asking, self.keep_looking(), self.keep_judging());
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
                let (look, quality) = (Arc::clone(&self.look), Arc::clone(&self.quality));
                let judge = move || look.paths(date).map(|paths| quality.judge(&paths));
                let judged = self.reads.run(ReadKind::Datacheck, Some(date), judge).await;
                if let Err(error) = judged.and(self.notes(date).await) {
                    tracing::debug!(%date, %error, "a night is not judged");
                }
            }
        }
    }

    /// The notes about the data quality of a night and its runs, also those that were withdrawn.
    pub async fn notes(&self, date: NightDate) -> Result<Vec<DatacheckNote>, BackendError> {
        let prod_id =
            self.of_night(ReadKind::Directories, date, |paths| Ok(paths.prod_id.clone())).await?;
        let notes = self.store.notes(date, &prod_id).await.map_err(|error| {
            let text = format!("notes cannot be read: {error}");
            BackendError::unavailable(text).with_hint(error.hint())
        })?;
        self.quality.note(date, &notes);
        Ok(notes)
    }

    /// A sheet with what is thought of it, and with what people noted.
    async fn told(&self, mut sheet: DatacheckSheet) -> DatacheckSheet {
        match self.notes(sheet.date).await {
            Ok(notes) => {
                let about = |note: &DatacheckNote| sheet.run.is_none() || note.run == sheet.run;
                let told = |note: &DatacheckNote| note.withdrawn.is_none() && about(note);
                sheet.notes = notes.into_iter().filter(told).collect();
            }
            Err(error) => sheet.notices.push(error.to_string()),
        }
        quality::told(sheet, &self.quality)
    }

    async fn keep_looking(&self) {
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

    /// Something about a night's datacheck, in a thread that may block.
    pub async fn draw<T: Send + 'static>(
        &self,
        date: NightDate,
        draw: impl FnOnce(&Figures, &NightPaths) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let (look, figures) = (Arc::clone(&self.look), Arc::clone(&self.figures));
        let _waiting = self.figures.turns.wait();
        let drawn = move || draw(&figures, &look.paths(date)?);
        self.reads.run(ReadKind::Datacheck, Some(date), drawn).await
    }

    /// Something about a night's files, in a thread that may block.
    pub async fn of_night<T: Send + 'static>(
        &self,
        kind: ReadKind,
        date: NightDate,
        read: impl FnOnce(&NightPaths) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let look = Arc::clone(&self.look);
        self.reads.run(kind, Some(date), move || read(&look.paths(date)?)).await
    }

    /// The night in which a run was taken.
    pub async fn night_of(&self, run: RunId) -> Result<NightDate, BackendError> {
        let look = Arc::clone(&self.look);
        self.reads.run(ReadKind::Directories, None, move || look.night_of(run)).await
    }

    /// What is asked of many nights; without dates it is the last months that there are.
    pub async fn range_wish(
        &self,
        query: &FigureQuery,
        sheet: Option<&str>,
    ) -> Result<RangeWish, BackendError> {
        let newest = match query.to {
            Some(_) => None,
            None => {
                self.see_nights().await.seen()?.value.nights.iter().map(|night| night.date).max()
            }
        };
        let newest = newest.unwrap_or_else(|| NightDate::new(Utc::now().date_naive()));
        RangeWish::read(query, sheet, newest, USUAL_RANGE)
    }

    /// Something about the datacheck of many nights, those of them that there are, in a thread that
    /// may block.
    pub async fn draw_nights<T: Send + 'static>(
        &self,
        dates: Vec<NightDate>,
        draw: impl FnOnce(&Figures, &[NightPaths]) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let (look, figures) = (Arc::clone(&self.look), Arc::clone(&self.figures));
        let _waiting = self.figures.turns.wait();
        let drawn = move || {
            let nights: Vec<NightPaths> =
                dates.into_iter().filter_map(|date| look.paths(date).ok()).collect();
            draw(&figures, &nights)
        };
        self.reads.run(ReadKind::Datacheck, None, drawn).await
    }

    /// Something about a night's provenance, in a thread that may block.
    pub async fn provenance_of<T: Send + 'static>(
        &self,
        date: NightDate,
        read: impl FnOnce(&Logs, &NightPaths) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let (look, logs) = (Arc::clone(&self.look), Arc::clone(&self.provenance));
        let read = move || read(&logs, &look.paths(date)?);
        self.reads.run(ReadKind::Provenance, Some(date), read).await
    }

    /// A piece of a log; blocks on the disk in a thread that may.
    pub async fn log_piece(
        &self,
        date: NightDate,
        run: RunId,
        name: &str,
        start: Start,
    ) -> Result<LogChunk, BackendError> {
        let (look, name) = (Arc::clone(&self.look), name.to_owned());
        let jobs = current(&self.jobs.news());
        let read = move || {
            let mut file = look.open_log(date, run, &name)?;
            let unread = |error: std::io::Error| {
                BackendError::unavailable(format!("the log {name} cannot be read: {error}"))
                    .with_hint(error.hint())
            };
            let now = Utc::now();
            let modified = file.metadata().and_then(|metadata| metadata.modified());
            let modified = modified.map_err(unread)?;
            let piece = logs::read(&mut file, start).map_err(unread)?;
            let live = is_live(&name, &jobs, modified.into(), now);
            let logs::Piece { from, to, size, text } = piece;
            Ok(LogChunk { name, from, to, size, text, live, read: now })
        };
        self.reads.run(ReadKind::Logs, Some(date), read).await
    }

    /// A log file as it is, open.
    pub async fn open_log(
        &self,
        date: NightDate,
        run: RunId,
        name: &str,
    ) -> Result<std::fs::File, BackendError> {
        let (look, name) = (Arc::clone(&self.look), name.to_owned());
        let open = move || look.open_log(date, run, &name);
        self.reads.run(ReadKind::Logs, Some(date), open).await
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

/// What pages and the REST interface read.
impl Watcher {
    /// A piece of a log file of a run, at most [`LOG_PIECE`] long: from byte `from`, or its tail.
    pub async fn log(
        &self,
        date: NightDate,
        run: RunId,
        name: &str,
        from: Option<u64>,
    ) -> Result<LogChunk, BackendError> {
        self.log_piece(date, run, name, from.map_or(Start::Tail, Start::Line)).await
    }

    /// A sheet of a run's datacheck figures.
    pub async fn run_datacheck(
        &self,
        date: NightDate,
        run: RunId,
        query: FigureQuery,
    ) -> Result<DatacheckSheet, BackendError> {
        let wish = RunWish::read(&query, None)?;
        let draw = move |figures: &Figures, paths: &NightPaths| {
            Ok(figures::run_described(figures.run(paths, run, &wish)?, date, run, &wish))
        };
        Ok(self.told(self.draw(date, draw).await?).await)
    }

    /// A sheet of a night's datacheck figures.
    pub async fn night_datacheck(
        &self,
        date: NightDate,
        query: FigureQuery,
    ) -> Result<DatacheckSheet, BackendError> {
        let wish = NightWish::read(&query, None)?;
        let draw = move |figures: &Figures, paths: &NightPaths| {
            Ok(figures::night_described(figures.night(paths, &wish)?, date, &wish))
        };
        Ok(self.told(self.draw(date, draw).await?).await)
    }

    /// A sheet of datacheck figures of many nights.
    pub async fn range_datacheck(
        &self,
        query: FigureQuery,
    ) -> Result<DatacheckRange, BackendError> {
        let wish = self.range_wish(&query, None).await?;
        let dates = wish.dates().collect();
        let draw = move |figures: &Figures, nights: &[NightPaths]| {
            Ok(figures.range(nights, &wish)?.described(&wish))
        };
        self.draw_nights(dates, draw).await
    }

    /// The files of a night's data quality.
    pub async fn products(&self, date: NightDate) -> Result<Products, BackendError> {
        self.of_night(ReadKind::Products, date, |paths| Ok(products::listed(paths))).await
    }

    /// What a run's products were made of, and how.
    pub async fn run_provenance(
        &self,
        date: NightDate,
        run: RunId,
        asked: ProvenanceAsked,
    ) -> Result<ProvenanceView, BackendError> {
        self.provenance_of(date, move |logs, paths| logs.view(paths, run, asked)).await
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

/// Whether a job may still write to the log: its task is under way, or it is not known and the log
/// was written to a moment ago.
fn is_live(name: &str, jobs: &JobNews, modified: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let log = JobLog::parse(name);
    let task = log.and_then(|log| {
        jobs.tasks()
            .iter()
            .find(|task| task.job == log.job && task.task == log.subrun.map(|subrun| subrun.0))
    });
    match task {
        Some(task) => task.state.is_active(),
        None => (now - modified).to_std().is_ok_and(|age| age < LOG_RESTS),
    }
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
