//! What stands at the top of a page and is read out at once.

use leptos::prelude::*;

use super::state::Tone;

/// A banner: its text, and below it lines that explain or say what to do. Its role is `alert` if it cannot
/// wait, else `status`.
pub fn banner(
    tone: Tone,
    role: &'static str,
    text: impl IntoView,
    hints: impl IntoIterator<Item = String>,
) -> impl IntoView {
    let hint = |hint: String| view! { <p class="hint">{hint}</p> };
    let hints: Vec<_> = hints.into_iter().map(hint).collect();
    view! {
        <div class=format!("banner {}", tone.class()) role=role>
            <i class="icon" aria-hidden="true"></i>
            <div>{text}{hints}</div>
        </div>
    }
}
