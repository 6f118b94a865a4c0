//! One run in detail.

use std::collections::HashMap;
use std::path::Path;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::model::{
    HistoryLine, JobId, LogFile, RunDetail, RunId, Sequence, Subrun, SubrunDetail, TaskRecord,
};
use crate::night::{JobLog, NightPaths};
use crate::process::history::History;

use super::jobs::{by_run, last_job};
use super::night::{NightInput, Row, by_subrun};
use super::progress::{Evidence, subruns};
use super::{Depth, Histories, Scan, StatusCache};

/// A run in detail, or `None` if the night has no sequence for it. The input's depth is of no
/// matter: histories are always read.
pub fn run_detail(input: &NightInput<'_>, run: RunId, cache: &StatusCache) -> Option<RunDetail> {
    let input = &NightInput { depth: Depth::Full, ..*input };
    let sequence = input.observation.sequences.iter().find(|sequence| sequence.run == run)?;
    let scan = Scan::of(input.paths, [run]);
    let histories = Histories::read(input.paths, std::slice::from_ref(sequence), &scan, cache);
    let stages = input.stages(sequence, &scan);
    let evidence = Evidence {
        stages: &stages,
        files: scan.run(run),
        histories: &histories,
        calibrated: input.calibrated(),
        closed: scan.night_closed,
    };
    let mut tasks = by_run(input.jobs.tasks).remove(&run).unwrap_or_default();
    tasks.sort_by_key(|task| (std::cmp::Reverse(task.job), task.task));
    let row = Row::new(sequence, &evidence, &tasks, Depth::Full);
    let logs = log_files(input.paths, run);
    Some(RunDetail {
        date: input.paths.date,
        prod_id: input.paths.prod_id.clone(),
        status: row.status,
        subruns: details(sequence, &evidence, &last_job(&tasks), &logs),
        history: history(input.paths, sequence, &scan),
        tasks: tasks.into_iter().cloned().collect(),
        logs: logs.into_iter().map(|(_, file)| file).collect(),
        scheduler: input.jobs.health.clone(),
        scanned: input.now,
    })
}

fn details(
    sequence: &Sequence,
    evidence: &Evidence<'_>,
    last: &[&TaskRecord],
    logs: &[(JobLog, LogFile)],
) -> Vec<SubrunDetail> {
    let tasks = by_subrun(sequence, last.iter().copied());
    let mut logs = newest_logs(logs);
    let detail = |subrun: Option<Subrun>| {
        let task = tasks.get(&subrun).copied();
        let standing = evidence.standing(sequence.run, subrun, task);
        SubrunDetail {
            subrun: subrun.unwrap_or(Subrun(0)),
            done: standing.done,
            condition: standing.condition,
            failed: standing.failed,
            rc: standing.rc,
            tries: standing.tries,
            task: task.cloned(),
            logs: logs.remove(&subrun).unwrap_or_default(),
        }
    };
    subruns(sequence).into_iter().map(detail).collect()
}

/// For each subrun (or the job as a whole) the log files of the job that wrote last, output before
/// error. `logs` has the newest first.
fn newest_logs(logs: &[(JobLog, LogFile)]) -> HashMap<Option<Subrun>, Vec<LogFile>> {
    let mut newest: HashMap<Option<Subrun>, (JobId, Vec<(JobLog, LogFile)>)> = HashMap::new();
    for (log, file) in logs {
        let (job, files) = newest.entry(log.subrun).or_insert_with(|| (log.job, Vec::new()));
        if *job == log.job {
            files.push((*log, file.clone()));
        }
    }
    newest
        .into_iter()
        .map(|(subrun, (_, mut files))| {
            files.sort_by_key(|(log, _)| log.stream);
            (subrun, files.into_iter().map(|(_, file)| file).collect())
        })
        .collect()
}

/// The log files of a run, newest first. One that vanishes meanwhile is left out.
fn log_files(paths: &NightPaths, run: RunId) -> Vec<(JobLog, LogFile)> {
    let Ok(entries) = std::fs::read_dir(paths.log_dir()) else { return Vec::new() };
    let mut logs: Vec<(JobLog, LogFile)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let log = JobLog::parse(&name).filter(|log| log.run == run)?;
            Some((log, log_file(&entry.path(), name)?))
        })
        .collect();
    logs.sort_by_key(|(log, file)| {
        (std::cmp::Reverse((file.modified, log.job)), log.subrun, log.stream)
    });
    logs
}

fn log_file(file: &Path, name: String) -> Option<LogFile> {
    let metadata = file.metadata().ok()?;
    let modified = DateTime::<Utc>::from(metadata.modified().ok()?);
    Some(LogFile { name, size: metadata.len(), modified })
}

/// The histories of a run's subruns as one, oldest line first; lines of the same minute, and those
/// whose date has an old form, stay with their subrun.
fn history(paths: &NightPaths, sequence: &Sequence, scan: &Scan) -> Vec<HistoryLine> {
    let files = scan.run(sequence.run);
    let whole = files.run_history.then_some(None);
    let mut lines: Vec<HistoryLine> = whole
        .into_iter()
        .chain(files.histories.iter().map(Some))
        .filter_map(|subrun| History::read(&paths.history(sequence.run, subrun)).ok())
        .flat_map(|history| history.lines)
        .collect();
    lines.sort_by_key(|line| NaiveDateTime::parse_from_str(&line.when, "%Y-%m-%d %H:%M").ok());
    lines
}
