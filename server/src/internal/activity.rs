//! Whether the threads of a task work, or wait for something that does not come.

use std::cell::RefCell;
use std::fs;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use nix::unistd::{Pid, gettid};

use super::lock;

thread_local! {
    /// The task that this thread works at.
    static CURRENT: RefCell<Option<Arc<Activity>>> = const { RefCell::new(None) };
}

/// A task on threads of its own, watched by others.
#[derive(Debug)]
pub struct Activity {
    began: DateTime<Utc>,
    threads: Mutex<Vec<Pid>>,
    last: Mutex<Option<Sample>>,
}

/// What the kernel counted for the threads, and when that was new.
#[derive(Debug)]
struct Sample {
    counters: String,
    at: DateTime<Utc>,
}

impl Activity {
    /// A task that has no thread yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { began: Utc::now(), threads: Mutex::default(), last: Mutex::default() })
    }

    /// The task that the calling thread works at, for threads that it starts.
    pub fn current() -> Option<Arc<Self>> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// The calling thread works at the task until the result is dropped.
    #[must_use]
    pub fn enter(self: &Arc<Self>) -> Entered {
        let thread = gettid();
        lock(&self.threads).push(thread);
        let before = CURRENT.replace(Some(Arc::clone(self)));
        Entered { activity: Arc::clone(self), thread, before }
    }

    /// Since when no thread of the task has worked or been ready to; `None` if one does now. A thread that
    /// computes on a busy machine does not wait for a file system. Only what changed between two calls is
    /// noticed, so it is to be called several times.
    pub fn idle_since(&self) -> Option<DateTime<Utc>> {
        let threads = lock(&self.threads).clone();
        if threads.is_empty() {
            return Some(self.began);
        }
        let mut counters = String::new();
        let mut is_ready = false;
        for thread in threads {
            let of_thread = |name| fs::read_to_string(format!("/proc/self/task/{thread}/{name}"));
            // Where the kernel does not count, the state has to do.
            counters += &of_thread("schedstat").unwrap_or_default();
            is_ready |= of_thread("stat").is_ok_and(|stat| state_is_ready(&stat));
        }
        let mut last = lock(&self.last);
        match &*last {
            Some(sample) if sample.counters == counters && !is_ready => Some(sample.at),
            _ => {
                *last = Some(Sample { counters, at: Utc::now() });
                None
            }
        }
    }
}

/// Whether a line of `/proc/PID/stat` is of a thread that runs or waits for a processor. The name before
/// the state may hold anything, so its last parenthesis counts (proc(5)).
fn state_is_ready(stat: &str) -> bool {
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('R'))
}

/// A thread that works at a task.
#[derive(Debug)]
pub struct Entered {
    activity: Arc<Activity>,
    thread: Pid,
    before: Option<Arc<Activity>>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut threads = lock(&self.activity.threads);
        if let Some(place) = threads.iter().position(|thread| *thread == self.thread) {
            threads.swap_remove(place);
        }
        CURRENT.set(self.before.take());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    #[test]
    fn the_state_follows_the_name_whatever_that_is() {
        assert!(state_is_ready("12 (a name) R 1 12"));
        assert!(!state_is_ready("12 (R) R) S 1 12"));
        assert!(!state_is_ready("12 (disk) D 1 12"));
        assert!(!state_is_ready(""));
    }

    #[test]
    fn a_task_is_idle_when_all_its_threads_wait() {
        let activity = Activity::new();
        assert_eq!(activity.idle_since(), Some(activity.began));
        let (release, released) = channel::<()>();
        thread::scope(|scope| {
            let activity = &activity;
            scope.spawn(move || {
                let _entered = activity.enter();
                let _ = released.recv();
            });
            // The thread comes to its wait sooner or later.
            let since = loop {
                match activity.idle_since() {
                    Some(since) if since != activity.began => break since,
                    _ => thread::yield_now(),
                }
            };
            assert_eq!(activity.idle_since(), Some(since));
            let _working = activity.enter();
            assert!(Activity::current().is_some());
            assert_eq!(activity.idle_since(), None);
            drop(release);
        });
        assert!(Activity::current().is_none());
        assert_eq!(activity.idle_since(), Some(activity.began));
    }
}
