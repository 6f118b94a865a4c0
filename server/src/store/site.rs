//! A site's one database: where it is, and which machine owns it.
//!
//! Two databases of one site would mean two records of what was submitted, and every job twice. So the
//! file `osa-ledger` in `OSA_DIR`, which all machines of the site see, names the host and the path of the
//! one there is. The first command that writes makes it; from then on no other host and no other file
//! is written to.

use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::claim::Claim;
use super::owner::{Owner, OwnerFile, OwnershipError};
use super::{Store, StoreError, TransferError};
use crate::config::Settings;
use crate::hint::Hint;
use crate::internal::blocking;
use crate::model::{Notice, Severity};

/// Name of the database's file, where the settings do not name another.
const DATABASE: &str = "osa.sqlite";

/// A site's one database.
#[derive(Clone, Debug)]
pub struct SiteDatabase {
    owner_file: OwnerFile,
    /// What the settings name.
    set: Option<PathBuf>,
    /// Where it is unless they do.
    usual: PathBuf,
    /// Where earlier versions had it.
    earlier: PathBuf,
    host: String,
    group: Option<String>,
}

/// A site's database, opened to read only.
#[derive(Clone, Debug, Default)]
pub struct ReadAccess {
    /// The database; `None` if it does not exist yet or cannot be read from here.
    pub store: Option<Store>,
    /// Why it is not what a command that writes would use.
    pub notice: Option<Notice>,
}

impl SiteDatabase {
    /// The database of the site with these settings.
    pub fn of(settings: &Settings) -> Self {
        let osa_dir = &settings.site.directories.osa_dir;
        let server = &settings.server;
        let usual = server.state_directory.join(directory_name(osa_dir)).join(DATABASE);
        Self {
            owner_file: OwnerFile::of(osa_dir),
            set: server.database.clone(),
            usual,
            earlier: osa_dir.join(DATABASE),
            host: nix::unistd::gethostname().unwrap_or_default().to_string_lossy().into_owned(),
            group: server.database_group.clone(),
        }
    }

    /// The file: the one that is set, else the one that the site has on this host, else where it would
    /// be made. Blocks on the disk.
    pub fn file(&self) -> PathBuf {
        let owned =
            || self.owner_file.read().ok().flatten().filter(|owner| owner.host == self.host);
        self.set
            .clone()
            .or_else(|| owned().map(|owner| owner.database))
            .unwrap_or(self.usual.clone())
    }

    /// Opens it to write; made, and claimed for this host, where the site has none yet.
    ///
    /// # Errors
    /// See [`OwnershipError`]; the file cannot be used.
    pub async fn open(&self) -> Result<Store, StoreError> {
        let file = self.in_thread(Self::to_write).await?;
        let mut store = Store::open(&file).await?;
        self.in_thread(move |this| this.opened(&file)).await?;
        store.claim = Some(Arc::new(Claim::new(self.clone())));
        Ok(store)
    }

