//! What is planned for nights of different fate.

use std::fs;

use super::plan::{Grounds, LaunchPlan, Reason};
use super::{Gate, LaunchOptions, ScriptOptions, ground};
use crate::model::{RunId, TaskRecord};
use crate::status::fixture::{Golden, complete, task_of};
use crate::status::jobs::NEVER;
use crate::status::{self, Depth, StatusCache};

const SUBMIT: LaunchOptions =
    LaunchOptions { no_calib: false, no_dl2: false, no_gainsel: false, force: false, submit: true };

fn plan(golden: &Golden, tasks: &[TaskRecord], options: LaunchOptions) -> LaunchPlan {
    golden.input(Depth::Full, tasks, |input| {
        let seen = status::assess(&input, &StatusCache::default());
        let script = ScriptOptions {
            program: "/opt/osa".into(),
            job_path: Vec::new(),
            no_dl2: options.no_dl2,
            verbose: false,
        };
        let disk = ground::inspect(input.paths, input.observation, &seen);
        let grounds = Grounds {
            paths: input.paths,
            observation: input.observation,
            status: &seen.status,
            disk: &disk,
            options: &options,
            script: &script,
        };
        grounds.plan().unwrap()
    })
}

/// A night of which nothing is done, closed or vetoed, the calibration files being gone too.
fn fresh() -> Golden {
    let golden = Golden::new();
    fs::remove_dir_all(golden.paths.analysis_dir()).unwrap();
    golden.analysis("log/keep", "");
    for directory in ["calibration", "drs4_baseline"] {
        fs::remove_dir_all(golden.paths.config.directories.calib_base_dir.join(directory)).unwrap();
    }
    golden
}

fn names(plan: &LaunchPlan) -> Vec<&str> {
    plan.jobs.iter().map(|job| job.name.as_str()).collect()
}

fn reasons(plan: &LaunchPlan) -> Vec<(u32, String)> {
    plan.left_out.iter().map(|left| (left.run.0, left.reason.to_string())).collect()
}

#[test]
fn of_the_golden_night_only_what_is_open_goes_out() {
    let plan = plan(&Golden::new(), &[], SUBMIT);
    assert_eq!(plan.gate, None);
    assert_eq!(names(&plan), ["LST1_19102", "LST1_19106"]);
    assert!(plan.jobs.iter().all(|job| job.needs.is_empty()), "the calibration files are there");
    assert_eq!(
        reasons(&plan),
        [
            (19101, "it is finished".into()),
            (19103, "it is closed".into()),
            (19104, "it is vetoed".into())
        ]
    );
    let runs: Vec<_> = plan.scripts.iter().map(|script| script.run.0).collect();
    assert_eq!(runs, [19101, 19102, 19103, 19104, 19106], "as the original does");
}

#[test]
fn data_waits_for_the_calibration_that_is_yet_to_be_made() {
    let plan = plan(&fresh(), &[], SUBMIT);
    assert_eq!(plan.gate, None);
    assert_eq!(plan.jobs.len(), 5);
    assert_eq!(plan.jobs[0].purpose, "sequence 19101");
    assert!(plan.jobs[0].needs.is_empty());
    assert!(plan.jobs[1..].iter().all(|job| job.needs == ["sequence 19101"]));
    assert!(plan.left_out.is_empty());
}

#[test]
fn without_calibration_there_is_neither_its_job_nor_a_dependency() {
    let plan = plan(&fresh(), &[], LaunchOptions { no_calib: true, ..SUBMIT });
    assert_eq!(plan.jobs.len(), 4);
    assert!(plan.jobs.iter().all(|job| job.needs.is_empty()));
    assert_eq!(plan.left_out[0].reason, Reason::NotWanted);
}

#[test]
fn a_calibration_that_cannot_go_out_keeps_the_data_back() {
    let golden = fresh();
    golden.analysis("sequence_LST1_19101.veto", "");
    let plan = plan(&golden, &[], SUBMIT);
    assert!(plan.jobs.is_empty());
    assert_eq!(plan.left_out.len(), 5);
    let (run, why) = &reasons(&plan)[1];
    assert_eq!(*run, 19102);
    assert_eq!(why, "it needs the calibration of run 19101, and that is left out: it is vetoed");
}

#[test]
fn calibration_files_that_are_gone_are_made_again_whatever_the_history_says() {
    let golden = fresh();
    let line = "19101 lstcam_calib_onsite_create_drs4_pedestal_file v0.1.0 2024-11-29 02:14 x y 0\n\
                19101 lstcam_calib_onsite_create_calibration_file v0.1.0 2024-11-29 02:14 x y 0\n";
    golden.analysis("sequence_LST1_19101.history", line);
    assert_eq!(names(&plan(&golden, &[], SUBMIT))[0], "LST1_19101");
}

