//! The process that hands tasks to runners. It holds no state that is not in the queue: killed at
//! any moment, the next one goes on where it stopped.
//!
//! - A task is claimed in a transaction before its runner is started, with a token of its own. The
//!   runner takes the order with that token in another transaction, and only then runs the script.
//! - A claim that no living child of this supervisor holds is taken back; its runner, should it
//!   still come, finds the token void and ends. So nothing is begun twice or forgotten.
//! - Runners are told by process number, start time and boot, and outlive supervisors.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use chrono::Utc;
use nix::sys::signal::Signal;
use tokio::process::Command;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::place::Place;
use super::{LocalError, environment, proc};
use crate::store::StoreError;
use crate::store::local_queue::{
    LocalQueue, OpenTask, QueueSettings, Runner, Supervision, TaskKey,
};

/// How often the database is asked whether it has changed, a read of shared memory: often while
/// things happen, more rarely when it is quiet.
const GLANCE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(100));
/// How often runners are looked at that are no children of this process.
const ADOPTED: Duration = Duration::from_millis(250);
/// How often all is looked at even if nothing seems to have changed.
const ROUND: Duration = Duration::from_secs(1);
/// How long another supervisor may take to end.
const HANDOVER: Duration = Duration::from_secs(2);
/// How often what ended jobs no longer need is removed.
const TIDY: Duration = Duration::from_secs(60);
/// First and longest pause after runners could not be started; each is twice the one before.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));
/// Settings while nobody has ever submitted: the first job is on its way.
const BEFORE_ANY: QueueSettings =
    QueueSettings { cpus: 1, grace: Duration::ZERO, idle: Duration::from_secs(5) };
/// Failures are forgotten when all went well for so long.
const CALM: Duration = Duration::from_secs(60);

/// Works as the supervisor of this queue until there has been nothing to do for a while, or at
/// once returns if another one is at work. `program` starts runners.
pub async fn supervise(
    queue: &LocalQueue,
    place: &Place,
    program: &Path,
) -> Result<(), LocalError> {
    loop {
        let here = place.clone();
        let lock = spawn_blocking(move || here.become_supervisor(HANDOVER)).await;
        let Some(lock) = lock.unwrap_or(Ok(None))? else {
            return Ok(());
        };
        tracing::info!(queue = %place.database().display(), "supervises");
        Supervisor::new(queue, place, program).await?.work().await?;
        drop(lock);
        // Whoever submitted just before the lock was dropped saw it held and started nobody.
        if place.identity().is_none() || !queue.has_work().await? {
            tracing::info!("nothing to do: ends");
            return Ok(());
        }
    }
}

struct Supervisor {
    place: Place,
    program: PathBuf,
    queue: Supervision,
    database: Option<(u64, u64)>,
    /// Claims whose runners are children of this process.
    children: HashSet<String>,
    child_ended: (UnboundedSender<String>, UnboundedReceiver<String>),
    /// Version of the database as last seen, and when it was seen to change.
    version: i64,
    changed: Instant,
    /// Failures to start runners in a row, and until when none is tried.
    failures: u32,
    paused_until: Instant,
    idle_since: Instant,
    tidied: Instant,
}

/// What one round found.
struct Round {
    settings: QueueSettings,
    work: bool,
    adopted: bool,
}

impl Supervisor {
    async fn new(queue: &LocalQueue, place: &Place, program: &Path) -> Result<Self, LocalError> {
        Ok(Self {
            place: place.clone(),
            program: program.to_owned(),
            queue: queue.supervise().await?,
            database: place.identity(),
            children: HashSet::new(),
            child_ended: unbounded_channel(),
            version: 0,
            changed: Instant::now(),
            failures: 0,
            paused_until: Instant::now(),
            idle_since: Instant::now(),
            tidied: Instant::now(),
        })
    }

    async fn work(mut self) -> Result<(), LocalError> {
        self.tidy().await;
        loop {
            let round = match self.round().await {
                Ok(round) => round,
                Err(error) => {
                    // A database that is locked for long is no reason to leave the tasks alone.
                    tracing::warn!(%error, "cannot look after the queue now");
                    if self.database_is_gone() {
                        return Ok(());
                    }
                    sleep(ROUND).await;
                    continue;
                }
            };
            if round.work {
                self.idle_since = Instant::now();
            } else if self.idle_since.elapsed() >= round.settings.idle {
                self.tidy().await;
                return Ok(());
            }
            if self.tidied.elapsed() >= TIDY {
                self.tidy().await;
            }
            if !self.wait(&round).await {
                tracing::warn!("the database was removed or replaced: ends");
                return Ok(());
            }
        }
    }

