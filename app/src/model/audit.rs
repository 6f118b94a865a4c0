//! The audit log: who did what to a night.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{IdError, NightDate, ProdId};

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub enum Author {
    /// A user of the machine, on the command line: `cli:jane`.
    Cli(String),
    /// A user of the pages: `web:jane`.
    Web(String),
    /// A program with a token of nobody's: `token:cron`.
    Token(String),
    /// The automatic closer: `auto`.
    Auto,
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cli(name) => write!(f, "cli:{name}"),
            Self::Web(name) => write!(f, "web:{name}"),
            Self::Token(name) => write!(f, "token:{name}"),
            Self::Auto => f.write_str("auto"),
        }
    }
}

impl FromStr for Author {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        match text.split_once(':') {
            Some(("cli", name)) if !name.is_empty() => Ok(Self::Cli(name.to_owned())),
            Some(("web", name)) if !name.is_empty() => Ok(Self::Web(name.to_owned())),
            Some(("token", name)) if !name.is_empty() => Ok(Self::Token(name.to_owned())),
            None if text == "auto" => Ok(Self::Auto),
            _ => Err(IdError {
                text: text.to_owned(),
                expected: "an author such as cli:jane, web:jane or auto",
            }),
        }
    }
}

impl TryFrom<String> for Author {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Author> for String {
    fn from(author: Author) -> Self {
        author.to_string()
    }
}

/// The outcome of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct ActionOutcome {
    /// Whether all of it succeeded.
    pub success: bool,
    /// In one line.
    pub message: String,
}

/// A line of a night's audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct AuditEntry {
    /// Its number.
    pub id: i64,
    /// The night.
    pub night: NightDate,
    /// The production.
    pub prod_id: ProdId,
    /// Who.
    pub author: Author,
    /// The program that did it, as `user@host:pid`.
    pub process: String,
    /// What, in one word: `launch`, `cancel`, `close`, `resubmit`, `decide`, `copy_datacheck`.
    pub action: String,
    /// What was to be done, as the action's plan has it.
    pub plan: serde_json::Value,
    /// The outcome; `None` while it is in progress, and forever if its program died.
    pub outcome: Option<ActionOutcome>,
    /// When it began.
    pub begun: DateTime<Utc>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authors_print_as_they_are_read() {
        for text in ["cli:jane", "web:jane/nightly", "token:cron", "auto"] {
            assert_eq!(text.parse::<Author>().unwrap().to_string(), text);
        }
        for bad in ["", "jane", "cli:", "auto:jane", "root:jane"] {
            assert!(bad.parse::<Author>().is_err(), "{bad:?}");
        }
    }
}
