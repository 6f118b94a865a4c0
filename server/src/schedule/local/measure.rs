//! What a task uses: memory looked at now and then, processor time from the system's account.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::unistd::{SysconfVar, sysconf};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use super::proc;

/// Longest time between two looks at a task's memory.
const SLOWEST: Duration = Duration::from_secs(2);
/// So many looks in a row must find the queue's database missing.
const SAMPLES: u32 = 3;

/// Watches what the processes of a session use.
pub(super) struct Meter {
    session: i32,
    next: Instant,
    pause: Duration,
    peak: u64,
    samples_without_queue: u32,
}

/// What was used in all.
pub(super) struct Used {
    /// Processor time of the script and all that it waited for.
    pub(super) cpu: Duration,
    /// Largest resident memory in bytes; `None` if it was over too soon to tell.
    pub(super) max_rss: Option<u64>,
}

impl Meter {
    pub(super) fn new(session: i32) -> Self {
        let pause = Duration::from_millis(50);
        Self { session, next: Instant::now() + pause, pause, peak: 0, samples_without_queue: 0 }
    }

    /// Waits until it is time for a look: soon at first, later every two seconds.
    pub(super) async fn due(&self) {
        sleep_until(self.next).await;
    }

    /// Takes a look. Returns whether the processes together are above `limit` bytes; only then are
    /// shared pages distinguished, which costs more.
    pub(super) async fn measure(&mut self, limit: Option<u64>) -> bool {
        let session = self.session;
        let sample = spawn_blocking(move || {
            let processes = proc::session_of(session);
            let resident = proc::resident(&processes, page());
            let above = limit.is_some_and(|limit| {
                resident > limit && proc::proportional(&processes).is_some_and(|pss| pss > limit)
            });
            (resident, above)
        });
        let (resident, above) = sample.await.unwrap_or_default();
        self.peak = self.peak.max(resident);
        self.pause = (self.pause * 2).min(SLOWEST);
        self.next = Instant::now() + self.pause;
        above
    }

    /// Notes whether the queue's database is missing; true once it has been for some time.
    pub(super) fn queue_missing(&mut self, missing: bool) -> bool {
        self.samples_without_queue = if missing { self.samples_without_queue + 1 } else { 0 };
        self.samples_without_queue >= SAMPLES
    }

    /// What was used, once all has ended.
    ///
    /// The system's account of the largest child begins with the size of this process itself, from
    /// which the child was forked; so it counts only where it is larger.
    pub(super) fn total(&self) -> Used {
        let kilobytes = |kb: i64| u64::try_from(kb).unwrap_or(0) << 10;
        let own = getrusage(UsageWho::RUSAGE_SELF).map_or(0, |usage| kilobytes(usage.max_rss()));
        let Ok(children) = getrusage(UsageWho::RUSAGE_CHILDREN) else {
            return Used { cpu: Duration::ZERO, max_rss: (self.peak > 0).then_some(self.peak) };
        };
        let micros =
            children.user_time().num_microseconds() + children.system_time().num_microseconds();
        let largest = Some(kilobytes(children.max_rss())).filter(|largest| *largest > own);
        Used {
            cpu: Duration::from_micros(u64::try_from(micros).unwrap_or(0)),
            max_rss: largest.max((self.peak > 0).then_some(self.peak)),
        }
    }
}

fn page() -> u64 {
    let size = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
    size.and_then(|size| u64::try_from(size).ok()).unwrap_or(4096)
}
