//! How a scheduler that answers slowly is spared.

use std::time::Duration;

/// A scheduler is left alone for so many times as long as its last answer took.
const TIMES: u32 = 10;

/// How long to leave a scheduler alone after an answer that took so long; `longest` at most.
pub fn back_off(took: Duration, longest: Duration) -> Duration {
    took.saturating_mul(TIMES).min(longest)
}
