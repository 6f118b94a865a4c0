//! Opening and reading files that others have made. What is in their place may be a named pipe that
//! nobody writes to, a device without an end, or a file far too large: none of them may keep us waiting,
//! or fill the memory.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};
use nix::unistd::{AccessFlags, faccessat};

/// The most that is read of a table, configuration, script or note [bytes]; real ones have some
/// hundred thousand at most.
pub const TEXT_LIMIT: u64 = 16 << 20;

/// The most that is read of a subrun's history [bytes]; a line has about a hundred.
pub const HISTORY_LIMIT: u64 = 4 << 20;

/// The deepest nesting in TOML; our own files have three.
const DEEPEST: usize = 50;

/// Opens a regular file, or a link to one, for reading.
///
/// # Errors
/// Anything else is an error of kind [`ErrorKind::InvalidInput`] that says what it is.
pub fn open(file: &Path) -> io::Result<File> {
    opened(file, OFlag::empty())
}

/// As [`open`], but a symbolic link is an error too.
pub fn open_no_link(file: &Path) -> io::Result<File> {
    if file.symlink_metadata()?.is_symlink() {
        return Err(refused("it is a symbolic link, which is not followed"));
    }
    // The link may have come since.
    opened(file, OFlag::O_NOFOLLOW)
}

/// Whether this account may read a file. A product that it may not read is no product to it: no stage
/// could go on with it.
pub fn is_readable(file: &Path) -> bool {
    faccessat(AT_FDCWD, file, AccessFlags::R_OK, AtFlags::AT_EACCESS).is_ok()
}

/// The content of a regular file.
///
/// # Errors
/// As [`open`]; and one of kind [`ErrorKind::FileTooLarge`] if it has more than `limit` bytes.
pub fn read(file: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read_opened(open(file)?, limit)
}

/// The content of a file that was opened, as [`read`].
pub fn read_opened(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let known = file.metadata()?.len();
    let mut bytes = Vec::new();
    if known <= limit {
        file.take(limit + 1).read_to_end(&mut bytes)?;
    }
    // It may have grown since, and a file of /proc has a length of zero.
    let size = known.max(bytes.len() as u64);
    if size > limit {
        let problem = format!("it has {size} bytes, more than the {limit} that are read");
        return Err(io::Error::new(ErrorKind::FileTooLarge, problem));
    }
    Ok(bytes)
}

/// The text of a regular file of at most [`TEXT_LIMIT`] bytes.
///
/// # Errors
/// As [`read`]; and one of kind [`ErrorKind::InvalidData`] if it is not UTF-8.
pub fn read_text(file: &Path) -> io::Result<String> {
    let bytes = read(file, TEXT_LIMIT)?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

/// The text of a regular file in TOML, as [`read_text`].
///
/// # Errors
/// As [`read_text`]; and one of kind [`ErrorKind::InvalidData`] that names the line if tables and arrays are
/// nested so deep that the parser would run out of stack, as it does where no brace is ever closed.
pub fn read_toml(file: &Path) -> io::Result<String> {
    let text = read_text(file)?;
    let mut depth = 0_usize;
    for (line, content) in text.lines().enumerate() {
        // Some may be in strings; so many are not.
        for byte in content.bytes() {
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > DEEPEST {
                let problem = format!(
                    "line {}: more than {DEEPEST} braces and brackets are open; close them where they belong",
                    line + 1
                );
                return Err(io::Error::new(ErrorKind::InvalidData, problem));
            }
        }
    }
    Ok(text)
}

fn opened(file: &Path, flags: OFlag) -> io::Result<File> {
    // Opening a named pipe must not wait for somebody who writes to it.
    let flags = flags | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits()).open(file)?;
    let kind = opened.metadata()?.file_type();
    match kind.is_file() {
        true => Ok(opened),
        false if kind.is_dir() => Err(refused("it is a directory, not a regular file")),
        false if kind.is_fifo() => Err(refused("it is a named pipe, not a regular file")),
        false if kind.is_char_device() || kind.is_block_device() => {
            Err(refused("it is a device, not a regular file"))
        }
        false => Err(refused("it is not a regular file")),
    }
}

fn refused(problem: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, problem)
}

#[cfg(test)]
mod tests {
    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::*;

    fn problem<T: std::fmt::Debug>(result: io::Result<T>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn what_is_not_a_regular_file_is_named_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = &dir.path().join("pipe");
        mkfifo(pipe, Mode::S_IRWXU).unwrap();
        assert_eq!(problem(open(pipe)), "it is a named pipe, not a regular file");
        assert_eq!(problem(read(pipe, 10)), "it is a named pipe, not a regular file");
        let device = Path::new("/dev/zero");
        assert_eq!(problem(read_text(device)), "it is a device, not a regular file");
        for path in [pipe, dir.path(), device] {
            assert_eq!(problem(open_no_link(path)), problem(open(path)));
        }
        assert_eq!(problem(open(dir.path())), "it is a directory, not a regular file");
        let nothing = open(&dir.path().join("missing")).unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::NotFound);
    }

    #[test]
    fn links_are_followed_only_where_that_is_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        std::fs::write(&file, "text").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(read_text(&link).unwrap(), "text");
        assert!(open_no_link(&file).is_ok());
        assert_eq!(problem(open_no_link(&link)), "it is a symbolic link, which is not followed");
    }

    #[test]
    fn a_file_over_the_limit_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "12345").unwrap();
        assert_eq!(read(&file, 5).unwrap(), b"12345");
        assert_eq!(problem(read(&file, 4)), "it has 5 bytes, more than the 4 that are read");
        // Nothing is allocated for a file of this size.
        File::create(&file).unwrap().set_len(1 << 40).unwrap();
        assert!(problem(read(&file, 4)).starts_with("it has 1099511627776 bytes"));
    }

    #[test]
    fn toml_in_which_no_brace_is_closed_is_refused_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("settings.toml");
        for (text, line) in [("a = {b = {c = 1}\n".repeat(2000), 50), ("[".repeat(1 << 20), 1)] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(
                problem(read_toml(&file)),
                format!(
                    "line {line}: more than 50 braces and brackets are open; close them where they belong"
                )
            );
        }
        std::fs::write(&file, "[[rule]]\nwarn = { min = 1 }\n".repeat(100)).unwrap();
        assert!(read_toml(&file).is_ok());
    }

    #[test]
    fn a_file_without_a_length_is_read() {
        assert!(!read(Path::new("/proc/self/stat"), TEXT_LIMIT).unwrap().is_empty());
    }
}
