//! Files of earlier versions.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::super::{MIGRATIONS, Store};
use super::run;
use crate::model::{Choice, StepState};
use crate::schedule::SchedulerId;

/// The last version that had times as texts in these tables.
const TEXTS: i64 = 7;
/// The last version that had a logbook and discarded runs.
const LOGBOOK: i64 = 11;

/// A run that was discarded.
const DISCARDED: &str = r#"
    INSERT INTO logbook VALUES
        (1, '2024-11-28', 'v0.1.0', 'web:jane', 'jane@host:1', 'decide',
         '{"request":{"action":"discard_run","run":19102},
           "steps":[{"step":"decide","run":19102,"choice":{"decision":"discard"}}]}',
         1732825000000, 1732825001000, 1, 'excluded');
    INSERT INTO decisions VALUES
        (1, '2024-11-28', 'v0.1.0', 19102, '{"decision":"discard"}', '', 'web:jane', 1732825000000,
         NULL, NULL);
"#;

/// A row in each table that had texts, and one with all that may be missing; times as that version
/// wrote them.
const ROWS: &str = r#"
    INSERT INTO submissions VALUES
        (1, '2024-11-28', 'v0.1.0', 'sequence 19102', 1, 'LST1_19102', 'osa:a', '/x.sh',
         'submitted', 7, '', 'jane@host:1', '2024-11-28T20:16:40+00:00',
         '2024-11-28T20:16:40.001+00:00', '2024-11-28T20:16:41.123456+00:00',
         '2024-11-28T20:16:42.999999999+00:00', '2024-11-28T20:16:43.5+00:00', 'FAILED'),
        (5, '2024-11-28', 'v0.1.0', 'sequence 19103', 1, 'LST1_19103', 'osa:b', '/y.sh',
         'intended', NULL, '', 'jane@host:1', '2024-11-28T20:16:40Z', '1999-12-31T23:59:59Z',
         NULL, NULL, NULL, NULL);
    INSERT INTO logbook VALUES
        (1, '2024-11-28', 'v0.1.0', 'web:jane', 'jane@host:1', 'launch', '{"jobs": 1}',
         '2024-11-28T20:16:40.25+00:00', '2024-11-28T20:16:41+00:00', 1, 'submitted 1 job'),
        (2, '2024-11-28', 'v0.1.0', 'auto', 'jane@host:1', 'close', '{}',
         '2024-11-28T20:16:42+00:00', NULL, NULL, NULL);
    INSERT INTO decisions VALUES
        (1, '2024-11-28', 'v0.1.0', 19102, '{"decision": "drop_last_subrun", "subrun": 6}', 'truncated',
         'web:jane', '2024-11-28T20:16:40+00:00', 'auto', '2024-11-28T20:16:41+00:00');
    INSERT INTO closings VALUES
        (1, '2024-11-28', 'v0.1.0', 'close', NULL,
         '{"no_dl2": false, "seq": null, "no_jobs": true}', 'jane', '{}',
         '[{"name": "job", "purpose": "close"}]', 'done', 2, '', 5,
         '2024-11-28T20:16:40+00:00', '2024-11-28T20:16:44.75+00:00');
    INSERT INTO closing_steps VALUES
        (1, 2, 0, 'one', 'Step one', 'done', '2024-11-28T20:16:42+00:00',
         '2024-11-28T20:16:43.001+00:00', 'well'),
        (1, 2, 1, 'two', 'Step two', 'waiting', NULL, NULL, '');
    INSERT INTO locks VALUES
        ('held', 'token', 7, 9, 'boot', 'jane', '2024-11-28T20:16:40.5+00:00');
    INSERT INTO datacheck_notes VALUES
        (1, '2024-11-28', 'v0.1.0', 19102, 'rates', 'clouds', 'web:jane',
         '2024-11-28T20:16:40+00:00', 'web:bob', '2024-11-28T20:16:41+00:00');
"#;

/// Milliseconds after the first time in [`ROWS`].
fn after(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_732_825_000_000 + millis).unwrap()
}

async fn connect(file: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    options.foreign_keys(true).connect().await.unwrap()
}

/// A file of the version before times became numbers.
async fn older_file(dir: &Path) -> PathBuf {
    file_of(TEXTS, ROWS, dir).await
}

/// A file of a version, with these rows.
async fn file_of(version: i64, rows: &'static str, dir: &Path) -> PathBuf {
    let file = dir.join("osa.sqlite");
    let mut db = connect(&file).await;
    MIGRATIONS.run_to(version, &mut db).await.unwrap();
    run(&mut db, rows).await.unwrap();
    db.close().await.unwrap();
    file
}

