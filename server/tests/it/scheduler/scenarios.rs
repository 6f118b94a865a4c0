//! What every engine must do. Each function is one promise; `scheduler_scenarios!` makes tests of
//! them for a lab.

use server::model::{ExitCode, JobState};
use server::schedule::SubmitError;

use super::lab::{Job, Lab, tasks, until_end, until_ended, until_file, until_tasks};

/// Makes a test of every scenario; the expression sets up a fresh lab and may `await`. With
/// `ignored "why";` before it, all are ignored unless they are asked for.
macro_rules! scheduler_scenarios {
    (@all $attributes:tt $lab:expr) => {
        scheduler_scenarios!(@each $attributes $lab;
            a_job_runs_and_its_output_is_stored
            the_script_is_the_one_that_was_submitted
            indices_reach_tasks_and_file_names
            an_array_may_be_a_list
            no_more_tasks_at_once_than_the_array_allows
            a_dependent_job_waits_for_its_parent
            a_job_behind_a_failed_one_stays_and_can_be_cancelled
            one_failed_task_of_an_array_fails_its_dependents
            exit_codes_and_signals_come_back
            a_missing_directory_is_a_failure_with_53
            a_job_over_its_time_is_ended
            a_waiting_job_can_be_cancelled
            a_running_job_can_be_cancelled_and_may_clean_up
            cancelling_twice_is_no_error
            the_environment_reaches_the_job
            name_comment_and_times_come_back
            a_file_that_is_no_script_is_refused
        );
    };
    (@each $attributes:tt $lab:expr; $($name:ident)*) => {
        $( scheduler_scenarios!(@one $attributes $lab; $name); )*
    };
    (@one [$($attributes:tt)*] $lab:expr; $name:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        $($attributes)*
        async fn $name() {
            let lab = $lab;
            crate::scheduler::scenarios::$name(&lab).await;
        }
    };
    (ignored $why:literal; $lab:expr) => {
        scheduler_scenarios!(@all [#[ignore = $why]] $lab);
    };
    ($lab:expr) => {
        scheduler_scenarios!(@all [] $lab);
    };
}
#[allow(unused_imports)]
pub(crate) use scheduler_scenarios;

const WELL: Option<ExitCode> = Some(ExitCode { code: 0, signal: 0 });

pub async fn a_job_runs_and_its_output_is_stored(lab: &dyn Lab) {
    let job = Job::new("greeting", "echo hello; echo trouble >&2; pwd");
    let id = job.submit(lab).await;
    let end = until_end(lab, id).await;
    assert_eq!((end.state, end.exit, end.task), (JobState::Completed, WELL, None));
    let output = job.read(lab, "greeting.out");
    assert!(output.contains("hello\n") && output.contains("trouble\n"), "{output:?}");
    let dir = std::fs::canonicalize(job.file(lab, ".")).unwrap();
    assert!(output.contains(&format!("{}\n", dir.display())), "{output:?}");
}

pub async fn the_script_is_the_one_that_was_submitted(lab: &dyn Lab) {
    let gate = Job::new("gate", "until [ -e open ]; do sleep 0.05; done");
    let first = gate.submit(lab).await;
    let job = Job::new("frozen", "echo first version").after(first);
    let id = job.submit(lab).await;
    Job::new("frozen", "echo second version").request(lab);
    std::fs::write(gate.file(lab, "open"), "").unwrap();
    until_end(lab, id).await;
    assert_eq!(job.read(lab, "frozen.out"), "first version\n");
}

pub async fn indices_reach_tasks_and_file_names(lab: &dyn Lab) {
    let body = "echo $SLURM_ARRAY_JOB_ID $SLURM_ARRAY_TASK_ID $SLURM_JOB_NAME";
    let job = Job::new("array", body)
        .directive("--array=0-2")
        .directive("--output=out_%A_%4a.txt")
        .directive("--error=err_%A_%4a.txt");
    let id = job.submit(lab).await;
    let ended = until_ended(lab, id, 3).await;
    assert_eq!(ended.iter().map(|t| t.task).collect::<Vec<_>>(), [Some(0), Some(1), Some(2)]);
    for task in 0..3 {
        let output = job.read(lab, &format!("out_{id}_000{task}.txt"));
        assert_eq!(output, format!("{id} {task} array\n"));
        assert_eq!(job.read(lab, &format!("err_{id}_000{task}.txt")), "");
    }
}

pub async fn an_array_may_be_a_list(lab: &dyn Lab) {
    let job = Job::new("list", "echo $SLURM_ARRAY_TASK_ID").directive("--array=7,2-3");
    let id = job.submit(lab).await;
    let indices: Vec<_> = until_ended(lab, id, 3).await.iter().map(|task| task.task).collect();
    assert_eq!(indices, [Some(2), Some(3), Some(7)]);
    assert_eq!(job.read(lab, "list.0007.out"), "7\n");
}

pub async fn no_more_tasks_at_once_than_the_array_allows(lab: &dyn Lab) {
    // A task that finds another one at work says so.
    let body = "mkdir busy || echo two at once; sleep 0.1; rmdir busy";
    let job = Job::new("narrow", body).directive("--array=0-3%1");
    let id = job.submit(lab).await;
    until_ended(lab, id, 4).await;
    for task in 0..4 {
        assert_eq!(job.read(lab, &format!("narrow.000{task}.out")), "");
    }
}

pub async fn a_dependent_job_waits_for_its_parent(lab: &dyn Lab) {
    let parent = Job::new("parent", "until [ -e open ]; do sleep 0.05; done; echo done > result");
    let first = parent.submit(lab).await;
    let child = Job::new("child", "cat ../parent/result").after(first);
    let second = child.submit(lab).await;
    until_tasks(lab, first, "the parent to run", |t| t[..].iter().any(|t| t.state.is_running()))
        .await;
    let waiting = until_tasks(lab, second, "the child to be known", |t| t.len() == 1).await;
    assert_eq!(waiting[0].state, JobState::Pending);
    assert_eq!(waiting[0].reason, "Dependency");
    std::fs::write(parent.file(lab, "open"), "").unwrap();
    assert_eq!(until_end(lab, second).await.state, JobState::Completed);
    assert_eq!(child.read(lab, "child.out"), "done\n");
}

pub async fn a_job_behind_a_failed_one_stays_and_can_be_cancelled(lab: &dyn Lab) {
    let first = Job::new("calibration", "exit 1").submit(lab).await;
    let child = Job::new("data", "echo ran").directive("--array=0-2").after(first);
    let second = child.submit(lab).await;
    let held = until_tasks(lab, second, "DependencyNeverSatisfied", |tasks| {
        tasks.len() == 3 && tasks.iter().all(|t| t.reason == "DependencyNeverSatisfied")
    })
    .await;
    assert!(held.iter().all(|task| task.state == JobState::Pending));
    lab.scheduler().cancel(second).await.unwrap();
    until_tasks(lab, second, "the end of what waits", |tasks| {
        tasks.iter().all(|task| task.state == JobState::Cancelled)
    })
    .await;
    assert!(!child.file(lab, "data.0000.out").exists());
}

pub async fn one_failed_task_of_an_array_fails_its_dependents(lab: &dyn Lab) {
    let parent = Job::new("partly", "[ $SLURM_ARRAY_TASK_ID != 1 ]").directive("--array=0-2");
    let first = parent.submit(lab).await;
    let second = Job::new("after", "echo ran").after(first).submit(lab).await;
    let states: Vec<_> = until_ended(lab, first, 3).await.into_iter().map(|t| t.state).collect();
    assert_eq!(states, [JobState::Completed, JobState::Failed, JobState::Completed]);
    until_tasks(lab, second, "DependencyNeverSatisfied", |tasks| {
        tasks.len() == 1 && tasks[0].reason == "DependencyNeverSatisfied"
    })
    .await;
    lab.scheduler().cancel(second).await.unwrap();
}

pub async fn exit_codes_and_signals_come_back(lab: &dyn Lab) {
    for (name, body, code, signal) in [
        ("seven", "exit 7", 7, 0),
        ("killed", "kill -KILL $$", 0, 9),
        ("unknown", "no-such-program 2> /dev/null", 127, 0),
    ] {
        let id = Job::new(name, body).submit(lab).await;
        let end = until_end(lab, id).await;
        assert_eq!(end.state, JobState::Failed, "{name}");
        assert_eq!(end.exit, Some(ExitCode { code, signal }), "{name}");
    }
}

pub async fn a_missing_directory_is_a_failure_with_53(lab: &dyn Lab) {
    let job = Job::new("astray", "echo ran > ran").directive("--output=log/nowhere/a.out");
    let id = job.submit(lab).await;
    let end = until_end(lab, id).await;
    assert_eq!(end.state, JobState::Failed);
    assert_eq!(end.exit, Some(ExitCode { code: 0, signal: 53 }));
    assert!(!job.file(lab, "ran").exists());
}

pub async fn a_job_over_its_time_is_ended(lab: &dyn Lab) {
    let job = Job::new("slow", "touch began; sleep 3000; touch survived").directive("--time=0:01");
    let id = job.submit(lab).await;
    until_file(lab, &job.file(lab, "began")).await;
    lab.let_time_run_out(id).await;
    let end = until_end(lab, id).await;
    assert_eq!(end.state, JobState::Timeout);
    assert!(!job.file(lab, "survived").exists());
}

pub async fn a_waiting_job_can_be_cancelled(lab: &dyn Lab) {
    let gate = Job::new("gate", "until [ -e open ]; do sleep 0.05; done").submit(lab).await;
    let job = Job::new("waiting", "echo ran").after(gate);
    let id = job.submit(lab).await;
    lab.scheduler().cancel(id).await.unwrap();
    until_tasks(lab, id, "CANCELLED", |tasks| {
        tasks.iter().all(|task| task.state == JobState::Cancelled)
    })
    .await;
    lab.scheduler().cancel(gate).await.unwrap();
    until_end(lab, gate).await;
    assert!(!job.file(lab, "waiting.out").exists());
}

pub async fn a_running_job_can_be_cancelled_and_may_clean_up(lab: &dyn Lab) {
    let body = "trap 'echo told > told; kill %1; exit 1' TERM\nsleep 3000 & touch began; wait";
    let job = Job::new("running", body);
    let id = job.submit(lab).await;
    until_file(lab, &job.file(lab, "began")).await;
    lab.scheduler().cancel(id).await.unwrap();
    assert_eq!(until_end(lab, id).await.state, JobState::Cancelled);
    assert_eq!(job.read(lab, "told"), "told\n");
}

pub async fn cancelling_twice_is_no_error(lab: &dyn Lab) {
    let id = Job::new("over", "true").submit(lab).await;
    assert_eq!(until_end(lab, id).await.state, JobState::Completed);
    lab.scheduler().cancel(id).await.unwrap();
    lab.scheduler().cancel(id).await.unwrap();
    assert_eq!(tasks(lab, id).await[0].state, JobState::Completed);
}

pub async fn the_environment_reaches_the_job(lab: &dyn Lab) {
    let job = Job::new("variables", r#"echo "$OSA_TEST_NAME|$MPLBACKEND|${PATH:+path}""#)
        .variable("OSA_TEST_NAME", "BL Lac, $HOME 'quoted' \"twice\"")
        .variable("MPLBACKEND", "Agg");
    let id = job.submit(lab).await;
    until_end(lab, id).await;
    let expected = "BL Lac, $HOME 'quoted' \"twice\"|Agg|path\n";
    assert_eq!(job.read(lab, "variables.out"), expected);
}

pub async fn name_comment_and_times_come_back(lab: &dyn Lab) {
    let comment = "osa:3f0c2a52-0c3e-4f27-9d6e-000000000001";
    let job = Job::new("LST1_19102", "sleep 1").directive("--array=0-1").comment(comment);
    let id = job.submit(lab).await;
    for task in until_ended(lab, id, 2).await {
        assert_eq!((task.name.as_str(), task.comment.as_str()), ("LST1_19102", comment));
        let times = (task.submitted.unwrap(), task.started.unwrap(), task.ended.unwrap());
        assert!(times.0 <= times.1 && times.1 < times.2, "{times:?}");
        assert!((1..60).contains(&task.elapsed_seconds), "{task:?}");
        assert!((1..60).contains(&task.cpu_seconds), "{task:?}");
    }
}

pub async fn a_file_that_is_no_script_is_refused(lab: &dyn Lab) {
    let mut request = Job::new("wrong", "true").request(lab);
    std::fs::write(&request.script, "echo no interpreter\n").unwrap();
    let refused = lab.scheduler().submit(&request).await;
    assert!(matches!(refused, Err(SubmitError::Refused(_))), "{refused:?}");
    request.script = lab.dir().join("missing.sh");
    let refused = lab.scheduler().submit(&request).await;
    assert!(matches!(refused, Err(SubmitError::Refused(_))), "{refused:?}");
}
