//! A drawing as PDF 1.4: one page, vectors, the reader's own Helvetica.

use std::fmt::Write as _;

use super::NodeKind;
use super::fonts::{self, BOLD, Font, REGULAR};
use super::layout::{Drawing, Path, Placed};
use super::svg::lines;

/// Points a pixel: a drawing of usual size then prints on a usual page.
const SCALE: f64 = 0.75;
/// The largest page that readers accept, in points.
const LARGEST: f64 = 14_400.0;
/// How far the control points of a quarter circle are from its ends, in radii.
const ROUND: f64 = 0.552_285;

/// Writes a drawing.
pub fn write(drawing: &Drawing) -> Vec<u8> {
    let scale = SCALE.min(LARGEST / drawing.width.max(drawing.height));
    let mut content = Vec::new();
    // Pixels count from the top.
    let (scale, top) = (scale, drawing.height * scale);
    push(&mut content, &format!("{scale:.4} 0 0 -{scale:.4} 0 {top:.2} cm 1.2 w\n"));
    text(&mut content, BOLD, 16.0, (24.0, 30.0), &drawing.title);
    text(&mut content, REGULAR, 12.0, (24.0, 50.0), &drawing.subtitle);
    for edge in &drawing.edges {
        push(&mut content, &curve(edge));
    }
    for placed in &drawing.nodes {
        node(&mut content, placed);
    }
    let page = format!(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {:.2} {:.2}] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> >>",
        drawing.width * scale,
        top
    );
    let font = |name| {
        format!("<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>")
    };
    let mut stream = format!("<< /Length {} >>\nstream\n", content.len()).into_bytes();
    stream.extend_from_slice(&content);
    stream.extend_from_slice(b"\nendstream");
    let mut info = b"<< /Producer (osa) /Title ".to_vec();
    string(&mut info, &drawing.title);
    info.extend_from_slice(b" >>");
    file(&[
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        page.into_bytes(),
        stream,
        font("Helvetica").into_bytes(),
        font("Helvetica-Bold").into_bytes(),
        info,
    ])
}

/// Numbers the objects from 1 and writes them with their table; the last is the information.
fn file(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut pdf = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (index, object) in objects.iter().enumerate() {
        let _ = writeln!(table, "{:010} 00000 n ", pdf.len());
        push(&mut pdf, &format!("{} 0 obj\n", index + 1));
        pdf.extend_from_slice(object);
        push(&mut pdf, "\nendobj\n");
    }
    let start = pdf.len();
    let count = objects.len();
    push(&mut pdf, &table);
    push(&mut pdf, &format!("trailer\n<< /Size {} /Root 1 0 R /Info {count} 0 R >>\n", count + 1));
    push(&mut pdf, &format!("startxref\n{start}\n%%EOF\n"));
    pdf
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn curve(edge: &Path) -> String {
    let mut path = String::from("0.42 0.42 0.46 RG 0.42 0.42 0.46 rg\n");
    for (index, (x, y)) in edge.points.iter().enumerate() {
        let _ = match edge.points.get(index.wrapping_sub(1)) {
            None => writeln!(path, "{x:.2} {y:.2} m"),
            Some((px, py)) => {
                let middle = f64::midpoint(*px, *x);
                writeln!(path, "{middle:.2} {py:.2} {middle:.2} {y:.2} {x:.2} {y:.2} c")
            }
        };
    }
    let (x, y) = edge.points.last().copied().unwrap_or_default();
    let (back, above, below) = (x - 8.0, y - 3.5, y + 3.5);
    let _ = writeln!(path, "S {x:.2} {y:.2} m {back:.2} {above:.2} l {back:.2} {below:.2} l f");
    path
}

fn node(out: &mut Vec<u8>, placed: &Placed) {
    let (colours, radius) = match placed.node.kind {
        NodeKind::Entity => ("1 0.97 0.84 rg 0.52 0.45 0.1 RG", placed.height / 2.0),
        NodeKind::Activity => ("0.88 0.91 1 rg 0.25 0.32 0.71 RG", 3.0),
    };
    push(out, &format!("{colours}\n{}B\n", rounded(placed, radius)));
    for (class, size, baseline, line) in lines(placed) {
        let font = if class == "label" { BOLD } else { REGULAR };
        let left = placed.x + (placed.width - fonts::width(font, size, line)) / 2.0;
        text(out, font, size, (left, placed.y + baseline), line);
    }
}

fn rounded(placed: &Placed, radius: f64) -> String {
    let Placed { x, y, width, height, .. } = *placed;
    let (right, bottom, flat) = (x + width, y + height, radius * (1.0 - ROUND));
    let corners = [
        // The straight side's end, both control points, and the corner's end.
        [(right - radius, y), (right - flat, y), (right, y + flat), (right, y + radius)],
        [
            (right, bottom - radius),
            (right, bottom - flat),
            (right - flat, bottom),
            (right - radius, bottom),
        ],
        [(x + radius, bottom), (x + flat, bottom), (x, bottom - flat), (x, bottom - radius)],
        [(x, y + radius), (x, y + flat), (x + flat, y), (x + radius, y)],
    ];
    let mut path = format!("{:.2} {y:.2} m\n", x + radius);
    for [side, first, second, end] in corners {
        let _ = writeln!(
            path,
            "{:.2} {:.2} l {:.2} {:.2} {:.2} {:.2} {:.2} {:.2} c",
            side.0, side.1, first.0, first.1, second.0, second.1, end.0, end.1
        );
    }
    path
}

/// A line of text; the page is upside down, so the text is turned once more.
fn text(out: &mut Vec<u8>, font: Font, size: f64, (x, y): (f64, f64), line: &str) {
    let name = if std::ptr::eq(font, BOLD) { "F2" } else { "F1" };
    push(out, &format!("BT 0.1 0.1 0.12 rg /{name} {size} Tf 1 0 0 -1 {x:.2} {y:.2} Tm "));
    string(out, line);
    push(out, " Tj ET\n");
}

/// A text in parentheses, in the reader's Western encoding; what that lacks becomes `?`.
fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'(');
    for c in text.chars() {
        match c {
            '(' | ')' | '\\' => out.extend_from_slice(&[b'\\', c as u8]),
            ' '..='~' => out.push(c as u8),
            '…' => out.push(0x85),
            '–' => out.push(0x96),
            '\u{a1}'..='\u{ff}' => out.push(u8::try_from(u32::from(c)).unwrap_or(b'?')),
            _ => out.push(b'?'),
        }
    }
    out.push(b')');
}
