//! `/nights/2024-11-28/runs/19102/provenance`: what a run's products were made of, and how.

use leptos::prelude::*;
use leptos_meta::Title;

use super::problem::problem;
use super::{backend, crumbs, night_step, parameter};
use crate::model::{NightDate, ProvenanceNode, ProvenanceView, RunId};
use crate::parts::links;

/// Formats of the document, by the suffix of its address.
const FORMATS: [(&str, &str); 6] = [
    ("json", "PROV-JSON"),
    ("provn", "PROV-N"),
    ("ttl", "Turtle"),
    ("jsonld", "JSON-LD"),
    ("svg", "SVG"),
    ("pdf", "PDF"),
];

/// The graph of a run, and the same in words.
#[component]
pub fn ProvenancePage() -> impl IntoView {
    let asked = parameter::<NightDate>("date")
        .and_then(|date| Ok((backend()?, date, parameter::<RunId>("run")?)));
    Suspend::new(async move {
        let found = match asked {
            Ok((backend, date, run)) => backend.run_provenance(date, run).await,
            Err(error) => Err(error),
        };
        match found {
            Ok(view) => page(&view).into_any(),
            Err(error) => problem(&error).into_any(),
        }
    })
}

fn page(found: &ProvenanceView) -> impl IntoView + use<> {
    let (date, run) = (found.date, found.run);
    let run_step = (links::run(date, run), format!("Run {run}"));
    let address = links::provenance_document(date, run);
    let formats = FORMATS
        .map(|(suffix, name)| view! { <a href=format!("{address}.{suffix}")>{name}</a> })
        .into_iter()
        .collect::<Vec<_>>();
    let drawing = format!("{address}.svg");
    let whole = drawing.clone();
    let alt = format!("Provenance of run {run}, the table below says the same in words");
    let bad = (found.bad_lines > 0).then(|| {
        let text = format!("{} lines of prov.log are torn or no records.", found.bad_lines);
        view! { <p class="hint">{text}</p> }
    });
    view! {
        <Title text=format!("Provenance of run {run} of {date}")/>
        {crumbs(vec![night_step(date), run_step], "Provenance".to_owned())}
        <article class="provenance">
            <div class="title"><h1>"Provenance of run "{run.to_string()}</h1></div>
            <p class="hint">{found.subtitle.clone()}</p>
            {bad}
            <nav class="bar" aria-label="Formats">{formats}</nav>
            <div class="graph" role="region" aria-label="Graph" tabindex="0">
                <a href=whole><img src=drawing alt=alt/></a>
            </div>
            {table(&found.nodes)}
        </article>
    }
}

fn table(nodes: &[ProvenanceNode]) -> impl IntoView + use<> {
    let rows = nodes.iter().map(row).collect::<Vec<_>>();
    view! {
        <div class="scroll" role="region" aria-label="Activities and entities" tabindex="0">
            <table>
                <caption>"Activities and entities"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Kind"</th>
                        <th scope="col">"From"</th>
                        <th scope="col">"To"</th>
                        <th scope="col">"What is known"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

fn row(node: &ProvenanceNode) -> impl IntoView + use<> {
    let kind = if node.activity { "activity" } else { "entity" };
    let detail = (!node.detail.is_empty()).then(|| format!(" {}", node.detail));
    let known = node.description.iter().map(|line| view! { <li>{line.clone()}</li> });
    let known = known.collect::<Vec<_>>();
    let count = known.len();
    view! {
        <tr>
            <th scope="row">{node.label.clone()}<span class="dim">{detail}</span></th>
            <td>{kind}</td>
            <td>{node.from.join(", ")}</td>
            <td>{node.to.join(", ")}</td>
            <td>
                <details>
                    <summary>{format!("{count} lines")}<span class="unseen">" about "{node.label.clone()}</span></summary>
                    <ul class="evidence">{known}</ul>
                </details>
            </td>
        </tr>
    }
}
