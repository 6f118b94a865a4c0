//! The jobs of a run, one a row, newest first.

use std::collections::BTreeMap;

use leptos::prelude::*;

use super::format::{bytes, hms, or_dash, utc};
use super::state::task_counts;
use super::table;
use crate::model::{JobId, JobState, TaskRecord};

const COLUMNS: [(&str, &str); 8] = [
    ("", "Job"),
    ("", "Tasks"),
    ("", "Submitted"),
    ("", "Began"),
    ("", "Ended"),
    ("n", "CPU time"),
    ("n", "Memory, largest"),
    ("", "Reason"),
];

/// The table of jobs; a sentence if there are none.
pub fn job_table(tasks: &[TaskRecord]) -> impl IntoView + use<> {
    let mut jobs = BTreeMap::<JobId, Vec<&TaskRecord>>::new();
    for task in tasks {
        jobs.entry(task.job).or_default().push(task);
    }
    if jobs.is_empty() {
        return view! { <p class="none">"The scheduler knows no job of this run."</p> }.into_any();
    }
    let rows = jobs.into_iter().rev().map(|(job, tasks)| row(job, &tasks)).collect::<Vec<_>>();
    table::table("jobs", "Jobs", &COLUMNS, rows).into_any()
}

fn row(job: JobId, tasks: &[&TaskRecord]) -> impl IntoView + use<> {
    let mut counts = BTreeMap::<JobState, u32>::new();
    for task in tasks {
        *counts.entry(task.state.clone()).or_default() += 1;
    }
    // A job has ended when all its tasks have.
    let ended = if tasks.iter().all(|task| task.ended.is_some()) {
        tasks.iter().filter_map(|task| task.ended).max()
    } else {
        None
    };
    let reason = tasks.iter().map(|task| task.reason.as_str()).find(|reason| !reason.is_empty());
    view! {
        <tr id=format!("job-{job}")>
            <th scope="row">{job.to_string()}</th>
            <td class="tasks">{task_counts(&counts)}</td>
            <td>{or_dash(tasks.iter().filter_map(|task| task.submitted).min().map(utc))}</td>
            <td>{or_dash(tasks.iter().filter_map(|task| task.started).min().map(utc))}</td>
            <td>{or_dash(ended.map(utc))}</td>
            <td class="n">{hms(tasks.iter().map(|task| task.cpu_seconds).sum())}</td>
            <td class="n">
                {or_dash(tasks.iter().filter_map(|task| task.max_rss_bytes).max().map(bytes))}
            </td>
            <td>{reason.unwrap_or("").to_owned()}</td>
        </tr>
    }
}
