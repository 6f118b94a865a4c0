//! The ledger: what was submitted, or was about to be, and what became of it.
//!
//! Only rows and their rules live here; what to do about a row is decided in [`crate::launch`].

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::SqliteConnection;
use sqlx::types::Text;

use crate::model::{JobId, JobState, NightDate, ProdId};
use crate::schedule::SchedulerId;

use super::{Store, StoreError, Timestamp};

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

/// Where a submission stands. The database has the word in small letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "lowercase")]
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

impl Store {
    /// All submissions of jobs with one of these names, of any night and production, oldest first.
    pub async fn submissions_named(&self, names: &[String]) -> Result<Vec<Submission>, StoreError> {
        let mut db = self.reader().await?;
        self.wrap(named(&mut db, names).await)
    }

    /// All submissions of a night, oldest first.
    pub async fn submissions_of(
        &self,
        date: NightDate,
        prod_id: &ProdId,
    ) -> Result<Vec<Submission>, StoreError> {
        let mut db = self.reader().await?;
        self.wrap(of_night(&mut db, date, prod_id).await)
    }

    /// Submissions, of any night, that a look at the scheduler may change: those whose outcome is
    /// unknown, whose job was not seen to end, or that were recorded since `since`.
    pub async fn submissions_open(
        &self,
        since: DateTime<Utc>,
    ) -> Result<Vec<Submission>, StoreError> {
        let mut db = self.reader().await?;
        self.wrap(open(&mut db, since).await)
    }
}

pub(super) async fn named(
    db: &mut SqliteConnection,
    names: &[String],
) -> Result<Vec<Submission>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM submissions WHERE job_name IN (SELECT value FROM json_each(?))",
        serde_json::json!(names).to_string(),
    );
    let ids = ids.fetch_all(&mut *db).await?;
    select(db, &ids).await
}

pub(super) async fn of_night(
    db: &mut SqliteConnection,
    date: NightDate,
    prod_id: &ProdId,
) -> Result<Vec<Submission>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM submissions WHERE date = ? AND prod_id = ?",
        Text(date),
        prod_id.as_str(),
    );
    let ids = ids.fetch_all(&mut *db).await?;
    select(db, &ids).await
}

pub(super) async fn open(
    db: &mut SqliteConnection,
    since: DateTime<Utc>,
) -> Result<Vec<Submission>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM submissions
         WHERE state = 'intended' OR (state = 'submitted' AND end_state IS NULL)
            OR (state IN ('submitted', 'lost') AND created >= ?)",
        Timestamp(since),
    );
    let ids = ids.fetch_all(&mut *db).await?;
    select(db, &ids).await
}

/// The submissions of these numbers, oldest first.
async fn select(db: &mut SqliteConnection, ids: &[i64]) -> Result<Vec<Submission>, sqlx::Error> {
    let submissions = sqlx::query!(
        r#"SELECT id, date AS "date: Text<NightDate>", prod_id AS "prod_id: Text<ProdId>", purpose,
                  attempt AS "attempt: u32", job_name, token, script,
                  state AS "state: SubmissionState", job_id, message, author,
                  created AS "created: Timestamp", touched AS "touched: Timestamp",
                  asked AS "asked: Timestamp", settled AS "settled: Timestamp",
                  missing_since AS "missing_since: Timestamp",
                  end_state AS "end_state: Text<JobState>", scheduler, cluster,
                  released AS "released: Timestamp"
           FROM submissions WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"#,
        serde_json::json!(ids).to_string(),
    );
    let submissions = submissions.map(|row| Submission {
        id: row.id,
        date: row.date.0,
        prod_id: row.prod_id.0,
        purpose: row.purpose,
        attempt: row.attempt,
        job_name: row.job_name,
        token: row.token,
        script: row.script.into(),
        state: row.state,
        job: row.job_id.map(|id| JobId(id.cast_unsigned())),
        message: row.message,
        author: row.author,
        created: row.created.0,
        touched: row.touched.0,
        asked: row.asked.map(DateTime::from),
        settled: row.settled.map(DateTime::from),
        missing_since: row.missing_since.map(DateTime::from),
        end_state: row.end_state.map(|state| state.0),
        scheduler: row.scheduler.map(|engine| SchedulerId { engine, cluster: row.cluster }),
        released: row.released.map(DateTime::from),
    });
    submissions.fetch_all(db).await
}
