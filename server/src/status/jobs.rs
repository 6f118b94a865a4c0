//! The jobs of a sequence in one line: the table's columns `Tries` to `Exit`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{ExitCode, JobId, JobState, Notice, RunId, SchedulerHealth, TaskRecord};

/// What is known of a night's jobs.
#[derive(Clone, Debug)]
pub struct Jobs<'a> {
    /// Tasks that may be the night's; whose name is none of its sequences' is passed over.
    pub tasks: &'a [TaskRecord],
    /// Whether the scheduler answers.
    pub health: SchedulerHealth,
    /// What the database says that a shifter should know (submissions that were lost).
    pub notices: Vec<Notice>,
}

impl Jobs<'_> {
    /// Nobody was asked.
    pub fn unknown() -> Self {
        let health = SchedulerHealth::of("none");
        Self { tasks: &[], health, notices: Vec::new() }
    }
}

/// The tasks by the run that their job's name tells, `LST1_RRRRR`; others are passed over.
pub fn by_run(tasks: &[TaskRecord]) -> HashMap<RunId, Vec<&TaskRecord>> {
    let mut found: HashMap<RunId, Vec<&TaskRecord>> = HashMap::new();
    for task in tasks {
        let Some(text) = task.name.strip_prefix("LST1_") else { continue };
        let run = text.parse::<RunId>().ok().filter(|run| run.to_string() == text);
        if let Some(run) = run {
            found.entry(run).or_default().push(task);
        }
    }
    found
}

/// What the jobs of one sequence say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSummary {
    /// How many different jobs there have been.
    pub tries: u32,
    /// The last of them: the one with the highest number. All that follows is about it.
    pub job: JobId,
    /// State of the job as a whole, see [`severity`].
    pub state: JobState,
    /// How many tasks are in which state.
    pub counts: BTreeMap<JobState, u32>,
    /// Median CPU time of its tasks, in seconds; of an even number, the middle of the middle two.
    pub cpu_seconds: u64,
    /// How the job as a whole ended; `None` while it has not, or where nobody said.
    pub exit: Option<ExitCode>,
    /// Why it waits, in the scheduler's word, or empty. `DependencyNeverSatisfied` comes first,
    /// since only somebody's hand ends that.
    pub reason: String,
}

/// The reason of a job whose dependency has failed: it would wait forever.
pub const NEVER: &str = "DependencyNeverSatisfied";

/// Sums up the jobs of one sequence; `None` if there are none. The order of `tasks` is free.
pub fn summarise<'a>(tasks: impl IntoIterator<Item = &'a TaskRecord>) -> Option<JobSummary> {
    let tasks: Vec<&TaskRecord> = tasks.into_iter().collect();
    let jobs: BTreeSet<JobId> = tasks.iter().map(|task| task.job).collect();
    let last = last_job(&tasks);
    let job = *jobs.last()?;
    let worst = *last.iter().min_by_key(|task| severity(&task.state))?;
    let mut counts = BTreeMap::new();
    for task in &last {
        *counts.entry(task.state.clone()).or_insert(0) += 1;
    }
    Some(JobSummary {
        tries: u32::try_from(jobs.len()).unwrap_or(u32::MAX),
        job,
        state: worst.state.clone(),
        counts,
        cpu_seconds: median(last.iter().map(|task| task.cpu_seconds).collect()),
        exit: exit(worst),
        reason: reason(&last),
    })
}

/// The tasks of the last job, in the order of the array.
pub fn last_job<'a>(tasks: &[&'a TaskRecord]) -> Vec<&'a TaskRecord> {
    let job = tasks.iter().map(|task| task.job).max();
    let mut last: Vec<_> = tasks.iter().copied().filter(|task| Some(task.job) == job).collect();
    last.sort_by_key(|task| task.task);
    last
}

/// All tasks, those of older jobs first: where a job was for some tasks only, an older one tells of
/// the others.
pub fn oldest_first<'a>(tasks: &[&'a TaskRecord]) -> Vec<&'a TaskRecord> {
    let mut sorted = tasks.to_vec();
    sorted.sort_by_key(|task| (task.job, task.task));
    sorted
}

