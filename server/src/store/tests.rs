//! Promises about every statement: what is written is on the disk or is reported as lost, and old
//! files go on being read.

mod full;
mod older;
mod writers;

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::Store;

/// Some evening.
fn at(second: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_732_825_000 + second)
}

async fn open(dir: &Path) -> Store {
    Store::open(&dir.join("osa.sqlite")).await.unwrap()
}

/// Runs statements that are no part of the program.
#[expect(clippy::disallowed_methods, reason = "statements of tests")]
async fn run(db: &mut SqliteConnection, sql: impl Into<String>) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(db).await.map(drop)
}

/// One column of text.
#[expect(clippy::disallowed_methods, reason = "statements of tests")]
async fn texts(store: &Store, sql: impl Into<String>) -> Vec<String> {
    let rows = sqlx::query_scalar(AssertSqlSafe(sql.into())).fetch_all(store.readers());
    rows.await.unwrap()
}

/// The tables of the schema.
async fn tables(store: &Store) -> Vec<String> {
    let named = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
                 AND name <> '_sqlx_migrations' ORDER BY name";
    texts(store, named).await
}

/// Every row of every table, for comparison.
async fn dump(store: &Store) -> Vec<String> {
    let mut rows = Vec::new();
    for table in tables(store).await {
        let columns =
            format!("SELECT 'quote(\"' || name || '\")' FROM pragma_table_info('{table}')");
        let columns = texts(store, columns).await.join(" || ', ' || ");
        rows.extend(
            texts(store, format!("SELECT '{table}: ' || {columns} FROM \"{table}\"")).await,
        );
    }
    rows
}

#[tokio::test]
async fn a_connection_that_reads_cannot_write() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let user = sqlx::query!("DELETE FROM users").execute(store.readers()).await;
    assert!(user.unwrap_err().to_string().contains("readonly"), "a reader wrote");
    let read = Store::open_to_read(&store.file).await.unwrap().unwrap();
    let written = read.end_session("s").await.unwrap_err();
    assert!(written.to_string().contains("readonly"), "{written}");
}
