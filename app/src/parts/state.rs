//! States as people see them: icon, word and colour, always all three.

use std::collections::BTreeMap;

use leptos::prelude::*;

use crate::model::{Condition, JobState, NightState, Severity};

/// The kinds of state that have an icon and a colour of their own. Style sheets know them by the
/// class name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing is being done.
    Idle,
    /// Waiting for its turn.
    Waiting,
    /// At work.
    Running,
    /// Went wrong.
    Failed,
    /// Worth a look.
    Warning,
    /// Ended well.
    Done,
    /// Done and put away.
    Closed,
    /// A word that this program does not know.
    Unknown,
}

impl Tone {
    /// Name of the class in the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Warning => "warn",
            Self::Done => "done",
            Self::Closed => "closed",
            Self::Unknown => "unknown",
        }
    }
}

impl From<NightState> for Tone {
    fn from(state: NightState) -> Self {
        match state {
            NightState::Empty | NightState::Fresh => Self::Idle,
            NightState::Processing => Self::Running,
            NightState::Failing => Self::Failed,
            NightState::Processed => Self::Done,
            NightState::Closed => Self::Closed,
        }
    }
}

impl From<Condition> for Tone {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Idle => Self::Idle,
            Condition::Waiting => Self::Waiting,
            Condition::Running => Self::Running,
            Condition::Failed => Self::Failed,
            Condition::Done => Self::Done,
        }
    }
}

impl From<&JobState> for Tone {
    fn from(state: &JobState) -> Self {
        match state {
            JobState::Completed => Self::Done,
            JobState::Other(_) => Self::Unknown,
            state if state.is_running() => Self::Running,
            state if state.is_waiting() => Self::Waiting,
            _ => Self::Failed,
        }
    }
}

impl From<Severity> for Tone {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Idle,
            Severity::Warning => Self::Waiting,
            Severity::Error => Self::Failed,
        }
    }
}

/// Icon, word and colour.
pub fn badge(tone: Tone, word: impl ToString) -> impl IntoView {
    view! {
        <span class=format!("state {}", tone.class())>
            <i class="icon" aria-hidden="true"></i>
            {word.to_string()}
        </span>
    }
}

/// State of a job in Slurm's word, a dash if there is no job.
pub fn job_badge(state: Option<&JobState>) -> impl IntoView + use<> {
    match state {
        Some(state) => badge(state.into(), state.as_str()).into_any(),
        None => "–".into_any(),
    }
}

/// How many tasks are in which state.
pub fn task_counts(counts: &BTreeMap<JobState, u32>) -> AnyView {
    let badges = counts.iter().map(|(state, number)| {
        let word = state.as_str().to_lowercase().replace('_', " ");
        badge(state.into(), format!("{number} {word}"))
    });
    let badges = badges.collect::<Vec<_>>();
    if badges.is_empty() { "–".into_any() } else { badges.into_any() }
}
