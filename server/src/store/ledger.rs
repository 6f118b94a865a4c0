//! The ledger, open for writing: what is read here cannot change before it is closed.

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use sqlx::types::Text;

use crate::model::{JobId, JobState, NightDate, ProdId};
use crate::schedule::SchedulerId;

use super::submissions::{self, Grace, Intent, Submission, SubmissionState};
use super::{Store, StoreError, Timestamp};

/// The ledger, open for writing.
#[derive(Debug)]
pub struct Ledger<'c> {
    db: &'c mut SqliteConnection,
    grace: Grace,
}

impl Store {
    /// Opens the ledger, does `work` with it, and closes it: all of that is on the disk when this
    /// gives back what came out, or none if it fails. Nobody else writes meanwhile.
    pub async fn ledger<T>(
        &self,
        work: impl AsyncFnOnce(&mut Ledger<'_>) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let grace = self.grace;
        self.write(async |db| work(&mut Ledger { db, grace }).await).await
    }
}

impl Ledger<'_> {
    /// How long a job must have been missing before it is given up.
    pub fn grace(&self) -> Grace {
        self.grace
    }

    /// As [`Store::submissions_named`].
    pub async fn named(&mut self, names: &[String]) -> Result<Vec<Submission>, sqlx::Error> {
        submissions::named(self.db, names).await
    }

    /// As [`Store::submissions_of`].
    pub async fn of(
        &mut self,
        date: NightDate,
        prod_id: &ProdId,
    ) -> Result<Vec<Submission>, sqlx::Error> {
        submissions::of_night(self.db, date, prod_id).await
    }

    /// As [`Store::submissions_open`].
    pub async fn open(&mut self, since: DateTime<Utc>) -> Result<Vec<Submission>, sqlx::Error> {
        submissions::open(self.db, since).await
    }

