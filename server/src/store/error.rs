//! Why the database cannot be used, and what helps.

use std::io;
use std::path::{Path, PathBuf};

use sqlx::error::DatabaseError;

use super::owner::OwnershipError;
use crate::hint::Hint;

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the database {}: {cause}", file.display())]
pub struct StoreError {
    /// The file.
    pub file: PathBuf,
    /// Why not.
    #[source]
    pub cause: StoreCause,
    /// Whether something may have been written all the same: the commit itself failed.
    pub uncertain: bool,
}

/// What is wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreCause {
    /// What SQLite says.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// The path leads to another file than the one that was opened, or to none: whoever opens it now
    /// has other records.
    #[error("the file was removed or replaced after it was opened; nothing is written any more")]
    Replaced,
    /// The site has another database by now, see [`Store::check`](super::Store::check).
    #[error("the site has another database by now; nothing is written any more")]
    TakenOver,
    /// Two programs could write at the same time without noticing each other.
    #[error("its file system does not lock files ({0})")]
    NoLocks(#[source] io::Error),
    /// It is not the database of this site, as far as this machine may use it.
    #[error(transparent)]
    Ownership(Box<OwnershipError>),
}

impl From<OwnershipError> for StoreCause {
    fn from(wrong: OwnershipError) -> Self {
        Self::Ownership(Box::new(wrong))
    }
}

impl StoreError {
    pub(super) fn new(file: &Path, cause: impl Into<StoreCause>) -> Self {
        Self { file: file.to_owned(), cause: cause.into(), uncertain: false }
    }

    /// Whether the reason is that this user may not use the file, or not from this machine, rather
    /// than that something is wrong with it.
    pub fn is_out_of_reach(&self) -> bool {
        self.is_denied() || matches!(self.cause, StoreCause::Ownership(_))
    }

    /// Whether the reason is that this user may not read or write the file: `SQLITE_PERM`,
    /// `SQLITE_READONLY`, `SQLITE_CANTOPEN`, `SQLITE_AUTH`, or what the system itself says.
    pub(super) fn is_denied(&self) -> bool {
        let denied = [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem];
        match &self.cause {
            StoreCause::Sql(sqlx::Error::Io(cause)) => denied.contains(&cause.kind()),
            _ => [3, 8, 14, 23].into_iter().any(|code| self.is_code(code)),
        }
    }

    /// Whether another program has the file locked: `SQLITE_BUSY`, `SQLITE_LOCKED`.
    pub(super) fn is_busy(&self) -> bool {
        self.is_code(5) || self.is_code(6)
    }

    /// Whether the file is no database that can be read: `SQLITE_CORRUPT`, `SQLITE_NOTADB`.
    pub(super) fn is_damaged(&self) -> bool {
        self.is_code(11) || self.is_code(26)
    }

    /// Whether SQLite gave this code, whatever the details that it adds in the upper bits.
    fn is_code(&self, wanted: u32) -> bool {
        self.code().is_some_and(|code| code & 0xff == wanted)
    }

    fn code(&self) -> Option<u32> {
        let StoreCause::Sql(error) = &self.cause else { return None };
        error.as_database_error().and_then(DatabaseError::code)?.parse().ok()
    }
}

/// SQLite's codes for a file system that cannot lock: `SQLITE_PROTOCOL`, `SQLITE_NOLFS`,
/// `SQLITE_IOERR_UNLOCK`, `_RDLOCK`, `_CHECKRESERVEDLOCK`, `_LOCK`, `_SHMOPEN`, `_SHMLOCK`, `_SHMMAP`.
const NO_LOCKS: [u32; 9] = [15, 22, 2058, 2314, 3594, 3850, 4618, 5130, 5386];

impl Hint for StoreError {
    fn hint(&self) -> Option<String> {
        let file = self.file.display();
        let other_disk = format!(
            "keep {file} on a disk of this machine: `database` in osa.toml (OSA_DATABASE) names another \
             file"
        );
        Some(match &self.cause {
            StoreCause::Ownership(error) => return error.hint(),
            StoreCause::NoLocks(_) => other_disk,
            StoreCause::Replaced => format!(
                "stop this program and all others of the site (systemctl stop osa), put the right file \
                 back at {file} (or `osa restore` a backup), and start them again"
            ),
            StoreCause::TakenOver => {
                "stop this program; OSA_DIR/osa-ledger names the host and the file in use"
                    .to_owned()
            }
            StoreCause::Sql(_) if self.is_damaged() => {
                format!("{file} is damaged or no database: restore a backup (`osa restore FILE`)")
            }
            StoreCause::Sql(_) if self.is_busy() => {
                format!("another program holds {file} for long: try again later")
            }
            StoreCause::Sql(_) => match self.code() {
                Some(code) if NO_LOCKS.contains(&code) => other_disk,
                // SQLITE_FULL
                Some(13) => format!("the disk that holds {file} is full: free some space"),
                _ => format!(
                    "check that this user may read and write {file} and its directory, and that the \
                     disk is local and not full; `database` in osa.toml (OSA_DATABASE) names another \
                     file"
                ),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error of SQLite's with a code of our choice.
    #[derive(Debug)]
    struct Coded(u32);

    impl std::fmt::Display for Coded {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "(code: {}) disk I/O error", self.0)
        }
    }

    impl std::error::Error for Coded {}

    impl DatabaseError for Coded {
        fn message(&self) -> &'static str {
            "disk I/O error"
        }

        fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
            Some(self.0.to_string().into())
        }

        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }

        fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
            self
        }

        fn kind(&self) -> sqlx::error::ErrorKind {
            sqlx::error::ErrorKind::Other
        }
    }

    fn error(cause: impl Into<StoreCause>) -> StoreError {
        StoreError::new(Path::new("/net/osa.sqlite"), cause)
    }

    fn sqlite(code: u32) -> StoreError {
        error(sqlx::Error::Database(Box::new(Coded(code))))
    }

    #[test]
    fn a_disk_that_cannot_lock_is_named_with_the_remedy() {
        let unlocked = StoreCause::NoLocks(io::Error::from_raw_os_error(nix::libc::ENOLCK));
        let cases = NO_LOCKS.into_iter().map(sqlite).chain([error(unlocked)]);
        for case in cases {
            let hint = case.hint().unwrap();
            assert!(
                hint.starts_with("keep /net/osa.sqlite on a disk of this machine"),
                "{case}: {hint}"
            );
        }
    }

    #[test]
    fn what_is_wrong_decides_what_helps() {
        assert!(sqlite(13).hint().unwrap().contains("free some space"));
        assert!(sqlite(5).hint().unwrap().contains("try again later"));
        assert!(sqlite(26).hint().unwrap().contains("restore a backup"));
        assert!(sqlite(14).is_denied() && sqlite(1288).is_denied() && !sqlite(11).is_denied());
        assert!(error(StoreCause::Replaced).hint().unwrap().contains("put the right file back"));
    }
}
