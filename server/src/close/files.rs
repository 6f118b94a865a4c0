//! Small files, written whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::CloseError;

/// Writes a file beside its place, to the disk, and puts it there, with these rights; makes its
/// directory if it is missing. What is being written has always the same name, so that what an
/// interrupted attempt has left is replaced by the next.
///
/// # Errors
/// It cannot be written; what was in its place is still there.
pub(super) fn write(file: &Path, content: &[u8], mode: u32) -> Result<(), CloseError> {
    let directory = file.parent().unwrap_or(Path::new("."));
    make_directory(directory)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = directory.join(format!(".{name}.osa-part"));
    let write = || -> std::io::Result<()> {
        let mut part = File::create(&beside)?;
        part.write_all(content)?;
        part.set_permissions(fs::Permissions::from_mode(mode))?;
        part.sync_all()?;
        fs::rename(&beside, file)?;
        File::open(directory)?.sync_all()
    };
    let written = write();
    if written.is_err() {
        // The disk may be full: what was written of it must not stay.
        let _ = fs::remove_file(&beside);
    }
    written.map_err(CloseError::file("write", file))
}

/// Makes a directory with those above it.
///
/// # Errors
/// It cannot be made.
pub(super) fn make_directory(directory: &Path) -> Result<(), CloseError> {
    fs::create_dir_all(directory).map_err(CloseError::file("make the directory", directory))
}

/// Makes a file that holds nothing, if it is missing.
///
/// # Errors
/// It cannot be made.
pub(super) fn touch(file: &Path) -> Result<(), CloseError> {
    let made = File::options().append(true).create(true).open(file);
    made.and_then(|made| made.sync_all()).map_err(CloseError::file("write", file))
}

/// Makes a link, or leads one elsewhere, without a moment in which there is none.
///
/// # Errors
/// It cannot be made.
pub(super) fn link(link: &Path, target: &Path) -> Result<(), CloseError> {
    if fs::read_link(link).is_ok_and(|found| found == target) {
        return Ok(());
    }
    let directory = link.parent().unwrap_or(Path::new("."));
    make_directory(directory)?;
    let name = link.file_name().unwrap_or_default().to_string_lossy();
    let beside = directory.join(format!(".{name}.osa-link"));
    let made = || -> std::io::Result<()> {
        match fs::remove_file(&beside) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
        std::os::unix::fs::symlink(target, &beside)?;
        fs::rename(&beside, link)?;
        File::open(directory)?.sync_all()
    };
    made().map_err(CloseError::file("make the link", link))
}
