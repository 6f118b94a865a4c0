//! Our SQLite file: what was submitted, the journal of closings, the local scheduler's queue, each
//! night's logbook, and who may do what.
//!
//! - Statements are those of the macros `sqlx::query!`, `query_as!` and `query_scalar!`, which check
//!   them against the migrations while the program is compiled (`cargo xtask sqlx`).
//! - Whatever writes goes through [`Store::write`]; the connections that read cannot write.
//! - Every time is a [`Timestamp`].

mod closings;
mod connections;
mod decisions;
mod health;
mod ledger;
pub mod local_queue;
mod locks;
mod logbook;
mod notes;
mod older;
pub mod people;
mod submissions;
#[cfg(test)]
mod tests;
mod time;

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::error::DatabaseError;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqliteConnection, SqlitePool};

use connections::{Connections, WriteError};

pub(crate) use connections::write;

use crate::hint::Hint;

pub use closings::{Closing, NewClosing, StepAt};
pub use decisions::NewDecision;
pub use ledger::Ledger;
pub use locks::Holder;
pub use logbook::Deed;
pub use submissions::{Grace, Intent, Submission, SubmissionState};
pub use time::Timestamp;

/// The schema, in the order in which it came about.
static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the database {}: {cause}", file.display())]
pub struct StoreError {
    /// The file.
    pub file: PathBuf,
    /// Why not.
    #[source]
    pub cause: sqlx::Error,
    /// Whether something may have been written all the same: the commit itself failed.
    pub uncertain: bool,
}

impl Hint for StoreError {
    fn hint(&self) -> Option<String> {
        let file = self.file.display();
        Some(match self.cause.as_database_error().and_then(DatabaseError::code).as_deref() {
            // SQLITE_FULL
            Some("13") => format!("the disk that holds {file} is full: free some space"),
            // SQLITE_BUSY, SQLITE_LOCKED
            Some("5" | "6") => format!("another program holds {file} for long: try again later"),
            // SQLITE_CORRUPT, SQLITE_NOTADB
            Some("11" | "26") => format!("{file} is damaged or no database: restore a backup"),
            _ => format!(
                "check that this user may read and write {file} and its directory, and that the \
                 disk is local and not full; `database` in osa.toml (OSA_DATABASE) names another \
                 file"
            ),
        })
    }
}

/// An open database, its schema up to date.
#[derive(Clone, Debug)]
pub struct Store {
    /// The file.
    pub file: PathBuf,
    /// How long a submitted job must have been missing before it is given up.
    pub grace: Grace,
    connections: Connections,
    /// What is read instead of a file whose schema is older; it goes when nobody reads it any more.
    _copy: Option<Arc<tempfile::TempDir>>,
}

impl Store {
    /// Opens the file, makes it if it is missing, and applies the migrations. It is for its owner
    /// only: waiting jobs have their environment in it, which may hold secrets.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        let wrap = |cause| StoreError::new(file, cause);
        let turn = one_at_a_time(file).await.map_err(|cause| wrap(cause.into()))?;
        let connections = Connections::open(file).await.map_err(wrap)?;
        drop(turn);
        Ok(Self { file: file.to_owned(), grace: Grace::default(), connections, _copy: None })
    }

    /// Opens the file if it is there, to read only: nothing is made, and no migration applied. Of a
    /// file whose schema is older a copy is read that migrations are applied to.
    pub async fn open_to_read(file: &Path) -> Result<Option<Self>, StoreError> {
        if !file.exists() {
            return Ok(None);
        }
        let (connections, copy) =
            older::open_to_read(file).await.map_err(|cause| StoreError::new(file, cause))?;
        let grace = Grace::default();
        Ok(Some(Self { file: file.to_owned(), grace, connections, _copy: copy.map(Arc::new) }))
    }

    /// With another [`Grace`].
    #[must_use]
    pub fn with_grace(mut self, grace: Grace) -> Self {
        self.grace = grace;
        self
    }

    /// Writes: does `work` in a transaction that has the write lock from its beginning, and gives
    /// back what comes out once it is on the disk. Nothing is written if `work` fails.
    pub(crate) async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        self.connections.write(work).await.map_err(|error| match error {
            WriteError::Refused(cause) => self.error(cause),
            WriteError::Uncertain(cause) => StoreError { uncertain: true, ..self.error(cause) },
        })
    }

    /// Connections to read from; a statement that writes fails on them.
    pub(crate) fn readers(&self) -> &SqlitePool {
        self.connections.readers()
    }

    /// One connection to read from, and always the same.
    pub(crate) async fn reader(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        self.wrap(self.connections.reader().await)
    }

    /// Closes the file, so that SQLite clears its log away.
    pub async fn close(&self) {
        self.connections.close().await;
    }

    /// Wraps an error of a statement with the file's name.
    pub(crate) fn error(&self, cause: sqlx::Error) -> StoreError {
        StoreError::new(&self.file, cause)
    }

    /// As [`Store::error`], of what a statement gave.
    pub(crate) fn wrap<T>(&self, result: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        result.map_err(|cause| self.error(cause))
    }
}

impl StoreError {
    fn new(file: &Path, cause: sqlx::Error) -> Self {
        Self { file: file.to_owned(), cause, uncertain: false }
    }
}

/// Waits for our turn to open the file: of several processes that do so at once, only one may make
/// it and apply a migration. The lock is on the directory, so that it leaves nothing behind. The
/// file is there afterwards.
async fn one_at_a_time(file: &Path) -> std::io::Result<std::fs::File> {
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (dir, file) = (dir.to_owned(), file.to_owned());
    let locked = tokio::task::spawn_blocking(move || {
        let dir = std::fs::File::open(dir)?;
        match dir.lock() {
            // A file system without locks: then it is the operator who must open it first.
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            locked => locked?,
        }
        // Never opened where it exists: closing it would drop the locks that SQLite, elsewhere in
        // this process, has on it.
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(dir),
            made => made.map(|_| dir),
        }
    });
    locked.await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}
