//! Figures: their data as snapshots, and every one drawn.

use std::fmt::Write;

use server::datacheck::draw::{Format, Hover, figure_as, sheet_as, svg};
use server::datacheck::figure::{
    Comparison, Figure, NightSheet, Panel, RunSheet, Sheet, SubrunRings, compare, compare_sheets,
    night_sheet, pixel_history, pixel_sheet, range_sheet, run_sheet, to_csv,
};
use server::datacheck::{Frame, NightData, RunData, Thresholds, read_muons};

use super::{fixture, night_file};

fn run_sheets(run: u32) -> Vec<Sheet> {
    let data = RunData::read(&[fixture(&format!("datacheck_dl1_LST-1.Run{run}.h5"))]).unwrap();
    let rings: Vec<SubrunRings> = (0..3)
        .map(|subrun| {
            let file = fixture(&format!("muons_LST-1.Run{run}.{subrun:04}.fits"));
            SubrunRings { subrun, rings: file.exists().then(|| read_muons(&file).unwrap()) }
        })
        .collect();
    RunSheet::ALL.map(|sheet| run_sheet(&data, &rings, sheet)).into()
}

fn night_sheets() -> Vec<Sheet> {
    let dir = tempfile::tempdir().unwrap();
    let night = NightData::read(&[night_file(dir.path())], true).unwrap();
    let thresholds = Thresholds::shipped().unwrap();
    NightSheet::ALL.map(|sheet| night_sheet(&night, &thresholds, sheet, 0)).into()
}

/// What a figure holds, in few lines: axes, and number, sum, least and greatest of its values.
fn digest(sheets: &[Sheet]) -> String {
    let mut text = String::new();
    for sheet in sheets {
        writeln!(text, "{} ({})", sheet.key, sheet.title).unwrap();
        for figure in &sheet.figures {
            writeln!(text, "  {}: {}", figure.id, figure.title).unwrap();
            for note in &figure.notes {
                writeln!(text, "    note: {note}").unwrap();
            }
            match &figure.panel {
                Panel::Missing { why } => writeln!(text, "    missing: {why}").unwrap(),
                Panel::Camera(camera) => {
                    let (from, to) = camera.range();
                    let stars = camera.stars.len();
                    writeln!(
                        text,
                        "    map {}: {}, colours {from:.5e} to {to:.5e}, {stars} near stars",
                        camera.z.caption(),
                        numbers(&camera.values)
                    )
                    .unwrap();
                }
                Panel::Heat(heat) => {
                    let axes = format!("{} x {}", heat.x.caption(), heat.y.caption());
                    writeln!(text, "    heat {axes}: {}", numbers(&heat.counts)).unwrap();
                }
                Panel::Chart(chart) => {
                    writeln!(text, "    {} / {}", chart.x.caption(), chart.y.caption()).unwrap();
                    for series in &chart.series {
                        writeln!(
                            text,
                            "    {:?} {}: {}",
                            series.mark,
                            series.name,
                            numbers(&series.y)
                        )
                        .unwrap();
                    }
                }
            }
        }
    }
    text
}

fn numbers(values: &[f64]) -> String {
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let least = finite.iter().copied().fold(f64::INFINITY, f64::min);
    let greatest = finite.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = finite.iter().sum();
    format!("{} of {}, {least:.5e} to {greatest:.5e}, sum {sum:.5e}", finite.len(), values.len())
}

#[test]
fn a_healthy_runs_figures() {
    insta::assert_snapshot!(digest(&run_sheets(20601)));
}

#[test]
fn a_troubled_runs_figures_say_what_is_missing() {
    insta::assert_snapshot!(digest(&run_sheets(20603)));
}

#[test]
fn a_nights_figures() {
    insta::assert_snapshot!(digest(&night_sheets()));
}

