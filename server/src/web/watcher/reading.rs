//! What is read of the disk for pages and programs when they ask for it, in threads that may block.

use std::sync::Arc;
use std::time::Duration;

use app::backend::BackendError;
use chrono::{DateTime, Utc};

use crate::hint::Hint;
use crate::model::{
    DatacheckNote, DatacheckRange, DatacheckSheet, FigureQuery, LogChunk, NightDate, Products,
    ProvenanceAsked, ProvenanceView, RunId,
};
use crate::night::{JobLog, NightPaths};
use crate::web::disk_reads::ReadKind;
use crate::web::figures::{self, Figures, NightFigureQuery, RangeFigureQuery, RunFigureQuery};
use crate::web::jobs::JobNews;
use crate::web::logs::{self, Start};
use crate::web::products;
use crate::web::provenance::Logs;
use crate::web::quality;

use super::{Watcher, current};

/// A log that nobody has written to for longer is not being written to, unless its job runs.
const LOG_RESTS: Duration = Duration::from_secs(60);
/// So many days are shown of many nights where none are named.
const USUAL_RANGE: u32 = 90;

impl Watcher {
    /// Something about a night's datacheck, in a thread that may block.
    pub async fn draw<T: Send + 'static>(
        &self,
        date: NightDate,
        draw: impl FnOnce(&Figures, &NightPaths) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let (reader, figures) = (Arc::clone(&self.reader), Arc::clone(&self.figures));
        let _waiting = self.figures.priority.wait();
        let drawn = move || draw(&figures, &reader.paths(date)?);
        self.reads.run(ReadKind::Datacheck, Some(date), drawn).await
    }

    /// Something about a night's files, in a thread that may block.
    pub async fn of_night<T: Send + 'static>(
        &self,
        kind: ReadKind,
        date: NightDate,
        read: impl FnOnce(&NightPaths) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let reader = Arc::clone(&self.reader);
        self.reads.run(kind, Some(date), move || read(&reader.paths(date)?)).await
    }

    /// The night in which a run was taken.
    pub async fn night_of(&self, run: RunId) -> Result<NightDate, BackendError> {
        let reader = Arc::clone(&self.reader);
        self.reads.run(ReadKind::Directories, None, move || reader.night_of(run)).await
    }

    /// What is asked of many nights; without dates it is the last months that there are.
    pub async fn range_query(
        &self,
        query: &FigureQuery,
        sheet: Option<&str>,
    ) -> Result<RangeFigureQuery, BackendError> {
        let newest = match query.to {
            Some(_) => None,
            None => self
                .see_nights()
                .await
                .versioned()?
                .value
                .nights
                .iter()
                .map(|night| night.date)
                .max(),
        };
        let newest = newest.unwrap_or_else(|| NightDate::new(Utc::now().date_naive()));
        RangeFigureQuery::read(query, sheet, newest, USUAL_RANGE)
    }

    /// Something about the datacheck of many nights, those of them that there are, in a thread that
    /// may block.
    pub async fn draw_nights<T: Send + 'static>(
        &self,
        dates: Vec<NightDate>,
        draw: impl FnOnce(&Figures, &[NightPaths]) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let (reader, figures) = (Arc::clone(&self.reader), Arc::clone(&self.figures));
        let _waiting = self.figures.priority.wait();
        let drawn = move || {
            let nights: Vec<NightPaths> =
                dates.into_iter().filter_map(|date| reader.paths(date).ok()).collect();
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
        let (reader, logs) = (Arc::clone(&self.reader), Arc::clone(&self.provenance));
        let read = move || read(&logs, &reader.paths(date)?);
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
        let (reader, name) = (Arc::clone(&self.reader), name.to_owned());
        let jobs = current(&self.jobs.news());
        let read = move || {
            let mut file = reader.open_log(date, run, &name)?;
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
        let (reader, name) = (Arc::clone(&self.reader), name.to_owned());
        let open = move || reader.open_log(date, run, &name);
        self.reads.run(ReadKind::Logs, Some(date), open).await
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
    async fn with_notes(&self, mut sheet: DatacheckSheet) -> DatacheckSheet {
        match self.notes(sheet.date).await {
            Ok(notes) => {
                let about = |note: &DatacheckNote| sheet.run.is_none() || note.run == sheet.run;
                let shown = |note: &DatacheckNote| note.withdrawn.is_none() && about(note);
                sheet.notes = notes.into_iter().filter(shown).collect();
            }
            Err(error) => sheet.notices.push(error.to_string()),
        }
        quality::attach_quality_to_sheet(sheet, &self.quality)
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
        let query = RunFigureQuery::read(&query, None)?;
        let draw = move |figures: &Figures, paths: &NightPaths| {
            Ok(figures::run_described(figures.run(paths, run, &query)?, date, run, &query))
        };
        Ok(self.with_notes(self.draw(date, draw).await?).await)
    }

    /// A sheet of a night's datacheck figures.
    pub async fn night_datacheck(
        &self,
        date: NightDate,
        query: FigureQuery,
    ) -> Result<DatacheckSheet, BackendError> {
        let query = NightFigureQuery::read(&query, None)?;
        let draw = move |figures: &Figures, paths: &NightPaths| {
            Ok(figures::night_described(figures.night(paths, &query)?, date, &query))
        };
        Ok(self.with_notes(self.draw(date, draw).await?).await)
    }

    /// A sheet of datacheck figures of many nights.
    pub async fn range_datacheck(
        &self,
        query: FigureQuery,
    ) -> Result<DatacheckRange, BackendError> {
        let query = self.range_query(&query, None).await?;
        let dates = query.dates().collect();
        let draw = move |figures: &Figures, nights: &[NightPaths]| {
            Ok(figures.range(nights, &query)?.described(&query))
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
