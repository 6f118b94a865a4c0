//! All figures of a sheet on one page.

use std::fmt::Write;

use crate::datacheck::figure::{Panel, Sheet};

use super::{DrawError, Hover, escaped, svg};

const WIDTH: usize = 630;
/// Height of a row with a map, and of one without.
const HEIGHTS: (usize, usize) = (550, 410);
const HEAD: usize = 60;
const LINE: usize = 18;

/// Draws a sheet: its title and what it is `of`, its figures in rows, and their notes below.
pub fn draw(sheet: &Sheet, of: &str) -> Result<String, DrawError> {
    let number = sheet.figures.len();
    let columns = match number {
        0 | 1 => 1,
        2 | 4 => 2,
        _ => 3,
    };
    let notes: Vec<String> = sheet
        .figures
        .iter()
        .flat_map(|figure| figure.notes.iter().map(|note| format!("{}: {note}", figure.title)))
        .collect();
    let maps = sheet.figures.iter().any(|figure| matches!(figure.panel, Panel::Camera(_)));
    let row = if maps { HEIGHTS.0 } else { HEIGHTS.1 };
    let width = columns * WIDTH;
    let below = HEAD + number.div_ceil(columns) * row;
    let height = below + if notes.is_empty() { 0 } else { (notes.len() + 1) * LINE };
    // Writing to a text cannot fail.
    let mut page = String::new();
    let _ = write!(
        page,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\">\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\
         <text x=\"{}\" y=\"36\" font-size=\"22\" text-anchor=\"middle\">{}</text>",
        width / 2,
        escaped(&format!("{} · {of}", sheet.title))
    );
    for (index, figure) in sheet.figures.iter().enumerate() {
        let (x, y) = (index % columns * WIDTH, HEAD + index / columns * row);
        let drawn = svg(figure, Hover::Silent)?;
        // Drawings are of different heights: all begin at the top of their place.
        page.push_str(&drawn.replacen("<svg", &format!("<svg x=\"{x}\" y=\"{y}\""), 1));
    }
    for (index, note) in notes.iter().enumerate() {
        let y = below + (index + 1) * LINE;
        let note = escaped(note);
        let _ = write!(page, "<text x=\"14\" y=\"{y}\" font-size=\"13\">{note}</text>");
    }
    page.push_str("</svg>");
    Ok(page)
}
