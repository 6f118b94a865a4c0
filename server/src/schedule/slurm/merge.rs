//! One truth from two answers: accounting was asked first, the queue after it.
//!
//! | accounting says | the queue says | we say |
//! |---|---|---|
//! | anything | waits or runs | the queue: it is newer, and a job may have been put back |
//! | ended | ended, or nothing | accounting: it knows exit code and memory |
//! | waits or runs, or nothing | ended | the queue: accounting lags behind |
//! | waits or runs | nothing | `LOST`: the controller has been asked later and does not know it |
//!
//! A job's id can be given to another job after a crash of the controller. So records of one id are
//! the same job only if their names and, where both are known, their comments agree; otherwise both
//! are kept.

use std::collections::BTreeMap;

use crate::model::{JobId, JobState, TaskRecord};

type Key = (JobId, Option<u32>);

/// All tasks, each once.
pub(super) fn merge(accounting: Vec<TaskRecord>, queue: Vec<TaskRecord>) -> Vec<TaskRecord> {
    let mut by_task: BTreeMap<Key, (Vec<TaskRecord>, Option<TaskRecord>)> = BTreeMap::new();
    for run in accounting {
        by_task.entry((run.job, run.task)).or_default().0.push(run);
    }
    for task in queue {
        let key = (task.job, task.task);
        by_task.entry(key).or_default().1 = Some(task);
    }
    by_task.into_values().flat_map(|(runs, queued)| one_task(runs, queued)).collect()
}

/// The records of one id: the job it names now, and those that it named before.
fn one_task(mut runs: Vec<TaskRecord>, queued: Option<TaskRecord>) -> Vec<TaskRecord> {
    runs.sort_by_key(|run| (run.submitted, run.started));
    let mut jobs: Vec<TaskRecord> = Vec::new();
    for run in runs {
        match jobs.iter_mut().find(|job| same_job(job, &run)) {
            Some(job) => *job = again(job, run),
            None => jobs.push(run),
        }
    }
    let current = queued.as_ref().and_then(|q| jobs.iter().position(|job| same_job(job, q)));
    for (i, job) in jobs.iter_mut().enumerate() {
        if Some(i) != current && job.state.is_active() {
            lose(job);
        }
    }
    if let Some(queued) = queued {
        // What the controller knows is the newest, also where times of whole seconds do not tell.
        match current.map(|i| jobs.remove(i)) {
            Some(mut job) => {
                join(&mut job, queued);
                jobs.push(job);
            }
            None => jobs.push(queued),
        }
    }
    jobs
}

fn same_job(a: &TaskRecord, b: &TaskRecord) -> bool {
    // Accounting may for a moment call a new job "allocation"; what the controller refused keeps
    // that name, with its number, state FAILED and our comment.
    let named_so = |a: &TaskRecord, b: &TaskRecord| a.name == b.name || a.name == "allocation";
    (named_so(a, b) || named_so(b, a))
        && (a.comment.is_empty() || b.comment.is_empty() || a.comment == b.comment)
}

/// A later run of the same task.
fn again(before: &TaskRecord, mut now: TaskRecord) -> TaskRecord {
    now.restarts = before.restarts + u32::from(before.started.is_some());
    if now.comment.is_empty() {
        now.comment.clone_from(&before.comment);
    }
    now
}

/// Accounting holds it for alive, the controller does not know it.
fn lose(job: &mut TaskRecord) {
    job.reason = format!("unknown to the controller, {} in accounting", job.state);
    job.state = JobState::Lost;
}

