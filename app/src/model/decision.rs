//! Decisions: what people have decided about runs, beside the run summary, which is never edited.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Author, NightDate, ProdId, RunId, Subrun};

/// What was decided about a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Choice {
    /// The run ends before this subrun, its last one, which is truncated.
    DropLastSubrun {
        /// The subrun that is left out.
        subrun: Subrun,
    },
    /// The run is not processed, as if its type were `EDATA`.
    Exclude,
    /// The run is not to be submitted: the flag `.veto` was put there.
    Veto,
    /// The run's jobs get other memory or time than the configuration says.
    Resources {
        /// Memory a processor, such as `12GB`.
        memory: Option<String>,
        /// Walltime, such as `2:30:00`.
        walltime: Option<String>,
    },
}

impl Choice {
    /// What acts, as the end of a sentence about the run: `is excluded (EDATA)`.
    pub fn effect(&self) -> String {
        match self {
            Self::DropLastSubrun { subrun } => format!("ends before subrun {subrun}"),
            Self::Exclude => "is excluded (EDATA)".to_owned(),
            Self::Veto => "is vetoed".to_owned(),
            Self::Resources { memory, walltime } => {
                let memory = memory.as_ref().map(|memory| format!("{memory} of memory"));
                let walltime =
                    walltime.as_ref().map(|walltime| format!("a walltime of {walltime}"));
                let parts: Vec<String> = memory.into_iter().chain(walltime).collect();
                format!("gets {}", parts.join(" and "))
            }
        }
    }
}

/// A decision and who made it. It acts until it is undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct Decision {
    /// Its number.
    pub id: i64,
    /// The night.
    pub night: NightDate,
    /// The production.
    pub prod_id: ProdId,
    /// The run.
    pub run: RunId,
    /// What was decided.
    #[serde(flatten)]
    pub choice: Choice,
    /// Why, in the words of whoever decided; may be empty.
    pub reason: String,
    /// Who decided.
    pub author: Author,
    /// When.
    pub made: DateTime<Utc>,
    /// Who undid it, and when.
    pub undone: Option<Undone>,
}

/// The end of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct Undone {
    /// Who undid it.
    pub author: Author,
    /// When.
    pub at: DateTime<Utc>,
}

impl Decision {
    /// One sentence: what acts on which run, who decided it, and when.
    pub fn sentence(&self) -> String {
        let why = if self.reason.is_empty() { String::new() } else { format!(": {}", self.reason) };
        format!(
            "run {} {} (decision {} of {}, {}{why})",
            self.run,
            self.choice.effect(),
            self.id,
            self.author,
            self.made.format("%Y-%m-%d %H:%M UTC")
        )
    }
}
