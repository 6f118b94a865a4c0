//! The figures of many nights: a point a run against time, distinguished by what was observed.

use std::collections::BTreeMap;

use crate::datacheck::night::NightData;
use crate::datacheck::thresholds::Thresholds;

use super::thin::MOST_POINTS;
use super::{Chart, NightSheet, Panel, Series, Sheet, Span, night_sheet};

/// So many sources have a colour each; all others share one.
const COLOURED: usize = 5;
/// Of more runs, the boundaries of each could not be distinguished.
const MOST_SPANS: usize = 60;

/// A sheet of the runs in `night`, which may be of many nights; `sources` are what each run observed,
/// by row.
pub fn range_sheet(
    night: &NightData,
    sources: &[String],
    thresholds: &Thresholds,
    sheet: NightSheet,
) -> Sheet {
    let mut sheet = night_sheet(night, thresholds, sheet, 0);
    let groups = groups(sources);
    let spans = spans(night);
    for figure in &mut sheet.figures {
        let Panel::Chart(chart) = &mut figure.panel else { continue };
        by_source(chart, &groups);
        chart.spans.clone_from(&spans);
        if night.runs.rows > MOST_POINTS {
            figure.notes.push(
                "drawn are the least and the greatest value of each stretch of time; CSV and JSON hold all"
                    .into(),
            );
        }
    }
    sheet
}

/// Rows by source: those observed most often first, then all others together.
fn groups(sources: &[String]) -> Vec<(String, Vec<usize>)> {
    let mut rows: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, source) in sources.iter().enumerate() {
        rows.entry(source).or_default().push(row);
    }
    let mut rows: Vec<(String, Vec<usize>)> =
        rows.into_iter().map(|(source, rows)| (source.to_owned(), rows)).collect();
    rows.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
    if rows.len() > COLOURED + 1 {
        let mut others: Vec<usize> =
            rows.split_off(COLOURED).into_iter().flat_map(|(_, rows)| rows).collect();
        others.sort_unstable();
        rows.push(("other sources".into(), others));
    }
    rows
}

/// The first series of a night's figure is that of its runs: one a source takes its place.
fn by_source(chart: &mut Chart, groups: &[(String, Vec<usize>)]) {
    let Some(runs) = chart.series.first().cloned() else { return };
    let limits = chart.series.split_off(1);
    let series = groups.iter().map(|(source, rows)| {
        let pick =
            |values: &[f64]| rows.iter().filter_map(|&row| values.get(row).copied()).collect();
        Series {
            name: source.clone(),
            x: pick(&runs.x),
            y: pick(&runs.y),
            error: pick(&runs.error),
            ..runs.clone()
        }
    });
    chart.series = series.collect();
    chart.series.extend(limits);
}

/// From when to when each run was taken, around the middle that the file gives.
fn spans(night: &NightData) -> Vec<Span> {
    if night.runs.rows > MOST_SPANS {
        return Vec::new();
    }
    let (times, elapsed) = (night.runs.column("time"), night.runs.column("elapsed_time"));
    let runs = night.run_numbers().into_iter().zip(times).zip(elapsed);
    runs.filter(|((_, time), elapsed)| time.is_finite() && elapsed.is_finite())
        .map(|((run, time), elapsed)| Span {
            name: run.to_string(),
            from: time - elapsed / 2.0,
            to: time + elapsed / 2.0,
        })
        .collect()
}
