//! What the supervisor does with the queue.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqliteConnection};

use super::{LocalQueue, QueueSettings, TaskKey, from_sql, to_sql};
use crate::model::JobId;
use crate::store::{Store, StoreError, Timestamp};

/// A process that runs a task, distinguished from every other that ever had its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runner {
    /// Its number; also that of its session.
    pub pid: i32,
    /// When it began, in ticks since the machine's start.
    pub start: u64,
    /// Which start of the machine.
    pub boot: String,
}

/// A task between claim and end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenTask {
    /// Which.
    pub key: TaskKey,
    /// Token of the order to run it.
    pub claim: String,
    /// Who runs it; `None`: claimed, and not begun yet.
    pub runner: Option<Runner>,
    /// Whether its end was asked for.
    pub cancel_asked: bool,
}

/// A supervisor's connection to read from: always the same, so that [`Supervision::version`] tells
/// of changes.
pub struct Supervision {
    queue: LocalQueue,
    connection: PoolConnection<Sqlite>,
}

impl LocalQueue {
    /// Opens the supervisor's connection.
    pub async fn supervise(&self) -> Result<Supervision, StoreError> {
        Ok(Supervision { queue: self.clone(), connection: self.store.reader().await? })
    }
}

impl Supervision {
    fn store(&self) -> &Store {
        &self.queue.store
    }

    /// A number that changes whenever the database has been changed.
    pub async fn version(&mut self) -> Result<i64, StoreError> {
        let version = sqlx::query_scalar!("PRAGMA data_version");
        let version = version.fetch_one(&mut *self.connection).await;
        Ok(self.store().wrap(version)?.unwrap_or_default())
    }

