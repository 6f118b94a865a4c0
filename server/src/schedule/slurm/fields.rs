//! The pieces of Slurm's answers: records, job ids, times, durations, memory.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::model::JobId;

use super::call::Line;

/// Separates the fields of both tools' answers: ASCII's "unit separator", which no sane name holds.
pub(super) const SEPARATOR: char = '\x1f';

/// More tasks than an array can have (Slurm's greatest MaxArraySize is 4,000,001; ours have 200).
const MOST_TASKS: usize = 100_000;

/// A longer text is not a record.
const LONGEST_RECORD: usize = 1 << 20;

/// What a line, or several, turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Record<'a> {
    /// A record with as many fields as were asked for.
    Whole(Vec<&'a str>),
    /// It begins like a record, but is not one.
    Torn(&'a str),
    /// It is no record: a greeting, or a complaint.
    Noise(&'a str),
}

/// Puts the lines of an answer together to records, one after the other.
///
/// Job names, comments and command lines may hold line breaks, and Slurm prints them as they are. So
/// a record ends with the line that has its last field, which never holds one.
#[derive(Debug)]
pub(super) struct Records {
    fields: usize,
    open: String,
}

impl Records {
    /// For records of so many fields.
    pub fn new(fields: usize) -> Self {
        Self { fields, open: String::new() }
    }

    /// Takes the next line; gives what has come to its end to `each`.
    pub fn line(&mut self, line: Line<'_>, each: &mut impl FnMut(Record<'_>)) {
        if begins_record(line.text) || self.open.len() > LONGEST_RECORD {
            self.end(each);
            self.open.push_str(line.text);
        } else if !self.open.is_empty() {
            self.open.push('\n');
            self.open.push_str(line.text);
        } else if line.text.trim().is_empty() || is_heading(line.text) {
            return;
        } else if line.text.starts_with(|c: char| c.is_ascii_digit()) {
            return each(Record::Torn(line.text));
        } else {
            return each(Record::Noise(line.text));
        }
        let values: Vec<&str> = self.open.split(SEPARATOR).collect();
        // A record cut off in its last field cannot be distinguished from a whole one but by its line end.
        if values.len() == self.fields && line.whole {
            each(Record::Whole(values));
            self.open.clear();
        }
    }

    /// The answer has ended.
    pub fn end(&mut self, each: &mut impl FnMut(Record<'_>)) {
        if !self.open.is_empty() {
            each(Record::Torn(&self.open));
            self.open.clear();
        }
    }
}

/// Does the line begin with a job id and a separator?
fn begins_record(line: &str) -> bool {
    line.split_once(SEPARATOR).is_some_and(|(id, _)| {
        id.starts_with(|c: char| c.is_ascii_digit()) && !id.contains(char::is_whitespace)
    })
}

/// `CLUSTER: lst` before each cluster's jobs, or the names of the columns.
fn is_heading(line: &str) -> bool {
    let first = line.split(SEPARATOR).next().unwrap_or_default().trim();
    line.starts_with("CLUSTER:") || first.eq_ignore_ascii_case("JobID")
}

/// The job that a record is about, as far as it can be told: the number that it begins with.
pub(super) fn job_of(record: &str) -> Option<JobId> {
    let end = record.find(|c: char| !c.is_ascii_digit())?;
    // A number that is cut off may be the beginning of another.
    number(&record[..end]).map(JobId)
}

/// A record for people to read.
pub(super) fn readable(record: &str) -> String {
    record.replace(SEPARATOR, "|")
}

/// What the first field of a record names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A job that is no array, or tasks of an array.
    Tasks {
        /// The job.
        job: JobId,
        /// Indices; one `None` for a job that is no array.
        tasks: Vec<Option<u32>>,
        /// Slurm has cut the list short: there are more.
        cut: bool,
    },
    /// A step of it (`1_2.batch`); of no task where accounting has not yet told an array's first task
    /// from those that wait (`1_[2-3%1].batch`, seen with 22.05 on a busy machine).
    Step(JobId, Option<u32>),
}

/// Reads `12`, `12_3`, `12_[0-3,7%2]`, `12.batch`, `12_3.0`. The components of a heterogeneous job
/// (`12+0`, `12+1`) are jobs with numbers of their own, one after the other.
pub(super) fn subject(text: &str) -> Option<Subject> {
    // Dots within brackets say that a list is cut short.
    let after_list = text.find("].").map(|end| end + 1);
    let dot = after_list.or_else(|| text.find('.').filter(|_| !text.contains('[')));
    let (whole, step) = match dot {
        Some(at) if at + 1 == text.len() => return None,
        Some(at) => (&text[..at], true),
        None => (text, false),
    };
    let (job, tasks, cut) = match whole.split_once('_') {
        Some((job, tasks)) => {
            let (tasks, cut) = tasks_of(tasks)?;
            (job, tasks, cut)
        }
        None => (whole, vec![None], false),
    };
    let job = match job.split_once('+') {
        Some((leader, part)) => number::<u64>(leader)?.checked_add(number::<u32>(part)?.into())?,
        None => number(job)?,
    };
    let job = JobId(job);
    match (step, tasks.as_slice()) {
        (false, _) => Some(Subject::Tasks { job, tasks, cut }),
        (true, [task]) => Some(Subject::Step(job, *task)),
        (true, _) => Some(Subject::Step(job, None)),
    }
}

/// `3`, or `[0-3,7,10-20:5%2]`: what waits of an array, after `%` how many may run at once. Also
/// tells whether Slurm has cut the list short (`[1,2,...]`).
fn tasks_of(text: &str) -> Option<(Vec<Option<u32>>, bool)> {
    let Some(list) = text.strip_prefix('[') else {
        return number(text).map(|task| (vec![Some(task)], false));
    };
    // A list that is cut short may lack its end, too.
    let (list, closed) = match list.strip_suffix(']') {
        Some(list) => (list, true),
        None => (list, false),
    };
    let list = match list.split_once('%') {
        Some((list, limit)) => number::<u32>(limit).map(|_| list)?,
        None => list,
    };
    let cut = list.ends_with("...");
    if !closed && !cut {
        return None;
    }
    // What stands directly before the dots may be the beginning of a number.
    let list = match list.strip_suffix("...") {
        Some(list) if list.ends_with([',', '-']) => &list[..list.len() - 1],
        Some(list) => list.rsplit_once([',', '-']).map_or("", |(whole, _)| whole),
        None => list,
    };
    let mut tasks = Vec::new();
    for part in list.split(',').filter(|part| !(cut && part.is_empty())) {
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
    Some((tasks, cut))
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
            Subject::Tasks { job: JobId(1), tasks, cut: false } => tasks.into_iter().collect(),
            _ => None,
        }
    }

    fn some(job: u64, task: Option<u32>) -> Subject {
        Subject::Tasks { job: JobId(job), tasks: vec![task], cut: false }
    }

    /// Records of three fields, and other lines.
    fn records(text: &str) -> (Vec<Vec<String>>, Vec<String>) {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        let mut each = |record: Record<'_>| match record {
            Record::Whole(values) => good.push(values.into_iter().map(str::to_owned).collect()),
            Record::Torn(text) => bad.push(format!("torn: {}", readable(text))),
            Record::Noise(text) => bad.push(format!("noise: {}", readable(text))),
        };
        let mut records = Records::new(3);
        for line in text.split_inclusive('\n') {
            let whole = line.ends_with('\n');
            records.line(Line { text: line.trim_end_matches('\n'), whole }, &mut each);
        }
        records.end(&mut each);
        (good, bad)
    }

    #[test]
    fn waiting_tasks_of_an_array_are_distinguished() {
        let expected = vec![10, 11, 12, 13, 14, 16, 18, 19, 20];
        assert_eq!(tasks("1_[10-14,16,18-20]"), Some(expected.clone()));
        assert_eq!(tasks("1_[10-14,16,18-20%4]"), Some(expected));
        assert_eq!(tasks("1_[0-10:5]"), Some(vec![0, 5, 10]));
        assert_eq!(tasks("1_[0-10:2%3]"), Some(vec![0, 2, 4, 6, 8, 10]));
        assert_eq!(tasks("1_9"), Some(vec![9]));
        assert_eq!(subject("10"), Some(some(10, None)));
        assert_eq!(subject("1_0.batch"), Some(Subject::Step(JobId(1), Some(0))));
        assert_eq!(subject("7.extern"), Some(Subject::Step(JobId(7), None)));
        assert_eq!(subject("106_[2-3%1].batch"), Some(Subject::Step(JobId(106), None)));
        assert_eq!(subject("106_[2-3%1]."), None);
    }

    #[test]
    fn components_of_a_heterogeneous_job_are_jobs() {
        assert_eq!(subject("7+0"), Some(some(7, None)));
        assert_eq!(subject("7+1"), Some(some(8, None)));
        assert_eq!(subject("7+0.batch"), Some(Subject::Step(JobId(7), None)));
        assert_eq!(subject("7+1.0"), Some(Subject::Step(JobId(8), None)));
        assert_eq!(subject("18446744073709551615+1"), None);
    }

    #[test]
    fn a_list_that_slurm_cut_short_is_reported_as_such() {
        for (text, listed) in [
            ("1_[1,3,5,...]", &[1, 3, 5][..]),
            ("1_[0,2,...%4]", &[0, 2]),
            ("1_[0-2,...]", &[0, 1, 2]),
            ("1_[0-2,7...", &[0, 1, 2]),
            ("1_[0-2,10-...]", &[0, 1, 2, 10]),
            ("1_[...]", &[]),
        ] {
            let tasks = listed.iter().copied().map(Some).collect();
            assert_eq!(
                subject(text),
                Some(Subject::Tasks { job: JobId(1), tasks, cut: true }),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_subject_is_refused() {
        for bad in [
            "1_[1-",
            "1_[]",
            "1_",
            "_1",
            "1_[3-1]",
            "1_[0-4000000000]",
            "1_[1]x",
            "1.",
            "+1",
            "-1",
            "1_-1",
            "",
            "1_[1%]",
            "1_[1:0]",
            "1 ",
            "1+",
            "1_[1,x,...]",
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
        let text = "3\x1fco\nmm\nent\x1f0\n4\x1f\x1f1\n";
        let (good, bad) = records(text);
        assert_eq!(good, [["3", "co\nmm\nent", "0"], ["4", "", "1"]]);
        assert!(bad.is_empty(), "{bad:?}");
    }

    #[test]
    fn an_answer_that_ends_in_the_middle_is_noticed() {
        let whole = vec![vec!["1".to_owned(), "a".to_owned(), "0".to_owned()]];
        assert_eq!(records("1\x1fa\x1f0\n2\x1fRUNN"), (whole.clone(), vec!["torn: 2|RUNN".into()]));
        assert_eq!(
            records("1\x1fa\x1f0\n2\x1fa\x1f0"),
            (whole.clone(), vec!["torn: 2|a|0".into()])
        );
        assert_eq!(records("1\x1fa\x1f0\n23"), (whole, vec!["torn: 23".into()]));
    }

    #[test]
    fn headings_are_passed_over_and_noise_stays_outside_of_records() {
        let text = "CLUSTER: lst\nJOBID\x1fNAME\x1fCPUS\n1\x1fa\x1f0\nslurm: ???\n2\x1fb\x1f0\n\n";
        let (good, bad) = records(text);
        assert_eq!(good, [["1", "a", "0"], ["2", "b", "0"]]);
        assert_eq!(bad, ["noise: slurm: ???"]);
    }

    #[test]
    fn a_torn_record_still_names_its_job() {
        assert_eq!(job_of("801_[0,\x1fPENDING"), Some(JobId(801)));
        assert_eq!(job_of("80"), None, "it may be the beginning of 801");
        assert_eq!(job_of("slurm: 7"), None);
    }

    proptest! {
        #[test]
        fn nothing_that_slurm_could_say_makes_the_readers_fall_over(text in ".{0,200}") {
            let _ = subject(&text);
            let _ = duration(&text);
            let _ = memory(&text);
            let _ = time(&text);
            let _ = records(&text);
        }

        /// Every printed character of an answer ends up in a record or is reported as unreadable, but
        /// for headings.
        #[test]
        fn no_line_is_dropped(text in "[0-9a-z_|\x1f \n]{0,120}") {
            prop_assume!(!text.contains("jobid"));
            let (good, bad) = records(&text);
            let printed = |s: &str| s.chars().filter(|c| !matches!(c, ' ' | '\n' | '\x1f' | '|')).count();
            let kept: usize = good.iter().flatten().map(|s| printed(s)).sum::<usize>()
                + bad.iter().map(|s| printed(s.split_once(": ").unwrap().1)).sum::<usize>();
            prop_assert_eq!(kept, printed(&text));
        }

        #[test]
        fn any_list_of_tasks_is_read_back(
            tasks in proptest::collection::btree_set(0u32..500, 1..60),
            limit in proptest::option::of(1u32..9),
            cut in any::<bool>(),
        ) {
            let mut list: Vec<String> = tasks.iter().map(ToString::to_string).collect();
            list.extend(cut.then(|| "...".to_owned()));
            let limit = limit.map_or_else(String::new, |limit| format!("%{limit}"));
            let read = subject(&format!("1_[{}{limit}]", list.join(",")));
            let tasks = tasks.into_iter().map(Some).collect();
            prop_assert_eq!(read, Some(Subject::Tasks { job: JobId(1), tasks, cut }));
        }

        #[test]
        fn ranges_with_steps_are_read_as_slurm_means_them(
            first in 0u32..300, length in 0u32..300, step in 1u32..20,
        ) {
            let last = first + length;
            let expected: Vec<u32> = (first..=last).filter(|n| (n - first) % step == 0).collect();
            prop_assert_eq!(tasks(&format!("1_[{first}-{last}:{step}]")), Some(expected));
        }
    }
}