fn join(job: &mut TaskRecord, queued: TaskRecord) {
    job.name.clone_from(&queued.name);
    if job.comment.is_empty() {
        job.comment.clone_from(&queued.comment);
    }
    job.reason.clone_from(&queued.reason);
    if queued.state.is_active() {
        // The record of the next run is left out by sacct until the job may begin again.
        let over = !job.state.is_active() || job.state == JobState::Requeued;
        let put_back = over && job.started.is_some();
        if put_back && queued.state != JobState::Completing {
            job.restarts += 1;
        }
        let (comment, restarts) = (std::mem::take(&mut job.comment), job.restarts);
        let max_rss_bytes = job.max_rss_bytes;
        *job = TaskRecord { comment, restarts, max_rss_bytes, ..queued };
    } else if job.state.is_active() {
        job.state = queued.state;
        job.ended = queued.ended;
        job.started = queued.started.or(job.started);
        job.elapsed_seconds = queued.elapsed_seconds;
        job.cpu_seconds = queued.cpu_seconds;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Utc};

    fn at(second: u32) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(1_800_000_000 + i64::from(second), 0)
    }

    fn task(state: &str, comment: &str, submitted: u32, started: Option<u32>) -> TaskRecord {
        TaskRecord {
            job: JobId(7),
            task: Some(1),
            name: "LST1_19102".into(),
            comment: comment.into(),
            state: state.parse().unwrap(),
            exit: None,
            cpu_seconds: 1,
            elapsed_seconds: 1,
            max_rss_bytes: None,
            submitted: at(submitted),
            started: started.and_then(at),
            ended: None,
            reason: String::new(),
            restarts: 0,
        }
    }

    fn states(tasks: &[TaskRecord]) -> Vec<(&str, u32)> {
        tasks.iter().map(|t| (t.state.as_str(), t.restarts)).collect()
    }

    /// Both answers of a real Slurm 22.05, taken one after the other.
    #[test]
    fn two_real_answers_make_one_truth() {
        let text = |raw: &str| raw.replace('|', "\x1f");
        let (accounting, _) = super::super::sacct::parse(
            &text(include_str!("testdata/sacct-22.05.txt")),
            super::super::sacct::Dialect::WithSubmitLine,
        );
        let (queue, _) =
            super::super::squeue::parse(&text(include_str!("testdata/squeue-22.05.txt")));
        let merged = merge(accounting, queue);
        let lines: Vec<String> = merged
            .iter()
            .map(|t| {
                let exit = t.exit.map_or_else(String::new, |e| e.to_string());
                format!("{} {} {exit} {} {}", t.label(), t.state, t.comment, t.reason)
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn what_the_queue_says_of_a_live_task_wins() {
        let sacct = vec![task("PENDING", "", 0, None)];
        let merged = merge(sacct, vec![task("RUNNING", "osa:a", 0, Some(2))]);
        assert_eq!(states(&merged), [("RUNNING", 0)]);
        assert_eq!(merged[0].comment, "osa:a");
    }

    #[test]
    fn accounting_that_lags_behind_does_not_keep_a_task_running() {
        let sacct = vec![task("RUNNING", "", 0, Some(1))];
        let merged = merge(sacct, vec![task("TIMEOUT", "osa:a", 0, Some(1))]);
        assert_eq!(states(&merged), [("TIMEOUT", 0)]);
        let merged = merge(vec![], vec![task("FAILED", "osa:a", 0, Some(1))]);
        assert_eq!(states(&merged), [("FAILED", 0)]);
    }

    #[test]
    fn accounting_tells_how_a_task_ended() {
        let mut sacct = task("FAILED", "osa:a", 0, Some(1));
        sacct.exit = "1:0".parse().ok();
        let merged = merge(vec![sacct], vec![task("FAILED", "osa:a", 0, Some(1))]);
        assert_eq!(merged[0].exit.unwrap().to_string(), "1:0");
    }

    #[test]
    fn a_job_that_only_accounting_holds_for_alive_is_lost() {
        let merged = merge(vec![task("RUNNING", "osa:a", 0, Some(1))], vec![]);
        assert_eq!(states(&merged), [("LOST", 0)]);
        assert_eq!(merged[0].reason, "unknown to the controller, RUNNING in accounting");
        let merged = merge(vec![task("COMPLETED", "osa:a", 0, Some(1))], vec![]);
        assert_eq!(states(&merged), [("COMPLETED", 0)]);
    }

    #[test]
    fn a_task_that_slurm_ran_again_says_so() {
        let first = task("NODE_FAIL", "osa:a", 0, Some(1));
        let second = task("RUNNING", "", 50, Some(60));
        let queue = vec![task("RUNNING", "osa:a", 50, Some(60))];
        let merged = merge(vec![second, first.clone()], queue);
        assert_eq!(states(&merged), [("RUNNING", 1)]);
        // Put back, and accounting has only its first run yet.
        let waits = task("PENDING", "osa:a", 50, None);
        let merged = merge(vec![first.clone()], vec![waits.clone()]);
        assert_eq!(states(&merged), [("PENDING", 1)]);
        let put_back = task("REQUEUED", "osa:a", 0, Some(1));
        let merged = merge(vec![put_back.clone()], vec![waits.clone()]);
        assert_eq!(states(&merged), [("PENDING", 1)]);
        let merged = merge(vec![put_back, task("PENDING", "", 50, None)], vec![waits]);
        assert_eq!(states(&merged), [("PENDING", 1)]);
    }

    #[test]
    fn an_id_that_was_given_to_another_job_names_two_jobs() {
        let old = task("RUNNING", "osa:a", 0, Some(1));
        let new = task("RUNNING", "osa:b", 90, Some(95));
        let merged = merge(vec![old.clone()], vec![new.clone()]);
        assert_eq!(states(&merged), [("LOST", 0), ("RUNNING", 0)]);
        let other_name = TaskRecord { name: "sim".into(), comment: String::new(), ..new };
        let merged = merge(vec![old.clone()], vec![other_name]);
        assert_eq!(states(&merged), [("LOST", 0), ("RUNNING", 0)]);
        // Within one second, in whatever order accounting tells them.
        let at_once = TaskRecord { comment: "osa:b".into(), ..old.clone() };
        for accounting in [vec![at_once.clone(), old.clone()], vec![old.clone(), at_once.clone()]] {
            let merged = merge(accounting, vec![at_once.clone()]);
            assert_eq!(states(&merged), [("LOST", 0), ("RUNNING", 0)]);
            assert_eq!(merged.last().map(|job| &*job.comment), Some("osa:b"));
        }
    }
}