#[test]
fn vetoed_subruns_are_left_out_of_the_array() {
    let golden = fresh();
    golden.analysis("sequence_LST1_19106.0001.veto", "");
    let plan_of = |golden: &Golden| plan(golden, &[], SUBMIT);
    let script = |plan: &LaunchPlan| {
        plan.scripts.iter().find(|script| script.run == RunId(19106)).map(|s| s.text.clone())
    };
    let first = plan_of(&golden);
    assert!(names(&first).contains(&"LST1_19106"));
    assert!(script(&first).unwrap().contains("#SBATCH --array=0,2-3\n"));
    for subrun in [0, 2, 3] {
        let id = format!("19106.{subrun:04}");
        golden.analysis(&format!("sequence_LST1_{id}.history"), &complete(&id));
    }
    let then = plan_of(&golden);
    assert!(!names(&then).contains(&"LST1_19106"), "all that is left is vetoed");
    assert!(then.left_out.iter().any(|l| l.run.0 == 19106 && l.reason == Reason::Vetoed));
    golden.analysis("sequence_LST1_19106.0000.veto", "");
    golden.analysis("sequence_LST1_19106.0002.veto", "");
    golden.analysis("sequence_LST1_19106.0003.veto", "");
    assert_eq!(script(&plan_of(&golden)), None);
}

#[test]
fn without_time_calibration_no_data_goes_out_and_the_reason_is_reported() {
    let golden = fresh();
    let directory = golden.paths.time_calibrations();
    fs::remove_dir_all(&directory).unwrap();
    let plan = plan(&golden, &[], SUBMIT);
    assert_eq!(names(&plan), ["LST1_19101"]);
    let reasons = reasons(&plan);
    assert_eq!(reasons.len(), 4);
    assert!(reasons[0].1.contains("time calibration"), "{reasons:?}");
}

#[test]
fn gates_are_tried_in_their_order() {
    let golden = fresh();
    let gate = |tasks: &[TaskRecord], options| plan(&golden, tasks, options).gate;
    let active = [task_of(19102, 7, Some(0), "PENDING"), task_of(19103, 6, Some(0), "TIMEOUT")];
    let flag = golden.paths.gain_selection_finished();

    fs::remove_file(&flag).unwrap();
    golden.put(golden.paths.night_finished(), "host:1");
    assert!(matches!(gate(&active, SUBMIT), Some(Gate::GainSelection { .. })));
    let forced = LaunchOptions { force: true, ..SUBMIT };
    assert!(matches!(gate(&active, forced), Some(Gate::GainSelection { .. })));
    let no_gainsel = LaunchOptions { no_gainsel: true, force: true, ..SUBMIT };
    assert!(matches!(gate(&active, no_gainsel), Some(Gate::Closed { .. })));
    golden.put(flag, "");
    assert!(matches!(gate(&active, forced), Some(Gate::Closed { .. })));
    fs::remove_file(golden.paths.night_finished()).unwrap();
    assert!(matches!(gate(&active, forced), Some(Gate::Active { .. })));
    assert!(matches!(gate(&active[1..], SUBMIT), Some(Gate::Timeout { .. })));
    assert_eq!(gate(&active[1..], forced), None);
    assert_eq!(gate(&active, LaunchOptions { submit: false, ..SUBMIT }), None, "scripts only");
}

#[test]
fn an_unknown_state_counts_as_active() {
    let tasks = [task_of(19102, 7, Some(0), "RESIZING")];
    assert!(matches!(plan(&Golden::new(), &tasks, SUBMIT).gate, Some(Gate::Active { .. })));
}

#[test]
fn jobs_that_can_never_begin_are_named_with_the_remedy() {
    let stuck = TaskRecord { reason: NEVER.into(), ..task_of(19102, 7, Some(0), "PENDING") };
    let gate = plan(&Golden::new(), &[stuck], SUBMIT).gate.unwrap();
    assert!(gate.message().contains("LST1_19102 (7)"), "{}", gate.message());
    assert!(gate.hint().contains("osa cancel 7"), "{}", gate.hint());
}

#[test]
fn a_finished_night_is_launched_by_nobody() {
    let golden = Golden::new();
    for (run, subruns) in [(19102, 6), (19106, 4)] {
        for subrun in 0..subruns {
            let id = format!("{run}.{subrun:04}");
            golden.analysis(&format!("sequence_LST1_{id}.history"), &complete(&id));
        }
    }
    // A closed sequence that once ran out of time holds nobody up.
    let tasks = [task_of(19103, 6, Some(0), "TIMEOUT")];
    assert!(matches!(plan(&golden, &tasks, SUBMIT).gate, Some(Gate::Finished { .. })));
    let forced = plan(&golden, &tasks, LaunchOptions { force: true, ..SUBMIT });
    assert_eq!(forced.gate, None);
    assert!(forced.jobs.is_empty(), "what is finished, vetoed or closed stays so");
}

#[test]
fn a_night_without_runs_is_reported_in_the_originals_words() {
    let golden = Golden::new();
    let file = golden.paths.run_summary();
    let text = fs::read_to_string(&file).unwrap();
    let header = text.split_inclusive("dragon_reference_source\n").next().unwrap();
    fs::write(&file, header).unwrap();
    let plan = plan(&golden, &[], SUBMIT);
    assert_eq!(
        plan.gate.unwrap().message(),
        "No runs found for this date. Nothing to do. Exiting."
    );
    assert!(plan.scripts.is_empty() && plan.jobs.is_empty());
}

#[test]
fn a_plan_is_data() {
    let golden = fresh();
    let options = LaunchOptions { no_dl2: true, ..SUBMIT };
    let mut plan = plan(&golden, &[], options);
    assert!(plan.scripts[1].text.contains("'--no-dl2'"), "the status room looks for this word");
    plan.scripts.clear();
    let text = serde_json::to_string_pretty(&plan).unwrap();
    insta::assert_snapshot!(text.replace(golden.beside().to_str().unwrap(), "DIR"));
}
