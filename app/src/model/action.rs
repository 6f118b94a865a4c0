//! The actions of a shifter on a night, each shown as a plan before it is executed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    ActionOutcome, Author, ClosingProgress, IdError, JobId, NightDate, Remedy, RunId, Subrun,
    hostlist, spans,
};

/// Something that a shifter can do to a night.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Whatever is left is submitted.
    Launch,
    /// The night is closed.
    Close {
        /// There is no DL2.
        no_dl2: bool,
    },
    /// The data quality files are copied to the web server.
    CopyDatacheck,
    /// Something about one run or its jobs.
    Remedy(Remedy),
}

/// Names and values of a form or query.
pub type Fields = Vec<(String, String)>;

impl From<Remedy> for Action {
    fn from(remedy: Remedy) -> Self {
        match remedy {
            Remedy::Launch {} => Self::Launch,
            other => Self::Remedy(other),
        }
    }
}

impl Action {
    /// The label of its button.
    pub fn label(&self) -> String {
        match self {
            Self::Launch => "Launch the night".to_owned(),
            Self::Close { no_dl2: false } => "Close the night".to_owned(),
            Self::Close { no_dl2: true } => "Close the night without DL2".to_owned(),
            Self::CopyDatacheck => "Copy the datacheck".to_owned(),
            Self::Remedy(remedy) => remedy.label(),
        }
    }

    /// The run that it is about, if it is about one.
    pub fn run(&self) -> Option<RunId> {
        match self {
            Self::Remedy(
                Remedy::Resubmit { run, .. }
                | Remedy::DropLastSubrun { run }
                | Remedy::ExcludeRun { run }
                | Remedy::Veto { run }
                | Remedy::Unveto { run },
            ) => Some(*run),
            _ => None,
        }
    }

    /// As fields of a form or query; [`Action::from_fields`] reads them.
    pub fn fields(&self) -> Fields {
        let mut fields = Fields::new();
        let mut add = |name: &str, value: String| fields.push((name.to_owned(), value));
        let what = |what: &str| what.to_owned();
        match self {
            Self::Launch | Self::Remedy(Remedy::Launch {}) => add("what", what("launch")),
            Self::Close { no_dl2 } => {
                add("what", what("close"));
                if *no_dl2 {
                    add("no_dl2", what("on"));
                }
            }
            Self::CopyDatacheck => add("what", what("copy-datacheck")),
            Self::Remedy(Remedy::Resubmit {
                run,
                subruns,
                memory,
                walltime,
                remove_products,
                exclude_nodes,
            }) => {
                add("what", what("resubmit"));
                add("run", run.to_string());
                if !subruns.is_empty() {
                    add("subruns", spans(subruns));
                }
                for (name, value) in
                    [("memory", memory), ("walltime", walltime), ("exclude_nodes", exclude_nodes)]
                {
                    if let Some(value) = value {
                        add(name, value.clone());
                    }
                }
                if *remove_products {
                    add("remove_products", what("on"));
                }
            }
            Self::Remedy(Remedy::DropLastSubrun { run }) => {
                add("what", what("drop-last-subrun"));
                add("run", run.to_string());
            }
            Self::Remedy(Remedy::ExcludeRun { run }) => {
                add("what", what("exclude"));
                add("run", run.to_string());
            }
            Self::Remedy(Remedy::Veto { run }) => {
                add("what", what("veto"));
                add("run", run.to_string());
            }
            Self::Remedy(Remedy::Unveto { run }) => {
                add("what", what("unveto"));
                add("run", run.to_string());
            }
            Self::Remedy(Remedy::CancelNever { jobs }) => {
                let jobs: Vec<_> = jobs.iter().map(ToString::to_string).collect();
                add("what", what("cancel-never"));
                add("jobs", jobs.join(","));
            }
            Self::Remedy(Remedy::Undo { decision }) => {
                add("what", what("undo"));
                add("decision", decision.to_string());
            }
        }
        fields
    }

    /// Reads what [`Action::fields`] wrote; other fields are ignored.
    ///
    /// # Errors
    /// A field is missing or cannot be read.
    pub fn from_fields(fields: &[(String, String)]) -> Result<Self, IdError> {
        let field = |name: &str| {
            let found = fields.iter().find(|(other, _)| other == name);
            found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
        };
        let run = || field("run").unwrap_or_default().parse::<RunId>();
        let wrong = |text: &str, expected| IdError { text: text.to_owned(), expected };
        let remedy = match field("what").unwrap_or_default() {
            "launch" => return Ok(Self::Launch),
            "close" => return Ok(Self::Close { no_dl2: field("no_dl2").is_some() }),
            "copy-datacheck" => return Ok(Self::CopyDatacheck),
            "resubmit" => Remedy::Resubmit {
                run: run()?,
                subruns: read_spans(field("subruns").unwrap_or_default())?,
                memory: field("memory").map(str::to_owned),
                walltime: field("walltime").map(str::to_owned),
                remove_products: field("remove_products").is_some(),
                exclude_nodes: field("exclude_nodes").map(hostlist).transpose()?,
            },
            "drop-last-subrun" => Remedy::DropLastSubrun { run: run()? },
            "exclude" => Remedy::ExcludeRun { run: run()? },
            "veto" => Remedy::Veto { run: run()? },
            "unveto" => Remedy::Unveto { run: run()? },
            "cancel-never" => {
                let text = field("jobs").unwrap_or_default();
                let jobs: Result<Vec<_>, _> =
                    text.split(',').map(|job| job.parse().map(JobId)).collect();
                let jobs = jobs.map_err(|_| wrong(text, "numbers of jobs such as 1007,1008"))?;
                Remedy::CancelNever { jobs }
            }
            "undo" => {
                let text = field("decision").unwrap_or_default();
                let decision = text.parse().map_err(|_| wrong(text, "the number of a decision"))?;
                Remedy::Undo { decision }
            }
            other => {
                return Err(wrong(other, "an action such as launch, close, resubmit, veto"));
            }
        };
        Ok(Self::Remedy(remedy))
    }
}

