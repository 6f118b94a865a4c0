//! Reads `prov.log` once, front to back, and parses nothing that is not asked for.
//!
//! A real night's log has hundreds of megabytes, most of it session records, and thousands of
//! tasks write it at once. So each line is only looked at: where its record begins and ends, and
//! which activity and run it belongs to (its `session_tag`). Whoever wants it parses it.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memmem, memrchr};

/// Stands before and after the time of a record.
const MARK: &[u8] = b"__PROV__";

/// No line may be longer: memory stays bounded whatever the file is.
const MAX_LINE: usize = 8 << 20;

/// Size of the first buffer; it grows for longer lines only.
const BUFFER: usize = 1 << 20;

/// How many bad lines are kept; more are only counted.
const MOST_BAD: usize = 1000;

/// One line that holds a record, not yet parsed.
#[derive(Clone, Copy, Debug)]
pub struct LogLine<'a> {
    /// Line number, from 1.
    pub number: u64,
    /// Where the line begins in the file, in bytes.
    pub offset: u64,
    /// When the record was written, as text.
    pub time: &'a str,
    /// The braces and what is in them.
    pub body: &'a [u8],
    /// Column of the opening brace, from 1, in bytes.
    pub column: usize,
    /// `activity:RUN` or `activity:DRS4-PEDCAL`.
    pub tag: &'a str,
}

/// A line that is not a record, or not a whole one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Line number, from 1.
    pub number: u64,
    /// Column, from 1, in bytes.
    pub column: usize,
    /// What is wrong there.
    pub problem: String,
}

impl std::fmt::Display for BadLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, column {}: {}", self.number, self.column, self.problem)
    }
}

/// What a pass over a log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Lines read, without empty ones.
    pub lines: u64,
    /// Lines in all, empty ones included.
    pub numbered: u64,
    /// Bytes up to the end of the last line that is complete; where to read on later.
    pub complete: u64,
    /// How many lines are bad.
    pub bad_count: u64,
    /// The first thousand of them.
    pub bad: Vec<BadLine>,
}

impl Scan {
    fn report(&mut self, number: u64, column: usize, problem: impl Into<String>) {
        self.bad_count += 1;
        if self.bad.len() < MOST_BAD {
            self.bad.push(BadLine { number, column, problem: problem.into() });
        }
    }
}

/// Why the caller could not use a line: column in the body (from 1) and problem.
pub type Refusal = (usize, String);

