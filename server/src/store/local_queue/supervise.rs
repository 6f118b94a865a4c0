//! What the supervisor does with the queue.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::pool::PoolConnection;
use sqlx::{Connection, Row, Sqlite, SqliteConnection};

use super::{LocalQueue, QueueSettings, TaskKey, from_sql, to_sql};
use crate::model::JobId;
use crate::store::{Store, StoreError};

/// A process that runs a task, told from every other that ever had its number.
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

/// A supervisor's connection: its own, so that [`Supervision::version`] tells of others' changes.
pub struct Supervision {
    store: Store,
    connection: PoolConnection<Sqlite>,
}

impl LocalQueue {
    /// Opens the supervisor's connection.
    pub async fn supervise(&self) -> Result<Supervision, StoreError> {
        let connection = self.wrap(self.store.pool.acquire().await)?;
        Ok(Supervision { store: self.store.clone(), connection })
    }
}

impl Supervision {
    fn wrap<T>(&self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        result.map_err(|cause| self.store.error(cause))
    }

    /// A number that changes whenever another connection has changed the database.
    pub async fn version(&mut self) -> Result<i64, StoreError> {
        let version = sqlx::query_scalar("PRAGMA data_version");
        let version = version.fetch_one(&mut *self.connection).await;
        self.wrap(version)
    }

    /// What was asked of the engine; `None` if nobody has ever submitted.
    pub async fn settings(&mut self) -> Result<Option<QueueSettings>, StoreError> {
        let row = sqlx::query("SELECT cpus, grace_ms, idle_ms FROM local_settings")
            .fetch_optional(&mut *self.connection)
            .await;
        let settings = self.wrap(row)?.map(|row| {
            Ok(QueueSettings {
                cpus: row.try_get("cpus")?,
                grace: Duration::from_millis(from_sql(row.try_get("grace_ms")?)),
                idle: Duration::from_millis(from_sql(row.try_get("idle_ms")?)),
            })
        });
        self.wrap(settings.transpose())
    }

    /// The tasks that are claimed or run.
    pub async fn open_tasks(&mut self) -> Result<Vec<OpenTask>, StoreError> {
        let rows = sqlx::query(
            "SELECT job, task, state, claim, runner_pid, runner_start, runner_boot, \
             cancel_asked IS NOT NULL AS cancel_asked FROM local_tasks \
             WHERE ended IS NULL AND state IN ('CONFIGURING', 'RUNNING')",
        )
        .fetch_all(&mut *self.connection)
        .await;
        let tasks = self.wrap(rows)?.iter().map(open_task).collect();
        self.wrap(tasks)
    }

    /// Lets jobs go whose parents have all ended well, and marks those that never can.
    /// Returns whether any changed.
    pub async fn settle_dependencies(&mut self) -> Result<bool, StoreError> {
        let waiting = sqlx::query("SELECT 1 FROM local_jobs WHERE hold = 'Dependency' LIMIT 1")
            .fetch_optional(&mut *self.connection)
            .await;
        if self.wrap(waiting)?.is_none() {
            return Ok(false); // and no write lock is taken
        }
        let settled = settle(&mut self.connection).await;
        self.wrap(settled)
    }

    /// Claims waiting tasks, oldest job first, until `cpus` processors are in use; each becomes
    /// CONFIGURING with a token of its own from `token`.
    pub async fn claim(
        &mut self,
        cpus: u32,
        mut token: impl FnMut() -> String,
    ) -> Result<Vec<(TaskKey, String)>, StoreError> {
        let claimed = async {
            let mut claimed = Vec::new();
            if choose(&mut self.connection, cpus).await?.is_empty() {
                return Ok(claimed); // looked at without the write lock: mostly there is none
            }
            let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await?;
            for key in choose(&mut tx, cpus).await? {
                let token = token();
                sqlx::query(
                    "UPDATE local_tasks SET state = 'CONFIGURING', claim = ? \
                     WHERE job = ? AND task = ? AND state = 'PENDING'",
                )
                .bind(&token)
                .bind(to_sql(key.job.0))
                .bind(key.task)
                .execute(&mut *tx)
                .await?;
                claimed.push((key, token));
            }
            tx.commit().await?;
            Ok(claimed)
        };
        let claimed = claimed.await;
        self.wrap(claimed)
    }

