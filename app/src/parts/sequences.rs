//! The sequence table: every column of the text table, and how many tasks are in which state.

use leptos::prelude::*;

use super::format::{hms, or_dash};
use super::quality::run_cell;
use super::state::{job_badge, task_counts};
use super::{links, table};
use crate::model::{Kind, NightDate, NightStatus, Percentages, SequenceAction, SequenceStatus};

/// Class (`n` for numbers) and title of each column, what matters first.
const COLUMNS: [(&str, &str); 20] = [
    ("", "Run"),
    ("", "State"),
    ("", "Tasks"),
    ("", "Quality"),
    ("", "Source"),
    ("", "Type"),
    ("n", "Subruns"),
    ("n", "DL1 %"),
    ("n", "Muons %"),
    ("n", "DL1AB %"),
    ("n", "Datacheck %"),
    ("n", "DL2 %"),
    ("n", "Tries"),
    ("n", "Job"),
    ("n", "CPU time"),
    ("n", "Exit"),
    ("", "Action"),
    ("n", "Seq"),
    ("n", "Parent"),
    ("", "Tel"),
];

/// The table of a night.
pub fn sequence_table(night: &NightStatus) -> impl IntoView + use<> {
    let noted = |run| night.datacheck_notes.iter().filter(|note| note.run == Some(run)).count();
    let rows = night
        .sequences
        .iter()
        .map(|status| row(night.date, status, noted(status.sequence.run)))
        .collect::<Vec<_>>();
    table::table("sequences", "Sequences", &COLUMNS, rows)
}

fn row(date: NightDate, status: &SequenceStatus, noted: usize) -> impl IntoView + use<> {
    let sequence = &status.sequence;
    let run = sequence.run;
    let action = or_dash(Some(status.action).filter(|action| *action != SequenceAction::None));
    let reason = Some(status.reason.clone())
        .filter(|reason| !reason.is_empty())
        .map(|reason| view! { <span class="reason">{reason}</span> });
    let percent = |level: fn(&Percentages) -> u32| percentage(status.percent.as_ref().map(level));
    let quality = match sequence.kind {
        Kind::Data => run_cell(date, run, status.quality.as_ref(), noted).into_any(),
        Kind::Calibration => view! { <td>"–"</td> }.into_any(),
    };
    view! {
        <tr id=format!("run-{run}")>
            <th scope="row"><a href=links::run(date, run)>{run.to_string()}</a></th>
            <td>{job_badge(status.state.as_ref())}{reason}</td>
            <td class="tasks">{task_counts(&status.counts)}</td>
            {quality}
            <td>{or_dash(sequence.source.clone())}</td>
            <td>{sequence.kind.as_str()}</td>
            <td class="n">{sequence.subruns}</td>
            {percent(|p| p.dl1)}
            {percent(|p| p.muons)}
            {percent(|p| p.dl1ab)}
            {percent(|p| p.datacheck)}
            {percent(|p| p.dl2)}
            <td class="n">{or_dash(status.tries)}</td>
            <td class="n">{or_dash(status.job)}</td>
            <td class="n">{or_dash(status.cpu_seconds.map(hms))}</td>
            <td class="n">{or_dash(status.exit)}</td>
            <td>{action}</td>
            <td class="n">{sequence.number}</td>
            <td class="n">{or_dash(sequence.parent)}</td>
            <td>"LST1"</td>
        </tr>
    }
}

/// A cell with a percentage, drawn also as a thin bar by the style sheet.
fn percentage(value: Option<u32>) -> impl IntoView {
    let style = format!("--p:{}", value.unwrap_or(0).min(100));
    view! { <td class="n p" style=style>{or_dash(value)}</td> }
}
