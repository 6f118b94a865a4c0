//! Figures of muon rings.

use crate::datacheck::muons::MuonRing;
use crate::datacheck::rows::EventType;
use crate::datacheck::run::{RunData, mean};

use super::{Axis, Figure, Mark, Series, histogram};

/// The muon rings of a subrun.
#[derive(Clone, Debug)]
pub struct SubrunRings {
    /// The subrun.
    pub subrun: i64,
    /// Its rings; `None` if its file is missing or cannot be read.
    pub rings: Option<Vec<MuonRing>>,
}

type Pick = fn(&MuonRing) -> f64;

fn all(rings: &[SubrunRings]) -> impl Iterator<Item = &MuonRing> {
    rings.iter().filter_map(|subrun| subrun.rings.as_ref()).flatten()
}

fn contained(rings: &[SubrunRings]) -> Vec<&MuonRing> {
    all(rings).filter(|ring| ring.is_contained()).collect()
}

fn of(rings: &[&MuonRing], pick: Pick) -> Vec<f64> {
    rings.iter().map(|ring| pick(ring)).collect()
}

/// What is not known about the rings.
fn notes(rings: &[SubrunRings]) -> Vec<String> {
    let missing: Vec<String> = rings
        .iter()
        .filter(|subrun| subrun.rings.is_none())
        .map(|subrun| subrun.subrun.to_string())
        .collect();
    let none: Vec<String> = rings
        .iter()
        .filter(|subrun| subrun.rings.as_ref().is_some_and(Vec::is_empty))
        .map(|subrun| subrun.subrun.to_string())
        .collect();
    let mut notes = Vec::new();
    if !missing.is_empty() {
        notes.push(format!("no file of muon rings for subruns {}", missing.join(", ")));
    }
    if !none.is_empty() {
        notes.push(format!("no ring in subruns {}", none.join(", ")));
    }
    notes
}

/// Number and rate of rings by subrun; containment and completeness.
pub(super) fn counts(run: &RunData, rings: &[SubrunRings]) -> Vec<Figure> {
    if all(rings).next().is_none() {
        return vec![
            Figure::missing("rings", "Muon rings", "no muon ring").with_notes(notes(rings)),
        ];
    }
    let elapsed = |subrun: i64| {
        let rows = EventType::ALL.into_iter().filter_map(|events| run.table(events));
        let mut rows = rows.flat_map(|table| &table.subruns);
        rows.find(|row| row.facts.subrun == subrun).map_or(f64::NAN, |row| row.facts.elapsed_s)
    };
    let known: Vec<(&SubrunRings, &Vec<MuonRing>)> =
        rings.iter().filter_map(|subrun| Some((subrun, subrun.rings.as_ref()?))).collect();
    let x: Vec<f64> = known.iter().map(|(subrun, _)| subrun.subrun as f64).collect();
    let number = |counted: fn(&MuonRing) -> bool| -> Vec<f64> {
        known
            .iter()
            .map(|(_, rings)| rings.iter().filter(|ring| counted(ring)).count() as f64)
            .collect()
    };
    let (every, whole) = (number(|_| true), number(MuonRing::is_contained));
    let rate = |numbers: &[f64]| -> Vec<f64> {
        numbers
            .iter()
            .zip(&known)
            .map(|(number, (subrun, _))| number / elapsed(subrun.subrun))
            .collect()
    };
    let pair = |a: Vec<f64>, b: Vec<f64>| {
        vec![
            Series::new("all rings", Mark::Line, x.clone(), a),
            Series::new("contained rings", Mark::Line, x.clone(), b),
        ]
    };
    let rates = pair(rate(&every), rate(&whole));
    let share = |values: &[f64]| {
        let (edges, counts) = histogram(values, 30, Some((0.0, 1.0)));
        let total = counts.iter().sum::<f64>().max(1.0);
        (edges, counts.into_iter().map(|count| count / total).collect::<Vec<f64>>())
    };
    let every_ring: Vec<&MuonRing> = all(rings).collect();
    let whole_rings = contained(rings);
    let (edges, containment) = share(&of(&every_ring, |ring| ring.containment));
    let (_, complete) = share(&of(&every_ring, |ring| ring.completeness));
    let (_, complete_whole) = share(&of(&whole_rings, |ring| ring.completeness));
    let part = || Axis::new("Fraction of rings", "");
    let subrun = || Axis::whole("Subrun");
    vec![
        Figure::chart("number", "Muon rings", subrun(), Axis::new("Rings", ""), pair(every, whole))
            .with_notes(notes(rings)),
        Figure::chart("rate", "Rate of muon rings", subrun(), Axis::new("Rate", "Hz"), rates),
        Figure::chart(
            "containment",
            "Containment of rings",
            Axis::new("Containment", ""),
            part(),
            vec![Series::new("all rings", Mark::Fill, edges.clone(), containment)],
        ),
        Figure::chart(
            "completeness",
            "Completeness of rings",
            Axis::new("Completeness", ""),
            part(),
            vec![
                Series::new("all rings", Mark::Step, edges.clone(), complete),
                Series::new("contained rings", Mark::Step, edges, complete_whole),
            ],
        ),
    ]
}

