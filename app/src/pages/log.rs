//! `/nights/2024-11-28/runs/19102/logs/NAME`: a log file; `?from=` begins at that byte.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::problem::problem;
use super::{as_of, backend, crumbs, night_step, parameter, query};
use crate::backend::{Backend, BackendError, LOG_PIECE};
use crate::live::LogTail;
use crate::model::{LogChunk, NightDate, RunId};
use crate::parts::log::{log_box, log_text};
use crate::parts::{format, links};

/// The end of a log file, or a piece of it; live while a job writes to it.
#[component]
pub fn LogPage() -> impl IntoView {
    let asked = backend().and_then(|backend| {
        let name = use_params_map().with_untracked(|map| map.get("name")).unwrap_or_default();
        Ok(Asked { backend, date: parameter("date")?, run: parameter("run")?, name })
    });
    let from = query::<u64>("from");
    Suspend::new(async move {
        match load(asked, from).await {
            Ok((date, run, chunk)) => page(date, run, chunk).into_any(),
            Err(error) => problem(&error).into_any(),
        }
    })
}

struct Asked {
    backend: Arc<dyn Backend>,
    date: NightDate,
    run: RunId,
    name: String,
}

async fn load(
    asked: Result<Asked, BackendError>,
    from: Option<u64>,
) -> Result<(NightDate, RunId, LogChunk), BackendError> {
    let Asked { backend, date, run, name } = asked?;
    let chunk = backend.log(date, run, &name, from).await?;
    Ok((date, run, chunk))
}

fn page(date: NightDate, run: RunId, chunk: LogChunk) -> impl IntoView {
    let run_step = (links::run(date, run), format!("Run {run}"));
    let here = links::log(date, run, &chunk.name);
    let extent = format!(
        "Bytes {} to {} of {} ({})",
        chunk.from,
        chunk.to,
        chunk.size,
        format::bytes(chunk.size)
    );
    let earlier = (chunk.from > 0).then(|| {
        let href = format!("{here}?from={}", chunk.from.saturating_sub(LOG_PIECE));
        view! { <a href=href>"Earlier"</a> }
    });
    let later = (chunk.to < chunk.size)
        .then(|| view! { <a href=format!("{here}?from={}", chunk.to)>"Later"</a> });
    view! {
        <Title text=chunk.name.clone()/>
        {crumbs(vec![night_step(date), run_step], chunk.name.clone())}
        <article class="log">
            <div class="title">
                <h1>{chunk.name.clone()}</h1>
            </div>
            <nav class="bar" aria-label="This log">
                <span>{extent}</span>
                {earlier}
                {later}
                <a href=format!("{here}#end")>"Jump to the end"</a>
                <a href=links::raw_log(date, run, &chunk.name)>"Plain text"</a>
            </nav>
            {text(date, run, chunk)}
            <span id="end"></span>
        </article>
    }
}

fn text(date: NightDate, run: RunId, chunk: LogChunk) -> impl IntoView {
    let LogChunk { name, from, to, size, text, live, read } = chunk;
    let at_end = to >= size;
    if live && at_end {
        let events = links::log_events(date, run, &name, to);
        return view! {
            <LogTail events as_of=as_of(read)>{log_text(&text)}</LogTail>
        }
        .into_any();
    }
    if text.is_empty() {
        return view! { <p class="none">"This log is empty."</p> }.into_any();
    }
    // A log that is there from its beginning to its end is long over: its end says why.
    log_box("Log".to_owned(), &text, at_end && (from > 0 || size <= LOG_PIECE)).into_any()
}
