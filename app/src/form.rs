//! Forms that work without scripts: where they post to, where they lead, and what came of them.
//!
//! A form names the page it is on (`back`) and, if it leads elsewhere when all went well, that page
//! (`then`). The server answers a form with a redirect to one of them, keeps the outcome for a moment, and
//! hands it to the page as [`FormResult`], which the frame of every page shows.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use serde::de::DeserializeOwned;

use crate::backend_error::BackendError;
use crate::model::Fields;
pub use crate::model::RESULT;
use crate::parts::banner;
use crate::parts::format::sentence;
use crate::parts::links::quoted;
use crate::parts::state::Tone;
use crate::people::visitor;

/// Name of the form field that carries the secret of [`FormToken`].
pub const TOKEN_FIELD: &str = "form_token";

/// What came of the form that led to this page.
#[derive(Clone, Debug, PartialEq)]
pub struct FormResult {
    /// Path of the server function that the form called.
    pub function: String,
    /// What was typed, secrets excepted.
    pub fields: Fields,
    /// What the server function gave.
    pub outcome: Result<serde_json::Value, BackendError>,
}

impl FormResult {
    /// What the server function `F` gave, if it was the one that was called.
    pub fn of<F>() -> Option<Result<F::Output, BackendError>>
    where
        F: ServerFn<Error = BackendError>,
        F::Output: DeserializeOwned,
    {
        let result = use_context::<Self>().filter(|result| result.function == F::PATH)?;
        Some(result.outcome.and_then(|value| {
            serde_json::from_value(value)
                .map_err(|error| BackendError::unavailable(error.to_string()))
        }))
    }

    /// What was typed into a field, to be shown again after a mistake.
    pub fn typed(field: &str) -> Option<String> {
        let result = use_context::<Self>().filter(|result| result.outcome.is_err())?;
        result.fields.into_iter().find(|(name, _)| name == field).map(|(_, value)| value)
    }
}

/// Where a form of the server function `F` posts to.
pub fn action<F: ServerFn>(back: &str, then: Option<&str>) -> String {
    let path = F::PATH.trim_start_matches('/');
    let then = then.map(|then| format!("&then={}", quoted(then))).unwrap_or_default();
    format!("{path}?back={}{then}", quoted(back))
}

/// The hidden field that every form which changes something must have.
#[component]
pub fn FormToken() -> impl IntoView {
    let token = visitor().form_token;
    token.map(|token| view! { <input type="hidden" name=TOKEN_FIELD value=token/> })
}

/// A button that does something: a form of its own. The text after `of` is for those who do not see
/// which row it stands in.
pub fn button<F: ServerFn>(
    back: &str,
    fields: &[(&'static str, String)],
    text: &'static str,
    of: &str,
    class: &'static str,
) -> impl IntoView + use<F> {
    let class = Some(class).filter(|class| !class.is_empty());
    let of = Some(of.to_owned()).filter(|of| !of.is_empty());
    let of = of.map(|of| view! { <span class="unseen">" "{of}</span> });
    let fields = fields
        .iter()
        .map(|(name, value)| view! { <input type="hidden" name=*name value=value.clone()/> })
        .collect::<Vec<_>>();
    view! {
        <form method="post" action={action::<F>(back, None)}>
            <FormToken/>
            {fields}
            <button class=class>{text}{of}</button>
        </form>
    }
}

/// What came of the last form, read out at once: a refusal, or the message of its outcome.
pub fn banner() -> Option<AnyView> {
    let result = use_context::<FormResult>()?;
    let (tone, role, text, hint) = match result.outcome {
        Ok(value) => {
            let text = value.get("message")?.as_str()?.to_owned();
            (Tone::Done, "status", text, None)
        }
        Err(error) => {
            let hint = error.hint.as_deref().map(sentence);
            (Tone::Failed, "alert", sentence(&error.text), hint)
        }
    };
    Some(banner::banner(tone, role, text, hint).into_any())
}
