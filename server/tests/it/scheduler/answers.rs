//! Answers of Slurm as sites give them: cut short, with other lines between, without accounts.

use chrono::{TimeDelta, Utc};
use server::launch::PlannedJob;
use server::launch::submit::{Order, Verdict, execute};
use server::schedule::{Accounting, JobSnapshot, Question};
use server::store::{Grace, Store};

use super::lab::Job;
use crate::support::{DATE, FakeSlurm, PROD_ID};

fn labels(snapshot: &JobSnapshot) -> Vec<String> {
    let mut labels: Vec<_> =
        snapshot.tasks.iter().map(|task| format!("{} {}", task.label(), task.state)).collect();
    labels.sort();
    labels
}

/// An array of ten tasks.
async fn array(fake: &FakeSlurm) -> u64 {
    Job::new("LST1_19102", "true").directive("--array=0-9").submit(fake).await.0
}

/// What comes of submitting run 19102.
async fn submit(fake: &FakeSlurm, name: &str) -> Verdict {
    let store = Store::open(&fake.dir().join("osa.sqlite")).await.unwrap();
    let store = store.with_grace(Grace(TimeDelta::zero()));
    let script = Job::new(name, "true").request(fake).script;
    let job = PlannedJob {
        purpose: format!("sequence {}", &name[5..]),
        name: name.into(),
        script,
        needs: Vec::new(),
        exclude_nodes: None,
    };
    let order = Order {
        date: DATE.parse().unwrap(),
        prod_id: &PROD_ID.parse().unwrap(),
        jobs: &[job],
        environment: &[],
        author: "lst@cp01:1",
    };
    execute(&store, fake.scheduler(), &order, Utc::now()).await.unwrap().remove(0).verdict
}

#[tokio::test]
async fn a_list_that_is_cut_short_is_asked_for_task_by_task() {
    let fake = FakeSlurm::holding();
    let job = array(&fake).await;
    fake.control(&["set", &format!("{job}_5"), "RUNNING"]);
    fake.set("bitstr", "5");
    let snapshot = fake.snapshot().await.unwrap();
    assert_eq!(snapshot.tasks.len(), 10, "{:?}", labels(&snapshot));
    assert_eq!(snapshot.doubts, []);
    assert!(fake.arguments("squeue").last().unwrap().contains(&format!("--jobs={job}")));
}

#[tokio::test]
async fn a_list_that_stays_cut_short_loses_no_task_and_keeps_the_run_from_being_submitted() {
    let fake = FakeSlurm::holding();
    // As in a report from a site: whatever is asked, the list is cut.
    fake.set(
        "squeue.head",
        "801_[0,2,...]|PENDING|0:00|2026-11-22T09:59:00|N/A|N/A|Priority|(null)|LST1_19102|1",
    );
    let snapshot = fake.snapshot().await.unwrap();
    assert_eq!(labels(&snapshot), ["801_0 PENDING", "801_2 PENDING"]);
    assert!(snapshot.doubts.iter().any(|doubt| doubt.line.contains("job 801 is cut short")));
    let Verdict::Blocked(why) = submit(&fake, "LST1_19102").await else { panic!() };
    assert!(why.contains("job 801 is called LST1_19102 too"), "{why}");
    assert!(matches!(submit(&fake, "LST1_19103").await, Verdict::Submitted(_)));
}

#[tokio::test]
async fn nothing_is_submitted_that_an_unreadable_line_may_be_about() {
    let fake = FakeSlurm::holding();
    let row = |id: &str, name: &str| {
        format!("{id}|PENDING|0:00|2026-11-22T09:59:00|N/A|N/A|Priority|(null)|{name}|1")
    };
    for (line, about) in [
        (row("801_[0,?]", "LST1_19102"), true),
        (row("801_[0,?]", "LST1_19103"), false),
        ("801_[0,?]|PENDING".to_owned(), true),
        ("Welcome to the cluster".to_owned(), false),
        ("slurm: LST1_19102 ???".to_owned(), true),
    ] {
        fake.set("squeue.head", &line);
        let before = fake.calls("sbatch");
        let verdict = submit(&fake, "LST1_19102").await;
        let blocked =
            matches!(&verdict, Verdict::Blocked(why) if why.contains("cannot be understood"));
        assert_eq!(
            (blocked, fake.calls("sbatch") == before),
            (about, about),
            "{line}: {verdict:?}"
        );
        for job in fake.snapshot().await.unwrap().tasks.iter().filter(|task| task.job.0 >= 1000) {
            fake.control(&["set", &job.job.to_string(), "FAILED", "1:0"]);
        }
    }
}

