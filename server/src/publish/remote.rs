//! Copying to another machine: one ssh connection, over which a small script there is told what
//! there is, says what it wants, and gets it as one tar stream. It unpacks beside and renames, so
//! that a connection that breaks leaves no half file.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;

use crate::internal::{Cause, context};
use crate::model::{CopyState, PublishFile};

use super::{PublishError, tar};

/// What runs on the other machine, `$root` being set before it.
const RECEIVE: &str = include_str!("receive.sh");

/// What the script says first.
const BEGIN: &[u8] = b"osa-publish: begin";

/// The longest greeting of a shell that is skipped [bytes].
const GREETING: usize = 1 << 20;

/// Copies what is not the same there.
pub(super) fn copy(
    host: &str,
    root: &str,
    files: &mut [PublishFile],
    search_path: &OsString,
) -> Result<(), PublishError> {
    let broken = |problem: Cause| PublishError::Remote { host: host.to_owned(), problem };
    let files = readable(files);
    let script = format!("root={}\n{RECEIVE}", quoted(root));
    // The script comes over the connection, exactly as long as it is: the command itself has
    // nothing that any shell reads in another way.
    let command =
        format!("exec /bin/sh -c 'eval \"$(dd bs=1 count={} 2>/dev/null)\"'", script.len());
    let mut child = Command::new(program(search_path))
        .args(["-o", "BatchMode=yes", "--", host, &command])
        .env("PATH", search_path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|cause| broken(context("cannot start ssh", cause)))?;
    let said = collect(&mut child);
    let talked = talk(&mut child, script, files);
    let status = child.wait().map_err(|cause| broken(cause.into()))?;
    let said = said.join().unwrap_or_default();
    if status.success() {
        return talked.map_err(|cause| broken(cause.into()));
    }
    let words = said.trim();
    Err(broken(match (words.is_empty(), talked) {
        (false, _) => words.into(),
        (true, Err(cause)) => context(format!("ssh ended with {status}"), cause),
        (true, Ok(())) => format!("ssh ended with {status}").into(),
    }))
}

/// The files that can be sent; why the others cannot is written down.
fn readable(files: &mut [PublishFile]) -> Vec<&mut PublishFile> {
    let mut readable = Vec::new();
    for file in files {
        match crate::input_file::open_no_link(file.source.as_ref()) {
            Ok(_) if file.bytes <= tar::LARGEST => readable.push(file),
            Ok(_) => file.error = Some("it is larger than 8 GiB".to_owned()),
            Err(cause) => file.error = Some(cause.to_string()),
        }
    }
    readable
}

/// ssh in the path that children get.
fn program(search_path: &OsStr) -> OsString {
    let found = std::env::split_paths(search_path).map(|dir| dir.join("ssh"));
    found.into_iter().find(|file| file.is_file()).map_or("ssh".into(), Into::into)
}

/// A text as one word of the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// What is said on standard error, at most a page of it.
fn collect(child: &mut Child) -> thread::JoinHandle<String> {
    let stderr = child.stderr.take();
    thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut stderr) = stderr {
            let _ = stderr.by_ref().take(4000).read_to_end(&mut text);
            let _ = io::copy(&mut stderr, &mut io::sink());
        }
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// The whole conversation.
fn talk(child: &mut Child, script: String, mut files: Vec<&mut PublishFile>) -> io::Result<()> {
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("ssh has no standard input and output"));
    };
    let mut list = format!("{script}{}\n", files.len());
    for file in &files {
        let _ = writeln!(list, "{} {} {}", file.bytes, file.modified, file.destination);
    }
    // Both sides may have more to say than a pipe holds.
    let writer = thread::spawn(move || -> io::Result<ChildStdin> {
        stdin.write_all(list.as_bytes())?;
        stdin.flush()?;
        Ok(stdin)
    });
    let mut answers = BufReader::new(stdout);
    skip_greeting(&mut answers)?;
    let mut answers = answers.lines();
    let wanted = wanted(&mut answers, &mut files)?;
    let stdin = writer.join().map_err(|_| io::Error::other("the writer broke off"))??;
    if wanted.is_empty() {
        return Ok(());
    }
    let parcel = |at: &usize| files.get(*at).map(|file| (*at, PublishFile::clone(file)));
    let parcels: Vec<(usize, PublishFile)> = wanted.iter().filter_map(parcel).collect();
    let sender = thread::spawn(move || send(stdin, &parcels));
    for answer in answers {
        let answer = answer?;
        let (word, at) = understood(&answer)?;
        match files.get_mut(at).filter(|_| word == "done") {
            Some(file) => file.state = CopyState::Copied,
            None => return Err(unexpected(&answer)),
        }
    }
    sender.join().map_err(|_| io::Error::other("the sender broke off"))??;
    match wanted.iter().find(|at| files.get(**at).is_some_and(|f| f.state != CopyState::Copied)) {
        None => Ok(()),
        Some(_) => Err(io::Error::other("the other machine did not confirm every file")),
    }
}

