//! The controller's queue: what waits and why, what runs, and what ended in the last minutes.

use crate::model::TaskRecord;

use super::fields::{
    SEPARATOR, Subject, duration, number_or_zero, readable, records, subject, time,
};
use super::sacct::state;

/// Id, state, time used, processors, submission, begin, end, reason, comment, name. The last may
/// hold anything, line breaks too.
const FIELDS: [&str; 10] = ["%i", "%T", "%M", "%C", "%V", "%S", "%e", "%r", "%k", "%j"];

/// `squeue`'s arguments: our own jobs, ended ones too as long as the controller remembers them.
pub(super) fn arguments() -> Vec<String> {
    vec![
        "--me".into(),
        "--noheader".into(),
        "--states=all".into(),
        format!("--format={}", FIELDS.join(&SEPARATOR.to_string())),
    ]
}

/// All tasks in the queue, and what could not be read.
pub(super) fn parse(text: &str) -> (Vec<TaskRecord>, Vec<String>) {
    let (rows, mut unreadable) = records(text, FIELDS.len());
    let mut tasks = Vec::new();
    for row in rows {
        if read(&row, &mut tasks).is_none() {
            unreadable.push(format!("squeue: {}", readable(&row.join(&SEPARATOR.to_string()))));
        }
    }
    (tasks, unreadable)
}

fn read(row: &[&str], tasks: &mut Vec<TaskRecord>) -> Option<()> {
    let [id, word, used, processors, submitted, begin, end, reason, comment, name] = *row else {
        return None;
    };
    let (job, indexes) = match subject(id)? {
        Subject::Tasks(job, indexes) => (job, indexes),
        Subject::Component => return Some(()),
        Subject::Step(..) => return None,
    };
    let state = state(word)?;
    let elapsed = duration(used)?;
    // For what waits, squeue's begin and end are guesses.
    let begun = if state.is_waiting() { None } else { time(begin)? };
    let ended = if state.is_active() { None } else { time(end)? };
    let record = TaskRecord {
        job,
        task: None,
        name: name.to_owned(),
        comment: if comment == "(null)" { String::new() } else { comment.to_owned() },
        exit: None,
        cpu_seconds: elapsed.saturating_mul(number_or_zero(processors)?),
        elapsed_seconds: elapsed,
        max_rss_bytes: None,
        submitted: time(submitted)?,
        started: begun,
        ended,
        reason: if reason == "None" { String::new() } else { reason.to_owned() },
        restarts: 0,
        state,
    };
    tasks.extend(indexes.into_iter().map(|task| TaskRecord { task, ..record.clone() }));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{JobId, JobState};
    use proptest::prelude::*;

    /// As a real Slurm 22.05 answered our own call, `|` for the separator.
    const REAL: &str = include_str!("testdata/squeue-22.05.txt");

    fn read_all(text: &str) -> (Vec<TaskRecord>, Vec<String>) {
        parse(&text.replace('|', "\x1f"))
    }

    #[test]
    fn a_real_answer_is_read_whole() {
        let (tasks, unreadable) = read_all(REAL);
        assert_eq!(unreadable, Vec::<String>::new());
        let one = |job, task| tasks.iter().find(|t| t.job == JobId(job) && t.task == task).unwrap();
        let running = one(2, Some(0));
        assert_eq!((&running.state, running.elapsed_seconds), (&JobState::Running, 3));
        assert!(running.started.is_some() && running.ended.is_none(), "the end is a guess");
        let waiting = one(2, Some(15));
        assert_eq!((&waiting.state, waiting.started), (&JobState::Pending, None));
        assert_eq!(one(5, Some(1)).reason, "DependencyNeverSatisfied");
        assert_eq!(one(2, Some(3)).state, JobState::Failed);
        assert!(one(2, Some(3)).ended.is_some());
        assert_eq!(tasks.iter().filter(|t| t.job == JobId(2)).count(), 16);
        assert!(tasks.iter().filter(|t| t.job == JobId(2)).all(|t| t.comment == "osa:a1"));
    }

    proptest! {
        #[test]
        fn damage_is_reported_never_fatal(at in 0usize..REAL.len(), put in "[ -~\x1f\n]{0,6}", cut in 0usize..9) {
            let end = (at + cut).min(REAL.len());
            prop_assume!(REAL.is_char_boundary(at) && REAL.is_char_boundary(end));
            let _ = read_all(&format!("{}{put}{}", &REAL[..at], &REAL[end..]));
        }
    }
}
