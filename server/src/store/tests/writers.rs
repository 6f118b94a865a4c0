//! Every method that writes, as a table.

use std::pin::Pin;
use std::time::Duration;

use super::super::local_queue::{Ending, LocalQueue, NewJob, QueueSettings, Runner, TaskKey};
use super::super::people::{Attempt, NewToken, SessionRow};
use super::super::{
    Holder, Intent, NewAction, NewClosing, NewDecision, StepAt, Store, SubmissionState,
};
use super::at;
use crate::model::{
    ActionOutcome, Author, Choice, CloseOptions, ExitCode, JobId, JobState, NewNote, NightDate,
    PersonName, ProdId, Role, RunId, StepState, Subrun, TaskRecord,
};
use crate::schedule::SchedulerId;

type Done<'s> = Pin<Box<dyn Future<Output = Result<(), String>> + 's>>;

/// A method that writes, with values for a database as [`fill`] leaves it.
pub struct Writer {
    pub name: &'static str,
    pub run: for<'s> fn(&'s Store) -> Done<'s>,
}

/// One line for each method: its name is that of the method or of what it does in the ledger.
macro_rules! writers {
    ($($name:ident: |$store:ident| $work:expr,)*) => {
        vec![$(Writer {
            name: stringify!($name),
            run: |$store| Box::pin(async move {
                $work.await.map(drop).map_err(|error| error.to_string())
            }),
        }),*]
    };
}

pub fn night() -> (NightDate, ProdId) {
    ("2024-11-28".parse().unwrap(), "v0.1.0".parse().unwrap())
}

fn jane() -> PersonName {
    "jane".parse().unwrap()
}

fn author() -> Author {
    Author::Web("jane".into())
}

fn runner() -> Runner {
    Runner { pid: 7, start: 9, boot: "boot".into() }
}

fn holder(token: &str) -> Holder {
    let (token, author) = (token.into(), "jane".into());
    Holder { token, process: runner(), author, since: at(1) }
}

fn session(id: &str) -> SessionRow {
    SessionRow { id: id.into(), user: 1, content: id.to_uppercase(), expires: at(100) }
}

fn attempt(name: &str) -> Attempt<'_> {
    Attempt { name, source: "192.0.2.1", at: at(2) }
}

fn outcome() -> ActionOutcome {
    ActionOutcome { success: true, message: "done".into() }
}

const SETTINGS: QueueSettings =
    QueueSettings { cpus: 2, grace: Duration::from_secs(1), idle: Duration::from_secs(2) };

fn job(name: &str, tasks: Vec<u32>, after_ok: Vec<JobId>) -> NewJob {
    NewJob {
        name: name.into(),
        comment: String::new(),
        script: "/x.sh".into(),
        body: b"#!/bin/sh\n".to_vec(),
        environment: b"A=b\0".to_vec(),
        directory: "/".into(),
        output: "out".into(),
        error: None,
        array: (tasks.len() > 1).then(|| format!("0-{}", tasks.len() - 1)),
        tasks,
        array_limit: None,
        cpus: 1,
        memory_per_cpu: Some(1 << 30),
        walltime: Some(Duration::from_secs(60)),
        after_ok,
    }
}

fn key(job: u64, task: u32) -> TaskKey {
    TaskKey { job: JobId(job), task }
}

fn ending() -> Ending {
    Ending {
        state: JobState::Completed,
        exit: ExitCode { code: 0, signal: 0 },
        reason: String::new(),
        cpu: Duration::from_millis(10),
        max_rss: Some(1 << 20),
    }
}

fn past_job() -> TaskRecord {
    TaskRecord {
        job: JobId(1000),
        task: None,
        name: "LST1_19102".into(),
        comment: "past".into(),
        state: JobState::Completed,
        exit: Some(ExitCode { code: 0, signal: 0 }),
        cpu_seconds: 5,
        elapsed_seconds: 5,
        max_rss_bytes: Some(1),
        submitted: Some(at(0)),
        started: Some(at(1)),
        ended: Some(at(6)),
        reason: String::new(),
        restarts: 0,
        nodes: String::new(),
    }
}

async fn record(store: &Store, purpose: &str) -> Result<i64, super::super::StoreError> {
    let (date, prod_id) = night();
    let intent = Intent {
        date,
        prod_id: &prod_id,
        purpose,
        job_name: "LST1_19102",
        token: purpose,
        script: "/x.sh".as_ref(),
        author: "jane@host:1",
        scheduler: &SchedulerId::new("slurm"),
    };
    store.ledger(async |ledger| ledger.record(&intent, at(0)).await).await
}

