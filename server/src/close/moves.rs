//! Moving files so that none can be lost: nothing is ever overwritten, a link takes a file's place
//! in one step, and a file leaves its place only when the whole of it is in the other one. Every
//! function may be cut short at any moment and be called again.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{RenameFlags, renameat2};
use nix::unistd::{UnlinkatFlags, symlinkat, unlinkat};
use sha2::{Digest, Sha256};

use crate::hint::Hint;
use crate::model::{FileStep, MoveGroup};

use super::fault;

/// Why a file was not moved; it is in its old place then.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// Something about a file or directory failed.
    #[error("cannot {doing} {}: {cause}", file.display())]
    File {
        /// What was tried: a verb.
        doing: &'static str,
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// A different file is there already.
    #[error("{} is there already, and is not the same as {}", there.display(), file.display())]
    Occupied {
        /// The file that was to be moved.
        file: PathBuf,
        /// What is there.
        there: PathBuf,
    },
    /// A copy is not what was copied.
    #[error("the copy {} differs from {}, which stays where it is", copy.display(), file.display())]
    Differs {
        /// The file that was to be moved.
        file: PathBuf,
        /// The copy, which was removed.
        copy: PathBuf,
    },
}

impl Hint for MoveError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::File { cause, .. } => return cause.hint(),
            Self::Occupied { file, there } => format!(
                "compare {} with {}, remove the one that is wrong, and close again",
                there.display(),
                file.display()
            ),
            Self::Differs { .. } => "check the disk that was copied to, and close again".to_owned(),
        })
    }
}

impl MoveError {
    pub(super) fn file(doing: &'static str, file: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let file = file.to_owned();
        move |cause| Self::File { doing, file, cause }
    }
}

/// Moves the files of a group and leaves the links behind. Returns how many files were moved.
///
/// What it did is on the disk for good only after [`settle`].
///
/// # Errors
/// The first file that cannot be moved: those before it are, those after it are not.
pub fn move_group(group: &MoveGroup) -> Result<usize, MoveError> {
    let target = Place::make(&group.to)?;
    let source = Place::open(&group.from)?;
    let links: Result<Vec<Place>, _> = group.links.iter().map(|dir| Place::open(dir)).collect();
    let links = links?;
    let mut moved = 0;
    for file in &group.files {
        let name = Path::new(&file.name);
        if file.step != FileStep::Link {
            move_file(&source, &target, name)?;
            moved += 1;
            fault::point("moved a file");
        }
        let final_path = target.path.join(name);
        for link in &links {
            leave_link(link, name, &final_path)?;
            fault::point("left a link");
        }
    }
    Ok(moved)
}

/// Makes what was done in these directories last: entries are written to the disk.
///
/// # Errors
/// A directory cannot be written.
pub fn settle<'a>(directories: impl IntoIterator<Item = &'a Path>) -> Result<(), MoveError> {
    for directory in directories {
        let synced = File::open(directory).and_then(|file| file.sync_all());
        match synced {
            Err(cause) if cause.kind() == ErrorKind::NotFound => {}
            synced => synced.map_err(MoveError::file("write the directory", directory))?,
        }
    }
    Ok(())
}

/// A directory that is open: names are looked up in it without walking its path again.
struct Place {
    path: PathBuf,
    file: File,
}

impl Place {
    fn open(path: &str) -> Result<Self, MoveError> {
        let path = PathBuf::from(path);
        let file = File::open(&path).map_err(MoveError::file("open the directory", &path))?;
        Ok(Self { path, file })
    }

    fn make(path: &str) -> Result<Self, MoveError> {
        let directory = Path::new(path);
        std::fs::create_dir_all(directory)
            .map_err(MoveError::file("make the directory", directory))?;
        Self::open(path)
    }

    fn sync(&self) -> Result<(), MoveError> {
        self.file.sync_all().map_err(MoveError::file("write the directory", &self.path))
    }
}

fn move_file(source: &Place, target: &Place, name: &Path) -> Result<(), MoveError> {
    let (from, to) = (source.path.join(name), target.path.join(name));
    match rename_new(source, name, target, name) {
        Ok(()) => Ok(()),
        Err(Errno::EXDEV) => copy_across(&from, &to, target, name)
            .and_then(|()| remove(source, name))
            .and_then(|()| source.sync()),
        // It is there: an earlier attempt has copied or moved it, or it is another file.
        Err(Errno::EEXIST) if same_content(&from, &to)? => {
            target.sync()?;
            remove(source, name)
        }
        Err(Errno::EEXIST) => Err(MoveError::Occupied { file: from, there: to }),
        Err(Errno::ENOENT) if to.symlink_metadata().is_ok_and(|found| found.is_file()) => Ok(()),
        Err(cause) => Err(MoveError::file("move", &from)(cause.into())),
    }
}

