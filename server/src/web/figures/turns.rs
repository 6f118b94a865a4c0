//! Who goes first: people who wait, before work in the background.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::internal::lock;

/// A browser that has a page asks for its figures right after: so long nobody else begins.
const QUIET: Duration = Duration::from_millis(100);
/// Work in the background waits at most so long, row by row, for what somebody waits for.
const LONGEST: Duration = Duration::from_millis(500);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(5);

/// Counts those who wait for a page or a figure.
#[derive(Debug, Default)]
pub struct Turns {
    waiting: AtomicUsize,
    served: Mutex<Option<Instant>>,
}

/// That somebody waits, while this is kept.
pub struct Waiting<'a>(&'a Turns);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        *lock(&self.0.served) = Some(Instant::now());
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Turns {
    /// While this is kept, somebody waits for a page or a figure.
    pub fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        Waiting(self)
    }

    /// Lets those go first who wait, or did just now; but not for ever, and not if they wait for what
    /// the caller holds. Blocks.
    pub fn let_others_go_first(&self, is_awaited: impl Fn() -> bool) {
        let began = Instant::now();
        while self.is_asked() && !is_awaited() && began.elapsed() < LONGEST {
            std::thread::sleep(LOOK);
        }
    }

    fn is_asked(&self) -> bool {
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
    fn the_background_waits_for_people_but_not_for_ever() {
        let turns = Turns::default();
        assert!(!turns.is_asked());
        let waiting = turns.wait();
        assert!(turns.is_asked());
        let began = Instant::now();
        let asked = Cell::new(0);
        turns.let_others_go_first(|| {
            asked.set(asked.get() + 1);
            true
        });
        assert_eq!(asked.get(), 1, "somebody waits for what is read");
        turns.let_others_go_first(|| false);
        assert!(began.elapsed() >= LONGEST, "somebody still waits");
        drop(waiting);
        assert!(turns.is_asked(), "who was served asks again soon");
        turns.let_others_go_first(|| false);
        assert!(!turns.is_asked());
    }
}
