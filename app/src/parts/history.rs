//! What ran for a run: its history files, oldest line first.

use leptos::prelude::*;

use super::state::{Tone, badge};
use super::table;
use crate::model::HistoryLine;

const COLUMNS: [(&str, &str); 7] = [
    ("", "Subrun"),
    ("", "Executable"),
    ("", "Ended"),
    ("", "Written (UTC)"),
    ("", "Production"),
    ("", "Input"),
    ("", "Configuration"),
];

/// The history, and how many older lines are not shown; a sentence if nothing has run yet.
pub fn history_table(lines: &[HistoryLine], older: usize) -> impl IntoView + use<> {
    if lines.is_empty() {
        return view! { <p class="none">"Nothing has been run yet."</p> }.into_any();
    }
    let rows = lines.iter().map(row).collect::<Vec<_>>();
    let older = (older > 0).then(|| {
        view! {
            <p class="none">
                {format!("{older} older lines are in the run's history files only.")}
            </p>
        }
    });
    view! {
        {table::table("history", "History", &COLUMNS, rows)}
        {older}
    }
    .into_any()
}

fn row(line: &HistoryLine) -> impl IntoView + use<> {
    let (tone, word) = match line.rc {
        0 => (Tone::Done, "0 ok".to_owned()),
        rc => (Tone::Failed, format!("{rc} failed")),
    };
    view! {
        <tr>
            <th scope="row">{line.run.clone()}</th>
            <td>{line.executable.clone()}</td>
            <td>{badge(tone, word)}</td>
            <td>{line.when.clone()}</td>
            <td>{line.prod_id.clone()}</td>
            {path_cell(line.input.as_deref())}
            {path_cell(line.config.as_deref())}
        </tr>
    }
}

/// The file's name; the whole path on hovering.
fn path_cell(path: Option<&str>) -> impl IntoView + use<> {
    let name = path.map(|path| path.rsplit('/').next().unwrap_or(path).to_owned());
    view! { <td title=path.map(str::to_owned)>{name.unwrap_or_else(|| "–".to_owned())}</td> }
}
