//! What a scheduler would remember of the demo's nights.

use chrono::{DateTime, Duration, Utc};

use crate::model::{ExitCode, JobId, JobState, RunType, TaskRecord};

use super::inputs::is_data;
use super::nights::{DRS4_EXISTS, DemoNight, DemoRun, Fate};
use super::products::job_number;

/// Tasks of a night's jobs, as if they had ended shortly before `now`: none for a fresh night, and
/// none for the large one, whose jobs the scheduler has forgotten.
pub fn of_night(night: &DemoNight, now: DateTime<Utc>) -> Vec<TaskRecord> {
    const LONG_AGO: usize = 20;
    if night.fate == Fate::Fresh || night.runs.len() > LONG_AGO {
        return Vec::new();
    }
    let begin = now - Duration::hours(2);
    let calibration = night.runs.iter().filter(|run| run.run_type == RunType::PedCalib);
    let broken = night.fate == Fate::CalibrationFailed;
    let mut tasks: Vec<TaskRecord> = calibration
        .map(|run| {
            let (state, (code, signal)) = match broken {
                true => (DRS4_EXISTS.state.clone(), DRS4_EXISTS.exit),
                false => (JobState::Completed, (0, 0)),
            };
            record(run, None, state, Some(ExitCode { code, signal }), begin)
        })
        .collect();
    for run in night.runs.iter().filter(|run| is_data(run)) {
        for subrun in 0..run.subruns {
            tasks.push(task(run, subrun, broken, begin + Duration::minutes(20)));
        }
    }
    tasks
}

fn task(run: &DemoRun, subrun: u32, broken: bool, begin: DateTime<Utc>) -> TaskRecord {
    if broken {
        let mut waiting = record(run, Some(subrun), JobState::Pending, None, begin);
        waiting.reason = "DependencyNeverSatisfied".into();
        (waiting.started, waiting.ended, waiting.max_rss_bytes) = (None, None, None);
        (waiting.cpu_seconds, waiting.elapsed_seconds) = (0, 0);
        return waiting;
    }
    let error = run.error.filter(|error| (error.fails)(subrun, run.subruns));
    let (state, (code, signal)) =
        error.map_or((JobState::Completed, (0, 0)), |error| (error.state.clone(), error.exit));
    record(run, Some(subrun), state, Some(ExitCode { code, signal }), begin)
}

fn record(
    run: &DemoRun,
    task: Option<u32>,
    state: JobState,
    exit: Option<ExitCode>,
    begin: DateTime<Utc>,
) -> TaskRecord {
    // About as long and as large as on the real cluster, a little different for each subrun.
    let index = u64::from(task.unwrap_or(0));
    let elapsed = 1500 + 37 * (index % 11);
    TaskRecord {
        job: JobId(job_number(run.id)),
        task,
        name: format!("LST1_{}", run.id),
        comment: String::new(),
        state,
        exit,
        cpu_seconds: elapsed,
        elapsed_seconds: elapsed,
        max_rss_bytes: Some((3_800 + 20 * (index % 7)) * 1_000_000),
        submitted: Some(begin),
        started: Some(begin),
        ended: Some(begin + Duration::seconds(i64::try_from(elapsed).unwrap_or(0))),
        reason: String::new(),
        restarts: 0,
        nodes: String::new(),
    }
}
