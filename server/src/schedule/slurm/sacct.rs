//! Accounting: what ran, how it ended, what it used. It lags behind by some seconds, and leaves out
//! jobs that wait for a dependency.
//!
//! Asked for a time alone, it also leaves out whatever was not "eligible" then, and for ever: jobs
//! that were cancelled while they waited for a dependency, and tasks of a throttled array (`%4`) that
//! the backfill scheduler began (seen with 22.05). Asked for states within a time, it has them all.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::model::{ExitCode, JobId, TaskRecord};

use super::fields::{SEPARATOR, Subject, memory, number_or_zero, readable, records, subject, time};

/// The fields asked for. The last may hold anything, line breaks too.
const FIELDS: [&str; 12] = [
    "JobID",
    "State",
    "ExitCode",
    "CPUTimeRAW",
    "ElapsedRaw",
    "MaxRSS",
    "Submit",
    "Start",
    "End",
    "Comment",
    "SubmitLine",
    "JobName",
];

/// Every state there is, `man sacct`. A word that a later Slurm adds is seen as long as the queue
/// remembers the job.
const STATES: &str = "BOOT_FAIL,CANCELLED,COMPLETED,DEADLINE,FAILED,NODE_FAIL,OUT_OF_MEMORY,PENDING,\
    PREEMPTED,RUNNING,REQUEUED,RESIZING,REVOKED,SUSPENDED,TIMEOUT";

/// Which fields this sacct has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Slurm 21.08 and later: `SubmitLine` shows the comment where accounting does not store it,
    /// and while the job has not ended.
    WithSubmitLine,
    /// Before.
    WithoutSubmitLine,
}

impl Dialect {
    fn fields(self) -> impl Iterator<Item = &'static str> {
        FIELDS.into_iter().filter(move |f| self == Self::WithSubmitLine || *f != "SubmitLine")
    }
}

/// `sacct`'s arguments. Requeued runs of a job are wanted too (`-D`): they tell what ran again.
pub(super) fn arguments(dialect: Dialect, user: u32, since: DateTime<Utc>) -> Vec<String> {
    let fields: Vec<_> = dialect.fields().collect();
    vec![
        "--noheader".into(),
        "--duplicates".into(),
        format!("--user={user}"),
        "--parsable2".into(),
        format!("--delimiter={SEPARATOR}"),
        "--noconvert".into(),
        format!("--starttime={}", since.format("%Y-%m-%dT%H:%M:%S")),
        // Without it, the states would be those at the start.
        "--endtime=now".into(),
        format!("--state={STATES}"),
        "--format".into(),
        fields.join(","),
    ]
}

/// Does this message of sacct say that it has no field `SubmitLine`?
pub(super) fn is_older(stderr: &str) -> bool {
    stderr.to_lowercase().contains("invalid field") && stderr.to_lowercase().contains("submitline")
}

/// All runs of all tasks, and what could not be read.
pub(super) fn parse(text: &str, dialect: Dialect) -> (Vec<TaskRecord>, Vec<String>) {
    let (rows, mut unreadable) = records(text, dialect.fields().count());
    let mut tasks = Vec::new();
    let mut memories = BTreeMap::new();
    for row in rows {
        let read = Row::new(dialect, &row).and_then(|row| row.read(&mut tasks, &mut memories));
        if read.is_none() {
            unreadable.push(format!("sacct: {}", readable(&row.join(&SEPARATOR.to_string()))));
        }
    }
    for task in &mut tasks {
        task.max_rss_bytes = memory_of(task, &memories);
    }
    (tasks, unreadable)
}

/// The steps of each task: when each began, and its largest resident memory.
type Memories = BTreeMap<(JobId, Option<u32>), Vec<(Option<DateTime<Utc>>, u64)>>;

/// Largest memory of the steps that belong to this run of the task.
fn memory_of(run: &TaskRecord, memories: &Memories) -> Option<u64> {
    let within = |begun: &Option<DateTime<Utc>>| match (*begun, run.started, run.ended) {
        (Some(begun), Some(started), Some(ended)) => (started..=ended).contains(&begun),
        (Some(begun), Some(started), None) => started <= begun,
        (None, ..) | (_, None, _) => true,
    };
    let steps = memories.get(&(run.job, run.task))?.iter();
    steps.filter(|(begun, _)| within(begun)).map(|(_, used)| *used).max()
}

/// A row's values by the names of their fields.
struct Row<'a>(BTreeMap<&'static str, &'a str>);

impl<'a> Row<'a> {
    fn new(dialect: Dialect, values: &[&'a str]) -> Option<Self> {
        let row: BTreeMap<_, _> = dialect.fields().zip(values.iter().copied()).collect();
        (row.len() == values.len()).then_some(Self(row))
    }

    fn get(&self, field: &str) -> &'a str {
        self.0.get(field).copied().unwrap_or_default()
    }

    fn read(&self, tasks: &mut Vec<TaskRecord>, memories: &mut Memories) -> Option<()> {
        match subject(self.get("JobID"))? {
            Subject::Component => {}
            Subject::Step(job, task) => {
                let begun = time(self.get("Start"))?;
                if let Some(used) = memory(self.get("MaxRSS"))? {
                    memories.entry((job, task)).or_default().push((begun, used));
                }
            }
            Subject::Tasks(job, indexes) => {
                let record = self.record(job)?;
                tasks.extend(indexes.into_iter().map(|task| TaskRecord { task, ..record.clone() }));
            }
        }
        Some(())
    }