#[tokio::test]
async fn headings_of_clusters_and_columns_are_no_jobs() {
    let fake = FakeSlurm::holding();
    fake.set("squeue.head", "CLUSTER: lst\nJOBID|STATE");
    fake.set("sacct.head", "JobID|State");
    array(&fake).await;
    let snapshot = fake.snapshot().await.unwrap();
    assert_eq!((snapshot.tasks.len(), snapshot.doubts), (10, Vec::new()));
}

#[tokio::test]
async fn comments_that_a_plugin_rewrites_do_not_hide_our_jobs() {
    for (written, name) in [("site=lst; %", "LST1_1"), ("by the site", "LST1_2")] {
        let fake = FakeSlurm::holding();
        fake.set("comment-as", written);
        let Verdict::Submitted(job) = submit(&fake, name).await else { panic!() };
        assert_eq!(submit(&fake, name).await, Verdict::Active(job), "{written}");
        fake.control(&["set", &job.to_string(), "RUNNING"]);
        assert_eq!(submit(&fake, name).await, Verdict::Active(job), "{written}");
        assert_eq!(labels(&fake.snapshot().await.unwrap()), [format!("{job} RUNNING")]);
    }
}

#[tokio::test]
async fn without_accounting_the_queue_and_the_database_suffice_and_nothing_is_given_up() {
    let fake = FakeSlurm::holding();
    let Verdict::Submitted(job) = submit(&fake, "LST1_1").await else { panic!() };
    fake.set("faults/sacct", "always fail");
    let snapshot = fake.snapshot().await.unwrap();
    let Accounting::Unavailable(why) = &snapshot.accounting else { panic!("{snapshot:?}") };
    assert!(why.contains("sacct failed"), "{why}");
    assert!(snapshot.notices()[0].message.contains("accounting does not answer"));
    assert_eq!(labels(&snapshot), [format!("{job} PENDING")]);
    // Out of the queue: whether it has ended is not known, so it stands.
    fake.control(&["forget", &job.to_string()]);
    for _ in 0..3 {
        let verdict = submit(&fake, "LST1_1").await;
        assert!(matches!(verdict, Verdict::Blocked(_)), "{verdict:?}");
    }
    fake.set("faults/sacct", "");
    fake.set("no-accounting", "");
    let snapshot = fake.snapshot().await.unwrap();
    assert_eq!(snapshot.accounting, Accounting::Disabled);
    assert!(snapshot.notices()[0].message.contains("accounting is disabled"));
}

#[tokio::test]
async fn too_long_a_time_is_asked_for_in_pieces() {
    for status in ["0", "1"] {
        let fake = FakeSlurm::holding();
        let job = array(&fake).await;
        fake.control(&["set", &job.to_string(), "COMPLETED"]);
        fake.set("widest", "20");
        fake.set("widest-status", status);
        let since = Utc::now() - TimeDelta::days(60);
        let snapshot = fake.scheduler().jobs(since).await.unwrap();
        assert!(matches!(snapshot.accounting, Accounting::Asked(_)), "{:?}", snapshot.accounting);
        assert_eq!((snapshot.tasks.len(), snapshot.doubts), (10, Vec::new()));
        let before = fake.calls("sacct");
        fake.scheduler().jobs(since).await.unwrap();
        // Four quarters, and what has gone by since.
        let questions = fake.calls("sacct") - before;
        assert!((4..=5).contains(&questions), "it is remembered: {questions} questions");
    }
}

#[tokio::test]
async fn accounting_is_asked_for_the_named_jobs_and_not_again_while_its_answer_will_do() {
    let fake = FakeSlurm::holding();
    let job = array(&fake).await;
    let other = Job::new("LST1_1", "true").submit(&fake).await;
    fake.control(&["set", &other.to_string(), "COMPLETED"]);
    let since = Utc::now() - TimeDelta::days(2);
    let jobs = vec![server::model::JobId(job)];
    let max_age = std::time::Duration::from_secs(600);
    let question = Question { jobs, max_age, ..Question::none(since) };
    for _ in 0..5 {
        assert_eq!(fake.scheduler().jobs_of(&question).await.unwrap().tasks.len(), 11);
    }
    assert_eq!((fake.calls("sacct"), fake.calls("squeue")), (1, 5));
    assert!(fake.arguments("sacct")[0].contains(&format!(" --jobs={job} ")));
    // A task that is in the old answer alone may have ended since.
    fake.control(&["set", &job.to_string(), "RUNNING"]);
    let fresh = Question { max_age: std::time::Duration::ZERO, ..question.clone() };
    fake.scheduler().jobs_of(&fresh).await.unwrap();
    fake.set("minjobage", "-1");
    fake.control(&["set", &job.to_string(), "COMPLETED"]);
    let snapshot = fake.scheduler().jobs_of(&question).await.unwrap();
    assert!(labels(&snapshot).iter().all(|label| label.ends_with("COMPLETED")), "{snapshot:?}");
}
