//! Publishing a night's datacheck: what is copied where, and what is missing.

use serde::{Deserialize, Serialize};

use super::{NightDate, ProdId};

/// What copying a night's datacheck would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct PublishPlan {
    /// The night.
    pub date: NightDate,
    /// The production.
    pub prod_id: ProdId,
    /// The machine that is copied to over ssh; `None`: a directory of this machine.
    pub host: Option<String>,
    /// The directory there.
    pub root: String,
    /// The files that are there to be copied.
    pub files: Vec<PublishFile>,
    /// What was looked for and is not there.
    pub missing: Vec<MissingProduct>,
}

impl PublishPlan {
    /// How many files are new, or other than what was copied before; all of them if it is not known.
    pub fn changed(&self) -> usize {
        self.files.iter().filter(|file| file.state != CopyState::Same).count()
    }
}

/// One file to be copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct PublishFile {
    /// Where it is.
    pub source: String,
    /// Where it goes, relative to the plan's root.
    pub destination: String,
    /// Its size.
    pub bytes: u64,
    /// When it was last changed, in seconds since 1970.
    pub modified: i64,
    /// Whether it must be copied.
    pub state: CopyState,
    /// Why it could not be copied, once that was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What is known of a file's copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CopyState {
    /// The other machine has not been asked yet.
    Unknown,
    /// There is no copy.
    New,
    /// The copy has another size or time.
    Changed,
    /// The copy is there.
    Same,
    /// It was copied now.
    Copied,
}

impl CopyState {
    /// The word shown to people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::New => "new",
            Self::Changed => "changed",
            Self::Same => "the same",
            Self::Copied => "copied",
        }
    }
}

/// Something that was looked for and is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct MissingProduct {
    /// What: `datacheck_dl1 pdf of run 19102`.
    pub what: String,
    /// Why it is not there, as far as can be told.
    pub reason: String,
}
