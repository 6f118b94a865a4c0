//! Slurm's adapter against the scripted fake in `end2end/fake-slurm`.

use std::path::Path;

use server::model::{JobId, JobState};
use server::schedule::{JobSnapshot, Scheduler, SchedulerError, SubmitError};

use super::lab::{Job, Lab, until_ended, until_file, until_tasks};
use super::scenarios::scheduler_scenarios;
use crate::support::{FakeSlurm, at_once};

impl Lab for FakeSlurm {
    fn scheduler(&self) -> &dyn Scheduler {
        self.scheduler()
    }

    fn dir(&self) -> &Path {
        self.dir()
    }
}

mod scenarios {
    use super::{FakeSlurm, scheduler_scenarios};

    scheduler_scenarios!(FakeSlurm::running());
}

fn uncertain(answer: &Result<JobId, SubmitError>) -> bool {
    matches!(answer, Err(SubmitError::Uncertain(_)))
}

/// id, state and what else a test wants to see of every task.
fn lines(snapshot: &JobSnapshot) -> Vec<String> {
    snapshot.tasks.iter().map(|t| format!("{} {} {}", t.label(), t.state, t.name)).collect()
}

#[tokio::test]
async fn sbatch_gets_the_arguments_that_the_site_is_used_to() {
    let fake = FakeSlurm::holding();
    let first = Job::new("LST1_19101", "true").comment("osa:one");
    let calibration = first.submit(&fake).await;
    let second = Job::new("LST1_19102", "true").comment("osa:two").after(calibration);
    second.submit(&fake).await;
    let script = |name: &str| fake.dir().join(name).join(format!("{name}.sh"));
    let options = "--parsable --export=ALL,MPLBACKEND=Agg --comment=osa";
    assert_eq!(
        fake.arguments("sbatch"),
        [
            format!("{options}:one {}", script("LST1_19101").display()),
            format!(
                "{options}:two --dependency=afterok:{calibration} {}",
                script("LST1_19102").display()
            ),
        ]
    );
}

#[tokio::test]
async fn querying_any_number_of_jobs_is_one_sacct_and_one_squeue() {
    let fake = FakeSlurm::holding();
    for run in 0..12 {
        Job::new(&format!("LST1_{run}"), "true").directive("--array=0-49").submit(&fake).await;
    }
    let snapshot = fake.snapshot().await.unwrap();
    assert_eq!(snapshot.tasks.len(), 12 * 50);
    assert_eq!((fake.calls("sacct"), fake.calls("squeue")), (1, 1));
}

#[tokio::test]
async fn the_original_s_own_answers_are_understood() {
    let snapshot = FakeSlurm::golden().snapshot().await.unwrap();
    assert_eq!(snapshot.doubts, []);
    let seen: Vec<String> = snapshot
        .tasks
        .iter()
        .map(|t| {
            let exit = t.exit.map_or("-".into(), |e| e.to_string());
            let memory = t.max_rss_bytes.map_or("-".into(), |b| (b >> 20).to_string());
            format!("{} {} {} {exit} {}s {memory}", t.label(), t.name, t.state, t.cpu_seconds)
        })
        .collect();
    insta::assert_snapshot!(seen.join("\n"));
}

#[tokio::test]
async fn a_refusal_is_reported_in_slurm_s_words_and_leaves_nothing() {
    let fake = FakeSlurm::holding();
    fake.set("faults/sbatch", "refuse Invalid account or account/partition combination specified");
    let answer = Job::new("LST1_19101", "true").try_submit(&fake).await;
    let Err(SubmitError::Refused(SchedulerError { message: text, .. })) = answer else {
        panic!("{answer:?}")
    };
    assert!(text.ends_with("Invalid account or account/partition combination specified"), "{text}");
    assert_eq!(lines(&fake.snapshot().await.unwrap()), Vec::<String>::new());
}

