//! What is known of the activity or entity that is chosen, and where it leads.

use leptos::prelude::*;

use super::{kind, links_to};
use crate::model::{
    ProvenanceAsked, ProvenanceMembers, ProvenanceNode, ProvenanceView, RunId, Subrun,
};
use crate::parts::links;

/// The details of what is chosen, or how to choose.
pub fn details(found: &ProvenanceView) -> AnyView {
    let chosen = found.asked.at.as_ref();
    let Some(node) = chosen.and_then(|at| found.nodes.iter().find(|node| node.key == *at)) else {
        return view! { <p class="hint">"Choose an activity or an entity to see what is known of it."</p> }
            .into_any();
    };
    let known = node.description.iter().map(|line| view! { <li>{line.clone()}</li> });
    let known = known.collect::<Vec<_>>();
    let [from, to] = if node.activity { ["Used", "Made"] } else { ["Made by", "Used by"] };
    let ends = [(from, &node.from), (to, &node.to)].map(|(word, nodes)| {
        let links = links_to(found, nodes);
        (!links.is_empty()).then(|| view! { <dt>{word}</dt><dd>{links}</dd> })
    });
    let ends = ends.into_iter().collect::<Vec<_>>();
    view! {
        <h2>{node.label.clone()}<span class="dim">" "{kind(node)}</span></h2>
        <nav class="bar" aria-label=format!("About {}", node.label)>{ways(found, node)}</nav>
        <dl class="facts">{ends}</dl>
        <ul class="evidence">{known}</ul>
        {members(found, node)}
    }
    .into_any()
}

/// Upstream, downstream, unfolding, and the pages about the same thing.
fn ways(found: &ProvenanceView, node: &ProvenanceNode) -> Vec<AnyView> {
    let at = |asked: ProvenanceAsked| links::provenance_at(found.date, found.run, &asked);
    let asked = &found.asked;
    let key = Some(node.key.clone());
    let mut ways = Vec::new();
    if !node.from.is_empty() {
        let back = at(ProvenanceAsked { back: key.clone(), ..asked.clone() });
        ways.push((back, "Follow upstream".to_owned()));
    }
    if !node.to.is_empty() {
        let forward = at(ProvenanceAsked { forward: key.clone(), ..asked.clone() });
        ways.push((forward, "Follow downstream".to_owned()));
    }
    if node.members > 0 {
        let (unfold, text) = if found.asked.unfold == key {
            (None, "Fold again".to_owned())
        } else {
            (key, format!("Unfold {} files", node.members))
        };
        ways.push((at(ProvenanceAsked { unfold, page: None, ..asked.clone() }), text));
    }
    ways.extend(elsewhere(found, node));
    let way = |(address, text)| view! { <a href=address>{text}</a> }.into_any();
    ways.into_iter().map(way).collect()
}

/// Pages of the run, the log and the figures that belong to a node.
fn elsewhere(found: &ProvenanceView, node: &ProvenanceNode) -> Vec<(String, String)> {
    let (date, run) = (found.date, found.run);
    let mut pages = Vec::new();
    if let Some((run, subrun)) = subrun_in(&node.label) {
        let text = format!("History and log of {run}.{:04}", subrun.0);
        pages.push((links::subrun(date, run, subrun), text));
    } else if node.activity {
        // `r0_to_dl1_19102`, or `calibrate_charge_19100-19101`: then its job is the latter's.
        let of = node.key.rsplit(['_', '-']).next().and_then(|run| run.parse().ok());
        let of: RunId = of.unwrap_or(run);
        pages.push((links::run(date, of), format!("History and logs of run {of}")));
    }
    let path = node.description.iter().find_map(|line| line.strip_prefix("filepath: "));
    if let Some(path) = path.filter(|_| node.members == 0) {
        let lineage = format!("api/v1/provenance.svg?path={}", links::quoted(path));
        pages.push((lineage, "Back to raw data, file by file".to_owned()));
    }
    if node.label.starts_with("DL1Check") || node.label == "dl1_datacheck" {
        pages.push((links::datacheck(date, Some(run)), "Figures".to_owned()));
    }
    pages
}

/// The run and subrun in a file name such as `dl1_LST-1.Run19102.0003.h5`.
fn subrun_in(name: &str) -> Option<(RunId, Subrun)> {
    let mut parts = name.split(".Run").nth(1)?.split('.');
    let run = parts.next()?.parse().ok()?;
    let digits = parts.next().filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some((run, Subrun(digits.parse().ok()?)))
}

/// One page of the files in an unfolded collection.
fn members(found: &ProvenanceView, node: &ProvenanceNode) -> Option<impl IntoView + use<>> {
    let page = found.members.as_ref().filter(|members| members.of == node.key)?;
    let ProvenanceMembers { of, pages, total, .. } = page;
    let steps = (1..=*pages).map(|number| {
        let asked =
            ProvenanceAsked { unfold: Some(of.clone()), page: Some(number), ..found.asked.clone() };
        let address = links::provenance_at(found.date, found.run, &asked);
        let current = (number == page.page).then_some("page");
        view! { <a href=address aria-current=current>{number.to_string()}</a> }
    });
    let steps = steps.collect::<Vec<_>>();
    let files = page.files.iter().map(|file| view! { <li>{file.clone()}</li> });
    let files = files.collect::<Vec<_>>();
    Some(view! {
        <h3>{format!("{total} files")}</h3>
        <nav class="bar" aria-label="Pages of files">{steps}</nav>
        <ul class="evidence">{files}</ul>
    })
}