#[test]
fn every_figure_is_drawn_small_enough_and_exported() {
    let sheets = [run_sheets(20601), run_sheets(20603), night_sheets()].concat();
    let mut ids = std::collections::BTreeSet::new();
    for sheet in &sheets[..RunSheet::ALL.len()] {
        for figure in &sheet.figures {
            assert!(ids.insert((&sheet.key, &figure.id)), "twice: {} {}", sheet.key, figure.id);
        }
    }
    for figure in sheets.iter().flat_map(|sheet| &sheet.figures) {
        let drawn = svg(figure, Hover::Links(LINKS)).unwrap();
        assert!(drawn.starts_with("<svg") && drawn.trim_end().ends_with("</svg>"), "{}", figure.id);
        assert!(!drawn.contains("NaN") && !drawn.contains("inf\""), "{}", figure.id);
        let packed = packed(&drawn);
        assert!(packed < 60_000, "{}: {packed} bytes compressed", figure.id);
        assert!(to_csv(figure).lines().count() > 1, "{}", figure.id);
        let json = serde_json::to_string(figure).unwrap();
        let back: Figure = serde_json::from_str(&json).unwrap();
        let sheet = |figure: &Figure| {
            let figures = vec![figure.clone()];
            digest(&[Sheet { key: String::new(), title: String::new(), figures }])
        };
        assert_eq!(sheet(&back), sheet(figure));
    }
}

/// As long as such an address is on a site.
const LINKS: &str = "/osa/nights/2025-01-31/runs/20601/datacheck?sheet=pixel-";

fn packed(text: &str) -> usize {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
    encoder.finish().unwrap().len()
}

fn map(sheets: &[Sheet]) -> &Figure {
    let sheet = sheets.iter().find(|sheet| sheet.key == "pedestal-charge").unwrap();
    sheet.figures.iter().find(|figure| figure.id == "mean-map").unwrap()
}

#[test]
fn csv_has_a_line_a_pixel() {
    let csv = to_csv(map(&run_sheets(20601)));
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 1856);
    assert_eq!(lines[0], "pixel,Pedestal: mean charge [pe],star");
    assert_eq!(lines[433], "432,0,0"); // dead
}

#[test]
fn a_map_tells_pixels_and_marks_stars() {
    let drawn = svg(map(&run_sheets(20601)), Hover::Tells).unwrap();
    assert_eq!(drawn.matches("<use ").count(), 1855);
    assert!(drawn.contains("<title>432: 0 pe</title>"));
    assert!(drawn.contains("star within"));
    let silent = svg(map(&run_sheets(20601)), Hover::Silent).unwrap();
    assert!(!silent.contains("<title>") && silent.len() < drawn.len());
}

#[test]
fn two_runs_are_compared_pixel_by_pixel() {
    let (a, b) = (run_sheets(20601), run_sheets(20603));
    let ratio = compare(map(&a), map(&b), Comparison::Ratio).unwrap();
    let difference = compare(map(&a), map(&b), Comparison::Difference).unwrap();
    let values = |figure: &Figure| match &figure.panel {
        Panel::Camera(camera) => camera.values.clone(),
        _ => panic!("no map"),
    };
    let (first, second) = (values(map(&a))[0], values(map(&b))[0]);
    assert!((values(&difference)[0] - (first - second)).abs() < 1e-12);
    assert!((values(&ratio)[0] - first / second).abs() < 1e-12);
    assert!(values(&ratio)[432].is_nan(), "a dead pixel has no ratio");
    assert!(svg(&ratio, Hover::Silent).is_ok());
}

#[test]
fn a_pixels_history_has_gaps_where_a_subrun_has_no_value() {
    let data = RunData::read(&[fixture("datacheck_dl1_LST-1.Run20603.h5")]).unwrap();
    let history = pixel_history(&data, 333);
    let Panel::Chart(charge) = &history[0].panel else { panic!("no chart") };
    let pedestals = &charge.series[0];
    assert_eq!(pedestals.x, [0.0, 1.0, 2.0]);
    assert!(pedestals.y[0].is_nan() && pedestals.y[1].is_finite() && pedestals.y[2].is_nan());
}

