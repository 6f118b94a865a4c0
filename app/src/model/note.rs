//! What somebody noted about the data quality of a night or a run.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Author, NightDate, RunId, Undone};

/// That somebody has looked at the data quality of a night or a run, and what they saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct DatacheckNote {
    /// Its number.
    pub id: i64,
    /// The night.
    pub night: NightDate,
    /// The run; `None` if it is about the night as a whole.
    pub run: Option<RunId>,
    /// The sheet of figures that it is about; `None` if it is about all of them.
    pub sheet: Option<String>,
    /// What they saw; empty if they only looked.
    pub text: String,
    /// Who.
    pub author: Author,
    /// When.
    pub made: DateTime<Utc>,
    /// Who withdrew it, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Undone>,
}

/// What is to be noted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct NewNote {
    /// The run; `None` for the night as a whole.
    #[serde(default)]
    pub run: Option<RunId>,
    /// The sheet of figures; `None` for all of them.
    #[serde(default)]
    pub sheet: Option<String>,
    /// What was seen; may be empty.
    #[serde(default)]
    pub text: String,
}

impl NewNote {
    /// The longest text, in letters.
    pub const LONGEST: usize = 2000;

    /// A note from the fields of a form; an empty `sheet` stands for all of them.
    pub fn of_form(run: Option<RunId>, sheet: String, text: String) -> Self {
        Self { run, sheet: Some(sheet).filter(|sheet| !sheet.is_empty()), text }
    }

    /// The same with its text as it is kept: without blanks at its ends, lines ended in one way.
    ///
    /// # Errors
    /// What is wrong with the text, in words.
    pub fn checked(mut self) -> Result<Self, String> {
        self.text = self.text.trim().replace("\r\n", "\n");
        let length = self.text.chars().count();
        if length > Self::LONGEST {
            return Err(format!("a note has at most {} letters, not {length}", Self::LONGEST));
        }
        if self.text.chars().any(|letter| letter.is_control() && letter != '\n' && letter != '\t') {
            return Err("a note has no control characters".to_owned());
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_trimmed_and_bounded() {
        let note = |text: &str| NewNote { text: text.into(), ..NewNote::default() }.checked();
        assert_eq!(note("  a cloud\r\nat 02:10 ").unwrap().text, "a cloud\nat 02:10");
        assert_eq!(note(" \n").unwrap().text, "");
        assert!(note(&"é".repeat(NewNote::LONGEST)).is_ok());
        assert!(note(&"é".repeat(NewNote::LONGEST + 1)).unwrap_err().contains("2001"));
        assert!(note("a\u{1b}[31m").is_err());
    }
}