    /// What was asked of the engine; `None` if nobody has ever submitted.
    pub async fn settings(&mut self) -> Result<Option<QueueSettings>, StoreError> {
        let settings =
            sqlx::query!(r#"SELECT cpus AS "cpus: u32", grace_ms, idle_ms FROM local_settings"#);
        let settings = settings.map(|row| QueueSettings {
            cpus: row.cpus,
            grace: Duration::from_millis(from_sql(row.grace_ms)),
            idle: Duration::from_millis(from_sql(row.idle_ms)),
        });
        let settings = settings.fetch_optional(&mut *self.connection).await;
        self.store().wrap(settings)
    }

    /// The tasks that are claimed or run.
    pub async fn open_tasks(&mut self) -> Result<Vec<OpenTask>, StoreError> {
        let tasks = sqlx::query!(
            r#"SELECT job, task AS "task: u32", state, claim, runner_pid AS "runner_pid: i32",
                      runner_start, runner_boot, cancel_asked IS NOT NULL AS "cancel_asked!: bool"
               FROM local_tasks WHERE ended IS NULL AND state IN ('CONFIGURING', 'RUNNING')"#
        );
        let tasks = tasks.try_map(|row| {
            let runner = row.runner_pid.zip(row.runner_start).zip(row.runner_boot);
            let runner =
                runner.map(|((pid, start), boot)| Runner { pid, start: from_sql(start), boot });
            let running = row.state == "RUNNING";
            if running && runner.is_none() {
                return Err(sqlx::Error::Decode("a task runs, and nobody runs it".into()));
            }
            Ok(OpenTask {
                key: TaskKey { job: JobId(from_sql(row.job)), task: row.task },
                claim: row.claim,
                runner: runner.filter(|_| running),
                cancel_asked: row.cancel_asked,
            })
        });
        let tasks = tasks.fetch_all(&mut *self.connection).await;
        self.store().wrap(tasks)
    }

    /// Lets jobs go whose parents have all ended well, and marks those that never can.
    /// Returns whether any changed.
    pub async fn settle_dependencies(&mut self) -> Result<bool, StoreError> {
        let waiting = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT 1 FROM local_jobs WHERE hold = 'Dependency') AS "any!: bool""#
        );
        let waiting = waiting.fetch_one(&mut *self.connection).await;
        if !self.store().wrap(waiting)? {
            return Ok(false); // and no write lock is taken
        }
        self.store().write(settle).await
    }

    /// Claims waiting tasks, oldest job first, until `cpus` processors are in use; each becomes
    /// CONFIGURING with a token of its own from `token`.
    pub async fn claim(
        &mut self,
        cpus: u32,
        mut token: impl FnMut() -> String,
    ) -> Result<Vec<(TaskKey, String)>, StoreError> {
        let chosen = choose(&mut self.connection, cpus).await;
        if self.store().wrap(chosen)?.is_empty() {
            return Ok(Vec::new()); // looked at without the write lock: mostly there is none
        }
        let claimed = self.store().write(async |db| {
            let mut claimed = Vec::new();
            for key in choose(&mut *db, cpus).await? {
                let token = token();
                sqlx::query!(
                    "UPDATE local_tasks SET state = 'CONFIGURING', claim = ?
                     WHERE job = ? AND task = ? AND state = 'PENDING'",
                    token,
                    to_sql(key.job.0),
                    key.task,
                )
                .execute(&mut *db)
                .await?;
                claimed.push((key, token));
            }
            Ok(claimed)
        });
        claimed.await
    }

    /// Takes an order back whose runner has not begun: the task waits again, for the reason `why`,
    /// and a runner that comes late finds its token void. Returns false if the runner was faster.
    pub async fn withdraw(
        &mut self,
        key: TaskKey,
        claim: &str,
        why: &str,
    ) -> Result<bool, StoreError> {
        let task = sqlx::query!(
            "UPDATE local_tasks SET state = 'PENDING', claim = '', reason = ?
             WHERE job = ? AND task = ? AND state = 'CONFIGURING' AND claim = ?",
            why,
            to_sql(key.job.0),
            key.task,
            claim,
        );
        self.store().write(async |db| Ok(task.execute(db).await?.rows_affected() > 0)).await
    }

    /// Records that a task's runner has vanished: NODE_FAIL, or CANCELLED if that was asked for.
    /// Returns false if the runner had recorded its end before.
    pub async fn lost(
        &mut self,
        key: TaskKey,
        claim: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let task = sqlx::query!(
            "UPDATE local_tasks SET ended = ?1, exit_code = 0, exit_signal = 0,
                    state = CASE WHEN cancel_asked IS NULL THEN 'NODE_FAIL' ELSE 'CANCELLED' END,
                    reason = CASE WHEN cancel_asked IS NULL THEN 'the process that ran it vanished'
                                  ELSE '' END
             WHERE job = ?2 AND task = ?3 AND state = 'RUNNING' AND claim = ?4",
            Timestamp(now),
            to_sql(key.job.0),
            key.task,
            claim,
        );
        self.store().write(async |db| Ok(task.execute(db).await?.rows_affected() > 0)).await
    }

    /// Whether anything is left to do, as [`LocalQueue::has_work`].
    pub async fn has_work(&mut self) -> Result<bool, StoreError> {
        let found = super::has_work(&mut *self.connection).await;
        self.store().wrap(found)
    }

    /// Forgets script and environment of jobs that have ended.
    pub async fn forget_ended(&mut self) -> Result<(), StoreError> {
        let ended = sqlx::query_scalar!(
            "SELECT id FROM local_jobs j WHERE body IS NOT NULL AND NOT EXISTS
             (SELECT 1 FROM local_tasks t WHERE t.job = j.id AND t.ended IS NULL)"
        );
        let ended = ended.fetch_all(&mut *self.connection).await;
        for job in self.store().wrap(ended)? {
            // One by one, so that nobody waits long: a script may be large.
            let forget = sqlx::query!(
                "UPDATE local_jobs SET body = NULL, environment = NULL WHERE id = ?",
                job,
            );
            self.store().write(async |db| forget.execute(db).await.map(drop)).await?;
        }
        Ok(())
    }

    /// Jobs whose script is still needed.
    pub async fn unfinished(&mut self) -> Result<HashSet<JobId>, StoreError> {
        let jobs = sqlx::query_scalar!("SELECT id FROM local_jobs WHERE body IS NOT NULL");
        let jobs = jobs.fetch_all(&mut *self.connection).await;
        Ok(self.store().wrap(jobs)?.into_iter().map(|id| JobId(from_sql(id))).collect())
    }
}

