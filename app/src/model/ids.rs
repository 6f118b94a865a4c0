//! Names of things: nights, runs, subruns, productions.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, Days, NaiveDate};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A text that is not the identifier it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct IdError {
    /// What was given.
    pub text: String,
    /// What would have been right, with an example.
    pub expected: &'static str,
}

fn wrong(text: &str, expected: &'static str) -> IdError {
    IdError { text: text.to_owned(), expected }
}

/// One stretch of data taking, written with at least five digits (`01910`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct RunId(pub u32);

impl<'de> Deserialize<'de> for RunId {
    /// Reads a number, as JSON has it, or the text form, as addresses and forms have it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RunVisitor;
        impl Visitor<'_> for RunVisitor {
            type Value = RunId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a run number such as 19102")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<RunId, E> {
                let number = u32::try_from(number);
                number.map(RunId).map_err(|_| E::custom("the run number is too large"))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RunId, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(RunVisitor)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05}", self.0)
    }
}

impl FromStr for RunId {
    type Err = IdError;

    /// Accepts one to nine digits, with or without the leading zeros.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let digits = (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        digits
            .then(|| text.parse().ok())
            .flatten()
            .map(Self)
            .ok_or_else(|| wrong(text, "a run number such as 19102"))
    }
}

/// About ten seconds of a run, written with at least four digits (`0003`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Subrun(pub u32);

impl fmt::Display for Subrun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

impl FromStr for Subrun {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let digits = (1..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        digits
            .then(|| text.parse().ok())
            .flatten()
            .map(Self)
            .ok_or_else(|| wrong(text, "a subrun number such as 0003"))
    }
}

/// A subrun of a given run, written `19102.0003`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct SubrunId {
    /// The run.
    pub run: RunId,
    /// Its subrun, counted from 0.
    pub subrun: Subrun,
}

impl fmt::Display for SubrunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.run, self.subrun)
    }
}

impl FromStr for SubrunId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let expected = "a run and subrun such as 19102.0003";
        let (run, subrun) = text.split_once('.').ok_or_else(|| wrong(text, expected))?;
        match (run.parse(), subrun.parse()) {
            (Ok(run), Ok(subrun)) => Ok(Self { run, subrun }),
            _ => Err(wrong(text, expected)),
        }
    }
}

/// A night, named by the date of its evening: `2024-11-28` in text, `20241128` in paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct NightDate(NaiveDate);

impl NightDate {
    /// The night whose evening has this date.
    pub fn new(date: NaiveDate) -> Self {
        Self(date)
    }

    /// The calendar date of the evening.
    pub fn date(self) -> NaiveDate {
        self.0
    }

    /// The form used in paths, `20241128`.
    pub fn compact(self) -> String {
        format!("{:04}{:02}{:02}", self.0.year(), self.0.month(), self.0.day())
    }

    /// Reads the form used in paths, `20241128`.
    pub fn from_compact(text: &str) -> Result<Self, IdError> {
        let expected = "a date such as 20241128";
        if text.len() != 8 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong(text, expected));
        }
        NaiveDate::parse_from_str(text, "%Y%m%d").map(Self).map_err(|_| wrong(text, expected))
    }

    /// The night `days` before this one; the earliest date there is if that is too many.
    #[must_use]
    pub fn days_before(self, days: u32) -> Self {
        Self(self.0.checked_sub_days(Days::new(days.into())).unwrap_or(NaiveDate::MIN))
    }
}

impl fmt::Display for NightDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

impl FromStr for NightDate {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let expected = "a date such as 2024-11-28";
        let bytes = text.as_bytes();
        let shape = bytes.len() == 10
            && bytes.iter().enumerate().all(|(i, b)| match i {
                4 | 7 => *b == b'-',
                _ => b.is_ascii_digit(),
            });
        if !shape {
            return Err(wrong(text, expected));
        }
        NaiveDate::parse_from_str(text, "%Y-%m-%d").map(Self).map_err(|_| wrong(text, expected))
    }
}

impl TryFrom<String> for NightDate {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<NightDate> for String {
    fn from(night: NightDate) -> Self {
        night.to_string()
    }
}

/// A production (`v0.10.18`) or sub-production (`tailcut84`): one component of a path.
///
/// Letters, digits, `.`, `_`, `+` and `-`, not beginning with `.` or `-`, so that it can neither
/// leave its directory nor be taken for an option.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct ProdId(String);

impl ProdId {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProdId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ProdId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'+' | b'-');
        if !text.is_empty()
            && text.len() <= 100
            && !text.starts_with(['.', '-'])
            && text.bytes().all(good)
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(wrong(
                text,
                "a production name such as v0.10.18 (letters, digits, '.', '_', '+', '-')",
            ))
        }
    }
}

impl TryFrom<String> for ProdId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<ProdId> for String {
    fn from(prod: ProdId) -> Self {
        prod.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_read_from_numbers_and_from_its_text() {
        let read = serde_json::from_str::<RunId>;
        assert_eq!(read("19102").unwrap(), RunId(19102));
        assert_eq!(read("\"01910\"").unwrap(), RunId(1910));
        assert!(read("\"191o2\"").unwrap_err().to_string().contains("a run number such as"));
        for wrong in ["-1", "1.5", "4294967296", "null", "\"\""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(serde_json::to_string(&RunId(1910)).unwrap(), "1910");
    }
    use proptest::prelude::*;

    #[test]
    fn a_run_keeps_its_leading_zeros_in_text() {
        assert_eq!("1910".parse::<RunId>().unwrap().to_string(), "01910");
        assert_eq!("01910".parse::<RunId>().unwrap(), RunId(1910));
        for bad in ["", "-1", "19102.0001", "+5", "1e3", " 1", "9999999999"] {
            assert!(bad.parse::<RunId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_night_has_two_spellings_and_no_others() {
        let night: NightDate = "2024-11-28".parse().unwrap();
        assert_eq!(night.compact(), "20241128");
        assert_eq!(NightDate::from_compact("20241128").unwrap(), night);
        assert_eq!(night.days_before(28).to_string(), "2024-10-31");
        for bad in ["2024-11-31", "20241128", "2024-1-28", "../../etc", "+024-11-28"] {
            assert!(bad.parse::<NightDate>().is_err(), "{bad:?}");
        }
        assert!(NightDate::from_compact("2024112").is_err());
    }

    #[test]
    fn a_production_cannot_leave_its_directory() {
        for bad in ["", "..", ".hidden", "-rf", "a/b", "a b", "a\n"] {
            assert!(bad.parse::<ProdId>().is_err(), "{bad:?}");
        }
        assert_eq!("v0.10.18".parse::<ProdId>().unwrap().as_str(), "v0.10.18");
    }

    proptest! {
        #[test]
        fn subrun_ids_round_trip(run in 0u32..1_000_000, subrun in 0u32..100_000) {
            let id = SubrunId { run: RunId(run), subrun: Subrun(subrun) };
            prop_assert_eq!(id.to_string().parse::<SubrunId>().unwrap(), id);
        }

        #[test]
        fn no_text_makes_a_parser_panic(text in ".*") {
            let _ = text.parse::<RunId>();
            let _ = text.parse::<SubrunId>();
            let _ = text.parse::<NightDate>();
            let _ = NightDate::from_compact(&text);
            let _ = text.parse::<ProdId>();
        }
    }
}
