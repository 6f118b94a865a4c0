//! A group whose members may read the database.

use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

/// Lets the members of a group read a database that is open; with `dir`, a directory of its own, also
/// that, so that files which SQLite makes later are the group's as well.
///
/// # Errors
/// There is no such group, or this user may not give files to it.
pub(super) fn let_read(file: &Path, dir: Option<&Path>, group: &str) -> io::Result<()> {
    let found = nix::unistd::Group::from_name(group)?;
    let Some(found) = found else {
        let problem = format!("there is no group {group}, which `database_group` names");
        return Err(io::Error::new(ErrorKind::NotFound, problem));
    };
    let gid = found.gid.as_raw();
    if let Some(dir) = dir {
        give(dir, gid, 0o2750)?;
    }
    for ending in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        match give(Path::new(&name), gid, 0o640) {
            Err(error) if error.kind() == ErrorKind::NotFound && !ending.is_empty() => {}
            given => given?,
        }
    }
    Ok(())
}

/// What is another user's is left as it is.
fn give(path: &Path, gid: u32, mode: u32) -> io::Result<()> {
    let found = path.metadata()?;
    let me = nix::unistd::geteuid();
    if found.uid() != me.as_raw() && !me.is_root() {
        return Ok(());
    }
    if found.gid() != gid {
        chown(path, None, Some(gid))?;
    }
    if found.mode() & 0o7777 != mode {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o7777
    }

    #[test]
    fn members_may_read_all_that_belongs_to_the_database() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("osa.sqlite");
        let log = dir.path().join("osa.sqlite-wal");
        for path in [&file, &log] {
            std::fs::write(path, "").unwrap();
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
        }
        let group = nix::unistd::Group::from_gid(nix::unistd::getegid()).unwrap().unwrap();
        let_read(&file, Some(dir.path()), &group.name).unwrap();
        assert_eq!((mode(&file), mode(&log), mode(dir.path())), (0o640, 0o640, 0o2750));
        assert_eq!(file.metadata().unwrap().gid(), group.gid.as_raw());
        let error = let_read(&file, None, "no such group").unwrap_err().to_string();
        assert!(error.contains("no group no such group"), "{error}");
    }
}
