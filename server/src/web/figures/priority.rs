//! Priority of requests over work in the background.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::internal::lock;

/// A browser requests the figures of a page right after it: so long background work waits.
const QUIET: Duration = Duration::from_millis(100);
/// Work in the background yields at most so long, row by row.
const LONGEST: Duration = Duration::from_millis(500);
/// How often it checks.
const CHECK: Duration = Duration::from_millis(5);

/// Counts the requests for a page or a figure.
#[derive(Debug, Default)]
pub struct Priority {
    waiting: AtomicUsize,
    served: Mutex<Option<Instant>>,
}

/// A request is being answered while this exists.
pub struct ForegroundGuard<'a>(&'a Priority);

impl Drop for ForegroundGuard<'_> {
    fn drop(&mut self) {
        *lock(&self.0.served) = Some(Instant::now());
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Priority {
    /// Marks a request for a page or a figure until the guard is dropped.
    pub fn wait(&self) -> ForegroundGuard<'_> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        ForegroundGuard(self)
    }

    /// Waits while requests are answered, or were just now; but not forever, and not if one of them waits
    /// for what the caller holds. Blocks.
    pub fn yield_to_foreground(&self, is_awaited: impl Fn() -> bool) {
        let began = Instant::now();
        while self.is_busy() && !is_awaited() && began.elapsed() < LONGEST {
            std::thread::sleep(CHECK);
        }
    }

    fn is_busy(&self) -> bool {
        let served = || *lock(&self.served);
        self.waiting.load(Ordering::Acquire) > 0
            || served().is_some_and(|served| served.elapsed() < QUIET)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn the_background_waits_for_requests_but_not_forever() {
        let priority = Priority::default();
        assert!(!priority.is_busy());
        let waiting = priority.wait();
        assert!(priority.is_busy());
        let began = Instant::now();
        let asked = Cell::new(0);
        priority.yield_to_foreground(|| {
            asked.set(asked.get() + 1);
            true
        });
        assert_eq!(asked.get(), 1, "a request waits for what is read");
        priority.yield_to_foreground(|| false);
        assert!(began.elapsed() >= LONGEST, "somebody still waits");
        drop(waiting);
        assert!(priority.is_busy(), "a browser that was served asks again soon");
        priority.yield_to_foreground(|| false);
        assert!(!priority.is_busy());
    }
}
