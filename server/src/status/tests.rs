//! Nights of different fate, from their files and jobs to their status.

use super::fixture::{Golden, complete, history, now, task, task_of};
use super::{
    Depth, Histories, Jobs, NightInput, NightsCache, Scan, StatusCache, jobs, list_nights,
    night_status, run_detail, summary, unobserved,
};
use crate::model::{
    Condition, JobState, NightState, NightStatus, RunId, Segment, SequenceStatus, Stage, Subrun,
    TaskRecord,
};
use crate::night::{MissingSummary, Observation};

fn row(status: &NightStatus, run: u32) -> &SequenceStatus {
    status.sequences.iter().find(|s| s.sequence.run.0 == run).unwrap()
}

fn segment(first: u32, last: u32, done: Option<Stage>, condition: Condition) -> Segment {
    Segment { first, last, done, condition }
}

fn messages(status: &NightStatus) -> Vec<&str> {
    status.notices.iter().map(|notice| notice.message.as_str()).collect()
}

#[test]
fn files_tell_the_stage_where_there_is_no_history() {
    let status = Golden::new().status(Depth::Full, &[]);
    assert_eq!(
        row(&status, 19102).segments,
        [
            segment(0, 0, Some(Stage::Dl1ToDl2), Condition::Done),
            segment(1, 2, Some(Stage::R0ToDl1), Condition::Idle),
            segment(3, 5, None, Condition::Idle),
        ]
    );
    assert_eq!(
        row(&status, 19101).segments,
        [segment(0, 0, Some(Stage::ChargeCalibration), Condition::Done)],
        "both calibration files are there"
    );
}

#[test]
fn the_table_reads_no_history() {
    let golden = Golden::new();
    golden.analysis("sequence_LST1_19102.0000.history", &complete("19102.0000"));
    let status = golden.status(Depth::Table, &[]);
    assert!(status.sequences.iter().all(|s| s.segments.is_empty()));
    assert_eq!(row(&status, 19102).percent.unwrap().dl1, 50);
}

#[test]
fn histories_and_tasks_tell_how_each_subrun_does() {
    let golden = Golden::new();
    let r0 = "lstchain_data_r0_to_dl1";
    golden.analysis("sequence_LST1_19102.0000.history", &complete("19102.0000"));
    let failed = history("19102.0001", &[(r0, 0), ("lstchain_dl1ab", 1), ("lstchain_dl1ab", 1)]);
    golden.analysis("sequence_LST1_19102.0001.history", &failed);
    golden.analysis("sequence_LST1_19102.0002.history", &history("19102.0002", &[(r0, 1)]));
    let tasks = [
        task(7, 0, "FAILED"),
        task(9, 0, "TIMEOUT"),
        task(9, 1, "FAILED"),
        task(9, 2, "RUNNING"),
        task(9, 3, "OUT_OF_MEMORY"),
        task(9, 4, "PENDING"),
        task(9, 5, "COMPLETED"),
    ];
    let status = golden.status(Depth::Full, &tasks);
    let run = row(&status, 19102);
    assert_eq!(
        run.segments,
        [
            segment(0, 0, Some(Stage::Dl1ToDl2), Condition::Done),
            segment(1, 1, Some(Stage::R0ToDl1), Condition::Failed),
            segment(2, 2, None, Condition::Running),
            segment(3, 3, None, Condition::Failed),
            segment(4, 4, None, Condition::Waiting),
            segment(5, 5, None, Condition::Idle),
        ]
    );
    assert_eq!(run.tries, Some(2));
    assert_eq!(run.state, Some(JobState::Failed));
    assert_eq!(status.state, NightState::Failing);
    assert!(
        messages(&status).contains(&"run 19102: 1 task of job 9 ran out of memory"),
        "{status:#?}"
    );
}

#[test]
fn a_night_is_processed_when_every_history_has_reached_its_last_stage() {
    let golden = Golden::new();
    std::fs::remove_file(golden.paths.sequence_file(RunId(19104), None, "veto")).unwrap();
    let finish = |skip: &str| {
        for (run, subruns) in [(19102, 6), (19104, 7), (19106, 4)] {
            for subrun in 0..subruns {
                let id = format!("{run}.{subrun:04}");
                if id != skip {
                    golden.analysis(&format!("sequence_LST1_{id}.history"), &complete(&id));
                }
            }
        }
    };
    finish("19106.0003");
    let status = golden.status(Depth::Full, &[]);
    assert_eq!(status.state, NightState::Failing, "begun, unfinished, and nobody at work");
    let last = history("19106.0003", &[("lstchain_data_r0_to_dl1", 0)]);
    golden.analysis("sequence_LST1_19106.0003.history", &last);
    let task = task_of(19106, 5, Some(3), "RUNNING");
    assert_eq!(golden.status(Depth::Full, &[task]).state, NightState::Processing);
    finish("");
    let status = golden.status(Depth::Full, &[]);
    assert_eq!(status.state, NightState::Processed, "{:?}", messages(&status));
    assert_eq!(summary(&status).done, 17, "19103 was closed by hand");
}

