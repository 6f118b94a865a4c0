//! `/nights/2024-11-28/datacheck` and `/nights/2024-11-28/runs/19102/datacheck`: the data quality of
//! a night or a run; `?sheet=` chooses the figures. `…/datacheck/compare?with=` compares two runs.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::problem::problem;
use super::{backend, crumbs, night_step, parameter};
use crate::backend::BackendError;
use crate::live::Readout;
use crate::model::{DatacheckSheet, FigureQuery, NightDate, NightQuality, RunId};
use crate::parts::figures::{Formats, Shown, choices, formats, notes, sheets};
use crate::parts::{format, links, notes as noted, quality};

/// A sheet of figures of a run.
#[component]
pub fn RunDatacheckPage() -> impl IntoView {
    run_page(FigureQuery { with: None, ..figure_query() })
}

/// A sheet of figures of a run compared with another.
#[component]
pub fn ComparePage() -> impl IntoView {
    run_page(figure_query())
}

fn run_page(query: FigureQuery) -> impl IntoView {
    let asked = parameter::<NightDate>("date")
        .and_then(|date| Ok((backend()?, date, parameter::<RunId>("run")?)));
    Suspend::new(async move {
        let sheet = match asked {
            Ok((backend, date, run)) => backend.run_datacheck(date, run, query).await,
            Err(error) => Err(error),
        };
        shown(sheet)
    })
}

/// A sheet of figures of a night.
#[component]
pub fn NightDatacheckPage() -> impl IntoView {
    let asked = parameter::<NightDate>("date").and_then(|date| Ok((backend()?, date)));
    let query = figure_query();
    Suspend::new(async move {
        let sheet = match asked {
            Ok((backend, date)) => backend.night_datacheck(date, query).await,
            Err(error) => Err(error),
        };
        shown(sheet)
    })
}

/// What the address asks of figures.
pub(super) fn figure_query() -> FigureQuery {
    use_query_map().with_untracked(|map| FigureQuery {
        sheet: map.get("sheet"),
        pixel: map.get("pixel"),
        figure: map.get("figure"),
        scale: map.get("scale"),
        limits: map.get("limits"),
        low: map.get("low"),
        high: map.get("high"),
        with: map.get("with"),
        run: map.get("run"),
        from: map.get("from"),
        to: map.get("to"),
        source: map.get("source"),
    })
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
    let datacheck = links::datacheck(sheet.date, sheet.run);
    let of = sheet.run.map_or(format!("night {}", sheet.date), |run| format!("run {run}"));
    let (of, here) = match sheet.with {
        Some(with) => {
            steps.push((datacheck.clone(), "Datacheck".to_owned()));
            (format!("{of} compared with run {with}"), "Compared".to_owned())
        }
        None => (of, "Datacheck".to_owned()),
    };
    let files = format::plural(u32::try_from(sheet.files).unwrap_or(u32::MAX), "file");
    let address = match sheet.with {
        Some(_) => format!("{datacheck}/compare"),
        None => datacheck.clone(),
    };
    let mut carried: Vec<(&'static str, String)> = Vec::new();
    carried.extend(sheet.with.map(|with| ("with", with.to_string())));
    carried.extend(sheet.shown_run.map(|run| ("run", run.to_string())));
    let shown = Shown {
        address,
        figures: format!("api/v1/{datacheck}/{}", sheet.key),
        carried,
        sheets: &sheet.sheets,
        key: &sheet.key,
        infos: &sheet.figures,
        marks: &sheet.marks,
        query: &sheet.query,
        choice: &sheet.choice,
    };
    let drawings = shown.drawings();
    view! {
        <Title text=format!("{}, {of}", sheet.title)/>
        {crumbs(steps, here)}
        <article class=format!("datacheck {}", sheet.key)>
            <div class="title">
                <h1>{format!("Datacheck of {of}")}</h1>
                {judgement(sheet)}
            </div>
            {why(sheet)}
            {sheets(&shown)}
            <section class="part" aria-labelledby="sheet-title">
                <h2 id="sheet-title">{sheet.title.clone()}</h2>
                <p class="hint">
                    {format!("From {files}. The whole sheet: ")}
                    {formats(&shown.whole(), "The sheet", Formats::Sheet)}
                    ". Besides there are "
                    <a href=links::products(sheet.date)>"lstchain's own files"</a> "."
                </p>
                {notes(&sheet.notices)}
                <div class="choices">{choices(&shown)} {other_runs(sheet)}</div>
                <Readout>{drawings}</Readout>
            </section>
            {sheet.with.is_none().then(|| noted::section(sheet))}
        </article>
    }
}

/// What is thought of the run, or of how many of the night's runs.
fn judgement(sheet: &DatacheckSheet) -> AnyView {
    match (sheet.run, sheet.quality.as_slice()) {
        (Some(_), own) => quality::run_badge(own.first().map(|(_, own)| own)),
        (None, runs) => quality::night_badge(NightQuality::of(runs.iter().map(|(_, own)| own))),
    }
}

/// Why the run is not ok, or each of the night's runs that is not.
fn why(sheet: &DatacheckSheet) -> AnyView {
    let date = sheet.date;
    match (sheet.run, sheet.quality.as_slice()) {
        (Some(run), [(_, own)]) => quality::findings(date, run, own).into_any(),
        (Some(_), _) => ().into_any(),
        (None, runs) => {
            quality::reasons(date, runs.iter().map(|(run, own)| (*run, own))).into_any()
        }
    }
}

/// Of a run: the way to a pixel's history and to a comparison. Of a night: to another run's pixels,
/// and to other nights.
fn other_runs(sheet: &DatacheckSheet) -> impl IntoView + use<> {
    let datacheck = links::datacheck(sheet.date, sheet.run);
    let Some(_) = sheet.run else {
        let range = format!("datacheck?from={0}&to={0}", sheet.date);
        return view! {
            {sheet.shown_run.map(|run| run_choice(sheet, run))}
            <p class="hint"><a href=range>"These quantities over many nights"</a></p>
        }
        .into_any();
    };
    let (compare, with) = (format!("{datacheck}/compare"), sheet.with.map(|with| with.to_string()));
    let key = (sheet.figures.iter().any(|figure| figure.pixels)).then(|| {
        let key = sheet.key.clone();
        view! { <input type="hidden" name="sheet" value=key/> }
    });
    view! {
        <form class="row" action=datacheck>
            <label>
                "Pixel "
                <input type="number" name="pixel" min="0" max="1854" required/>
            </label>
            <button>"History"</button>
        </form>
        <form class="row" action=compare>
            {key}
            <label>
                "Other run "
                <input name="with" value=with placeholder="20603 or 20603@2025-01-31" required/>
            </label>
            <button>"Compare"</button>
        </form>
    }
    .into_any()
}

fn run_choice(sheet: &DatacheckSheet, shown: RunId) -> impl IntoView + use<> {
    let options = sheet
        .runs
        .iter()
        .map(|run| {
            let (value, name) = (run.to_string(), run.to_string());
            view! { <option value=value selected=*run == shown>{name}</option> }
        })
        .collect::<Vec<_>>();
    let key = sheet.key.clone();
    view! {
        <form class="row" action=links::datacheck(sheet.date, None)>
            <input type="hidden" name="sheet" value=key/>
            <label>"Run " <select name="run">{options}</select></label>
            <button>"Show"</button>
        </form>
    }
}
