//! Where everything stands: layers from left to right, in pixels.

use super::fonts::{self, BOLD, REGULAR};
use super::order::{crossings, reduce_crossings, to_float};
use super::{Graph, Node};

/// Size of a first line, in pixels.
pub(super) const LABEL_SIZE: f64 = 12.0;
/// Size of a second line.
pub(super) const DETAIL_SIZE: f64 = 10.0;
const NODE_HEIGHT: f64 = 40.0;
const NODE_WIDTHS: (f64, f64) = (96.0, 232.0);
const PADDING: f64 = 14.0;
const ROW_GAP: f64 = 16.0;
const LAYER_GAP: f64 = 72.0;
const MARGIN: f64 = 24.0;
const HEADING: f64 = 48.0;
/// Rows are pulled to their neighbours this often.
const PULLS: usize = 20;

/// A node in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// What it is.
    pub node: Node,
    /// The label, shortened to fit.
    pub label: String,
    /// The detail, shortened to fit.
    pub detail: String,
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// An edge in its place: from the right of a node to the left of another, through points between
/// which it runs as a curve that is level at each of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Index of the node it comes from.
    pub from: usize,
    /// Index of the node it goes to.
    pub to: usize,
    /// What it means.
    pub label: String,
    /// Two points or more.
    pub points: Vec<(f64, f64)>,
}

/// A drawing, ready to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// Heading.
    pub title: String,
    /// One line below it.
    pub subtitle: String,
    /// Width of the page.
    pub width: f64,
    /// Height of the page.
    pub height: f64,
    /// Nodes, in the order of the graph.
    pub nodes: Vec<Placed>,
    /// Edges, in the order of the graph.
    pub edges: Vec<Path>,
    /// How many pairs of edges cross.
    pub crossings: usize,
}

/// Lays a graph out. The same graph always gives the same drawing.
pub fn layout(graph: &Graph) -> Drawing {
    let layer_of = layers(graph);
    let mut grid = Grid::new(graph, &layer_of);
    reduce_crossings(&mut grid.layers, &grid.links);
    let widths: Vec<_> = graph.nodes.iter().map(width).collect();
    let lefts = grid.lefts(&widths);
    let tops = grid.tops(graph.nodes.len());
    let nodes: Vec<_> = graph
        .nodes
        .iter()
        .enumerate()
        .map(|(index, node)| {
            let width = widths[index];
            let room = width - PADDING;
            Placed {
                node: node.clone(),
                label: fonts::fit(BOLD, LABEL_SIZE, &node.label, room),
                detail: fonts::fit(REGULAR, DETAIL_SIZE, &node.detail, room),
                x: lefts[layer_of[index]].0 + (lefts[layer_of[index]].1 - width) / 2.0,
                y: tops[index],
                width,
                height: NODE_HEIGHT,
            }
        })
        .collect();
    let edges = grid.paths(graph, &nodes, &lefts, &tops);
    let right = lefts.last().map_or(0.0, |(left, width)| left + width);
    let heading = fonts::width(BOLD, 16.0, &graph.title).max(fonts::width(
        REGULAR,
        DETAIL_SIZE,
        &graph.subtitle,
    ));
    let bottom = tops.iter().copied().fold(HEADING, f64::max) + NODE_HEIGHT;
    Drawing {
        title: graph.title.clone(),
        subtitle: graph.subtitle.clone(),
        width: right.max(heading + MARGIN) + MARGIN,
        height: bottom + MARGIN,
        crossings: crossings(&grid.layers, &grid.links),
        nodes,
        edges,
    }
}

fn width(node: &Node) -> f64 {
    let label = fonts::width(BOLD, LABEL_SIZE, &node.label);
    let detail = fonts::width(REGULAR, DETAIL_SIZE, &node.detail);
    (label.max(detail) + PADDING).clamp(NODE_WIDTHS.0, NODE_WIDTHS.1)
}

