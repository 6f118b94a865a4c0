//! `/nights/2024-11-28/runs/19102`: a run; `?subrun=4` opens the log of a subrun.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_meta::Title;

use super::problem::problem;
use super::{backend, crumbs, live, night_step, parameter, query};
use crate::backend::{Backend, BackendError, Versioned};
use crate::model::{Condition, Kind, LogChunk, NightDate, RunDetail, RunId, SubrunDetail};
use crate::parts::facts::{conditions, fact};
use crate::parts::format::{hms, or_dash, plural};
use crate::parts::history::history_table;
use crate::parts::jobs::job_table;
use crate::parts::log::log_box;
use crate::parts::state::{job_badge, task_counts};
use crate::parts::subruns::subrun_table;
use crate::parts::{format, links, map, quality, scheduler};

/// Lines of a log shown in the page; all of it is one click away.
const LINES: usize = 40;

/// One run: subruns, jobs, history, and the log of one subrun.
#[component]
pub fn RunPage() -> impl IntoView {
    let asked = backend().and_then(|backend| Ok((backend, parameter("date")?, parameter("run")?)));
    let subrun = query::<u32>("subrun");
    Suspend::new(async move {
        match load(asked, subrun).await {
            Ok((run, log)) => page(&run, log).into_any(),
            Err(error) => problem(&error).into_any(),
        }
    })
}

/// The subrun whose log is shown, and the end of that log if it can be read.
type Shown = (SubrunDetail, Option<Result<LogChunk, BackendError>>);

async fn load(
    asked: Result<(Arc<dyn Backend>, NightDate, RunId), BackendError>,
    subrun: Option<u32>,
) -> Result<(Versioned<RunDetail>, Option<Shown>), BackendError> {
    let (backend, date, number) = asked?;
    let seen = backend.run(date, number).await?;
    let Some(shown) = shown(&seen.value.subruns, subrun).cloned() else {
        return Ok((seen, None));
    };
    // Errors go to standard error; if that is empty, standard output tells how far it came.
    let file = shown.logs.iter().rev().find(|log| log.size > 0).or(shown.logs.last());
    let log = match file {
        Some(file) => Some(backend.log(date, number, &file.name, None).await),
        None => None,
    };
    Ok((seen, Some((shown, log))))
}

/// The subrun that was asked for, else the first that failed.
fn shown(subruns: &[SubrunDetail], asked: Option<u32>) -> Option<&SubrunDetail> {
    subruns.iter().find(|detail| match asked {
        Some(subrun) => detail.subrun.0 == subrun,
        None => detail.condition == Condition::Failed,
    })
}

fn page(seen: &Versioned<RunDetail>, shown: Option<Shown>) -> impl IntoView + use<> {
    let run = &*seen.value;
    let (date, number) = (run.date, run.status.sequence.run);
    let subrun = shown.as_ref().map(|(detail, _)| detail.subrun);
    let content = view! {
        {crumbs(vec![night_step(date)], format!("Run {number}"))}
        <article class="run">
            <div class="title">
                <h1>"Run "{number.to_string()}</h1>
                {run.status.state.as_ref().map(|state| job_badge(Some(state)))}
            </div>
            {scheduler::banner(&run.scheduler)}
            <nav class="bar" aria-label="More about this run">
                <a href=links::datacheck(date, Some(number))>"Datacheck"</a>
                <a href=links::provenance(date, number)>"Provenance"</a>
            </nav>
            {facts(run)}
            {quality_of(run)}
            {shown.map(|shown| log_section(date, number, shown))}
            {subrun_table(run, subrun)}
            {job_table(&run.tasks)}
            {history_table(&run.history, run.older_history_lines)}
        </article>
    };
    view! {
        <Title text=format!("Run {number} of {date}")/>
        {live(links::run_events(date, number), seen.version, run.scanned, content.into_any())}
    }
}

/// What is thought of its data quality, and why.
fn quality_of(run: &RunDetail) -> Option<AnyView> {
    let (status, date) = (&run.status, run.date);
    if status.sequence.kind != Kind::Data {
        return None;
    }
    let own = status.quality.as_ref();
    let list = own
        .filter(|quality| !quality.missing)
        .map(|quality| quality::findings(date, status.sequence.run, quality));
    let section = view! {
        <section class="judgement" aria-labelledby="quality-title">
            <h2 id="quality-title">"Data quality " {quality::run_badge(own)}</h2>
            {list}
        </section>
    };
    Some(section.into_any())
}

fn facts(run: &RunDetail) -> impl IntoView + use<> {
    let status = &run.status;
    let sequence = &status.sequence;
    let known = status.known_subruns();
    view! {
        <dl class="facts">
            {fact("Type", sequence.kind.as_str())}
            {fact("Source", or_dash(sequence.source.clone()))}
            {fact("Observed", plural(sequence.subruns, "subrun"))}
            {fact("Subruns", conditions(|condition| status.count(condition)))}
            {fact("Job", or_dash(status.job))}
            {fact("Tasks", task_counts(&status.counts))}
            {fact("CPU time", or_dash(status.cpu_seconds.map(hms)))}
            {fact("Exit", or_dash(status.exit))}
            {fact("Production", run.prod_id.to_string())}
        </dl>
        {(known > 0).then(|| map::track(run.date, status, known))}
    }
}

fn log_section(date: NightDate, run: RunId, (detail, log): Shown) -> impl IntoView {
    let files = detail
        .logs
        .iter()
        .map(|log| {
            let text = format!("{} ({})", log.name, format::bytes(log.size));
            view! { <li><a href=links::log(date, run, &log.name)>{text}</a></li> }
        })
        .collect::<Vec<_>>();
    let text = match log {
        Some(Ok(chunk)) => tail(&chunk).into_any(),
        Some(Err(error)) => view! { <p class="none">{error.to_string()}</p> }.into_any(),
        None => {
            view! { <p class="none">"No log yet: no job has begun on this subrun."</p> }.into_any()
        }
    };
    view! {
        <section id="log" class="log" aria-labelledby="log-title">
            <h2 id="log-title">"Log of subrun "{detail.subrun.to_string()}</h2>
            <ul class="files">{files}</ul>
            {text}
        </section>
    }
}

/// The last lines of a piece of a log.
fn tail(chunk: &LogChunk) -> impl IntoView + use<> {
    let text = chunk.text.trim_end_matches('\n');
    let from = text.rmatch_indices('\n').nth(LINES - 1).map_or(0, |(at, _)| at + 1);
    log_box(format!("End of {}", chunk.name), &text[from..], true)
}
