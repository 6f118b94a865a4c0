//! Values of directives: times, sizes, arrays.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::TimeLimit;

/// Most tasks that an array may have; also its highest index.
pub const MAX_TASKS: u32 = 100_000;

/// Reads a time in Slurm's forms: `M`, `M:S`, `H:M:S`, `D-H`, `D-H:M`, `D-H:M:S`.
pub fn time_limit(text: &str) -> Result<TimeLimit, String> {
    if matches!(text.to_ascii_uppercase().as_str(), "UNLIMITED" | "INFINITE" | "-1") {
        return Ok(TimeLimit::Unlimited);
    }
    let wrong =
        || "not a time; write MINUTES, M:S, H:M:S, D-H, D-H:M or D-H:M:S, below 60 after a colon";
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(number(days).ok_or_else(wrong)?), rest),
        None => (None, text),
    };
    let parts: Option<Vec<u64>> = rest.split(':').map(number).collect();
    let parts = parts.ok_or_else(wrong)?;
    if parts.iter().skip(1).any(|part| *part >= 60) {
        return Err(wrong().into());
    }
    let (hours, minutes, seconds) = match (days, parts.as_slice()) {
        (None, [m]) => (0, *m, 0),
        (None, [m, s]) => (0, *m, *s),
        (None | Some(_), [h, m, s]) => (*h, *m, *s),
        (Some(_), [h]) => (*h, 0, 0),
        (Some(_), [h, m]) => (*h, *m, 0),
        _ => return Err(wrong().into()),
    };
    let total = days.unwrap_or(0) * 86_400 + hours * 3600 + minutes * 60 + seconds;
    Ok(match total {
        0 => TimeLimit::Unlimited,
        seconds => TimeLimit::For(Duration::from_secs(seconds)),
    })
}

/// Reads a size such as `6GB`, `3.5G`, `512M` or `4000` (mebibytes), in bytes.
pub fn memory_bytes(text: &str) -> Result<u64, String> {
    let wrong = || "not a size such as 6GB, 3.5G, 512M or 4000 (megabytes)".to_owned();
    let upper = text.to_ascii_uppercase();
    let upper = upper.strip_suffix('B').unwrap_or(&upper);
    let (digits, shift) = match upper.chars().last() {
        Some('K') => (&upper[..upper.len() - 1], 10),
        Some('M') => (&upper[..upper.len() - 1], 20),
        Some('G') => (&upper[..upper.len() - 1], 30),
        Some('T') => (&upper[..upper.len() - 1], 40),
        _ => (upper, 20),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let whole = number(whole).filter(|size| *size < 1 << 20).ok_or_else(wrong)?;
    let thousandths = match fraction.len() {
        1..=3 => number(&format!("{fraction:0<3}")).ok_or_else(wrong)?,
        _ => return Err(wrong()),
    };
    let unit = 1u64 << shift;
    Ok(whole * unit + thousandths * unit / 1000)
}

/// A number of one to seven digits.
fn number(text: &str) -> Option<u64> {
    let digits = (1..=7).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Tasks of an array: `0-5`, `1,3,7-9`, `0-100:10`, each with `%LIMIT` at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    indices: BTreeSet<u32>,
    limit: Option<u32>,
}

impl Array {
    /// The indices in rising order, each once; never empty.
    pub fn indices(&self) -> impl Iterator<Item = u32> + '_ {
        self.indices.iter().copied()
    }

    /// Number of tasks.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Always false: an array has a task at least.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// Lowest index.
    pub fn first(&self) -> u32 {
        self.indices.first().copied().unwrap_or_default()
    }

    /// Highest index.
    pub fn last(&self) -> u32 {
        self.indices.last().copied().unwrap_or_default()
    }

    /// How many may run at once, if limited.
    pub fn limit(&self) -> Option<u32> {
        self.limit
    }
}

impl FromStr for Array {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "not an array such as 0-5, 1,3,7-9 or 0-100:10%4".to_owned();
        let (list, limit) = match text.split_once('%') {
            Some((list, limit)) => (list, Some(number(limit).ok_or_else(wrong)?)),
            None => (text, None),
        };
        let limit = limit.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX));
        let mut indices = BTreeSet::new();
        for part in list.split(',') {
            let (range, step) = match part.split_once(':') {
                Some((range, step)) if range.contains('-') => (range, index(step)?),
                Some(_) => return Err(wrong()),
                None => (part, 1),
            };
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (index(first)?, index(last)?);
            if first > last || step == 0 {
                return Err(wrong());
            }
            let step = usize::try_from(step).map_err(|_| wrong())?;
            indices.extend((first..=last).step_by(step));
        }
        Ok(Self { indices, limit: limit.filter(|limit| *limit > 0) })
    }
}

