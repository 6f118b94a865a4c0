//! Times, durations and sizes as people read them. All times are UTC and say so.

use chrono::{DateTime, Datelike, Timelike, Utc};

/// `2024-11-28 22:14:05 UTC`.
pub fn utc(time: DateTime<Utc>) -> String {
    let (year, month, day) = (time.year(), time.month(), time.day());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// The text as a sentence: a capital letter first and a stop last.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

/// Seconds as `HH:MM:SS`, hours growing beyond two digits if they must.
pub fn hms(seconds: u64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Bytes in decimal units: `812 B`, `1.2 kB`, `34 MB`.
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if size < 1000 {
        return format!("{size} B");
    }
    // In tenths of the unit, so that no floating point is needed.
    let mut tenths = size / 100;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    match tenths {
        0..100 => format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]),
        _ => format!("{} {}", tenths / 10, UNITS[unit]),
    }
}

/// A number with its noun: `1 run`, `6 runs`, for nouns that take an s.
pub fn plural(number: u32, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// The value, or a dash where there is none.
pub fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_say_that_they_are_utc() {
        let time = "2024-11-28T02:04:05Z".parse().unwrap();
        assert_eq!(utc(time), "2024-11-28 02:04:05 UTC");
    }

    #[test]
    fn durations_and_sizes_are_short() {
        assert_eq!(hms(1855), "00:30:55");
        assert_eq!(hms(400_000), "111:06:40");
        assert_eq!([bytes(999), bytes(1234), bytes(34_567)], ["999 B", "1.2 kB", "34 kB"]);
        assert_eq!([bytes(999_999), bytes(1_234_567)], ["999 kB", "1.2 MB"]);
        assert_eq!(bytes(5_000_000_000_000_000), "5000 TB");
    }
}
