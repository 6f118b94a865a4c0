//! The file in `OSA_DIR` that names a site's one database and its host, and what it forbids.

use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::hint::Hint;
use crate::input_file;

/// Why a database is not to be used on this machine.
#[derive(Debug, thiserror::Error)]
pub enum OwnershipError {
    /// Another machine owns the site.
    #[error(
        "this site's database is {} on {there}, as {} says, and this is {here}",
        database.display(), owner_file.display()
    )]
    OtherHost {
        /// The database.
        database: PathBuf,
        /// Its host.
        there: String,
        /// This host.
        here: String,
        /// The file that says so.
        owner_file: PathBuf,
    },
    /// The settings name another file than the one that the site has.
    #[error("this site's database is {}, as {} says", database.display(), owner_file.display())]
    OtherFile {
        /// The database.
        database: PathBuf,
        /// The file that says so.
        owner_file: PathBuf,
    },
    /// The site has a database, but it is gone.
    #[error("the file is missing or empty, although {} says that it is there", owner_file.display())]
    Missing {
        /// The file that says so.
        owner_file: PathBuf,
    },
    /// The site has a database where earlier versions had it.
    #[error("this site's database is still {}, where earlier versions kept it", .0.display())]
    Earlier(PathBuf),
    /// The file that names the owner cannot be used.
    #[error("cannot {what} {}, which names the site's database: {cause}", file.display())]
    OwnerFile {
        /// `read` or `write`.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
}

impl Hint for OwnershipError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::OtherHost { there, owner_file, .. } => format!(
                "run the command on {there}; if that machine is gone, `osa restore --take-over BACKUP` \
                 here; if it was only renamed, correct `host` in {}",
                owner_file.display()
            ),
            Self::OtherFile { database, .. } => format!(
                "let `database` in osa.toml (OSA_DATABASE) name {}, or leave it out; to keep the \
                 database elsewhere, see docs/database.md",
                database.display()
            ),
            Self::Missing { owner_file } => format!(
                "restore a backup with `osa restore FILE`; only without a backup, and if no job of this \
                 site waits or runs, remove {} to begin with an empty database",
                owner_file.display()
            ),
            Self::Earlier(file) => format!(
                "`osa move-database` moves it to a disk of this machine; to keep it there, let \
                 `database` in osa.toml (OSA_DATABASE) name {}",
                file.display()
            ),
            Self::OwnerFile { cause, file, .. } => cause.hint().unwrap_or_else(|| {
                format!("docs/database.md tells what {} must hold", file.display())
            }),
        })
    }
}

/// Which database a site has.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct Owner {
    /// The host's name.
    pub host: String,
    /// The file, absolute, on a disk of that host.
    pub database: PathBuf,
}

/// The file `osa-ledger`.
#[derive(Clone, Debug)]
pub(super) struct OwnerFile(PathBuf);

impl OwnerFile {
    /// That of the site with this `OSA_DIR`.
    pub fn of(osa_dir: &Path) -> Self {
        Self(osa_dir.join("osa-ledger"))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What it says; `None` if nobody has claimed the site yet.
    pub fn read(&self) -> Result<Option<Owner>, OwnershipError> {
        let wrap = |cause| self.error("read", cause);
        let text = match input_file::read_toml(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrap(error)),
        };
        let owner = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
            let problem = format!("line {line}: {}", error.message());
            wrap(io::Error::new(ErrorKind::InvalidData, problem))
        });
        owner.map(Some)
    }

    /// Says that the site's database is this file on this host; `again`: whatever it said before,
    /// else only if there is no such file.
    pub fn write(&self, host: &str, database: &Path, again: bool) -> Result<(), OwnershipError> {
        self.try_write(host, database, again).map_err(|cause| self.error("write", cause))
    }

    fn try_write(&self, host: &str, database: &Path, again: bool) -> io::Result<()> {
        let dir = self.0.parent().unwrap_or(Path::new("."));
        // Not its parents: a file system that is not mounted would be claimed on the wrong disk.
        match std::fs::create_dir(dir) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let database = database.canonicalize()?;
        let mut beside = tempfile::NamedTempFile::new_in(dir)?;
        write!(
            beside,
            "# Where this site's one database is, written by osa; see docs/database.md.\n\
             host = {}\ndatabase = {}\n",
            quoted(host)?,
            quoted(&database.to_string_lossy())?,
        )?;
        beside.as_file().set_permissions(PermissionsExt::from_mode(0o644))?;
        beside.as_file().sync_all()?;
        let put = match again {
            true => beside.persist(&self.0),
            false => beside.persist_noclobber(&self.0),
        };
        match put {
            Err(error) if !again && error.error.kind() == ErrorKind::AlreadyExists => Ok(()),
            put => put.map(|_| ()).map_err(|error| error.error),
        }
    }

    fn error(&self, what: &'static str, cause: io::Error) -> OwnershipError {
        OwnershipError::OwnerFile { what, file: self.0.clone(), cause }
    }
}

/// A string as TOML has it, which takes whatever JSON does.
fn quoted(text: &str) -> io::Result<String> {
    serde_json::to_string(text).map_err(io::Error::other)
}