    /// Takes an order back whose runner has not begun: the task waits again, for the reason `why`,
    /// and a runner that comes late finds its token void. Returns false if the runner was faster.
    pub async fn withdraw(
        &mut self,
        key: TaskKey,
        claim: &str,
        why: &str,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE local_tasks SET state = 'PENDING', claim = '', reason = ? \
             WHERE job = ? AND task = ? AND state = 'CONFIGURING' AND claim = ?",
        )
        .bind(why)
        .bind(to_sql(key.job.0))
        .bind(key.task)
        .bind(claim)
        .execute(&mut *self.connection)
        .await;
        Ok(self.wrap(done)?.rows_affected() > 0)
    }

    /// Records that a task's runner has vanished: NODE_FAIL, or CANCELLED if that was asked for.
    /// Returns false if the runner had recorded its end before.
    pub async fn lost(
        &mut self,
        key: TaskKey,
        claim: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE local_tasks SET ended = ?1, exit_code = 0, exit_signal = 0, \
             state = CASE WHEN cancel_asked IS NULL THEN 'NODE_FAIL' ELSE 'CANCELLED' END, \
             reason = CASE WHEN cancel_asked IS NULL THEN 'the process that ran it vanished' \
             ELSE '' END \
             WHERE job = ?2 AND task = ?3 AND state = 'RUNNING' AND claim = ?4",
        )
        .bind(now.timestamp_millis())
        .bind(to_sql(key.job.0))
        .bind(key.task)
        .bind(claim)
        .execute(&mut *self.connection)
        .await;
        Ok(self.wrap(done)?.rows_affected() > 0)
    }

    /// Whether anything is left to do, as [`LocalQueue::has_work`].
    pub async fn has_work(&mut self) -> Result<bool, StoreError> {
        let found = sqlx::query(super::HAS_WORK).fetch_optional(&mut *self.connection).await;
        Ok(self.wrap(found)?.is_some())
    }

    /// Forgets script and environment of jobs that have ended.
    pub async fn forget_ended(&mut self) -> Result<(), StoreError> {
        let ended = sqlx::query_scalar::<_, i64>(
            "SELECT id FROM local_jobs j WHERE body IS NOT NULL AND NOT EXISTS \
             (SELECT 1 FROM local_tasks t WHERE t.job = j.id AND t.ended IS NULL)",
        )
        .fetch_all(&mut *self.connection)
        .await;
        for job in self.wrap(ended)? {
            let done =
                sqlx::query("UPDATE local_jobs SET body = NULL, environment = NULL WHERE id = ?")
                    .bind(job)
                    .execute(&mut *self.connection)
                    .await;
            self.wrap(done)?;
        }
        Ok(())
    }

    /// Jobs whose script is still needed.
    pub async fn unfinished(&mut self) -> Result<HashSet<JobId>, StoreError> {
        let jobs = sqlx::query_scalar::<_, i64>("SELECT id FROM local_jobs WHERE body IS NOT NULL")
            .fetch_all(&mut *self.connection)
            .await;
        Ok(self.wrap(jobs)?.into_iter().map(|id| JobId(from_sql(id))).collect())
    }
}

fn open_task(row: &sqlx::sqlite::SqliteRow) -> Result<OpenTask, sqlx::Error> {
    let running = row.try_get::<String, _>("state")? == "RUNNING";
    let runner = || -> Result<Runner, sqlx::Error> {
        Ok(Runner {
            pid: row.try_get("runner_pid")?,
            start: from_sql(row.try_get("runner_start")?),
            boot: row.try_get("runner_boot")?,
        })
    };
    Ok(OpenTask {
        key: TaskKey { job: JobId(from_sql(row.try_get("job")?)), task: row.try_get("task")? },
        claim: row.try_get("claim")?,
        runner: if running { Some(runner()?) } else { None },
        cancel_asked: row.try_get("cancel_asked")?,
    })
}

async fn settle(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let never = sqlx::query(
        "UPDATE local_jobs SET hold = 'DependencyNeverSatisfied' WHERE hold = 'Dependency' \
         AND EXISTS (SELECT 1 FROM local_dependencies d JOIN local_tasks t ON t.job = d.parent \
         WHERE d.job = local_jobs.id AND t.ended IS NOT NULL AND t.state <> 'COMPLETED')",
    )
    .execute(&mut *connection)
    .await?;
    let free = sqlx::query(
        "UPDATE local_jobs SET hold = '' WHERE hold = 'Dependency' \
         AND NOT EXISTS (SELECT 1 FROM local_dependencies d JOIN local_tasks t ON t.job = d.parent \
         WHERE d.job = local_jobs.id AND t.state <> 'COMPLETED')",
    )
    .execute(&mut *connection)
    .await?;
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
        let rows = sqlx::query(
            "SELECT t.job, j.cpus, count(*) AS tasks FROM local_tasks t \
             JOIN local_jobs j ON j.id = t.job \
             WHERE t.ended IS NULL AND t.state IN ('CONFIGURING', 'RUNNING') GROUP BY t.job",
        )
        .fetch_all(&mut *connection)
        .await?;
        let mut load = Self { free: cpus, tasks: HashMap::new() };
        for row in &rows {
            let (of_task, tasks): (u32, u32) = (row.try_get("cpus")?, row.try_get("tasks")?);
            load.tasks.insert(row.try_get("job")?, tasks);
            load.free = load.free.saturating_sub(of_task.min(cpus).saturating_mul(tasks));
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
/// nobody pass: a large task must not wait for ever.
async fn choose(connection: &mut SqliteConnection, cpus: u32) -> Result<Vec<TaskKey>, sqlx::Error> {
    let mut load = Load::of(connection, cpus).await?;
    let mut chosen = Vec::new();
    if load.free == 0 {
        return Ok(chosen);
    }
    let jobs = sqlx::query(
        "SELECT j.id, j.cpus, j.array_limit FROM \
         (SELECT DISTINCT job FROM local_tasks WHERE ended IS NULL AND state = 'PENDING') t \
         JOIN local_jobs j ON j.id = t.job WHERE j.hold = '' ORDER BY j.id",
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in &jobs {
        let job: i64 = row.try_get("id")?;
        let of_task = row.try_get::<u32, _>("cpus")?.clamp(1, cpus.max(1));
        let allowed = load.allowed(job, row.try_get("array_limit")?);
        let fitting = load.free / of_task;
        if allowed == 0 {
            continue;
        }
        if fitting == 0 {
            break;
        }
        let indices: Vec<u32> = sqlx::query_scalar(
            "SELECT task FROM local_tasks WHERE ended IS NULL AND state = 'PENDING' AND job = ? \
             ORDER BY task LIMIT ?",
        )
        .bind(job)
        .bind(allowed.min(fitting))
        .fetch_all(&mut *connection)
        .await?;
        for task in indices {
            load.free -= of_task;
            chosen.push(TaskKey { job: JobId(from_sql(job)), task });
        }
    }
    Ok(chosen)
}
