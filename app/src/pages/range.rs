//! `/datacheck?from=2025-01-01&to=2025-01-31`: the data quality of all runs of many nights against
//! time, all or those of a source.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos_meta::Title;

use super::datacheck::figure_query;
use super::problem::problem;
use super::{backend, crumbs};
use crate::live::Readout;
use crate::model::DatacheckRange;
use crate::parts::figures::{Formats, Shown, choices, formats, notes, sheets};
use crate::parts::table::table;
use crate::parts::{format, links};

/// Of more runs, the page lists the last.
const MOST_RUNS: usize = 200;

/// A sheet of figures of many nights.
#[component]
pub fn RangeDatacheckPage() -> impl IntoView {
    let (asked, query) = (backend(), figure_query());
    Suspend::new(async move {
        let range = match asked {
            Ok(backend) => backend.range_datacheck(query).await,
            Err(error) => Err(error),
        };
        match range {
            Ok(range) => page(&range).into_any(),
            Err(error) => problem(&error).into_any(),
        }
    })
}

fn page(range: &DatacheckRange) -> impl IntoView + use<> {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let what = format!(
        "{} of {}. The whole sheet: ",
        format::plural(count(range.runs.len()), "run"),
        format::plural(count(range.nights), "night"),
    );
    let mut carried = vec![("from", range.from.to_string()), ("to", range.to.to_string())];
    carried.extend(range.source.clone().map(|source| ("source", source)));
    carried.extend(range.selected.map(|(first, last)| ("run", format!("{first}-{last}"))));
    let shown = Shown {
        address: "datacheck".to_owned(),
        figures: format!("api/v1/datacheck/{}", range.key),
        carried,
        sheets: &range.sheets,
        key: &range.key,
        infos: &range.figures,
        marks: &BTreeMap::new(),
        query: &range.query,
        choice: &range.choice,
    };
    let drawings = shown.drawings();
    let title = format!("Datacheck of {} to {}", range.from, range.to);
    view! {
        <Title text=format!("{}, {} to {}", range.title, range.from, range.to)/>
        {crumbs(Vec::new(), "Datacheck".to_owned())}
        <article class="datacheck">
            <div class="title"><h1>{title}</h1></div>
            {selection(range)}
            {sheets(&shown)}
            <section class="part" aria-labelledby="sheet-title">
                <h2 id="sheet-title">{range.title.clone()}</h2>
                <p class="hint">{what} {formats(&shown.whole(), "The sheet", Formats::Sheet)}</p>
                {notes(&range.notices)}
                <div class="choices">{choices(&shown)}</div>
                <Readout>{drawings}</Readout>
            </section>
            {runs(range)}
        </article>
    }
}

/// Which nights, source and runs.
fn selection(range: &DatacheckRange) -> impl IntoView + use<> {
    let sources = range
        .sources
        .iter()
        .map(|source| {
            let chosen = range.source.as_ref() == Some(source);
            view! { <option value=source.clone() selected=chosen>{source.clone()}</option> }
        })
        .collect::<Vec<_>>();
    let runs = range.selected.map(|(first, last)| format!("{first}-{last}"));
    let key = range.key.clone();
    view! {
        <form class="row" action="datacheck">
            <input type="hidden" name="sheet" value=key/>
            <label>"From " <input type="date" name="from" value=range.from.to_string() required/></label>
            <label>"to " <input type="date" name="to" value=range.to.to_string() required/></label>
            <label>
                "Source "
                <select name="source"><option value="">"All"</option>{sources}</select>
            </label>
            <label>"Runs " <input name="run" value=runs placeholder="20601-20650" size="12"/></label>
            <button>"Show"</button>
        </form>
    }
}

/// The runs that are shown, the newest first.
fn runs(range: &DatacheckRange) -> impl IntoView + use<> {
    let total = range.runs.len();
    if total == 0 {
        return None;
    }
    let rows = range
        .runs
        .iter()
        .rev()
        .take(MOST_RUNS)
        .map(|run| {
            let href = links::datacheck(run.date, Some(run.run));
            view! {
                <tr>
                    <th scope="row"><a href=href>{run.run.to_string()}</a></th>
                    <td>{run.date.to_string()}</td>
                    <td>{run.source.clone()}</td>
                </tr>
            }
        })
        .collect::<Vec<_>>();
    let more = (total > MOST_RUNS).then(|| {
        view! { <p class="hint">{format!("The last {MOST_RUNS} of {total} runs.")}</p> }
    });
    Some(view! {
        <section class="part" aria-labelledby="runs-title">
            <h2 id="runs-title">"Runs"</h2>
            {more}
            {table("runs", "Runs that are shown", &[("", "Run"), ("", "Night"), ("", "Source")], rows)}
        </section>
    })
}
