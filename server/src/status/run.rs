//! One run in detail.

use std::collections::HashMap;
use std::path::Path;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::model::{
    HistoryLine, JobId, LogFile, RunDetail, RunId, Sequence, Subrun, SubrunDetail, TaskRecord,
};
use crate::night::{JobLog, NightPaths};
use crate::process::history::History;

use super::jobs::{by_run, oldest_first};
use super::night::{NightInput, Row, by_subrun, is_calibrated};
use super::progress::{Evidence, subruns};
use super::{Depth, Histories, Scan, StatusCache};

/// A run in detail, or `None` if the night has no sequence for it. The input's depth is of no
/// matter: histories are always read.
pub fn run_detail(input: &NightInput<'_>, run: RunId, cache: &StatusCache) -> Option<RunDetail> {
    let input = &NightInput { depth: Depth::Full, ..*input };
    let sequence = input.observation.sequences.iter().find(|sequence| sequence.run == run)?;
    let mut scan = Scan::of(input.paths, [run]);
    for (run, subrun) in input.observation.dropped() {
        scan.leave_out(run, subrun);
    }
    let histories = Histories::read(input.paths, std::slice::from_ref(sequence), &scan, cache);
    let stages = input.stages(sequence, &scan);
    let evidence = Evidence {
        stages: &stages,
        files: scan.run(run),
        histories: &histories,
        calibrated: is_calibrated(input.paths, input.observation),
        closed: scan.night_closed,
    };
    let mut tasks = by_run(input.jobs.tasks).remove(&run).unwrap_or_default();
    tasks.sort_by_key(|task| (std::cmp::Reverse(task.job), task.task));
    let mut counted = tasks.clone();
    counted.retain(|task| !input.observation.is_dropped(run, task.task));
    let row = Row::new(sequence, &evidence, &counted, Depth::Full);
    let logs = log_files(input.paths, run);
    let (history, older_history_lines) = history(input.paths, sequence, &scan);
    Some(RunDetail {
        date: input.paths.date,
        prod_id: input.paths.prod_id.clone(),
        status: row.status,
        subruns: details(sequence, &evidence, &oldest_first(&counted), &logs),
        history,
        older_history_lines,
        tasks: tasks.into_iter().cloned().collect(),
        logs: logs.into_iter().map(|(_, file)| file).collect(),
        scheduler: input.jobs.health.clone(),
        scanned: input.now,
    })
}

