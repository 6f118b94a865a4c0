//! The ledger: what was submitted, or was about to be, and what became of it.
//!
//! Only rows and their rules live here; what to do about a row is decided in [`crate::launch`].

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, SqliteExecutor, Transaction};

use crate::model::{JobId, JobState, NightDate, ProdId};
use crate::schedule::SchedulerId;

use super::{Store, StoreError};

/// How long a job must have been missing before it is given up; also how long a command that shows
/// no sign of life keeps others waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grace(pub TimeDelta);

impl Grace {
    /// A grace of a given length.
    pub fn new(length: std::time::Duration) -> Self {
        Self(TimeDelta::from_std(length).unwrap_or(TimeDelta::MAX))
    }
}

impl Default for Grace {
    /// Longer than sbatch may take.
    fn default() -> Self {
        Self(TimeDelta::seconds(60))
    }
}

/// Where a submission stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmissionState {
    /// Recorded; whether the scheduler has the job is not known (yet).
    Intended,
    /// The scheduler has, or had, the job.
    Submitted,
    /// The scheduler said no.
    Refused,
    /// The scheduler was never asked.
    Withdrawn,
    /// The scheduler was asked, and has no such job.
    Lost,
}

const STATES: [(SubmissionState, &str); 5] = [
    (SubmissionState::Intended, "intended"),
    (SubmissionState::Submitted, "submitted"),
    (SubmissionState::Refused, "refused"),
    (SubmissionState::Withdrawn, "withdrawn"),
    (SubmissionState::Lost, "lost"),
];

impl SubmissionState {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        STATES.iter().find(|(state, _)| *state == self).map_or("", |(_, word)| word)
    }
}

/// One attempt to have a job for one purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Row number.
    pub id: i64,
    /// The night.
    pub date: NightDate,
    /// The production.
    pub prod_id: ProdId,
    /// What for, such as `sequence 19102`.
    pub purpose: String,
    /// Counted from 1 for one purpose.
    pub attempt: u32,
    /// The job's name, `LST1_19102`.
    pub job_name: String,
    /// The job's comment, which no other job has.
    pub token: String,
    /// The job's script.
    pub script: PathBuf,
    /// Where it stands.
    pub state: SubmissionState,
    /// The job; kept when it is lost.
    pub job: Option<JobId>,
    /// Why it was refused, is uncertain, or was given up.
    pub message: String,
    /// Who, as `user@host:pid`.
    pub author: String,
    /// When it was recorded.
    pub created: DateTime<Utc>,
    /// Last sign of life of the command that submits it.
    pub touched: DateTime<Utc>,
    /// When the scheduler was asked, if it was.
    pub asked: Option<DateTime<Utc>>,
    /// When the state became what it is, unless it is `Intended`.
    pub settled: Option<DateTime<Utc>>,
    /// First of the looks in a row that did not find the job.
    pub missing_since: Option<DateTime<Utc>>,
    /// How the job as a whole ended, as last seen.
    pub end_state: Option<JobState>,
    /// The scheduler that it is for; `None` if an earlier version did not record it.
    pub scheduler: Option<SchedulerId>,
    /// Since when somebody lets its night be processed by another scheduler.
    pub released: Option<DateTime<Utc>>,
}

/// A submission to be recorded.
#[derive(Clone, Debug)]
pub struct Intent<'a> {
    /// The night.
    pub date: NightDate,
    /// The production.
    pub prod_id: &'a ProdId,
    /// What for.
    pub purpose: &'a str,
    /// The job's name.
    pub job_name: &'a str,
    /// The job's comment, which no other job has.
    pub token: &'a str,
    /// The job's script.
    pub script: &'a std::path::Path,
    /// Who.
    pub author: &'a str,
    /// The scheduler that it is for.
    pub scheduler: &'a SchedulerId,
}

