//! The journal of closings: rows and their rules; what is done about them is in [`crate::close`].

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use sqlx::types::{Json, Text};

use crate::model::{CloseOptions, ClosingStep, NightDate, ProdId, RunId, StepState};

use super::{Store, StoreError, Timestamp};

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
        let mut closings = self.select_closings(Some((date, prod_id))).await?;
        closings.reverse();
        Ok(closings)
    }

    /// The closings, of any night, that have not come to their end, oldest first.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn closings_running(&self) -> Result<Vec<Closing>, StoreError> {
        self.select_closings(None).await
    }

    /// The closings of a night or, without one, those of all nights that are running; oldest first.
    async fn select_closings(
        &self,
        night: Option<(NightDate, &ProdId)>,
    ) -> Result<Vec<Closing>, StoreError> {
        let closings = sqlx::query!(
            r#"SELECT id, date AS "date: Text<NightDate>", prod_id AS "prod_id: Text<ProdId>",
                      options AS "options: Json<CloseOptions>", author,
                      state AS "state: Text<StepState>", attempt AS "attempt: u32", message,
                      after_submission, started AS "started: Timestamp", ended AS "ended: Timestamp"
               FROM closings
               WHERE kind = 'close'
                 AND CASE WHEN ?1 IS NULL THEN state = 'running' ELSE date = ?1 AND prod_id = ?2 END
               ORDER BY id"#,
            night.map(|(date, _)| Text(date)),
            night.map(|(_, prod_id)| prod_id.as_str()),
        );
        let closings = closings.map(|row| Closing {
            id: row.id,
            date: row.date.0,
            prod_id: row.prod_id.0,
            options: row.options.0,
            author: row.author,
            state: row.state.0,
            attempt: row.attempt,
            message: row.message,
            after_submission: row.after_submission,
            started: row.started.0,
            ended: row.ended.map(DateTime::from),
        });
        self.wrap(closings.fetch_all(self.readers()).await)
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
        let last = sqlx::query_scalar!(
            "SELECT after_submission FROM closings
             WHERE kind = 'reopen' AND date = ? AND prod_id = ? ORDER BY id DESC LIMIT 1",
            Text(date),
            prod_id.as_str(),
        );
        Ok(self.wrap(last.fetch_optional(self.readers()).await)?.unwrap_or(0))
    }

    /// The last submission before a closing was begun.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn last_submission_before(&self, closing: i64) -> Result<i64, StoreError> {
        let last =
            sqlx::query_scalar!("SELECT after_submission FROM closings WHERE id = ?", closing);
        self.wrap(last.fetch_one(self.readers()).await)
    }

    /// Names and purposes of the jobs that a closing has had in its plans, in their order.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn closing_jobs(&self, closing: i64) -> Result<Vec<(String, String)>, StoreError> {
        let jobs = sqlx::query!(
            r#"SELECT value ->> '$.name' AS "name!: String",
                      value ->> '$.purpose' AS "purpose!: String"
               FROM closings, json_each(closings.jobs) WHERE closings.id = ? ORDER BY key"#,
            closing,
        );
        let jobs = jobs.map(|job| (job.name, job.purpose));
        self.wrap(jobs.fetch_all(self.readers()).await)
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
        let steps = sqlx::query!(
            r#"SELECT name, title, state AS "state: Text<StepState>",
                      started AS "started: Timestamp", ended AS "ended: Timestamp", detail
               FROM closing_steps WHERE closing = ? AND attempt = ? ORDER BY position"#,
            id,
            attempt,
        );
        let steps = steps.map(|step| ClosingStep {
            name: step.name,
            title: step.title,
            state: step.state.0,
            started: step.started.map(DateTime::from),
            ended: step.ended.map(DateTime::from),
            detail: step.detail,
        });
        self.wrap(steps.fetch_all(self.readers()).await)
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
        self.write(async |db| {
            let (id, attempt) = match earlier {
                Some(earlier) => update_closing(db, new, earlier).await?,
                None => insert_closing(db, new, now).await?,
            };
            for (position, (name, title)) in (0_i64..).zip(new.steps) {
                sqlx::query!(
                    "INSERT INTO closing_steps (closing, attempt, position, name, title, state)
                     VALUES (?, ?, ?, ?, ?, 'waiting')",
                    id,
                    attempt,
                    position,
                    name,
                    title,
                )
                .execute(&mut *db)
                .await?;
            }
            Ok((id, attempt))
        })
        .await
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
        let ended = (state != StepState::Running).then_some(Timestamp(now));
        let step = sqlx::query!(
            "UPDATE closing_steps
             SET state = ?, detail = ?, started = COALESCE(started, ?), ended = ?
             WHERE closing = ? AND attempt = ? AND position = ?",
            state.as_str(),
            detail,
            Timestamp(now),
            ended,
            at.closing,
            at.attempt,
            at.position,
        );
        self.write(async |db| step.execute(db).await.map(drop)).await
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
        let closing = sqlx::query!(
            "UPDATE closings SET state = ?, message = ?, ended = ? WHERE id = ?",
            state.as_str(),
            message,
            Timestamp(now),
            id,
        );
        self.write(async |db| closing.execute(db).await.map(drop)).await
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
        let reopening = sqlx::query!(
            "INSERT INTO closings (date, prod_id, kind, seq, options, author, plan, state, attempt,
                                   after_submission, started, ended)
             SELECT ?1, ?2, 'reopen', ?3, ?4, ?5, ?6, 'done', 1, COALESCE(MAX(id), 0), ?7, ?7
             FROM submissions",
            Text(date),
            prod_id.as_str(),
            seq.map(|run| run.0),
            Json(options),
            author,
            serde_json::json!({ "removed": removed }).to_string(),
            Timestamp(now),
        );
        self.write(async |db| reopening.execute(db).await.map(drop)).await
    }
}

/// A further attempt of a closing; its number and that of the attempt.
async fn update_closing(
    db: &mut SqliteConnection,
    new: &NewClosing<'_>,
    earlier: &Closing,
) -> Result<(i64, u32), sqlx::Error> {
    let attempt = sqlx::query_scalar!(
        r#"UPDATE closings
           SET options = ?1, author = ?2, plan = ?3, state = 'running',
               jobs = CASE WHEN options = ?1 THEN jobs ELSE ?4 END,
               attempt = attempt + 1, message = '', ended = NULL
           WHERE id = ?5 RETURNING attempt AS "attempt!: u32""#,
        Json(new.options),
        new.author,
        new.plan,
        new.jobs,
        earlier.id,
    );
    Ok((earlier.id, attempt.fetch_one(db).await?))
}

/// A closing's first attempt; its number and that of the attempt.
async fn insert_closing(
    db: &mut SqliteConnection,
    new: &NewClosing<'_>,
    now: DateTime<Utc>,
) -> Result<(i64, u32), sqlx::Error> {
    let inserted = sqlx::query!(
        "INSERT INTO closings (date, prod_id, kind, seq, options, author, plan, jobs, state,
                               attempt, after_submission, started)
         SELECT ?, ?, 'close', ?, ?, ?, ?, ?, 'running', 1, COALESCE(?, MAX(id), 0), ?
         FROM submissions",
        Text(new.date),
        new.prod_id.as_str(),
        new.options.seq.map(|run| run.0),
        Json(new.options),
        new.author,
        new.plan,
        new.jobs,
        new.after,
        Timestamp(now),
    );
    Ok((inserted.execute(db).await?.last_insert_rowid(), 1))
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