/// The store has what is in [`ROWS`].
async fn assert_rows(store: &Store) {
    let (date, prod_id) = super::writers::night();
    let [first, second] = &store.submissions_of(date, &prod_id).await.unwrap()[..] else {
        panic!("two submissions")
    };
    assert_eq!((first.id, second.id), (1, 5));
    assert_eq!((first.created, first.touched), (after(0), after(1)));
    assert_eq!((first.asked, first.settled), (Some(after(1123)), Some(after(2999))));
    assert_eq!(first.missing_since, Some(after(3500)));
    assert_eq!(second.touched.to_rfc3339(), "1999-12-31T23:59:59+00:00");
    assert_eq!((second.asked, second.settled, second.missing_since), (None, None, None));
    assert_eq!(first.scheduler, Some(SchedulerId::new("slurm")), "it has a number");
    assert_eq!((&second.scheduler, first.released), (&None, None));

    let [ended, begun] = &store.audit_log(date, &prod_id).await.unwrap()[..] else { panic!("two") };
    assert_eq!((ended.begun, ended.ended), (after(250), Some(after(1000))));
    assert_eq!((begun.begun, begun.ended), (after(2000), None));

    let [decision] = &store.decisions(date, &prod_id).await.unwrap()[..] else { panic!("one") };
    let undone = decision.undone.as_ref().unwrap();
    assert_eq!((decision.made, undone.at), (after(0), after(1000)));

    let [closing] = &store.closings(date, &prod_id).await.unwrap()[..] else { panic!("one") };
    assert_eq!((closing.started, closing.ended), (after(0), Some(after(4750))));
    let [done, waits] = &store.closing_steps(1, 2).await.unwrap()[..] else { panic!("two") };
    assert_eq!((done.started, done.ended), (Some(after(2000)), Some(after(3001))));
    assert_eq!((waits.state, waits.started, waits.ended), (StepState::Waiting, None, None));
    assert_eq!(store.closing_jobs(1).await.unwrap(), [("job".to_owned(), "close".to_owned())]);

    let holder = store.lock_holder("held").await.unwrap().unwrap();
    assert_eq!((holder.since, holder.process.pid), (after(500), 7));

    let [note] = &store.notes(date, &prod_id).await.unwrap()[..] else { panic!("one note") };
    assert_eq!((note.made, note.withdrawn.as_ref().unwrap().at), (after(0), after(1000)));
}

#[tokio::test]
async fn times_are_the_same_after_the_migration() {
    let dir = tempfile::tempdir().unwrap();
    let file = older_file(dir.path()).await;
    let store = Store::open(&file).await.unwrap();
    assert_rows(&store).await;
    // The new tables have the rules of the old.
    let wrong = super::texts(&store, "SELECT \"table\" FROM pragma_foreign_key_check").await;
    assert!(wrong.is_empty(), "{wrong:?}");
    let again = store.record_step(
        super::super::StepAt { closing: 1, attempt: 2, position: 1 },
        StepState::Running,
        "",
        after(9000),
    );
    again.await.unwrap();
    let step = &store.closing_steps(1, 2).await.unwrap()[1];
    assert_eq!((step.state, step.started), (StepState::Running, Some(after(9000))));
}

#[tokio::test]
async fn stored_names_are_migrated() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&file_of(LOGBOOK, DISCARDED, dir.path()).await).await.unwrap();
    let (date, prod_id) = super::writers::night();
    let [decision] = &store.decisions(date, &prod_id).await.unwrap()[..] else { panic!("one") };
    assert_eq!(decision.choice, Choice::Exclude);
    let [entry] = &store.audit_log(date, &prod_id).await.unwrap()[..] else { panic!("one entry") };
    assert!(entry.outcome.as_ref().unwrap().success);
    assert_eq!(
        entry.plan,
        serde_json::json!({
            "request": { "remedy": "exclude_run", "run": 19102 },
            "steps": [{ "step": "decide", "run": 19102, "choice": { "decision": "exclude" } }],
        })
    );
}

/// The schema is that of new files, however a file came to it.
#[tokio::test]
async fn references_and_indexes_survive_the_migration() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&older_file(dir.path()).await).await.unwrap();
    let schema = "SELECT sql FROM sqlite_schema WHERE name = 'closing_steps'";
    let steps = super::texts(&store, schema).await.join("");
    assert!(steps.contains("REFERENCES \"closings\" (id)"), "{steps}");
    let names = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL
                 AND tbl_name IN ('submissions', 'audit_log', 'decisions', 'closings',
                                  'datacheck_notes') ORDER BY name";
    assert_eq!(
        super::texts(&store, names).await,
        [
            "audit_log_by_night",
            "closings_by_night",
            "datacheck_notes_by_night",
            "decisions_by_night",
            "submissions_by_name",
            "submissions_by_night",
            "submissions_open",
        ]
    );
    let left = super::texts(&store, "SELECT name FROM sqlite_schema WHERE name LIKE 'new_%'").await;
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn an_older_file_is_read_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let file = older_file(dir.path()).await;
    let before = std::fs::read(&file).unwrap();
    let store = Store::open_to_read(&file).await.unwrap().unwrap();
    assert_rows(&store).await;
    store.close().await;
    assert!(std::fs::read(&file).unwrap() == before, "the file was changed");
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(names, [file]);
}

/// An older program may have the file open, with its last writes in the log beside it.
#[tokio::test]
async fn an_older_file_that_is_in_use_is_read_with_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let file = older_file(dir.path()).await;
    let mut db = connect(&file).await;
    run(&mut db, "PRAGMA journal_mode = WAL; UPDATE locks SET author = 'bob'").await.unwrap();
    assert!(dir.path().join("osa.sqlite-wal").exists());
    let store = Store::open_to_read(&file).await.unwrap().unwrap();
    assert_rows(&store).await;
    assert_eq!(store.lock_holder("held").await.unwrap().unwrap().author, "bob");
    run(&mut db, "UPDATE locks SET author = 'carol'").await.unwrap();
}

#[tokio::test]
async fn a_file_without_any_table_is_read_as_an_empty_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("osa.sqlite");
    std::fs::write(&file, "").unwrap();
    let store = Store::open_to_read(&file).await.unwrap().unwrap();
    let (date, prod_id) = super::writers::night();
    assert!(store.decisions(date, &prod_id).await.unwrap().is_empty());
    assert_eq!(std::fs::metadata(&file).unwrap().len(), 0);
}
