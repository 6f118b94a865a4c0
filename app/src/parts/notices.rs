//! What a shifter should know.

use leptos::prelude::*;

use super::state::Tone;
use crate::model::{Notice, Severity};

/// The notices, the most serious first, each with what to do; nothing if there are none.
pub fn notices(notices: &[Notice]) -> impl IntoView + use<> {
    let mut notices = notices.to_vec();
    notices.sort_by_key(|notice| std::cmp::Reverse(notice.severity));
    let items = notices.into_iter().map(notice).collect::<Vec<_>>();
    (!items.is_empty()).then(|| {
        view! {
            <section class="notices" aria-label="Notices">
                <ul>{items}</ul>
            </section>
        }
    })
}

fn notice(notice: Notice) -> impl IntoView {
    let word = match notice.severity {
        Severity::Info => "Note",
        Severity::Warning => "Warning",
        Severity::Error => "Error",
    };
    let tone = Tone::from(notice.severity);
    view! {
        <li class=format!("notice {}", tone.class())>
            <i class="icon" aria-hidden="true"></i>
            <div>
                <strong>{word}": "</strong>
                {notice.message}
                {(!notice.hint.is_empty()).then(|| view! { <p class="hint">{notice.hint}</p> })}
            </div>
        </li>
    }
}
