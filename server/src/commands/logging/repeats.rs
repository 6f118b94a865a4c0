//! Log lines that repeat themselves: of the same line only so many are written in a while, and then how
//! often it came. A disk that fails or a client that misbehaves must not fill the log.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

use crate::internal::lock;

/// Within this time the same line is written [`MOST`] times.
const WINDOW: Duration = Duration::from_secs(60);
const MOST: u32 = 5;
/// So many different lines are remembered.
const REMEMBERED: usize = 1000;
/// Records of requests: no two of them are the same to whoever counts them.
const REQUESTS: &str = "osa::access";

/// Standard error, or another place for log lines, without endless repetitions.
#[derive(Debug)]
pub struct Unrepeated<W> {
    to: W,
    seen: Arc<Mutex<HashMap<u64, Repeats>>>,
}

#[derive(Debug)]
struct Repeats {
    since: Instant,
    written: u32,
    left_out: u32,
    /// The last line that was left out.
    line: Vec<u8>,
}

impl<W> Unrepeated<W> {
    /// Writes to what `to` makes.
    pub fn new(to: W) -> Self {
        Self { to, seen: Arc::default() }
    }
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Unrepeated<W> {
    type Writer = Line<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { to: self.to.make_writer(), seen: Some(Arc::clone(&self.seen)) }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Self::Writer {
        let seen = (metadata.target() != REQUESTS).then(|| Arc::clone(&self.seen));
        Line { to: self.to.make_writer_for(metadata), seen }
    }
}

/// Takes one log line.
#[derive(Debug)]
pub struct Line<W> {
    to: W,
    seen: Option<Arc<Mutex<HashMap<u64, Repeats>>>>,
}

impl<W: Write> Write for Line<W> {
    /// A record is written as a whole, in one call.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let lines = match &self.seen {
            Some(seen) => {
                let mut seen = lock(seen);
                due(&mut seen, line, Instant::now())
            }
            None => vec![line.to_vec()],
        };
        for line in lines {
            self.to.write_all(&line)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// What is to be written now that a line comes: what was left out before its time was over, and the line
/// itself unless it came too often.
fn due(seen: &mut HashMap<u64, Repeats>, line: &[u8], now: Instant) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    seen.retain(|_, seen| {
        let over = now.duration_since(seen.since) >= WINDOW;
        if over && seen.left_out > 0 {
            lines.push(repeated(&seen.line, seen.left_out));
        }
        !over
    });
    let mut hasher = DefaultHasher::new();
    without_time(line).hash(&mut hasher);
    let key = hasher.finish();
    if !seen.contains_key(&key) && seen.len() >= REMEMBERED {
        lines.push(line.to_vec());
        return lines;
    }
    let fresh = || Repeats { since: now, written: 0, left_out: 0, line: Vec::new() };
    let seen = seen.entry(key).or_insert_with(fresh);
    if seen.written < MOST {
        seen.written += 1;
        lines.push(line.to_vec());
    } else {
        seen.left_out += 1;
        seen.line = line.to_vec();
    }
    lines
}

/// A line without the time with which it begins, as text and as JSON.
fn without_time(line: &[u8]) -> &[u8] {
    let end: &[u8] = if line.starts_with(b"{\"timestamp\":") { b"," } else { b" " };
    line.iter().position(|byte| end.contains(byte)).map_or(line, |at| &line[at..])
}

/// A line that says how often it was left out.
fn repeated(line: &[u8], times: u32) -> Vec<u8> {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end();
    let said = match text.strip_suffix('}').filter(|_| text.starts_with('{')) {
        Some(open) => format!("{open},\"left_out\":{times}}}\n"),
        None => format!("{text} (left out {times} times)\n"),
    };
    said.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(seen: &mut HashMap<u64, Repeats>, line: &str, now: Instant) -> Vec<String> {
        let lines = due(seen, line.as_bytes(), now);
        lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect()
    }

    #[test]
    fn the_same_line_is_written_a_few_times_and_then_counted() {
        let (mut seen, begin) = (HashMap::new(), Instant::now());
        let text = |second: u32| format!("2026-01-01T00:00:{second:02}Z  WARN the disk is full\n");
        for second in 0..MOST {
            assert_eq!(written(&mut seen, &text(second), begin), [text(second)]);
        }
        for second in 10..17 {
            assert!(written(&mut seen, &text(second), begin).is_empty());
        }
        let other = "2026-01-01T00:00:20Z  WARN another\n";
        assert_eq!(written(&mut seen, other, begin), [other]);
        let later = begin + WINDOW;
        let counted = "2026-01-01T00:00:16Z  WARN the disk is full (left out 7 times)\n";
        assert_eq!(written(&mut seen, &text(59), later), [counted.to_owned(), text(59)]);
        assert_eq!(seen.len(), 1, "what is over is forgotten");
    }

    #[test]
    fn json_stays_json() {
        let line = r#"{"timestamp":"2026-01-01T00:00:00Z","level":"WARN","message":"full"}"#;
        let said = repeated(format!("{line}\n").as_bytes(), 3);
        let said: serde_json::Value = serde_json::from_slice(&said).unwrap();
        assert_eq!((&said["left_out"], &said["message"]), (&3.into(), &"full".into()));
        assert_eq!(without_time(line.as_bytes()), &line.as_bytes()[35..]);
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let (mut seen, now) = (HashMap::new(), Instant::now());
        for number in 0..2 * REMEMBERED {
            let line = format!("2026-01-01T00:00:00Z line {number}\n");
            assert_eq!(written(&mut seen, &line, now).len(), 1);
        }
        assert_eq!(seen.len(), REMEMBERED);
    }
}
