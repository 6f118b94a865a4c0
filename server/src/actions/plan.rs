//! The one form of plan in which pages show every action.

use crate::internal::InternalError;
use crate::model::{Action, ActionPlan, NightDate, PlannedStep};

/// A plan without anything in it.
pub(super) fn empty(date: NightDate, action: Action) -> ActionPlan {
    ActionPlan {
        date,
        action,
        obstacles: Vec::new(),
        doubts: Vec::new(),
        steps: Vec::new(),
        jobs: 0,
        files: 0,
        bytes: 0,
        mark: String::new(),
    }
}

pub(super) fn step(title: impl Into<String>, items: Vec<String>) -> PlannedStep {
    PlannedStep { title: title.into(), items }
}

/// A hash of all that a plan says.
pub(super) fn mark(plan: &ActionPlan) -> Result<String, InternalError> {
    let unmarked = ActionPlan { mark: String::new(), ..plan.clone() };
    Ok(crate::provenance::digest::sha256_hex(&serde_json::to_vec(&unmarked)?))
}

/// `message; hint`, as one text.
pub(super) fn with_hint(message: &str, hint: &str) -> String {
    if hint.is_empty() { format!("{message}.") } else { format!("{message}. What to do: {hint}.") }
}
