//! A database that cannot be written to the disk: writers get an error.

use super::{at, dump, open, run, tables, writers};
use crate::model::{Author, NewNote};
use crate::store::Store;

/// Lets every statement succeed, and every commit after one that changed something fail. A disk
/// that is full shows itself there: until then the change is in memory.
async fn let_commits_fail(store: &Store) {
    let mut sql = vec![
        "CREATE TABLE nowhere (id INTEGER PRIMARY KEY)".to_owned(),
        "CREATE TABLE fault (id INTEGER REFERENCES nowhere (id) DEFERRABLE INITIALLY DEFERRED)"
            .to_owned(),
    ];
    for table in tables(store).await {
        for event in ["INSERT", "UPDATE", "DELETE"] {
            sql.push(format!(
                "CREATE TRIGGER fault_{event}_{table} AFTER {event} ON {table}
                 BEGIN INSERT INTO fault VALUES (1); END"
            ));
        }
    }
    store.write(async |db| run(db, sql.join(";")).await).await.unwrap();
}

#[tokio::test]
async fn whatever_could_not_be_committed_is_reported_and_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    writers::fill(&store).await;
    let_commits_fail(&store).await;
    let before = dump(&store).await;
    for writer in writers::all() {
        let error = (writer.run)(&store).await.expect_err(writer.name);
        assert!(error.contains("FOREIGN KEY"), "{}: {error}", writer.name);
        assert_eq!(dump(&store).await, before, "{}", writer.name);
    }
}

/// Without this the test above would hold of methods that write nothing.
#[tokio::test]
async fn whatever_could_be_committed_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    writers::fill(&store).await;
    let before = dump(&store).await;
    store.close().await;
    for writer in writers::all() {
        let copy = tempfile::tempdir().unwrap();
        std::fs::copy(&store.file, copy.path().join("osa.sqlite")).unwrap();
        let copy = open(copy.path()).await;
        (writer.run)(&copy).await.expect(writer.name);
        assert_ne!(dump(&copy).await, before, "{}", writer.name);
    }
}

/// SQLite ends a transaction by itself when it has no room.
#[tokio::test]
async fn a_full_database_is_written_to_again_once_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    store.write(async |db| run(db, "PRAGMA max_page_count = 1").await).await.unwrap();
    let (date, prod_id) = writers::night();
    let large = NewNote { text: "x".repeat(1 << 20), ..NewNote::default() };
    let write = async || store.note((date, &prod_id), &large, &Author::Auto, at(0)).await;
    let error = write().await.unwrap_err();
    assert!(error.to_string().contains("database or disk is full"), "{error}");
    assert!(store.notes(date, &prod_id).await.unwrap().is_empty());
    // The limit was one of that connection.
    write().await.unwrap();
    assert_eq!(store.notes(date, &prod_id).await.unwrap().len(), 1);
}
