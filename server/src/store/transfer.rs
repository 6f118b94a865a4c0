//! Backups of the database, and putting another file in its place while nobody uses it.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::connections::Connections;
use super::owner::OwnershipError;
use super::site::SiteDatabase;
use super::{StoreError, older};
use crate::hint::Hint;
use crate::internal::{InternalError, blocking};

/// Why a database was not copied or moved.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The database, or the copy, cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is not this machine's to put another in its place.
    #[error("nothing was changed: {0}")]
    Ownership(#[source] Box<OwnershipError>),
    /// A file cannot be written or renamed.
    #[error("cannot write {}: {cause}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// What is to be restored is no whole database of this program.
    #[error("nothing was changed: {} cannot be restored: {problem}", file.display())]
    NoBackup {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Another program has the database open.
    #[error("nothing was changed: another program has {} open", .0.display())]
    InUse(PathBuf),
    /// There is nothing to be copied or moved.
    #[error("{0}")]
    Nothing(String),
    /// A failure within the program.
    #[error(transparent)]
    Internal(#[from] InternalError),
}

impl Hint for TransferError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Ownership(error) => error.hint(),
            Self::Write { cause, file } if cause.kind() == io::ErrorKind::AlreadyExists => {
                Some(format!("if {} is what a move left that was cut short, remove it", file.display()))
            }
            Self::Write { cause, .. } => cause.hint(),
            Self::NoBackup { .. } => Some("name a file that `osa backup` has written".into()),
            Self::InUse(_) => Some(
                "stop `osa serve` (systemctl stop osa) and cron's commands, wait for the jobs of the \
                 local scheduler if that is used, and try again"
                    .into(),
            ),
            Self::Nothing(_) => None,
            Self::Internal(error) => error.hint(),
        }
    }
}

/// What was put where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The database now.
    pub file: PathBuf,
    /// Where the file is that was there before, or that was moved.
    pub aside: Option<PathBuf>,
}

/// Writes a copy of the site's database, whole or not at all, in the place of an older copy. The
/// database may be in use.
///
/// # Errors
/// There is no database, or it cannot be read; the copy cannot be written.
pub async fn backup(site: &SiteDatabase, to: &Path) -> Result<PathBuf, TransferError> {
    let file = site.source().await?.filter(|file| !matches!(file.try_exists(), Ok(false)));
    let file =
        file.ok_or_else(|| TransferError::Nothing("this site has no database yet".into()))?;
    let from = older::original(&file).await.map_err(|cause| StoreError::new(&file, cause))?;
    write_copy(&from, &file, to, true).await?;
    from.close().await;
    Ok(file)
}

/// Puts a backup in the place of the site's database, which is kept beside it. With `take_over`, also
/// if another machine has owned the site: then this one does.
///
/// # Errors
/// It is no whole database, or somebody uses the present one: nothing was changed. A file cannot be
/// written: it may be done again.
pub async fn restore(
    site: &SiteDatabase,
    from: &Path,
    take_over: bool,
    now: DateTime<Utc>,
) -> Result<Moved, TransferError> {
    let copy = whole(from).await?;
    let file = site.target(take_over).await?;
    if file.canonicalize().is_ok_and(|file| from.canonicalize().is_ok_and(|from| from == file)) {
        let problem = "it is the site's database itself".into();
        return Err(TransferError::NoBackup { file: from.to_owned(), problem });
    }
    // Only to see that nobody else has it open: closing it clears its log and its journal away.
    if let Some(present) = alone(&file).await? {
        present.close().await;
    }
    let aside = put_aside(&file, &format!("before-{}", now.format("%Y%m%dT%H%M%SZ"))).await?;
    write_copy(&copy, from, &file, false).await?;
    copy.close().await;
    site.own(&file).await?;
    Ok(Moved { file, aside })
}

/// Moves the site's database to where the settings have it, with the scripts of the local scheduler's
/// jobs. The old file is kept under another name.
///
/// # Errors
/// It is there already, or somebody uses it: nothing was changed. A file cannot be written: it may be
/// done again.
pub async fn move_here(site: &SiteDatabase) -> Result<Moved, TransferError> {
    let (from, file) = site.move_from_to().await?;
    let present = alone(&from).await?.ok_or_else(|| {
        TransferError::Nothing(format!("{} is no database that can be moved", from.display()))
    })?;
    write_copy(&present, &from, &file, false).await?;
    let (old, new) = (scripts(&from), scripts(&file));
    blocking(move || copy_files(&old, &new)).await??;
    site.own(&file).await?;
    // From here on nobody uses it any more; closing it clears its journal away.
    present.close().await;
    let aside = put_aside(&from, "moved").await?;
    Ok(Moved { file, aside })
}

