//! Processes that a test looks for and ends.

use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A process, named by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    pub arguments: Vec<String>,
}

impl Process {
    /// Ends it as no process can survive.
    pub fn kill(&self) {
        kill(Pid::from_raw(self.pid), Signal::SIGKILL).unwrap();
    }

    fn stat(&self) -> Option<Vec<String>> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        let fields = text.rsplit_once(')')?.1;
        Some(fields.split_whitespace().map(str::to_owned).collect())
    }

    pub fn session(&self) -> Option<i32> {
        self.stat()?.get(3)?.parse().ok()
    }

    /// When it began, in ticks since the machine's start.
    pub fn start(&self) -> Option<i64> {
        self.stat()?.get(19)?.parse().ok()
    }

    /// Whether it lives; a zombie does not.
    pub fn is_alive(&self) -> bool {
        self.stat().is_some_and(|fields| fields[0] != "Z" && fields[0] != "X")
    }

    /// What its open files are.
    pub fn files(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(format!("/proc/{}/fd", self.pid)) else {
            return Vec::new();
        };
        entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok()).collect()
    }
}

/// The living processes that have all of these among their arguments.
pub fn processes(wanted: &[&str]) -> Vec<Process> {
    let pids = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let read = |pid| {
        let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let arguments: Vec<String> = text.split('\0').map(str::to_owned).collect();
        let wanted = wanted.iter().all(|word| arguments.iter().any(|argument| argument == word));
        wanted.then_some(Process { pid, arguments })
    };
    pids.filter_map(read).filter(Process::is_alive).collect()
}

/// The process whose number a job wrote into a file.
pub fn written_in(text: &str) -> Process {
    Process { pid: text.trim().parse().unwrap(), arguments: Vec::new() }
}