#[test]
fn without_dl2_the_datacheck_is_the_last_stage() {
    let golden = Golden::new();
    let stages = ["lstchain_data_r0_to_dl1", "lstchain_dl1ab", "lstchain_check_dl1"];
    for subrun in 0..4 {
        let id = format!("19106.{subrun:04}");
        let text = history(&id, &stages.map(|stage| (stage, 0)));
        golden.analysis(&format!("sequence_LST1_{id}.history"), &text);
    }
    let condition = |golden: &Golden, dl2: Option<bool>| {
        golden.input(Depth::Full, &[], |input| {
            let input = NightInput { dl2, ..input };
            row(&night_status(&input, &StatusCache::default()), 19106).segments[0].condition
        })
    };
    assert_eq!(condition(&golden, None), Condition::Idle);
    assert_eq!(condition(&golden, Some(false)), Condition::Done);
    golden.analysis("sequence_LST1_19106.sh", "osa datasequence '--no-dl2' \\\n");
    assert_eq!(condition(&golden, None), Condition::Done, "its script says so");
    assert_eq!(condition(&golden, Some(true)), Condition::Idle, "now it is wanted");
}

#[test]
fn of_a_closed_night_the_files_are_the_truth() {
    let golden = Golden::new();
    let failed = history("19102.0000", &[("lstchain_data_r0_to_dl1", 1)]);
    golden.analysis("sequence_LST1_19102.0000.history", &failed);
    let done = |golden: &Golden| row(&golden.status(Depth::Full, &[]), 19102).segments[0];
    assert_eq!(done(&golden), segment(0, 0, None, Condition::Failed));
    golden.put(golden.paths.night_finished(), "host:1");
    assert_eq!(done(&golden), segment(0, 0, Some(Stage::Dl1ToDl2), Condition::Done));
    assert_eq!(golden.status(Depth::Table, &[]).state, NightState::Closed);
}

#[test]
fn only_changed_histories_are_read_again() {
    let golden = Golden::new();
    let file = |subrun: u32| format!("sequence_LST1_19102.{subrun:04}.history");
    for subrun in 0..3 {
        golden.analysis(&file(subrun), &complete(&format!("19102.{subrun:04}")));
    }
    let cache = StatusCache::default();
    let read = || {
        let observation = golden.observation();
        let scan = Scan::of(&golden.paths, observation.sequences.iter().map(|s| s.run));
        let histories = Histories::read(&golden.paths, &observation.sequences, &scan, &cache);
        let done = |subrun| histories.get((RunId(19102), Some(Subrun(subrun)))).map(|d| d.done);
        (histories.read, [done(0), done(1), done(2)])
    };
    assert_eq!(read(), (3, [Some(4); 3]));
    assert_eq!(read(), (0, [Some(4); 3]));
    let more = complete("19102.0001") + &history("19102.0001", &[("lstchain_dl1ab", 1)]);
    golden.analysis(&file(1), &more);
    std::fs::remove_file(golden.paths.analysis_dir().join(file(2))).unwrap();
    assert_eq!(read(), (1, [Some(4), Some(1), None]));
    golden.input(Depth::Full, &[], |input| run_detail(&input, RunId(19106), &cache)).unwrap();
    assert_eq!(read(), (0, [Some(4), Some(1), None]), "a look at another run forgets nothing");
}

#[test]
fn torn_lines_vetoes_and_vain_jobs_are_reported() {
    let golden = Golden::new();
    golden.analysis("sequence_LST1_19102.0000.history", "19102.0000 torn\n");
    golden.analysis("sequence_LST1_19102.0001.veto", "");
    let tasks = [
        TaskRecord { restarts: 2, ..task_of(19106, 8, Some(0), "COMPLETED") },
        TaskRecord { reason: jobs::NEVER.into(), ..task_of(19102, 9, Some(0), "PENDING") },
    ];
    std::fs::remove_file(golden.paths.gain_selection_finished()).unwrap();
    let status = golden.status(Depth::Full, &tasks);
    let text = serde_json::to_string_pretty(&status.notices).unwrap();
    let base = golden.beside();
    insta::assert_snapshot!(text.replace(base.to_str().unwrap(), "DIR"));
    assert!(!row(&status, 19102).counts.is_empty());
    assert_eq!(status.state, NightState::Failing);
}

#[test]
fn a_history_that_cannot_be_read_is_reported() {
    let golden = Golden::new();
    let name = "sequence_LST1_19102.0000.history";
    std::fs::create_dir(golden.paths.analysis_dir().join(name)).unwrap();
    let status = golden.status(Depth::Full, &[]);
    assert!(messages(&status).iter().any(|text| text.contains(name)), "{status:#?}");
}

#[test]
fn ten_thousand_subruns_are_no_trouble() {
    let golden = Golden::new();
    let file = golden.paths.run_summary();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("19106,4,", "19106,10000,")).unwrap();
    let tasks: Vec<_> =
        (0..10_000).map(|index| task_of(19106, 3, Some(index), "PENDING")).collect();
    let status = golden.status(Depth::Full, &tasks);
    let run = row(&status, 19106);
    assert_eq!(run.segments, [segment(0, 9999, None, Condition::Waiting)]);
    assert_eq!(run.counts[&JobState::Pending], 10_000);
}