#[tokio::test]
async fn whenever_slurm_may_have_the_job_the_answer_is_uncertain() {
    let faults = ["socket-timeout", "garbage", "signal-after", "hang-after", "unreachable", "hang"];
    at_once(faults, |fault| async move {
        let fake = FakeSlurm::holding().impatient();
        fake.set("faults/sbatch", fault);
        let answer = Job::new("LST1_19101", "true").try_submit(&fake).await;
        assert!(uncertain(&answer), "{answer:?}");
        let there = fake.snapshot().await.unwrap().tasks.len();
        assert_eq!(there, usize::from(!matches!(fault, "unreachable" | "hang")));
    })
    .await;
}

#[tokio::test]
async fn without_the_queue_there_is_no_answer() {
    at_once(["fail", "hang"], |fault| async move {
        let fake = FakeSlurm::holding().impatient();
        Job::new("LST1_19101", "true").submit(&fake).await;
        fake.set("faults/squeue", fault);
        let error = fake.snapshot().await.unwrap_err();
        assert!(error.message.contains("squeue"), "{error}");
        assert_eq!(fake.snapshot().await.unwrap().tasks.len(), 1, "it recovers");
    })
    .await;
}

#[tokio::test]
async fn garbage_between_good_lines_is_reported_and_the_rest_is_used() {
    let faults = [
        ("sacct", "garbage 7\x1f"),
        ("squeue", "garbage"),
        ("squeue", "cut"),
        ("sacct", "complain half of the cluster is on fire"),
    ];
    at_once(faults, |(tool, fault)| async move {
        let fake = FakeSlurm::holding();
        for run in 1..4 {
            let id = Job::new(&format!("LST1_{run}"), "true").submit(&fake).await;
            fake.control(&["set", &id.to_string(), "RUNNING"]);
        }
        fake.set(&format!("faults/{tool}"), fault);
        let snapshot = fake.snapshot().await.unwrap();
        assert_ne!(snapshot.doubts, []);
        assert!(snapshot.tasks.len() >= 2, "{snapshot:?}");
    })
    .await;
}

#[tokio::test]
async fn an_old_sacct_is_asked_for_what_it_has() {
    let fake = FakeSlurm::holding();
    fake.set("no-submitline", "");
    let id = Job::new("LST1_19101", "true").submit(&fake).await;
    fake.control(&["set", &id.to_string(), "COMPLETED"]);
    assert_eq!(lines(&fake.snapshot().await.unwrap()), ["1000 COMPLETED LST1_19101"]);
    assert_eq!(fake.calls("sacct"), 2);
    fake.snapshot().await.unwrap();
    assert_eq!(fake.calls("sacct"), 3, "it is remembered");
}

#[tokio::test]
async fn the_comment_is_found_where_accounting_does_not_keep_it() {
    let fake = FakeSlurm::holding();
    fake.set("no-comment", "");
    fake.set("minjobage", "-1");
    let id = Job::new("LST1_19101", "true").comment("osa:c0ffee").submit(&fake).await;
    fake.control(&["set", &id.to_string(), "COMPLETED"]);
    let snapshot = fake.snapshot().await.unwrap();
    assert_eq!(snapshot.tasks[0].comment, "osa:c0ffee");
}

#[tokio::test]
async fn accounting_that_lags_behind_hides_nothing() {
    let fake = FakeSlurm::holding();
    for (name, state) in [("LST1_1", "COMPLETED"), ("LST1_2", "FAILED"), ("LST1_3", "RUNNING")] {
        let id = Job::new(name, "true").submit(&fake).await;
        fake.control(&["set", &id.to_string(), state]);
    }
    fake.set("faults/sacct", "lag");
    let expected = ["1000 COMPLETED LST1_1", "1001 FAILED LST1_2", "1002 RUNNING LST1_3"];
    assert_eq!(lines(&fake.snapshot().await.unwrap()), expected);
}

