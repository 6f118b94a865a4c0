//! The pieces of Slurm's answers: records, job ids, times, durations, memory.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::model::JobId;

/// Separates the fields of both tools' answers: ASCII's "unit separator", which no sane name holds.
pub(super) const SEPARATOR: char = '\x1f';

/// More tasks than an array can have (Slurm's greatest MaxArraySize is 4,000,001; ours have 200).
const MOST_TASKS: usize = 100_000;

/// Splits an answer into records of `fields` fields, the last of which may hold anything.
///
/// Job names, comments and command lines may hold line breaks, and Slurm prints them as they are.
/// So a line that does not begin like a record belongs to the one before.
pub(super) fn records(text: &str, fields: usize) -> (Vec<Vec<&str>>, Vec<String>) {
    let mut good = Vec::new();
    let mut bad = Vec::new();
    let mut starts: Vec<usize> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if starts.is_empty() || begins_record(line) {
            starts.push(at);
        }
        at += line.len();
    }
    for (i, &start) in starts.iter().enumerate() {
        let end = starts.get(i + 1).copied().unwrap_or(text.len());
        let record = text[start..end].trim_end_matches('\n');
        if record.trim().is_empty() {
            continue;
        }
        let parts: Vec<&str> = record.splitn(fields, SEPARATOR).collect();
        // A record cut off in its last field cannot be told from a whole one but by its line end.
        if parts.len() == fields && text[start..end].ends_with('\n') {
            good.push(parts);
        } else {
            bad.push(readable(record));
        }
    }
    (good, bad)
}

/// Does the line begin with a job id and a separator?
fn begins_record(line: &str) -> bool {
    line.split_once(SEPARATOR).is_some_and(|(id, _)| {
        id.starts_with(|c: char| c.is_ascii_digit()) && !id.contains(char::is_whitespace)
    })
}

/// A record for people to read.
pub(super) fn readable(record: &str) -> String {
    record.replace(SEPARATOR, "|")
}

/// What the first field of a record names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A job that is no array, or tasks of an array.
    Tasks(JobId, Vec<Option<u32>>),
    /// A step of it (`1_2.batch`).
    Step(JobId, Option<u32>),
    /// A component of a heterogeneous job (`12+1`), which we never submit.
    Component,
}

/// Reads `12`, `12_3`, `12_[0-3,7%2]`, `12.batch`, `12_3.0`, `12+1`.
pub(super) fn subject(text: &str) -> Option<Subject> {
    let (whole, step) = match text.split_once('.') {
        Some((whole, step)) if !step.is_empty() => (whole, true),
        Some(_) => return None,
        None => (text, false),
    };
    if let Some((job, part)) = whole.split_once('+') {
        number::<u64>(job).and(number::<u32>(part))?;
        return Some(Subject::Component);
    }
    let (job, tasks) = match whole.split_once('_') {
        Some((job, tasks)) => (job, tasks_of(tasks)?),
        None => (whole, vec![None]),
    };
    let job = JobId(number(job)?);
    match (step, tasks.as_slice()) {
        (false, _) => Some(Subject::Tasks(job, tasks)),
        (true, [task]) => Some(Subject::Step(job, *task)),
        (true, _) => None,
    }
}

/// `3`, or `[0-3,7,10-20:5%2]`: what waits of an array, after `%` how many may run at once. A list
/// that Slurm has cut short (`[1,2,...]`) is refused.
fn tasks_of(text: &str) -> Option<Vec<Option<u32>>> {
    let Some(list) = text.strip_prefix('[') else {
        return number(text).map(|task| vec![Some(task)]);
    };
    let list = list.strip_suffix(']')?;
    let list = match list.split_once('%') {
        Some((list, limit)) => number::<u32>(limit).map(|_| list)?,
        None => list,
    };
    let mut tasks = Vec::new();
    for part in list.split(',') {
        let (range, step) = match part.split_once(':') {
            Some((range, step)) => (range, number::<usize>(step).filter(|s| *s > 0)?),
            None => (part, 1),
        };
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (number::<u32>(first)?, number::<u32>(last)?);
        if last < first || (last - first) as usize / step >= MOST_TASKS - tasks.len() {
            return None;
        }
        tasks.extend((first..=last).step_by(step).map(Some));
    }
    Some(tasks)
}

/// Digits only: no sign, no blanks.
pub(super) fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// A number that the tool may leave out.
pub(super) fn number_or_zero(text: &str) -> Option<u64> {
    if text.is_empty() { Some(0) } else { number(text) }
}

/// A time in UTC (`2026-11-22T07:41:30`); `Some(None)` for none, `None` for nonsense.
#[allow(clippy::option_option)] // nonsense is one thing, nothing another
pub(super) fn time(text: &str) -> Option<Option<DateTime<Utc>>> {
    match text {
        "" | "Unknown" | "None" | "N/A" | "NONE" | "(null)" => Some(None),
        _ => NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S")
            .ok()
            .map(|time| Some(time.and_utc())),
    }
}

/// Seconds of `SS`, `M:SS`, `H:MM:SS` or `D-HH:MM:SS`, squeue's time used.
pub(super) fn duration(text: &str) -> Option<u64> {
    if matches!(text, "" | "INVALID" | "N/A") {
        return Some(0);
    }
    let (days, clock) = text.split_once('-').unwrap_or(("0", text));
    let mut seconds = 0u64;
    let mut parts = 0;
    for part in clock.split(':') {
        seconds = seconds.checked_mul(60)?.checked_add(number(part)?)?;
        parts += 1;
    }
    let days: u64 = number(days)?;
    (parts <= 3).then(|| days.checked_mul(86_400)?.checked_add(seconds)).flatten()
}

