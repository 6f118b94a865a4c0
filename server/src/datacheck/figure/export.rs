//! A figure's data as CSV and JSON, for other programs.

use crate::datacheck::zero::without_sign_of_zero;

use super::{Axis, Chart, Figure, Mark, Panel};

/// The figure's data as JSON; values that are not a number are null.
pub fn to_json(figure: &Figure) -> Result<String, serde_json::Error> {
    serde_json::to_string(figure)
}

/// The figure's data as CSV (RFC 4180) with a header line: a line a point, bin or pixel. Values
/// that are not a number are empty.
pub fn to_csv(figure: &Figure) -> String {
    let mut csv = String::new();
    match &figure.panel {
        Panel::Missing { why } => {
            line(&mut csv, &[quoted("missing")]);
            line(&mut csv, &[quoted(why)]);
        }
        Panel::Camera(camera) => {
            line(&mut csv, &[quoted("pixel"), heading(&camera.z), quoted("star")]);
            for (pixel, value) in camera.values.iter().enumerate() {
                let star = camera.stars.iter().any(|star| usize::from(*star) == pixel);
                line(&mut csv, &[pixel.to_string(), number(*value), u8::from(star).to_string()]);
            }
        }
        Panel::Heat(heat) => {
            let (x, y) = (heading(&heat.x), heading(&heat.y));
            let names = ["from", "to"].map(|end| (tail(&x, end), tail(&y, end)));
            let [(x_from, y_from), (x_to, y_to)] = names;
            line(&mut csv, &[x_from, x_to, y_from, y_to, heading(&heat.z)]);
            let rows = heat.y_edges.len().saturating_sub(1).max(1);
            for (index, count) in heat.counts.iter().enumerate() {
                let edge =
                    |edges: &[f64], at: usize| number(edges.get(at).copied().unwrap_or(f64::NAN));
                let (i, j) = (index / rows, index % rows);
                line(
                    &mut csv,
                    &[
                        edge(&heat.x_edges, i),
                        edge(&heat.x_edges, i + 1),
                        edge(&heat.y_edges, j),
                        edge(&heat.y_edges, j + 1),
                        number(*count),
                    ],
                );
            }
        }
        Panel::Chart(chart) => write_chart(&mut csv, chart),
    }
    csv
}

fn write_chart(csv: &mut String, chart: &Chart) {
    let x = heading(&chart.x);
    line(csv, &[quoted("series"), x.clone(), tail(&x, "to"), heading(&chart.y), quoted("error")]);
    for series in &chart.series {
        let binned = matches!(series.mark, Mark::Step | Mark::Fill);
        for (index, value) in series.y.iter().enumerate() {
            let at = |at: usize| number(series.x.get(at).copied().unwrap_or(f64::NAN));
            let end = if binned { at(index + 1) } else { String::new() };
            let error = series.error.get(index).map_or_else(String::new, |error| number(*error));
            line(csv, &[quoted(&series.name), at(index), end, number(*value), error]);
        }
    }
}

fn line(csv: &mut String, cells: &[String]) {
    csv.push_str(&cells.join(","));
    csv.push_str("\r\n");
}

fn heading(axis: &Axis) -> String {
    quoted(&axis.caption())
}

/// A heading with a word after it, within its quotes.
fn tail(heading: &str, word: &str) -> String {
    match heading.strip_suffix('"') {
        Some(open) => format!("{open} {word}\""),
        None => format!("{heading} {word}"),
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn number(value: f64) -> String {
    if value.is_finite() { without_sign_of_zero(value.to_string()) } else { String::new() }
}
