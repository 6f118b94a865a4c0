//! Parts of a graph, and names for its nodes that last.

use std::collections::HashMap;

use super::{Edge, Graph};

/// Which way the data are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To what something was made from.
    Back,
    /// To what was made from it.
    Forward,
}

impl Graph {
    /// A name for each node, the same as long as it is in the graph at all: the PROV identifier of
    /// its first element, with `~2`, `~3` behind where it is drawn again.
    pub fn keys(&self) -> Vec<String> {
        let mut seen: HashMap<String, usize> = HashMap::new();
        let key = |node: &super::Node| {
            let name = node.elements.first().map(ToString::to_string).unwrap_or_default();
            let count = seen.entry(name.clone()).or_default();
            *count += 1;
            if *count == 1 { name } else { format!("{name}~{count}") }
        };
        self.nodes.iter().map(key).collect()
    }

    /// What can be reached from a node in one direction, the node itself included.
    #[must_use]
    pub fn part(&self, node: usize, direction: Direction) -> Self {
        let mut kept = vec![false; self.nodes.len()];
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut kept[node], true) {
                open.extend(self.edges.iter().filter_map(|edge| match direction {
                    Direction::Back => (edge.to == node).then_some(edge.from),
                    Direction::Forward => (edge.from == node).then_some(edge.to),
                }));
            }
        }
        let mut place = Vec::with_capacity(kept.len());
        let mut count = 0;
        for kept in &kept {
            place.push(count);
            count += usize::from(*kept);
        }
        let nodes = self.nodes.iter().zip(&kept).filter(|(_, kept)| **kept);
        let edges = self.edges.iter().filter(|edge| kept[edge.from] && kept[edge.to]);
        Self {
            title: self.title.clone(),
            subtitle: self.subtitle.clone(),
            nodes: nodes.map(|(node, _)| node.clone()).collect(),
            edges: edges
                .map(|edge| Edge {
                    from: place[edge.from],
                    to: place[edge.to],
                    label: edge.label.clone(),
                })
                .collect(),
        }
    }
}
