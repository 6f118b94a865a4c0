//! The connections to the database. Only here a transaction that writes is begun and committed.

use std::path::Path;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{Connection, Sqlite, SqliteConnection};

use super::identity::Identity;

/// How long to wait for a lock of another process.
const BUSY: Duration = Duration::from_secs(20);

/// Connections that read, and one that writes: SQLite lets only one write at a time, and in this
/// order writers of one process take turns without polling.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    readers: SqlitePool,
    writer: SqlitePool,
    /// The file that must be at its path whenever something is written.
    identity: Option<Identity>,
}

/// Why something was not written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// Nothing was written.
    Refused(sqlx::Error),
    /// The commit failed, so that it is not known.
    Uncertain(sqlx::Error),
    /// Nothing was written: the path leads to another file than the one that was opened.
    Replaced,
}

impl WriteError {
    /// What SQLite says.
    pub fn cause(self) -> sqlx::Error {
        match self {
            Self::Refused(cause) | Self::Uncertain(cause) => cause,
            Self::Replaced => sqlx::Error::Io(std::io::ErrorKind::NotFound.into()),
        }
    }
}

impl Connections {
    /// Opens the file and applies the migrations. The file is there, and may be empty: a connection
    /// that is made later must not make another where it was removed. Nothing is written unless the
    /// path leads to the file of this `identity`.
    pub async fn open(file: &Path, identity: Option<Identity>) -> Result<Self, sqlx::Error> {
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
        Ok(Self { readers, writer, identity })
    }

    /// Opens the file to read only. `immutable`: nobody changes it meanwhile.
    pub async fn open_to_read(file: &Path, immutable: bool) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .read_only(true)
            .immutable(immutable)
            .busy_timeout(BUSY);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        Ok(Self { readers: pool.clone(), writer: pool, identity: None })
    }

    /// Opens the file so that nobody else has it open, or can open it until this is closed.
    #[expect(clippy::disallowed_methods, reason = "it changes nothing: the lock is what is wanted")]
    pub async fn open_alone(file: &Path) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .locking_mode(SqliteLockingMode::Exclusive)
            .journal_mode(SqliteJournalMode::Delete)
            .busy_timeout(Duration::from_millis(500));
        let pool = SqlitePoolOptions::new().max_connections(1).max_lifetime(None);
        let pool = pool.idle_timeout(None).connect_with(options).await?;
        pool.begin_with("BEGIN EXCLUSIVE").await?.commit().await?;
        Ok(Self { readers: pool.clone(), writer: pool, identity: None })
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
        // Before a connection is made: it would be one to another file, or fail for want of any.
        if !is_there(self.identity.as_ref()).await {
            return Err(WriteError::Replaced);
        }
        let mut connection = self.acquire_writer().await.map_err(WriteError::Refused)?;
        let written = write_to(&mut connection, self.identity.as_ref(), work).await;
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
pub(crate) async fn write<T>(
    connection: &mut SqliteConnection,
    work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
) -> Result<T, WriteError> {
    write_to(connection, None, work).await
}

/// As [`write`], if the path of the file leads to it before the work and after.
#[expect(clippy::disallowed_methods, reason = "the one place where a transaction begins")]
async fn write_to<T>(
    connection: &mut SqliteConnection,
    identity: Option<&Identity>,
    work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
) -> Result<T, WriteError> {
    let transaction = connection.begin_with("BEGIN IMMEDIATE").await;
    let mut transaction = transaction.map_err(WriteError::Refused)?;
    let done = match is_there(identity).await {
        true => work(&mut transaction).await.map_err(WriteError::Refused),
        false => Err(WriteError::Replaced),
    };
    let done = match done {
        Ok(_) if !is_there(identity).await => Err(WriteError::Replaced),
        done => done,
    };
    match done {
        Ok(done) => {
            transaction.commit().await.map_err(WriteError::Uncertain)?;
            Ok(done)
        }
        Err(error) => {
            // Now rather than when the connection is closed: others wait for the lock.
            let _ = transaction.rollback().await;
            Err(error)
        }
    }
}

async fn is_there(identity: Option<&Identity>) -> bool {
    match identity {
        Some(identity) => identity.is_there().await,
        None => true,
    }
}