async fn settle(db: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let never = sqlx::query!(
        "UPDATE local_jobs SET hold = 'DependencyNeverSatisfied' WHERE hold = 'Dependency'
         AND EXISTS (SELECT 1 FROM local_dependencies d JOIN local_tasks t ON t.job = d.parent
                     WHERE d.job = local_jobs.id AND t.ended IS NOT NULL AND t.state <> 'COMPLETED')"
    );
    let never = never.execute(&mut *db).await?;
    let free = sqlx::query!(
        "UPDATE local_jobs SET hold = '' WHERE hold = 'Dependency'
         AND NOT EXISTS (SELECT 1 FROM local_dependencies d JOIN local_tasks t ON t.job = d.parent
                         WHERE d.job = local_jobs.id AND t.state <> 'COMPLETED')"
    );
    let free = free.execute(db).await?;
    Ok(never.rows_affected() + free.rows_affected() > 0)
}

/// What runs now.
struct Load {
    /// Processors that are free.
    free: u32,
    /// Tasks at work, by job.
    tasks: HashMap<i64, u32>,
}

impl Load {
    async fn of(connection: &mut SqliteConnection, cpus: u32) -> Result<Self, sqlx::Error> {
        let jobs = sqlx::query!(
            r#"SELECT t.job AS "job!", j.cpus AS "cpus: u32", count(*) AS "tasks!: u32"
               FROM local_tasks t JOIN local_jobs j ON j.id = t.job
               WHERE t.ended IS NULL AND t.state IN ('CONFIGURING', 'RUNNING') GROUP BY t.job"#
        );
        let mut load = Self { free: cpus, tasks: HashMap::new() };
        for job in jobs.fetch_all(connection).await? {
            load.tasks.insert(job.job, job.tasks);
            load.free = load.free.saturating_sub(job.cpus.min(cpus).saturating_mul(job.tasks));
        }
        Ok(load)
    }

    /// How many more tasks of a job its array's limit allows.
    fn allowed(&self, job: i64, limit: Option<u32>) -> u32 {
        let at_work = self.tasks.get(&job).copied().unwrap_or(0);
        limit.map_or(u32::MAX, |limit| limit.saturating_sub(at_work))
    }
}

/// The next tasks to run, in order, while processors are free. The first that does not fit lets
/// nobody pass: a large task must not wait forever.
async fn choose(connection: &mut SqliteConnection, cpus: u32) -> Result<Vec<TaskKey>, sqlx::Error> {
    let mut load = Load::of(connection, cpus).await?;
    let mut chosen = Vec::new();
    if load.free == 0 {
        return Ok(chosen);
    }
    let jobs = sqlx::query!(
        r#"SELECT j.id AS "id!", j.cpus AS "cpus: u32", j.array_limit AS "array_limit: u32" FROM
           (SELECT DISTINCT job FROM local_tasks WHERE ended IS NULL AND state = 'PENDING') t
           JOIN local_jobs j ON j.id = t.job WHERE j.hold = '' ORDER BY j.id"#
    );
    for job in jobs.fetch_all(&mut *connection).await? {
        let of_task = job.cpus.clamp(1, cpus.max(1));
        let allowed = load.allowed(job.id, job.array_limit);
        let fitting = load.free / of_task;
        if allowed == 0 {
            continue;
        }
        if fitting == 0 {
            break;
        }
        let indices = sqlx::query_scalar!(
            r#"SELECT task AS "task: u32" FROM local_tasks
               WHERE ended IS NULL AND state = 'PENDING' AND job = ? ORDER BY task LIMIT ?"#,
            job.id,
            allowed.min(fitting),
        );
        for task in indices.fetch_all(&mut *connection).await? {
            load.free -= of_task;
            chosen.push(TaskKey { job: JobId(from_sql(job.id)), task });
        }
    }
    Ok(chosen)
}
