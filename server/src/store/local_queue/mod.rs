//! The local scheduler's queue: what those who submit, ask and cancel do with it. What supervisors
//! and runners do is in the files beside.
//!
//! Times come in as UTC; every change is one transaction that takes the write lock at its start.

mod past;
mod run;
mod supervise;

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};

use super::{Store, StoreError};
use crate::model::{ExitCode, JobId, JobState, TaskRecord};

pub use run::{Ending, Order};
pub use supervise::{OpenTask, Runner, Supervision};

/// Which task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskKey {
    /// Its job.
    pub job: JobId,
    /// Index in the array; 0 outside arrays.
    pub task: u32,
}

impl std::fmt::Display for TaskKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}_{}", self.job, self.task)
    }
}

/// What whoever submits asks of the engine as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// Processors in use at once.
    pub cpus: u32,
    /// Time between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// The supervisor ends after that long without work.
    pub idle: Duration,
}

/// A job as it enters the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Its name.
    pub name: String,
    /// Its comment.
    pub comment: String,
    /// Path of its script.
    pub script: PathBuf,
    /// The script's bytes.
    pub body: Vec<u8>,
    /// Its environment: `NAME=value`, each ended by a zero byte.
    pub environment: Vec<u8>,
    /// Working directory, absolute.
    pub directory: PathBuf,
    /// Pattern of the output file.
    pub output: String,
    /// Pattern of the error file; `None`: where output goes.
    pub error: Option<String>,
    /// The array as directed; `None`: one task, no array.
    pub array: Option<String>,
    /// Indices of its tasks; 0 alone outside arrays.
    pub tasks: Vec<u32>,
    /// Tasks of the array that may run at once.
    pub array_limit: Option<u32>,
    /// Processors of each task.
    pub cpus: u32,
    /// Bytes per processor, if limited.
    pub memory_per_cpu: Option<u64>,
    /// How long a task may run, if limited.
    pub walltime: Option<Duration>,
    /// Jobs that must have ended well before.
    pub after_ok: Vec<JobId>,
}

/// Why a job did not enter the queue, or may not have.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    /// A job that it depends on does not exist: nothing was created.
    #[error("it depends on job {0}, which is not in the queue")]
    UnknownParent(JobId),
    /// The database could not be written: nothing was created.
    #[error(transparent)]
    Refused(StoreError),
    /// The database failed at the end of the transaction: the job may exist.
    #[error(transparent)]
    Uncertain(StoreError),
}

/// The queue in our database.
#[derive(Clone, Debug)]
pub struct LocalQueue {
    store: Store,
}

impl LocalQueue {
    /// The queue of this database.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.store
    }

    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.store.pool.begin_with("BEGIN IMMEDIATE").await.map_err(|e| self.store.error(e))
    }

    fn wrap<T>(&self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        result.map_err(|cause| self.store.error(cause))
    }

    /// Puts a job into the queue, and says what is wanted of the engine. All or nothing.
    pub async fn enqueue(
        &self,
        job: &NewJob,
        settings: QueueSettings,
        now: DateTime<Utc>,
    ) -> Result<JobId, EnqueueError> {
        let refused = |cause| EnqueueError::Refused(self.store.error(cause));
        let mut tx = self.begin().await.map_err(EnqueueError::Refused)?;
        for parent in &job.after_ok {
            let known = sqlx::query("SELECT 1 FROM local_jobs WHERE id = ?")
                .bind(to_sql(parent.0))
                .fetch_optional(&mut *tx)
                .await
                .map_err(refused)?;
            if known.is_none() {
                return Err(EnqueueError::UnknownParent(*parent));
            }
        }
        put_settings(&mut tx, settings).await.map_err(refused)?;
        let id = insert(&mut tx, job, now).await.map_err(refused)?;
        tx.commit().await.map_err(|cause| EnqueueError::Uncertain(self.store.error(cause)))?;
        Ok(id)
    }

    /// All tasks that had not ended at `since`, with times as of `now`.
    pub async fn tasks(
        &self,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Vec<TaskRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT j.id, j.name, j.comment, j.array IS NOT NULL AS is_array, j.cpus, j.hold, \
             j.submitted, t.task, t.state, t.started, t.ended, t.exit_code, t.exit_signal, \
             t.max_rss, t.reason \
             FROM (SELECT * FROM local_tasks WHERE ended IS NULL \
                   UNION ALL SELECT * FROM local_tasks WHERE ended >= ?) t \
             JOIN local_jobs j ON j.id = t.job ORDER BY t.job, t.task",
        )
        .bind(since.timestamp_millis())
        .fetch_all(&self.store.pool)
        .await;
        let records = self.wrap(rows)?.iter().map(|row| record(row, now)).collect();
        self.wrap(records)
    }

    /// Ends the tasks of a job that wait, and asks for the end of those that run.
    pub async fn cancel(&self, job: JobId, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let done = async {
            sqlx::query(
                "UPDATE local_tasks SET state = 'CANCELLED', ended = ?1, cancel_asked = ?1, \
                 exit_code = 0, exit_signal = 0 \
                 WHERE job = ?2 AND ended IS NULL AND state IN ('PENDING', 'CONFIGURING')",
            )
            .bind(now.timestamp_millis())
            .bind(to_sql(job.0))
            .execute(&mut *tx)
            .await?;
            sqlx::query(
                "UPDATE local_tasks SET cancel_asked = ? \
                 WHERE job = ? AND ended IS NULL AND cancel_asked IS NULL",
            )
            .bind(now.timestamp_millis())
            .bind(to_sql(job.0))
            .execute(&mut *tx)
            .await?;
            tx.commit().await
        };
        self.wrap(done.await)
    }

    /// Whether a supervisor has anything to do: tasks run or may begin, or a job waits for others
    /// that have all ended. A job behind one that can never run is no work.
    pub async fn has_work(&self) -> Result<bool, StoreError> {
        let found = sqlx::query(HAS_WORK).fetch_optional(&self.store.pool).await;
        Ok(self.wrap(found)?.is_some())
    }
}

