//! `/nights/2024-11-28/datacheck` and `/nights/2024-11-28/runs/19102/datacheck`: the data quality of
//! a night or a run; `?sheet=` chooses the figures.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::problem::problem;
use super::{backend, crumbs, night_step, parameter};
use crate::backend::BackendError;
use crate::model::{DatacheckSheet, FigureInfo, NightDate, RunId};
use crate::parts::{format, links};

/// A sheet of figures of a run.
#[component]
pub fn RunDatacheckPage() -> impl IntoView {
    let asked = parameter::<NightDate>("date")
        .and_then(|date| Ok((backend()?, date, parameter::<RunId>("run")?)));
    let sheet = sheet_asked();
    Suspend::new(async move {
        let sheet = match asked {
            Ok((backend, date, run)) => backend.run_datacheck(date, run, sheet).await,
            Err(error) => Err(error),
        };
        shown(sheet)
    })
}

/// A sheet of figures of a night.
#[component]
pub fn NightDatacheckPage() -> impl IntoView {
    let asked = parameter::<NightDate>("date").and_then(|date| Ok((backend()?, date)));
    let sheet = sheet_asked();
    Suspend::new(async move {
        let sheet = match asked {
            Ok((backend, date)) => backend.night_datacheck(date, sheet).await,
            Err(error) => Err(error),
        };
        shown(sheet)
    })
}

fn sheet_asked() -> Option<String> {
    use_query_map().with_untracked(|map| map.get("sheet"))
}

fn shown(sheet: Result<DatacheckSheet, BackendError>) -> AnyView {
    match sheet {
        Ok(sheet) => page(&sheet).into_any(),
        Err(error) => problem(&error).into_any(),
    }
}

fn page(sheet: &DatacheckSheet) -> impl IntoView + use<> {
    let mut steps = vec![night_step(sheet.date)];
    steps.extend(sheet.run.map(|run| (links::run(sheet.date, run), format!("Run {run}"))));
    let of = sheet.run.map_or(format!("night {}", sheet.date), |run| format!("run {run}"));
    let heading = format!("Datacheck of {of}");
    let files = u32::try_from(sheet.files).unwrap_or(u32::MAX);
    let whole = links::figure(sheet.date, sheet.run, &sheet.key, "sheet");
    let figures = sheet.figures.iter().map(|one| figure(sheet, one)).collect::<Vec<_>>();
    view! {
        <Title text=format!("{}, {of}", sheet.title)/>
        {crumbs(steps, "Datacheck".to_owned())}
        <article class="datacheck">
            <div class="title"><h1>{heading}</h1></div>
            {choice(sheet)}
            <section class="part" aria-labelledby="sheet-title">
                <h2 id="sheet-title">{sheet.title.clone()}</h2>
                <p class="hint">
                    {format!("From {}. The whole sheet: ", format::plural(files, "file"))}
                    {formats(&whole, "The sheet", &["pdf", "png"])}
                </p>
                {notes(&sheet.notices)}
                <div class="figures">{figures}</div>
            </section>
        </article>
    }
}

/// The way to the other sheets.
fn choice(sheet: &DatacheckSheet) -> impl IntoView + use<> {
    let items = sheet
        .sheets
        .iter()
        .map(|(key, title)| {
            let href = format!("{}?sheet={key}", links::datacheck(sheet.date, sheet.run));
            let current = (*key == sheet.key).then_some("page");
            view! { <li><a href=href aria-current=current>{title.clone()}</a></li> }
        })
        .collect::<Vec<_>>();
    view! { <nav class="sheets" aria-label="Sheets of figures"><ul>{items}</ul></nav> }
}

fn figure(sheet: &DatacheckSheet, figure: &FigureInfo) -> impl IntoView + use<> {
    let address = links::figure(sheet.date, sheet.run, &sheet.key, &figure.id);
    let formats = formats(&address, &figure.title, &["svg", "png", "pdf", "csv", "json"]);
    let (source, title) = (format!("{address}.svg"), figure.title.clone());
    let href = source.clone();
    view! {
        <figure>
            <a href=href>
                <img src=source alt=title loading="lazy" width="620" height="540"/>
            </a>
            <figcaption>{notes(&figure.notes)}{formats}</figcaption>
        </figure>
    }
}

/// Links to something in several forms.
fn formats(address: &str, title: &str, suffixes: &[&str]) -> impl IntoView + use<> {
    let links = suffixes
        .iter()
        .map(|suffix| {
            let name = format!("{title} as {}", suffix.to_uppercase());
            let href = format!("{address}.{suffix}");
            view! { <a href=href aria-label=name>{suffix.to_uppercase()}</a> }
        })
        .collect::<Vec<_>>();
    view! { <span class="formats">{links}</span> }
}

/// What must be known; nothing if there is nothing.
fn notes(lines: &[String]) -> Option<AnyView> {
    if lines.is_empty() {
        return None;
    }
    let items = lines.iter().map(|line| view! { <li>{line.clone()}</li> }).collect::<Vec<_>>();
    Some(view! { <ul class="notes">{items}</ul> }.into_any())
}
