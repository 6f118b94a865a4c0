//! Accounting: what ran, how it ended, what it used. It lags behind by some seconds, and leaves out
//! jobs that wait for a dependency.
//!
//! Asked for a time alone, it also leaves out whatever was not "eligible" then, and forever: jobs
//! that were cancelled while they waited for a dependency, and tasks of a throttled array (`%4`) that
//! the backfill scheduler began (seen with 22.05). Asked for states within a time, it has them all.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::model::{ExitCode, JobId, TaskRecord};

use super::call::Line;
use super::fields::{Record, Records, SEPARATOR, Subject, memory, number_or_zero, subject, time};
use super::parsed::{Parsed, comment, state, token};

/// The fields asked for. The last never holds a line break, so that it ends the record.
const FIELDS: [&str; 13] = [
    "JobID",
    "State",
    "ExitCode",
    "CPUTimeRAW",
    "ElapsedRaw",
    "MaxRSS",
    "Submit",
    "Start",
    "NodeList",
    "Comment",
    "SubmitLine",
    "JobName",
    "End",
];

/// Every state there is, `man sacct`. A word that a later Slurm adds is seen as long as the queue
/// remembers the job.
pub(super) const STATES: &str = "BOOT_FAIL,CANCELLED,COMPLETED,DEADLINE,FAILED,NODE_FAIL,OUT_OF_MEMORY,PENDING,\
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

/// Which jobs are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Selection<'a> {
    /// All of ours.
    All,
    /// Those with these numbers.
    Jobs(&'a [JobId]),
    /// Those with these names.
    Names(&'a [String]),
}

/// A time within which jobs waited, ran or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    /// Its begin.
    pub from: DateTime<Utc>,
    /// Its end; `None`: now.
    pub until: Option<DateTime<Utc>>,
}

/// `sacct`'s arguments. Requeued runs of a job are wanted too (`-D`): they tell what ran again.
pub(super) fn arguments(
    dialect: Dialect,
    user: u32,
    selection: Selection<'_>,
    range: Range,
) -> Vec<String> {
    let time = |time: DateTime<Utc>| time.format("%Y-%m-%dT%H:%M:%S").to_string();
    let fields: Vec<_> = dialect.fields().collect();
    let mut arguments = vec![
        "--noheader".into(),
        "--duplicates".into(),
        format!("--user={user}"),
        "--parsable2".into(),
        format!("--delimiter={SEPARATOR}"),
        "--noconvert".into(),
        format!("--starttime={}", time(range.from)),
        // Without it, the states would be those at the start.
        format!("--endtime={}", range.until.map_or_else(|| "now".to_owned(), time)),
        format!("--state={STATES}"),
    ];
    match selection {
        Selection::All => {}
        Selection::Jobs(jobs) => {
            let jobs: Vec<_> = jobs.iter().map(ToString::to_string).collect();
            arguments.push(format!("--jobs={}", jobs.join(",")));
        }
        Selection::Names(names) => arguments.push(format!("--name={}", names.join(","))),
    }
    arguments.extend(["--format".into(), fields.join(",")]);
    arguments
}

/// Does this message of sacct say that it has no field `SubmitLine`?
pub(super) fn is_older(stderr: &str) -> bool {
    stderr.to_lowercase().contains("invalid field") && stderr.to_lowercase().contains("submitline")
}

/// Does this message say that the site keeps no accounts?
pub(super) fn is_disabled(stderr: &str) -> bool {
    let said = stderr.to_lowercase();
    said.contains("accounting storage is disabled") || said.contains("accounting_storage/none")
}

/// Does this message say that so long a time may not be asked for (`MaxQueryTimeRange`)? It comes
/// with either exit status.
pub(super) fn is_too_wide(stderr: &str) -> bool {
    stderr.to_lowercase().contains("too wide of a date range")
}

/// Reads an answer line by line: all runs of all tasks, and what could not be read.
#[derive(Debug)]
pub(super) struct Reader {
    dialect: Dialect,
    records: Records,
    parsed: Parsed,
    memories: Memories,
}

impl Reader {
    /// For an answer of this dialect.
    pub fn new(dialect: Dialect) -> Self {
        let records = Records::new(dialect.fields().count());
        Self { dialect, records, parsed: Parsed::default(), memories: Memories::new() }
    }

    /// Takes the next line.
    pub fn line(&mut self, line: Line<'_>) {
        let Self { dialect, records, parsed, memories } = self;
        records.line(line, &mut |record| take(*dialect, &record, parsed, memories));
    }

    /// The answer has ended.
    pub fn end(mut self) -> Parsed {
        let Self { dialect, records, parsed, memories } = &mut self;
        records.end(&mut |record| take(*dialect, &record, parsed, memories));
        for task in &mut self.parsed.tasks {
            task.max_rss_bytes = memory_of(task, &self.memories);
        }
        self.parsed
    }
}

