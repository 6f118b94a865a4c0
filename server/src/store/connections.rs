//! The connections to the database. Only here a transaction that writes is begun and committed.

use std::path::Path;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection, Sqlite, SqliteConnection};

/// How long to wait for a lock of another process.
const BUSY: Duration = Duration::from_secs(20);

/// Connections that read, and one that writes: SQLite lets only one write at a time, and in this
/// order writers of one process take turns without polling.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    readers: SqlitePool,
    writer: SqlitePool,
}

/// Why something was not written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// Nothing was written.
    Refused(sqlx::Error),
    /// The commit failed, so that it is not known.
    Uncertain(sqlx::Error),
}

impl WriteError {
    /// What SQLite says.
    pub fn cause(self) -> sqlx::Error {
        match self {
            Self::Refused(cause) | Self::Uncertain(cause) => cause,
        }
    }
}

impl Connections {
    /// Opens the file and applies the migrations. The file is there, and may be empty: a connection
    /// that is made later must not make another where it was removed.
    pub async fn open(file: &Path) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY);
        let writer = SqlitePoolOptions::new().max_connections(1);
        let writer = writer.connect_with(options.clone()).await?;
        super::MIGRATIONS.run(&writer).await?;
        // Whatever writes through them fails.
        let options = options.pragma("query_only", "ON");
        let readers = SqlitePoolOptions::new().max_connections(4).connect_lazy_with(options);
        Ok(Self { readers, writer })
    }

    /// Opens the file to read only. `immutable`: nobody changes it meanwhile.
    pub async fn open_to_read(file: &Path, immutable: bool) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .read_only(true)
            .immutable(immutable)
            .busy_timeout(BUSY);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        Ok(Self { readers: pool.clone(), writer: pool })
    }

    /// To read from: nothing can be written through these connections.
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// A connection to read from, for whoever must always ask the same one.
    #[expect(clippy::disallowed_methods, reason = "a connection that cannot write")]
    pub async fn reader(&self) -> Result<PoolConnection<Sqlite>, sqlx::Error> {
        self.readers.acquire().await
    }

    /// As [`write`], on the connection that writes.
    pub async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, WriteError> {
        let mut connection = self.acquire_writer().await.map_err(WriteError::Refused)?;
        let written = write(&mut connection, work).await;
        if written.is_err() {
            // SQLite may have ended the transaction by itself, as it does when the disk is full.
            // sqlx would take it for open, and refuse every later one on this connection.
            connection.close_on_drop();
        }
        written
    }

    #[expect(clippy::disallowed_methods, reason = "for `write`")]
    async fn acquire_writer(&self) -> Result<PoolConnection<Sqlite>, sqlx::Error> {
        self.writer.acquire().await
    }

    /// Closes them, so that SQLite clears its log away.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Does something in a transaction that has the write lock from its beginning. What comes out is
/// given back only after it was committed. After an error the connection must not be used again.
#[expect(clippy::disallowed_methods, reason = "the one place where a transaction begins")]
pub(crate) async fn write<T>(
    connection: &mut SqliteConnection,
    work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
) -> Result<T, WriteError> {
    let transaction = connection.begin_with("BEGIN IMMEDIATE").await;
    let mut transaction = transaction.map_err(WriteError::Refused)?;
    let done = match work(&mut transaction).await {
        Ok(done) => done,
        Err(cause) => {
            // Now rather than when the connection is closed: others wait for the lock.
            let _ = transaction.rollback().await;
            return Err(WriteError::Refused(cause));
        }
    };
    transaction.commit().await.map_err(WriteError::Uncertain)?;
    Ok(done)
}
