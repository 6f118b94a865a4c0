//! What the local scheduler survives: kill -9 of its processes at any moment, and a database that
//! cannot be written.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use server::model::{JobId, JobState};

use super::LocalLab;
use super::processes::written_in;
use crate::scheduler::lab::{
    Job, Lab, tasks, until, until_end, until_ended, until_file, until_tasks,
};
use crate::support::{Case, database, lock, unlock};

/// A job of `count` tasks, each of which notes that it ran.
fn noting(count: u32) -> Job {
    Job::new("noting", "echo ran >> ran.$SLURM_ARRAY_TASK_ID; sleep 0.2")
        .directive(&format!("--array=0-{}", count - 1))
}

/// A job that has begun: its body must `touch began`.
async fn begun(lab: &LocalLab, body: &str) -> (Job, JobId) {
    let job = Job::new("begun", body);
    let id = job.submit(lab).await;
    until_file(lab, &job.file(lab, "began")).await;
    (job, id)
}

/// A body that ends once there is a file `open` in its directory, and then runs `last`.
fn gate(last: &str) -> String {
    format!("touch began; until [ -e open ]; do sleep 0.05; done; {last}")
}

/// Lets a [`gate`] end.
fn open(lab: &LocalLab, job: &Job) {
    std::fs::write(job.file(lab, "open"), "").unwrap();
}

