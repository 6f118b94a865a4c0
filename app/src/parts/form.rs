//! Forms: a button that does something, and what came of it.

use leptos::prelude::*;

use super::state::Tone;
use crate::people::{FormToken, Said};

/// A button that does something: a form of its own, which works without scripts. The text after
/// `of` is for those who do not see which row it stands in.
pub fn deed(
    action: &str,
    text: &'static str,
    of: &str,
    class: &'static str,
) -> impl IntoView + use<> {
    let class = Some(class).filter(|class| !class.is_empty());
    let action = action.to_owned();
    let of = Some(of.to_owned()).filter(|of| !of.is_empty());
    let of = of.map(|of| view! { <span class="unseen">" "{of}</span> });
    view! {
        <form method="post" action=action>
            <FormToken/>
            <button class=class>{text}{of}</button>
        </form>
    }
}

/// What came of the last form, read out at once.
pub fn said(said: &Said) -> impl IntoView + use<> {
    let (tone, role) = if said.done { (Tone::Done, "status") } else { (Tone::Failed, "alert") };
    view! {
        <div class=format!("banner {}", tone.class()) role=role>
            <i class="icon" aria-hidden="true"></i>
            <div>{said.text.clone()}</div>
        </div>
    }
}