/// Renames, never over something that is there.
fn rename_new(from: &Place, old: &Path, to: &Place, new: &Path) -> Result<(), Errno> {
    if fault::exdev() && from.path != to.path {
        return match to.path.join(new).symlink_metadata() {
            Ok(_) => Err(Errno::EEXIST),
            Err(_) => Err(Errno::EXDEV),
        };
    }
    match renameat2(&from.file, old, &to.file, new, RenameFlags::RENAME_NOREPLACE) {
        // A file system that cannot promise it: only closers write there, and one at a time.
        Err(Errno::EINVAL | Errno::ENOSYS) => {
            if to.path.join(new).symlink_metadata().is_ok() {
                return Err(Errno::EEXIST);
            }
            renameat2(&from.file, old, &to.file, new, RenameFlags::empty())
        }
        renamed => renamed,
    }
}

fn remove(place: &Place, name: &Path) -> Result<(), MoveError> {
    match unlinkat(&place.file, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(cause) => Err(MoveError::file("remove", &place.path.join(name))(cause.into())),
    }
}

/// A link of this name that leads to `target`, in place of whatever file or link is there.
fn leave_link(place: &Place, name: &Path, target: &Path) -> Result<(), MoveError> {
    let wrong =
        |cause: Errno| MoveError::file("make the link", &place.path.join(name))(cause.into());
    match symlinkat(target, &place.file, name) {
        Ok(()) => return Ok(()),
        Err(Errno::EEXIST) => {}
        Err(cause) => return Err(wrong(cause)),
    }
    let there = place.path.join(name);
    if std::fs::read_link(&there).is_ok_and(|found| found == target) {
        return Ok(());
    }
    let beside = beside(name, "link");
    remove(place, &beside)?;
    symlinkat(target, &place.file, &beside).map_err(wrong)?;
    fault::point("made a link beside");
    renameat2(&place.file, &beside, &place.file, name, RenameFlags::empty()).map_err(wrong)
}

/// The name of what is being made for a file, in its directory: always the same one, so that what
/// an interrupted attempt has left is replaced by the next.
fn beside(name: &Path, what: &str) -> PathBuf {
    PathBuf::from(format!(".{}.osa-{what}", name.display()))
}

/// Copies to another file system: beside the destination, to the disk, compared, put in place.
fn copy_across(from: &Path, to: &Path, target: &Place, name: &Path) -> Result<(), MoveError> {
    let part = beside(name, "part");
    let copy = target.path.join(&part);
    let copied = copy_and_compare(from, &copy);
    if !matches!(copied, Ok(true)) {
        // The disk may be full: what was written of the copy must not stay.
        let _ = std::fs::remove_file(&copy);
    }
    if !copied? {
        return Err(MoveError::Differs { file: from.to_owned(), copy });
    }
    fault::point("copied a file");
    match rename_new(target, &part, target, name) {
        Ok(()) => {}
        Err(cause) => {
            let _ = std::fs::remove_file(&copy);
            return Err(MoveError::file("put in place", to)(cause.into()));
        }
    }
    target.sync()?;
    fault::point("put a copy in place");
    Ok(())
}

/// Writes a copy to the disk and reads it back; `false` if it is not the same.
fn copy_and_compare(from: &Path, copy: &Path) -> Result<bool, MoveError> {
    let read = MoveError::file("read", from);
    let mut source = crate::input_file::open(from).map_err(MoveError::file("open", from))?;
    let found = source.metadata().map_err(read)?;
    let mut target = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(copy)
        .map_err(MoveError::file("make", copy))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let count = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(cause) if cause.kind() == ErrorKind::Interrupted => continue,
            Err(cause) => return Err(MoveError::file("read", from)(cause)),
        };
        let piece = buffer.get(..count).unwrap_or_default();
        hash.update(piece);
        target.write_all(piece).map_err(MoveError::file("write", copy))?;
        bytes += count as u64;
    }
    let write = || MoveError::file("write", copy);
    target.set_permissions(found.permissions()).map_err(write())?;
    if let Ok(modified) = found.modified() {
        target.set_modified(modified).map_err(write())?;
    }
    target.sync_all().map_err(write())?;
    drop(target);
    let (size, back) = digest(copy)?;
    Ok(size == bytes && size == found.len() && back == hash.finalize().as_slice())
}

/// Size and SHA-256 of a file.
fn digest(file: &Path) -> Result<(u64, Vec<u8>), MoveError> {
    let mut source = crate::input_file::open(file).map_err(MoveError::file("open", file))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut size = 0;
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok((size, hash.finalize().to_vec())),
            Ok(count) => {
                hash.update(buffer.get(..count).unwrap_or_default());
                size += count as u64;
            }
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            Err(cause) => return Err(MoveError::file("read", file)(cause)),
        }
    }
}

