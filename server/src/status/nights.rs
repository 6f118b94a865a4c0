//! The list of nights.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use crate::model::{Condition, Kind, NightState, NightStatus, NightSummary};
use crate::night::{MissingSummary, NightError, NightPaths, Observation, list};

use super::{Depth, Jobs, NightInput, StatusCache, night_status, unobserved};

/// What the list of nights remembers, so that asking again costs little. One for the whole program
/// and one configuration.
#[derive(Debug, Default)]
pub struct NightsCache {
    known: Mutex<HashMap<PathBuf, Known>>,
}

/// A night that rests: closed, or never begun. Its line changes only with its run summary.
#[derive(Clone, Debug)]
struct Known {
    changed: Option<SystemTime>,
    closed: bool,
    begun: bool,
    summary: Arc<NightSummary>,
}

/// A line for every night with a run summary, newest first.
///
/// Nights at rest are told by their run summary alone; only nights that are being worked on are
/// looked through. `jobs` are all jobs of all nights: whose night is at work is told by the files.
///
/// # Errors
/// `RUN_SUMMARY_DIR` cannot be read.
pub fn list_nights(
    any_night: &NightPaths,
    jobs: &Jobs<'_>,
    cache: (&NightsCache, &StatusCache),
    now: DateTime<Utc>,
) -> Result<Vec<NightSummary>, NightError> {
    let nights = list(&any_night.config)?;
    let summary = |date| {
        let paths = any_night.of_night(date);
        summarise(&paths, jobs, cache, now)
    };
    Ok(nights.into_iter().map(summary).collect())
}

fn summarise(
    paths: &NightPaths,
    jobs: &Jobs<'_>,
    (nights, histories): (&NightsCache, &StatusCache),
    now: DateTime<Utc>,
) -> NightSummary {
    let file = paths.run_summary();
    let changed = file.metadata().and_then(|metadata| metadata.modified()).ok();
    let closed = paths.night_finished().exists();
    let begun = paths.analysis_dir().exists();
    let resting = closed || !begun;
    if resting {
        let known = nights.known.lock().unwrap_or_else(PoisonError::into_inner);
        let same =
            |known: &&Known| (known.changed, known.closed, known.begun) == (changed, closed, begun);
        if let Some(known) = known.get(&file).filter(same) {
            return NightSummary::clone(&known.summary);
        }
    }
    let summary = look(paths, jobs, histories, closed, now);
    if resting {
        let known = Known { changed, closed, begun, summary: Arc::new(summary.clone()) };
        nights.known.lock().unwrap_or_else(PoisonError::into_inner).insert(file, known);
    }
    summary
}

fn look(
    paths: &NightPaths,
    jobs: &Jobs<'_>,
    histories: &StatusCache,
    closed: bool,
    now: DateTime<Utc>,
) -> NightSummary {
    match Observation::read(paths, MissingSummary::Fail) {
        Err(error) => summary(&unobserved(paths, &error, jobs, now)),
        Ok(observation) => {
            let depth = if closed { Depth::Table } else { Depth::Full };
            let observation = &observation;
            let input = NightInput { paths, observation, jobs, depth, dl2: None, now };
            summary(&night_status(&input, histories))
        }
    }
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
    }
}
