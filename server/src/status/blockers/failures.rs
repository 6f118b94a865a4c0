//! What failed, and why: the failed subruns of a sequence, by their cause.

use std::collections::{BTreeMap, HashMap};

use crate::model::{
    Blocker, BlockerKind, Condition, Evidence, JobId, JobState, Kind, Remedy, SequenceStatus,
    Stage, Subrun, TaskRecord,
};
use crate::night::{JobLog, Stream};
use crate::schedule::script::{TimeLimit, memory_bytes, time_limit};

use super::known::{Circumstances, Help, KnownError};
use super::logs::{Findings, Line};
use super::{FEW, View, blank, job, subruns_in, which};
use crate::status::night::by_subrun;

/// Of how many failed subruns of a run the logs are looked at: a cause that a hundred share is told
/// by some of them.
const SEARCHED: usize = 60;

/// The failed subruns of a sequence.
pub(super) struct Failing<'a> {
    view: &'a View<'a>,
    status: &'a SequenceStatus,
    /// Of all its jobs, the oldest first.
    tasks: Vec<&'a TaskRecord>,
}

/// What failures have in common that are reported together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    /// A known error, by its place in the list.
    Known(usize),
    /// None of the known ones: stage, return code and state of the task.
    Unknown(Option<Stage>, Option<i32>, Option<JobState>),
}

/// Failures of one cause.
#[derive(Default)]
struct Group {
    subruns: Vec<Subrun>,
    /// How many failed on each node, and whether the node itself did.
    nodes: BTreeMap<String, (usize, bool)>,
    stages: Vec<Stage>,
    evidence: Vec<Evidence>,
}

impl<'a> Failing<'a> {
    pub(super) fn new(
        view: &'a View<'a>,
        status: &'a SequenceStatus,
        tasks: Vec<&'a TaskRecord>,
    ) -> Self {
        Self { view, status, tasks }
    }

    /// One blocker for each cause.
    pub(super) fn blockers(&self) -> Vec<Blocker> {
        let tasks = by_subrun(&self.status.sequence, self.tasks.iter().copied());
        let calibration = self.status.sequence.kind == Kind::Calibration;
        let mut groups: BTreeMap<Cause, Group> = BTreeMap::new();
        let mut alike: BTreeMap<Cause, Cause> = BTreeMap::new();
        let mut logs = None;
        for (index, subrun) in subruns_in(self.status, Condition::Failed).enumerate() {
            let owner = (!calibration).then_some(subrun);
            let task = tasks.get(&owner).copied();
            if task.is_some_and(|task| task.state == JobState::Lost) {
                continue;
            }
            let failure = self.circumstances(owner, task);
            let unknown = Cause::Unknown(failure.stage, failure.rc, failure.state.clone());
            let (cause, line) = match alike.get(&unknown).filter(|_| index >= SEARCHED) {
                Some(cause) => (cause.clone(), None),
                None => {
                    let logs = logs.get_or_insert_with(|| self.newest_jobs());
                    let job = task.map(|task| task.job).or_else(|| logs.get(&owner).copied());
                    self.diagnose(&failure, owner, job)
                }
            };
            alike.insert(unknown, cause.clone());
            let group = groups.entry(cause).or_default();
            group.subruns.extend(owner);
            if let Some(task) = task.filter(|task| is_one_node(&task.nodes)) {
                let (failed, broken) = group.nodes.entry(task.nodes.clone()).or_default();
                *failed += 1;
                *broken |= task.state == JobState::NodeFail;
            }
            if let Some(stage) = failure.stage.filter(|stage| !group.stages.contains(stage)) {
                group.stages.push(stage);
            }
            // What says the same is reported once.
            let told = |other: &Evidence| match (other, &line) {
                (Evidence::LogLine { text, .. }, Some(Evidence::LogLine { text: new, .. })) => {
                    text == new
                }
                _ => false,
            };
            if group.evidence.len() < 2 * FEW && !group.evidence.iter().any(told) {
                group.evidence.extend(task.map(job));
                group.evidence.extend(line);
            }
        }
        groups.into_iter().map(|(cause, group)| self.blocker(&cause, group)).collect()
    }