    /// Looks after everything once.
    async fn round(&mut self) -> Result<Round, StoreError> {
        let version = self.queue.version().await?;
        if version != self.version {
            (self.version, self.changed) = (version, Instant::now());
        }
        let settings = self.queue.settings().await?.unwrap_or(BEFORE_ANY);
        let (mut adopted, mut unbegun) = (false, false);
        for task in self.queue.open_tasks().await? {
            adopted |= !self.children.contains(&task.claim);
            match &task.runner {
                Some(runner) => self.check_runner(&task, runner).await?,
                None if self.children.contains(&task.claim) => {}
                None => unbegun |= self.take_back(&task).await?,
            }
        }
        if unbegun {
            self.pause();
        } else if self.paused_until.elapsed() > CALM {
            self.failures = 0;
        }
        self.queue.settle_dependencies().await?;
        if Instant::now() >= self.paused_until {
            let token = || uuid::Uuid::new_v4().to_string();
            for (key, claim) in self.queue.claim(settings.cpus, token).await? {
                self.start(key, claim).await?;
            }
        }
        Ok(Round { settings, work: self.queue.has_work().await?, adopted })
    }

    /// A task that runs: is its runner alive, and does it know that it shall end?
    async fn check_runner(&mut self, task: &OpenTask, runner: &Runner) -> Result<(), StoreError> {
        if proc::is_alive(runner) {
            if task.cancel_asked {
                proc::signal(runner, Signal::SIGTERM); // again and again: it may have been early
            }
            return Ok(());
        }
        // Nothing of a lost task may go on writing when it is given out as failed.
        let mark = format!("{}={}", environment::MARK, task.claim);
        let clean = spawn_blocking(move || proc::kill_all(|| proc::with_variable(&mark))).await;
        if !clean.unwrap_or(false) {
            tracing::error!(task = %task.key, "processes of a lost task do not die; tried again");
            return Ok(());
        }
        if self.queue.lost(task.key, &task.claim, Utc::now()).await? {
            tracing::warn!(task = %task.key, pid = runner.pid, "the runner vanished");
        }
        Ok(())
    }

    /// A claim whose runner is not there any more: its supervisor was killed before it started one,
    /// or the runner died before it began. Returns false if it has begun after all.
    async fn take_back(&mut self, task: &OpenTask) -> Result<bool, StoreError> {
        let why = format!("could not be started; see {}", self.place.log().display());
        let taken_back = self.queue.withdraw(task.key, &task.claim, &why).await?;
        if taken_back {
            tracing::warn!(task = %task.key, "it was claimed and not begun: waits again");
        }
        Ok(taken_back)
    }

    /// Starts the runner of a claimed task.
    async fn start(&mut self, key: TaskKey, claim: String) -> Result<(), StoreError> {
        let log = match self.place.open_log() {
            Ok(log) => Stdio::from(log),
            Err(_) => Stdio::null(),
        };
        let started = Command::new(&self.program)
            .arg("local-task")
            .arg("--database")
            .arg(self.place.database())
            .args(["--claim", &claim, &key.job.to_string(), &key.task.to_string()])
            .current_dir("/")
            .env_remove(environment::MARK)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        match started {
            Ok(mut child) => {
                self.children.insert(claim.clone());
                let tell = self.child_ended.0.clone();
                tokio::spawn(async move {
                    let _ = child.wait().await; // how it ended is in the queue, or nowhere
                    let _ = tell.send(claim);
                });
                Ok(())
            }
            Err(cause) => {
                let program = self.program.display();
                let why = format!("cannot start {program}: {cause}");
                tracing::error!(task = %key, why, "no runner");
                self.pause();
                self.queue.withdraw(key, &claim, &why).await.map(|_| ())
            }
        }
    }

    /// Starting fails because of the machine rather than of the task: wait before the next try.
    fn pause(&mut self) {
        let pause = PAUSE.0 * 2u32.saturating_pow(self.failures.min(10));
        self.paused_until = Instant::now() + pause.min(PAUSE.1);
        self.failures += 1;
    }

    /// Waits until there may be something to do; false if the database is gone.
    async fn wait(&mut self, round: &Round) -> bool {
        let longest = if round.adopted { ADOPTED } else { ROUND };
        let idle_until = self.idle_since + round.settings.idle.max(GLANCE.0);
        let next = (Instant::now() + longest).min(idle_until);
        loop {
            let glance = (self.changed.elapsed() / 20).clamp(GLANCE.0, GLANCE.1);
            tokio::select! {
                biased;
                Some(claim) = self.child_ended.1.recv() => {
                    self.children.remove(&claim);
                    while let Ok(claim) = self.child_ended.1.try_recv() {
                        self.children.remove(&claim);
                    }
                    return true;
                }
                () = sleep(glance) => {}
            }
            let changed = self.queue.version().await.is_ok_and(|now| now != self.version);
            if changed || Instant::now() >= next {
                return !self.database_is_gone();
            }
        }
    }

    fn database_is_gone(&self) -> bool {
        self.place.identity() != self.database
    }

    /// Forgets what ended jobs no longer need. What cannot be removed now is tried again later.
    async fn tidy(&mut self) {
        self.tidied = Instant::now();
        if let Err(error) = self.try_to_tidy().await {
            tracing::warn!(%error, "cannot tidy up");
        }
    }

    async fn try_to_tidy(&mut self) -> Result<(), LocalError> {
        self.queue.forget_ended().await?;
        let scripts = self.place.scripts()?; // before the question: a later one is not touched
        let needed = self.queue.unfinished().await?;
        for job in scripts.into_iter().filter(|job| !needed.contains(job)) {
            self.place.remove_script(job)?;
        }
        Ok(())
    }
}
