//! History files: one line a try, `RUN EXECUTABLE PRODID YYYY-MM-DD HH:MM INPUT CONFIG RC`.
//!
//! Fields are separated by blanks and hold none; `None` stands for what there is not. Files of
//! older versions carry other dates, blanks included (`Fri Nov 29 02:14:09 UTC 2024`), and may
//! lack input and configuration: the first three fields are therefore counted from the left, the
//! return code from the right, and the date is what looks like one in between.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use chrono::{DateTime, Utc};

use crate::input_file;
use crate::model::{HistoryLine, RunId, SubrunId};

use super::ProcessError;

/// A history file as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Its lines, oldest first.
    pub lines: Vec<HistoryLine>,
    /// Lines that are not whole: somebody was killed, or a disk was full, while writing them.
    pub torn: Vec<TornLine>,
}

/// A line that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornLine {
    /// Its number in the file, from 1.
    pub number: usize,
    /// What is left of it; bytes that are not UTF-8 are shown as `�`.
    pub text: String,
}

impl History {
    /// Reads a file; one that does not exist is an empty history.
    pub fn read(file: &Path) -> Result<Self, ProcessError> {
        match input_file::read(file, input_file::HISTORY_LIMIT) {
            Ok(bytes) => Ok(Self::parse(&bytes)),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(cause) => Err(ProcessError::file("read", file)(cause)),
        }
    }

    /// Parses a file's content, whatever it holds. A last line without its line end is torn: the
    /// return code may have lost digits.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut history = Self::default();
        for (index, raw) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let text = String::from_utf8_lossy(raw);
            let whole = text.ends_with('\n');
            let text = text.trim();
            if text.is_empty() {
                continue;
            }
            match parse_line(text).filter(|_| whole) {
                Some(line) => history.lines.push(line),
                None => {
                    history.torn.push(TornLine { number: index + 1, text: text.to_owned() });
                }
            }
        }
        history
    }
}

/// One line without its line end.
fn parse_line(text: &str) -> Option<HistoryLine> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [run, executable, prod_id, middle @ .., rc] = fields.as_slice() else { return None };
    if run.parse::<RunId>().is_err() && run.parse::<SubrunId>().is_err() {
        return None;
    }
    let rc = rc.parse().ok()?;
    let date = middle.iter().take_while(|word| belongs_to_date(word)).count();
    if date == 0 {
        return None;
    }
    let (when, rest) = middle.split_at(date);
    let some = |word: &str| (word != "None").then(|| word.to_owned());
    Some(HistoryLine {
        run: (*run).to_owned(),
        executable: (*executable).to_owned(),
        prod_id: (*prod_id).to_owned(),
        when: when.join(" "),
        input: rest.first().and_then(|word| some(word)),
        config: rest.get(1..).and_then(|words| some(&words.join(" "))).filter(|c| !c.is_empty()),
        rc,
    })
}

/// Whether a word can be part of a date: numbers with `-`, `:`, `.`, `/`, `+` and a `T` or `Z`
/// between or behind them; names of days and months; time zones; `AM` and `PM`.
fn belongs_to_date(word: &str) -> bool {
    const NAMES: [&str; 19] = [
        "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Jan", "Feb", "Mar", "Apr", "May", "Jun",
        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let digit = word.bytes().any(|byte| byte.is_ascii_digit());
    let numeric = digit
        && word.bytes().all(|b| {
            b.is_ascii_digit() || matches!(b, b'-' | b':' | b'.' | b'/' | b'+' | b'T' | b'Z')
        });
    let name = NAMES.contains(&word.trim_end_matches([',', '.']));
    let zone = (2..=5).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_uppercase());
    numeric || name || zone
}

/// The line as it stands in a file, with its line end. Blanks within a field would shift all that
/// follow: they become `_`.
pub fn format_line(line: &HistoryLine) -> String {
    let none = "None";
    format!(
        "{} {} {} {} {} {} {}\n",
        field(&line.run),
        field(&line.executable),
        field(&line.prod_id),
        line.when.trim(),
        line.input.as_deref().map_or_else(|| none.into(), field),
        line.config.as_deref().map_or_else(|| none.into(), field),
        line.rc,
    )
}