const HAS_WORK: &str = "SELECT 1 FROM local_tasks t JOIN local_jobs j ON j.id = t.job \
    WHERE t.ended IS NULL AND (t.state <> 'PENDING' OR j.hold = '') \
    UNION ALL SELECT 1 FROM local_jobs j WHERE j.hold = 'Dependency' AND NOT EXISTS \
    (SELECT 1 FROM local_dependencies d JOIN local_tasks t ON t.job = d.parent \
    WHERE d.job = j.id AND t.ended IS NULL) LIMIT 1";

/// SQLite's integers have a sign; ours that do not are far below its limit.
fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

async fn put_settings(
    tx: &mut Transaction<'static, Sqlite>,
    settings: QueueSettings,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO local_settings (id, cpus, grace_ms, idle_ms) VALUES (1, ?, ?, ?) \
         ON CONFLICT (id) DO UPDATE SET \
         cpus = excluded.cpus, grace_ms = excluded.grace_ms, idle_ms = excluded.idle_ms",
    )
    .bind(settings.cpus)
    .bind(millis(settings.grace))
    .bind(millis(settings.idle))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn insert(
    tx: &mut Transaction<'static, Sqlite>,
    job: &NewJob,
    now: DateTime<Utc>,
) -> Result<JobId, sqlx::Error> {
    let inserted = sqlx::query(
        "INSERT INTO local_jobs (name, comment, script, body, environment, directory, output, \
         error, array, array_limit, cpus, memory_per_cpu, walltime_ms, hold, submitted) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&job.name)
    .bind(&job.comment)
    .bind(path_bytes(&job.script))
    .bind(&job.body)
    .bind(&job.environment)
    .bind(path_bytes(&job.directory))
    .bind(&job.output)
    .bind(&job.error)
    .bind(&job.array)
    .bind(job.array_limit)
    .bind(job.cpus)
    .bind(job.memory_per_cpu.map(to_sql))
    .bind(job.walltime.map(millis))
    .bind(if job.after_ok.is_empty() { "" } else { "Dependency" })
    .bind(now.timestamp_millis())
    .execute(&mut **tx)
    .await?;
    let id = inserted.last_insert_rowid();
    for parent in &job.after_ok {
        sqlx::query("INSERT OR IGNORE INTO local_dependencies (job, parent) VALUES (?, ?)")
            .bind(id)
            .bind(to_sql(parent.0))
            .execute(&mut **tx)
            .await?;
    }
    // One statement however many tasks there are.
    let indices: Vec<String> = job.tasks.iter().map(u32::to_string).collect();
    sqlx::query(
        "INSERT INTO local_tasks (job, task, state) \
         SELECT ?, value, 'PENDING' FROM json_each(?)",
    )
    .bind(id)
    .bind(format!("[{}]", indices.join(",")))
    .execute(&mut **tx)
    .await?;
    Ok(JobId(from_sql(id)))
}

fn path_bytes(path: &std::path::Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().to_vec()
}

fn path_from(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

fn time(millis: Option<i64>) -> Option<DateTime<Utc>> {
    millis.and_then(DateTime::from_timestamp_millis)
}

fn record(row: &SqliteRow, now: DateTime<Utc>) -> Result<TaskRecord, sqlx::Error> {
    let state: JobState = row.try_get::<String, _>("state")?.into();
    let started = time(row.try_get("started")?);
    let ended = time(row.try_get("ended")?);
    let elapsed = started.map_or(0, |start| (ended.unwrap_or(now) - start).num_seconds());
    let elapsed_seconds = from_sql(elapsed);
    let code: Option<i32> = row.try_get("exit_code")?;
    let signal: Option<i32> = row.try_get("exit_signal")?;
    let mut reason: String = row.try_get("reason")?;
    if state == JobState::Pending && reason.is_empty() {
        let hold: String = row.try_get("hold")?;
        reason = if hold.is_empty() { "Resources".to_owned() } else { hold };
    }
    Ok(TaskRecord {
        job: JobId(from_sql(row.try_get("id")?)),
        task: if row.try_get("is_array")? { Some(row.try_get("task")?) } else { None },
        name: row.try_get("name")?,
        comment: row.try_get("comment")?,
        exit: code.zip(signal).map(|(code, signal)| ExitCode { code, signal }),
        cpu_seconds: elapsed_seconds * u64::from(row.try_get::<u32, _>("cpus")?.max(1)),
        elapsed_seconds,
        max_rss_bytes: row.try_get::<Option<i64>, _>("max_rss")?.map(from_sql),
        submitted: time(row.try_get("submitted")?),
        started,
        ended,
        state,
        reason,
        restarts: 0,
        nodes: String::new(),
    })
}
