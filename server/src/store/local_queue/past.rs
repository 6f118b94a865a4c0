//! Jobs put into the database as they once were, for demo nights.

use std::collections::BTreeMap;

use chrono::DateTime;
use sqlx::SqliteConnection;

use crate::model::{JobId, JobState, TaskRecord};
use crate::store::{Store, StoreError, Timestamp};

use super::to_sql;

impl Store {
    /// Enters jobs that this scheduler never ran, in one transaction. Tasks that have not ended
    /// stay where they are forever: they must be waiting for what never comes.
    pub async fn remember_local_jobs(&self, tasks: &[TaskRecord]) -> Result<(), StoreError> {
        let mut jobs: BTreeMap<JobId, Vec<&TaskRecord>> = BTreeMap::new();
        for task in tasks {
            jobs.entry(task.job).or_default().push(task);
        }
        self.write(async |db| {
            for (job, tasks) in jobs {
                remember(db, job, &tasks).await?;
            }
            Ok(())
        })
        .await
    }
}

async fn remember(
    db: &mut SqliteConnection,
    job: JobId,
    tasks: &[&TaskRecord],
) -> Result<(), sqlx::Error> {
    let Some(first) = tasks.first() else { return Ok(()) };
    // The script is only kept for what may still run.
    let body = tasks.iter().any(|task| task.ended.is_none()).then_some(&b"#!/bin/false\n"[..]);
    sqlx::query!(
        "INSERT INTO local_jobs (id, name, comment, script, body, environment, directory,
                                 output, array, cpus, hold, submitted)
         VALUES (?1, ?2, ?3, x'', ?4, ?4, x'2f', '/dev/null', ?5, 1, ?6, ?7)",
        to_sql(job.0),
        first.name,
        first.comment,
        body,
        first.task.map(|_| format!("0-{}", tasks.len() - 1)),
        first.reason,
        Timestamp(first.submitted.unwrap_or(DateTime::UNIX_EPOCH)),
    )
    .execute(&mut *db)
    .await?;
    for task in tasks {
        sqlx::query!(
            "INSERT INTO local_tasks (job, task, state, started, ended, exit_code, exit_signal,
                                      cpu_ms, max_rss)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            to_sql(job.0),
            task.task.unwrap_or(0),
            task.state.as_str(),
            task.started.map(Timestamp),
            task.ended.map(Timestamp),
            task.exit.map(|exit| exit.code),
            task.exit.map(|exit| exit.signal),
            (task.state != JobState::Pending).then_some(task.cpu_seconds.cast_signed() * 990),
            task.max_rss_bytes.map(u64::cast_signed),
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}
