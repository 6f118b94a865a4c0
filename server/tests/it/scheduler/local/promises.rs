//! What the local scheduler promises beyond the common scenarios.

use std::process::{Command, Stdio};

use chrono::{TimeDelta, Utc};
use nix::unistd::getsid;
use server::model::{ExitCode, JobId, JobState};
use server::schedule::{Scheduler, SchedulerError, SubmitError};

use super::LocalLab;
use super::processes::{Process, written_in};
use crate::scheduler::lab::{
    Job, Lab, tasks, until, until_end, until_ended, until_file, until_tasks,
};
use crate::support::{OSA, database};

/// A job that runs until a file `open` is in its directory.
fn gate() -> Job {
    Job::new("gate", "touch began; until [ -e open ]; do sleep 0.05; done")
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_count_from_one_and_jobs_come_back_after_a_restart() {
    let lab = LocalLab::new().await;
    assert_eq!(Job::new("first", "exit 3").submit(&lab).await, JobId(1));
    let gate = gate();
    assert_eq!(gate.submit(&lab).await, JobId(2));
    until_end(&lab, JobId(1)).await;
    until_file(&lab, &gate.file(&lab, "began")).await;

    let reopened = lab.reopened().await;
    let known = reopened.jobs(Utc::now() - TimeDelta::hours(1)).await.unwrap().tasks;
    let known: Vec<_> = known.iter().map(|task| (task.label(), task.state.clone())).collect();
    let expected = [("1".to_owned(), JobState::Failed), ("2".to_owned(), JobState::Running)];
    assert_eq!(known, expected);
    std::fs::write(gate.file(&lab, "open"), "").unwrap();
    assert_eq!(until_end(&lab, JobId(2)).await.state, JobState::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_ended_before_are_not_reported_again() {
    let lab = LocalLab::new().await;
    let first = Job::new("old", "true").submit(&lab).await;
    let ended = until_end(&lab, first).await.ended.unwrap();
    let waiting = Job::new("gate", "sleep 3000").submit(&lab).await;
    let later = lab.scheduler().jobs(ended + TimeDelta::milliseconds(1)).await.unwrap();
    let known: Vec<_> = later.tasks.iter().map(|task| task.job).collect();
    assert_eq!(known, [waiting], "what has not ended is told whenever it began");
    lab.scheduler().cancel(waiting).await.unwrap();
    until_end(&lab, waiting).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_parent_is_refused_and_nothing_created() {
    let lab = LocalLab::new().await;
    let refused = Job::new("orphan", "true").after(JobId(77)).try_submit(&lab).await;
    let Err(SubmitError::Refused(SchedulerError { message, .. })) = refused else {
        panic!("{refused:?}")
    };
    assert!(message.ends_with("orphan.sh: it depends on job 77, which is not in the queue"));
    assert!(tasks(&lab, JobId(1)).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn more_processors_than_there_are_is_refused() {
    let lab = LocalLab::new().await;
    let refused = Job::new("wide", "true").directive("--cpus-per-task=3").try_submit(&lab).await;
    let Err(SubmitError::Refused(SchedulerError { message, .. })) = refused else {
        panic!("{refused:?}")
    };
    assert!(message.contains("--cpus-per-task=3") && message.contains("local_cpus"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_with_two_processors_runs_alone_on_two_and_counts_double() {
    let lab = LocalLab::new().await;
    let body = "mkdir ../busy || echo two at once; sleep 1; rmdir ../busy; \
                echo $SLURM_CPUS_PER_TASK";
    let wide = Job::new("wide", body).directive("--cpus-per-task=2").directive("--array=0-1");
    let first = wide.submit(&lab).await;
    for task in until_ended(&lab, first, 2).await {
        assert_eq!(task.cpu_seconds, 2 * task.elapsed_seconds);
    }
    for task in 0..2 {
        assert_eq!(wide.read(&lab, &format!("wide.000{task}.out")), "2\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_a_waiting_array_ends_it_at_once() {
    let lab = LocalLab::new().await;
    let first = gate().submit(&lab).await;
    let second = Job::new("array", "true").directive("--array=0-9").after(first).submit(&lab).await;
    lab.scheduler().cancel(second).await.unwrap();
    let states: Vec<_> = tasks(&lab, second).await.into_iter().map(|task| task.state).collect();
    assert_eq!(states, vec![JobState::Cancelled; 10]);
    lab.scheduler().cancel(first).await.unwrap();
    until_end(&lab, first).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_ignores_sigterm_is_killed_after_the_grace() {
    let lab = LocalLab::new().await;
    let body = "trap '' TERM; echo $$ > pid; touch began; while :; do sleep 0.1; done";
    for (name, time) in [("cancelled", "0"), ("late", "0:01")] {
        let job = Job::new(name, body).directive(&format!("--time={time}"));
        let id = job.submit(&lab).await;
        until_file(&lab, &job.file(&lab, "began")).await;
        let deaf = written_in(&job.read(&lab, "pid"));
        if name == "cancelled" {
            lab.scheduler().cancel(id).await.unwrap();
        }
        let end = until_end(&lab, id).await;
        let expected = if name == "cancelled" { JobState::Cancelled } else { JobState::Timeout };
        assert_eq!(end.state, expected);
        let took = end.ended.unwrap() - end.started.unwrap();
        assert!(took >= TimeDelta::seconds(2), "it had its grace: {took}");
        assert!(!deaf.is_alive());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_script_leaves_behind_ends_with_it() {
    let lab = LocalLab::new().await;
    let job = Job::new("parent", "set -m; sleep 3000 & echo $! > pid");
    let id = job.submit(&lab).await;
    assert_eq!(until_end(&lab, id).await.state, JobState::Completed);
    let left = written_in(&job.read(&lab, "pid"));
    until(&lab, "the end of what was left", || async {
        if left.is_alive() { Err("it is alive".to_owned()) } else { Ok(()) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_directory_is_named() {
    let lab = LocalLab::new().await;
    let job = Job::new("astray", "true").directive("--output=log/a.out");
    let end = {
        let id = job.submit(&lab).await;
        until_end(&lab, id).await
    };
    let file = job.file(&lab, "log/a.out");
    assert!(end.reason.starts_with(&format!("cannot write {}", file.display())), "{}", end.reason);
    let id = Job::new("lost", "true").directive("--chdir=/no/where").submit(&lab).await;
    let end = until_end(&lab, id).await;
    assert_eq!(end.exit, Some(ExitCode { code: 0, signal: 53 }));
    assert_eq!(end.reason, "the working directory /no/where is missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_interpreter_is_named() {
    let lab = LocalLab::new().await;
    let mut request = Job::new("exotic", "true").request(&lab);
    let text = std::fs::read_to_string(&request.script).unwrap();
    request.script = lab.dir().join("exotic.sh");
    std::fs::write(&request.script, text.replace("#!/bin/bash", "#!/no/such/shell -x")).unwrap();
    let id = lab.scheduler().submit(&request).await.unwrap();
    let end = until_end(&lab, id).await;
    assert_eq!((end.state, end.exit), (JobState::Failed, Some(ExitCode { code: 127, signal: 0 })));
    assert!(end.reason.contains("\"/no/such/shell\": No such file"), "{}", end.reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_and_processor_time_are_recorded() {
    let lab = LocalLab::new().await;
    // tail keeps what has no line ends; the pipe waits until somebody had a look.
    let body = "{ head -c 100M /dev/zero; sleep 1; } | tail > /dev/null";
    let id = Job::new("hungry", body).submit(&lab).await;
    let end = until_end(&lab, id).await;
    let most = end.max_rss_bytes.unwrap();
    assert!((100 << 20..200 << 20).contains(&most), "{most} bytes");
    let used = sqlx::query_scalar!("SELECT cpu_ms FROM local_tasks");
    let used = used.fetch_one(&mut database(&lab.database()).await).await.unwrap();
    assert!(used.unwrap() > 0, "{used:?} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_above_its_memory_is_ended_with_out_of_memory() {
    let lab = LocalLab::new().await;
    let body = "{ head -c 200M /dev/zero; sleep 3000; } | tail > /dev/null";
    let id = Job::new("glutton", body).directive("--mem-per-cpu=100M").submit(&lab).await;
    let end = until_end(&lab, id).await;
    assert_eq!(end.state, JobState::OutOfMemory);
    assert_eq!(end.exit, Some(ExitCode { code: 0, signal: 125 }));
    assert!(end.max_rss_bytes.unwrap() > 100 << 20, "{end:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_supervisor_ends_when_idle_and_a_new_job_starts_another() {
    let lab = LocalLab::new().await;
    for name in ["first", "second"] {
        let id = Job::new(name, "true").submit(&lab).await;
        until_end(&lab, id).await;
        until(&lab, "the end of the supervisor", || async {
            let left = lab.supervisors();
            if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
        })
        .await;
    }
    let scripts: Vec<_> = lab.place().scripts().unwrap();
    assert_eq!(scripts, [], "no copy of a script is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_can_never_run_keeps_no_process_alive() {
    let lab = LocalLab::new().await;
    let first = Job::new("bad", "exit 1").submit(&lab).await;
    let second = Job::new("held", "true").after(first).submit(&lab).await;
    let third = Job::new("behind", "true").after(second).submit(&lab).await;
    until_tasks(&lab, second, "DependencyNeverSatisfied", |tasks| {
        tasks[0].reason == "DependencyNeverSatisfied"
    })
    .await;
    until(&lab, "the end of the supervisor", || async {
        let left = lab.supervisors();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
    assert_eq!(tasks(&lab, second).await[0].state, JobState::Pending);
    assert_eq!(tasks(&lab, third).await[0].reason, "Dependency");
    // When the one before is given up, it is known that the one behind can never run.
    lab.scheduler().cancel(second).await.unwrap();
    until_tasks(&lab, third, "DependencyNeverSatisfied", |tasks| {
        tasks[0].reason == "DependencyNeverSatisfied"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn supervisor_and_task_are_out_of_reach_of_the_submitters_terminal() {
    let lab = LocalLab::new().await;
    let job = Job::new("session", "echo $$ > pid; touch began; sleep 3000");
    let id = job.submit(&lab).await;
    until_file(&lab, &job.file(&lab, "began")).await;
    let ours = getsid(None).unwrap().as_raw();
    let (supervisor, runner) = (lab.supervisor().await, lab.runner().await);
    assert_eq!(supervisor.session(), Some(supervisor.pid));
    assert_eq!(runner.session(), Some(runner.pid));
    let script = written_in(&job.read(&lab, "pid"));
    assert_eq!(script.session(), Some(runner.pid));
    assert_ne!(supervisor.pid, ours);
    lab.scheduler().cancel(id).await.unwrap();
    until_end(&lab, id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_a_cron_line_holds_open_are_closed_by_the_supervisor() {
    let lab = LocalLab::new().await;
    let id = gate().after(JobId(1)); // so that there is something to supervise
    let first = Job::new("first", "until [ -e open ]; do sleep 0.05; done");
    let one = first.submit(&lab).await;
    id.submit(&lab).await;
    lab.kill(&lab.supervisor().await).await;
    let lock = lab.dir().join("cron.lock");
    let started = Command::new("bash")
        .args(["-c", "exec 7> \"$1\"; exec \"$2\" local-scheduler --database \"$3\"", "bash"])
        .args([&lock, &OSA.into(), &lab.database()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let supervisor = lab.supervisor().await;
    assert_eq!(supervisor.pid, i32::try_from(started.id()).unwrap());
    until(&lab, "the inherited file to be closed", || async {
        let files = supervisor.files();
        assert!(!files.is_empty());
        if files.contains(&lock) { Err(format!("{files:?}")) } else { Ok(()) }
    })
    .await;
    for job in [one, JobId(2)] {
        lab.scheduler().cancel(job).await.unwrap();
        until_end(&lab, job).await;
    }
    reap(started).await;
}

async fn reap(mut child: std::process::Child) {
    tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_the_database_ends_everything_that_ran_for_it() {
    let lab = LocalLab::new().await;
    let job = Job::new("endless", "echo $$ > pid; touch began; sleep 3000");
    job.submit(&lab).await;
    until_file(&lab, &job.file(&lab, "began")).await;
    let script = written_in(&job.read(&lab, "pid"));
    let ours = [lab.supervisor().await, lab.runner().await, script];
    std::fs::remove_file(lab.database()).unwrap();
    until(&lab, "the end of all processes", || async {
        let left: Vec<&Process> = ours.iter().filter(|process| process.is_alive()).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
}