/// Hands every record of `input` to `each`, in order. A line that is no record is reported in the
/// result; so is one that `each` refuses.
pub fn scan(
    mut input: impl Read,
    mut each: impl FnMut(LogLine<'_>) -> Result<(), Refusal>,
) -> io::Result<Scan> {
    let mut reader = Lines { each: &mut each, scan: Scan::default(), number: 0, offset: 0 };
    let mut buffer = vec![0; BUFFER];
    let mut filled = 0;
    let mut too_long = false;
    loop {
        let count = match input.read(&mut buffer[filled..]) {
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        let searched = filled;
        filled += count;
        if count == 0 {
            if filled > 0 && !too_long {
                reader.line(&buffer[..filled]);
            }
            return Ok(reader.scan);
        }
        let mut start = 0;
        for end in memchr_iter(b'\n', &buffer[searched..filled]).map(|at| searched + at) {
            if std::mem::take(&mut too_long) {
                reader.skip(end + 1 - start);
            } else {
                reader.line(&buffer[start..end]);
            }
            start = end + 1;
            reader.scan.complete = reader.offset;
        }
        buffer.copy_within(start..filled, 0);
        filled -= start;
        if filled >= MAX_LINE || too_long {
            if !too_long {
                reader.too_long();
            }
            too_long = true;
            reader.skip(filled);
            filled = 0;
        } else if filled == buffer.len() {
            buffer.resize(buffer.len() * 2, 0);
        }
    }
}

struct Lines<'a, F> {
    each: &'a mut F,
    scan: Scan,
    number: u64,
    offset: u64,
}

impl<F: FnMut(LogLine<'_>) -> Result<(), Refusal>> Lines<'_, F> {
    /// One line without its end.
    fn line(&mut self, line: &[u8]) {
        self.number += 1;
        self.scan.numbered = self.number;
        let (number, offset) = (self.number, self.offset);
        self.skip(line.len() + 1);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        self.scan.lines += 1;
        let shape = match shape(line) {
            Ok(shape) => shape,
            Err((column, problem)) => return self.scan.report(number, column, problem),
        };
        if shape.torn_before {
            let problem = "part of a record, torn; the whole record after it on this line is used";
            self.scan.report(number, 1, problem);
        }
        let Shape { time, body, column, tag, .. } = shape;
        if let Err((at, problem)) = (self.each)(LogLine { number, offset, time, body, column, tag })
        {
            self.scan.report(number, column + at.saturating_sub(1), problem);
        }
    }

    fn too_long(&mut self) {
        self.number += 1;
        self.scan.numbered = self.number;
        self.scan.lines += 1;
        let problem = format!("longer than {} MiB: not a record", MAX_LINE >> 20);
        self.scan.report(self.number, MAX_LINE, problem);
    }

    fn skip(&mut self, bytes: usize) {
        self.offset += bytes as u64;
    }
}

struct Shape<'a> {
    time: &'a str,
    body: &'a [u8],
    column: usize,
    tag: &'a str,
    torn_before: bool,
}

/// Finds the parts of a line; the braces are not read.
fn shape(line: &[u8]) -> Result<Shape<'_>, (usize, &'static str)> {
    let end = line.len() - line.iter().rev().take_while(|b| b.is_ascii_whitespace()).count();
    let mut marks = [None; 2];
    let mut count = 0;
    for at in memmem::find_iter(&line[..end], MARK) {
        marks = [marks[1], Some(at)];
        count += 1;
    }
    let [Some(first), Some(second)] = marks else {
        return Err((1, "not a provenance record (it has no two marks __PROV__)"));
    };
    let start = second + MARK.len();
    let body = &line[start..end];
    if body.first() != Some(&b'{') {
        return Err((start + 1, "torn: no '{' after the mark __PROV__"));
    }
    if body.last() != Some(&b'}') {
        return Err((end + 1, "torn: the line ends inside the record"));
    }
    if let Some(at) = memchr(0, line) {
        return Err((at + 1, "torn: zero bytes in the record"));
    }
    let time = std::str::from_utf8(&line[first + MARK.len()..second]).unwrap_or_default();
    let tag = tag(body).ok_or((start + 1, "a record without session_tag"))?;
    Ok(Shape { time, body, column: start + 1, tag, torn_before: count > 2 })
}

/// The value of `session_tag`: as a rule the last of the record.
fn tag(body: &[u8]) -> Option<&str> {
    let last = tag_at_end(body).or_else(|| tag_anywhere(body))?;
    std::str::from_utf8(last).ok()
}

fn tag_at_end(body: &[u8]) -> Option<&[u8]> {
    let [inner @ .., quote @ (b'\'' | b'"'), b'}'] = body else { return None };
    let start = memrchr(*quote, inner)?;
    let before = inner[..start].trim_ascii_end();
    let before = before.strip_suffix(b":")?.trim_ascii_end();
    (before.ends_with(b"'session_tag'") || before.ends_with(b"\"session_tag\""))
        .then(|| &inner[start + 1..])
}