/// How much a task's state says about its job: the job's state is that of the task with the lowest
/// number, the first such task giving the exit code.
///
/// The three failures that the original knows come first, in its order, so that its answer is ours
/// wherever it has one; then those it forgets; then a word we do not know, which may be either; then
/// tasks at work, tasks that wait, and last what is done. So `COMPLETED` means that every task is.
pub fn severity(state: &JobState) -> u8 {
    match state {
        JobState::Failed => 0,
        JobState::Cancelled => 1,
        JobState::Timeout => 2,
        JobState::OutOfMemory => 3,
        JobState::NodeFail => 4,
        JobState::BootFail => 5,
        JobState::Deadline => 6,
        JobState::Preempted => 7,
        JobState::Lost => 8,
        JobState::Running => 9,
        JobState::Other(_) => 10,
        JobState::Completing => 11,
        JobState::Suspended => 12,
        JobState::Requeued => 13,
        JobState::Configuring => 14,
        JobState::Pending => 15,
        JobState::Completed => 16,
    }
}

/// The exit code of a job by the task that stands for it. Slurm says `0:0` of a job that ran out
/// of time; the original and we say what ended it, the signal 15.
fn exit(task: &TaskRecord) -> Option<ExitCode> {
    match &task.state {
        JobState::Timeout => Some(ExitCode { code: 0, signal: 15 }),
        JobState::Completed => Some(task.exit.unwrap_or_default()),
        state if state.is_failure() => task.exit,
        _ => None,
    }
}

