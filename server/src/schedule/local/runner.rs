//! The process that runs one task: it takes the order, starts the script, watches time, memory and
//! orders to end, and records the end itself, so that it needs no supervisor once it has begun.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use chrono::Utc;
use nix::sys::signal::Signal;
use tokio::process::{Child, Command};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use super::place::Place;
use super::{LocalError, environment, measure, proc};
use crate::model::{ExitCode, JobState};
use crate::schedule::script::{Names, expand};
use crate::store::StoreError;
use crate::store::local_queue::{Ending, LocalQueue, Order, TaskKey};

/// What Slurm reports when a task's files cannot be opened.
const NO_FILES: ExitCode = ExitCode { code: 0, signal: 53 };
/// What Slurm reports of a task that was ended for its memory.
const OUT_OF_MEMORY: ExitCode = ExitCode { code: 0, signal: 125 };

/// Why a task is ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Cancelled,
    TimeLimit,
    Memory,
    /// Somebody ended the runner, as a machine does that is shut down.
    Terminated,
    /// The queue's database was removed: there is nobody left to run for.
    QueueGone,
}

/// Runs the task that the order `claim` is for, if that order still stands.
pub async fn run_task(
    queue: &LocalQueue,
    place: &Place,
    key: TaskKey,
    claim: &str,
) -> Result<(), LocalError> {
    let system = |what| move |cause| LocalError::System { what, cause };
    let terminate = tokio::signal::unix::SignalKind::terminate();
    let mut terminate =
        tokio::signal::unix::signal(terminate).map_err(system("cannot listen to SIGTERM"))?;
    let unreadable = || std::io::Error::from(std::io::ErrorKind::NotFound);
    let me = proc::myself()
        .ok_or_else(unreadable)
        .map_err(system("cannot read /proc, which the local scheduler needs"))?;
    let Some(order) = queue.take(key, claim, &me, Utc::now()).await? else {
        tracing::info!(task = %key, "the order was taken back: not run");
        return Ok(());
    };
    tracing::info!(task = %key, name = order.name, pid = me.pid, "runs");
    let ending = match start(place, key, claim, &order).await {
        Ok(child) => {
            let task = Task { queue, place, key, order: &order, session: me.pid };
            task.watch(child, &mut terminate).await
        }
        Err(ending) => ending,
    };
    tracing::info!(task = %key, state = %ending.state, exit = %ending.exit, reason = ending.reason, "ended");
    record(queue, place, key, claim, &ending).await.map_err(LocalError::from)
}

