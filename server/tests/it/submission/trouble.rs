//! Slurm hangs, refuses, forgets or says nothing, and the disk is full.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use chrono::Utc;
use server::launch::ledger::{night_jobs, resolve};
use server::launch::submit::{SubmitFailure, SubmitOutcome, Verdict};
use server::model::JobState;

use super::{Night, submitted};
use crate::support::{FakeSlurm, PATIENCE, at_once, database};

/// A night on a Slurm that is not waited for long.
fn impatient() -> Night {
    Night::on(FakeSlurm::holding().impatient())
}

/// Killed while the controller hangs with the request in its socket: the request is read after the
/// controller has answered somebody else for the first time.
#[tokio::test]
async fn a_request_that_a_hung_controller_reads_late_is_not_made_again() {
    let night = Night::new().with_grace(500);
    night.slurm.set("faults/sbatch", "backlog");
    let verdicts = night.submit().await;
    assert!(matches!(verdicts[0], Verdict::Uncertain(_)), "{verdicts:?}");
    assert!(matches!(verdicts[1], Verdict::Held(_)), "{verdicts:?}");
    night.slurm.set("awake", "");
    night.submit_until_done().await;
    night.assert_each_once().await;
}

#[tokio::test]
async fn without_its_calibration_no_run_is_submitted() {
    at_once(["refuse Invalid account", "unreachable", "hang"], |fault| async move {
        let night = impatient();
        night.slurm.set("faults/sbatch", fault);
        let verdicts = night.submit().await;
        assert!(verdicts.iter().all(Verdict::is_failure), "{verdicts:?}");
        let held = matches!((&verdicts[1], &verdicts[2]), (Verdict::Held(_), Verdict::Held(_)));
        assert!(held, "{verdicts:?}");
        assert_eq!(
            verdicts[1].to_string(),
            "not submitted: it needs sequence 19101, which was not submitted"
        );
        assert_eq!(night.slurm.calls("sbatch"), 1);
        assert_eq!(night.jobs().await, BTreeMap::new());
    })
    .await;
}

#[tokio::test]
async fn a_refusal_is_reported_and_can_be_mended() {
    let night = Night::new();
    night.slurm.set("faults/sbatch", "ok\nrefuse Job violates accounting/QOS policy");
    let verdicts = night.submit().await;
    assert!(
        verdicts[1].to_string().ends_with("Job violates accounting/QOS policy"),
        "{verdicts:?}"
    );
    assert!(matches!(verdicts[2], Verdict::Submitted(_)), "the other runs are not kept waiting");
    let again = night.submit().await;
    assert!(matches!(again[1], Verdict::Submitted(_)), "{again:?}");
    night.assert_each_once().await;
}

#[tokio::test]
async fn an_unclear_answer_is_cleared_up_at_once_where_the_scheduler_tells() {
    at_once(["socket-timeout", "garbage", "signal-after", "hang-after"], |fault| async move {
        let night = impatient();
        night.slurm.set("faults/sbatch", &format!("ok\n{fault}"));
        let verdicts = night.submit().await;
        assert!(submitted(&verdicts), "{verdicts:?}");
        night.assert_each_once().await;
    })
    .await;
}

#[tokio::test]
async fn while_the_scheduler_is_silent_nothing_more_is_asked_and_later_nothing_is_doubled() {
    let night = impatient().with_grace(200);
    night.slurm.set("faults/sbatch", "ok\nsocket-timeout");
    night.slurm.set("faults/squeue", "ok\nfail");
    let verdicts = night.submit().await;
    assert!(matches!(verdicts[1], Verdict::Uncertain(_)), "{verdicts:?}");
    assert!(matches!(verdicts[2], Verdict::Held(_)), "{verdicts:?}");
    assert_eq!(night.slurm.calls("sbatch"), 2);
    night.submit_until_done().await;
    night.assert_each_once().await;
}

#[tokio::test]
async fn if_the_scheduler_does_not_tell_what_is_there_nothing_is_submitted() {
    at_once(["fail", "hang"], |fault| async move {
        let night = impatient();
        night.slurm.set("faults/squeue", fault);
        let failure = night.try_submit().await.unwrap_err();
        assert!(matches!(failure, SubmitFailure::Scheduler(_)), "{failure}");
        assert_eq!(night.slurm.calls("sbatch"), 0);
        assert_eq!(night.states().await, [], "nothing is left to be cleared up");
    })
    .await;
}

/// The queue has whatever waits or runs, and the ledger has the rest.
#[tokio::test]
async fn without_accounting_every_job_is_still_submitted_once() {
    let night = Night::new().with_grace(0);
    night.slurm.set("faults/sacct", "always fail");
    let jobs = night.submit_until_done().await;
    for _ in 0..3 {
        assert_eq!(
            night.submit().await,
            jobs.iter().copied().map(Verdict::Active).collect::<Vec<_>>()
        );
    }
    night.slurm.control(&["forget", &jobs[1].to_string()]);
    for _ in 0..3 {
        let verdicts = night.submit().await;
        assert!(matches!(verdicts[1], Verdict::Blocked(_)), "it may have ended: {verdicts:?}");
    }
    assert_eq!(night.slurm.calls("sbatch"), 3);
}