fn reason(tasks: &[&TaskRecord]) -> String {
    let mut reasons = tasks
        .iter()
        .filter(|task| task.state.is_active())
        .map(|task| task.reason.as_str())
        .filter(|reason| !matches!(*reason, "" | "None"));
    let never = reasons.clone().find(|reason| *reason == NEVER);
    never.or_else(|| reasons.next()).unwrap_or_default().to_owned()
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    let middle = values.len() / 2;
    match (values.get(middle.wrapping_sub(1)), values.get(middle)) {
        (Some(low), Some(high)) if values.len().is_multiple_of(2) => low.midpoint(*high),
        (_, Some(value)) => *value,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::status::fixture::task;

    fn of(states: &[(&str, &str)]) -> JobSummary {
        let tasks: Vec<_> = states
            .iter()
            .enumerate()
            .map(|(index, (state, exit))| TaskRecord {
                exit: exit.parse().ok(),
                ..task(7, index, state)
            })
            .collect();
        summarise(&tasks).unwrap()
    }

    /// States of the tasks, then state and exit of the job.
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

    #[test]
    fn every_mixture_has_a_true_state() {
        let cases: &[Case] = &[
            // As the original says.
            (&[("COMPLETED", "0:0"), ("COMPLETED", "0:0")], "COMPLETED", "0:0"),
            (&[("PENDING", ""), ("PENDING", "")], "PENDING", "None"),
            (&[("COMPLETED", "0:0"), ("FAILED", "2:0"), ("FAILED", "1:0")], "FAILED", "2:0"),
            (&[("TIMEOUT", "0:0"), ("FAILED", "1:0")], "FAILED", "1:0"),
            (&[("CANCELLED by 3001", "0:15"), ("COMPLETED", "0:0")], "CANCELLED", "0:15"),
            (&[("TIMEOUT", "0:0"), ("CANCELLED", "0:0")], "CANCELLED", "0:0"),
            (&[("TIMEOUT", "0:0"), ("RUNNING", "0:0")], "TIMEOUT", "0:15"),
            (&[("RUNNING", "0:0"), ("PENDING", "0:0")], "RUNNING", "None"),
            (&[("COMPLETED", "0:0"), ("RUNNING", "0:0")], "RUNNING", "None"),
            // Where the original says nothing.
            (&[("COMPLETED", "0:0"), ("PENDING", "")], "PENDING", "None"),
            (&[("OUT_OF_MEMORY", "0:125"), ("COMPLETED", "0:0")], "OUT_OF_MEMORY", "0:125"),
            (&[("NODE_FAIL", "1:0")], "NODE_FAIL", "1:0"),
            (&[("BOOT_FAIL", "0:0")], "BOOT_FAIL", "0:0"),
            (&[("DEADLINE", "0:0")], "DEADLINE", "0:0"),
            (&[("PREEMPTED", "0:0")], "PREEMPTED", "0:0"),
            (&[("LOST", "")], "LOST", "None"),
            (&[("SUSPENDED", "0:0"), ("COMPLETED", "0:0")], "SUSPENDED", "None"),
            (&[("COMPLETING", "0:0"), ("COMPLETED", "0:0")], "COMPLETING", "None"),
            (&[("CONFIGURING", "0:0"), ("PENDING", "0:0")], "CONFIGURING", "None"),
            (&[("REQUEUED", "0:0"), ("COMPLETED", "0:0")], "REQUEUED", "None"),
            (&[("RESIZING", "0:0"), ("COMPLETED", "0:0")], "RESIZING", "None"),
            // Where the original forgets that something failed.
            (&[("OUT_OF_MEMORY", "0:125"), ("RUNNING", "0:0")], "OUT_OF_MEMORY", "0:125"),
        ];
        for (tasks, state, exit) in cases {
            let summary = of(tasks);
            let said = summary.exit.map_or_else(|| "None".to_owned(), |exit| exit.to_string());
            assert_eq!((summary.state.as_str(), &*said), (*state, *exit), "{tasks:?}");
        }
    }

    #[test]
    fn the_last_job_counts_and_all_are_counted() {
        let tasks = [task(9, 0, "RUNNING"), task(7, 0, "FAILED"), task(7, 1, "COMPLETED")];
        let summary = summarise(&tasks).unwrap();
        assert_eq!((summary.tries, summary.job), (2, JobId(9)));
        assert_eq!(summary.state, JobState::Running);
        assert_eq!(summary.counts, BTreeMap::from([(JobState::Running, 1)]));
        assert_eq!(summarise(&[]), None);
    }

    #[test]
    fn cpu_time_is_the_median() {
        let with = |seconds: &[u64]| {
            let tasks: Vec<_> = seconds
                .iter()
                .map(|&cpu_seconds| TaskRecord { cpu_seconds, ..task(1, 0, "COMPLETED") })
                .collect();
            summarise(&tasks).unwrap().cpu_seconds
        };
        assert_eq!(with(&[1855, 1915, 775]), 1855);
        assert_eq!(with(&[10, 21]), 15);
        assert_eq!(with(&[5]), 5);
        assert_eq!(with(&[u64::MAX, u64::MAX]), u64::MAX);
    }

    #[test]
    fn a_dependency_that_can_never_be_satisfied_is_the_reason_that_counts() {
        let waiting = |reason: &str| TaskRecord { reason: reason.into(), ..task(1, 0, "PENDING") };
        let of = |reasons: &[&str]| {
            summarise(&reasons.iter().map(|reason| waiting(reason)).collect::<Vec<_>>()).unwrap()
        };
        assert_eq!(of(&["Resources", NEVER, "Priority"]).reason, NEVER);
        assert_eq!(of(&["None", "", "Priority"]).reason, "Priority");
        assert_eq!(of(&["None"]).reason, "");
    }

    #[test]
    fn jobs_are_known_by_their_whole_name() {
        let named = |name: &str| TaskRecord { name: name.into(), ..task(1, 0, "RUNNING") };
        let tasks =
            ["LST1_19102", "LST1_019102", "LST1_1910", "LST1_01910", "LST1_19102x", "x"].map(named);
        let found = by_run(&tasks);
        let mut runs: Vec<_> = found.iter().map(|(run, tasks)| (run.0, tasks.len())).collect();
        runs.sort_unstable();
        assert_eq!(runs, [(1910, 1), (19102, 1)]);
    }

    fn any_state() -> impl Strategy<Value = JobState> {
        "[A-Z_]{1,3}|PENDING|CONFIGURING|REQUEUED|RUNNING|COMPLETING|SUSPENDED|COMPLETED|FAILED|\
         TIMEOUT|OUT_OF_MEMORY|NODE_FAIL|BOOT_FAIL|DEADLINE|PREEMPTED|CANCELLED|LOST"
            .prop_map(JobState::from)
    }

    proptest! {
        #[test]
        fn every_mixture_gives_the_state_of_one_of_its_tasks(
            tasks in prop::collection::vec((1u64..4, any_state(), any::<u64>()), 1..40),
        ) {
            let tasks: Vec<_> = tasks
                .into_iter()
                .enumerate()
                .map(|(index, (job, state, cpu_seconds))| TaskRecord {
                    state, cpu_seconds, ..task(job, index, "")
                })
                .collect();
            let summary = summarise(&tasks).unwrap();
            let last: Vec<_> = tasks.iter().filter(|task| task.job == summary.job).collect();
            prop_assert!(last.iter().any(|task| task.state == summary.state));
            prop_assert_eq!(summary.counts.values().sum::<u32>() as usize, last.len());
            prop_assert_eq!(
                summary.state.is_failure(),
                last.iter().any(|task| task.state.is_failure())
            );
            prop_assert_eq!(
                summary.state == JobState::Completed,
                last.iter().all(|task| task.state == JobState::Completed)
            );
            if summary.state.is_active() {
                prop_assert_eq!(summary.exit, None);
            }
        }
    }
}
