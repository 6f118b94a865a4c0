//! Several at once: supervisors, submitters, first users of a database.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use server::model::JobState;
use server::schedule::Scheduler;
use server::store::Store;

use super::{LocalLab, open, settings};
use crate::scheduler::lab::{Job, Lab, until, until_end, until_ended};
use crate::support::OSA;

fn supervisor(lab: &LocalLab) -> Child {
    Command::new(OSA)
        .arg("local-scheduler")
        .arg("--database")
        .arg(lab.database())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_supervisors_one_works_and_no_task_runs_twice() {
    let lab = LocalLab::new().await;
    let job = Job::new("noting", "echo ran >> ran.$SLURM_ARRAY_TASK_ID").directive("--array=0-19");
    let mut rivals: Vec<Child> = (0..3).map(|_| supervisor(&lab)).collect();
    let id = job.submit(&lab).await;
    rivals.extend((0..3).map(|_| supervisor(&lab)));
    for task in until_ended(&lab, id, 20).await {
        assert_eq!(task.state, JobState::Completed);
        assert_eq!(job.read(&lab, &format!("ran.{}", task.task.unwrap())), "ran\n");
    }
    for mut rival in rivals {
        let status = tokio::task::spawn_blocking(move || rival.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_submissions_at_once_make_fifty_jobs() {
    let lab = LocalLab::new().await;
    let submissions = (0..50).map(|number| {
        let job = Job::new(&format!("job{number}"), "echo $SLURM_JOB_ID");
        let request = job.request(&lab);
        let dir = lab.dir().to_owned();
        // Each as a process of its own would: with connections of its own.
        tokio::spawn(async move {
            let id = open(&dir, settings()).await.submit(&request).await.unwrap();
            (id, job)
        })
    });
    let submissions: Vec<_> = submissions.collect();
    let mut ids = BTreeSet::new();
    for submission in submissions {
        let (id, job) = submission.await.unwrap();
        assert!(ids.insert(id), "{id} was given twice");
        assert_eq!(until_end(&lab, id).await.state, JobState::Completed);
        assert_eq!(
            job.read(&lab, &format!("{}.out", until_end(&lab, id).await.name)),
            format!("{id}\n")
        );
    }
    assert_eq!(ids.len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_be_the_first_to_open_a_database() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("osa.sqlite");
    let opening = (0..16).map(|_| {
        let file = file.clone();
        tokio::spawn(async move { Store::open(&file).await.map(|_| ()) })
    });
    for opened in opening.collect::<Vec<_>>() {
        opened.await.unwrap().unwrap();
    }
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "environments of jobs are nobody else's business");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_trivial_tasks_are_a_matter_of_seconds() {
    let lab = LocalLab::new().await;
    let id = Job::new("many", "true").directive("--array=0-199").submit(&lab).await;
    let ended = until_ended(&lab, id, 200).await;
    assert!(ended.iter().all(|task| task.state == JobState::Completed));
    let first = ended.iter().filter_map(|task| task.submitted).min().unwrap();
    let last = ended.iter().filter_map(|task| task.ended).max().unwrap();
    eprintln!("200 tasks took {} s on two processors", (last - first).as_seconds_f32());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_of_six_thousand_tasks_is_answered_and_cancelled_whole() {
    let lab = LocalLab::new().await;
    let gate = Job::new("gate", "until [ -e open ]; do sleep 0.05; done").submit(&lab).await;
    let job = Job::new("LST1_20000", "true").directive("--array=0-149").after(gate);
    let mut ids = Vec::new();
    for _ in 0..40 {
        ids.push(job.submit(&lab).await);
    }
    let began = std::time::Instant::now();
    let known = crate::scheduler::lab::tasks(&lab, ids[39]).await;
    eprintln!("6001 tasks were told in {:?}", began.elapsed());
    assert_eq!(known.len(), 150);
    for id in ids {
        lab.scheduler().cancel(id).await.unwrap();
    }
    lab.scheduler().cancel(gate).await.unwrap();
    until_end(&lab, gate).await;
    until(&lab, "the end of the supervisor", || async {
        if lab.supervisors().is_empty() { Ok(()) } else { Err(lab.log()) }
    })
    .await;
}
