//! A drawing as SVG: readable as it is, by eye and by screen reader, with names on its parts that
//! a page can make live.

use std::fmt::Write as _;

use super::layout::{DETAIL_SIZE, Drawing, LABEL_SIZE, Path, Placed};
use super::{Node, NodeKind};

const STYLE: &str = "\
text{font-family:Helvetica,Arial,sans-serif;fill:#1b1b1f}\
.label{font-weight:bold}.detail,.subtitle{fill:#4a4a55}\
.entity rect{fill:#fff8d6;stroke:#85731a}.activity rect{fill:#e0e7ff;stroke:#3f51b5}\
.edge path{fill:none;stroke:#6b6b76;stroke-width:1.2}.edge .arrow{fill:#6b6b76;stroke:none}\
a:focus rect,g:focus rect{stroke-width:3}\
@media (prefers-color-scheme:dark){text{fill:#ececf1}.detail,.subtitle{fill:#b9b9c4}\
.entity rect{fill:#3a3411;stroke:#d9c55a}.activity rect{fill:#1f2a55;stroke:#93a4f4}\
.edge path{stroke:#9a9aa6}.edge .arrow{fill:#9a9aa6}}";

/// What a page adds to a drawing that stands in it; the page's own style sheet gives the colours.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// Where each node leads to.
    pub addresses: &'a [String],
    /// The node that is chosen.
    pub chosen: Option<usize>,
    /// Whether a node is to be marked.
    pub marked: &'a [bool],
}

/// Writes a drawing as part of a page: every node is a link.
pub fn write_in_page(drawing: &Drawing, page: &Page<'_>) -> String {
    let mut svg = String::new();
    let (width, height) = (drawing.width, drawing.height);
    let _ = writeln!(
        svg,
        "<svg width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         role=\"group\" aria-label=\"{}\">",
        escape(&summary(drawing))
    );
    for edge in &drawing.edges {
        write_edge(&mut svg, drawing, edge);
    }
    for (index, node) in drawing.nodes.iter().enumerate() {
        write_link(&mut svg, index, node, page);
    }
    svg.push_str("</svg>");
    svg
}

fn write_link(svg: &mut String, index: usize, placed: &Placed, page: &Page<'_>) {
    let kind = class(placed.node.kind);
    let chosen = page.chosen == Some(index);
    let marked = page.marked.get(index).copied().unwrap_or_default();
    let address = page.addresses.get(index).map(String::as_str).unwrap_or_default();
    let _ = write!(
        svg,
        "<a class=\"{kind}{}{}\" href=\"{}\"{}>",
        if chosen { " chosen" } else { "" },
        if marked { " marked" } else { "" },
        escape(address),
        if chosen { " aria-current=\"true\"" } else { "" },
    );
    write_box(svg, placed);
    svg.push_str("</a>\n");
}

fn class(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Entity => "entity",
        NodeKind::Activity => "activity",
    }
}

/// Writes a drawing.
pub fn write(drawing: &Drawing) -> String {
    let mut svg = String::new();
    let (width, height) = (drawing.width, drawing.height);
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-labelledby=\"title desc\">"
    );
    let _ = writeln!(svg, "<title id=\"title\">{}</title>", escape(&drawing.title));
    let _ = writeln!(svg, "<desc id=\"desc\">{}</desc>", escape(&summary(drawing)));
    let _ = writeln!(svg, "<style>{STYLE}</style>");
    let heading =
        [("label", 16.0, 30.0, &drawing.title), ("subtitle", 12.0, 50.0, &drawing.subtitle)];
    for (class, size, y, text) in heading {
        let text = escape(text);
        let _ = writeln!(
            svg,
            "<text class=\"{class}\" x=\"24\" y=\"{y}\" font-size=\"{size}\">{text}</text>"
        );
    }
    for edge in &drawing.edges {
        write_edge(&mut svg, drawing, edge);
    }
    for (index, node) in drawing.nodes.iter().enumerate() {
        write_node(&mut svg, index, node);
    }
    svg.push_str("</svg>\n");
    svg
}

/// The drawing in a sentence or two.
fn summary(drawing: &Drawing) -> String {
    let of = |kind| drawing.nodes.iter().filter(move |placed| placed.node.kind == kind);
    let names: Vec<_> = of(NodeKind::Activity).map(|placed| placed.node.label.as_str()).collect();
    format!(
        "{}. Activities from left to right: {}. {} files, collections or settings, joined by {} arrows.",
        drawing.subtitle,
        names.join(", "),
        of(NodeKind::Entity).count(),
        drawing.edges.len()
    )
}

fn write_edge(svg: &mut String, drawing: &Drawing, edge: &Path) {
    let label = |index: usize| drawing.nodes.get(index).map_or("", |placed| &placed.node.label);
    let title = format!("{} to {}: {}", label(edge.from), label(edge.to), edge.label);
    let mut data = String::new();
    for (index, (x, y)) in edge.points.iter().enumerate() {
        let _ = match edge.points.get(index.wrapping_sub(1)) {
            None => write!(data, "M{x:.1},{y:.1}"),
            Some((px, py)) => {
                let middle = f64::midpoint(*px, *x);
                write!(data, " C{middle:.1},{py:.1} {middle:.1},{y:.1} {x:.1},{y:.1}")
            }
        };
    }
    let (x, y) = edge.points.last().copied().unwrap_or_default();
    let _ = writeln!(
        svg,
        "<g class=\"edge\" data-from=\"{}\" data-to=\"{}\"><title>{}</title><path d=\"{data}\"/>\
         <path class=\"arrow\" d=\"M{x:.1},{y:.1} l-8,-3.5 v7 z\"/></g>",
        edge.from,
        edge.to,
        escape(&title)
    );
}

fn write_node(svg: &mut String, index: usize, placed: &Placed) {
    let node = &placed.node;
    let _ = write!(
        svg,
        "<g class=\"{}\" id=\"node-{index}\" data-ids=\"{}\"><title>{}</title>",
        class(node.kind),
        escape(&ids(node)),
        escape(&node.description.join("\n"))
    );
    write_box(svg, placed);
    svg.push_str("</g>\n");
}

fn write_box(svg: &mut String, placed: &Placed) {
    let Placed { node, x, y, width, height, .. } = placed;
    let radius = match node.kind {
        NodeKind::Entity => height / 2.0,
        NodeKind::Activity => 3.0,
    };
    let _ = write!(
        svg,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{radius}\"/>"
    );
    for (class, size, baseline, text) in lines(placed) {
        let (x, y, text) = (x + width / 2.0, y + baseline, escape(text));
        let _ = write!(
            svg,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" \
             text-anchor=\"middle\">{text}</text>"
        );
    }
}

fn ids(node: &Node) -> String {
    node.elements.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// A node's lines: class, size, distance of the baseline from the top, and text.
pub(super) fn lines(placed: &Placed) -> Vec<(&'static str, f64, f64, &str)> {
    if placed.detail.is_empty() {
        return vec![("label", LABEL_SIZE, 24.0, &placed.label)];
    }
    vec![("label", LABEL_SIZE, 17.0, &placed.label), ("detail", DETAIL_SIZE, 31.0, &placed.detail)]
}

/// A text for XML, without the characters that XML forbids.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
