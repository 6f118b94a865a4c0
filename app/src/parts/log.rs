//! The text of a log, lines that tell of errors standing out.

use leptos::prelude::*;

use crate::live::pieces;

/// The text as it goes into a `<pre>`.
pub fn log_text(text: &str) -> impl IntoView + use<> {
    pieces(text)
        .into_iter()
        .map(|(error, piece)| {
            let piece = piece.to_owned();
            if error { view! { <mark>{piece}</mark> }.into_any() } else { piece.into_any() }
        })
        .collect::<Vec<_>>()
}

/// The text in a box that scrolls by itself; `label` names it. At its `end`, the box shows the last
/// lines first.
pub fn log_box(label: String, text: &str, end: bool) -> impl IntoView + use<> {
    let class = if end { "log-box end" } else { "log-box" };
    view! {
        <div class=class role="region" aria-label=label tabindex="0">
            <pre>{log_text(text)}</pre>
        </div>
    }
}
