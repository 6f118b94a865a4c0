//! What a page shows of a run's provenance: all of it or a part, something chosen, a collection
//! unfolded, what was searched for. The page's address says it all, so every view has a permanent
//! link and needs no scripts.

use app::links;

use crate::model::{
    NightDate, ProvenanceAsked, ProvenanceMembers, ProvenanceNode, ProvenanceView, RunId,
};
use crate::provenance::Fold;
use crate::provenance::digest::md5_hex;
use crate::provenance::document::{Document, ElementKind, Name, Relation, RelationKind};
use crate::provenance::graph::{Direction, Graph, NodeKind, layout, svg};

/// Files of an unfolded collection that are drawn at once.
const MEMBERS_A_PAGE: usize = 12;

/// Puts together what is asked for. Names that are not in the document choose nothing.
pub fn view(
    fold: &Fold,
    mut document: Document,
    asked: ProvenanceAsked,
    bad_lines: u64,
) -> ProvenanceView {
    let request = fold.request();
    let members = asked
        .unfold
        .as_deref()
        .and_then(|of| unfold(fold, &mut document, of, asked.page.unwrap_or(1)));
    let graph = part(Graph::of(&document, ""), &asked);
    let keys = graph.keys();
    let nodes = nodes(fold, &graph, &keys, asked.search.as_deref());
    let drawing = draw(&graph, &nodes, &asked, (request.date, request.run));
    ProvenanceView {
        date: request.date,
        run: request.run,
        subtitle: graph.subtitle,
        asked,
        nodes,
        drawing,
        members,
        bad_lines,
    }
}

/// Adds a page of a collection's files to the document.
fn unfold(
    fold: &Fold,
    document: &mut Document,
    of: &str,
    page: usize,
) -> Option<ProvenanceMembers> {
    let collection = Name::split(of.split('~').next().unwrap_or(of));
    document.find(ElementKind::Entity, &collection)?;
    let all = fold.members_of(&collection.local);
    let pages = all.len().div_ceil(MEMBERS_A_PAGE);
    let page = page.clamp(1, pages.max(1));
    let files: Vec<_> =
        all.iter().skip((page - 1) * MEMBERS_A_PAGE).take(MEMBERS_A_PAGE).copied().collect();
    for file in &files {
        // The id that the file has in the log.
        let name = Name::new(collection.prefix.clone(), md5_hex(file.as_bytes()));
        let label = file.rsplit('/').next().unwrap_or(file);
        let element = document.element(ElementKind::Entity, &name);
        element.attributes.add(Name::prov("label"), label);
        element.attributes.add(Name::plain("filepath"), *file);
        document.relations.push(Relation::new(RelationKind::HadMember, collection.clone(), name));
    }
    let files = files.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let total = all.len();
    (total > 0).then(|| ProvenanceMembers { of: of.to_owned(), page, pages, total, files })
}

/// What was asked for of the whole graph.
fn part(graph: Graph, asked: &ProvenanceAsked) -> Graph {
    let expansions = [(&asked.back, Direction::Back), (&asked.forward, Direction::Forward)];
    expansions.into_iter().fold(graph, |graph, (key, direction)| {
        let node = key.as_ref().and_then(|key| graph.keys().iter().position(|one| one == key));
        match node {
            Some(node) => graph.part(node, direction),
            None => graph,
        }
    })
}

fn nodes(fold: &Fold, graph: &Graph, keys: &[String], search: Option<&str>) -> Vec<ProvenanceNode> {
    let search = search.map(str::to_lowercase).filter(|search| !search.is_empty());
    let is_found = |text: &str| search.as_ref().is_some_and(|s| text.to_lowercase().contains(s));
    let of = |index: usize, node: &crate::provenance::graph::Node| {
        let members = node.elements.first().map_or(0, |name| fold.members_of(&name.local).len());
        ProvenanceNode {
            key: keys[index].clone(),
            activity: node.kind == NodeKind::Activity,
            label: node.label.clone(),
            detail: node.detail.clone(),
            description: node.description.clone(),
            from: graph.edges.iter().filter(|e| e.to == index).map(|e| e.from).collect(),
            to: graph.edges.iter().filter(|e| e.from == index).map(|e| e.to).collect(),
            found: is_found(&node.label) || node.description.iter().any(|line| is_found(line)),
            members,
        }
    };
    graph.nodes.iter().enumerate().map(|(index, node)| of(index, node)).collect()
}

fn draw(
    graph: &Graph,
    nodes: &[ProvenanceNode],
    asked: &ProvenanceAsked,
    (date, run): (NightDate, RunId),
) -> String {
    let to = |node: &ProvenanceNode| links::provenance_at(date, run, &asked.choosing(&node.key));
    let addresses: Vec<_> = nodes.iter().map(to).collect();
    let marked: Vec<_> = nodes.iter().map(|node| node.found).collect();
    let chosen = asked.at.as_ref().and_then(|at| nodes.iter().position(|node| node.key == *at));
    let page = svg::Page { addresses: &addresses, chosen, marked: &marked };
    svg::write_in_page(&layout(graph), &page)
}