#[tokio::test]
async fn out_of_memory_and_states_nobody_heard_of_come_through() {
    let fake = FakeSlurm::running();
    fake.set("ends", "LST1_19102 1 OUT_OF_MEMORY 0:125\nLST1_19102 2 MELTED 0:0\n");
    let job = Job::new("LST1_19102", "sleep 0.1").directive("--array=0-2");
    let id = job.submit(&fake).await;
    let tasks = until_tasks(&fake, id, "all to be over", |tasks| {
        tasks.len() == 3
            && tasks.iter().all(|t| !t.state.is_active() || t.task == Some(2))
            && tasks[2].state.as_str() == "MELTED"
            // The queue may tell of an end before accounting tells its code.
            && tasks[1].exit.is_some()
    })
    .await;
    assert_eq!(tasks[1].state, JobState::OutOfMemory);
    assert_eq!(tasks[1].exit.unwrap().to_string(), "0:125");
    assert!(tasks[1].max_rss_bytes.is_some());
    assert_eq!(tasks[2].state, JobState::Other("MELTED".into()));
}

#[tokio::test]
async fn a_task_that_slurm_ran_again_is_counted() {
    let fake = FakeSlurm::holding();
    let id = Job::new("LST1_19102", "true").directive("--array=0-1").submit(&fake).await;
    fake.control(&["set", &format!("{id}_1"), "RUNNING"]);
    fake.control(&["requeue", &format!("{id}_1")]);
    fake.control(&["set", &format!("{id}_1"), "RUNNING"]);
    let restarts: Vec<u32> =
        fake.snapshot().await.unwrap().tasks.iter().map(|t| t.restarts).collect();
    assert_eq!(restarts, [0, 1]);
}

#[tokio::test]
async fn an_id_that_another_job_got_names_both() {
    let fake = FakeSlurm::holding();
    let old = Job::new("LST1_19102", "true").comment("osa:old").submit(&fake).await;
    fake.control(&["set", &old.to_string(), "RUNNING"]);
    fake.set("faults/sbatch", &format!("id {old}"));
    let new = Job::new("LST1_19103", "true").comment("osa:new").submit(&fake).await;
    assert_eq!(old, new);
    fake.control(&["set", &new.to_string(), "RUNNING"]);
    let expected = ["1000 LOST LST1_19102", "1000 RUNNING LST1_19103"];
    assert_eq!(lines(&fake.snapshot().await.unwrap()), expected);
}

#[tokio::test]
async fn a_hanging_scancel_is_stopped_and_reported() {
    let fake = FakeSlurm::running().impatient();
    let job = Job::new("LST1_19102", "touch began; sleep 3000");
    let id = job.submit(&fake).await;
    until_file(&fake, &job.file(&fake, "began")).await;
    fake.set("faults/scancel", "hang\nfail");
    for fault in ["hang", "fail"] {
        let error = fake.scheduler().cancel(id).await.unwrap_err();
        assert!(error.message.contains("scancel"), "{fault}: {error}");
    }
    fake.scheduler().cancel(id).await.unwrap();
    assert_eq!(until_ended(&fake, id, 1).await[0].state, JobState::Cancelled);
}

#[tokio::test]
async fn what_was_cancelled_while_it_waited_stays_known() {
    let fake = FakeSlurm::holding();
    fake.set("minjobage", "-1");
    let calibration = Job::new("LST1_19101", "true").submit(&fake).await;
    let data = Job::new("LST1_19102", "true").directive("--array=0-1").after(calibration);
    let data = data.submit(&fake).await;
    fake.control(&["set", &calibration.to_string(), "FAILED", "1:0"]);
    fake.scheduler().cancel(data).await.unwrap();
    let expected =
        ["1000 FAILED LST1_19101", "1001_0 CANCELLED LST1_19102", "1001_1 CANCELLED LST1_19102"];
    assert_eq!(lines(&fake.snapshot().await.unwrap()), expected);
}