/// Records the end, however long the database is locked; gives up only if it was removed.
async fn record(
    queue: &LocalQueue,
    place: &Place,
    key: TaskKey,
    claim: &str,
    ending: &Ending,
) -> Result<(), StoreError> {
    let ended = Utc::now();
    loop {
        match queue.finish(key, claim, ending, ended).await {
            Ok(()) => return Ok(()),
            Err(error) if place.identity().is_none() => return Err(error),
            Err(error) => tracing::warn!(task = %key, %error, "the end is not recorded yet"),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn failed(exit: ExitCode, reason: String) -> Ending {
    Ending { state: JobState::Failed, exit, reason, cpu: Duration::ZERO, max_rss: None }
}

/// Opens the task's files and starts its script in a process group of its own.
async fn start(place: &Place, key: TaskKey, claim: &str, order: &Order) -> Result<Child, Ending> {
    let (on, of) = (place.clone(), order.clone());
    let prepared = spawn_blocking(move || prepare(&on, key, &of)).await;
    let files = prepared.unwrap_or_else(|error| Err(error.to_string()));
    let files = files.map_err(|reason| failed(NO_FILES, reason))?;
    let host = host();
    let mut command = Command::new(&files.interpreter);
    command
        .args(&files.argument)
        .arg(&files.script)
        .env_clear()
        .envs(environment::unpack(&order.environment))
        .envs(environment::of_task(key, claim, order, &host))
        .current_dir(&order.directory)
        .process_group(0)
        .stdin(std::process::Stdio::null())
        .stdout(files.output)
        .stderr(files.error);
    let problem = |cause| {
        let script = order.script.display();
        format!("{script}: cannot run its interpreter {:?}: {cause}", files.interpreter)
    };
    command.spawn().map_err(|cause| failed(ExitCode { code: 127, signal: 0 }, problem(cause)))
}

/// All that a script needs to start.
struct Prepared {
    interpreter: String,
    argument: Option<String>,
    script: PathBuf,
    output: File,
    error: File,
}

fn prepare(place: &Place, key: TaskKey, order: &Order) -> Result<Prepared, String> {
    if !order.directory.is_dir() {
        return Err(format!("the working directory {} is missing", order.directory.display()));
    }
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten();
    let user = user.map_or_else(|| nix::unistd::getuid().to_string(), |user| user.name);
    let task = order.array.is_some().then_some(key.task);
    let host = host();
    let names = Names { job: key.job.0, task, name: &order.name, user: &user, host: &host };
    let output_file = order.directory.join(expand(&order.output, &names));
    let output = create(&output_file)?;
    let error_file = order.error.as_ref().map(|error| order.directory.join(expand(error, &names)));
    let error = match error_file {
        Some(file) if file != output_file => create(&file)?,
        _ => output.try_clone().map_err(|cause| cause.to_string())?,
    };
    let script = place.put_script(key.job, &order.body).map_err(|error| error.to_string())?;
    let (interpreter, argument) = interpreter(&order.body);
    Ok(Prepared { interpreter, argument, script, output, error })
}

fn create(file: &Path) -> Result<File, String> {
    File::create(file).map_err(|cause| format!("cannot write {}: {cause}", file.display()))
}

/// Interpreter of a script and its one argument, as the system itself reads them.
fn interpreter(body: &[u8]) -> (String, Option<String>) {
    let line = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line.strip_prefix(b"#!").unwrap_or(line)).into_owned();
    match line.trim().split_once(char::is_whitespace) {
        Some((program, argument)) => (program.to_owned(), Some(argument.trim().to_owned())),
        None => (line.trim().to_owned(), None),
    }
}

/// The machine's short name.
fn host() -> String {
    let name = nix::unistd::gethostname().unwrap_or_default();
    let name = name.to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// A task whose script runs.
struct Task<'a> {
    queue: &'a LocalQueue,
    place: &'a Place,
    key: TaskKey,
    order: &'a Order,
    /// The runner's session, in which all the script's processes are.
    session: i32,
}

impl Task<'_> {
    /// Waits for the end of the script, or brings it about.
    async fn watch(&self, mut child: Child, terminate: &mut tokio::signal::unix::Signal) -> Ending {
        let began = Instant::now();
        let group = child.id().and_then(|pid| i32::try_from(pid).ok());
        let limit = self.order.walltime.map(|time| began + time);
        let mut cut: Option<Cut> = None;
        let mut kill_at: Option<Instant> = None;
        let mut meter = measure::Meter::new(self.session);
        let status = loop {
            let mut why = None;
            tokio::select! {
                biased;
                status = child.wait() => break status,
                () = until(kill_at), if kill_at.is_some() => {
                    kill_at = None;
                    if let Some(group) = group {
                        proc::signal_group(group, Signal::SIGKILL);
                    }
                }
                () = until(limit), if cut.is_none() => why = Some(Cut::TimeLimit),
                _ = terminate.recv(), if cut.is_none() => why = Some(self.why_terminated().await),
                () = meter.due() => why = self.measure(&mut meter).await,
            }
            if let (Some(why), None, Some(group)) = (why, cut, group) {
                tracing::info!(task = %self.key, ?why, "is ended");
                cut = Some(why);
                let grace = if why == Cut::Memory { Duration::ZERO } else { self.order.grace };
                kill_at = Some(Instant::now() + grace);
                proc::signal_group(group, Signal::SIGTERM);
                proc::signal_group(group, Signal::SIGCONT); // a stopped one hears it too
            }
        };
        // What the script left behind ends with it; what was asked to end has its grace first.
        while let Some(at) = kill_at.filter(|at| *at > Instant::now()) {
            let session = self.session;
            let left = spawn_blocking(move || proc::session_of(session)).await;
            if left.is_ok_and(|left| left.is_empty()) {
                break;
            }
            let soon = Instant::now() + Duration::from_millis(20);
            sleep_until(soon.min(at)).await;
        }
        let session = self.session;
        let _ = spawn_blocking(move || proc::kill_all(|| proc::session_of(session))).await;
        ending(status, cut, &meter)
    }

    /// SIGTERM came: from the supervisor, because the job was cancelled, or from elsewhere.
    async fn why_terminated(&self) -> Cut {
        match self.queue.cancel_asked(self.key).await {
            Ok(false) => Cut::Terminated,
            Ok(true) | Err(_) => Cut::Cancelled,
        }
    }

    /// Looks at memory, and whether there is still a queue to run for.
    async fn measure(&self, meter: &mut measure::Meter) -> Option<Cut> {
        let limit = self.order.memory_per_cpu.map(|bytes| bytes * u64::from(self.order.cpus));
        if meter.measure(limit).await {
            return Some(Cut::Memory);
        }
        meter.queue_missing(self.place.identity().is_none()).then_some(Cut::QueueGone)
    }
}

fn ending(status: std::io::Result<ExitStatus>, cut: Option<Cut>, meter: &measure::Meter) -> Ending {
    use std::os::unix::process::ExitStatusExt;
    let exit = status.map_or(ExitCode { code: 1, signal: 0 }, |status| ExitCode {
        code: status.code().unwrap_or(0),
        signal: status.signal().unwrap_or(0),
    });
    let well = ExitCode::default();
    let (state, exit, reason) = match cut {
        None if exit == well => (JobState::Completed, exit, ""),
        None => (JobState::Failed, exit, ""),
        Some(Cut::Cancelled) => (JobState::Cancelled, well, ""),
        Some(Cut::TimeLimit) => (JobState::Timeout, well, "TimeLimit"),
        Some(Cut::Memory) => (JobState::OutOfMemory, OUT_OF_MEMORY, "OutOfMemory"),
        Some(Cut::Terminated) => (JobState::NodeFail, well, "its runner was ended by SIGTERM"),
        Some(Cut::QueueGone) => (JobState::NodeFail, well, "the queue's database was removed"),
    };
    let used = meter.total();
    Ending { state, exit, reason: reason.to_owned(), cpu: used.cpu, max_rss: used.max_rss }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interpreter_has_one_argument_at_most() {
        let read = |text: &str| interpreter(text.as_bytes());
        assert_eq!(read("#!/bin/bash\nexit"), ("/bin/bash".into(), None));
        assert_eq!(
            read("#! /usr/bin/env -S python -u \n"),
            ("/usr/bin/env".into(), Some("-S python -u".into()))
        );
    }
}