fn details(
    sequence: &Sequence,
    evidence: &Evidence<'_>,
    tasks: &[&TaskRecord],
    logs: &[(JobLog, LogFile)],
) -> Vec<SubrunDetail> {
    let tasks = by_subrun(sequence, tasks.iter().copied());
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
    let mut jobs: HashMap<Option<Subrun>, JobId> = HashMap::new();
    for (log, _) in logs {
        jobs.entry(log.subrun).or_insert(log.job);
    }
    let last = |log: &JobLog| jobs.get(&log.subrun) == Some(&log.job);
    let mut newest: Vec<_> = logs.iter().filter(|(log, _)| last(log)).collect();
    newest.sort_by_key(|(log, _)| log.stream);
    let mut found: HashMap<Option<Subrun>, Vec<LogFile>> = HashMap::new();
    for (log, file) in newest {
        found.entry(log.subrun).or_default().push(file.clone());
    }
    found
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

/// So many lines of a run's history are shown, the newest: some for each of 200 subruns.
const HISTORY_LINES: usize = 400;

/// The newest lines of the histories of a run's subruns as one, oldest line first, and how many older
/// ones there are. Lines of the same minute, and those whose date has an old form, stay with their
/// subrun.
fn history(paths: &NightPaths, sequence: &Sequence, scan: &Scan) -> (Vec<HistoryLine>, usize) {
    let files = scan.run(sequence.run);
    let whole = files.run_history.then_some(None);
    let mut count = 0;
    let mut lines: Vec<HistoryLine> = Vec::new();
    for subrun in whole.into_iter().chain(files.histories.iter().map(Some)) {
        let Ok(history) = History::read(&paths.history(sequence.run, subrun)) else { continue };
        count += history.lines.len();
        // A file has its newest lines at its end: of one that is very long, the rest is not kept.
        let older = history.lines.len().saturating_sub(HISTORY_LINES);
        lines.extend(history.lines.into_iter().skip(older));
    }
    lines.sort_by_key(|line| NaiveDateTime::parse_from_str(&line.when, "%Y-%m-%d %H:%M").ok());
    lines.drain(..lines.len().saturating_sub(HISTORY_LINES));
    let older = count - lines.len();
    (lines, older)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Condition, Stage};
    use crate::status::fixture::{Golden, history, task, task_of};

    #[test]
    fn a_run_shows_its_subruns_tries_jobs_and_logs() {
        let golden = Golden::new();
        let r0 = "lstchain_data_r0_to_dl1";
        let tries = [(r0, 0), ("lstchain_dl1ab", 1), ("lstchain_dl1ab", 2)];
        golden.analysis("sequence_LST1_19102.0001.history", &history("19102.0001", &tries));
        let later = history("19102.0002", &[(r0, 0)]).replace("02:14", "01:00");
        golden.analysis("sequence_LST1_19102.0002.history", &later);
        for (name, age) in [
            ("Run19102.0001_jobid_9.err", 10),
            ("Run19102.0001_jobid_9.out", 20),
            ("Run19102.0001_jobid_7.out", 5000),
            ("Run19103.0001_jobid_9.out", 1),
            ("Run19102.0002_jobid_7.out", 3000),
            ("notes.txt", 0),
        ] {
            golden.analysis(&format!("log/{name}"), "text");
            let file = std::fs::File::open(golden.paths.log_dir().join(name)).unwrap();
            let then = std::time::SystemTime::now() - std::time::Duration::from_secs(age);
            file.set_modified(then).unwrap();
        }
        let tasks = [task(7, 1, "FAILED"), task(9, 2, "RUNNING"), task(9, 1, "FAILED")];
        let run = golden.run(19102, &tasks).unwrap();
        let logs = |subrun: usize| -> Vec<&str> {
            run.subruns[subrun].logs.iter().map(|log| log.name.as_str()).collect()
        };
        assert_eq!(run.subruns.len(), 6);
        let one = &run.subruns[1];
        assert_eq!((one.done, one.condition), (Some(Stage::R0ToDl1), Condition::Failed));
        assert_eq!((one.failed, one.rc, one.tries), (Some(Stage::Dl1ab), Some(2), 3));
        assert_eq!(one.task.as_ref().unwrap().job.0, 9);
        assert_eq!(logs(1), ["Run19102.0001_jobid_9.out", "Run19102.0001_jobid_9.err"]);
        assert_eq!(logs(2), ["Run19102.0002_jobid_7.out"]);
        assert_eq!(run.subruns[2].condition, Condition::Running);
        assert_eq!(run.logs.len(), 4);
        assert_eq!(run.logs[0].name, "Run19102.0001_jobid_9.err");
        let labels: Vec<_> = run.tasks.iter().map(TaskRecord::label).collect();
        assert_eq!(labels, ["9_1", "9_2", "7_1"]);
        assert_eq!(run.history.len(), 4);
        assert_eq!(run.history[0].run, "19102.0002", "the oldest line first");
        assert_eq!(run.status.tries, Some(2));
    }

    #[test]
    fn of_long_histories_the_newest_lines_remain() {
        let golden = Golden::new();
        let r0 = "lstchain_data_r0_to_dl1";
        let earlier = history("19102.0001", &vec![(r0, 1); 1_000]).replace("02:14", "01:00");
        golden.analysis("sequence_LST1_19102.0001.history", &earlier);
        golden.analysis("sequence_LST1_19102.0002.history", &history("19102.0002", &[(r0, 0)]));
        let run = golden.run(19102, &[]).unwrap();
        assert_eq!((run.history.len(), run.older_history_lines), (400, 601));
        assert_eq!(run.history[399].run, "19102.0002");
    }

    #[test]
    fn the_calibration_is_a_single_piece_with_its_log() {
        let golden = Golden::new();
        golden.analysis("log/Run19101.4294967294_jobid_5.err", "text");
        let run = golden.run(19101, &[task_of(19101, 5, None, "COMPLETED")]).unwrap();
        assert_eq!(run.subruns.len(), 1);
        assert_eq!(run.subruns[0].condition, Condition::Done);
        assert_eq!(run.subruns[0].logs[0].name, "Run19101.4294967294_jobid_5.err");
        assert_eq!(run.subruns[0].task.as_ref().unwrap().task, None);
    }

    #[test]
    fn a_run_that_nobody_processes_has_no_detail() {
        assert!(Golden::new().run(19105, &[]).is_none());
        assert!(Golden::new().run(1, &[]).is_none());
    }
}
