//! A page is a route. The server renders it complete; what changes is an island in it.

mod account;
mod action;
mod api;
mod datacheck;
mod log;
mod night;
mod nights;
mod problem;
mod products;
mod provenance;
mod range;
mod run;
mod sign_in;
mod users;

use chrono::{DateTime, Utc};
use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

pub use account::AccountPage;
pub use action::ActionPage;
pub use api::ApiPage;
pub use datacheck::{ComparePage, NightDatacheckPage, RunDatacheckPage};
pub use log::LogPage;
pub use night::NightPage;
pub use nights::NightsPage;
pub use problem::{NotFoundPage, problem};
pub use products::ProductsPage;
pub use provenance::ProvenancePage;
pub use range::RangeDatacheckPage;
pub use run::RunPage;
pub use sign_in::SignInPage;
pub use users::UsersPage;

use crate::backend::BackendError;
pub(crate) use crate::backend::backend;
use crate::live::Live;
use crate::model::{IdError, NightDate};
use crate::parts::{format, links};

/// A part of the page's path, read.
fn parameter<T: std::str::FromStr<Err = IdError>>(name: &str) -> Result<T, BackendError> {
    let text = use_params_map().with_untracked(|map| map.get(name)).unwrap_or_default();
    text.parse().map_err(|wrong: IdError| BackendError::not_found(wrong.to_string()))
}

/// A value of the page's query, if it is there and can be read.
fn query<T: std::str::FromStr>(name: &str) -> Option<T> {
    use_query_map().with_untracked(|map| map.get(name)).and_then(|text| text.parse().ok())
}

/// The way from the list of nights to this page; the last step is the page itself.
fn crumbs(steps: Vec<(String, String)>, here: String) -> impl IntoView {
    let steps = steps
        .into_iter()
        .map(|(href, name)| view! { <li><a href=href>{name}</a></li> })
        .collect::<Vec<_>>();
    view! {
        <nav class="crumbs" aria-label="You are here">
            <ol>
                <li><a href="./">"Nights"</a></li>
                {steps}
                <li aria-current="page">{here}</li>
            </ol>
        </nav>
    }
}

/// A page's content, which follows the news of `events`.
fn live(events: String, version: u64, read: DateTime<Utc>, content: AnyView) -> impl IntoView {
    view! {
        <Live events version=version.to_string() as_of=as_of(read)>
            {content}
        </Live>
    }
}

/// `as of 2024-11-28 22:14:05 UTC`.
fn as_of(read: DateTime<Utc>) -> String {
    format!("as of {}", format::utc(read))
}

/// The step to a night.
fn night_step(date: NightDate) -> (String, String) {
    (links::night(date), date.to_string())
}
