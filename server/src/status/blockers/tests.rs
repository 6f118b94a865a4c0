use std::fmt::Write as _;

use chrono::TimeZone;

use super::*;
use crate::model::{Author, Choice, Decision, SchedulerHealth};
use crate::status::fixture::{Golden, complete, history, now, task, task_of};
use crate::status::{Depth, Jobs, StatusCache, assess};

const R0: &str = "lstchain_data_r0_to_dl1";

/// What stands in the way of the golden night, changed as wanted.
fn found(golden: &Golden, tasks: &[TaskRecord], diagnosis: &Diagnosis) -> Vec<Blocker> {
    golden.input(Depth::Full, tasks, |input| {
        blockers(&input, &assess(&input, &StatusCache::default()), diagnosis)
    })
}

fn render(blockers: &[Blocker]) -> String {
    let date = "2024-11-28".parse().unwrap();
    let mut text = String::new();
    for blocker in blockers {
        let _ = writeln!(text, "{}: {}", blocker.kind.title(), blocker.what);
        for remedy in &blocker.remedies {
            let _ = writeln!(text, "  {}", remedy.command(date));
        }
    }
    text
}

/// The golden night, all of it done but for run 19102, of which nothing is.
fn one_run_open() -> Golden {
    let golden = Golden::new();
    for (run, subruns) in [(19104, 7), (19106, 4)] {
        std::fs::remove_file(golden.paths.sequence_file(RunId(run), None, "veto")).ok();
        for subrun in 0..subruns {
            let id = format!("{run}.{subrun:04}");
            golden.analysis(&format!("sequence_LST1_{id}.history"), &complete(&id));
        }
    }
    golden
}

#[test]
fn each_failure_is_reported_with_its_cause_its_line_and_what_helps() {
    let golden = one_run_open();
    let id = |subrun: u32| format!("19102.{subrun:04}");
    let put = |subrun: u32, tries: &[(&str, i32)], err: &str| {
        let name = format!("sequence_LST1_{}.history", id(subrun));
        golden.analysis(&name, &history(&id(subrun), tries));
        golden.analysis(&format!("log/Run{}_jobid_7.err", id(subrun)), err);
    };
    put(
        0,
        &[(R0, 0), ("lstchain_dl1ab", 1)],
        "first\nTable /dl1/monitoring/telescope/catB/calibration already exists\nlast\n",
    );
    put(1, &[], "slurmstepd: DUE TO TIME LIMIT\n");
    put(2, &[(R0, 0)], "");
    put(3, &[(R0, 3)], "nobody knows this one\n");
    put(4, &[(R0, 3)], "nor this\n");
    put(5, &[(R0, 0), ("lstchain_dl1ab", 1)], "NoSuchNodeError: no child named ``/pedestal``\n");
    let tasks = [
        task(7, 0, "FAILED"),
        task(7, 1, "TIMEOUT"),
        task(7, 2, "OUT_OF_MEMORY"),
        task(7, 3, "FAILED"),
        task(7, 4, "FAILED"),
        task(7, 5, "FAILED"),
    ];
    let blockers = found(&golden, &tasks, &Diagnosis::default());
    insta::assert_snapshot!(render(&blockers));
    let catb = blockers.iter().find(|b| b.error.as_deref() == Some("catb")).unwrap();
    assert_eq!(catb.subruns, [Subrun(0)]);
    let Evidence::LogLine { name, line, offset, .. } = &catb.evidence[1] else { panic!() };
    assert_eq!((name.as_str(), *line, *offset), ("Run19102.0000_jobid_7.err", Some(2), 6));
}

#[test]
fn what_is_decided_about_memory_and_time_is_where_more_begins() {
    let golden = one_run_open();
    let choice = Choice::Resources { memory: Some("7000M".into()), walltime: None };
    let decision = Decision {
        id: 1,
        night: golden.paths.date,
        prod_id: golden.paths.prod_id.clone(),
        run: RunId(19102),
        choice,
        reason: String::new(),
        author: Author::Auto,
        made: now(),
        undone: None,
    };
    let tasks = [task(7, 4, "COMPLETED"), task(7, 5, "OUT_OF_MEMORY")];
    let blockers = golden.input(Depth::Full, &tasks, |input| {
        let observation = input.observation.clone().decided(vec![decision]);
        let input = NightInput { observation: &observation, ..input };
        blockers(&input, &assess(&input, &StatusCache::default()), &Diagnosis::default())
    });
    let memory = blockers.iter().find(|b| b.error.as_deref() == Some("memory")).unwrap();
    let command = memory.remedies[0].command(golden.paths.date);
    assert!(command.ends_with("19102 --subruns 5 --memory 14000MB"), "{command}");
}

#[test]
fn vetoes_stuck_and_lost_jobs_and_what_was_left_behind_are_reported() {
    let golden = Golden::new();
    golden.analysis("sequence_LST1_19102.0004.veto", "");
    let stuck = TaskRecord { reason: NEVER.into(), ..task_of(19106, 9, Some(0), "PENDING") };
    let tasks = [task(7, 0, "COMPLETED"), task(7, 1, "RUNNING"), stuck];
    insta::assert_snapshot!("running", render(&found(&golden, &tasks, &Diagnosis::default())));
    let lost = TaskRecord { task: None, ..task_of(19106, 9, None, "LOST") };
    let tasks = [task(7, 0, "COMPLETED"), task(7, 1, "COMPLETED"), lost];
    insta::assert_snapshot!("lost", render(&found(&golden, &tasks, &Diagnosis::default())));
    let reasons = ["launch failed requeued held", "JobHeldAdmin", "Resources"];
    let tasks: Vec<_> = (0..)
        .zip(reasons)
        .map(|(number, reason)| TaskRecord {
            reason: reason.into(),
            ..task_of(19106, 9, Some(number), "PENDING")
        })
        .collect();
    insta::assert_snapshot!("held", render(&found(&golden, &tasks, &Diagnosis::default())));
}

