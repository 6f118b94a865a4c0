//! What is shown instead of a page that cannot be: why, and ways on.

use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use crate::backend::{BackendError, ErrorKind};
use crate::model::{NightDate, RunId};
use crate::parts::{format, links};

/// An address that is no page.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    problem(&BackendError::not_found("There is no such page."))
}

/// The page for an error, with its status code.
pub fn problem(error: &BackendError) -> impl IntoView + use<> {
    let title = match error.kind {
        ErrorKind::NotFound => "Not found",
        ErrorKind::Forbidden => "Not allowed",
        ErrorKind::Invalid => "Not understood",
        ErrorKind::Conflict => "Not possible as things are",
        ErrorKind::TooManyRequests => "Too many requests",
        ErrorKind::Unavailable => "Not available now",
    };
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(error.kind.status());
    }
    let hint =
        error.hint.as_deref().map(|hint| view! { <p class="hint">{format::sentence(hint)}</p> });
    let path = use_location().pathname.get_untracked();
    let ways = ways_on(&path)
        .into_iter()
        .map(|(href, name)| view! { <li><a href=href>{name}</a></li> })
        .collect::<Vec<_>>();
    view! {
        <Title text=title/>
        <article class="problem">
            <h1>{title}</h1>
            <p>{format::sentence(&error.text)}</p>
            {hint}
            <ul>{ways}</ul>
        </article>
    }
}

/// Pages that whoever asked for `path` may have wanted, the nearest first.
fn ways_on(path: &str) -> Vec<(String, String)> {
    let words = path.split('/').filter(|word| !word.is_empty()).collect::<Vec<_>>();
    let date =
        words.iter().find_map(|word| word.parse().or_else(|_| NightDate::from_compact(word)).ok());
    let mut numbers = words.iter().rev().filter(|word| (4..=6).contains(&word.len()));
    let run = numbers.find_map(|word| word.parse::<RunId>().ok());
    let mut ways = Vec::new();
    if let (Some(date), Some(run)) = (date, run) {
        ways.push((links::run(date, run), format!("Run {run} of {date}")));
    }
    if let Some(date) = date {
        ways.push((links::night(date), format!("Night {date}")));
    }
    ways.retain(|(href, _)| href != path.trim_matches('/'));
    ways.push(("./".to_owned(), "All nights".to_owned()));
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_address_leads_to_what_was_meant() {
        let hrefs = |path| ways_on(path).into_iter().map(|(href, _)| href).collect::<Vec<_>>();
        assert_eq!(hrefs("/nights/20241128"), ["nights/2024-11-28", "./"]);
        assert_eq!(
            hrefs("/nights/2024-11-28/runs/19102/histroy"),
            ["nights/2024-11-28/runs/19102", "nights/2024-11-28", "./"]
        );
        assert_eq!(hrefs("/nights/2024-11-28/runs/19102"), ["nights/2024-11-28", "./"]);
        assert_eq!(
            hrefs("/nights/2024-11-28/runs/19102/logs/none"),
            ["nights/2024-11-28/runs/19102", "nights/2024-11-28", "./"]
        );
        assert_eq!(hrefs("/favicon.png"), ["./"]);
    }
}
