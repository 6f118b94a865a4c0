//! The drawing of a document: who made what of what, from left to right.
//!
//! [`Graph::of`] decides what is drawn, [`layout`] where, [`svg`] and [`pdf`] how.

mod fonts;
mod layout;
mod order;
mod part;
pub mod pdf;
pub mod svg;

use std::collections::BTreeMap;

use super::document::{Document, Element, ElementKind, Name, Relation, RelationKind};

pub use layout::{Drawing, Path, Placed, layout};
pub use part::Direction;

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// An entity, or several that play the same part.
    Entity,
    /// An activity.
    Activity,
}

/// A node of the drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it stands for.
    pub kind: NodeKind,
    /// The elements it stands for; several entities if they are stacked.
    pub elements: Vec<Name>,
    /// First line.
    pub label: String,
    /// Second line, smaller; may be empty.
    pub detail: String,
    /// Everything that is known, line by line.
    pub description: Vec<String>,
}

/// An edge, in the direction in which data flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Index of the node it comes from.
    pub from: usize,
    /// Index of the node it goes to.
    pub to: usize,
    /// The role, or what the edge means.
    pub label: String,
}

/// What is drawn. It has no cycles: an entity that is changed in place is drawn once before and
/// once after the activity that changed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// Heading.
    pub title: String,
    /// One line below it.
    pub subtitle: String,
    /// Nodes.
    pub nodes: Vec<Node>,
    /// Edges, no two alike.
    pub edges: Vec<Edge>,
}

impl Graph {
    /// The graph of a document.
    pub fn of(document: &Document, title: &str) -> Self {
        let mut builder = Builder::new(document, title);
        for activity in by_start(document) {
            builder.activity(activity);
        }
        builder.rest();
        builder.graph
    }

    fn link(&mut self, from: usize, to: usize, label: &str) {
        let edge = Edge { from, to, label: label.to_owned() };
        if !self.edges.iter().any(|other| (other.from, other.to) == (from, to)) {
            self.edges.push(edge);
        }
    }

    /// Whether `to` can be reached from `from`.
    fn reaches(&self, from: usize, to: usize) -> bool {
        let mut seen = vec![false; self.nodes.len()];
        let mut open = vec![from];
        while let Some(node) = open.pop() {
            if node == to {
                return true;
            }
            if !std::mem::replace(&mut seen[node], true) {
                open.extend(self.edges.iter().filter(|edge| edge.from == node).map(|e| e.to));
            }
        }
        false
    }
}

