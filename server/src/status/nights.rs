//! The list of nights.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::SystemTime;

use chrono::{DateTime, TimeDelta, Utc};

use crate::internal::lock;
use crate::model::{
    Condition, Decision, Kind, Level, NightDate, NightState, NightStatus, NightSummary, RunId,
    TaskRecord,
};
use crate::night::{MissingSummary, NightError, NightPaths, Observation, list};

use super::{Depth, Jobs, NightInput, StatusCache, jobs, night_status, unobserved};

/// How long the line of a night that is being worked on may be shown although no directory and no
/// job of it has changed: a history may have grown all the same.
const TRUSTED: TimeDelta = TimeDelta::seconds(20);

/// What the list of nights remembers, so that asking again costs little. One for the whole program
/// and one configuration.
#[derive(Debug, Default)]
pub struct NightsCache {
    known: Mutex<HashMap<PathBuf, Known>>,
    decisions: Mutex<BTreeMap<NightDate, Vec<Decision>>>,
}

impl NightsCache {
    /// The night of a run, if a list has told of it.
    pub fn night_of(&self, run: RunId) -> Option<NightDate> {
        let known = lock(&self.known);
        known.values().find(|known| known.runs.contains(&run)).map(|known| known.summary.date)
    }

    /// Says which decisions act in which night; they do from the next list on.
    pub fn decide(&self, decisions: BTreeMap<NightDate, Vec<Decision>>) {
        *lock(&self.decisions) = decisions;
    }

    fn decisions_on(&self, date: NightDate) -> Vec<Decision> {
        let decisions = lock(&self.decisions);
        decisions.get(&date).cloned().unwrap_or_default()
    }
}

/// What was found for a night.
#[derive(Clone, Debug)]
struct Known {
    sight: Sight,
    jobs: u64,
    runs: Vec<RunId>,
    assessed: DateTime<Utc>,
    summary: NightSummary,
}

/// A night at a glance: what changes when something happens to it, told by a few directories.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sight {
    run_summary: Option<SystemTime>,
    closed: bool,
    /// What was decided about its runs.
    decisions: Vec<Decision>,
    /// When its directories were last changed; none is there before it is begun.
    directories: Vec<SystemTime>,
}

impl Sight {
    fn of(paths: &NightPaths, decisions: Vec<Decision>) -> Self {
        let changed = |file: PathBuf| file.metadata().and_then(|found| found.modified()).ok();
        let mut directories = BTreeSet::from([paths.analysis_dir()]);
        for level in Level::ALL {
            directories.insert(paths.running_dir(level));
            directories.extend(paths.final_dir(level));
        }
        Self {
            run_summary: changed(paths.run_summary()),
            closed: paths.night_finished().exists(),
            decisions,
            directories: directories.into_iter().filter_map(changed).collect(),
        }
    }

    /// Closed, or never begun: only what is seen at a glance can change.
    fn rests(&self) -> bool {
        self.closed || self.directories.is_empty()
    }
}

type ByRun<'a> = HashMap<RunId, Vec<&'a TaskRecord>>;

/// A line for every night with a run summary, newest first. Blocks on the disk.
///
/// Nights at rest are told by their run summary alone; only nights that are being worked on are
/// assessed through, and only when something of them has changed. `jobs` may be of any nights;
/// `of_night` says which of them are a night's.
///
/// # Errors
/// `RUN_SUMMARY_DIR` cannot be read.
pub fn list_nights(
    any_night: &NightPaths,
    jobs: &Jobs<'_>,
    of_night: impl Fn(&NightPaths, &Observation) -> Vec<TaskRecord>,
    (nights, histories): (&NightsCache, &StatusCache),
    now: DateTime<Utc>,
) -> Result<Vec<NightSummary>, NightError> {
    let by_run = jobs::by_run(jobs.tasks);
    let mut known = lock(&nights.known);
    let mut fresh = HashMap::new();
    let mut lines = Vec::new();
    for date in list(&any_night.config)? {
        let paths = any_night.of_night(date);
        let sight = Sight::of(&paths, nights.decisions_on(date));
        let remembered = known.remove(&paths.run_summary());
        let line = match remembered.filter(|known| known.holds(&sight, &by_run, now)) {
            Some(known) => known,
            None => {
                let tasks = |observation: &_| of_night(&paths, observation);
                read_night(&paths, sight, jobs, tasks, &by_run, histories, now)
            }
        };
        lines.push(line.summary.clone());
        fresh.insert(paths.run_summary(), line);
    }
    *known = fresh;
    Ok(lines)
}

impl Known {
    fn holds(&self, sight: &Sight, by_run: &ByRun<'_>, now: DateTime<Utc>) -> bool {
        self.sight == *sight
            && self.jobs == fingerprint(&self.runs, by_run)
            && (sight.rests() || now - self.assessed < TRUSTED)
    }
}

/// A number that changes when a job of one of the runs does.
fn fingerprint(runs: &[RunId], by_run: &ByRun<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for task in runs.iter().filter_map(|run| by_run.get(run)).flatten() {
        (task.job, task.task, task.state.as_str(), &task.reason).hash(&mut hasher);
    }
    hasher.finish()
}

fn read_night(
    paths: &NightPaths,
    sight: Sight,
    jobs: &Jobs<'_>,
    tasks: impl Fn(&Observation) -> Vec<TaskRecord>,
    by_run: &ByRun<'_>,
    histories: &StatusCache,
    now: DateTime<Utc>,
) -> Known {
    let (status, runs) = match Observation::read(paths, MissingSummary::Fail) {
        Err(error) => (unobserved(paths, &error, jobs, now), Vec::new()),
        Ok(observation) => {
            let depth = if sight.closed { Depth::Table } else { Depth::Full };
            let observation = &observation.decided(sight.decisions.clone());
            let jobs = &Jobs { tasks: &tasks(observation), ..jobs.clone() };
            let input = NightInput { paths, observation, jobs, depth, dl2: None, now };
            let runs = observation.sequences.iter().map(|sequence| sequence.run).collect();
            (night_status(&input, histories), runs)
        }
    };
    let jobs = fingerprint(&runs, by_run);
    Known { sight, jobs, runs, assessed: now, summary: summary(&status) }
}

/// The line of a night in the list. Of a closed night every subrun counts as done.
pub fn summary(status: &NightStatus) -> NightSummary {
    let data = || status.sequences.iter().filter(|s| s.sequence.kind == Kind::Data);
    let subruns = data().map(|s| s.sequence.subruns).sum();
    let segments = || data().flat_map(|s| &s.segments);
    let count = |condition| {
        segments()
            .filter(|segment| segment.condition == condition)
            .map(|segment| segment.last - segment.first + 1)
            .sum()
    };
    let mut sources: Vec<String> = Vec::new();
    for source in data().filter_map(|s| s.sequence.source.as_ref()) {
        if !sources.contains(source) {
            sources.push(source.clone());
        }
    }
    let closed = status.state == NightState::Closed;
    NightSummary {
        date: status.date,
        state: status.state,
        runs: u32::try_from(data().count()).unwrap_or(u32::MAX),
        subruns,
        failed: if closed { 0 } else { count(Condition::Failed) },
        done: if closed { subruns } else { count(Condition::Done) },
        sources,
        quality: None,
    }
}