#[test]
fn figures_and_sheets_are_pictures_and_pages_with_their_text_in_them() {
    let sheets = run_sheets(20601);
    let chosen = ["pedestal-charge", "image-parameters", "rates"];
    for sheet in sheets.iter().filter(|sheet| chosen.contains(&sheet.key.as_str())) {
        for figure in &sheet.figures {
            let png = figure_as(figure, Format::Png, Hover::Silent).unwrap();
            assert!(png.starts_with(b"\x89PNG") && png.len() > 10_000, "{}", figure.id);
            let pdf = figure_as(figure, Format::Pdf, Hover::Silent).unwrap();
            assert!(pdf.starts_with(b"%PDF") && pdf.len() < 200_000, "{}", figure.id);
            let found = |word: &[u8]| pdf.windows(word.len()).any(|here| here == word);
            assert!(found(b"DejaVuSans"), "{} brings its font along", figure.id);
        }
        let page = sheet_as("run 20601", sheet, Format::Pdf).unwrap().unwrap();
        assert!(page.starts_with(b"%PDF") && page.len() < 1_000_000, "{}", sheet.key);
        let drawn = sheet_as("run 20601", sheet, Format::Svg).unwrap().unwrap();
        let drawn = String::from_utf8(drawn).unwrap();
        assert_eq!(drawn.matches("<svg").count(), 1 + sheet.figures.len());
        assert!(drawn.contains(" · run 20601"));
        assert!(sheet_as("run 20601", sheet, Format::Csv).unwrap().is_none());
    }
}

#[test]
fn two_runs_and_a_pixel_and_many_nights() {
    let (a, b) = (run_sheets(20601), run_sheets(20603));
    let mut sheets: Vec<Sheet> = ["pedestal-charge", "cosmics-pulses"]
        .iter()
        .map(|key| {
            let of =
                |sheets: &[Sheet]| sheets.iter().find(|sheet| sheet.key == *key).unwrap().clone();
            compare_sheets(&of(&a), &of(&b), ["run 20601", "run 20603"])
        })
        .collect();
    let data = RunData::read(&[fixture("datacheck_dl1_LST-1.Run20603.h5")]).unwrap();
    sheets.push(pixel_sheet(&data, 333));
    let dir = tempfile::tempdir().unwrap();
    let runs = Frame::read_runs(&night_file(dir.path())).unwrap();
    let night = NightData::of_runs(vec![runs.clone(), runs.select(&[1])]);
    let sources = ["Crab", "Mrk 421", "Crab", "Crab"].map(ToOwned::to_owned);
    let thresholds = Thresholds::shipped().unwrap();
    sheets.extend(NightSheet::LINES.map(|sheet| range_sheet(&night, &sources, &thresholds, sheet)));
    insta::assert_snapshot!(digest(&sheets));
    for figure in sheets.iter().flat_map(|sheet| &sheet.figures) {
        assert!(svg(figure, Hover::Silent).is_ok(), "{}", figure.id);
    }
}

#[test]
fn years_of_nights_are_drawn_in_few_points() {
    let dir = tempfile::tempdir().unwrap();
    let runs = Frame::read_runs(&night_file(dir.path())).unwrap();
    let night = NightData::of_runs(vec![runs; 5000]);
    let sources = vec!["Crab".to_owned(); night.runs.rows];
    let sheet = range_sheet(&night, &sources, &Thresholds::shipped().unwrap(), NightSheet::Rates);
    let figure = &sheet.figures[2];
    assert!(svg(figure, Hover::Silent).unwrap().len() < 300_000);
    assert!(to_csv(figure).lines().count() > 15_000);
    assert!(figure.notes[0].contains("least and the greatest"), "{:?}", figure.notes);
}
