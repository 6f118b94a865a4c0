//! Copying into a directory of this machine, or one that is mounted.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::model::{CopyState, PublishFile};

use super::PublishError;

/// How a copy that is not whole yet is called: this, host, process, number.
const PARTIAL: &str = ".osa-publish.";

/// Compares the files with their copies, by size and time.
pub(super) fn compare(root: &Path, files: &mut [PublishFile]) {
    for file in files {
        file.state = state(&root.join(&file.destination), file);
    }
}

fn state(copy: &Path, file: &PublishFile) -> CopyState {
    match copy.metadata() {
        Err(_) => CopyState::New,
        Ok(found) if found.len() == file.bytes && found.mtime() == file.modified => CopyState::Same,
        Ok(_) => CopyState::Changed,
    }
}

/// Copies what is not the same.
pub(super) fn copy(root: &Path, files: &mut [PublishFile]) -> Result<(), PublishError> {
    fs::create_dir_all(root)
        .map_err(|cause| PublishError::Directory { directory: root.to_owned(), cause })?;
    let host = nix::unistd::gethostname().unwrap_or_default().to_string_lossy().into_owned();
    for (number, file) in files.iter_mut().enumerate() {
        if file.state == CopyState::Same {
            continue;
        }
        let partial = format!("{PARTIAL}{host}.{}.{number}", std::process::id());
        match copy_one(root, file, &partial, &host) {
            Ok(()) => file.state = CopyState::Copied,
            Err(cause) => file.error = Some(cause.to_string()),
        }
    }
    Ok(())
}

fn copy_one(root: &Path, file: &PublishFile, partial: &str, host: &str) -> io::Result<()> {
    let place = root.join(&file.destination);
    let directory = place.parent().unwrap_or(root);
    fs::create_dir_all(directory)?;
    clear_partial(directory, host);
    let partial = directory.join(partial);
    let copied = copy_whole(file, &partial).and_then(|()| fs::rename(&partial, &place));
    if copied.is_err() {
        let _ = fs::remove_file(&partial);
    }
    copied?;
    File::open(directory)?.sync_all()
}

fn copy_whole(file: &PublishFile, partial: &Path) -> io::Result<()> {
    let mut source = crate::input_file::open_no_link(file.source.as_ref())?;
    let mut copy = File::create(partial)?;
    let bytes = io::copy(&mut source, &mut copy)?;
    if bytes != file.bytes {
        return Err(io::Error::other("it changed while it was copied; copy again"));
    }
    copy.set_permissions(fs::Permissions::from_mode(0o644))?;
    let seconds = Duration::from_secs(u64::try_from(file.modified).unwrap_or(0));
    copy.set_modified(SystemTime::UNIX_EPOCH + seconds)?;
    copy.sync_all()
}

/// Removes what copies that were killed have left, if they were ours and are gone.
fn clear_partial(directory: &Path, host: &str) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| {
            let rest = name.strip_prefix(PARTIAL)?.strip_prefix(host)?.strip_prefix('.')?;
            rest.split('.').next()?.parse::<i32>().ok()
        });
        let gone = |process| {
            let pid = nix::unistd::Pid::from_raw(process);
            nix::sys::signal::kill(pid, None) == Err(nix::errno::Errno::ESRCH)
        };
        if process.is_some_and(gone) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
