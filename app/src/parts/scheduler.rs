//! Whether the scheduler answers, and a plain banner when it does not.

use leptos::prelude::*;

use super::format;
use crate::model::SchedulerHealth;

/// The banner while the scheduler does not answer; nothing while all is well.
pub fn banner(health: &SchedulerHealth) -> impl IntoView + use<> {
    let error = health.error.clone()?;
    let engine = name(&health.engine);
    let since = match health.answered {
        Some(time) => format!(
            "{engine} has not answered since {}. Job states are as of then; files are up to date.",
            format::utc(time)
        ),
        None => {
            format!("{engine} has not answered yet. Job states are unknown; files are up to date.")
        }
    };
    Some(view! {
        <div class="banner failed" role="status">
            <i class="icon" aria-hidden="true"></i>
            <div>
                <strong>{since}</strong>
                <p class="hint">{error}</p>
            </div>
        </div>
    })
}

/// The engine's name for people.
pub fn name(engine: &str) -> &str {
    match engine {
        "slurm" => "Slurm",
        "local" => "The local scheduler",
        other => other,
    }
}
