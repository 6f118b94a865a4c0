//! The controller's queue: what waits and why, what runs, and what ended in the last minutes.

use crate::model::{JobId, TaskRecord};

use super::call::Line;
use super::fields::{Record, Records, SEPARATOR, Subject, duration, number_or_zero, subject, time};
use super::parsed::{Parsed, comment, state};

/// Id, state, time used, submission, begin, end, reason, comment, name, processors. The last never
/// holds a line break, so that it ends the record.
const FIELDS: [&str; 10] = ["%i", "%T", "%M", "%V", "%S", "%e", "%r", "%k", "%j", "%C"];

/// `squeue`'s arguments: our own jobs, ended ones too as long as the controller remembers them.
pub(super) fn arguments() -> Vec<String> {
    vec![
        "--me".into(),
        "--noheader".into(),
        "--states=all".into(),
        format!("--format={}", FIELDS.join(&SEPARATOR.to_string())),
    ]
}

/// The same for some jobs, with a line for each task.
pub(super) fn arguments_of<'j>(jobs: impl IntoIterator<Item = &'j JobId>) -> Vec<String> {
    let jobs: Vec<String> = jobs.into_iter().map(ToString::to_string).collect();
    let mut arguments = arguments();
    arguments.extend(["--array".into(), format!("--jobs={}", jobs.join(","))]);
    arguments
}

/// Reads an answer line by line: all tasks in the queue, and what could not be read.
#[derive(Debug)]
pub(super) struct Reader {
    records: Records,
    parsed: Parsed,
}

impl Default for Reader {
    fn default() -> Self {
        Self { records: Records::new(FIELDS.len()), parsed: Parsed::default() }
    }
}

impl Reader {
    /// Takes the next line.
    pub fn line(&mut self, line: Line<'_>) {
        let parsed = &mut self.parsed;
        self.records.line(line, &mut |record| take(&record, parsed));
    }

    /// The answer has ended.
    pub fn end(mut self) -> Parsed {
        let parsed = &mut self.parsed;
        self.records.end(&mut |record| take(&record, parsed));
        self.parsed
    }
}

fn take(record: &Record<'_>, parsed: &mut Parsed) {
    let Record::Whole(values) = record else { return parsed.rest("squeue", record) };
    if read(values, parsed).is_none() {
        let name = values.get(8).copied();
        parsed.doubt("squeue", &values.join(&SEPARATOR.to_string()), name);
    }
}

fn read(row: &[&str], parsed: &mut Parsed) -> Option<()> {
    let [id, word, used, submitted, begin, end, reason, remark, name, processors] = *row else {
        return None;
    };
    let Subject::Tasks { job, tasks, cut } = subject(id)? else { return None };
    let state = state(word)?;
    let elapsed = duration(used)?;
    // For what waits, squeue's begin and end are guesses.
    let begun = if state.is_waiting() { None } else { time(begin)? };
    let ended = if state.is_active() { None } else { time(end)? };
    let record = TaskRecord {
        job,
        task: None,
        name: name.to_owned(),
        comment: comment(remark).to_owned(),
        exit: None,
        cpu_seconds: elapsed.saturating_mul(number_or_zero(processors)?),
        elapsed_seconds: elapsed,
        max_rss_bytes: None,
        submitted: time(submitted)?,
        started: begun,
        ended,
        reason: if reason == "None" { String::new() } else { reason.to_owned() },
        restarts: 0,
        nodes: String::new(),
        state,
    };
    parsed.tasks.extend(tasks.into_iter().map(|task| TaskRecord { task, ..record.clone() }));
    parsed.cut.extend(cut.then_some(job));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::JobState;
    use proptest::prelude::*;

    /// As a real Slurm 22.05 answered our own call, `|` for the separator.
    const REAL: &str = include_str!("testdata/squeue-22.05.txt");

    fn parsed(text: &str) -> Parsed {
        let mut reader = Reader::default();
        for line in text.replace('|', "\x1f").split_inclusive('\n') {
            let whole = line.ends_with('\n');
            reader.line(Line { text: line.trim_end_matches('\n'), whole });
        }
        reader.end()
    }

    fn read_all(text: &str) -> (Vec<TaskRecord>, Vec<String>) {
        let parsed = parsed(text);
        (parsed.tasks, parsed.doubts.into_iter().map(|doubt| doubt.line).collect())
    }

    #[test]
    fn a_list_that_is_cut_short_has_the_tasks_it_names() {
        let row = |id: &str| {
            format!("{id}|PENDING|0:00|2026-11-22T09:59:00|N/A|N/A|Priority|(null)|LST1_1|1\n")
        };
        let parsed = parsed(&(row("801_[0,2,...]") + &row("802_[0,x]")));
        let seen: Vec<_> = parsed.tasks.iter().map(TaskRecord::label).collect();
        assert_eq!(seen, ["801_0", "801_2"]);
        assert!(
            parsed.may_lack(JobId(801))
                && parsed.may_lack(JobId(802))
                && !parsed.may_lack(JobId(803))
        );
        assert_eq!(
            (parsed.doubts[0].job, parsed.doubts[0].name.as_deref()),
            (Some(JobId(802)), Some("LST1_1"))
        );
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