fn scatter(id: &str, title: &str, rings: &[&MuonRing], x: (Axis, Pick), y: (Axis, Pick)) -> Figure {
    let points = Series::new("contained rings", Mark::Point, of(rings, x.1), of(rings, y.1));
    Figure::chart(id, title, x.0, y.0, vec![points])
}

fn spread(
    id: &str,
    title: &str,
    rings: &[&MuonRing],
    x: Axis,
    pick: Pick,
    bins: usize,
    mark: Mark,
) -> Figure {
    let (edges, counts) = histogram(&of(rings, pick), bins, x.range);
    let series = Series::new("contained rings", mark, edges, counts);
    Figure::chart(id, title, x, Axis::new("Rings", ""), vec![series])
}

/// Contained rings: centres, light, impact, width.
pub(super) fn shapes(rings: &[SubrunRings]) -> Vec<Figure> {
    let whole = contained(rings);
    if whole.is_empty() {
        return vec![
            Figure::missing("rings", "Contained muon rings", "no contained muon ring")
                .with_notes(notes(rings)),
        ];
    }
    let radius = || Axis::new("Ring radius", "deg");
    let light = || Axis::new("Ring intensity", "pe");
    let centre = |ring: &MuonRing| ring.center_x_m.hypot(ring.center_y_m);
    vec![
        spread(
            "centre",
            "Ring centres",
            &whole,
            Axis::new("Distance from the camera's centre", "m").over(0.0, 2.0),
            centre,
            40,
            Mark::Fill,
        )
        .with_notes(notes(rings)),
        scatter(
            "intensity-radius",
            "Intensity against radius",
            &whole,
            (radius(), |ring| ring.radius_deg),
            (light(), |ring| ring.size_pe),
        ),
        spread(
            "intensity",
            "Ring intensity",
            &whole,
            light().over(0.0, 4000.0),
            |ring| ring.size_pe,
            40,
            Mark::Fill,
        ),
        scatter(
            "completeness-impact",
            "Completeness against impact",
            &whole,
            (Axis::new("Impact parameter", "m"), |ring| ring.impact_m),
            (Axis::new("Completeness", ""), |ring| ring.completeness),
        ),
        scatter(
            "width-radius",
            "Width against radius",
            &whole,
            (radius(), |ring| ring.radius_deg),
            (Axis::new("Ring width", "deg").over(0.0, 0.3), |ring| ring.width_deg),
        ),
        spread(
            "width",
            "Ring width",
            &whole,
            Axis::new("Ring width", "deg").over(0.0, 0.3),
            |ring| ring.width_deg,
            40,
            Mark::Fill,
        ),
    ]
}

/// Contained rings: waveform peak and the telescope's efficiency, also by subrun.
pub(super) fn efficiency(rings: &[SubrunRings]) -> Vec<Figure> {
    let whole = contained(rings);
    if whole.is_empty() {
        return vec![
            Figure::missing("rings", "Contained muon rings", "no contained muon ring")
                .with_notes(notes(rings)),
        ];
    }
    let efficiency = || Axis::new("Telescope efficiency from muons", "").over(0.0, 0.5);
    let width = || Axis::new("Ring width", "deg").over(0.0, 0.3);
    vec![
        spread(
            "peak-sample",
            "Peak of the high-gain waveform",
            &whole,
            Axis::new("Peak sample", "").over(-0.5, 39.5),
            |ring| ring.hg_peak_sample,
            40,
            Mark::Fill,
        ),
        spread(
            "efficiency",
            "Telescope efficiency",
            &whole,
            efficiency(),
            |ring| ring.efficiency,
            50,
            Mark::Fill,
        ),
        by_subrun(
            "efficiency-by-subrun",
            "Telescope efficiency by subrun",
            rings,
            efficiency(),
            |ring| ring.efficiency,
        ),
        scatter(
            "light-completeness",
            "Light per radius against completeness",
            &whole,
            (Axis::new("Completeness", ""), |ring| ring.completeness),
            (Axis::new("Ring intensity / radius", "pe/deg"), |ring| ring.size_pe / ring.radius_deg),
        ),
        scatter(
            "efficiency-width",
            "Efficiency against width",
            &whole,
            (width(), |ring| ring.width_deg),
            (efficiency(), |ring| ring.efficiency),
        ),
        by_subrun("width-by-subrun", "Ring width by subrun", rings, width(), |ring| ring.width_deg),
    ]
}

/// Mean of good contained rings and its standard error, by subrun.
fn by_subrun(id: &str, title: &str, rings: &[SubrunRings], y: Axis, pick: Pick) -> Figure {
    let (mut subruns, mut means, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for subrun in rings {
        let values: Vec<f64> = subrun
            .rings
            .iter()
            .flatten()
            .filter(|ring| ring.is_contained() && ring.efficiency < 1.0)
            .map(pick)
            .collect();
        let number = values.len() as f64;
        let centre = mean(&values);
        let variance =
            values.iter().map(|value| (value - centre).powi(2)).sum::<f64>() / (number - 1.0);
        subruns.push(subrun.subrun as f64);
        means.push(centre);
        errors.push(if number > 1.0 { (variance / number).sqrt() } else { f64::NAN });
    }
    let series = Series::new("contained rings", Mark::Point, subruns, means).with_error(errors);
    Figure::chart(id, title, Axis::whole("Subrun"), y, vec![series]).with_notes(notes(rings))
}
