//! Waiting for a condition.

use std::future::Future;
use std::time::{Duration, Instant};

/// How long anything may take before a test fails: long, since machines can be slow and busy.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// Waits until something is so.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Runs asynchronous code in a test that is not asynchronous.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
