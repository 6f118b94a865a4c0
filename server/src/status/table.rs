//! The sequence table as text. Other programs parse it, so every blank of it is a promise.

use std::fmt::Display;

use chrono::{DateTime, Utc};

use crate::model::{NightDate, SequenceStatus};

const HEADINGS: [&str; 18] = [
    "Tel",
    "Seq",
    "Parent",
    "Type",
    "Run",
    "Subruns",
    "Source",
    "Action",
    "Tries",
    "JobID",
    "State",
    "CPU_time",
    "Exit",
    "DL1%",
    "MUONS%",
    "DL1AB%",
    "DATACHECK%",
    "DL2%",
];

/// The line that opens the report, framed with `=` to `width` characters; without an end of line.
pub fn banner(date: NightDate, now: DateTime<Utc>, width: usize) -> String {
    let now = now.format("%Y-%m-%d %H:%M");
    let text =
        format!(" Starting sequencer.py at {now} UTC for LST, Telescope: LST1, Date: {date} ");
    format!("{text:=^width$}")
}

/// Heading and one line a sequence, every line ended: columns as wide as their widest cell plus
/// `padding` blanks, also the last.
pub fn table(sequences: &[SequenceStatus], padding: usize) -> String {
    let rows: Vec<[Cell; HEADINGS.len()]> =
        std::iter::once(HEADINGS.map(left)).chain(sequences.iter().map(row)).collect();
    let mut widths = [0; HEADINGS.len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.text.chars().count());
        }
    }
    let mut text = String::new();
    for row in &rows {
        for (width, cell) in widths.iter().zip(row) {
            let blanks = width.saturating_sub(cell.text.chars().count());
            let (before, after) = if cell.right { (blanks, 0) } else { (0, blanks) };
            text.extend(std::iter::repeat_n(' ', before));
            text.push_str(&cell.text);
            text.extend(std::iter::repeat_n(' ', after + padding));
        }
        text.push('\n');
    }
    text
}

/// What is written in a column, and to which side.
struct Cell {
    text: String,
    right: bool,
}

fn left(value: impl Display) -> Cell {
    Cell { text: value.to_string(), right: false }
}

fn left_or_none(value: Option<impl Display>) -> Cell {
    value.map_or_else(|| left("None"), left)
}

fn right_or_none(value: Option<u32>) -> Cell {
    value.map_or_else(|| left("None"), |value| Cell { text: value.to_string(), right: true })
}

/// The original aligns Python's own integers to the right. Run, subruns and job number are numpy's
/// there, and so they stand on the left.
fn row(status: &SequenceStatus) -> [Cell; HEADINGS.len()] {
    let sequence = &status.sequence;
    let percent = status.percent;
    [
        left("LST1"),
        right_or_none(Some(sequence.number)),
        right_or_none(sequence.parent),
        left(sequence.kind),
        left(sequence.run),
        left(sequence.subruns),
        left_or_none(sequence.source.as_ref()),
        left(status.action),
        right_or_none(status.tries),
        left_or_none(status.job),
        left_or_none(status.state.as_ref()),
        left_or_none(status.cpu_seconds.map(clock)),
        left_or_none(status.exit),
        right_or_none(percent.map(|p| p.dl1)),
        right_or_none(percent.map(|p| p.muons)),
        right_or_none(percent.map(|p| p.dl1ab)),
        right_or_none(percent.map(|p| p.datacheck)),
        right_or_none(percent.map(|p| p.dl2)),
    ]
}

/// `HH:MM:SS`; the hours go on beyond 24, where the original begins again at 0.
fn clock(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;
    use crate::model::{ExitCode, JobId, Kind, Percentages, RunId, Sequence, SequenceAction};

    fn sequence(number: u32, kind: Kind, run: u32, source: Option<&str>) -> SequenceStatus {
        SequenceStatus {
            sequence: Sequence {
                number,
                parent: (kind == Kind::Data).then_some(1),
                run: RunId(run),
                kind,
                subruns: 4,
                source: source.map(ToOwned::to_owned),
            },
            action: SequenceAction::None,
            tries: None,
            job: None,
            state: None,
            counts: std::collections::BTreeMap::default(),
            cpu_seconds: None,
            exit: None,
            reason: String::new(),
            percent: (kind == Kind::Data).then(Percentages::default),
            segments: Vec::new(),
            quality: None,
        }
    }

    #[test]
    fn sources_with_blanks_and_wide_numbers_keep_their_columns() {
        let mut wide = sequence(10, Kind::Data, 123_456, Some("BL Lac"));
        wide.sequence.subruns = 10_000;
        wide.action = SequenceAction::Check;
        wide.tries = Some(12);
        wide.job = Some(JobId(1_234_567_890));
        wide.state = Some("OUT_OF_MEMORY".to_owned().into());
        wide.cpu_seconds = Some(100 * 3600 + 61);
        wide.exit = Some(ExitCode { code: 0, signal: 125 });
        wide.percent =
            Some(Percentages { dl1: 116, muons: 100, dl1ab: 99, datacheck: 5, dl2: 4_000_000 });
        let mut narrow = sequence(2, Kind::Data, 1910, Some("Šárka ★"));
        narrow.tries = Some(1);
        narrow.job = Some(JobId(99));
        let table = table(
            &[
                sequence(1, Kind::Calibration, 1909, None),
                narrow,
                sequence(3, Kind::Data, 1911, None),
                wide,
            ],
            2,
        );
        insta::assert_snapshot!(table.replace(' ', "·"));
    }

    #[test]
    fn a_night_without_sequences_has_a_heading() {
        assert_eq!(
            table(&[], 1),
            format!("{} \n", HEADINGS.join(" ")),
            "every heading, then its padding"
        );
    }

    #[test]
    fn the_frame_is_as_wide_as_asked_and_never_cuts() {
        let now = Utc.with_ymd_and_hms(2026, 11, 22, 7, 43, 57).unwrap();
        let date = "2024-11-28".parse().unwrap();
        assert_eq!(banner(date, now, 160).len(), 160);
        let golden = include_str!("../../tests/golden/table-simulate-test.txt");
        assert_eq!(Some(&*banner(date, now, 160)), golden.lines().next());
        assert!(
            banner(date, now, 10).starts_with(" Starting sequencer.py at 2026-11-22 07:43 UTC")
        );
    }
}
