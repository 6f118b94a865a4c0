//! One write at the end of a file that many write.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// A writer holds the lock for one write. One that holds it this long is stopped or lost.
const PATIENCE: Duration = Duration::from_secs(30);
/// Who finds the lock taken waits twice as long each time, from this on, up to the other: many
/// tasks waiting at once must not keep a shared file system busy.
const FIRST_WAIT: Duration = Duration::from_millis(1);
const LAST_WAIT: Duration = Duration::from_millis(64);

/// Appends `text`, which is whole lines, in one write. Begins with a line end where another writer
/// was killed within a line.
pub(super) fn append(log: &Path, text: &[u8]) -> io::Result<()> {
    let file = OpenOptions::new().read(true).append(true).create(true).open(log)?;
    match lock(file)? {
        Locked::Yes(mut file) => write(&mut file, text),
        Locked::No(mut file) => write(&mut file, text),
    }
}

fn write(file: &mut File, text: &[u8]) -> io::Result<()> {
    if ends_within_line(file)? {
        file.write_all(&[b"\n", text].concat())
    } else {
        file.write_all(text)
    }
}

enum Locked {
    Yes(Flock<File>),
    /// The file system knows no locks, or somebody does not let go.
    No(File),
}

fn lock(mut file: File) -> io::Result<Locked> {
    let begun = Instant::now();
    let mut wait = FIRST_WAIT;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(locked) => return Ok(Locked::Yes(locked)),
            Err((back, Errno::EWOULDBLOCK | Errno::EINTR)) if begun.elapsed() < PATIENCE => {
                file = back;
                sleep(wait);
                wait = LAST_WAIT.min(wait * 2);
            }
            Err((back, Errno::EWOULDBLOCK | Errno::ENOLCK | Errno::EOPNOTSUPP | Errno::ENOSYS)) => {
                return Ok(Locked::No(back));
            }
            Err((_, errno)) => return Err(errno.into()),
        }
    }
}

fn ends_within_line(file: &File) -> io::Result<bool> {
    let Some(last) = file.metadata()?.len().checked_sub(1) else { return Ok(false) };
    let mut byte = [0];
    Ok(file.read_at(&mut byte, last)? == 1 && byte != *b"\n")
}