#[test]
fn what_is_about_the_night_as_a_whole_is_reported() {
    let golden = Golden::new();
    std::fs::remove_dir_all(golden.paths.analysis_dir()).unwrap();
    std::fs::remove_file(golden.paths.gain_selection_finished()).ok();
    std::fs::remove_dir_all(golden.paths.systematics()).unwrap();
    let place = golden.paths.final_dir(crate::model::Level::Muons).unwrap();
    golden.put(place, "a file where a directory should be");
    let kinds = |now: DateTime<Utc>, error: Option<&str>| -> Vec<BlockerKind> {
        let health = SchedulerHealth {
            answered: error.is_none().then_some(now),
            error: error.map(ToOwned::to_owned),
            ..SchedulerHealth::of("slurm")
        };
        let jobs = Jobs { tasks: &[], health, notices: Vec::new() };
        let found = golden.input(Depth::Full, &[], |input| {
            let input = NightInput { jobs: &jobs, now, ..input };
            blockers(&input, &assess(&input, &StatusCache::default()), &Diagnosis::default())
        });
        found.iter().map(|blocker| blocker.kind).collect()
    };
    use BlockerKind::{
        CalibrationMissing, GainSelection, NotLaunched, NotOver, SchedulerSilent, Unreadable,
    };
    let before = Utc.with_ymd_and_hms(2024, 11, 29, 7, 59, 59).unwrap();
    let all = [Unreadable, CalibrationMissing, NotLaunched, NotOver, GainSelection];
    assert_eq!(kinds(before, None), all);
    let morning = before + TimeDelta::seconds(1);
    assert_eq!(
        kinds(morning, Some("timed out")),
        [SchedulerSilent, Unreadable, CalibrationMissing, GainSelection]
    );
}

#[test]
fn a_night_that_is_done_or_closed_has_nothing_in_its_way() {
    let golden = one_run_open();
    for subrun in 0..6 {
        let id = format!("19102.{subrun:04}");
        golden.analysis(&format!("sequence_LST1_{id}.history"), &complete(&id));
    }
    assert_eq!(render(&found(&golden, &[], &Diagnosis::default())), "");
    let golden = Golden::new();
    golden.put(golden.paths.night_finished(), "host:1");
    assert_eq!(render(&found(&golden, &[], &Diagnosis::default())), "");
}

#[test]
fn the_operators_errors_count_and_a_broken_file_is_reported() {
    let golden = one_run_open();
    golden.analysis("sequence_LST1_19102.0000.history", &history("19102.0000", &[(R0, 1)]));
    golden.analysis("log/Run19102.0000_jobid_7.err", "the moon fell down\n");
    let file = golden.beside().join("errors.toml");
    let write = |name: &str| {
        let text = format!(
            "[[error]]\nname = '{name}'\npattern = 'moon*down'\ntitle = 'no moon'\nexplanation = \
             'wait'\nactions = ['exclude-run']\n"
        );
        std::fs::write(&file, text).unwrap();
    };
    write("moon");
    let diagnosis = Diagnosis::new(Some(file.clone())).unwrap();
    let names = || -> Vec<String> {
        let blockers = found(&golden, &[task(7, 0, "FAILED")], &diagnosis);
        blockers.into_iter().filter_map(|blocker| blocker.error).collect()
    };
    assert_eq!(names(), ["moon"]);
    let later = |seconds| {
        let then = std::time::SystemTime::now() + std::time::Duration::from_secs(seconds);
        std::fs::File::options().write(true).open(&file).unwrap().set_modified(then).unwrap();
    };
    std::fs::write(&file, "[[error]]\nname = 7\n").unwrap();
    later(10);
    let blockers = found(&golden, &[task(7, 0, "FAILED")], &diagnosis);
    let problem = blockers.iter().find(|b| b.kind == BlockerKind::Unreadable).unwrap();
    assert!(problem.what.contains("errors.toml:2"), "{}", problem.what);
    assert_eq!(names(), ["moon"], "the last good ones count on");
    write("satellite");
    later(20);
    assert_eq!(names(), ["satellite"]);
}

#[test]
fn a_node_that_is_at_fault_is_excluded() {
    let golden = one_run_open();
    for subrun in 0..5 {
        let id = format!("19102.{subrun:04}");
        golden.analysis(&format!("sequence_LST1_{id}.history"), &history(&id, &[(R0, 3)]));
    }
    let on = |nodes: [&str; 5], state: &str| -> String {
        let mut tasks: Vec<TaskRecord> = (0..5)
            .zip(nodes)
            .map(|(subrun, node)| TaskRecord { nodes: node.into(), ..task(7, subrun, state) })
            .collect();
        tasks.push(TaskRecord { nodes: "cp09".into(), ..task(7, 5, "COMPLETED") });
        render(&found(&golden, &tasks, &Diagnosis::default()))
    };
    let said = on(["cp01", "cp01", "cp02", "cp03", "cp04"], "FAILED");
    assert!(said.contains(" --exclude-nodes cp01\n"), "{said}");
    for harmless in
        [["cp01", "cp02", "cp03", "cp04", "cp05"], ["cp09"; 5], [""; 5], ["cp[01-02]"; 5]]
    {
        let said = on(harmless, "FAILED");
        assert!(!said.contains("--exclude-nodes"), "{said}");
    }
    let said = on(["cp01", "cp02", "cp09", "cp09", "cp09"], "NODE_FAIL");
    assert!(said.contains(" --exclude-nodes cp01,cp02,cp09\n"), "{said}");
}
