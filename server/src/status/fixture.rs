//! What the room's tests build with.

use crate::model::{JobId, TaskRecord};

/// Task `index` of a job of run 19102, in a state.
pub fn task(job: u64, index: usize, state: &str) -> TaskRecord {
    let state: crate::model::JobState = state.to_owned().into();
    TaskRecord {
        job: JobId(job),
        task: u32::try_from(index).ok(),
        name: "LST1_19102".into(),
        comment: String::new(),
        exit: None,
        cpu_seconds: 0,
        elapsed_seconds: 0,
        max_rss_bytes: None,
        submitted: None,
        started: None,
        ended: None,
        reason: String::new(),
        restarts: 0,
        state,
    }
}