    /// The nodes that are to blame: they failed themselves, or several subruns failed there and none
    /// of the run ended well.
    fn nodes_at_fault(&self, group: &Group) -> Vec<String> {
        let good = |node: &str| {
            let mut tasks = self.tasks.iter();
            tasks.any(|task| task.nodes == node && task.state == JobState::Completed)
        };
        let elsewhere = |node: &str| self.tasks.iter().any(|task| task.nodes != node);
        let blamed = group.nodes.iter().filter(|(node, (failed, broken))| {
            *broken || (*failed > 1 && !good(node) && elsewhere(node))
        });
        blamed.map(|(node, _)| node.clone()).collect()
    }

    fn circumstances(&self, owner: Option<Subrun>, task: Option<&TaskRecord>) -> Circumstances {
        let sequence = &self.status.sequence;
        let digest = self.view.sight.histories.get((sequence.run, owner));
        let stages = self.view.input.stages(sequence, &self.view.sight.scan);
        let next = digest.map_or(0, |digest| digest.done);
        let failed = digest.and_then(|digest| digest.failed);
        Circumstances {
            state: task.map(|task| task.state.clone()),
            rc: digest.and_then(|digest| digest.rc).filter(|_| failed.is_some()),
            stage: failed.or_else(|| stages.get(next).copied()),
            last_subrun: owner.is_some_and(|subrun| subrun.0 + 1 == sequence.subruns),
        }
    }

    /// The newest job of each subrun that has left a log: one look at the directory.
    fn newest_jobs(&self) -> HashMap<Option<Subrun>, JobId> {
        let mut newest: HashMap<Option<Subrun>, JobId> = HashMap::new();
        let Ok(entries) = std::fs::read_dir(self.view.input.paths.log_dir()) else { return newest };
        let run = self.status.sequence.run;
        for entry in entries.flatten() {
            let name = entry.file_name();
            let log = name.to_str().and_then(JobLog::parse).filter(|log| log.run == run);
            let Some(log) = log else { continue };
            let job = newest.entry(log.subrun).or_insert(log.job);
            *job = log.job.max(*job);
        }
        newest
    }

    /// Which known error it is, if it is one, and the line of the log that shows it; else the last
    /// line of the log.
    fn diagnose(
        &self,
        failure: &Circumstances,
        owner: Option<Subrun>,
        job: Option<JobId>,
    ) -> (Cause, Option<Evidence>) {
        let run = self.status.sequence.run;
        // Errors go to standard error; what a tool prints may go to either.
        let logs: Vec<(String, Findings)> = [Stream::Error, Stream::Output]
            .into_iter()
            .filter_map(|stream| {
                let log = JobLog { run, subrun: owner, job: job?, stream };
                let file = self.view.input.paths.job_log(&log);
                Some((log.name(), self.view.logs.findings(&file, self.view.errors)?))
            })
            .collect();
        let shown = |name: &String, line: &Line| Evidence::LogLine {
            run,
            name: name.clone(),
            line: line.number,
            offset: line.offset,
            text: line.text.clone(),
        };
        let last = || logs.iter().find_map(|(name, log)| Some(shown(name, log.last.as_ref()?)));
        for (index, error) in self.view.errors.iter().enumerate() {
            if !error.fits(failure) {
                continue;
            }
            if error.pattern.is_none() {
                return (Cause::Known(index), last());
            }
            for (name, log) in &logs {
                if let Some((_, line)) = log.known.iter().find(|(known, _)| *known == index) {
                    return (Cause::Known(index), Some(shown(name, line)));
                }
            }
        }
        let cause = Cause::Unknown(failure.stage, failure.rc, failure.state.clone());
        (cause, last())
    }