#[test]
fn a_night_that_borrows_a_calibration_is_fresh_all_the_same() {
    let golden = Golden::new();
    let analysis = golden.paths.analysis_dir();
    std::fs::remove_dir_all(&analysis).unwrap();
    let job = task_of(19101, 5, None, "COMPLETED");
    assert_eq!(golden.status(Depth::Full, &[job]).state, NightState::Fresh);
    let job = task_of(19101, 5, None, "RUNNING");
    assert_eq!(golden.status(Depth::Full, &[job]).state, NightState::Processing);
    assert_eq!(golden.status(Depth::Table, &[]).state, NightState::Fresh);
}

#[test]
fn a_night_that_cannot_be_read_says_why() {
    let golden = Golden::new();
    let paths = golden.paths.of_night("2024-11-26".parse().unwrap());
    let error = Observation::read(&paths, MissingSummary::Fail).unwrap_err();
    let status = unobserved(&paths, &error, &Jobs::unknown(), now());
    assert_eq!((status.state, status.sequences.len()), (NightState::Empty, 0));
    assert!(status.notices[0].message.contains("RunSummary_20241126.ecsv is missing"));
}

#[test]
fn the_list_of_nights_says_where_each_stands() {
    let golden = Golden::new();
    let (nights, histories) = (NightsCache::default(), StatusCache::default());
    let list = || {
        let jobs = Jobs::unknown();
        list_nights(&golden.paths, &jobs, |_, _| vec![], (&nights, &histories), now()).unwrap()
    };
    let first = list();
    let dates: Vec<_> = first.iter().map(|night| night.date.to_string()).collect();
    assert_eq!(dates, ["2024-11-28", "2024-11-27"]);
    assert_eq!(first[0].state, NightState::Failing, "a run is vetoed");
    assert_eq!((first[0].runs, first[0].subruns, first[0].done), (4, 22, 1));
    assert_eq!(first[0].sources, ["Crab", "Mrk421", "1ES1959+650"]);
    assert_eq!((first[1].state, first[1].runs, first[1].done), (NightState::Fresh, 1, 0));

    golden.put(golden.paths.night_finished(), "host:1");
    let closed = &list()[0];
    assert_eq!((closed.state, closed.done), (NightState::Closed, 22));
    let summary = golden.paths.run_summary();
    let text = std::fs::read_to_string(&summary).unwrap();
    std::fs::write(&summary, text.replace("19106,4,", "19106,5,")).unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(9);
    std::fs::File::open(&summary).unwrap().set_modified(later).unwrap();
    assert_eq!(list()[0].subruns, 23, "a new run summary is read");
    std::fs::write(golden.paths.of_night(first[1].date).run_summary(), "torn").unwrap();
    assert_eq!(list()[1].state, NightState::Empty);
}

#[test]
fn one_cause_that_touched_thousands_is_reported_in_a_few_lines() {
    let golden = Golden::new();
    let summary = golden.paths.run_summary();
    let text = std::fs::read_to_string(&summary).unwrap();
    std::fs::write(&summary, text.replace("19106,4,", "19106,1000,")).unwrap();
    for subrun in 0..1000 {
        golden.analysis(&format!("sequence_LST1_19106.{subrun:04}.history"), "19106 cut o");
        golden.analysis(&format!("sequence_LST1_19106.{subrun:04}.veto"), "");
    }
    let status = golden.status(Depth::Full, &[]);
    assert!(status.notices.len() < 20, "{}", status.notices.len());
    let told = messages(&status).join("\n");
    assert!(told.contains("so it is with 992 more histories"), "{told}");
    assert!(told.contains("0007 and 992 more"), "{told}");
}

#[test]
fn the_list_notices_jobs_at_once_and_grown_histories_before_long() {
    let golden = Golden::new();
    let (nights, histories) = (NightsCache::default(), StatusCache::default());
    let line = |tasks: &[TaskRecord], seconds: i64| {
        let jobs = Jobs { tasks, ..Jobs::unknown() };
        let now = now() + chrono::TimeDelta::seconds(seconds);
        let all = |_: &_, _: &_| tasks.to_vec();
        list_nights(&golden.paths, &jobs, all, (&nights, &histories), now).unwrap().remove(0)
    };
    let name = "sequence_LST1_19102.0005.history";
    golden.analysis(name, &history("19102.0005", &[("lstchain_data_r0_to_dl1", 0)]));
    assert_eq!(line(&[], 0).failed, 0);
    let task = task_of(19102, 5, Some(5), "TIMEOUT");
    assert_eq!(line(std::slice::from_ref(&task), 1).failed, 1);
    assert_eq!(line(&[], 2).failed, 0);
    golden.analysis(name, &history("19102.0005", &[("lstchain_data_r0_to_dl1", 1)]));
    assert_eq!(line(&[], 30).failed, 1, "no directory has changed");
}
