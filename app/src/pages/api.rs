//! `/api`: the interface for programs, to read about and to try.

use leptos::prelude::*;
use leptos_meta::Title;

use super::problem::problem;
use super::{backend, crumbs};
use crate::model::{ApiOperation, ApiParameter};

/// Every operation, with a form for those that read.
#[component]
pub fn ApiPage() -> impl IntoView {
    match backend() {
        Ok(backend) => page(&backend.api()).into_any(),
        Err(error) => problem(&error).into_any(),
    }
}

fn page(operations: &[ApiOperation]) -> impl IntoView + use<> {
    let operations = operations.iter().map(operation).collect::<Vec<_>>();
    view! {
        <Title text="Interface for programs"/>
        {crumbs(Vec::new(), "Interface for programs".to_owned())}
        <article class="api">
            <div class="title"><h1>"Interface for programs"</h1></div>
            <p class="hint">
                "Everything that pages show can be had as data. The whole of it as "
                <a class="inline" href="api/v1/openapi.json">"OpenAPI 3.1"</a>
                ". Programs that must sign in send a token of your account: "
                <code>"Authorization: Bearer TOKEN"</code>
                ". What goes wrong is told as RFC 9457 has it; whoever keeps an answer may ask with its ETag whether \
                 it is still right."
            </p>
            {operations}
        </article>
    }
}

fn operation(of: &ApiOperation) -> impl IntoView + use<> {
    let answers = of.answers.join(", ");
    let fields = of.parameters.iter().map(|one| field(of, one)).collect::<Vec<_>>();
    let content = if of.can_be_tried {
        view! {
            <form method="get" action="api/try">
                <input type="hidden" name="address" value=of.path.clone()/>
                {fields}
                <button>"Try "<span class="unseen">{of.path.clone()}</span></button>
            </form>
        }
        .into_any()
    } else {
        ().into_any()
    };
    view! {
        <details>
            <summary><b>{of.verb.clone()}</b>" "<code>{of.path.clone()}</code></summary>
            <p>{of.summary.clone()}</p>
            <p class="hint">"Answers "{answers}</p>
            {content}
        </details>
    }
}

fn field(of: &ApiOperation, parameter: &ApiParameter) -> impl IntoView + use<> {
    let ApiParameter { name, in_path, description, example } = parameter;
    let id = format!("{}-{name}", of.path.replace(['/', '{', '}'], "-"));
    let value = in_path.then(|| example.clone());
    view! {
        <div class="field">
            <label for=id.clone()><code>{name.clone()}</code>" "{description.clone()}</label>
            <input id=id name=name.clone() value=value placeholder=example.clone() required=*in_path/>
        </div>
    }
}