/// Layer of each node: one after its last source; a node without sources one before its first
/// use, so that what an activity uses stands beside it.
fn layers(graph: &Graph) -> Vec<usize> {
    let count = graph.nodes.len();
    let mut layer = vec![0usize; count];
    // A graph without cycles settles within as many rounds as it has nodes.
    for _ in 0..count {
        let mut changed = false;
        for edge in &graph.edges {
            if layer[edge.to] <= layer[edge.from] {
                layer[edge.to] = layer[edge.from] + 1;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    for node in 0..count {
        let has_source = graph.edges.iter().any(|edge| edge.to == node);
        let uses = graph.edges.iter().filter(|edge| edge.from == node);
        if let Some(first) = uses.map(|edge| layer[edge.to]).min().filter(|_| !has_source) {
            layer[node] = first.saturating_sub(1);
        }
    }
    layer
}

/// Nodes and the bends of long edges, by layer.
struct Grid {
    layers: Vec<Vec<usize>>,
    links: Vec<Vec<(usize, usize)>>,
    /// Per edge: its nodes and bends from left to right.
    chains: Vec<Vec<usize>>,
    bends_from: usize,
}

impl Grid {
    fn new(graph: &Graph, layer_of: &[usize]) -> Self {
        let count = layer_of.iter().max().map_or(0, |last| last + 1);
        let mut layers = vec![Vec::new(); count];
        for (node, layer) in layer_of.iter().enumerate() {
            layers[*layer].push(node);
        }
        let mut links = vec![Vec::new(); count.saturating_sub(1)];
        let mut next = graph.nodes.len();
        let mut chains = Vec::new();
        for edge in &graph.edges {
            let mut chain = vec![edge.from];
            for layer in layer_of[edge.from] + 1..=layer_of[edge.to] {
                let node = if layer == layer_of[edge.to] {
                    edge.to
                } else {
                    layers[layer].push(next);
                    next += 1;
                    next - 1
                };
                links[layer - 1].push((chain[chain.len() - 1], node));
                chain.push(node);
            }
            chains.push(chain);
        }
        Self { layers, links, chains, bends_from: graph.nodes.len() }
    }

    /// Left edge and width of each layer.
    fn lefts(&self, widths: &[f64]) -> Vec<(f64, f64)> {
        let mut left = MARGIN;
        let layers = self.layers.iter().map(|layer| {
            let of = layer.iter().filter_map(|node| widths.get(*node).copied());
            let width = of.fold(0.0, f64::max);
            let place = (left, width);
            left += width + LAYER_GAP;
            place
        });
        layers.collect()
    }

    /// Room that a node or bend takes, with the gap to the next.
    fn room(&self, node: usize) -> f64 {
        if node < self.bends_from { NODE_HEIGHT + ROW_GAP } else { ROW_GAP }
    }

    /// Top edge of each node; the height of each bend.
    fn tops(&self, nodes: usize) -> Vec<f64> {
        let total = nodes + self.layers.iter().flatten().filter(|n| **n >= nodes).count();
        let mut centre = vec![0.0; total];
        for layer in &self.layers {
            let mut at = 0.0;
            for node in layer {
                centre[*node] = at + self.room(*node) / 2.0;
                at += self.room(*node);
            }
        }
        for pull in 0..PULLS {
            let count = self.layers.len();
            for step in 0..count {
                let index = if pull % 2 == 0 { step } else { count - 1 - step };
                self.pull(index, &mut centre);
            }
        }
        let top = |node: usize, at: f64| if node < nodes { at - NODE_HEIGHT / 2.0 } else { at };
        let tops: Vec<_> = centre.iter().enumerate().map(|(node, at)| top(node, *at)).collect();
        let highest = tops.iter().copied().fold(f64::INFINITY, f64::min);
        let shift = MARGIN + HEADING - if highest.is_finite() { highest } else { 0.0 };
        tops.into_iter().map(|top| top + shift).collect()
    }

    /// Moves the nodes of a layer towards their neighbours, without changing their order.
    fn pull(&self, index: usize, centre: &mut [f64]) {
        let layer = &self.layers[index];
        let left = index.checked_sub(1).map(|gap| &self.links[gap]);
        let preferred_place = |node: usize| {
            let from = left.into_iter().flatten().filter(|link| link.1 == node).map(|link| link.0);
            let right = self.links.get(index);
            let to = right.into_iter().flatten().filter(|link| link.0 == node).map(|link| link.1);
            let around: Vec<_> = from.chain(to).map(|other| centre[other]).collect();
            if around.is_empty() {
                centre[node]
            } else {
                around.iter().sum::<f64>() / to_float(around.len())
            }
        };
        let preferred: Vec<_> = layer.iter().map(|node| preferred_place(*node)).collect();
        let gap = |a: usize, b: usize| f64::midpoint(self.room(layer[a]), self.room(layer[b]));
        // Pushed down where too close, and pushed up: both keep the distances, so does their mean.
        let mut down = preferred.clone();
        for place in 1..layer.len() {
            down[place] = down[place].max(down[place - 1] + gap(place - 1, place));
        }
        let mut up = preferred;
        for place in (1..layer.len()).rev() {
            up[place - 1] = up[place - 1].min(up[place] - gap(place - 1, place));
        }
        for (place, node) in layer.iter().enumerate() {
            centre[*node] = f64::midpoint(down[place], up[place]);
        }
    }

    fn paths(
        &self,
        graph: &Graph,
        nodes: &[Placed],
        lefts: &[(f64, f64)],
        tops: &[f64],
    ) -> Vec<Path> {
        let layer_of_first = |chain: &[usize]| {
            chain.first().and_then(|node| self.layers.iter().position(|layer| layer.contains(node)))
        };
        let edges = graph.edges.iter().zip(&self.chains);
        edges
            .map(|(edge, chain)| {
                let (from, to) = (&nodes[edge.from], &nodes[edge.to]);
                let mut points = vec![(from.x + from.width, from.y + from.height / 2.0)];
                let first = layer_of_first(chain).unwrap_or(0);
                for (step, bend) in chain.iter().enumerate() {
                    if *bend >= self.bends_from {
                        let (left, width) = lefts[first + step];
                        points.push((left, tops[*bend]));
                        points.push((left + width, tops[*bend]));
                    }
                }
                points.push((to.x, to.y + to.height / 2.0));
                let label = edge.label.clone();
                Path { from: edge.from, to: edge.to, label, points }
            })
            .collect()
    }
}
