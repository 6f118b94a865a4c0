//! `/`: the list of nights.

use leptos::prelude::*;
use leptos_meta::Title;

use super::problem::problem;
use super::{backend, live};
use crate::model::{NightList, NightSummary};
use crate::parts::quality::night_cell;
use crate::parts::state::badge;
use crate::parts::{links, table};

const COLUMNS: [(&str, &str); 8] = [
    ("", "Night"),
    ("", "State"),
    ("n", "Runs"),
    ("n", "Subruns"),
    ("n", "Done"),
    ("n", "Failed"),
    ("", "Quality"),
    ("", "Sources"),
];

/// All nights with their state.
#[component]
pub fn NightsPage() -> impl IntoView {
    let backend = backend();
    Suspend::new(async move {
        let nights = match backend {
            Ok(backend) => backend.nights().await,
            Err(error) => Err(error),
        };
        match nights {
            Ok(seen) => page(seen.version, &seen.value).into_any(),
            Err(error) => problem(&error).into_any(),
        }
    })
}

fn page(version: u64, list: &NightList) -> impl IntoView + use<> {
    let content = view! {
        <article class="nights">
            <div class="title">
                <h1>"Nights"</h1>
                <a href="datacheck">"Datacheck of many nights"</a>
            </div>
            {night_table(&list.nights)}
        </article>
    };
    view! {
        <Title text="Nights"/>
        {live(links::nights_events(), version, list.scanned, content.into_any())}
    }
}

fn night_table(nights: &[NightSummary]) -> impl IntoView + use<> {
    if nights.is_empty() {
        return view! {
            <p class="none">
                "There is no night yet: no run summary was found in the directory that "
                <code>"RUN_SUMMARY_DIR"</code>" of the configuration names."
            </p>
        }
        .into_any();
    }
    let rows = nights.iter().map(row).collect::<Vec<_>>();
    table::table("nights", "Nights, newest first", &COLUMNS, rows).into_any()
}

fn row(night: &NightSummary) -> impl IntoView + use<> {
    let date = night.date.to_string();
    let failed = if night.failed > 0 { "n failed" } else { "n" };
    let share = format!("--p:{}", 100 * night.done / night.subruns.max(1));
    view! {
        <tr id=format!("night-{date}")>
            <th scope="row"><a href=links::night(night.date)>{date.clone()}</a></th>
            <td>{badge(night.state.into(), night.state.as_str())}</td>
            <td class="n">{night.runs}</td>
            <td class="n">{night.subruns}</td>
            <td class="n p" style=share>{night.done}</td>
            <td class=failed>{night.failed}</td>
            {night_cell(night.quality)}
            <td class="text">{night.sources.join(", ")}</td>
        </tr>
    }
}
