//! The journal of closings: rows and their rules; what is done about them is in [`crate::close`].

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row};

use crate::model::{CloseOptions, ClosingStep, NightDate, ProdId, RunId, StepState};

use super::{Store, StoreError};

/// A closing as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Row number.
    pub id: i64,
    /// The night.
    pub date: NightDate,
    /// The production.
    pub prod_id: ProdId,
    /// How.
    pub options: CloseOptions,
    /// Who.
    pub author: String,
    /// `Running`, `Failed` or `Done`.
    pub state: StepState,
    /// Counted from 1.
    pub attempt: u32,
    /// Why it failed.
    pub message: String,
    /// The last submission when it was begun.
    pub after_submission: i64,
    /// When it was begun.
    pub started: DateTime<Utc>,
    /// When its last attempt ended.
    pub ended: Option<DateTime<Utc>>,
}

/// A closing to be begun.
#[derive(Clone, Copy, Debug)]
pub struct NewClosing<'a> {
    /// The night.
    pub date: NightDate,
    /// The production.
    pub prod_id: &'a ProdId,
    /// How.
    pub options: CloseOptions,
    /// Who.
    pub author: &'a str,
    /// The plan as JSON.
    pub plan: &'a str,
    /// The jobs of the plan as JSON; those of an earlier attempt are kept instead.
    pub jobs: &'a str,
    /// The last submission that is none of its own; `None`: the last that there is.
    pub after: Option<i64>,
    /// Names and titles of its steps.
    pub steps: &'a [(String, String)],
}

const COLUMNS: &str =
    "id, date, prod_id, options, author, state, attempt, message, after_submission, started, ended";

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

fn state(word: &str) -> Result<StepState, sqlx::Error> {
    [StepState::Waiting, StepState::Running, StepState::Done, StepState::Failed]
        .into_iter()
        .find(|state| state.as_str() == word)
        .ok_or_else(|| sqlx::Error::Decode(format!("state {word:?}").into()))
}

fn closing(row: &SqliteRow) -> Result<Closing, sqlx::Error> {
    let options: String = row.try_get("options")?;
    Ok(Closing {
        id: row.try_get("id")?,
        date: row.try_get::<String, _>("date")?.parse().map_err(decode)?,
        prod_id: row.try_get::<String, _>("prod_id")?.parse().map_err(decode)?,
        options: serde_json::from_str(&options).map_err(decode)?,
        author: row.try_get("author")?,
        state: state(&row.try_get::<String, _>("state")?)?,
        attempt: row.try_get("attempt")?,
        message: row.try_get("message")?,
        after_submission: row.try_get("after_submission")?,
        started: row.try_get("started")?,
        ended: row.try_get("ended")?,
    })
}

fn step(row: &SqliteRow) -> Result<ClosingStep, sqlx::Error> {
    Ok(ClosingStep {
        name: row.try_get("name")?,
        title: row.try_get("title")?,
        state: state(&row.try_get::<String, _>("state")?)?,
        started: row.try_get("started")?,
        ended: row.try_get("ended")?,
        detail: row.try_get("detail")?,
    })
}