/// A file that may be restored, open.
async fn whole(file: &Path) -> Result<Connections, TransferError> {
    let wrong = |problem: String| TransferError::NoBackup { file: file.to_owned(), problem };
    if !file.is_file() {
        return Err(wrong("there is no such file".into()));
    }
    let copy = older::original(file).await.map_err(|error| wrong(error.to_string()))?;
    let said = sqlx::query_scalar!(
        r#"SELECT integrity_check || '' AS "said!: String" FROM pragma_integrity_check LIMIT 1"#
    );
    let said = said.fetch_one(copy.readers()).await.map_err(|error| wrong(error.to_string()))?;
    if said != "ok" {
        return Err(wrong(said));
    }
    let version = older::version(&copy).await.map_err(|error| wrong(error.to_string()))?;
    match version {
        0 => Err(wrong("it is no database of osa".into())),
        version if version > older::newest() => {
            Err(wrong(format!("a newer osa wrote it (schema {version})")))
        }
        _ => Ok(copy),
    }
}

/// The file, if it is a database, open so that nobody else can open it until this is closed.
async fn alone(file: &Path) -> Result<Option<Connections>, TransferError> {
    if !file.exists() {
        return Ok(None);
    }
    match Connections::open_alone(file).await.map_err(|cause| StoreError::new(file, cause)) {
        Ok(open) => Ok(Some(open)),
        Err(error) if error.is_busy() => Err(TransferError::InUse(file.to_owned())),
        // A damaged one is what a backup takes the place of.
        Err(error) if error.is_damaged() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Writes a copy of a database, whole or not at all.
async fn write_copy(
    from: &Connections,
    named: &Path,
    to: &Path,
    replace: bool,
) -> Result<(), TransferError> {
    let to = to.to_owned();
    let wrap = |file: &Path, cause| TransferError::Write { file: file.to_owned(), cause };
    let dir = to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let dir = dir.to_owned();
    // Empty, for its owner only; SQLite fills it.
    let made = tempfile::Builder::new().prefix(".osa-").tempfile_in(&dir);
    let beside = made.map_err(|cause| wrap(&to, cause))?;
    let name = beside.path().to_string_lossy().into_owned();
    let filled = sqlx::query!("VACUUM INTO ?", name).execute(from.readers()).await;
    filled.map_err(|cause| StoreError::new(named, cause))?;
    let put = move || {
        beside.as_file().sync_all().map_err(|cause| wrap(&to, cause))?;
        let put = match replace {
            true => beside.persist(&to),
            false => beside.persist_noclobber(&to),
        };
        put.map_err(|error| wrap(&to, error.error))?;
        std::fs::File::open(&dir).and_then(|dir| dir.sync_all()).map_err(|cause| wrap(&dir, cause))
    };
    blocking(put).await?
}

/// Gives a file, and what SQLite keeps beside it, another name; `None` if it is not there.
async fn put_aside(file: &Path, ending: &str) -> Result<Option<PathBuf>, TransferError> {
    let with = |ending: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let pairs =
        ["", "-wal", "-journal"].map(|kind| (with(kind), with(&format!(".{ending}{kind}"))));
    let aside = pairs[0].1.clone();
    // The index of the log, which SQLite makes again.
    let index = with("-shm");
    let rename = move || {
        match std::fs::remove_file(&index) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                return Err(TransferError::Write { file: index, cause });
            }
            _ => {}
        }
        let mut any = false;
        for (from, to) in pairs {
            match std::fs::rename(&from, &to) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                renamed => {
                    renamed.map_err(|cause| TransferError::Write { file: to, cause })?;
                    any = true;
                }
            }
        }
        Ok::<_, TransferError>(any)
    };
    Ok(blocking(rename).await??.then_some(aside))
}

/// Where the local scheduler of a database keeps its files.
fn scripts(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".local");
    name.into()
}

fn copy_files(from: &Path, to: &Path) -> Result<(), TransferError> {
    let wrap = |cause| TransferError::Write { file: to.to_owned(), cause };
    let entries = match std::fs::read_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(wrap)?,
    };
    std::fs::create_dir_all(to).map_err(wrap)?;
    for entry in entries {
        let entry = entry.map_err(wrap)?;
        if entry.path().extension().is_some_and(|ending| ending == "sh") {
            std::fs::copy(entry.path(), to.join(entry.file_name())).map_err(wrap)?;
        }
    }
    Ok(())
}