/// Bytes of `4833280`, `12176K`, `3.01G`; `Some(None)` if it was not measured.
#[allow(clippy::option_option)]
pub(super) fn memory(text: &str) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return None,
    };
    let amount: f64 = digits.parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0)?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // `as` saturates
    Some(Some((amount * f64::from(unit).exp2()) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tasks(text: &str) -> Option<Vec<u32>> {
        match subject(text)? {
            Subject::Tasks(JobId(1), tasks) => tasks.into_iter().collect(),
            _ => None,
        }
    }

    #[test]
    fn waiting_tasks_of_an_array_are_told_apart() {
        let expected = vec![10, 11, 12, 13, 14, 16, 18, 19, 20];
        assert_eq!(tasks("1_[10-14,16,18-20]"), Some(expected.clone()));
        assert_eq!(tasks("1_[10-14,16,18-20%4]"), Some(expected));
        assert_eq!(tasks("1_[0-10:5]"), Some(vec![0, 5, 10]));
        assert_eq!(tasks("1_9"), Some(vec![9]));
        assert_eq!(subject("10"), Some(Subject::Tasks(JobId(10), vec![None])));
        assert_eq!(subject("1_0.batch"), Some(Subject::Step(JobId(1), Some(0))));
        assert_eq!(subject("7.extern"), Some(Subject::Step(JobId(7), None)));
        assert_eq!(subject("7+1"), Some(Subject::Component));
    }

    #[test]
    fn a_list_that_slurm_cut_short_is_refused_not_shortened() {
        for bad in [
            "1_[1,3,5,...]",
            "1_[1-",
            "1_[]",
            "1_",
            "_1",
            "1_[3-1]",
            "1_[0-4000000000]",
            "1_[1]x",
            "1_[0-3].batch",
            "1.",
            "+1",
            "-1",
            "1_-1",
            "",
            "1_[1%]",
            "1_[1:0]",
            "1 ",
        ] {
            assert_eq!(subject(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations_memory_and_times_are_read_as_slurm_writes_them() {
        assert_eq!(duration("0:30"), Some(30));
        assert_eq!(duration("1:15:09"), Some(4509));
        assert_eq!(duration("2-01:00:00"), Some(2 * 86_400 + 3600));
        assert_eq!(duration("1:2:3:4"), None);
        assert_eq!(duration("99999999999999999999-0:00"), None);
        assert_eq!(memory("4833280"), Some(Some(4_833_280)));
        assert_eq!(memory("12176K"), Some(Some(12_176 << 10)));
        assert_eq!(memory("4.1G"), Some(Some(4_402_341_478)));
        assert_eq!(memory(""), Some(None));
        assert_eq!(memory("4.1X"), None);
        assert_eq!(memory("-1K"), None);
        assert_eq!(time("Unknown"), Some(None));
        assert_eq!(time("yesterday"), None);
        let read = time("2026-11-22T07:41:30").unwrap().unwrap();
        assert_eq!(read.to_rfc3339(), "2026-11-22T07:41:30+00:00");
    }

    #[test]
    fn line_breaks_in_names_do_not_tear_records() {
        // As a real Slurm 22.05 printed a job with breaks in its name, comment and command.
        let text = "3\x1fFAILED\x1fco\nmm\x1fsbatch -J we|ird\nna;me --wrap echo\nhi\x1fwe|ird\nna;me\n\
                    4\x1fRUNNING\x1f\x1f\x1fplain\n";
        let (good, bad) = records(text, 5);
        assert_eq!(good.len(), 2, "{bad:?}");
        assert_eq!(good[0][4], "we|ird\nna;me");
        assert_eq!(good[1][4], "plain");
        assert!(bad.is_empty());
    }

    #[test]
    fn an_answer_that_ends_in_the_middle_is_noticed() {
        let (good, bad) = records("1\x1fRUNNING\x1fa\n2\x1fRUNN", 3);
        assert_eq!((good.len(), bad), (1, vec!["2|RUNN".to_owned()]));
        let (good, bad) = records("1\x1fRUNNING\x1fLST1_191", 3);
        assert_eq!((good.len(), bad), (0, vec!["1|RUNNING|LST1_191".to_owned()]));
    }

    proptest! {
        #[test]
        fn nothing_that_slurm_could_say_makes_the_readers_fall_over(text in ".{0,200}") {
            let _ = subject(&text);
            let _ = duration(&text);
            let _ = memory(&text);
            let _ = time(&text);
            let _ = records(&text, 3);
        }

        /// Every printed character of an answer ends up in a record or among the unreadable.
        #[test]
        fn no_line_is_dropped(text in "[0-9a-z_|\x1f \n]{0,120}") {
            let (good, bad) = records(&text, 3);
            let printed = |s: &str| s.chars().filter(|c| !matches!(c, ' ' | '\n' | '\x1f' | '|')).count();
            let kept: usize = good.iter().flatten().map(|s| printed(s)).sum::<usize>()
                + bad.iter().map(|s| printed(s)).sum::<usize>();
            prop_assert_eq!(kept, printed(&text));
        }

        #[test]
        fn any_list_of_tasks_is_read_back(tasks in proptest::collection::btree_set(0u32..500, 1..60)) {
            let list: Vec<String> = tasks.iter().map(ToString::to_string).collect();
            let read = subject(&format!("1_[{}%3]", list.join(",")));
            let expected = tasks.into_iter().map(Some).collect();
            prop_assert_eq!(read, Some(Subject::Tasks(JobId(1), expected)));
        }
    }
}
