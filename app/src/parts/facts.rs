//! Short facts in a row: a term and its value.

use leptos::prelude::*;

use super::state::badge;
use crate::model::Condition;

/// One fact.
pub fn fact(term: &'static str, value: impl IntoView) -> impl IntoView {
    view! {
        <div>
            <dt>{term}</dt>
            <dd>{value.into_view()}</dd>
        </div>
    }
}

/// How many subruns are in which condition; a dash where none is known.
pub fn conditions(count: impl Fn(Condition) -> u32) -> AnyView {
    use Condition::{Done, Failed, Idle, Running, Waiting};
    let counts = [Done, Running, Waiting, Failed, Idle]
        .into_iter()
        .map(|condition| (count(condition), condition))
        .filter(|(number, _)| *number > 0)
        .map(|(number, condition)| {
            badge(condition.into(), format!("{number} {}", condition.as_str()))
        })
        .collect::<Vec<_>>();
    if counts.is_empty() { "–".into_any() } else { counts.into_any() }
}
