//! Our SQLite file: what was submitted, the journal of closings, the local scheduler's queue, each
//! night's logbook, and who may do what.

mod closings;
mod decisions;
pub mod local_queue;
mod locks;
mod logbook;
mod notes;
pub mod people;
mod submissions;

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::error::DatabaseError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::hint::Hint;

pub use closings::{Closing, NewClosing, StepAt};
pub use decisions::NewDecision;
pub use locks::Holder;
pub use logbook::Deed;
pub use submissions::{Grace, Intent, Ledger, Submission, SubmissionState};

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the database {}: {cause}", file.display())]
pub struct StoreError {
    /// The file.
    pub file: PathBuf,
    /// Why not.
    #[source]
    pub cause: sqlx::Error,
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
    /// Its connections.
    pub pool: SqlitePool,
    /// How long a submitted job must have been missing before it is given up.
    pub grace: Grace,
}

impl Store {
    /// Opens the file, makes it if it is missing, and applies the migrations. It is for its owner
    /// only: waiting jobs have their environment in it, which may hold secrets.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        let wrap = |cause| StoreError { file: file.to_owned(), cause };
        let turn = one_at_a_time(file).await.map_err(|cause| wrap(cause.into()))?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(20));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await
            .map_err(wrap)?;
        sqlx::migrate!("../migrations").run(&pool).await.map_err(|e| wrap(e.into()))?;
        drop(turn);
        Ok(Self { file: file.to_owned(), pool, grace: Grace::default() })
    }

    /// Opens the file if it is there, to read only: nothing is made, and no migration applied.
    ///
    /// Where no write-ahead log lies beside it, nobody has it open, and SQLite is told that it will
    /// not change while we look: otherwise it would make a log of its own, and leave it.
    pub async fn open_to_read(file: &Path) -> Result<Option<Self>, StoreError> {
        if !file.exists() {
            return Ok(None);
        }
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        let options = SqliteConnectOptions::new()
            .filename(file)
            .read_only(true)
            .immutable(!Path::new(&log).exists())
            .busy_timeout(Duration::from_secs(20));
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
        let pool = pool.map_err(|cause| StoreError { file: file.to_owned(), cause })?;
        Ok(Some(Self { file: file.to_owned(), pool, grace: Grace::default() }))
    }

    /// With another [`Grace`].
    #[must_use]
    pub fn with_grace(mut self, grace: Grace) -> Self {
        self.grace = grace;
        self
    }

    /// Wraps an error of a statement with the file's name.
    pub fn error(&self, cause: sqlx::Error) -> StoreError {
        StoreError { file: self.file.clone(), cause }
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