    fn blocker(&self, cause: &Cause, mut group: Group) -> Blocker {
        let nodes = self.nodes_at_fault(&group).join(",");
        let run = self.status.sequence.run;
        let who = match &group.subruns[..] {
            [] => super::begun(&self.status.sequence),
            subruns => format!("{} of run {run}", which(subruns)),
        };
        let stage = match &group.stages[..] {
            [stage] => format!(" in {}", stage.title()),
            _ => String::new(),
        };
        let known = match cause {
            Cause::Known(index) => self.view.errors.get(*index),
            Cause::Unknown(..) => None,
        };
        let (why, explanation) = match (known, cause) {
            (Some(error), _) => (format!(": {}", error.title), error.explanation.clone()),
            (None, cause) => (
                unknown_reason(cause),
                "It is none of the known errors. Read the log; if it is an error that will come \
                 again, add it to the file of known errors."
                    .to_owned(),
            ),
        };
        let mut remedies = match known {
            Some(error) => self.helps(error, &group.subruns),
            None => vec![super::resubmit(run, group.subruns.clone()), Remedy::ExcludeRun { run }],
        };
        if !nodes.is_empty() {
            group.evidence.push(super::note(format!("the node is at fault: {nodes}")));
            let mut elsewhere = super::resubmit(run, group.subruns.clone());
            if let Remedy::Resubmit { exclude_nodes, .. } = &mut elsewhere {
                *exclude_nodes = Some(nodes);
            }
            remedies.insert(0, elsewhere);
        }
        let can_exclude = self.status.sequence.kind == Kind::Data;
        Blocker {
            error: known.map(|error| error.name.get_ref().clone()),
            run: Some(run),
            evidence: group.evidence,
            explanation,
            remedies: remedies
                .into_iter()
                .filter(|remedy| can_exclude || !matches!(remedy, Remedy::ExcludeRun { .. }))
                .collect(),
            subruns: group.subruns,
            ..blank(BlockerKind::Failed, format!("{who} failed{stage}{why}."))
        }
    }

    fn helps(&self, error: &KnownError, subruns: &[Subrun]) -> Vec<Remedy> {
        let run = self.status.sequence.run;
        let again = |memory, walltime, remove_products| Remedy::Resubmit {
            run,
            subruns: subruns.to_vec(),
            memory,
            walltime,
            remove_products,
            exclude_nodes: None,
        };
        let remedy = |help: &Help| match help {
            Help::Resubmit => again(None, None, false),
            Help::RemoveAndResubmit => again(None, None, true),
            Help::MoreMemory => again(self.more_memory(error.memory_factor), None, false),
            Help::MoreTime => again(None, self.more_time(error.time_factor), false),
            Help::DropLastSubrun => Remedy::DropLastSubrun { run },
            Help::ExcludeRun => Remedy::ExcludeRun { run },
        };
        error.actions.iter().map(remedy).collect()
    }

    /// What the run's jobs get now, by decision or by configuration: memory and walltime.
    fn resources(&self) -> (String, String) {
        let sequence = &self.status.sequence;
        let slurm = &self.view.input.paths.config.slurm;
        let decided = self.view.input.observation.resources(sequence.run);
        let memory = decided.memory.unwrap_or_else(|| slurm.memory(sequence.kind).to_owned());
        (memory, decided.walltime.unwrap_or_else(|| slurm.walltime.clone()))
    }

    fn more_memory(&self, factor: f64) -> Option<String> {
        let bytes = memory_bytes(&self.resources().0).ok()?;
        let mebibytes = times(bytes, factor).div_ceil(1 << 20).max(1);
        Some(match mebibytes % 1024 {
            0 => format!("{}GB", mebibytes / 1024),
            _ => format!("{mebibytes}MB"),
        })
    }

    fn more_time(&self, factor: f64) -> Option<String> {
        match time_limit(&self.resources().1).ok()? {
            TimeLimit::Unlimited => None,
            TimeLimit::For(limit) => {
                let seconds = times(limit.as_secs(), factor);
                let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
                Some(format!("{hours}:{minutes:02}:{:02}", seconds % 60))
            }
        }
    }
}

/// Is this the name of one node, not a list?
fn is_one_node(nodes: &str) -> bool {
    !nodes.is_empty() && !nodes.contains([',', '['])
}

/// A number times a factor of 1 to 100, exact to a hundredth.
fn times(number: u64, factor: f64) -> u64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 100 to 10000
    let hundredths = (factor * 100.0).round() as u64;
    number.saturating_mul(hundredths) / 100
}

/// What little is known: return code and state.
fn unknown_reason(cause: &Cause) -> String {
    let Cause::Unknown(_, rc, state) = cause else { return String::new() };
    match (rc, state) {
        (Some(rc), _) => format!(" with return code {rc}"),
        (None, Some(state)) => format!("; its task is {state}"),
        (None, None) => String::new(),
    }
}
