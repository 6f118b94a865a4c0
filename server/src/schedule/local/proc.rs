//! Processes as `/proc` tells of them (`man 5 proc`).

use std::path::PathBuf;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::store::local_queue::Runner;

/// One line of `/proc/PID/stat`, as far as it is of interest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) pid: i32,
    /// `Z` and `X` are dead.
    state: char,
    pub(super) session: i32,
    /// When it began, in ticks since the machine's start.
    pub(super) start: u64,
    /// Resident memory, in pages.
    rss_pages: u64,
}

impl Stat {
    /// Reads the line; the second field, a name in parentheses, may hold blanks and parentheses.
    fn parse(text: &str) -> Option<Self> {
        let (before, after) = (text.find('(')?, text.rfind(')')?);
        let pid = text.get(..before)?.trim().parse().ok()?;
        let fields: Vec<&str> = text.get(after + 1..)?.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3).copied(); // the manual counts from 1
        Some(Self {
            pid,
            state: field(3)?.chars().next()?,
            session: field(6)?.parse().ok()?,
            start: field(22)?.parse().ok()?,
            rss_pages: field(24)?.parse().ok()?,
        })
    }

    /// The process with this number, if there is one.
    pub(super) fn of(pid: i32) -> Option<Self> {
        Self::parse(&String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/stat")).ok()?))
    }

    fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X' | 'x')
    }
}

/// Every process that lives.
pub(super) fn all() -> Vec<Stat> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Stat::of)
        .filter(Stat::is_alive)
        .collect()
}

/// Which start of the machine this is.
fn boot() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    text.unwrap_or_default().trim().to_owned()
}

/// This process, so that others can tell it from all that will have its number.
pub fn myself() -> Option<Runner> {
    let stat = Stat::of(Pid::this().as_raw())?;
    Some(Runner { pid: stat.pid, start: stat.start, boot: boot() })
}

/// Whether this very process still lives.
pub fn is_alive(runner: &Runner) -> bool {
    runner.boot == boot()
        && Stat::of(runner.pid).is_some_and(|stat| stat.start == runner.start && stat.is_alive())
}

/// Sends a signal to this very process, if it still lives.
pub(super) fn signal(runner: &Runner, signal: Signal) {
    if is_alive(runner) {
        let _ = kill(Pid::from_raw(runner.pid), signal); // gone meanwhile: nothing to do
    }
}

/// Sends a signal to a process group; one that is gone is no error.
pub(super) fn signal_group(group: i32, signal: Signal) {
    let _ = killpg(Pid::from_raw(group), signal);
}

/// The others in this process's session.
pub(super) fn session_of(leader: i32) -> Vec<Stat> {
    all().into_iter().filter(|stat| stat.session == leader && stat.pid != leader).collect()
}

/// Processes that were begun with this entry (`NAME=value`) in their environment.
pub(super) fn with_variable(entry: &str) -> Vec<Stat> {
    let has = |stat: &Stat| {
        let file = PathBuf::from(format!("/proc/{}/environ", stat.pid));
        let environment = std::fs::read(file).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == entry.as_bytes())
    };
    all().into_iter().filter(has).collect()
}

/// Kills what `find` finds until it finds nothing, also what is being forked meanwhile. Returns
/// false if some would not die.
pub(super) fn kill_all(find: impl Fn() -> Vec<Stat>) -> bool {
    for _ in 0..100 {
        let found = find();
        if found.is_empty() {
            return true;
        }
        for stat in &found {
            let _ = kill(Pid::from_raw(stat.pid), Signal::SIGKILL);
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    false
}

/// Resident memory of some processes together, in bytes; pages that they share count for each.
pub(super) fn resident(processes: &[Stat], page: u64) -> u64 {
    processes.iter().map(|stat| stat.rss_pages * page).sum()
}

/// Memory of some processes together, in bytes, shared pages divided among those that share them;
/// `None` if the system does not tell.
pub(super) fn proportional(processes: &[Stat]) -> Option<u64> {
    let mut total = 0;
    for stat in processes {
        let Ok(text) = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", stat.pid)) else {
            continue; // ended meanwhile
        };
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
        total += kilobytes << 10;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_have_any_name() {
        let text = "42 (a) b (c) S 1 42 40 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 9876 1000 250 18";
        let stat = Stat::parse(text).unwrap();
        let expected = Stat { pid: 42, state: 'S', session: 40, start: 9876, rss_pages: 250 };
        assert_eq!(stat, expected);
        for words in 0..text.split(' ').count() - 1 {
            let cut: Vec<&str> = text.split(' ').take(words).collect();
            assert_eq!(Stat::parse(&cut.join(" ")), None, "{words}");
        }
    }

    #[test]
    fn a_process_is_known_by_number_start_and_boot() {
        let me = myself().unwrap();
        assert!(is_alive(&me));
        assert!(!is_alive(&Runner { start: me.start + 1, ..me.clone() }));
        assert!(!is_alive(&Runner { boot: "another".into(), ..me.clone() }));
        assert!(all().iter().any(|stat| stat.pid == me.pid));
    }
}
