//! A database behind the program's back.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

/// A connection to a database.
pub async fn database(file: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file).foreign_keys(true);
    options.busy_timeout(Duration::from_secs(20)).connect().await.unwrap()
}

/// Keeps everybody from writing to a database; to be given to [`unlock`].
pub async fn lock(file: &Path) -> SqliteConnection {
    let mut connection = database(file).await;
    sqlx::query!("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
    connection
}

/// Lets others write again.
pub async fn unlock(mut connection: SqliteConnection) {
    sqlx::query!("ROLLBACK").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