async fn release(store: &Store) -> Result<u64, super::super::StoreError> {
    let ((date, prod_id), here) = (night(), SchedulerId::new("local"));
    store.ledger(async |ledger| ledger.release(date, &prod_id, &here, "why", at(10)).await).await
}

async fn begin_closing(store: &Store) -> Result<(i64, u32), super::super::StoreError> {
    let (date, prod_id) = night();
    let new = NewClosing {
        date,
        prod_id: &prod_id,
        options: CloseOptions::default(),
        author: "jane",
        plan: "{}",
        jobs: r#"[{"name": "job", "purpose": "close"}]"#,
        after: None,
        steps: &[("one".into(), "Step one".into())],
    };
    let earlier = store.closings(date, &prod_id).await?.pop();
    store.begin_closing(&new, earlier.as_ref(), at(3)).await
}

async fn decide(store: &Store) -> Result<i64, super::super::StoreError> {
    let (date, prod_id) = night();
    let decision = NewDecision {
        date,
        prod_id: &prod_id,
        run: RunId(19102),
        choice: &Choice::DropLastSubrun { subrun: Subrun(6) },
        reason: "truncated",
        author: &author(),
    };
    store.decide(&decision, at(4)).await
}

async fn begin_action(store: &Store) -> Result<i64, super::super::StoreError> {
    let (date, prod_id) = night();
    let entry = NewAction {
        date,
        prod_id: &prod_id,
        author: &author(),
        process: "jane@host:1",
        action: "launch",
        plan: &serde_json::json!({}),
    };
    store.begin_action(&entry, at(5)).await
}

async fn note(store: &Store) -> Result<i64, super::super::StoreError> {
    let (date, prod_id) = night();
    store.note((date, &prod_id), &NewNote::default(), &author(), at(6)).await
}

async fn record_reopening(store: &Store) -> Result<(), super::super::StoreError> {
    let (date, prod_id) = night();
    store.record_reopening(date, &prod_id, None, "jane", &["flag".into()], at(7)).await
}

async fn add_token(store: &Store, name: &str) -> Result<bool, super::super::StoreError> {
    let token = NewToken {
        name: &name.parse().unwrap(),
        role: Role::Viewer,
        owner: None,
        hash: name,
        expires: Some(at(1000)),
    };
    store.add_token(&token, at(8)).await
}

async fn index(store: &Store) -> Result<(), crate::provenance::index::IndexError> {
    let log = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/prov/prov.log");
    crate::provenance::index::update(store, log.as_ref()).await
}

fn queue(store: &Store) -> LocalQueue {
    LocalQueue::new(store.clone())
}

/// Fills a database, so that there is something to change for each of the [`all`].
pub async fn fill(store: &Store) {
    begin_closing(store).await.unwrap();
    decide(store).await.unwrap();
    note(store).await.unwrap();
    begin_action(store).await.unwrap();
    record(store, "first").await.unwrap();
    let asked = record(store, "asked").await.unwrap();
    assert!(store.ledger(async |ledger| ledger.ask(asked, at(1)).await).await.unwrap());
    assert_eq!(store.take_lock("held", &holder("a"), |_| false).await.unwrap(), None);
    assert!(store.add_user(&jane(), Role::Viewer, "hash", at(0)).await.unwrap());
    assert!(store.save_session(&session("s"), true).await.unwrap());
    assert!(add_token(store, "cron").await.unwrap());
    let tried = store.record_attempt(attempt("h"), at(0), |_| Ok::<(), ()>(())).await.unwrap();
    tried.unwrap();
    // Job 1 has ended well, and job 2 waits for it; of job 3 task 0 runs, task 1 is claimed, and
    // task 2 waits.
    let queue = queue(store);
    let mut supervision = queue.supervise().await.unwrap();
    queue.enqueue(&job("first", vec![0], vec![]), SETTINGS, at(0)).await.unwrap();
    supervision.claim(1, || "a".into()).await.unwrap();
    queue.take(key(1, 0), "a", &runner(), at(1)).await.unwrap().unwrap();
    queue.finish(key(1, 0), "a", &ending(), at(2)).await.unwrap();
    queue.enqueue(&job("after", vec![0], vec![JobId(1)]), SETTINGS, at(3)).await.unwrap();
    queue.enqueue(&job("array", vec![0, 1, 2], vec![]), SETTINGS, at(4)).await.unwrap();
    assert_eq!(supervision.claim(2, || "b".into()).await.unwrap().len(), 2);
    queue.take(key(3, 0), "b", &runner(), at(5)).await.unwrap().unwrap();
}

