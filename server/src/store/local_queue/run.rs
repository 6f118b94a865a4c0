//! What the runner of a task does with the queue.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::{LocalQueue, Runner, TaskKey, from_sql, millis, path_from, to_sql};
use crate::model::{ExitCode, JobState};
use crate::store::{StoreError, Timestamp};

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
        let take = sqlx::query!(
            "UPDATE local_tasks SET state = 'RUNNING', runner_pid = ?, runner_start = ?,
                    runner_boot = ?, started = ?, reason = ''
             WHERE job = ? AND task = ? AND state = 'CONFIGURING' AND claim = ?",
            runner.pid,
            to_sql(runner.start),
            runner.boot,
            Timestamp(now),
            to_sql(key.job.0),
            key.task,
            claim,
        );
        let taken = self.store.write(async |db| {
            if take.execute(&mut *db).await?.rows_affected() == 0 {
                return Ok(None);
            }
            order(db, key).await.map(Some)
        });
        taken.await
    }

    /// Whether the end of a task was asked for.
    pub async fn cancel_asked(&self, key: TaskKey) -> Result<bool, StoreError> {
        let asked = sqlx::query_scalar!(
            r#"SELECT cancel_asked IS NOT NULL AS "asked!: bool"
               FROM local_tasks WHERE job = ? AND task = ?"#,
            to_sql(key.job.0),
            key.task,
        );
        self.store.wrap(asked.fetch_one(self.store.readers()).await)
    }

    /// Records how a task ended. Doing it twice changes nothing.
    pub async fn finish(
        &self,
        key: TaskKey,
        claim: &str,
        ending: &Ending,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let task = sqlx::query!(
            "UPDATE local_tasks SET state = ?, ended = ?, exit_code = ?, exit_signal = ?,
                    reason = ?, cpu_ms = ?, max_rss = ?
             WHERE job = ? AND task = ? AND state = 'RUNNING' AND claim = ?",
            ending.state.as_str(),
            Timestamp(now),
            ending.exit.code,
            ending.exit.signal,
            ending.reason,
            millis(ending.cpu),
            ending.max_rss.map(to_sql),
            to_sql(key.job.0),
            key.task,
            claim,
        );
        self.store.write(async |db| task.execute(db).await.map(drop)).await
    }
}

/// What a task's runner has to run.
async fn order(db: &mut SqliteConnection, key: TaskKey) -> Result<Order, sqlx::Error> {
    let order = sqlx::query!(
        r#"SELECT name, script, body AS "body!", environment AS "environment!", directory, output,
                  error, array, j.cpus AS "cpus: u32", memory_per_cpu, walltime_ms, grace_ms
           FROM local_jobs j CROSS JOIN local_settings WHERE j.id = ?"#,
        to_sql(key.job.0),
    );
    let time = |ms: i64| Duration::from_millis(from_sql(ms));
    let order = order.map(|row| Order {
        name: row.name,
        script: path_from(row.script),
        body: row.body,
        environment: row.environment,
        directory: path_from(row.directory),
        output: row.output,
        error: row.error,
        array: row.array,
        cpus: row.cpus,
        memory_per_cpu: row.memory_per_cpu.map(from_sql),
        walltime: row.walltime_ms.map(time),
        grace: time(row.grace_ms),
    });
    order.fetch_one(db).await
}
