//! The subruns of a run, one a row.

use leptos::prelude::*;

use super::format::{bytes, hms, or_dash};
use super::state::{badge, job_badge};
use super::{links, table};
use crate::model::{LogFile, NightDate, RunDetail, RunId, Stage, Subrun, SubrunDetail};

const COLUMNS: [(&str, &str); 10] = [
    ("", "Subrun"),
    ("", "Condition"),
    ("", "Stage done"),
    ("", "Failed at"),
    ("n", "Tries"),
    ("n", "Return code"),
    ("", "Task"),
    ("n", "Elapsed"),
    ("n", "Memory"),
    ("", "Logs"),
];

/// The table of subruns, each with its logs; `shown` is the one whose log is in the page.
pub fn subrun_table(run: &RunDetail, shown: Option<Subrun>) -> impl IntoView + use<> {
    let number = run.status.sequence.run;
    let rows =
        run.subruns.iter().map(|subrun| row(run.date, number, subrun, shown)).collect::<Vec<_>>();
    table::table("subruns", "Subruns", &COLUMNS, rows)
}

fn row(
    date: NightDate,
    run: RunId,
    detail: &SubrunDetail,
    shown: Option<Subrun>,
) -> impl IntoView + use<> {
    let task = detail.task.as_ref();
    let name = detail.subrun.to_string();
    let shown = shown == Some(detail.subrun);
    view! {
        <tr id=format!("subrun-{name}") class:shown=shown>
            <th scope="row">
                <a href=links::subrun(date, run, detail.subrun) aria-current=shown.then_some("true")>
                    {name.clone()}
                </a>
            </th>
            <td>{badge(detail.condition.into(), detail.condition.as_str())}</td>
            <td>{or_dash(detail.done.map(Stage::title))}</td>
            <td>{or_dash(detail.failed.map(Stage::title))}</td>
            <td class="n">{detail.tries}</td>
            <td class="n">{or_dash(detail.rc)}</td>
            <td>{job_badge(task.map(|task| &task.state))}</td>
            <td class="n">{or_dash(task.map(|task| hms(task.elapsed_seconds)))}</td>
            <td class="n">{or_dash(task.and_then(|task| task.max_rss_bytes).map(bytes))}</td>
            <td>{log_links(date, run, &name, &detail.logs)}</td>
        </tr>
    }
}

/// Links to log files by the end of their name: `out`, `err`.
fn log_links(date: NightDate, run: RunId, subrun: &str, logs: &[LogFile]) -> impl IntoView + use<> {
    logs.iter()
        .map(|log| {
            let kind = log.name.rsplit('.').next().unwrap_or(&log.name).to_owned();
            let label = format!("{kind} of subrun {subrun}, {}", bytes(log.size));
            view! { <a class="log" href=links::log(date, run, &log.name) aria-label=label>{kind}</a> }
        })
        .collect::<Vec<_>>()
}
