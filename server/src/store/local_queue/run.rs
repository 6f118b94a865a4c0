//! What the runner of a task does with the queue.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{LocalQueue, Runner, TaskKey, from_sql, millis, path_from, to_sql};
use crate::model::{ExitCode, JobState};
use crate::store::StoreError;

/// What a runner has to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The job's name.
    pub name: String,
    /// Path of the script as submitted.
    pub script: PathBuf,
    /// The script.
    pub body: Vec<u8>,
    /// Environment of whoever submitted: `NAME=value`, each ended by a zero byte.
    pub environment: Vec<u8>,
    /// Working directory.
    pub directory: PathBuf,
    /// Pattern of the output file.
    pub output: String,
    /// Pattern of the error file; `None`: where output goes.
    pub error: Option<String>,
    /// The array as directed; `None`: no array.
    pub array: Option<String>,
    /// Processors.
    pub cpus: u32,
    /// Bytes per processor, if limited.
    pub memory_per_cpu: Option<u64>,
    /// How long it may run, if limited.
    pub walltime: Option<Duration>,
    /// Time between SIGTERM and SIGKILL.
    pub grace: Duration,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Its last state.
    pub state: JobState,
    /// Return code and signal.
    pub exit: ExitCode,
    /// Why, if there is more to say.
    pub reason: String,
    /// Processor time used.
    pub cpu: Duration,
    /// Largest resident memory in bytes, if measured.
    pub max_rss: Option<u64>,
}

impl LocalQueue {
    /// Takes the order with the token `claim`: from here on the task is RUNNING and `runner` its
    /// owner. `None` if the order was taken back or given to another; then it must not be run.
    pub async fn take(
        &self,
        key: TaskKey,
        claim: &str,
        runner: &Runner,
        now: DateTime<Utc>,
    ) -> Result<Option<Order>, StoreError> {
        let mut tx = self.begin().await?;
        let taken = async {
            let done = sqlx::query(
                "UPDATE local_tasks SET state = 'RUNNING', runner_pid = ?, runner_start = ?, \
                 runner_boot = ?, started = ?, reason = '' \
                 WHERE job = ? AND task = ? AND state = 'CONFIGURING' AND claim = ?",
            )
            .bind(runner.pid)
            .bind(to_sql(runner.start))
            .bind(&runner.boot)
            .bind(now.timestamp_millis())
            .bind(to_sql(key.job.0))
            .bind(key.task)
            .bind(claim)
            .execute(&mut *tx)
            .await?;
            if done.rows_affected() == 0 {
                return Ok(None);
            }
            let row = sqlx::query(
                "SELECT name, script, body, environment, directory, output, error, array, \
                 j.cpus, memory_per_cpu, walltime_ms, grace_ms \
                 FROM local_jobs j CROSS JOIN local_settings WHERE j.id = ?",
            )
            .bind(to_sql(key.job.0))
            .fetch_one(&mut *tx)
            .await?;
            let order = order(&row)?;
            tx.commit().await?;
            Ok(Some(order))
        };
        self.wrap(taken.await)
    }

    /// Whether the end of a task was asked for.
    pub async fn cancel_asked(&self, key: TaskKey) -> Result<bool, StoreError> {
        let asked = sqlx::query_scalar(
            "SELECT cancel_asked IS NOT NULL FROM local_tasks WHERE job = ? AND task = ?",
        )
        .bind(to_sql(key.job.0))
        .bind(key.task)
        .fetch_one(&self.store.pool)
        .await;
        self.wrap(asked)
    }

    /// Records how a task ended. Doing it twice changes nothing.
    pub async fn finish(
        &self,
        key: TaskKey,
        claim: &str,
        ending: &Ending,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let done = sqlx::query(
            "UPDATE local_tasks SET state = ?, ended = ?, exit_code = ?, exit_signal = ?, \
             reason = ?, cpu_ms = ?, max_rss = ? \
             WHERE job = ? AND task = ? AND state = 'RUNNING' AND claim = ?",
        )
        .bind(ending.state.as_str())
        .bind(now.timestamp_millis())
        .bind(ending.exit.code)
        .bind(ending.exit.signal)
        .bind(&ending.reason)
        .bind(millis(ending.cpu))
        .bind(ending.max_rss.map(to_sql))
        .bind(to_sql(key.job.0))
        .bind(key.task)
        .bind(claim)
        .execute(&self.store.pool)
        .await;
        self.wrap(done).map(|_| ())
    }
}

fn order(row: &SqliteRow) -> Result<Order, sqlx::Error> {
    let time = |ms: i64| Duration::from_millis(from_sql(ms));
    Ok(Order {
        name: row.try_get("name")?,
        script: path_from(row.try_get("script")?),
        body: row.try_get("body")?,
        environment: row.try_get("environment")?,
        directory: path_from(row.try_get("directory")?),
        output: row.try_get("output")?,
        error: row.try_get("error")?,
        array: row.try_get("array")?,
        cpus: row.try_get("cpus")?,
        memory_per_cpu: row.try_get::<Option<i64>, _>("memory_per_cpu")?.map(from_sql),
        walltime: row.try_get::<Option<i64>, _>("walltime_ms")?.map(time),
        grace: time(row.try_get("grace_ms")?),
    })
}