    /// As [`open`](Self::open), for somebody who does without it if they may not write to it: SQLite
    /// may notice that only when something is written.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_surely(&self) -> Result<Store, StoreError> {
        let store = self.open().await?;
        store.write(async |_| Ok(())).await?;
        Ok(store)
    }

    /// Opens it to read; nothing is made, and no migration applied. That it cannot be read by this
    /// user, or from this host, is a notice and no error.
    ///
    /// # Errors
    /// The file is damaged, or a newer program's.
    pub async fn open_to_read(&self) -> Result<ReadAccess, StoreError> {
        let (file, wrong) = match self.in_thread(|this| Ok(this.to_read())).await? {
            (None, wrong) => {
                return Ok(ReadAccess { store: None, notice: wrong.map(|wrong| notice(&wrong)) });
            }
            (Some(file), wrong) => (file, wrong),
        };
        match Store::open_to_read(&file).await {
            Ok(store) => Ok(ReadAccess { store, notice: wrong.map(|wrong| notice(&wrong)) }),
            Err(error) if error.is_denied() => {
                Ok(ReadAccess { store: None, notice: Some(denied(&file)) })
            }
            Err(error) => Err(error),
        }
    }

    /// Why the site's database is another than this file, if it is. An owner file that cannot be read is no reason.
    pub(super) async fn has_another_than(
        &self,
        file: &Path,
    ) -> Result<Option<OwnershipError>, StoreError> {
        let file = file.to_owned();
        self.in_thread(move |this| {
            let owner_file = this.owner_file.path().to_owned();
            Ok(match this.standing() {
                Err(
                    wrong @ (OwnershipError::OtherHost { .. } | OwnershipError::OtherFile { .. }),
                ) => Some(wrong),
                Ok(database) if !is_same(&database, &file) => {
                    Some(OwnershipError::OtherFile { database, owner_file })
                }
                _ => None,
            })
        })
        .await
    }

    /// The file that holds the site's records, for a copy.
    pub(super) async fn source(&self) -> Result<Option<PathBuf>, StoreError> {
        self.in_thread(|this| match this.to_read() {
            (None, Some(wrong)) => Err(StoreError::new(&this.named_by(&wrong), wrong)),
            (file, _) => Ok(file),
        })
        .await
    }

    /// The file that a backup takes the place of; with `take_over`, whoever has owned the site.
    pub(super) async fn target(&self, take_over: bool) -> Result<PathBuf, StoreError> {
        self.in_thread(move |this| {
            let file = match this.standing() {
                Ok(file) => file,
                Err(OwnershipError::Missing { .. }) => this.file(),
                Err(_) if take_over => this.set.clone().unwrap_or_else(|| this.usual.clone()),
                Err(wrong) => return Err(StoreError::new(&this.named_by(&wrong), wrong)),
            };
            this.prepared(file)
        })
        .await
    }

    /// Where the database is, and where the settings have it.
    pub(super) async fn move_from_to(&self) -> Result<(PathBuf, PathBuf), TransferError> {
        let this = self.clone();
        let find = move || {
            let to = this.set.clone().unwrap_or_else(|| this.usual.clone());
            let from = match this.standing() {
                Err(OwnershipError::Earlier(file)) => file,
                Err(OwnershipError::OtherFile { database, .. }) if has_content(&database) => {
                    database
                }
                Err(wrong) => return Err(TransferError::Ownership(Box::new(wrong))),
                Ok(file) => {
                    let said = format!("the database is {} already", file.display());
                    return Err(TransferError::Nothing(said));
                }
            };
            Ok((from, this.prepared(to)?))
        };
        blocking(find).await?
    }

    /// Makes this file on this host the site's database.
    pub(super) async fn own(&self, file: &Path) -> Result<(), StoreError> {
        let file = file.to_owned();
        let own = move |this: &Self| {
            this.owner_file
                .write(&this.host, &file, true)
                .map_err(|wrong| StoreError::new(&file, wrong))
        };
        self.in_thread(own).await
    }

    /// Which file may be written to.
    fn to_write(&self) -> Result<PathBuf, StoreError> {
        match self.standing() {
            Ok(file) => self.prepared(file),
            Err(wrong) => Err(StoreError::new(&self.named_by(&wrong), wrong)),
        }
    }

    /// The file, whose directory is made if it is the usual one: for its owner only, since waiting
    /// jobs have their environment in the database.
    fn prepared(&self, file: PathBuf) -> Result<PathBuf, StoreError> {
        if file != self.usual {
            return Ok(file);
        }
        let dir = self.usual.parent().unwrap_or(Path::new("/"));
        let mut builder = std::fs::DirBuilder::new();
        match builder.recursive(true).mode(0o700).create(dir) {
            Ok(()) => Ok(file),
            Err(cause) => Err(StoreError::new(&file, sqlx::Error::Io(cause))),
        }
    }

    /// Which file is read, if any, and why it may not be written to.
    fn to_read(&self) -> (Option<PathBuf>, Option<OwnershipError>) {
        match self.standing() {
            Ok(file) => (Some(file), None),
            Err(wrong) => {
                let file = match &wrong {
                    OwnershipError::OtherFile { database, .. } => Some(database.clone()),
                    OwnershipError::Earlier(file) => Some(file.clone()),
                    _ => None,
                };
                (file, Some(wrong))
            }
        }
    }

    /// The file that this host may use.
    fn standing(&self) -> Result<PathBuf, OwnershipError> {
        let owner_file = self.owner_file.path().to_owned();
        let Some(Owner { host, database }) = self.owner_file.read()? else {
            let file = self.set.as_ref().unwrap_or(&self.usual);
            return match !has_content(file) && has_content(&self.earlier) {
                true if file != &self.earlier => Err(OwnershipError::Earlier(self.earlier.clone())),
                _ => Ok(file.clone()),
            };
        };
        if host != self.host {
            let here = self.host.clone();
            return Err(OwnershipError::OtherHost { database, there: host, here, owner_file });
        }
        if self.set.as_ref().is_some_and(|set| !is_same(set, &database)) {
            return Err(OwnershipError::OtherFile { database, owner_file });
        }
        if !has_content(&database) {
            return Err(OwnershipError::Missing { owner_file });
        }
        Ok(database)
    }

    /// The file that an error is about.
    fn named_by(&self, wrong: &OwnershipError) -> PathBuf {
        match wrong {
            OwnershipError::Missing { .. } => self.file(),
            _ => self.set.clone().unwrap_or_else(|| self.usual.clone()),
        }
    }

    /// What is to be done once it was opened to write: others of the group may read, and the site is
    /// claimed unless it is this file's already.
    fn opened(&self, file: &Path) -> Result<(), StoreError> {
        let wrap = |wrong: OwnershipError| StoreError::new(file, wrong);
        if let Some(group) = &self.group {
            let ours = file.parent().filter(|_| is_same(file, &self.usual));
            super::group::let_read(file, ours, group)
                .map_err(|cause| StoreError::new(file, sqlx::Error::Io(cause)))?;
        }
        if self.owner_file.read().map_err(wrap)?.is_none() {
            self.owner_file.write(&self.host, file, false).map_err(wrap)?;
        }
        // Another host, or another file here, may have been the first.
        self.standing().map(|_| ()).map_err(wrap)
    }

    async fn in_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let this = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&this)).await;
        done.unwrap_or_else(|error| {
            Err(StoreError::new(&self.usual, sqlx::Error::Io(io::Error::other(error))))
        })
    }
}