fn tag_anywhere(body: &[u8]) -> Option<&[u8]> {
    const KEY: &[u8] = b"session_tag";
    let after = &body[memmem::rfind(body, KEY)? + KEY.len()..];
    let [b'\'' | b'"', after @ ..] = after else { return None };
    let after = after.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let [quote @ (b'\'' | b'"'), after @ ..] = after else { return None };
    Some(&after[..memchr(*quote, after)?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &[u8]) -> (Vec<(u64, u64, String, String)>, Scan) {
        let mut found = Vec::new();
        let scan = scan(text, |line| {
            let body = String::from_utf8_lossy(line.body).into_owned();
            found.push((line.number, line.offset, line.tag.to_owned(), body));
            Ok(())
        });
        (found, scan.unwrap())
    }

    fn record(tag: &str) -> String {
        format!(
            "INFO provLogger __PROV__2024-11-28T22:00:00__PROV__{{'a': 1, 'session_tag': '{tag}'}}"
        )
    }

    #[test]
    fn records_are_found_with_their_tags_and_places() {
        let first = record("dl1ab:19102");
        let second = first.replace("'a': 1, ", "\"x\": 0, ").replace('\'', "\"") + " \r";
        let third = "x __PROV__t__PROV__{'session_tag':'b:2','z':[1]}";
        let (found, scan) = all(format!("{first}\n{second}\n\n{third}").as_bytes());
        let tags: Vec<_> = found.iter().map(|f| (f.0, f.1, f.2.as_str())).collect();
        let [one, two] = [first.len() as u64 + 1, second.len() as u64 + 1];
        assert_eq!(
            tags,
            [(1, 0, "dl1ab:19102"), (2, one, "dl1ab:19102"), (4, one + two + 1, "b:2")]
        );
        assert_eq!((scan.lines, scan.complete, scan.bad_count), (3, one + two + 1, 0));
    }

    #[test]
    fn torn_and_foreign_lines_are_reported_with_their_numbers() {
        let whole = record("a:1");
        let torn = &whole[..whole.len() - 5];
        let text = format!(
            "{whole}\n{torn}\nhello\n{torn}{whole}\n{}\n\0{whole}\nINFO __PROV__x__PROV__",
            whole.replace("session_tag", "session")
        );
        let (found, scan) = all(text.as_bytes());
        assert_eq!(found.iter().map(|f| f.0).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(found[1].3, "{'a': 1, 'session_tag': 'a:1'}");
        let bad: Vec<_> = scan.bad.iter().map(|bad| (bad.number, bad.column)).collect();
        assert_eq!(bad, [(2, torn.len() + 1), (3, 1), (4, 1), (5, 52), (6, 1), (7, 23)]);
        assert_eq!(scan.bad_count, 6);
    }

    #[test]
    fn what_the_caller_refuses_is_reported_at_its_column() {
        let scan = scan(record("a:1").as_bytes(), |_| Err((3, "no".to_owned()))).unwrap();
        assert_eq!(scan.bad[0].to_string(), "line 1, column 54: no");
    }

    #[test]
    fn lines_longer_than_the_buffer_are_read_and_endless_ones_are_dropped() {
        let long = record("a:1").replace("'a': 1", &format!("'a': '{}'", "x".repeat(3 << 20)));
        let endless = "y".repeat(2 * MAX_LINE + 5);
        let text = format!("{long}\n{endless}\n{}\n", record("b:2"));
        let (found, scan) = all(text.as_bytes());
        assert_eq!(
            found.iter().map(|f| (f.0, f.2.as_str())).collect::<Vec<_>>(),
            [(1, "a:1"), (3, "b:2")]
        );
        assert_eq!(found[1].1, (long.len() + endless.len() + 2) as u64);
        assert_eq!((scan.bad[0].number, scan.bad_count), (2, 1));
        assert_eq!(scan.complete, text.len() as u64);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_in_pieces_of_any_size(
            pieces in proptest::collection::vec(prop_oneof![
                Just(record("dl1ab:19102").into_bytes()),
                Just(b"\n".to_vec()),
                Just(b"__PROV__".to_vec()),
                Just(b"{'session_tag': '".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..20),
            ], 0..12),
            size in 1usize..50,
        ) {
            let text = pieces.concat();
            let mut numbers = Vec::new();
            let chunks = Chunks(&text, size);
            let result = scan(chunks, |line| { numbers.push(line.number); Ok(()) }).unwrap();
            let (whole, same) = all(&text);
            prop_assert_eq!(&numbers, &whole.iter().map(|found| found.0).collect::<Vec<_>>());
            prop_assert_eq!(&result, &same);
            prop_assert!(result.lines <= result.bad_count + numbers.len() as u64);
        }
    }

    struct Chunks<'a>(&'a [u8], usize);

    impl Read for Chunks<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let size = self.1.min(out.len()).min(self.0.len());
            out[..size].copy_from_slice(&self.0[..size]);
            self.0 = &self.0[size..];
            Ok(size)
        }
    }
}