fn index(text: &str) -> Result<u32, String> {
    let wrong = || "not an array such as 0-5, 1,3,7-9 or 0-100:10%4".to_owned();
    let index = number(text).and_then(|n| u32::try_from(n).ok()).ok_or_else(wrong)?;
    if index >= MAX_TASKS {
        return Err(format!("index {index} is above {}, the highest allowed", MAX_TASKS - 1));
    }
    Ok(index)
}

impl fmt::Display for Array {
    /// Ranges as short as they can be, without steps: `0-3,7%2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for index in self.indices() {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == index => *last = index,
                _ => ranges.push((index, index)),
            }
        }
        for (position, (first, last)) in ranges.into_iter().enumerate() {
            let comma = if position > 0 { "," } else { "" };
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}-{last}")?,
            }
        }
        self.limit.map_or(Ok(()), |limit| write!(f, "%{limit}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seconds(text: &str) -> Option<u64> {
        match time_limit(text) {
            Ok(TimeLimit::For(time)) => Some(time.as_secs()),
            _ => None,
        }
    }

    #[test]
    fn times_are_read_in_every_form_of_slurm() {
        for (text, expected) in [
            ("90", 5400),
            ("1:30", 90),
            ("1:15:00", 4500),
            ("100:00:00", 360_000),
            ("2-3", 183_600),
            ("2-3:30", 185_400),
            ("2-3:30:15", 185_415),
            ("0:02", 2),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in ["0", "UNLIMITED", "infinite", "-1", "0:00"] {
            assert_eq!(time_limit(text), Ok(TimeLimit::Unlimited), "{text}");
        }
        for text in ["", ":", "1:60", "1:2:3:4", "2-", "-", "2-1:2:3:4", "1h", "1:75:00", "+3"] {
            assert!(time_limit(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_mebibytes_unless_they_say_otherwise() {
        for (text, expected) in [
            ("6GB", 6 << 30),
            ("6g", 6 << 30),
            ("512M", 512 << 20),
            ("4000", 4000 << 20),
            ("16K", 16 << 10),
            ("1T", 1 << 40),
            ("2.5G", 2 * (1 << 30) + (1 << 29)),
        ] {
            assert_eq!(memory_bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "G", "B", "-1", "1.G", "1.2345G", "1e3", "6 GB", "9999999T", "é"] {
            assert!(memory_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn arrays_are_ranges_lists_and_steps() {
        let indices = |text: &str| text.parse::<Array>().map(|a| a.indices().collect::<Vec<_>>());
        assert_eq!(indices("0-3"), Ok(vec![0, 1, 2, 3]));
        assert_eq!(indices("7,1,3-4,4"), Ok(vec![1, 3, 4, 7]));
        assert_eq!(indices("0-10:5"), Ok(vec![0, 5, 10]));
        assert_eq!("0-9%3".parse::<Array>().unwrap().limit(), Some(3));
        for text in ["", "3-1", "1,,2", "0-9:0", "a", "1%", "1:2", "0-4000000000", "0-100000"] {
            assert!(text.parse::<Array>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn arrays_round_trip(
            indices in proptest::collection::btree_set(0u32..MAX_TASKS, 1..30),
            limit in proptest::option::of(1u32..100),
        ) {
            let array = Array { indices, limit };
            prop_assert_eq!(array.to_string().parse::<Array>(), Ok(array));
        }

        #[test]
        fn a_time_written_out_is_read_back(days in 0u64..100, h in 0u64..24, m in 0u64..60, s in 1u64..60) {
            let total = days * 86_400 + h * 3600 + m * 60 + s;
            prop_assert_eq!(seconds(&format!("{days}-{h:02}:{m:02}:{s:02}")), Some(total));
        }

        #[test]
        fn no_text_makes_a_value_panic(text in ".*") {
            let _ = time_limit(&text);
            let _ = memory_bytes(&text);
            let _ = text.parse::<Array>();
        }
    }
}