/// Skips what the shell of the other machine prints before it runs the script: a banner, the output of
/// its startup files.
fn skip_greeting(answers: &mut impl BufRead) -> io::Result<()> {
    let mut said = 0;
    while said <= GREETING {
        let mut line = Vec::new();
        let rest = (GREETING + BEGIN.len() + 2) as u64;
        said += answers.by_ref().take(rest).read_until(b'\n', &mut line)?;
        match line.trim_ascii_end() {
            [] if line.is_empty() => return Err(ended()),
            line if line == BEGIN => return Ok(()),
            _ => {}
        }
    }
    let problem = "its shell prints without end: see its startup files (.bashrc, .profile)";
    Err(io::Error::other(problem))
}

fn ended() -> io::Error {
    io::Error::other("the connection ended before the other machine was ready")
}

/// Which files the other machine wants.
fn wanted(
    answers: &mut impl Iterator<Item = io::Result<String>>,
    files: &mut [&mut PublishFile],
) -> io::Result<Vec<usize>> {
    let mut wanted = Vec::new();
    for answer in answers {
        let answer = answer?;
        if answer == "ready" {
            return Ok(wanted);
        }
        let (word, at) = understood(&answer)?;
        let file = files.get_mut(at).ok_or_else(|| unexpected(&answer))?;
        match word {
            "same" => file.state = CopyState::Same,
            "want" => {
                file.state = CopyState::New;
                wanted.push(at);
            }
            _ => return Err(unexpected(&answer)),
        }
    }
    Err(ended())
}

/// A word and the place of a file, which is numbered from 1.
fn understood(answer: &str) -> io::Result<(&str, usize)> {
    let (word, number) = answer.split_once(' ').ok_or_else(|| unexpected(answer))?;
    let number: usize = number.parse().map_err(|_| unexpected(answer))?;
    Ok((word, number.checked_sub(1).ok_or_else(|| unexpected(answer))?))
}

fn unexpected(answer: &str) -> io::Error {
    io::Error::other(format!("the other machine said {answer:?}"))
}

/// Sends the files as one tar archive, named by their numbers.
fn send(stdin: ChildStdin, parcels: &[(usize, PublishFile)]) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, stdin);
    for (at, file) in parcels {
        let mut content = crate::input_file::open_no_link(file.source.as_ref())?;
        let name = (at + 1).to_string();
        tar::write_file(&mut out, &name, (file.bytes, file.modified), &mut content)?;
    }
    tar::end(&mut out)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_skipped_whatever_it_is() {
        for greeting in [&b""[..], b"Welcome\n", b"no end of line", b"\xff\n\nready\nwant 1\n"] {
            let said = [greeting, b"\nosa-publish: begin\nwant 1\nready\n"].concat();
            let mut answers = &said[..];
            skip_greeting(&mut answers).unwrap();
            assert_eq!(answers, b"want 1\nready\n", "{greeting:?}");
        }
        let error = |said: &[u8]| skip_greeting(&mut &said[..]).unwrap_err().to_string();
        assert!(error(b"Welcome\n").contains("the connection ended"));
        assert!(error(&b"y\n".repeat(GREETING)).contains("prints without end"));
        assert!(error(&vec![b'y'; 4 * GREETING]).contains("prints without end"));
    }
}
