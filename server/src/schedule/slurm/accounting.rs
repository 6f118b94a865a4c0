//! Asking accounting: as little as will do, and not again while a recent answer will.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use crate::model::TaskRecord;
use crate::schedule::{Accounting, Question, back_off};

use super::call::Line;
use super::parsed::Parsed;
use super::sacct::{self, Dialect, Range, Selection};
use super::{Tools, good};

/// However long an answer took, the next question is asked after this.
const LONGEST_REST: Duration = Duration::from_secs(600);

/// A question about a shorter time is not split any further.
const SHORTEST: TimeDelta = TimeDelta::hours(1);

/// So many jobs are named in one question.
const JOBS_A_QUESTION: usize = 1000;

/// What accounting answered.
#[derive(Debug)]
pub(super) struct Accounted {
    /// When it was asked.
    pub at: DateTime<Utc>,
    /// What was read of its answer, or why nothing could be.
    pub parsed: Result<Parsed, Accounting>,
    question: Question,
    asked: Instant,
    took: Duration,
}

impl Accounted {
    /// What it knows of jobs.
    pub fn tasks(&self) -> &[TaskRecord] {
        self.parsed.as_ref().map_or(&[], |parsed| &parsed.tasks)
    }

    /// Will this do for an answer to another question?
    fn serves(&self, question: &Question) -> bool {
        let rest = question.max_age.max(back_off(self.took, LONGEST_REST));
        !question.max_age.is_zero() && self.asked.elapsed() < rest && self.question.covers(question)
    }
}

/// Why a question was not answered.
enum Silence {
    /// It was about too long a time.
    TooWide,
    /// Another reason.
    Other(Accounting),
}

/// The last answer of accounting, and what is known of how to ask.
#[derive(Debug)]
pub(super) struct AccountingCache {
    older: AtomicBool,
    /// The longest time that may be asked for, in seconds.
    widest: AtomicI64,
    last: Mutex<Option<Arc<Accounted>>>,
}

impl Default for AccountingCache {
    fn default() -> Self {
        Self {
            older: AtomicBool::new(false),
            widest: AtomicI64::new(i64::MAX),
            last: Mutex::new(None),
        }
    }
}

impl AccountingCache {
    /// The last answer if it will do, else a new one. Whoever comes meanwhile waits for it.
    pub async fn accounted(
        &self,
        tools: &Tools,
        limit: Duration,
        user: u32,
        question: &Question,
    ) -> Arc<Accounted> {
        let mut last = self.last.lock().await;
        if let Some(last) = last.as_ref().filter(|last| last.serves(question)) {
            return Arc::clone(last);
        }
        let (at, asked) = (Utc::now(), Instant::now());
        let parsed = self.ask(&Asker { cache: self, tools, limit, user }, question).await;
        let (question, took) = (question.clone(), asked.elapsed());
        let new = Arc::new(Accounted { at, parsed, question, asked, took });
        *last = Some(Arc::clone(&new));
        new
    }

    async fn ask(&self, asker: &Asker<'_>, question: &Question) -> Result<Parsed, Accounting> {
        let mut parsed = Parsed::default();
        if question.all {
            asker.within(Selection::All, question.since, &mut parsed).await?;
            return Ok(parsed);
        }
        for jobs in question.jobs.chunks(JOBS_A_QUESTION) {
            asker.within(Selection::Jobs(jobs), question.since, &mut parsed).await?;
        }
        if !question.names.is_empty() {
            asker.within(Selection::Names(&question.names), question.since, &mut parsed).await?;
        }
        Ok(parsed)
    }
}

/// A time in two, the older last: it is asked for first, so that the newest is reported last.
fn halves(range: Range, at: DateTime<Utc>) -> [Range; 2] {
    [Range { from: at, ..range }, Range { until: Some(at), ..range }]
}

/// Asks one question.
struct Asker<'a> {
    cache: &'a AccountingCache,
    tools: &'a Tools,
    limit: Duration,
    user: u32,
}

impl Asker<'_> {
    /// Asks for the time since `since`, in pieces where the site does not allow to ask for all of it.
    async fn within(
        &self,
        selection: Selection<'_>,
        since: DateTime<Utc>,
        parsed: &mut Parsed,
    ) -> Result<(), Accounting> {
        let now = Utc::now();
        let mut left = vec![Range { from: since, until: None }];
        while let Some(range) = left.pop() {
            let width = range.until.unwrap_or(now) - range.from;
            let widest = self.cache.widest.load(Ordering::Relaxed);
            if width.num_seconds() > widest {
                left.extend(halves(range, range.until.unwrap_or(now) - TimeDelta::seconds(widest)));
                continue;
            }
            match self.sacct(selection, range).await {
                Ok(piece) => parsed.extend(piece),
                Err(Silence::TooWide) if width > SHORTEST => {
                    let half = width / 2;
                    self.cache.widest.fetch_min(half.num_seconds() + 1, Ordering::Relaxed);
                    left.extend(halves(range, range.from + half));
                }
                Err(Silence::TooWide) => {
                    let why = "it does not even tell of a single hour".to_owned();
                    return Err(Accounting::Unavailable(why));
                }
                Err(Silence::Other(why)) => return Err(why),
            }
        }
        Ok(())
    }

    async fn sacct(&self, selection: Selection<'_>, range: Range) -> Result<Parsed, Silence> {
        let other = |why: String| Silence::Other(Accounting::Unavailable(why));
        loop {
            let older = self.cache.older.load(Ordering::Relaxed);
            let dialect = if older { Dialect::WithoutSubmitLine } else { Dialect::WithSubmitLine };
            let arguments = sacct::arguments(dialect, self.user, selection, range);
            let call = self.tools.question("sacct", arguments, self.limit);
            let mut reader = sacct::Reader::new(dialect);
            let mut each = |line: Line<'_>| reader.line(line);
            let ended = call.lines(&self.tools.path, &mut each).await;
            let ended = ended.map_err(|error| other(error.to_string()))?;
            if sacct::is_too_wide(&ended.stderr) {
                return Err(Silence::TooWide);
            }
            if sacct::is_disabled(&ended.stderr) {
                return Err(Silence::Other(Accounting::Disabled));
            }
            if !older && !ended.status.success() && sacct::is_older(&ended.stderr) {
                self.cache.older.store(true, Ordering::Relaxed);
                continue;
            }
            let aside = good("sacct", ended.status, &ended.stderr);
            let aside = aside.map_err(|error| other(error.message))?;
            let mut parsed = reader.end();
            if let Some(line) = aside {
                parsed.noise(line);
            }
            return Ok(parsed);
        }
    }
}