/// Each task of a [`noting`] job ran once and ended well.
async fn all_ran_once(lab: &LocalLab, job: &Job, id: JobId, count: u32) {
    for task in until_ended(lab, id, count.try_into().unwrap()).await {
        assert_eq!(task.state, JobState::Completed, "{task:?}");
        let notes = job.read(lab, &format!("ran.{}", task.task.unwrap()));
        assert_eq!(notes, "ran\n", "task {:?} ran more than once", task.task);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_survives_its_supervisor_and_is_adopted_by_the_next() {
    let lab = LocalLab::new().await;
    let (job, id) = begun(&lab, &gate("exit 3")).await;
    let after = Job::new("after", "true").submit(&lab).await;
    until_end(&lab, after).await;

    let first = lab.supervisor().await;
    lab.kill(&first).await;
    until(&lab, "the next supervisor", || async {
        let known = tasks(&lab, id).await; // this starts it, once the first is really gone
        assert_eq!(known[0].state, JobState::Running);
        let now = lab.supervisors();
        if now.is_empty() || now.contains(&first) { Err(format!("{now:?}")) } else { Ok(()) }
    })
    .await;
    open(&lab, &job);
    let end = until_end(&lab, id).await;
    assert_eq!((end.state, end.exit.unwrap().code), (JobState::Failed, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_task_is_recorded_without_any_supervisor() {
    let lab = LocalLab::new().await;
    let (job, id) = begun(&lab, &gate("true")).await;
    lab.kill(&lab.supervisor().await).await;
    open(&lab, &job);
    until(&lab, "the record", || async {
        // Asked of the database itself: asking the scheduler would start a supervisor.
        let state =
            sqlx::query_scalar!("SELECT state FROM local_tasks WHERE job = ?", id.0.cast_signed(),);
        let state = state.fetch_one(&mut database(&lab.database()).await).await.unwrap();
        if state == "COMPLETED" { Ok(()) } else { Err(state) }
    })
    .await;
    assert_eq!(lab.supervisors(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_task_runs_twice_or_never_however_often_supervisors_are_killed() {
    let lab = LocalLab::new().await;
    let job = noting(40);
    let id = job.submit(&lab).await;
    let mut killed = 0;
    // Each round waits for progress, so that the array does end.
    loop {
        let known = tasks(&lab, id).await;
        if known.iter().all(|task| !task.state.is_active()) {
            break;
        }
        for supervisor in lab.supervisors() {
            if kill(Pid::from_raw(supervisor.pid), Signal::SIGKILL).is_ok() {
                killed += 1;
            }
        }
        let ended = known.iter().filter(|task| !task.state.is_active()).count();
        until(&lab, "progress", || async {
            let now = tasks(&lab, id).await;
            let count = now.iter().filter(|task| !task.state.is_active()).count();
            if count > ended { Ok(()) } else { Err(format!("{count} ended")) }
        })
        .await;
    }
    assert!(killed >= 3, "only {killed} supervisors were killed");
    all_ran_once(&lab, &job, id, 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_runner_vanishes_is_a_node_failure_and_nothing_of_it_lives_on() {
    // The second has a child in a session of its own, as programs make that want to live on.
    let alone = "echo $$ > pid; touch began; sleep 3000";
    let with_child = "setsid sleep 3000 & echo $! > child; echo $$ > pid; touch began; wait";
    for (name, body, files, supervisor_too) in [
        ("found by the next supervisor", alone, &["pid"][..], true),
        ("found by its supervisor, with a child", with_child, &["pid", "child"], false),
    ] {
        let _case = Case::named(name);
        let lab = LocalLab::new().await;
        let (job, id) = begun(&lab, body).await;
        if supervisor_too {
            lab.kill(&lab.supervisor().await).await;
        }
        lab.kill(&lab.runner().await).await;
        let end = until_end(&lab, id).await;
        assert_eq!(end.state, JobState::NodeFail);
        assert_eq!(end.reason, "the process that ran it vanished");
        for file in files {
            assert!(!written_in(&job.read(&lab, file)).is_alive(), "{file}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_was_never_recorded_is_not_taken_for_a_good_one() {
    let lab = LocalLab::new().await;
    let (job, id) = begun(&lab, &gate("touch over")).await;
    let runner = lab.runner().await;
    let lock = lock(&lab.database()).await;
    open(&lab, &job);
    until_file(&lab, &job.file(&lab, "over")).await;
    lab.kill(&runner).await; // the script has ended well, and nobody could write that down
    unlock(lock).await;
    assert_eq!(until_end(&lab, id).await.state, JobState::NodeFail);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_with_the_number_of_a_runner_is_neither_adopted_nor_killed() {
    // `earlier`: it began when the runner did, but before the machine was started again.
    for (name, earlier) in
        [("begun at another time", false), ("of an earlier start of the machine", true)]
    {
        let _case = Case::named(name);
        let lab = LocalLab::new().await;
        let (_, id) = begun(&lab, "touch began; sleep 3000").await;
        lab.kill(&lab.supervisor().await).await;
        lab.kill(&lab.runner().await).await;
        let mut stranger = std::process::Command::new("sleep").arg("3000").spawn().unwrap();
        let process = written_in(&stranger.id().to_string());
        let taken_for_the_runner = sqlx::query!(
            "UPDATE local_tasks SET runner_pid = ?1,
                runner_start = CASE WHEN ?2 THEN ?3 ELSE runner_start END,
                runner_boot = CASE WHEN ?2 THEN 'earlier' ELSE runner_boot END",
            process.pid,
            earlier,
            process.start(),
        );
        let mut database = database(&lab.database()).await;
        let done = taken_for_the_runner.execute(&mut database).await.unwrap();
        assert_eq!(done.rows_affected(), 1);
        assert_eq!(until_end(&lab, id).await.state, JobState::NodeFail);
        assert_eq!(stranger.try_wait().unwrap(), None, "the stranger lives");
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_cancelled_though_its_supervisor_is_dead() {
    let lab = LocalLab::new().await;
    let (_, id) = begun(&lab, "touch began; sleep 3000").await;
    lab.kill(&lab.supervisor().await).await;
    lab.scheduler().cancel(id).await.unwrap();
    assert_eq!(until_end(&lab, id).await.state, JobState::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_nobody_holds_returns_to_the_queue() {
    let lab = LocalLab::new().await;
    // As a supervisor leaves it that is killed between its claim and the start of the runner.
    let first = Job::new("gate", &gate("true")).directive("--cpus-per-task=2");
    let first_id = first.submit(&lab).await;
    let job = noting(1);
    let id = job.submit(&lab).await;
    lab.kill(&lab.supervisor().await).await;
    let claimed = sqlx::query!(
        "UPDATE local_tasks SET state = 'CONFIGURING', claim = 'of the dead' WHERE job = ?",
        id.0.cast_signed(),
    );
    let done = claimed.execute(&mut database(&lab.database()).await).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
    open(&lab, &first);
    until_end(&lab, first_id).await;
    all_ran_once(&lab, &job, id, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_comes_late_finds_its_order_void() {
    // The first runner waits for a file before it becomes our program.
    let lab = LocalLab::with_runners(
        "if mkdir \"$LAB/first\" 2> /dev/null; then \
         touch \"$LAB/waits\"; until [ -e \"$LAB/go\" ]; do sleep 0.05; done; fi",
    )
    .await;
    let job = noting(1);
    let id = job.submit(&lab).await;
    until_file(&lab, &lab.dir().join("waits")).await;
    lab.kill(&lab.supervisor().await).await;
    all_ran_once(&lab, &job, id, 1).await; // by a second runner, sent by the next supervisor
    std::fs::write(lab.dir().join("go"), "").unwrap();
    until(&lab, "the late runner to give up", || async {
        let said = lab.log();
        if said.contains("the order was taken back: not run") { Ok(()) } else { Err(said) }
    })
    .await;
    all_ran_once(&lab, &job, id, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_that_dies_before_it_begins_is_replaced() {
    let lab = LocalLab::with_runners(
        "mkdir \"$LAB/1\" 2> /dev/null && exit 1; mkdir \"$LAB/2\" 2> /dev/null && kill -9 $$",
    )
    .await;
    let job = noting(1);
    let id = job.submit(&lab).await;
    all_ran_once(&lab, &job, id, 1).await;
    assert!(lab.dir().join("2").exists(), "both failures happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_wait_while_the_program_cannot_be_started_and_say_so() {
    let lab = LocalLab::with_runners(":").await;
    let (first, first_id) = begun(&lab, &gate("true")).await; // keeps the supervisor at work
    let program = lab.dir().join("bin/osa");
    std::fs::rename(&program, lab.dir().join("away")).unwrap();
    let job = noting(1);
    let id = job.submit(&lab).await;
    let expected = format!("cannot start {}: No such file", program.display());
    until_tasks(&lab, id, "the reason", |tasks| tasks[0].reason.starts_with(&expected)).await;
    std::fs::rename(lab.dir().join("away"), &program).unwrap();
    all_ran_once(&lab, &job, id, 1).await;
    open(&lab, &first);
    until_end(&lab, first_id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_locked_for_seconds_loses_no_end_and_no_submission() {
    let lab = LocalLab::new().await;
    let (job, id) = begun(&lab, &gate("touch over")).await;
    let lock = lock(&lab.database()).await;
    open(&lab, &job);
    until_file(&lab, &job.file(&lab, "over")).await;
    let second = Job::new("second", "true");
    let (submitted, ()) = tokio::join!(second.try_submit(&lab), async {
        tokio::time::sleep(std::time::Duration::from_secs(3)).await; // the promise is about seconds
        unlock(lock).await;
    });
    assert_eq!(until_end(&lab, id).await.state, JobState::Completed);
    assert_eq!(until_end(&lab, submitted.unwrap()).await.state, JobState::Completed);
}
