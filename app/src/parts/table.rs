//! Tables that scroll sideways on narrow screens, by keyboard too.

use leptos::prelude::*;

/// A table with its caption and header row, in a region that scrolls by itself and can be focused.
/// Columns are class (`n` for numbers) and title.
pub fn table(
    class: &'static str,
    caption: &'static str,
    columns: &[(&'static str, &'static str)],
    rows: impl IntoView,
) -> impl IntoView {
    let columns = columns
        .iter()
        .map(|&(class, title)| {
            let class = Some(class).filter(|class| !class.is_empty());
            view! { <th scope="col" class=class>{title}</th> }
        })
        .collect::<Vec<_>>();
    view! {
        <div class="scroll" role="region" aria-label=caption tabindex="0">
            <table class=class>
                <caption>{caption}</caption>
                <thead><tr>{columns}</tr></thead>
                <tbody>{rows.into_view()}</tbody>
            </table>
        </div>
    }
}
