//! One child process: started in a process group of its own, waited for, and ended together with
//! its own children when we are asked to stop.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// Signals that tell a job to stop.
const STOPPING: [Signal; 3] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM];

/// How long a child that is asked to end may take before it is killed. The history is still to be
/// written before we are killed ourselves: 5 s after the signal by the local scheduler, 30 s by
/// Slurm.
const GRACE: Duration = Duration::from_secs(3);

/// How long to wait for a signal of our own when a child's return code says that it was asked to
/// stop: the scheduler tells all processes of a job, one after the other.
const SAME_SIGNAL: Duration = Duration::from_secs(1);

enum Event {
    Stop(Signal),
    Ended(io::Result<ExitStatus>),
}

/// Tells a running child's owner to stop.
#[derive(Clone, Debug)]
pub struct Stopper(Sender<Event>);

impl Stopper {
    /// Passes a signal on: SIGTERM, SIGINT or SIGHUP.
    pub fn stop(&self, signal: Signal) {
        // An owner that is gone has nothing left to stop.
        let _ = self.0.send(Event::Stop(signal));
    }
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself, or by a signal that nobody sent to stop it: its return code, 128+n for signal n.
    Own(i32),
    /// Because it, or we, were asked to stop.
    Stopped(Signal),
}

impl Ending {
    /// The return code: 128+n for signal n.
    pub fn rc(self) -> i32 {
        match self {
            Self::Own(rc) => rc,
            Self::Stopped(signal) => 128 + signal as i32,
        }
    }
}

/// Runs children, one at a time.
#[derive(Debug)]
pub struct Children {
    events: Receiver<Event>,
    sender: Sender<Event>,
    stopped: Option<Signal>,
    grace: Duration,
}

impl Default for Children {
    fn default() -> Self {
        let (sender, events) = channel();
        Self { events, sender, stopped: None, grace: GRACE }
    }
}

impl Children {
    /// What tells the child that runs now, and all that would follow, to stop.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.sender.clone())
    }

    /// Runs a child to its end; none is started once we were asked to stop.
    ///
    /// # Errors
    /// It could not be started.
    pub fn run(&mut self, command: &mut Command) -> io::Result<Ending> {
        while let Ok(event) = self.events.try_recv() {
            self.note(&event);
        }
        if let Some(signal) = self.stopped {
            return Ok(Ending::Stopped(signal));
        }
        let mut child = command.stdin(Stdio::null()).process_group(0).spawn()?;
        let group = Pid::from_raw(child.id().cast_signed());
        let sender = self.sender.clone();
        std::thread::spawn(move || sender.send(Event::Ended(child.wait())));
        let status = self.wait(group)?;
        let ending = self.ending(status);
        if ending != Ending::Own(0) {
            // What it has left behind would go on writing; usually there is nothing left.
            let _ = killpg(group, Signal::SIGKILL);
        }
        Ok(ending)
    }

    fn note(&mut self, event: &Event) {
        if let Event::Stop(signal) = event {
            self.stopped = self.stopped.or(Some(*signal));
        }
    }

    /// Waits for the child's end and hurries it once we are asked to stop.
    fn wait(&mut self, group: Pid) -> io::Result<ExitStatus> {
        let mut deadline: Option<Instant> = None;
        loop {
            let event = match deadline {
                // We hold a sender ourselves: the channel is never closed.
                None => self.events.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => self.events.recv_timeout(at.saturating_duration_since(Instant::now())),
            };
            match event {
                Ok(Event::Ended(status)) => return status,
                Ok(Event::Stop(signal)) if self.stopped.is_none() => {
                    self.stopped = Some(signal);
                    deadline = Some(Instant::now() + self.grace);
                    let _ = killpg(group, signal);
                }
                Ok(Event::Stop(_)) => {}
                Err(_) => {
                    let _ = killpg(group, Signal::SIGKILL);
                    deadline = None;
                }
            }
        }
    }

    fn ending(&mut self, status: ExitStatus) -> Ending {
        let told = |number: i32| STOPPING.into_iter().find(|signal| *signal as i32 == number);
        let rc = status.code().or(status.signal().map(|n| 128 + n)).unwrap_or(1);
        if let Some(signal) = self.stopped {
            return Ending::Stopped(signal);
        }
        if let Some(signal) = status.signal().and_then(told) {
            return Ending::Stopped(signal);
        }
        if told(rc - 128).is_some()
            && let Ok(event) = self.events.recv_timeout(SAME_SIGNAL)
        {
            self.note(&event);
        }
        self.stopped.map_or(Ending::Own(rc), Ending::Stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdout(Stdio::null());
        command
    }

    #[test]
    fn a_child_ends_with_its_code_or_128_and_its_signal() {
        let mut children = Children::default();
        assert_eq!(children.run(&mut shell("exit 0")).unwrap(), Ending::Own(0));
        assert_eq!(children.run(&mut shell("exit 37")).unwrap(), Ending::Own(37));
        assert_eq!(children.run(&mut shell("kill -KILL $$")).unwrap(), Ending::Own(137));
        let stopped = Ending::Stopped(Signal::SIGTERM);
        assert_eq!(children.run(&mut shell("kill -TERM $$")).unwrap(), stopped);
        assert_eq!(stopped.rc(), 143);
        assert!(children.run(&mut Command::new("/nowhere/at/all")).is_err());
    }

    #[test]
    fn once_stopped_nothing_is_started() {
        let mut children = Children::default();
        children.stopper().stop(Signal::SIGINT);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("started");
        let ending = children.run(Command::new("/usr/bin/touch").arg(&file)).unwrap();
        assert_eq!(ending.rc(), 130);
        assert!(!file.exists());
    }

    #[test]
    fn a_stop_ends_grandchildren_too_and_those_that_will_not_listen() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let script = format!(
            "trap '' TERM; sleep 1000 & echo $! > {0}.new; mv {0}.new {0}; wait",
            file.display()
        );
        let mut children = Children { grace: Duration::from_millis(100), ..Children::default() };
        let stopper = children.stopper();
        let begin = Instant::now();
        let watched = file.clone();
        let watcher = std::thread::spawn(move || {
            while !watched.exists() && begin.elapsed() < Duration::from_secs(60) {
                std::thread::sleep(Duration::from_millis(5));
            }
            stopper.stop(Signal::SIGTERM);
        });
        assert_eq!(children.run(&mut shell(&script)).unwrap(), Ending::Stopped(Signal::SIGTERM));
        watcher.join().unwrap();
        let pid: i32 = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
        let gone = || {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z ")
        };
        while !gone() {
            assert!(begin.elapsed() < Duration::from_secs(60), "process {pid} lives on");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
