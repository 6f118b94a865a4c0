//! Looking for known errors in the ends of logs: only in those of what failed, each once while it
//! stays as it is, and never more than a bounded piece.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::input_file;
use crate::internal::lock;

use super::known::{KnownError, matches};

/// A log up to this size is read whole, so that lines can be numbered.
const WHOLE: u64 = 2 << 20;
/// Of a longer one, this much of its end.
const TAIL: u64 = 256 << 10;
/// Longest piece of a line that is kept.
const LINE: usize = 400;

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1; `None` in a log that was not read whole.
    pub number: Option<u64>,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Its text, shortened.
    pub text: String,
}

/// What a log says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// For each known error with a pattern that was found, its place in the list and the last such
    /// line.
    pub known: Vec<(usize, Line)>,
    /// The last line that is not empty.
    pub last: Option<Line>,
}

type Stamp = (u64, i64, i64);

/// What was found in logs before.
#[derive(Debug, Default)]
pub struct LogCache {
    found: Mutex<HashMap<PathBuf, (Stamp, Findings)>>,
}

/// More than any night has failed subruns; beyond it the memory is cleared.
const LARGEST: usize = 50_000;

impl LogCache {
    /// Forgets everything: the known errors are others now.
    pub fn clear(&self) {
        lock(&self.found).clear();
    }

    /// What the log says; `None` if it is not there or cannot be read. Blocks.
    pub fn findings(&self, file: &Path, errors: &[KnownError]) -> Option<Findings> {
        let mut log = input_file::open(file).ok()?;
        let metadata = log.metadata().ok()?;
        let stamp = (metadata.len(), metadata.mtime(), metadata.mtime_nsec());
        {
            let found = lock(&self.found);
            if let Some((_, known)) = found.get(file).filter(|(then, _)| *then == stamp) {
                return Some(known.clone());
            }
        }
        let findings = search(&mut log, metadata.len(), errors).ok()?;
        let mut found = lock(&self.found);
        if found.len() >= LARGEST {
            found.clear();
        }
        found.insert(file.to_owned(), (stamp, findings.clone()));
        Some(findings)
    }
}

fn search(log: &mut File, size: u64, errors: &[KnownError]) -> io::Result<Findings> {
    let whole = size <= WHOLE;
    let begin = if whole { 0 } else { size - TAIL };
    log.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    log.take(WHOLE).read_to_end(&mut bytes)?;
    let mut findings = Findings::default();
    let mut offset = begin;
    for (number, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        let at = || Line {
            number: whole.then_some(number),
            offset,
            text: text.chars().take(LINE).collect(),
        };
        for (index, error) in errors.iter().enumerate() {
            if error.pattern.as_ref().is_some_and(|pattern| matches(pattern, text)) {
                findings.known.retain(|(known, _)| *known != index);
                findings.known.push((index, at()));
            }
        }
        if !text.trim().is_empty() {
            findings.last = Some(at());
        }
        offset += line.len() as u64;
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::super::known::load;
    use super::*;

    const SIGN: &str = "OSError: error message = 'Resource temporarily unavailable'";

    #[test]
    fn the_last_line_with_a_sign_is_reported_by_its_number() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.err");
        std::fs::write(&file, format!("{SIGN}\nTraceback:\n{SIGN}\nbye\n\n")).unwrap();
        let (errors, cache) = (load(None).unwrap(), LogCache::default());
        let found = cache.findings(&file, &errors).unwrap();
        let [(index, line)] = &found.known[..] else { panic!("{found:?}") };
        assert_eq!(errors[*index].name.get_ref(), "locking");
        let offset = (SIGN.len() + 1 + 11) as u64;
        assert_eq!((line.number, line.offset, line.text.as_str()), (Some(3), offset, SIGN));
        assert_eq!(found.last.unwrap().text, "bye");
        std::fs::write(&file, "all is well\n").unwrap();
        assert_eq!(cache.findings(&file, &errors).unwrap().known, [], "it is read again");
        assert_eq!(cache.findings(&dir.path().join("none"), &errors), None);
        assert_eq!(cache.findings(dir.path(), &errors), None);
    }

    #[test]
    fn of_a_huge_log_only_the_end_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.err");
        let mut text = format!("{SIGN}\n{}", "x".repeat(99) + "\n").repeat(1);
        text += &("y".repeat(99) + "\n").repeat(30_000);
        text += "No space left on device\n";
        std::fs::write(&file, &text).unwrap();
        let found = LogCache::default().findings(&file, &load(None).unwrap()).unwrap();
        let [(_, line)] = &found.known[..] else { panic!("{found:?}") };
        assert_eq!(line.number, None);
        assert_eq!(line.offset, (text.len() - 24) as u64);
    }
}
