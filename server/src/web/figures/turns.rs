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

    /// Lets those go first who wait, or did just now; but not for ever. Blocks.
    pub fn let_others_go_first(&self) {
        let began = Instant::now();
        while self.is_asked() && began.elapsed() < LONGEST {
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
    use super::*;

    #[test]
    fn the_background_waits_for_people_but_not_for_ever() {
        let turns = Turns::default();
        assert!(!turns.is_asked());
        let waiting = turns.wait();
        assert!(turns.is_asked());
        let began = Instant::now();
        turns.let_others_go_first();
        assert!(began.elapsed() >= LONGEST, "somebody still waits");
        drop(waiting);
        assert!(turns.is_asked(), "who was served asks again soon");
        turns.let_others_go_first();
        assert!(!turns.is_asked());
    }
}