impl Submission {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let word: String = row.try_get("state")?;
        let state = STATES.iter().find(|(_, w)| *w == word).map(|(state, _)| *state);
        let end: Option<String> = row.try_get("end_state")?;
        let engine: Option<String> = added(row, "scheduler")?;
        let cluster: Option<String> = added(row, "cluster")?;
        Ok(Self {
            id: row.try_get("id")?,
            date: parsed(row, "date")?,
            prod_id: parsed(row, "prod_id")?,
            purpose: row.try_get("purpose")?,
            attempt: row.try_get("attempt")?,
            job_name: row.try_get("job_name")?,
            token: row.try_get("token")?,
            script: row.try_get::<String, _>("script")?.into(),
            state: state.ok_or_else(|| sqlx::Error::Decode(format!("state {word:?}").into()))?,
            job: row.try_get::<Option<i64>, _>("job_id")?.map(|id| JobId(id.cast_unsigned())),
            message: row.try_get("message")?,
            author: row.try_get("author")?,
            created: row.try_get("created")?,
            touched: row.try_get("touched")?,
            asked: row.try_get("asked")?,
            settled: row.try_get("settled")?,
            missing_since: row.try_get("missing_since")?,
            end_state: end.map(JobState::from),
            scheduler: engine.map(|engine| SchedulerId { engine, cluster }),
            released: added(row, "released")?,
        })
    }
}

/// A column that an older database, opened to read only, does not have yet.
fn added<T>(row: &SqliteRow, column: &str) -> Result<Option<T>, sqlx::Error>
where
    T: for<'r> sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
{
    match row.try_get(column) {
        Err(sqlx::Error::ColumnNotFound(_)) => Ok(None),
        value => value,
    }
}

/// A column as the identifier it holds.
pub(super) fn parsed<T>(row: &SqliteRow, column: &str) -> Result<T, sqlx::Error>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    row.try_get::<String, _>(column)?.parse().map_err(|e: T::Err| sqlx::Error::Decode(e.into()))
}

impl Store {
    /// All submissions of jobs with one of these names, of any night and production, oldest first.
    pub async fn submissions_named(&self, names: &[String]) -> Result<Vec<Submission>, StoreError> {
        named(&self.pool, names).await.map_err(|e| self.error(e))
    }

    /// All submissions of a night, oldest first.
    pub async fn submissions_of(
        &self,
        date: NightDate,
        prod_id: &ProdId,
    ) -> Result<Vec<Submission>, StoreError> {
        of_night(&self.pool, date, prod_id).await.map_err(|e| self.error(e))
    }

    /// Submissions, of any night, that a look at the scheduler may change: those whose outcome is
    /// unknown, whose job was not seen to end, or that were recorded since `since`.
    pub async fn submissions_open(
        &self,
        since: DateTime<Utc>,
    ) -> Result<Vec<Submission>, StoreError> {
        open(&self.pool, since).await.map_err(|e| self.error(e))
    }

    /// Opens the ledger for writing; nobody else writes until it is committed or dropped.
    pub async fn ledger(&self) -> Result<Ledger<'_>, StoreError> {
        match self.pool.begin_with("BEGIN IMMEDIATE").await {
            Ok(tx) => Ok(Ledger { store: self, tx }),
            Err(cause) => Err(self.error(cause)),
        }
    }
}

async fn of_night(
    from: impl SqliteExecutor<'_>,
    date: NightDate,
    prod_id: &ProdId,
) -> Result<Vec<Submission>, sqlx::Error> {
    let sql = "SELECT * FROM submissions WHERE date = ? AND prod_id = ? ORDER BY id";
    let query = sqlx::query(sql).bind(date.to_string()).bind(prod_id.as_str());
    query.fetch_all(from).await?.iter().map(Submission::from_row).collect()
}

async fn named(
    from: impl SqliteExecutor<'_>,
    names: &[String],
) -> Result<Vec<Submission>, sqlx::Error> {
    let sql = "SELECT * FROM submissions
         WHERE job_name IN (SELECT value FROM json_each(?)) ORDER BY id";
    let names = serde_json::json!(names).to_string();
    let rows = sqlx::query(sql).bind(names).fetch_all(from).await?;
    rows.iter().map(Submission::from_row).collect()
}