/// Activities by their beginning; those that tie, or do not tell, as they stand.
fn by_start(document: &Document) -> Vec<&Element> {
    let mut activities: Vec<_> = document.of_kind(ElementKind::Activity).collect();
    activities.sort_by(|a, b| match (&a.start, &b.start) {
        (Some(a), Some(b)) => a.cmp(b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
    activities
}

struct Builder<'a> {
    document: &'a Document,
    graph: Graph,
    /// Node that stands for an entity at this point of the story.
    current: BTreeMap<&'a Name, usize>,
    /// Whether something has used that node.
    used: Vec<bool>,
}

impl<'a> Builder<'a> {
    fn new(document: &'a Document, title: &str) -> Self {
        let is_session = |element: &&Element| is_session(element);
        let session = document.of_kind(ElementKind::Entity).find(is_session);
        let mut parts: Vec<_> = session
            .iter()
            .flat_map(|session| {
                let text = |key: &str| session.attributes.text(key);
                [
                    ("night", "observation_date"),
                    ("run", "observation_run"),
                    ("software", "software_version"),
                ]
                .map(|(word, key)| text(key).map(|value| format!("{word} {value}")))
            })
            .flatten()
            .collect();
        parts.extend(
            document.of_kind(ElementKind::Agent).map(|agent| format!("by {}", agent.label())),
        );
        let graph =
            Graph { title: title.to_owned(), subtitle: parts.join(" · "), ..Graph::default() };
        Self { document, graph, current: BTreeMap::new(), used: Vec::new() }
    }

    fn relations(
        &self,
        kind: RelationKind,
    ) -> impl Iterator<Item = (&'a Relation, &'a Name)> + use<'a> {
        let relations = self.document.relations.iter();
        relations.filter(move |r| r.kind == kind).filter_map(|r| Some((r, r.to.as_ref()?)))
    }

    fn activity(&mut self, activity: &'a Element) {
        let node = self.push(activity_node(activity));
        let mut by_role: BTreeMap<String, Vec<&Name>> = BTreeMap::new();
        let mut roles = Vec::new();
        for (relation, entity) in self.relations(RelationKind::Used) {
            if relation.from == activity.id {
                let role = relation.role().unwrap_or_else(|| "used".to_owned());
                if !roles.contains(&role) {
                    roles.push(role.clone());
                }
                by_role.entry(role).or_default().push(entity);
            }
        }
        for role in &roles {
            let entities = by_role.remove(role).unwrap_or_default();
            for from in self.sources(&entities) {
                self.used[from] = true;
                self.graph.link(from, node, role);
            }
        }
        for (relation, activity_id) in self.relations(RelationKind::WasGeneratedBy) {
            if *activity_id != activity.id {
                continue;
            }
            let role = relation.role().unwrap_or_else(|| "generated".to_owned());
            let known = self.current.get(&relation.from).copied();
            let to = known.filter(|known| !self.used[*known]);
            let to = to.unwrap_or_else(|| self.entity(&relation.from));
            self.graph.link(node, to, &role);
        }
    }

    /// Nodes of what an activity used in one role. Entities that nothing else is known to touch
    /// stand together as one node.
    fn sources(&mut self, entities: &[&'a Name]) -> Vec<usize> {
        let only_here = |name: &&&Name| {
            let touches = self.document.relations.iter();
            touches.filter(|r| r.from == ***name || r.to.as_ref() == Some(**name)).count() == 1
                && !self.current.contains_key(**name)
        };
        let stack: Vec<_> = entities.iter().filter(only_here).copied().collect();
        let mut nodes = Vec::new();
        if stack.len() > 1 {
            let node = stacked(self.document, &stack);
            let node = self.push(node);
            self.current.extend(stack.iter().map(|name| (*name, node)));
        }
        for entity in entities {
            let known = self.current.get(entity).copied();
            let node = known.unwrap_or_else(|| self.entity(entity));
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
        nodes
    }

    fn entity(&mut self, name: &'a Name) -> usize {
        let node = entity_node(self.document, name);
        let node = self.push(node);
        self.current.insert(name, node);
        node
    }

    fn push(&mut self, node: Node) -> usize {
        self.graph.nodes.push(node);
        self.used.push(false);
        self.graph.nodes.len() - 1
    }

    /// Derivations, memberships and entities that stand alone.
    fn rest(&mut self) {
        for element in self.document.of_kind(ElementKind::Entity) {
            if !self.current.contains_key(&element.id) && !is_session(element) {
                self.entity(&element.id);
            }
        }
        for (kind, label) in
            [(RelationKind::WasDerivedFrom, "derived"), (RelationKind::HadMember, "has member")]
        {
            for (relation, other) in self.relations(kind) {
                let ends = match kind {
                    RelationKind::HadMember => (&relation.from, other),
                    _ => (other, &relation.from),
                };
                let nodes = (self.current.get(ends.0).copied(), self.current.get(ends.1).copied());
                if let (Some(from), Some(to)) = nodes
                    && !self.graph.reaches(to, from)
                {
                    self.graph.link(from, to, label);
                }
            }
        }
    }
}

fn is_session(element: &Element) -> bool {
    let kind = element.attributes.get(&Name::prov("type"));
    kind.is_some_and(|kind| kind.plain() == "ExecutionSession")
}

fn activity_node(activity: &Element) -> Node {
    let mut description = describe(activity);
    let clock = |time: &Option<String>| time.as_ref().map(|time| short_time(time));
    let detail = match (clock(&activity.start), clock(&activity.end)) {
        (Some(start), Some(end)) => format!("{start} – {end}"),
        (start, end) => start.or(end).unwrap_or_default(),
    };
    for (word, time) in [("began", &activity.start), ("ended", &activity.end)] {
        description.extend(time.iter().map(|time| format!("{word}: {time}")));
    }
    let elements = vec![activity.id.clone()];
    Node { kind: NodeKind::Activity, elements, label: activity.label(), detail, description }
}

/// `22:14:05` of an xsd:dateTime.
fn short_time(time: &str) -> String {
    time.split('T').nth(1).and_then(|clock| clock.get(..8)).unwrap_or(time).to_owned()
}

fn entity_node(document: &Document, name: &Name) -> Node {
    let unknown = Element::new(ElementKind::Entity, name.clone());
    let element = document.find(ElementKind::Entity, name).unwrap_or(&unknown);
    let text = |key| element.attributes.text(key);
    let file = text("filepath").and_then(|path| Some(path.rsplit('/').next()?.to_owned()));
    let members = text("size").map(|size| format!("{size} subruns"));
    let detail = members.or(file.filter(|file| !file.is_empty())).unwrap_or_default();
    Node {
        kind: NodeKind::Entity,
        elements: vec![name.clone()],
        label: element.label(),
        detail,
        description: describe(element),
    }
}

/// One node for several entities of the same part.
fn stacked(document: &Document, names: &[&Name]) -> Node {
    let nodes: Vec<_> = names.iter().map(|name| entity_node(document, name)).collect();
    let label = nodes.first().map(|node| node.label.clone()).unwrap_or_default();
    let detail = nodes.first().map(|node| node.detail.clone()).unwrap_or_default();
    Node {
        kind: NodeKind::Entity,
        elements: names.iter().map(|name| (*name).clone()).collect(),
        label: format!("{label} × {}", nodes.len()),
        detail: format!("{detail} …"),
        description: nodes.into_iter().flat_map(|node| node.description).collect(),
    }
}

fn describe(element: &Element) -> Vec<String> {
    let own = [format!("{} {}", element.kind.name(), element.id)];
    let attributes = element.attributes.iter();
    own.into_iter()
        .chain(attributes.map(|(name, value)| format!("{name}: {}", value.plain())))
        .collect()
}

#[cfg(test)]
mod tests;