fn take(dialect: Dialect, record: &Record<'_>, parsed: &mut Parsed, memories: &mut Memories) {
    let Record::Whole(values) = record else { return parsed.rest("sacct", record) };
    let Some(row) = Row::new(dialect, values) else { return };
    if row.read(parsed, memories).is_none() {
        parsed.doubt("sacct", &values.join(&SEPARATOR.to_string()), Some(row.get("JobName")));
    }
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

    fn read(&self, parsed: &mut Parsed, memories: &mut Memories) -> Option<()> {
        match subject(self.get("JobID"))? {
            Subject::Step(job, task) => {
                let begun = time(self.get("Start"))?;
                if let Some(used) = memory(self.get("MaxRSS"))? {
                    memories.entry((job, task)).or_default().push((begun, used));
                }
            }
            Subject::Tasks { job, tasks, cut } => {
                let record = self.record(job)?;
                let task = |task| TaskRecord { task, ..record.clone() };
                parsed.tasks.extend(tasks.into_iter().map(task));
                parsed.cut.extend(cut.then_some(job));
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
            nodes: nodes(self.get("NodeList")).to_owned(),
            state,
        })
    }

    /// Our token in the comment or, where a site rewrites it or does not store it, on the command
    /// line that submitted the job; else the comment as it is.
    fn comment(&self) -> &'a str {
        let stored = self.get("Comment");
        token(stored).or_else(|| token(self.get("SubmitLine"))).unwrap_or_else(|| comment(stored))
    }
}

/// The nodes on which a job ran; empty if it did not.
fn nodes(text: &str) -> &str {
    match text {
        "None assigned" | "(null)" | "None" | "N/A" => "",
        nodes => nodes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::JobState;
    use proptest::prelude::*;

    /// As a real Slurm 22.05 answered our own call, `|` for the separator.
    const REAL: &str = include_str!("testdata/sacct-22.05.txt");

    fn read_as(dialect: Dialect, text: &str) -> (Vec<TaskRecord>, Vec<String>) {
        let mut reader = Reader::new(dialect);
        for line in text.replace('|', "\x1f").split_inclusive('\n') {
            let whole = line.ends_with('\n');
            reader.line(Line { text: line.trim_end_matches('\n'), whole });
        }
        let parsed = reader.end();
        (parsed.tasks, parsed.doubts.into_iter().map(|doubt| doubt.line).collect())
    }

    fn read(text: &str) -> (Vec<TaskRecord>, Vec<String>) {
        read_as(Dialect::WithSubmitLine, text)
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
            "7|NODE_FAIL|0:0|3|3||2026-11-22T09:00:00|2026-11-22T09:00:01|cp01|||n|2026-11-22T09:00:09\n\
             7.batch|CANCELLED|0:0|3|3|900K|2026-11-22T09:00:02|2026-11-22T09:00:02|cp01|||batch|2026-11-22T09:00:09\n\
             7|COMPLETED|0:0|3|3||2026-11-22T09:01:00|2026-11-22T09:01:01|cp02|||n|2026-11-22T09:01:09\n\
             7.batch|COMPLETED|0:0|3|3|500K|2026-11-22T09:01:01|2026-11-22T09:01:01|cp02|||batch|2026-11-22T09:01:09\n",
        );
        let used: Vec<_> = tasks.iter().map(|t| t.max_rss_bytes).collect();
        assert_eq!(used, [Some(900 << 10), Some(500 << 10)]);
        assert_eq!(tasks.iter().map(|t| &*t.nodes).collect::<Vec<_>>(), ["cp01", "cp02"]);
    }

    #[test]
    fn an_older_sacct_is_read_without_the_command_line() {
        let text =
            "7|RUNNING|0:0|3|3||2026-11-22T09:52:42|2026-11-22T09:52:43|cp01||LST1_1|Unknown\n";
        let (tasks, unreadable) = read_as(Dialect::WithoutSubmitLine, text);
        assert_eq!(unreadable, Vec::<String>::new());
        assert_eq!(tasks[0].name, "LST1_1");
        assert!(is_older("sacct: fatal: Invalid field requested: \"submitline\""));
        assert!(!is_older("sacct: fatal: Invalid field requested: \"End\""));
    }

    fn row(id: &str, state: &str, comment: &str, line: &str) -> String {
        format!("{id}|{state}|0:0|3|3||Unknown|Unknown||{comment}|{line}|n|Unknown\n")
    }

    #[test]
    fn states_that_nobody_heard_of_survive_and_nonsense_is_reported() {
        for word in ["RESIZING", "Melted?"] {
            let (tasks, _) = read(&row("7", word, "", ""));
            assert_eq!(tasks[0].state, JobState::Other(word.into()));
        }
        let (tasks, unreadable) = read(&row("7_[1-", "PENDING", "", ""));
        assert!(tasks.is_empty());
        assert_eq!(unreadable, ["sacct: 7_[1-|PENDING|0:0|3|3||Unknown|Unknown||||n|Unknown"]);
    }

    #[test]
    fn our_token_outlives_a_plugin_that_rewrites_comments() {
        let line = "sbatch --parsable --comment=osa:a1 s.sh";
        for (comment, line) in
            [("osa:a1", ""), ("lst osa:a1", line), ("by the site", line), ("", line)]
        {
            let (tasks, _) = read(&row("7", "RUNNING", comment, line));
            assert_eq!(tasks[0].comment, "osa:a1", "{comment} {line}");
        }
        let (tasks, _) = read(&row("7+0", "RUNNING", "by the site", ""));
        assert_eq!((tasks[0].job, &*tasks[0].comment), (JobId(7), "by the site"));
    }

    #[test]
    fn messages_that_change_what_is_asked_are_known() {
        assert!(is_too_wide("sacct: error: slurmdbd: Too wide of a date range in query"));
        assert!(is_disabled("Slurm accounting storage is disabled"));
        let down = "sacct: error: Problem talking to the database: Connection refused";
        assert!(!is_too_wide(down) && !is_disabled(down));
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