async fn open(
    from: impl SqliteExecutor<'_>,
    since: DateTime<Utc>,
) -> Result<Vec<Submission>, sqlx::Error> {
    let sql = "SELECT * FROM submissions
         WHERE state = 'intended' OR (state = 'submitted' AND end_state IS NULL)
            OR (state IN ('submitted', 'lost') AND created >= ?)
         ORDER BY id";
    let rows = sqlx::query(sql).bind(since).fetch_all(from).await?;
    rows.iter().map(Submission::from_row).collect()
}

/// The ledger, open for writing: what is read here cannot change before the commit.
#[derive(Debug)]
pub struct Ledger<'s> {
    store: &'s Store,
    tx: Transaction<'static, Sqlite>,
}

/// A statement with its values, run in the ledger's transaction; gives the number of rows changed.
macro_rules! change {
    ($ledger:expr, $sql:literal $(, $value:expr)* $(,)?) => {
        sqlx::query($sql)$(.bind($value))*
            .execute(&mut *$ledger.tx)
            .await
            .map(|done| done.rows_affected())
            .map_err(|cause| $ledger.store.error(cause))
    };
}

impl Ledger<'_> {
    /// How long a job must have been missing before it is given up.
    pub fn grace(&self) -> Grace {
        self.store.grace
    }

    /// As [`Store::submissions_named`].
    pub async fn named(&mut self, names: &[String]) -> Result<Vec<Submission>, StoreError> {
        named(&mut *self.tx, names).await.map_err(|e| self.store.error(e))
    }

    /// As [`Store::submissions_of`].
    pub async fn of(
        &mut self,
        date: NightDate,
        prod_id: &ProdId,
    ) -> Result<Vec<Submission>, StoreError> {
        of_night(&mut *self.tx, date, prod_id).await.map_err(|e| self.store.error(e))
    }

    /// As [`Store::submissions_open`].
    pub async fn open(&mut self, since: DateTime<Utc>) -> Result<Vec<Submission>, StoreError> {
        open(&mut *self.tx, since).await.map_err(|e| self.store.error(e))
    }

    /// Records an intent, the next attempt for its purpose. The database refuses a second open one.
    pub async fn record(
        &mut self,
        intent: &Intent<'_>,
        now: DateTime<Utc>,
    ) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "INSERT INTO submissions (date, prod_id, purpose, attempt, job_name, token, script,
                                      state, author, created, touched, scheduler, cluster)
             SELECT ?1, ?2, ?3, COALESCE(MAX(attempt), 0) + 1, ?4, ?5, ?6, 'intended', ?7, ?8, ?8,
                    ?9, ?10
             FROM submissions WHERE date = ?1 AND prod_id = ?2 AND purpose = ?3
             RETURNING id",
        )
        .bind(intent.date.to_string())
        .bind(intent.prod_id.as_str())
        .bind(intent.purpose)
        .bind(intent.job_name)
        .bind(intent.token)
        .bind(intent.script.to_string_lossy().into_owned())
        .bind(intent.author)
        .bind(now)
        .bind(&intent.scheduler.engine)
        .bind(&intent.scheduler.cluster)
        .fetch_one(&mut *self.tx)
        .await;
        row.and_then(|row| row.try_get("id")).map_err(|e| self.store.error(e))
    }

    /// Says that the command that will submit them is alive.
    pub async fn touch(&mut self, ids: &[i64], now: DateTime<Utc>) -> Result<(), StoreError> {
        let ids = serde_json::json!(ids).to_string();
        change!(
            self,
            "UPDATE submissions SET touched = ?
             WHERE state = 'intended' AND id IN (SELECT value FROM json_each(?))",
            now,
            ids
        )
        .map(|_| ())
    }

    /// Says that the scheduler is being asked; `false` if somebody has given the intent up, and then
    /// it must not be asked.
    pub async fn ask(&mut self, id: i64, now: DateTime<Utc>) -> Result<bool, StoreError> {
        change!(
            self,
            "UPDATE submissions SET asked = ?, touched = ?
             WHERE id = ? AND state = 'intended' AND asked IS NULL",
            now,
            now,
            id
        )
        .map(|rows| rows == 1)
    }

    /// Writes down what became of an intent; `false` if somebody else has done so already.
    pub async fn settle(
        &mut self,
        id: i64,
        state: SubmissionState,
        job: Option<JobId>,
        message: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        change!(
            self,
            "UPDATE submissions
             SET state = ?, job_id = ?, message = ?, settled = ?, missing_since = NULL
             WHERE id = ? AND state = 'intended'",
            state.as_str(),
            job.map(|job| job.0.cast_signed()),
            message,
            now,
            id
        )
        .map(|rows| rows == 1)
    }

    /// Withdraws an intent of which the scheduler was never asked; `false` if it was.
    pub async fn withdraw(
        &mut self,
        id: i64,
        message: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        change!(
            self,
            "UPDATE submissions SET state = 'withdrawn', message = ?, settled = ?
             WHERE id = ? AND state = 'intended' AND asked IS NULL",
            message,
            now,
            id
        )
        .map(|rows| rows == 1)
    }

    /// Gives a job up that the scheduler does not know.
    pub async fn lose(
        &mut self,
        id: i64,
        message: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        change!(
            self,
            "UPDATE submissions SET state = 'lost', message = ?, settled = ?
             WHERE id = ? AND state IN ('intended', 'submitted')",
            message,
            now,
            id
        )
        .map(|_| ())
    }

    /// Takes a job back that was seen: an intent's, a lost one's, or one whose number was another.
    pub async fn found(
        &mut self,
        id: i64,
        job: JobId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        change!(
            self,
            "UPDATE submissions SET state = 'submitted', job_id = ?, missing_since = NULL,
                    settled = CASE state WHEN 'submitted' THEN settled ELSE ? END
             WHERE id = ? AND state IN ('intended', 'submitted', 'lost')",
            job.0.cast_signed(),
            now,
            id
        )
        .map(|_| ())
    }

    /// Says since when the job is not found.
    pub async fn missing(&mut self, id: i64, since: DateTime<Utc>) -> Result<(), StoreError> {
        change!(self, "UPDATE submissions SET missing_since = ? WHERE id = ?", since, id)
            .map(|_| ())
    }

    /// Says how the job ended, or that it has not.
    pub async fn ended(&mut self, id: i64, state: Option<&JobState>) -> Result<(), StoreError> {
        let state = state.map(|state| state.as_str().to_owned());
        change!(self, "UPDATE submissions SET end_state = ? WHERE id = ?", state, id).map(|_| ())
    }

    /// Lets a night be processed by another scheduler than those that it was submitted to: its jobs
    /// there count no more, and what was not seen to end is given up. Gives how many there were.
    pub async fn release(
        &mut self,
        date: NightDate,
        prod_id: &ProdId,
        here: &SchedulerId,
        message: &str,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        change!(
            self,
            "UPDATE submissions SET released = ?1,
                    state = CASE WHEN end_state IS NULL THEN 'lost' ELSE state END,
                    settled = CASE WHEN end_state IS NULL THEN ?1 ELSE settled END,
                    message = CASE WHEN end_state IS NULL THEN ?2 ELSE message END
             WHERE date = ?3 AND prod_id = ?4 AND released IS NULL AND asked IS NOT NULL
               AND state IN ('intended', 'submitted', 'lost')
               AND (scheduler <> ?5 OR lower(cluster) <> lower(?6))",
            now,
            message,
            date.to_string(),
            prod_id.as_str(),
            &here.engine,
            &here.cluster,
        )
    }

    /// Leaves a message with an intent.
    pub async fn say(&mut self, id: i64, message: &str) -> Result<(), StoreError> {
        change!(self, "UPDATE submissions SET message = ? WHERE id = ?", message, id).map(|_| ())
    }

    /// Makes it last: it is on the disk when this returns.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.tx.commit().await.map_err(|e| self.store.error(e))
    }
}
