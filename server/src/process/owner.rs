//! One process a sequence: who works on it holds a lock on its history, and what a killed one has
//! left running is ended before anything is begun again.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::ProcessError;

/// The variable by which the processes of a stage are known, and theirs; its value is the history.
pub(super) const MARK: &str = "OSA_SEQUENCE_HISTORY";

/// How long the end of a killed process is waited for: one that is stuck in a read of a dead file
/// system does not end.
const PATIENCE: Duration = Duration::from_secs(20);

/// The right to work on a sequence, given up when dropped or when the process ends, however it
/// does.
#[derive(Debug)]
pub(super) struct Ownership {
    _lock: File,
    /// Whether the file system knows locks; else nobody else can be distinguished from us.
    pub certain: bool,
}

/// Takes a sequence, known by its history, which is made if it is missing.
///
/// # Errors
/// [`ProcessError::Busy`] if another process has it.
pub(super) fn take(history: &Path) -> Result<Ownership, ProcessError> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(history)
        .map_err(ProcessError::file("write to", history))?;
    let certain = match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => {
            return Err(ProcessError::Busy { history: history.to_owned() });
        }
        // Some shared file systems are mounted without locks.
        Err(TryLockError::Error(_)) => false,
    };
    Ok(Ownership { _lock: file, certain })
}

/// Kills the processes on this machine that an earlier owner of the sequence has left, waits for
/// their end, and tells how many there were.
///
/// # Errors
/// [`ProcessError::Leftover`] if one does not end.
pub(super) fn end_leftovers(history: &Path) -> Result<usize, ProcessError> {
    let left = leftovers(history);
    for pid in &left {
        // It may have ended by itself meanwhile.
        let _ = kill(*pid, Signal::SIGKILL);
    }
    let begin = Instant::now();
    for pid in &left {
        while is_alive(*pid) {
            if begin.elapsed() > PATIENCE {
                return Err(ProcessError::Leftover { pid: pid.as_raw() });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(left.len())
}

/// Our user's processes that carry the mark.
fn leftovers(history: &Path) -> Vec<Pid> {
    let mut mark = format!("{MARK}=").into_bytes();
    mark.extend_from_slice(history.as_os_str().as_bytes());
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    processes
        .flatten()
        .filter_map(|entry| {
            let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?);
            let environment = std::fs::read(entry.path().join("environ")).ok()?;
            let marked = environment.split(|byte| *byte == 0).any(|variable| variable == mark);
            (marked && pid != Pid::this()).then_some(pid)
        })
        .collect()
}

/// Whether a process still runs; one that has ended and is not yet waited for does not.
fn is_alive(pid: Pid) -> bool {
    match kill(pid, None) {
        Err(Errno::ESRCH) => false,
        _ => std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .is_ok_and(|stat| !stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_sequence_has_one_owner() {
        let dir = tempfile::tempdir().unwrap();
        let history = dir.path().join("sequence_LST1_19102.0003.history");
        let first = take(&history).unwrap();
        assert!(first.certain);
        assert!(matches!(take(&history), Err(ProcessError::Busy { .. })));
        drop(first);
        take(&history).unwrap();
    }

    #[test]
    fn only_the_processes_of_that_sequence_are_ended() {
        let dir = tempfile::tempdir().unwrap();
        let [mine, other] = ["mine.history", "mine.history2"].map(|name| dir.path().join(name));
        let start =
            |history: &Path| Command::new("/bin/sleep").arg("1000").env(MARK, history).spawn();
        let (mut left, mut innocent) = (start(&mine).unwrap(), start(&other).unwrap());
        assert_eq!(end_leftovers(&mine).unwrap(), 1);
        assert_eq!(left.wait().unwrap().code(), None);
        assert_eq!(innocent.try_wait().unwrap(), None);
        assert_eq!(end_leftovers(&mine).unwrap(), 0);
        innocent.kill().unwrap();
        innocent.wait().unwrap();
    }
}
