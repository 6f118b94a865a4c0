//! Whether the scheduler answers, and a plain banner when it does not.

use leptos::either::Either;
use leptos::prelude::*;

use super::format;
use super::state::Tone;
use crate::model::SchedulerHealth;

/// The banner while the scheduler does not answer, is not the night's or was not asked yet; nothing while
/// all is well.
pub fn banner(health: &SchedulerHealth) -> impl IntoView + use<> {
    let engine = name(&health.engine);
    let (since, error) = match (&health.error, &health.elsewhere, health.answered) {
        (Some(error), _, Some(time)) => (
            format!(
                "{engine} has not answered since {}. Job states are as of then; files are up to \
                 date.",
                format::utc(time)
            ),
            error.clone(),
        ),
        (Some(error), _, None) => (
            format!("{engine} has not answered yet. Job states are unknown; files are up to date."),
            error.clone(),
        ),
        (None, Some(elsewhere), _) => (
            "This night was submitted to another scheduler. Job states are unknown; files are up \
             to date."
                .to_owned(),
            elsewhere.clone(),
        ),
        (None, None, _) => return health.unasked.clone().map(not_yet).map(Either::Left),
    };
    let hint = health.hint.clone().filter(|_| health.error.is_some());
    let text = view! { <strong>{since}</strong> };
    let hints = std::iter::once(error).chain(hint);
    Some(Either::Right(super::banner::banner(Tone::Failed, "status", text, hints)))
}

/// What is not known yet is no failure.
fn not_yet(unasked: String) -> impl IntoView {
    view! { <p class="hint" role="status">{unasked}</p> }
}

/// The engine's name for people.
pub fn name(engine: &str) -> &str {
    match engine {
        "slurm" => "Slurm",
        "local" => "The local scheduler",
        other => other,
    }
}
