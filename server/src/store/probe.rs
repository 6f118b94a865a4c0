//! Whether the file system of the database can lock files: SQLite relies on it.

use std::fs::File;
use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::StoreCause;

/// Tries a lock on a file of its own in the database's directory, which is gone afterwards. A
/// directory that cannot be written to proves nothing.
///
/// # Errors
/// [`StoreCause::NoLocks`].
pub(super) fn can_lock(
    dir: &Path,
    lock: impl Fn(&File) -> Result<(), Errno>,
) -> Result<(), StoreCause> {
    let Ok(probe) = tempfile::tempfile_in(dir) else { return Ok(()) };
    match lock(&probe) {
        Err(error @ (Errno::ENOLCK | Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::EINVAL)) => {
            Err(StoreCause::NoLocks(io::Error::from(error)))
        }
        _ => Ok(()),
    }
}

/// Locks a file as SQLite does.
pub(super) fn lock(file: &File) -> Result<(), Errno> {
    let whole = libc::flock {
        l_type: libc::F_WRLCK.try_into().unwrap_or_default(),
        l_whence: libc::SEEK_SET.try_into().unwrap_or_default(),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_SETLK(&whole)).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::Hint;
    use crate::store::StoreError;

    #[test]
    fn a_file_system_without_locks_is_refused_with_the_remedy() {
        let dir = tempfile::tempdir().unwrap();
        assert!(can_lock(dir.path(), lock).is_ok(), "a disk of this machine locks");
        assert_eq!(dir.path().read_dir().unwrap().count(), 0, "nothing is left behind");
        for errno in [Errno::ENOLCK, Errno::EOPNOTSUPP, Errno::ENOSYS] {
            let refused = can_lock(dir.path(), |_| Err(errno)).unwrap_err();
            let error = StoreError::new(&dir.path().join("osa.sqlite"), refused);
            assert!(error.to_string().contains("does not lock files"), "{error}");
            let hint = error.hint().unwrap();
            assert!(hint.contains("on a disk of this machine"), "{hint}");
        }
    }
}