/// All methods that write.
pub fn all() -> Vec<Writer> {
    writers! {
        begin_closing: |store| begin_closing(store),
        record_step: |store| {
            let step = StepAt { closing: 1, attempt: 1, position: 0 };
            store.record_step(step, StepState::Done, "well", at(10))
        },
        end_closing: |store| store.end_closing(1, StepState::Done, "", at(10)),
        record_reopening: |store| record_reopening(store),
        decide: |store| decide(store),
        undo_decision: |store| async { store.undo_decision(1, &author(), at(10)).await },
        begin_action: |store| begin_action(store),
        end_action: |store| async { store.end_action(1, &outcome(), at(10)).await },
        note: |store| note(store),
        withdraw_note: |store| async { store.withdraw_note(1, &author(), at(10)).await },
        take_lock: |store| async { store.take_lock("other", &holder("b"), |_| false).await },
        drop_lock: |store| store.drop_lock("held", "a"),
        ledger_record: |store| record(store, "second"),
        ledger_touch: |store| store.ledger(async |ledger| ledger.touch(&[1], at(10)).await),
        ledger_ask: |store| store.ledger(async |ledger| ledger.ask(1, at(10)).await),
        ledger_settle: |store| store.ledger(async |ledger| {
            ledger.settle(1, SubmissionState::Submitted, Some(JobId(7)), "", at(10)).await
        }),
        ledger_withdraw: |store| store.ledger(async |ledger| {
            ledger.withdraw(1, "why", at(10)).await
        }),
        ledger_lose: |store| store.ledger(async |ledger| ledger.lose(1, "why", at(10)).await),
        ledger_found: |store| store.ledger(async |ledger| ledger.found(1, JobId(7), at(10)).await),
        ledger_missing: |store| store.ledger(async |ledger| ledger.missing(1, at(10)).await),
        ledger_ended: |store| store.ledger(async |ledger| {
            ledger.ended(1, Some(&JobState::Failed)).await
        }),
        ledger_release: |store| async { release(store).await },
        ledger_say: |store| store.ledger(async |ledger| ledger.say(1, "why").await),
        add_user: |store| async {
            store.add_user(&"bob".parse().unwrap(), Role::Admin, "hash", at(10)).await
        },
        set_role: |store| async { store.set_role(&jane(), Role::Admin).await },
        set_password: |store| async { store.set_password(&jane(), "other", Some(at(10))).await },
        set_disabled: |store| async { store.set_disabled(&jane(), Some(at(10))).await },
        remove_user: |store| async { store.remove_user(&jane()).await },
        save_session_new: |store| async { store.save_session(&session("t"), true).await },
        save_session: |store| async {
            let changed = SessionRow { content: "{}".into(), ..session("s") };
            store.save_session(&changed, false).await
        },
        end_session: |store| store.end_session("s"),
        end_sessions: |store| store.end_sessions(1),
        forget_sessions: |store| store.forget_sessions(at(1000)),
        add_token: |store| add_token(store, "other"),
        token_used: |store| store.token_used(1, at(10)),
        revoke_token: |store| async {
            store.revoke_token(&"cron".parse().unwrap(), None, at(10)).await
        },
        record_attempt: |store| store.record_attempt(attempt("i"), at(0), |_| Ok::<(), ()>(())),
        note_health: |store| store.note_health(at(10)),
        remember_browser: |store| store.remember_browser(1, Some("b"), "c", at(10)),
        attempt_succeeded: |store| store.attempt_succeeded(attempt("h")),
        enqueue: |store| async {
            queue(store).enqueue(&job("new", vec![0], vec![]), SETTINGS, at(10)).await
        },
        cancel: |store| async { queue(store).cancel(JobId(3), at(10)).await },
        take: |store| async { queue(store).take(key(3, 1), "b", &runner(), at(10)).await },
        finish: |store| async { queue(store).finish(key(3, 0), "b", &ending(), at(10)).await },
        settle_dependencies: |store| async {
            queue(store).supervise().await?.settle_dependencies().await
        },
        claim: |store| async { queue(store).supervise().await?.claim(8, || "c".into()).await },
        withdraw: |store| async {
            queue(store).supervise().await?.withdraw(key(3, 1), "b", "why").await
        },
        lost: |store| async { queue(store).supervise().await?.lost(key(3, 0), "b", at(10)).await },
        forget_ended: |store| async { queue(store).supervise().await?.forget_ended().await },
        remember_local_jobs: |store| async { store.remember_local_jobs(&[past_job()]).await },
        index: |store| index(store),
    }
}