impl Store {
    /// The closings of a night, newest first.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn closings(
        &self,
        date: NightDate,
        prod_id: &ProdId,
    ) -> Result<Vec<Closing>, StoreError> {
        self.select_closings("kind = 'close' AND date = ? AND prod_id = ?", date, prod_id).await
    }

    /// The closings, of any night, that have not come to their end, oldest first.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn closings_running(&self) -> Result<Vec<Closing>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM closings WHERE kind = 'close' AND state = 'running' ORDER BY id"
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pool).await;
        rows.and_then(|rows| rows.iter().map(closing).collect()).map_err(|e| self.error(e))
    }

    async fn select_closings(
        &self,
        condition: &str,
        date: NightDate,
        prod_id: &ProdId,
    ) -> Result<Vec<Closing>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM closings WHERE {condition} ORDER BY id DESC");
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(date.to_string())
            .bind(prod_id.as_str())
            .fetch_all(&self.pool)
            .await;
        rows.and_then(|rows| rows.iter().map(closing).collect()).map_err(|e| self.error(e))
    }

    /// The last submission before the night was reopened last; 0 if it never was.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn reopened_after(
        &self,
        date: NightDate,
        prod_id: &ProdId,
    ) -> Result<i64, StoreError> {
        let condition = "kind = 'reopen' AND date = ? AND prod_id = ?";
        let last = self.select_closings(condition, date, prod_id).await?;
        Ok(last.first().map_or(0, |closing| closing.after_submission))
    }

    /// The last submission before a closing was begun.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn last_submission_before(&self, closing: i64) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT after_submission FROM closings WHERE id = ?")
            .bind(closing)
            .fetch_one(&self.pool)
            .await;
        row.and_then(|row| row.try_get(0)).map_err(|cause| self.error(cause))
    }

    /// Names and purposes of the jobs that a closing has had in its plans, in their order.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn closing_jobs(&self, closing: i64) -> Result<Vec<(String, String)>, StoreError> {
        let rows = sqlx::query(
            "SELECT value ->> '$.name', value ->> '$.purpose'
             FROM closings, json_each(closings.jobs) WHERE closings.id = ? ORDER BY key",
        )
        .bind(closing)
        .fetch_all(&self.pool)
        .await;
        let pair = |row: &SqliteRow| Ok((row.try_get(0)?, row.try_get(1)?));
        rows.and_then(|rows| rows.iter().map(pair).collect()).map_err(|e| self.error(e))
    }

    /// Purposes of the jobs that a closing has had in its plans.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn closing_purposes(&self, closing: i64) -> Result<BTreeSet<String>, StoreError> {
        let jobs = self.closing_jobs(closing).await?;
        Ok(jobs.into_iter().map(|(_, purpose)| purpose).collect())
    }

    /// The steps of one attempt, in order.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn closing_steps(
        &self,
        id: i64,
        attempt: u32,
    ) -> Result<Vec<ClosingStep>, StoreError> {
        let rows = sqlx::query(
            "SELECT name, title, state, started, ended, detail FROM closing_steps
             WHERE closing = ? AND attempt = ? ORDER BY position",
        )
        .bind(id)
        .bind(attempt)
        .fetch_all(&self.pool)
        .await;
        rows.and_then(|rows| rows.iter().map(step).collect()).map_err(|e| self.error(e))
    }

    /// Begins a closing or, if `earlier` is given, a further attempt of that one; returns its
    /// number and that of the attempt.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn begin_closing(
        &self,
        new: &NewClosing<'_>,
        earlier: Option<&Closing>,
        now: DateTime<Utc>,
    ) -> Result<(i64, u32), StoreError> {
        self.write_closing(new, earlier, now).await.map_err(|cause| self.error(cause))
    }

    async fn write_closing(
        &self,
        new: &NewClosing<'_>,
        earlier: Option<&Closing>,
        now: DateTime<Utc>,
    ) -> Result<(i64, u32), sqlx::Error> {
        let options = serde_json::to_string(&new.options).map_err(decode)?;
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let row = match earlier {
            Some(earlier) => {
                sqlx::query(
                    "UPDATE closings
                     SET options = ?1, author = ?2, plan = ?3, state = 'running',
                         jobs = CASE WHEN options = ?1 THEN jobs ELSE ?4 END,
                         attempt = attempt + 1, message = '', ended = NULL
                     WHERE id = ?5 RETURNING id, attempt",
                )
                .bind(options)
                .bind(new.author)
                .bind(new.plan)
                .bind(new.jobs)
                .bind(earlier.id)
                .fetch_one(&mut *tx)
                .await?
            }
            None => {
                sqlx::query(
                    "INSERT INTO closings (date, prod_id, kind, seq, options, author, plan, jobs, state,
                                           attempt, after_submission, started)
                     SELECT ?, ?, 'close', ?, ?, ?, ?, ?, 'running', 1, COALESCE(?, MAX(id), 0), ?
                     FROM submissions
                     RETURNING id, attempt",
                )
                .bind(new.date.to_string())
                .bind(new.prod_id.as_str())
                .bind(new.options.seq.map(|run| run.0))
                .bind(options)
                .bind(new.author)
                .bind(new.plan)
                .bind(new.jobs)
                .bind(new.after)
                .bind(now)
                .fetch_one(&mut *tx)
                .await?
            }
        };
        let (id, attempt): (i64, u32) = (row.try_get("id")?, row.try_get("attempt")?);
        for (position, (name, title)) in (0_i64..).zip(new.steps) {
            sqlx::query(
                "INSERT INTO closing_steps (closing, attempt, position, name, title, state)
                 VALUES (?, ?, ?, ?, ?, 'waiting')",
            )
            .bind(id)
            .bind(attempt)
            .bind(position)
            .bind(name)
            .bind(title)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok((id, attempt))
    }

    /// Writes down where a step stands.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn record_step(
        &self,
        at: StepAt,
        state: StepState,
        detail: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let ended = (state != StepState::Running).then_some(now);
        let done = sqlx::query(
            "UPDATE closing_steps
             SET state = ?, detail = ?, started = COALESCE(started, ?), ended = ?
             WHERE closing = ? AND attempt = ? AND position = ?",
        )
        .bind(state.as_str())
        .bind(detail)
        .bind(now)
        .bind(ended)
        .bind(at.closing)
        .bind(at.attempt)
        .bind(at.position)
        .execute(&self.pool)
        .await;
        done.map(|_| ()).map_err(|cause| self.error(cause))
    }

    /// Writes down how a closing ended.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn end_closing(
        &self,
        id: i64,
        state: StepState,
        message: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let done =
            sqlx::query("UPDATE closings SET state = ?, message = ?, ended = ? WHERE id = ?")
                .bind(state.as_str())
                .bind(message)
                .bind(now)
                .bind(id)
                .execute(&self.pool)
                .await;
        done.map(|_| ()).map_err(|cause| self.error(cause))
    }

    /// Writes down that a night, or one sequence, was reopened; `removed` are the flags.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn record_reopening(
        &self,
        date: NightDate,
        prod_id: &ProdId,
        seq: Option<RunId>,
        author: &str,
        removed: &[String],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let options = CloseOptions { seq, ..CloseOptions::default() };
        let options = serde_json::to_string(&options).map_err(|cause| self.error(decode(cause)))?;
        let done = sqlx::query(
            "INSERT INTO closings (date, prod_id, kind, seq, options, author, plan, state, attempt,
                                   after_submission, started, ended)
             SELECT ?1, ?2, 'reopen', ?3, ?4, ?5, ?6, 'done', 1, COALESCE(MAX(id), 0), ?7, ?7
             FROM submissions",
        )
        .bind(date.to_string())
        .bind(prod_id.as_str())
        .bind(seq.map(|run| run.0))
        .bind(options)
        .bind(author)
        .bind(serde_json::json!({ "removed": removed }).to_string())
        .bind(now)
        .execute(&self.pool)
        .await;
        done.map(|_| ()).map_err(|cause| self.error(cause))
    }
}

/// Which step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepAt {
    /// The closing.
    pub closing: i64,
    /// The attempt.
    pub attempt: u32,
    /// Its place in the order.
    pub position: i64,
}