/// A text as a single field.
pub(super) fn field(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join("_");
    if text.is_empty() { "None".into() } else { text }
}

/// A moment as history lines have it: UTC, to the minute.
pub fn format_time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M").to_string()
}

/// Adds a line in one write at the end of the file, which is made if it is missing. If the last
/// line there is torn, the new one begins on a line of its own.
pub fn append(file: &Path, line: &HistoryLine) -> Result<(), ProcessError> {
    let wrap = ProcessError::file("write to", file);
    let mut target =
        OpenOptions::new().read(true).append(true).create(true).open(file).map_err(&wrap)?;
    let mut text = format_line(line);
    if !ends_with_line_end(&mut target).map_err(&wrap)? {
        text.insert(0, '\n');
    }
    let written = target.write(text.as_bytes()).map_err(&wrap)?;
    if written < text.len() {
        return Err(wrap(std::io::Error::new(ErrorKind::StorageFull, "the line was cut off")));
    }
    target.sync_data().map_err(&wrap)
}

fn ends_with_line_end(file: &mut File) -> std::io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn only(text: &str) -> HistoryLine {
        let history = History::parse(text.as_bytes());
        assert_eq!(history.torn, []);
        assert_eq!(history.lines.len(), 1, "{history:?}");
        history.lines.into_iter().next().unwrap()
    }

    #[test]
    fn a_line_of_today_is_read() {
        let line = only(
            "19102.0003 lstchain_dl1ab tailcut84 2024-11-29 02:14 dl1_LST-1.Run19102.0003.h5 \
             lstchain_standard_config.json 0\n",
        );
        assert_eq!(line.run, "19102.0003");
        assert_eq!(line.executable, "lstchain_dl1ab");
        assert_eq!(line.prod_id, "tailcut84");
        assert_eq!(line.when, "2024-11-29 02:14");
        assert_eq!(line.input.as_deref(), Some("dl1_LST-1.Run19102.0003.h5"));
        assert_eq!(line.config.as_deref(), Some("lstchain_standard_config.json"));
        assert_eq!(line.rc, 0);
    }

    #[test]
    fn old_dates_with_blanks_do_not_shift_the_fields() {
        for when in [
            "Fri Nov 29 02:14:09 UTC 2024",
            "2024-11-29 02:14:09.123456",
            "2024-11-29T02:14:09Z",
            "Fri 29 Nov 2024 02:14:09 AM CET",
            "29/11/2024 02:14",
        ] {
            let line = only(&format!("19102.0003 r0_to_dl1 v0.9.1 {when} in.fits.fz c.json -9\n"));
            assert_eq!(line.when, when);
            assert_eq!(line.input.as_deref(), Some("in.fits.fz"));
            assert_eq!(line.config.as_deref(), Some("c.json"));
            assert_eq!(line.rc, -9);
            let line = only(&format!("01910 drs4_pedestal v0.9.1 {when} None None 1\n"));
            assert_eq!((line.when.as_str(), line.input, line.config), (when, None, None));
            let line = only(&format!("01910 drs4_pedestal v0.9.1 {when} 1\n"));
            assert_eq!((line.when.as_str(), line.input, line.config), (when, None, None));
        }
    }

    #[test]
    fn torn_lines_are_reported_with_their_numbers() {
        let text = "19102.0003 a v1 2024-11-29 02:14 None None 0\n\n02 a v1\n\
                    19102.0003 a v1 2024-11-29 02:1\n\u{0}\u{0}\u{0}\nx y z 2024-11-29 02:14 0\n\
                    19102.0003 a v1 2024-11-29 02:14 None None 14";
        let history = History::parse(text.as_bytes());
        assert_eq!(history.lines.len(), 1);
        let numbers: Vec<_> = history.torn.iter().map(|torn| torn.number).collect();
        assert_eq!(numbers, [3, 4, 5, 6, 7]);
        assert_eq!(history.torn[4].text, "19102.0003 a v1 2024-11-29 02:14 None None 14");
    }

    #[test]
    fn a_missing_file_is_an_empty_history() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(History::read(&dir.path().join("none")).unwrap(), History::default());
    }

    #[test]
    fn a_torn_last_line_does_not_spoil_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sequence_LST1_19102.0003.history");
        std::fs::write(&file, "19102.0003 lstchain_dl1ab tailc").unwrap();
        let line = only("19102.0003 lstchain_dl1ab tailcut84 2024-11-29 02:14 None None 143\n");
        append(&file, &line).unwrap();
        append(&file, &line).unwrap();
        let history = History::read(&file).unwrap();
        assert_eq!(history.lines, [line.clone(), line]);
        assert_eq!(history.torn.len(), 1);
    }

    #[test]
    fn a_history_that_cannot_be_written_is_an_error_naming_it() {
        let line = only("19102.0003 a v1 2024-11-29 02:14 None None 143\n");
        let error = append(Path::new("/nowhere/at/all.history"), &line).unwrap_err();
        assert_eq!(error.to_string(), "cannot write to /nowhere/at/all.history");
        if Path::new("/dev/full").exists() {
            assert!(append(Path::new("/dev/full"), &line).is_err());
        }
    }

    prop_compose! {
        fn any_line()(
            run in 0u32..100_000,
            subrun in proptest::option::of(0u32..1000),
            executable in "[!-~]{1,30}",
            prod_id in "[!-~]{1,12}",
            minute in 0i64..2_000_000_000,
            input in proptest::option::of("[a-z][!-~]{1,30}"),
            config in proptest::option::of("[a-z][!-~]{1,30}"),
            rc in any::<i32>(),
        ) -> HistoryLine {
            let run = RunId(run);
            HistoryLine {
                run: subrun.map_or_else(|| run.to_string(), |s| format!("{run}.{s:04}")),
                executable,
                prod_id,
                when: format_time(DateTime::from_timestamp(minute, 0).unwrap()),
                input,
                config,
                rc,
            }
        }
    }

    proptest! {
        #[test]
        fn written_lines_are_read_as_they_were(lines in proptest::collection::vec(any_line(), 0..6)) {
            let text: String = lines.iter().map(format_line).collect();
            let history = History::parse(text.as_bytes());
            prop_assert_eq!(history, History { lines, torn: Vec::new() });
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let history = History::parse(&bytes);
            let text = String::from_utf8_lossy(&bytes);
            let lines = text.split('\n').filter(|line| !line.trim().is_empty()).count();
            prop_assert_eq!(history.lines.len() + history.torn.len(), lines);
        }

        #[test]
        fn what_was_understood_can_be_written_and_read_again(
            words in proptest::collection::vec(
                "19102|19102\\.0003|dl1ab|v0\\.10|2024-11-29|02:14|Fri|Nov|UTC|None|a\\.h5|-?[0-9]{1,3}|\\PC{0,3}",
                0..12,
            ),
        ) {
            let history = History::parse(format!("{}\n", words.join(" ")).as_bytes());
            let written: String = history.lines.iter().map(format_line).collect();
            let again = History::parse(written.as_bytes());
            let rewritten: String = again.lines.iter().map(format_line).collect();
            prop_assert_eq!(rewritten, written);
            prop_assert_eq!(again.lines.len(), history.lines.len());
        }

        #[test]
        fn blanks_in_a_field_never_shift_the_others(
            line in any_line(), executable in "\\PC{0,20}", input in "\\PC{0,20}",
        ) {
            let line = HistoryLine { executable, input: Some(input), ..line };
            let read = History::parse(format_line(&line).as_bytes());
            prop_assert_eq!(read.lines.len(), 1);
            prop_assert_eq!(read.lines[0].rc, line.rc);
            prop_assert_eq!(&read.lines[0].prod_id, &line.prod_id);
        }
    }
}
