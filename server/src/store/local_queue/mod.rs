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
use sqlx::types::Text;
use sqlx::{SqliteConnection, SqliteExecutor};

use super::{Store, StoreError, Timestamp};
use crate::hint::Hint;
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

impl Hint for EnqueueError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownParent(_) => {
                Some("submit the job that it depends on first, or launch the night again".into())
            }
            Self::Refused(error) | Self::Uncertain(error) => error.hint(),
        }
    }
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

    /// Puts a job into the queue, and says what is wanted of the engine. All or nothing.
    pub async fn enqueue(
        &self,
        job: &NewJob,
        settings: QueueSettings,
        now: DateTime<Utc>,
    ) -> Result<JobId, EnqueueError> {
        let entered = self.store.write(async |db| {
            for parent in &job.after_ok {
                if !is_known(&mut *db, *parent).await? {
                    return Ok(Err(EnqueueError::UnknownParent(*parent)));
                }
            }
            put_settings(&mut *db, settings).await?;
            insert(db, job, now).await.map(Ok)
        });
        entered.await.unwrap_or_else(|error| {
            Err(if error.uncertain {
                EnqueueError::Uncertain(error)
            } else {
                EnqueueError::Refused(error)
            })
        })
    }

    /// All tasks that had not ended at `since`, with times as of `now`.
    pub async fn tasks(
        &self,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Vec<TaskRecord>, StoreError> {
        let tasks = sqlx::query!(
            r#"SELECT j.id, j.name, j.comment, j.array IS NOT NULL AS "is_array!: bool",
                      j.cpus AS "cpus: u32", j.hold, j.submitted AS "submitted: Timestamp",
                      t.task AS "task!: u32", t.state AS "state!: Text<JobState>",
                      t.started AS "started?: Timestamp", t.ended AS "ended?: Timestamp",
                      t.exit_code AS "exit_code?: i32", t.exit_signal AS "exit_signal?: i32",
                      t.max_rss AS "max_rss?: i64", t.reason AS "reason!: String"
               FROM (SELECT * FROM local_tasks WHERE ended IS NULL
                     UNION ALL SELECT * FROM local_tasks WHERE ended >= ?) t
               JOIN local_jobs j ON j.id = t.job ORDER BY t.job, t.task"#,
            Timestamp(since),
        );
        let tasks = tasks.map(|row| {
            let (started, ended) = (row.started.map(|at| at.0), row.ended.map(|at| at.0));
            let elapsed = started.map_or(0, |start| (ended.unwrap_or(now) - start).num_seconds());
            let elapsed_seconds = from_sql(elapsed);
            let state = row.state.0;
            let mut reason = row.reason;
            if state == JobState::Pending && reason.is_empty() {
                reason = if row.hold.is_empty() { "Resources".to_owned() } else { row.hold };
            }
            let exit = row.exit_code.zip(row.exit_signal);
            TaskRecord {
                job: JobId(from_sql(row.id)),
                task: row.is_array.then_some(row.task),
                name: row.name,
                comment: row.comment,
                exit: exit.map(|(code, signal)| ExitCode { code, signal }),
                cpu_seconds: elapsed_seconds * u64::from(row.cpus.max(1)),
                elapsed_seconds,
                max_rss_bytes: row.max_rss.map(from_sql),
                submitted: Some(row.submitted.0),
                started,
                ended,
                state,
                reason,
                restarts: 0,
                nodes: String::new(),
            }
        });
        self.store.wrap(tasks.fetch_all(self.store.readers()).await)
    }

    /// Ends the tasks of a job that wait, and asks for the end of those that run.
    pub async fn cancel(&self, job: JobId, now: DateTime<Utc>) -> Result<(), StoreError> {
        let waiting = sqlx::query!(
            "UPDATE local_tasks SET state = 'CANCELLED', ended = ?1, cancel_asked = ?1,
                    exit_code = 0, exit_signal = 0
             WHERE job = ?2 AND ended IS NULL AND state IN ('PENDING', 'CONFIGURING')",
            Timestamp(now),
            to_sql(job.0),
        );
        let running = sqlx::query!(
            "UPDATE local_tasks SET cancel_asked = ?
             WHERE job = ? AND ended IS NULL AND cancel_asked IS NULL",
            Timestamp(now),
            to_sql(job.0),
        );
        let cancelled = self.store.write(async |db| {
            waiting.execute(&mut *db).await?;
            running.execute(db).await.map(drop)
        });
        cancelled.await
    }

    /// Whether a supervisor has anything to do: tasks run or may begin, or a job waits for others
    /// that have all ended. A job behind one that can never run is no work.
    pub async fn has_work(&self) -> Result<bool, StoreError> {
        self.store.wrap(has_work(self.store.readers()).await)
    }
}

async fn has_work(from: impl SqliteExecutor<'_>) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT 1 FROM local_tasks t JOIN local_jobs j ON j.id = t.job
               WHERE t.ended IS NULL AND (t.state <> 'PENDING' OR j.hold = '')
           ) OR EXISTS (
               SELECT 1 FROM local_jobs j WHERE j.hold = 'Dependency' AND NOT EXISTS
               (SELECT 1 FROM local_dependencies d JOIN local_tasks t ON t.job = d.parent
                WHERE d.job = j.id AND t.ended IS NULL)
           ) AS "found!: bool""#
    );
    found.fetch_one(from).await
}

async fn is_known(from: impl SqliteExecutor<'_>, job: JobId) -> Result<bool, sqlx::Error> {
    let known = sqlx::query_scalar!("SELECT id FROM local_jobs WHERE id = ?", to_sql(job.0));
    Ok(known.fetch_optional(from).await?.is_some())
}

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
    to: impl SqliteExecutor<'_>,
    settings: QueueSettings,
) -> Result<(), sqlx::Error> {
    let settings = sqlx::query!(
        "INSERT INTO local_settings (id, cpus, grace_ms, idle_ms) VALUES (1, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET
         cpus = excluded.cpus, grace_ms = excluded.grace_ms, idle_ms = excluded.idle_ms",
        settings.cpus,
        millis(settings.grace),
        millis(settings.idle),
    );
    settings.execute(to).await.map(drop)
}

async fn insert(
    db: &mut SqliteConnection,
    job: &NewJob,
    now: DateTime<Utc>,
) -> Result<JobId, sqlx::Error> {
    let inserted = sqlx::query!(
        "INSERT INTO local_jobs (name, comment, script, body, environment, directory, output,
                                 error, array, array_limit, cpus, memory_per_cpu, walltime_ms,
                                 hold, submitted)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        job.name,
        job.comment,
        path_bytes(&job.script),
        job.body,
        job.environment,
        path_bytes(&job.directory),
        job.output,
        job.error,
        job.array,
        job.array_limit,
        job.cpus,
        job.memory_per_cpu.map(to_sql),
        job.walltime.map(millis),
        if job.after_ok.is_empty() { "" } else { "Dependency" },
        Timestamp(now),
    );
    let id = inserted.execute(&mut *db).await?.last_insert_rowid();
    for parent in &job.after_ok {
        sqlx::query!(
            "INSERT OR IGNORE INTO local_dependencies (job, parent) VALUES (?, ?)",
            id,
            to_sql(parent.0),
        )
        .execute(&mut *db)
        .await?;
    }
    // One statement however many tasks there are.
    let tasks = sqlx::query!(
        "INSERT INTO local_tasks (job, task, state) SELECT ?, value, 'PENDING' FROM json_each(?)",
        id,
        serde_json::json!(job.tasks).to_string(),
    );
    tasks.execute(db).await?;
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
