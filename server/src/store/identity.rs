//! Which file a path leads to.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file that was at a path when it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Identity {
    /// The file that is at this path now.
    ///
    /// # Errors
    /// It does not exist, or cannot be read.
    pub fn of(path: &Path) -> io::Result<Self> {
        let found = path.metadata()?;
        Ok(Self { path: path.to_owned(), device: found.dev(), inode: found.ino() })
    }

    /// Whether it is still there. A path that cannot be looked at does not lead to it.
    pub async fn is_there(&self) -> bool {
        let found = tokio::fs::metadata(&self.path).await;
        found.is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode))
    }
}
