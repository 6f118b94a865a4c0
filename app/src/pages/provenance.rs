//! `/nights/2024-11-28/runs/19102/provenance`: what a run's products were made of, and how. The
//! query says what is looked at, see [`ProvenanceAsked`].

mod details;

use leptos::prelude::*;
use leptos_meta::Title;

use super::problem::problem;
use super::{backend, crumbs, night_step, parameter, query};
use crate::live::GraphView;
use crate::model::{NightDate, ProvenanceAsked, ProvenanceNode, ProvenanceView, RunId};
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
    let route = parameter::<NightDate>("date")
        .and_then(|date| Ok((backend()?, date, parameter::<RunId>("run")?)));
    let asked = ProvenanceAsked {
        at: query("at"),
        back: query("back"),
        forward: query("forward"),
        unfold: query("unfold"),
        page: query("page"),
        search: query("q"),
    };
    Suspend::new(async move {
        let found = match route {
            Ok((backend, date, run)) => backend.run_provenance(date, run, asked).await,
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
    let bad = (found.bad_lines > 0).then(|| {
        let text = format!("{} lines of prov.log are torn or no records.", found.bad_lines);
        view! { <p class="hint">{text}</p> }
    });
    let content = view! {
        {search(found)}
        {part(found)}
        <div class="graph" id="graph" role="region" aria-label="Graph" tabindex="0" inner_html=found.drawing.clone()></div>
        <section id="details" class="details" aria-label="Details" aria-live="polite">
            {details::details(found)}
        </section>
        {table(found)}
    };
    view! {
        <Title text=format!("Provenance of run {run} of {date}")/>
        {crumbs(vec![night_step(date), run_step], "Provenance".to_owned())}
        <article class="provenance">
            <div class="title"><h1>"Provenance of run "{run.to_string()}</h1></div>
            <p class="hint">{found.subtitle.clone()}</p>
            {bad}
            <nav class="bar" aria-label="Formats">{formats}</nav>
            <GraphView>{content}</GraphView>
        </article>
    }
}

/// Finds names and whatever else is known, such as a file or a version.
fn search(found: &ProvenanceView) -> impl IntoView + use<> {
    let action = links::provenance(found.date, found.run);
    let asked = ProvenanceAsked { search: None, page: None, ..found.asked.clone() };
    let kept = asked.pairs().into_iter();
    let kept = kept.map(|(name, value)| view! { <input type="hidden" name=name value=value/> });
    let kept = kept.collect::<Vec<_>>();
    let sought = found.asked.search.clone().unwrap_or_default();
    let said = (!sought.is_empty()).then(|| {
        let hits = found.nodes.iter().filter(|node| node.found);
        let hits = hits.map(|node| link(found, node)).collect::<Vec<_>>();
        let count = format!("{} found", hits.len());
        view! { <p class="hint" role="status">{count}{list(hits)}</p> }
    });
    view! {
        <form class="bar search" method="get" action=action role="search">
            {kept}
            <label>"Search " <input type="search" name="q" value=sought/></label>
            <button>"Search"</button>
        </form>
        {said}
    }
}

/// Which part is shown, if not all, and the way back to all.
fn part(found: &ProvenanceView) -> Option<impl IntoView + use<>> {
    let asked = &found.asked;
    let name = |key: &str| {
        let node = found.nodes.iter().find(|node| node.key == key);
        node.map_or_else(|| key.to_owned(), |node| node.label.clone())
    };
    let text = match (&asked.back, &asked.forward) {
        (None, None) => return None,
        (Some(key), None) => format!("Only what {} was made from. ", name(key)),
        (None, Some(key)) => format!("Only what was made from {}. ", name(key)),
        (Some(to), Some(from)) => format!("Only what leads from {} to {}. ", name(from), name(to)),
    };
    let all = ProvenanceAsked { back: None, forward: None, ..asked.clone() };
    let all = links::provenance_at(found.date, found.run, &all);
    Some(view! { <p class="hint">{text}<a href=all>"Show everything"</a></p> })
}

/// A link that chooses a node.
fn link(found: &ProvenanceView, node: &ProvenanceNode) -> AnyView {
    let asked = found.asked.choosing(&node.key);
    let address = links::provenance_at(found.date, found.run, &asked);
    view! { <a href=address>{node.label.clone()}</a> }.into_any()
}

/// Links side by side.
fn list(links: Vec<AnyView>) -> Vec<AnyView> {
    let item = |link: AnyView| view! { " " {link} }.into_any();
    links.into_iter().map(item).collect()
}

/// Links that choose nodes by their indices.
fn links_to(found: &ProvenanceView, nodes: &[usize]) -> Vec<AnyView> {
    let nodes = nodes.iter().filter_map(|index| found.nodes.get(*index));
    list(nodes.map(|node| link(found, node)).collect())
}

fn table(found: &ProvenanceView) -> impl IntoView + use<> {
    let rows = found.nodes.iter().map(|node| row(found, node)).collect::<Vec<_>>();
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

fn row(found: &ProvenanceView, node: &ProvenanceNode) -> impl IntoView + use<> {
    let detail = (!node.detail.is_empty()).then(|| format!(" {}", node.detail));
    let known = node.description.iter().map(|line| view! { <li>{line.clone()}</li> });
    let known = known.collect::<Vec<_>>();
    let count = known.len();
    view! {
        <tr class=node.found.then_some("marked")>
            <th scope="row">{link(found, node)}<span class="dim">{detail}</span></th>
            <td>{kind(node)}</td>
            <td>{links_to(found, &node.from)}</td>
            <td>{links_to(found, &node.to)}</td>
            <td>
                <details>
                    <summary>{format!("{count} lines")}<span class="unseen">" about "{node.label.clone()}</span></summary>
                    <ul class="evidence">{known}</ul>
                </details>
            </td>
        </tr>
    }
}

fn kind(node: &ProvenanceNode) -> &'static str {
    if node.activity { "activity" } else { "entity" }
}
