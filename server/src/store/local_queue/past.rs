//! Jobs put into the books as they once were, for demo nights.

use std::collections::BTreeMap;

use crate::model::{JobId, JobState, TaskRecord};
use crate::store::{Store, StoreError};

impl Store {
    /// Enters jobs that this scheduler never ran, in one transaction. Tasks that have not ended
    /// stay where they are for ever: they must be waiting for what never comes.
    pub async fn remember_local_jobs(&self, tasks: &[TaskRecord]) -> Result<(), StoreError> {
        let mut jobs: BTreeMap<JobId, Vec<&TaskRecord>> = BTreeMap::new();
        for task in tasks {
            jobs.entry(task.job).or_default().push(task);
        }
        let mut transaction = self.pool.begin().await.map_err(|cause| self.error(cause))?;
        for (job, tasks) in jobs {
            let Some(first) = tasks.first() else { continue };
            // The script is only kept for what may still run.
            let body =
                tasks.iter().any(|task| task.ended.is_none()).then_some(&b"#!/bin/false\n"[..]);
            let array = first.task.map(|_| format!("0-{}", tasks.len() - 1));
            sqlx::query(
                "INSERT INTO local_jobs (id, name, comment, script, body, environment, directory, \
                 output, array, cpus, hold, submitted) \
                 VALUES (?1, ?2, ?3, x'', ?4, ?4, x'2f', '/dev/null', ?5, 1, ?6, ?7)",
            )
            .bind(i64::try_from(job.0).unwrap_or(i64::MAX))
            .bind(&first.name)
            .bind(&first.comment)
            .bind(body)
            .bind(array)
            .bind(&first.reason)
            .bind(first.submitted.map_or(0, |time| time.timestamp_millis()))
            .execute(&mut *transaction)
            .await
            .map_err(|cause| self.error(cause))?;
            for task in tasks {
                sqlx::query(
                    "INSERT INTO local_tasks (job, task, state, started, ended, exit_code, \
                     exit_signal, cpu_ms, max_rss) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )
                .bind(i64::try_from(job.0).unwrap_or(i64::MAX))
                .bind(task.task.unwrap_or(0))
                .bind(task.state.as_str())
                .bind(task.started.map(|time| time.timestamp_millis()))
                .bind(task.ended.map(|time| time.timestamp_millis()))
                .bind(task.exit.map(|exit| exit.code))
                .bind(task.exit.map(|exit| exit.signal))
                .bind(
                    (task.state != JobState::Pending)
                        .then_some(task.cpu_seconds.cast_signed() * 990),
                )
                .bind(task.max_rss_bytes.map(u64::cast_signed))
                .execute(&mut *transaction)
                .await
                .map_err(|cause| self.error(cause))?;
            }
        }
        transaction.commit().await.map_err(|cause| self.error(cause))
    }
}