/// sacct and squeue drop the jobs for a while: that is no reason to submit them again.
#[tokio::test]
async fn jobs_that_the_scheduler_fails_to_list_are_not_submitted_again_at_once() {
    let night = Night::new();
    night.submit().await;
    night.slurm.set("faults/sacct", "drop LST1\ngarbage");
    night.slurm.set("faults/squeue", "drop LST1\ndrop LST1");
    let dropped = night.submit().await;
    assert!(dropped.iter().all(|v| matches!(v, Verdict::Blocked(_))), "{dropped:?}");
    assert!(dropped[0].to_string().contains("does not know job 1000 of sequence 19101 any more"));
    let garbage = night.submit().await;
    assert!(garbage.iter().all(|v| matches!(v, Verdict::Blocked(_))), "{garbage:?}");
    let again = night.submit().await;
    assert!(again.iter().all(|v| matches!(v, Verdict::Active(_))), "{again:?}");
    assert_eq!(night.slurm.calls("sbatch"), 3);
}

/// The controller crashed: an acknowledged job is gone, and its number was given to another job.
#[tokio::test]
async fn a_vanished_job_is_noticed_although_its_id_lives_on() {
    let night = Night::new().with_grace(100);
    night.slurm.set("faults/sbatch", "ok\nvanish\nid 1001");
    let verdicts = night.submit().await;
    assert_eq!(verdicts[1], verdicts[2], "the same id for two runs");
    let deadline = Instant::now() + PATIENCE;
    let store = night.store().await;
    let names = ["LST1_19102".to_owned()];
    let seen = loop {
        let snapshot = night.snapshot().await;
        resolve(&store, &snapshot, Utc::now()).await.unwrap();
        let known = store.submissions_named(&names).await.unwrap();
        let seen = night_jobs(&known, |_| true, &snapshot, &names, night.grace);
        if !seen.tasks.is_empty() {
            break seen;
        }
        assert!(!seen.notices.is_empty(), "until it is given up, its absence is told");
        assert!(Instant::now() < deadline, "{known:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(seen.tasks[0].state, JobState::Lost);
    assert!(seen.notices[0].message.contains("job 1001 was submitted"), "{:?}", seen.notices);
    let jobs = night.submit_until_done().await;
    assert_ne!(jobs[1], jobs[2]);
    night.assert_each_once().await;
}

#[tokio::test]
async fn a_job_of_the_same_name_that_nobody_recorded_is_not_doubled() {
    let night = Night::new();
    night.submit().await;
    // The database is lost, the jobs are not.
    fs::remove_file(night.database()).unwrap();
    for left in ["osa.sqlite-wal", "osa.sqlite-shm"] {
        let _ = fs::remove_file(night.dir().join(left));
    }
    let verdicts = night.submit().await;
    assert!(matches!(verdicts[0], Verdict::Blocked(_)), "{verdicts:?}");
    assert!(verdicts[0].to_string().contains("is not in the database"), "{}", verdicts[0]);
    assert_eq!(night.slurm.calls("sbatch"), 3);
}

/// Lets the database refuse a statement as SQLite does on a full disk.
#[expect(clippy::disallowed_methods, reason = "the trigger is another each time")]
async fn disk_full(night: &Night, statement: &str) {
    night.store().await.close().await; // makes the tables
    let trigger = format!(
        "CREATE TRIGGER disk_full BEFORE {statement}
         BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
    );
    let mut database = database(&night.database()).await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(trigger)).execute(&mut database).await.unwrap();
}

async fn disk_free(night: &Night) {
    let mut database = database(&night.database()).await;
    sqlx::query!("DROP TRIGGER IF EXISTS disk_full").execute(&mut database).await.unwrap();
}

#[tokio::test]
async fn with_the_disk_full_nothing_is_submitted_unrecorded() {
    let night = Night::new();
    disk_full(&night, "INSERT ON submissions").await;
    let failure = night.try_submit().await.unwrap_err();
    assert!(failure.to_string().contains("osa.sqlite"), "{failure}");
    assert_eq!(night.slurm.calls("sbatch"), 0);
}

#[tokio::test]
async fn a_job_whose_answer_could_not_be_recorded_is_reported_and_found_again() {
    let night = Night::new().with_grace(200);
    disk_full(&night, "UPDATE OF job_id ON submissions WHEN NEW.job_id IS NOT NULL").await;
    let failure = night.try_submit().await.unwrap_err();
    let SubmitFailure::Store { done, .. } = failure else { panic!("{failure}") };
    assert!(matches!(done[..], [SubmitOutcome { verdict: Verdict::Submitted(_), .. }]), "{done:?}");
    disk_free(&night).await;
    night.submit_until_done().await;
    night.assert_each_once().await;
}