/// As a shifter reads it.
fn notice(wrong: &OwnershipError) -> Notice {
    let unknown = match wrong {
        OwnershipError::OtherFile { .. } | OwnershipError::Earlier(_) => "",
        _ => "; what was submitted and decided is not known here",
    };
    Notice {
        severity: Severity::Warning,
        message: format!("{wrong}{unknown}"),
        hint: wrong.hint().unwrap_or_default(),
    }
}

fn denied(file: &Path) -> Notice {
    Notice {
        severity: Severity::Warning,
        message: format!(
            "this user may not read the database {}; what was submitted and decided is not known here",
            file.display()
        ),
        hint: "run the command as the user whom the file belongs to, or let `database_group` in osa.toml \
               (OSA_DATABASE_GROUP) name a group that may read it"
            .into(),
    }
}

/// Whether there is something in a file; also where this user may not look.
fn has_content(file: &Path) -> bool {
    match file.metadata() {
        Ok(metadata) => metadata.len() > 0,
        Err(error) => error.kind() == ErrorKind::PermissionDenied,
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(one) == real(other)
}

/// The name of a directory for the site with this `OSA_DIR`: `/fefs/aswg/OSA` is `fefs-aswg-OSA`, and
/// no two are the same.
fn directory_name(osa_dir: &Path) -> String {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt;
    let mut name = String::new();
    for byte in osa_dir.as_os_str().as_bytes() {
        match byte {
            b'/' if name.is_empty() => {}
            b'/' => name.push('-'),
            b'.' if name.is_empty() => name.push_str("%2E"),
            byte if byte.is_ascii_alphanumeric() || b"._".contains(byte) => {
                name.push((*byte).into());
            }
            byte => _ = write!(name, "%{byte:02X}"),
        }
    }
    name
}

#[cfg(test)]
mod tests;