    /// Records an intent, the next attempt for its purpose. The database refuses a second open one.
    pub async fn record(
        &mut self,
        intent: &Intent<'_>,
        now: DateTime<Utc>,
    ) -> Result<i64, sqlx::Error> {
        let submission = sqlx::query!(
            "INSERT INTO submissions (date, prod_id, purpose, attempt, job_name, token, script,
                                      state, author, created, touched, scheduler, cluster)
             SELECT ?1, ?2, ?3, COALESCE(MAX(attempt), 0) + 1, ?4, ?5, ?6, 'intended', ?7, ?8, ?8,
                    ?9, ?10
             FROM submissions WHERE date = ?1 AND prod_id = ?2 AND purpose = ?3",
            Text(intent.date),
            intent.prod_id.as_str(),
            intent.purpose,
            intent.job_name,
            intent.token,
            intent.script.to_string_lossy(),
            intent.author,
            Timestamp(now),
            intent.scheduler.engine,
            intent.scheduler.cluster,
        );
        Ok(submission.execute(&mut *self.db).await?.last_insert_rowid())
    }

    /// Says that the command that will submit them is alive.
    pub async fn touch(&mut self, ids: &[i64], now: DateTime<Utc>) -> Result<(), sqlx::Error> {
        let ids = serde_json::json!(ids).to_string();
        let change = sqlx::query!(
            "UPDATE submissions SET touched = ?
             WHERE state = 'intended' AND id IN (SELECT value FROM json_each(?))",
            Timestamp(now),
            ids,
        );
        change.execute(&mut *self.db).await.map(drop)
    }

    /// Says that the scheduler is being asked; `false` if somebody has given the intent up, and then
    /// it must not be asked.
    pub async fn ask(&mut self, id: i64, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
        let change = sqlx::query!(
            "UPDATE submissions SET asked = ?, touched = ?
             WHERE id = ? AND state = 'intended' AND asked IS NULL",
            Timestamp(now),
            Timestamp(now),
            id,
        );
        Ok(change.execute(&mut *self.db).await?.rows_affected() == 1)
    }

    /// Writes down what became of an intent; `false` if somebody else has done so already.
    pub async fn settle(
        &mut self,
        id: i64,
        state: SubmissionState,
        job: Option<JobId>,
        message: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, sqlx::Error> {
        let change = sqlx::query!(
            "UPDATE submissions
             SET state = ?, job_id = ?, message = ?, settled = ?, missing_since = NULL
             WHERE id = ? AND state = 'intended'",
            state,
            job.map(|job| job.0.cast_signed()),
            message,
            Timestamp(now),
            id,
        );
        Ok(change.execute(&mut *self.db).await?.rows_affected() == 1)
    }

    /// Withdraws an intent of which the scheduler was never asked; `false` if it was.
    pub async fn withdraw(
        &mut self,
        id: i64,
        message: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, sqlx::Error> {
        let change = sqlx::query!(
            "UPDATE submissions SET state = 'withdrawn', message = ?, settled = ?
             WHERE id = ? AND state = 'intended' AND asked IS NULL",
            message,
            Timestamp(now),
            id,
        );
        Ok(change.execute(&mut *self.db).await?.rows_affected() == 1)
    }

    /// Gives a job up that the scheduler does not know.
    pub async fn lose(
        &mut self,
        id: i64,
        message: &str,
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let change = sqlx::query!(
            "UPDATE submissions SET state = 'lost', message = ?, settled = ?
             WHERE id = ? AND state IN ('intended', 'submitted')",
            message,
            Timestamp(now),
            id,
        );
        change.execute(&mut *self.db).await.map(drop)
    }

    /// Takes a job back that was seen: an intent's, a lost one's, or one whose number was another.
    pub async fn found(
        &mut self,
        id: i64,
        job: JobId,
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let change = sqlx::query!(
            "UPDATE submissions SET state = 'submitted', job_id = ?, missing_since = NULL,
                    settled = CASE state WHEN 'submitted' THEN settled ELSE ? END
             WHERE id = ? AND state IN ('intended', 'submitted', 'lost')",
            job.0.cast_signed(),
            Timestamp(now),
            id,
        );
        change.execute(&mut *self.db).await.map(drop)
    }

    /// Says since when the job is not found.
    pub async fn missing(&mut self, id: i64, since: DateTime<Utc>) -> Result<(), sqlx::Error> {
        let change = sqlx::query!(
            "UPDATE submissions SET missing_since = ? WHERE id = ?",
            Timestamp(since),
            id,
        );
        change.execute(&mut *self.db).await.map(drop)
    }

    /// Says how the job ended, or that it has not.
    pub async fn ended(&mut self, id: i64, state: Option<&JobState>) -> Result<(), sqlx::Error> {
        let state = state.map(|state| state.as_str().to_owned());
        let change = sqlx::query!("UPDATE submissions SET end_state = ? WHERE id = ?", state, id,);
        change.execute(&mut *self.db).await.map(drop)
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
    ) -> Result<u64, sqlx::Error> {
        let change = sqlx::query!(
            "UPDATE submissions SET released = ?1,
                    state = CASE WHEN end_state IS NULL THEN 'lost' ELSE state END,
                    settled = CASE WHEN end_state IS NULL THEN ?1 ELSE settled END,
                    message = CASE WHEN end_state IS NULL THEN ?2 ELSE message END
             WHERE date = ?3 AND prod_id = ?4 AND released IS NULL AND asked IS NOT NULL
               AND state IN ('intended', 'submitted', 'lost')
               AND (scheduler <> ?5 OR lower(cluster) <> lower(?6))",
            Timestamp(now),
            message,
            Text(date),
            prod_id.as_str(),
            here.engine,
            here.cluster,
        );
        Ok(change.execute(&mut *self.db).await?.rows_affected())
    }

    /// Leaves a message with an intent.
    pub async fn say(&mut self, id: i64, message: &str) -> Result<(), sqlx::Error> {
        let change = sqlx::query!("UPDATE submissions SET message = ? WHERE id = ?", message, id,);
        change.execute(&mut *self.db).await.map(drop)
    }
}
