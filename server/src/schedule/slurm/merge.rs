//! One truth from two answers: accounting was asked first, the queue after it.
//!
//! | accounting says | the queue says | we say |
//! |---|---|---|
//! | anything | waits or runs | the queue: it is newer, and a job may have been put back |
//! | ended | ended, or nothing | accounting: it knows exit code and memory |
//! | waits or runs, or nothing | ended | the queue: accounting lags behind |
//! | waits or runs | nothing | `LOST`: the controller has been asked later and does not know it |
//! | a word that we do not know | nothing | accounting: the word may mean that it has ended |
//!
//! Nothing is lost that may stand in a part of the queue's answer that could not be read.
//!
//! A job's id can be given to another job after a crash of the controller. So records of one id are
//! the same job only if their names and, where both are known, their comments agree; otherwise both
//! are kept.

use std::collections::BTreeMap;

use crate::model::{JobId, JobState, TaskRecord};

use super::parsed::{Parsed, token};

type Key = (JobId, Option<u32>);

/// All tasks, each once.
pub(super) fn merge(accounting: &[TaskRecord], queue: &Parsed) -> Vec<TaskRecord> {
    let mut by_task: BTreeMap<Key, (Vec<TaskRecord>, Option<TaskRecord>)> = BTreeMap::new();
    for run in accounting {
        by_task.entry((run.job, run.task)).or_default().0.push(run.clone());
    }
    for task in &queue.tasks {
        let key = (task.job, task.task);
        by_task.entry(key).or_default().1 = Some(task.clone());
    }
    let tasks = by_task.into_iter();
    tasks
        .flat_map(|((job, _), (runs, queued))| one_task(runs, queued, queue.may_lack(job)))
        .collect()
}

/// The records of one id: the job it names now, and those that it named before.
fn one_task(
    mut runs: Vec<TaskRecord>,
    queued: Option<TaskRecord>,
    may_be_queued: bool,
) -> Vec<TaskRecord> {
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
        let known = !matches!(job.state, JobState::Other(_));
        if Some(i) != current && job.state.is_active() && known && !may_be_queued {
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
        // Other text than our token may have been put there by the site, later.
        && token(&a.comment).zip(token(&b.comment)).is_none_or(|(a, b)| a == b)
}

/// A later run of the same task.
fn again(before: &TaskRecord, mut now: TaskRecord) -> TaskRecord {
    now.restarts = before.restarts + u32::from(before.started.is_some());
    if token(&now.comment).is_none() && !before.comment.is_empty() {
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
    if token(&job.comment).is_none() && !queued.comment.is_empty() {
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
        let (max_rss_bytes, nodes) = (job.max_rss_bytes, std::mem::take(&mut job.nodes));
        *job = TaskRecord { comment, restarts, max_rss_bytes, nodes, ..queued };
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
    use super::super::call::Line;
    use super::super::{sacct, squeue};
    use super::*;
    use chrono::{DateTime, Utc};

    fn merge(accounting: Vec<TaskRecord>, tasks: Vec<TaskRecord>) -> Vec<TaskRecord> {
        super::merge(&accounting, &Parsed { tasks, ..Parsed::default() })
    }

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
            nodes: String::new(),
        }
    }

    fn states(tasks: &[TaskRecord]) -> Vec<(&str, u32)> {
        tasks.iter().map(|t| (t.state.as_str(), t.restarts)).collect()
    }

    /// Both answers of a real Slurm 22.05, taken one after the other.
    #[test]
    fn two_real_answers_make_one_truth() {
        let (mut accounting, mut queue) =
            (sacct::Reader::new(sacct::Dialect::WithSubmitLine), squeue::Reader::default());
        for text in include_str!("testdata/sacct-22.05.txt").replace('|', "\x1f").lines() {
            accounting.line(Line { text, whole: true });
        }
        for text in include_str!("testdata/squeue-22.05.txt").replace('|', "\x1f").lines() {
            queue.line(Line { text, whole: true });
        }
        let merged = super::merge(&accounting.end().tasks, &queue.end());
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

    #[test]
    fn a_job_that_accounting_knows_by_another_word_is_not_lost() {
        let merged = merge(vec![task("REVOKED_AGAIN", "osa:a", 0, Some(1))], vec![]);
        assert_eq!(states(&merged), [("REVOKED_AGAIN", 0)]);
    }

    #[test]
    fn what_may_stand_in_an_unreadable_part_of_the_queue_is_not_lost() {
        let accounting = [task("RUNNING", "osa:a", 0, Some(1))];
        let mut queue = Parsed::default();
        queue.doubt("squeue", "9_[x\u{1f}PENDING", None);
        assert_eq!(states(&super::merge(&accounting, &queue)), [("LOST", 0)]);
        queue.doubt("squeue", "7_[x\u{1f}PENDING", None);
        assert_eq!(states(&super::merge(&accounting, &queue)), [("RUNNING", 0)]);
        let cut = Parsed { cut: [JobId(7)].into(), ..Parsed::default() };
        assert_eq!(states(&super::merge(&accounting, &cut)), [("RUNNING", 0)]);
    }

    #[test]
    fn a_comment_that_the_site_rewrote_does_not_make_it_another_job() {
        let accounting = vec![task("RUNNING", "osa:a", 0, Some(1))];
        let merged = merge(accounting, vec![task("RUNNING", "by the site", 0, Some(1))]);
        assert_eq!(states(&merged), [("RUNNING", 0)]);
        assert_eq!(merged[0].comment, "osa:a");
    }
}