    /// The record of one task, its index to be filled in.
    fn record(&self, job: JobId) -> Option<TaskRecord> {
        let state = state(self.get("State"))?;
        let exit: ExitCode = self.get("ExitCode").parse().ok()?;
        Some(TaskRecord {
            job,
            task: None,
            name: self.get("JobName").to_owned(),
            comment: self.comment().to_owned(),
            exit: (!state.is_active()).then_some(exit),
            cpu_seconds: number_or_zero(self.get("CPUTimeRAW"))?,
            elapsed_seconds: number_or_zero(self.get("ElapsedRaw"))?,
            max_rss_bytes: None,
            submitted: time(self.get("Submit"))?,
            started: time(self.get("Start"))?,
            ended: time(self.get("End"))?,
            reason: String::new(),
            restarts: 0,
            state,
        })
    }

    /// The comment, else the one on the command line that submitted the job.
    fn comment(&self) -> &'a str {
        let stored = self.get("Comment");
        if !stored.is_empty() {
            return stored;
        }
        let option = self.get("SubmitLine").split_once("--comment=").map(|(_, rest)| rest);
        option.and_then(|rest| rest.split_whitespace().next()).unwrap_or_default()
    }
}

/// A state; words that we do not know are kept, but a word it must be.
pub(super) fn state(text: &str) -> Option<crate::model::JobState> {
    let word = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | '+');
    let first = text.split_whitespace().next()?;
    first.chars().all(word).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::JobState;
    use proptest::prelude::*;

    /// As a real Slurm 22.05 answered our own call, `|` for the separator.
    const REAL: &str = include_str!("testdata/sacct-22.05.txt");

    fn read(text: &str) -> (Vec<TaskRecord>, Vec<String>) {
        parse(&text.replace('|', "\x1f"), Dialect::WithSubmitLine)
    }

    fn one(tasks: &[TaskRecord], job: u64, task: Option<u32>) -> &TaskRecord {
        tasks.iter().find(|t| t.job == JobId(job) && t.task == task).unwrap()
    }

    #[test]
    fn a_real_answer_is_read_whole() {
        let (tasks, unreadable) = read(REAL);
        assert_eq!(unreadable, Vec::<String>::new());
        let cancelled = one(&tasks, 6, None);
        assert_eq!(cancelled.state, JobState::Cancelled, "it says CANCELLED by 0");
        assert_eq!((cancelled.cpu_seconds, cancelled.max_rss_bytes), (4, Some(3_219_456)));
        let failed = one(&tasks, 2, Some(3));
        assert_eq!(failed.exit.unwrap().to_string(), "127:0");
        assert_eq!(failed.comment, "osa:a1");
        let running = one(&tasks, 2, Some(0));
        assert_eq!((running.exit, running.ended), (None, None));
        assert_eq!(running.comment, "osa:a1", "from the command line, before accounting has it");
        assert_eq!(one(&tasks, 2, Some(15)).state, JobState::Pending);
        assert_eq!(one(&tasks, 1, None).name, "LST1_19101");
        assert_eq!(one(&tasks, 3, None).name, "we,ird\nna;me");
        assert_eq!(tasks.iter().filter(|t| t.job == JobId(2)).count(), 16);
    }

    #[test]
    fn each_run_of_a_task_has_the_memory_of_its_own_steps() {
        let (tasks, _) = read(
            "7|NODE_FAIL|0:0|3|3||2026-11-22T09:00:00|2026-11-22T09:00:01|2026-11-22T09:00:09|||n\n\
             7.batch|CANCELLED|0:0|3|3|900K|2026-11-22T09:00:02|2026-11-22T09:00:02|2026-11-22T09:00:09|||batch\n\
             7|COMPLETED|0:0|3|3||2026-11-22T09:01:00|2026-11-22T09:01:01|2026-11-22T09:01:09|||n\n\
             7.batch|COMPLETED|0:0|3|3|500K|2026-11-22T09:01:01|2026-11-22T09:01:01|2026-11-22T09:01:09|||batch\n",
        );
        let used: Vec<_> = tasks.iter().map(|t| t.max_rss_bytes).collect();
        assert_eq!(used, [Some(900 << 10), Some(500 << 10)]);
    }

    #[test]
    fn an_older_sacct_is_read_without_the_command_line() {
        let text = "7|RUNNING|0:0|3|3||2026-11-22T09:52:42|2026-11-22T09:52:43|Unknown||LST1_1|x\n";
        let (tasks, unreadable) = parse(&text.replace('|', "\x1f"), Dialect::WithoutSubmitLine);
        assert_eq!(unreadable, Vec::<String>::new());
        assert_eq!(tasks[0].name, "LST1_1\x1fx", "a name may hold even the separator");
        assert!(is_older("sacct: fatal: Invalid field requested: \"submitline\""));
        assert!(!is_older("sacct: fatal: Invalid field requested: \"End\""));
    }

    #[test]
    fn states_that_nobody_heard_of_survive_and_nonsense_is_reported() {
        let row = |state: &str| format!("7|{state}|0:0|3|3||Unknown|Unknown|Unknown|||n\n");
        let (tasks, _) = read(&row("RESIZING"));
        assert_eq!(tasks[0].state, JobState::Other("RESIZING".into()));
        let (tasks, unreadable) = read(&row("???"));
        assert!(tasks.is_empty());
        assert_eq!(unreadable, ["sacct: 7|???|0:0|3|3||Unknown|Unknown|Unknown|||n"]);
    }

    proptest! {
        #[test]
        fn damage_is_reported_never_fatal(at in 0usize..REAL.len(), put in "[ -~\x1f\n]{0,6}", cut in 0usize..9) {
            let end = (at + cut).min(REAL.len());
            prop_assume!(REAL.is_char_boundary(at) && REAL.is_char_boundary(end));
            let _ = read(&format!("{}{put}{}", &REAL[..at], &REAL[end..]));
        }
    }
}
