//! Our SQLite file: what was submitted, the journal of closings, the local scheduler's queue, each
//! night's audit log, and who may do what.
//!
//! - Statements are those of the macros `sqlx::query!`, `query_as!` and `query_scalar!`, which check
//!   them against the migrations while the program is compiled (`cargo xtask sqlx`).
//! - Whatever writes goes through [`Store::write`]; the connections that read cannot write.
//! - Every time is a [`Timestamp`].

mod audit_log;
mod claim;
mod closings;
mod connections;
mod decisions;
mod error;
mod group;
mod health;
mod identity;
mod ledger;
pub mod local_queue;
mod locks;
mod notes;
mod older;
mod owner;
pub mod people;
mod probe;
mod site;
mod submissions;
#[cfg(test)]
mod tests;
mod time;
mod transfer;

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqliteConnection, SqlitePool};

use claim::Claim;
use connections::{Connections, WriteError};
use identity::Identity;

pub(crate) use connections::write;

pub use audit_log::NewAction;
pub use closings::{Closing, NewClosing, StepAt};
pub use decisions::NewDecision;
pub use error::{StoreCause, StoreError};
pub use ledger::Ledger;
pub use locks::Holder;
pub use owner::OwnershipError;
pub use site::{ReadAccess, SiteDatabase};
pub use submissions::{Grace, Intent, Submission, SubmissionState};
pub use time::Timestamp;
pub use transfer::{Moved, TransferError, backup, move_here, restore};

/// The schema, in the order in which it came about.
static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// An open database, its schema up to date.
#[derive(Clone, Debug)]
pub struct Store {
    /// The file.
    pub file: PathBuf,
    /// How long a submitted job must have been missing before it is given up.
    pub grace: Grace,
    connections: Connections,
    /// Which file was opened to write.
    identity: Option<Identity>,
    /// The site whose database it was when it was opened.
    claim: Option<Arc<Claim>>,
    /// What is read instead of a file whose schema is older; it goes when nobody reads it any more.
    _copy: Option<Arc<tempfile::TempDir>>,
}

impl Store {
    /// Opens the file, makes it if it is missing, and applies the migrations. It is for its owner
    /// only: waiting jobs have their environment in it, which may hold secrets.
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        let wrap = |cause| StoreError::new(file, cause);
        let turn = one_at_a_time(file).await.map_err(|cause| StoreError::new(file, cause))?;
        let identity = Identity::of(file).map_err(|cause| wrap(cause.into()))?;
        let connections = Connections::open(file, Some(identity.clone())).await.map_err(wrap)?;
        drop(turn);
        let (file, grace) = (file.to_owned(), Grace::default());
        let identity = Some(identity);
        let store = Self { file, grace, connections, identity, claim: None, _copy: None };
        // It may have been replaced between the two.
        store.check().await.map(|()| store)
    }

    /// Opens the file if it is there, to read only: nothing is made, and no migration applied. Of a
    /// file whose schema is older a copy is read that migrations are applied to.
    pub async fn open_to_read(file: &Path) -> Result<Option<Self>, StoreError> {
        let wrap = |cause| StoreError::new(file, cause);
        // Of a directory that this user may not search nobody knows; SQLite then says so.
        if matches!(file.try_exists(), Ok(false)) {
            return Ok(None);
        }
        let (connections, copy) = older::open_to_read(file).await.map_err(wrap)?;
        let (file, grace) = (file.to_owned(), Grace::default());
        Ok(Some(Self {
            file,
            grace,
            connections,
            identity: None,
            claim: None,
            _copy: copy.map(Arc::new),
        }))
    }

    /// Opens a copy in a temporary directory, with all migrations, which may be written to in the
    /// file's place and goes with the store; an empty one if there is no file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn open_copy(file: Option<&Path>) -> Result<Self, StoreError> {
        let name = file.unwrap_or(Path::new("a temporary copy"));
        let (connections, copy) =
            older::copied(file).await.map_err(|cause| StoreError::new(name, cause))?;
        let (file, grace) = (name.to_owned(), Grace::default());
        Ok(Self {
            file,
            grace,
            connections,
            identity: None,
            claim: None,
            _copy: Some(Arc::new(copy)),
        })
    }

    /// Whether the path still leads to the file that was opened, and the site has no other database by
    /// now: if not, others have records of their own, and nothing is written any more.
    ///
    /// # Errors
    /// [`StoreCause::Replaced`], [`StoreCause::Ownership`].
    pub async fn check(&self) -> Result<(), StoreError> {
        if let Some(identity) = &self.identity
            && !identity.is_there().await
        {
            return Err(StoreError::new(&self.file, StoreCause::Replaced));
        }
        match &self.claim {
            Some(claim) => claim.check(&self.file).await,
            None => Ok(()),
        }
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
        if self.claim.as_ref().is_some_and(|claim| claim.is_lost()) {
            return Err(StoreError::new(&self.file, StoreCause::TakenOver));
        }
        self.connections.write(work).await.map_err(|error| match error {
            WriteError::Refused(cause) => self.error(cause),
            WriteError::Uncertain(cause) => StoreError { uncertain: true, ..self.error(cause) },
            WriteError::Replaced => StoreError::new(&self.file, StoreCause::Replaced),
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

/// Waits for our turn to open the file: of several processes that do so at once, only one may make
/// it and apply a migration. The lock is on the directory, so that it leaves nothing behind. The
/// file is there afterwards.
async fn one_at_a_time(file: &Path) -> Result<std::fs::File, StoreCause> {
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (dir, file) = (dir.to_owned(), file.to_owned());
    let locked = tokio::task::spawn_blocking(move || {
        probe::can_lock(&dir, probe::lock)?;
        let dir = std::fs::File::open(dir).map_err(sqlx::Error::Io)?;
        // A directory on a network file system cannot be locked, though files there may be.
        let cannot = [ErrorKind::Unsupported, ErrorKind::InvalidInput];
        match dir.lock() {
            Err(error) if cannot.contains(&error.kind()) || is_bad_descriptor(&error) => {}
            locked => locked.map_err(sqlx::Error::Io)?,
        }
        // Never opened where it exists: closing it would drop the locks that SQLite, elsewhere in
        // this process, has on it.
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(dir),
            made => made.map(|_| dir).map_err(|error| sqlx::Error::Io(error).into()),
        }
    });
    locked.await.unwrap_or_else(|error| Err(sqlx::Error::Io(std::io::Error::other(error)).into()))
}

/// NFS locks only what is open to write, which a directory never is.
fn is_bad_descriptor(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(nix::libc::EBADF)
}
