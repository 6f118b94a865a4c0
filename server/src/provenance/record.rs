//! The records of `prov.log`, and which run of which activity they belong to.

use crate::model::RunId;

use super::literal::{Dict, LiteralError};

/// What the pipeline does to make products of raw data, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Activity {
    /// Baseline of the readout chip.
    Drs4Pedestal,
    /// Charge calibration.
    CalibrateCharge,
    /// Raw data to DL1a and muons.
    R0ToDl1,
    /// DL1a to DL1b.
    Dl1ab,
    /// Datacheck of DL1b.
    Dl1Datacheck,
    /// DL1b to DL2.
    Dl1ToDl2,
}

impl Activity {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [
        Self::Drs4Pedestal,
        Self::CalibrateCharge,
        Self::R0ToDl1,
        Self::Dl1ab,
        Self::Dl1Datacheck,
        Self::Dl1ToDl2,
    ];

    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Drs4Pedestal => "drs4_pedestal",
            Self::CalibrateCharge => "calibrate_charge",
            Self::R0ToDl1 => "r0_to_dl1",
            Self::Dl1ab => "dl1ab",
            Self::Dl1Datacheck => "dl1_datacheck",
            Self::Dl1ToDl2 => "dl1_to_dl2",
        }
    }

    /// Whether it is part of the calibration, which all runs of a night share.
    pub fn is_calibration(self) -> bool {
        matches!(self, Self::Drs4Pedestal | Self::CalibrateCharge)
    }

    fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|activity| activity.name() == name)
    }
}

/// What a `session_tag` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag {
    /// The activity.
    pub activity: Activity,
    /// Whose it is.
    pub subject: Subject,
}

/// The run, or the two runs of a calibration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A data run.
    Run(RunId),
    /// A calibration.
    Calibration {
        /// Its DRS4 run.
        drs4: RunId,
        /// Its pedestal and flat-field run.
        pedcal: RunId,
    },
}

impl Tag {
    /// Reads `activity:RUN` or `activity:DRS4-PEDCAL`; `None` if it is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let (activity, subject) = text.split_once(':')?;
        let activity = Activity::of_name(activity)?;
        let subject = match subject.split_once('-') {
            None => Subject::Run(subject.parse().ok()?),
            Some((drs4, pedcal)) => {
                Subject::Calibration { drs4: drs4.parse().ok()?, pedcal: pedcal.parse().ok()? }
            }
        };
        Some(Self { activity, subject })
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.activity.name(), self.subject)
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Run(run) => write!(f, "{run}"),
            Self::Calibration { drs4, pedcal } => write!(f, "{drs4}-{pedcal}"),
        }
    }
}

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `session_id`: the program, its machine and its surroundings.
    Session,
    /// `activity_id` with `name` and `startTime`.
    Start,
    /// `activity_id` with `parameters`.
    Parameters,
    /// `entity_id`: a file or a collection of files.
    Entity,
    /// `activity_id` with `used_id` and `used_role`.
    Usage,
    /// `activity_id` with `generated_id` and `generated_role`.
    Generation,
    /// `activity_id` with `endTime`: it has ended well.
    End,
}

/// A record, parsed; the keys that its kind must have are there and are texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What it says.
    pub kind: Kind,
    /// All of it.
    pub dict: Dict,
}

/// Why a line is not a record: where in its braces, and what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not a literal.
    #[error(transparent)]
    Literal(#[from] LiteralError),
    /// A record of an unknown kind.
    #[error("none of the known records (it has neither session_id, entity_id nor activity_id)")]
    Unknown,
    /// A key is missing or no text.
    #[error("the key {0} is missing or not a text")]
    Key(&'static str),
}

impl Record {
    /// Parses the braces of a line.
    pub fn parse(body: &[u8]) -> Result<Self, RecordError> {
        Self::of(Dict::parse(body)?)
    }

    /// Tells what a dictionary says.
    pub fn of(dict: Dict) -> Result<Self, RecordError> {
        let has = |key| dict.get(key).is_some();
        let (kind, keys): (_, &[&'static str]) = if has("session_id") {
            (Kind::Session, &["session_id"])
        } else if has("entity_id") {
            (Kind::Entity, &["entity_id", "name"])
        } else if !has("activity_id") {
            return Err(RecordError::Unknown);
        } else if has("used_id") {
            (Kind::Usage, &["activity_id", "used_id"])
        } else if has("generated_id") {
            (Kind::Generation, &["activity_id", "generated_id"])
        } else if has("parameters") {
            (Kind::Parameters, &["activity_id"])
        } else if has("name") {
            (Kind::Start, &["activity_id", "name"])
        } else if has("endTime") {
            (Kind::End, &["activity_id", "endTime"])
        } else {
            return Err(RecordError::Unknown);
        };
        match keys.iter().find(|key| dict.text(key).is_none()) {
            Some(key) => Err(RecordError::Key(key)),
            None => Ok(Self { kind, dict }),
        }
    }

    /// Whether the braces hold a session record, without parsing its 20 kB.
    pub fn is_session(body: &[u8]) -> bool {
        let inner = body.get(1..).unwrap_or_default().trim_ascii_start();
        inner.starts_with(b"'session_id'") || inner.starts_with(b"\"session_id\"")
    }

    /// A key's text, empty if there is none.
    pub fn text(&self, key: &str) -> &str {
        self.dict.text(key).unwrap_or_default()
    }
}

impl RecordError {
    /// Where in the braces, from 1.
    pub fn column(&self) -> usize {
        match self {
            Self::Literal(error) => error.column,
            Self::Unknown | Self::Key(_) => 1,
        }
    }

    /// What is wrong, without the place.
    pub fn problem(&self) -> String {
        match self {
            Self::Literal(error) => error.problem.to_owned(),
            other => other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_with_or_without_leading_zeros() {
        let tag = Tag::parse("dl1ab:1910").unwrap();
        assert_eq!(tag, Tag { activity: Activity::Dl1ab, subject: Subject::Run(RunId(1910)) });
        assert_eq!(tag.to_string(), "dl1ab:01910");
        let tag = Tag::parse("drs4_pedestal:19100-19101").unwrap();
        assert_eq!(tag.to_string(), "drs4_pedestal:19100-19101");
        for other in ["", "dl1ab", "dl1ab:", "dl1ab:19102.0001", "other:19102", "dl1ab:1-2-3"] {
            assert_eq!(Tag::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn records_without_their_keys_are_refused() {
        let kind = |text: &str| Record::parse(text.as_bytes()).map(|record| record.kind);
        assert_eq!(kind("{'activity_id': 'a', 'endTime': 't'}"), Ok(Kind::End));
        assert_eq!(kind("{'activity_id': 'a', 'used_id': 'e'}"), Ok(Kind::Usage));
        assert_eq!(
            kind("{'activity_id': 3, 'endTime': 't'}"),
            Err(RecordError::Key("activity_id"))
        );
        assert_eq!(kind("{'activity_id': 'a'}"), Err(RecordError::Unknown));
        assert_eq!(kind("{'entity_id': 'a'}"), Err(RecordError::Key("name")));
        assert!(Record::is_session(b"{ 'session_id': 1"));
        assert!(!Record::is_session(b"{"));
    }
}