/// The SHA-256 of a file as hexadecimal digits, and its size.
///
/// # Errors
/// It cannot be read.
pub fn checksum(file: &Path) -> Result<(u64, String), MoveError> {
    use std::fmt::Write as _;
    let (size, hash) = digest(file)?;
    let mut text = String::with_capacity(2 * hash.len());
    for byte in hash {
        let _ = write!(text, "{byte:02x}");
    }
    Ok((size, text))
}

/// Whether two plain files hold the same bytes.
///
/// # Errors
/// One of them cannot be read.
pub fn same_content(one: &Path, other: &Path) -> Result<bool, MoveError> {
    let metadata = |file: &Path| file.symlink_metadata().map_err(MoveError::file("look at", file));
    let (a, b) = (metadata(one)?, metadata(other)?);
    if !a.is_file() || !b.is_file() || a.len() != b.len() {
        return Ok(false);
    }
    Ok(digest(one)?.1 == digest(other)?.1)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::model::{Level, PlannedFile, RunId};

    struct Site {
        dir: tempfile::TempDir,
    }

    const NAME: &str = "dl1_LST-1.Run19102.0000.h5";

    impl Site {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir_all(dir.path().join("run/tailcut84")).unwrap();
            let site = Self { dir };
            fs::write(site.at("run").join(NAME), "dl1a").unwrap();
            fs::write(site.at("run/tailcut84").join(NAME), "dl1b").unwrap();
            site
        }

        fn at(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        fn group(&self) -> MoveGroup {
            let text = |name: &str| self.at(name).display().to_string();
            MoveGroup {
                run: RunId(19102),
                level: Level::Dl1ab,
                from: text("run/tailcut84"),
                to: text("final"),
                links: vec![text("run/tailcut84"), text("run")],
                files: vec![PlannedFile { name: NAME.into(), bytes: 4, step: FileStep::Move }],
            }
        }

        fn assert_moved(&self) {
            let place = self.at("final").join(NAME);
            assert_eq!(fs::read_to_string(&place).unwrap(), "dl1b");
            for link in ["run", "run/tailcut84"] {
                assert_eq!(fs::read_link(self.at(link).join(NAME)).unwrap(), place, "{link}");
                let names: Vec<_> = fs::read_dir(self.at(link)).unwrap().flatten().collect();
                let hidden =
                    names.iter().filter(|e| e.file_name().to_string_lossy().starts_with('.'));
                assert_eq!(hidden.count(), 0);
            }
            assert_eq!(fs::read_dir(self.at("final")).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_file_is_moved_and_links_take_its_place_and_the_dl1a_files() {
        let site = Site::new();
        assert_eq!(move_group(&site.group()).unwrap(), 1);
        site.assert_moved();
        move_group(&site.group()).unwrap_err(); // the source is a link now: the plan would say Link
        let mut again = site.group();
        again.files[0].step = FileStep::Link;
        assert_eq!(move_group(&again).unwrap(), 0);
        site.assert_moved();
    }

    #[test]
    fn a_different_file_is_never_overwritten() {
        let site = Site::new();
        fs::create_dir(site.at("final")).unwrap();
        fs::write(site.at("final").join(NAME), "old!").unwrap();
        let error = move_group(&site.group()).unwrap_err();
        assert!(matches!(error, MoveError::Occupied { .. }), "{error}");
        assert_eq!(fs::read_to_string(site.at("final").join(NAME)).unwrap(), "old!");
        assert_eq!(fs::read_to_string(site.at("run/tailcut84").join(NAME)).unwrap(), "dl1b");
        assert_eq!(fs::read_to_string(site.at("run").join(NAME)).unwrap(), "dl1a");
    }

    #[test]
    fn what_an_interrupted_move_left_is_cleared_away() {
        let site = Site::new();
        fs::create_dir(site.at("final")).unwrap();
        fs::write(site.at("final").join(NAME), "dl1b").unwrap();
        std::os::unix::fs::symlink("nowhere", site.at("run").join(format!(".{NAME}.osa-link")))
            .unwrap();
        move_group(&site.group()).unwrap();
        site.assert_moved();
    }

    #[test]
    fn a_copy_is_compared_and_keeps_time_and_rights() {
        let site = Site::new();
        let from = site.at("run").join(NAME);
        let copy = site.at("copy");
        fs::write(&copy, "a longer one, left by an interrupted attempt").unwrap();
        assert!(copy_and_compare(&from, &copy).unwrap());
        assert_eq!(fs::read_to_string(&copy).unwrap(), "dl1a");
        let modified = |file: &Path| file.metadata().unwrap().modified().unwrap();
        assert_eq!(modified(&copy), modified(&from));
        assert!(same_content(&from, &copy).unwrap());
        fs::write(&copy, "dl1b").unwrap();
        assert!(!same_content(&from, &copy).unwrap());
    }

    #[test]
    fn a_checksum_is_the_usual_one() {
        let site = Site::new();
        fs::write(site.at("abc"), "abc").unwrap();
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(checksum(&site.at("abc")).unwrap(), (3, expected.to_owned()));
    }
}