/// Subruns as [`spans`] writes them, `0-2,4`, in order and each once.
///
/// # Errors
/// The text is something else, or names more than ten thousand.
pub fn read_spans(text: &str) -> Result<Vec<Subrun>, IdError> {
    const MOST: usize = 10_000;
    let wrong = || IdError { text: text.to_owned(), expected: "subruns such as 0-2,4" };
    let mut found = std::collections::BTreeSet::new();
    for part in text.split(',').filter(|_| !text.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<u32>().map_err(|_| wrong());
        let (first, last) = (number(first)?, number(last)?);
        if first > last || (last - first) as usize >= MOST || found.len() >= MOST {
            return Err(wrong());
        }
        found.extend(first..=last);
    }
    Ok(found.into_iter().map(Subrun).collect())
}

/// What an action would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct ActionPlan {
    /// The night.
    pub date: NightDate,
    /// What was requested.
    pub action: Action,
    /// What prevents it, each in a sentence or two; empty if nothing does.
    pub obstacles: Vec<String>,
    /// Reasons to reconsider, such as runs that are not finished; the user confirms them as well.
    pub doubts: Vec<String>,
    /// What is done, in order.
    pub steps: Vec<PlannedStep>,
    /// How many jobs are submitted.
    pub jobs: usize,
    /// How many files are moved, copied or removed.
    pub files: usize,
    /// Their size.
    pub bytes: u64,
    /// Identifies this plan: what is executed is what was shown.
    pub mark: String,
}

/// A step of a plan: one line, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct PlannedStep {
    /// What is done.
    pub title: String,
    /// With what: files, commands.
    pub items: Vec<String>,
}

/// What is being done to a night and what was done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct NightActivity {
    /// The last closing, if there was one.
    pub closing: Option<ClosingProgress>,
    /// The last lines of the audit log, the newest first.
    pub audit_log: Vec<AuditLine>,
}

impl NightActivity {
    /// Whether nothing was ever done.
    pub fn is_empty(&self) -> bool {
        self.closing.is_none() && self.audit_log.is_empty()
    }

    /// What is being done now.
    pub fn under_way(&self) -> impl Iterator<Item = &AuditLine> {
        self.audit_log.iter().filter(|line| line.under_way)
    }
}

/// A line of a night's audit log, as the night's page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct AuditLine {
    /// Its number.
    pub id: i64,
    /// Who.
    pub author: Author,
    /// What, in one word.
    pub action: String,
    /// When it began.
    pub begun: DateTime<Utc>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
    /// The outcome; `None` while it is in progress, and forever if its program died.
    pub outcome: Option<ActionOutcome>,
    /// Whether it is being done now.
    pub under_way: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Action> {
        let run = RunId(19102);
        let resubmit = |subruns: &[u32], memory: Option<&str>, remove_products| Remedy::Resubmit {
            run,
            subruns: subruns.iter().copied().map(Subrun).collect(),
            memory: memory.map(str::to_owned),
            walltime: memory.map(|_| "2:30:00".to_owned()),
            remove_products,
            exclude_nodes: memory.map(|_| "cp01,cp[03-05]".to_owned()),
        };
        let remedies = [
            resubmit(&[], None, false),
            resubmit(&[0, 1, 2, 7], Some("12GB"), true),
            Remedy::DropLastSubrun { run },
            Remedy::ExcludeRun { run },
            Remedy::Veto { run },
            Remedy::Unveto { run },
            Remedy::CancelNever { jobs: vec![JobId(7), JobId(9)] },
            Remedy::Undo { decision: 3 },
        ];
        let plain = [
            Action::Launch,
            Action::Close { no_dl2: false },
            Action::Close { no_dl2: true },
            Action::CopyDatacheck,
        ];
        plain.into_iter().chain(remedies.map(Action::Remedy)).collect()
    }

    #[test]
    fn actions_are_read_as_they_were_written() {
        for action in all() {
            assert_eq!(Action::from_fields(&action.fields()).as_ref(), Ok(&action));
        }
        assert_eq!(Action::from(Remedy::Launch {}), Action::Launch);
    }

    #[test]
    fn wrong_fields_are_refused() {
        let fields = |text: &str| -> Fields {
            let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        for wrong in [
            "",
            "what=",
            "what=remove",
            "what=veto",
            "what=veto&run=x",
            "what=resubmit&run=19102&subruns=5-3",
            "what=resubmit&run=19102&subruns=0-4294967295",
            "what=resubmit&run=19102&subruns=1,,2",
            "what=resubmit&run=19102&exclude_nodes=cp01 --wrap",
            "what=cancel-never&jobs=",
            "what=undo&decision=../3",
        ] {
            assert!(Action::from_fields(&fields(wrong)).is_err(), "{wrong}");
        }
    }
}
