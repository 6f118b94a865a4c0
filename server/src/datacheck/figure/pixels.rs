//! Figures of a value a pixel: map, value against pixel, distribution; a pixel's history; two runs
//! compared.

use crate::datacheck::geometry::{PIXELS, pixels};
use crate::datacheck::rows::{EventType, Merge, PixelColumn};
use crate::datacheck::run::{EventTable, HISTORY, RunData, SubrunRow};

use super::{
    Axis, Camera, Chart, Figure, Limits, Mark, Palette, Panel, Scale, Series, Sheet, histogram,
};

/// Bins of a distribution of pixels.
const BINS: usize = 200;

/// A value a pixel, and how it is shown.
pub(super) struct PixelValues {
    /// Short name for identifiers, such as `mean`.
    pub id: &'static str,
    /// What it is.
    pub label: String,
    /// Its unit.
    pub unit: &'static str,
    /// By pixel.
    pub values: Vec<f64>,
    /// Whether the map's colours run by powers of ten.
    pub log: bool,
    /// Pixels near a star.
    pub stars: Vec<u16>,
    /// Limits: lower, upper.
    pub limits: [Option<Vec<f64>>; 2],
    /// What must be known.
    pub notes: Vec<String>,
}

impl PixelValues {
    /// The map.
    pub fn map(&self) -> Figure {
        let z = Axis::new(&self.label, self.unit);
        let camera = Camera {
            z: if self.log { z.log() } else { z },
            values: self.values.clone(),
            limits: Limits::Percentile(0.5, 99.5),
            palette: Palette::Sequential,
            stars: self.stars.clone(),
        };
        Figure::new(&format!("{}-map", self.id), &self.label, Panel::Camera(camera))
            .with_notes(self.notes.clone())
    }

    /// Map, value against pixel, and distribution.
    pub fn three_panels(&self) -> Vec<Figure> {
        let pixel: Vec<f64> = (0..self.values.len()).map(|pixel| pixel as f64).collect();
        let mut series =
            vec![Series::new(&self.label, Mark::Point, pixel.clone(), self.values.clone())];
        for (name, limit) in ["lower limit", "upper limit"].iter().zip(&self.limits) {
            let Some(limit) = limit else { continue };
            series.push(Series::new(*name, Mark::Limit, pixel.clone(), limit.clone()));
        }
        let by_pixel = Figure::chart(
            &format!("{}-by-pixel", self.id),
            format!("{} by pixel", self.label),
            Axis::new("Pixel", "").over(-20.0, PIXELS as f64 + 19.0),
            Axis::new(&self.label, self.unit),
            series,
        );
        let (edges, counts) = histogram(&self.values, BINS, None);
        let without = self.values.iter().filter(|value| !value.is_finite()).count();
        let mut distribution = Figure::chart(
            &format!("{}-distribution", self.id),
            format!("{}: pixels", self.label),
            Axis::new(&self.label, self.unit),
            Axis::new("Pixels", "").log(),
            vec![Series::new("pixels", Mark::Fill, edges, counts)],
        );
        if without > 0 {
            distribution.notes.push(format!("{without} of {PIXELS} pixels have no value"));
        }
        vec![self.map(), by_pixel, distribution]
    }
}

/// Pixels near a bright star in some subrun.
pub(super) fn stars(table: &EventTable) -> Vec<u16> {
    let counts = table.pixels(PixelColumn::Stars).unwrap_or_default();
    (0u16..).zip(counts).filter(|(_, count)| *count > 0.0).map(|(pixel, _)| pixel).collect()
}

/// What the mean of a column leaves out.
pub(super) fn left_out(table: &EventTable, column: PixelColumn) -> Vec<String> {
    let mut notes = Vec::new();
    for out in table.left_out.iter().filter(|out| out.column == column) {
        if notes.len() == 5 {
            notes.push("and more".into());
            break;
        }
        notes.push(format!(
            "pixel {}: subrun {} left out, its value is not finite",
            out.pixel, out.subrun
        ));
    }
    notes
}

/// How a pixel's values went from subrun to subrun, for each kind of event.
pub fn pixel_history(run: &RunData, pixel: usize) -> Vec<Figure> {
    let labels = [
        "Mean charge",
        "Charge std dev",
        "Mean time",
        "Mean relative time",
        "Events > 10 pe",
        "Events > 30 pe",
    ];
    let units = ["pe", "pe", "ns", "ns", "", ""];
    HISTORY
        .into_iter()
        .zip(labels.into_iter().zip(units))
        .map(|(column, (label, unit))| {
            let counts = column.merge() == Merge::Sum;
            let series: Vec<Series> = EventType::ALL
                .into_iter()
                .filter_map(|events| {
                    let value = |row: &SubrunRow| {
                        let value = row.pixel(column, pixel).unwrap_or(f64::NAN);
                        if counts { value / row.facts.events as f64 } else { value }
                    };
                    let (x, y) = run.by_subrun(events, value)?;
                    let some = y.iter().any(|value| value.is_finite());
                    some.then(|| Series::new(events.label(), Mark::Line, x, y))
                })
                .collect();
            let label =
                if counts { format!("Fraction of {}", label.to_lowercase()) } else { label.into() };
            let y = Axis::new(&label, unit);
            let title = format!("Pixel {pixel}: {}", label.to_lowercase());
            Figure::chart(column.name(), title, Axis::whole("Subrun"), y, series)
        })
        .collect()
}

/// The history of a pixel, as a sheet.
pub fn pixel_sheet(run: &RunData, pixel: usize) -> Sheet {
    let title = match pixels().get(pixel).map(|pixel| pixel.cluster) {
        Some([i, j, place]) => format!("Pixel {pixel} (module {i}, {j}, place {place})"),
        None => format!("Pixel {pixel}"),
    };
    let figures = pixel_history(run, pixel).into_iter();
    let figures = figures.map(|figure| or_missing(figure, "the pixel has no value")).collect();
    Sheet { key: format!("pixel-{pixel}"), title, figures }
}

/// How two runs are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The first minus the second.
    Difference,
    /// The first divided by the second.
    Ratio,
}

/// Two maps of the same quantity compared, pixel by pixel; `None` if one of them is no map.
pub fn compare(first: &Figure, second: &Figure, how: Comparison) -> Option<Figure> {
    let (Panel::Camera(a), Panel::Camera(b)) = (&first.panel, &second.panel) else { return None };
    let values: Vec<f64> = a
        .values
        .iter()
        .zip(&b.values)
        .map(|(a, b)| match how {
            Comparison::Difference => a - b,
            Comparison::Ratio if *b == 0.0 => f64::NAN,
            Comparison::Ratio => a / b,
        })
        .collect();
    let (word, unit, centre) = match how {
        Comparison::Difference => ("difference", a.z.unit.as_str(), 0.0),
        Comparison::Ratio => ("ratio", "", 1.0),
    };
    let mut away: Vec<f64> = values
        .iter()
        .filter(|value| value.is_finite())
        .map(|value| (value - centre).abs())
        .collect();
    away.sort_by(f64::total_cmp);
    let place = (away.len() as f64 * 0.99) as usize;
    let reach = away.get(place.min(away.len().saturating_sub(1))).copied().unwrap_or(1.0);
    let reach = if reach > 0.0 { reach } else { 1.0 };
    let camera = Camera {
        z: Axis::new(format!("{}, {word}", a.z.label), unit),
        values,
        limits: Limits::Fixed(centre - reach, centre + reach),
        palette: Palette::Diverging,
        stars: Vec::new(),
    };
    let id = format!("{}-{word}", first.id);
    Some(Figure::new(&id, format!("{}: {word}", first.title), Panel::Camera(camera)))
}

/// Two sheets of the same kind compared. Of each map: both, in the same colours, their difference and
/// their ratio.
pub fn compare_sheets(first: &Sheet, second: &Sheet, names: [&str; 2]) -> Sheet {
    let maps = first.figures.iter().filter(|figure| matches!(figure.panel, Panel::Camera(_)));
    let mut figures: Vec<Figure> =
        maps.flat_map(|figure| compared(figure, second, names)).collect();
    if figures.is_empty() {
        let why = format!("{} has no map on this sheet", names[0]);
        figures.push(Figure::missing("maps", "Maps compared", why));
    }
    Sheet { key: first.key.clone(), title: first.title.clone(), figures }
}

fn compared(first: &Figure, second: &Sheet, names: [&str; 2]) -> Vec<Figure> {
    let other = second.figures.iter().find(|figure| figure.id == first.id);
    let both = other.and_then(|other| match (&first.panel, &other.panel) {
        (Panel::Camera(a), Panel::Camera(b)) => Some((other, a.range(), b.range())),
        _ => None,
    });
    let Some((other, (a_from, a_to), (b_from, b_to))) = both else {
        let why = format!("{} has no such map", names[1]);
        return vec![Figure::missing(&first.id, &first.title, why)];
    };
    let alike = |figure: &Figure, word: &str, name: &str| {
        let mut figure = figure.clone();
        figure.id = format!("{}-{word}", figure.id);
        figure.title = format!("{name}: {}", figure.title);
        if let Panel::Camera(camera) = &mut figure.panel {
            camera.limits = Limits::Fixed(a_from.min(b_from), a_to.max(b_to));
        }
        figure
    };
    let mut figures = vec![alike(first, "first", names[0]), alike(other, "second", names[1])];
    for (how, sign) in [(Comparison::Difference, "−"), (Comparison::Ratio, "/")] {
        figures
            .extend(compare(first, other, how).map(|figure| {
                figure.with_notes(vec![format!("{} {sign} {}", names[0], names[1])])
            }));
    }
    figures
}

/// A chart's series drawn against powers of ten lose their zeros; this makes an empty chart say so.
pub(super) fn or_missing(figure: Figure, why: &str) -> Figure {
    let empty = match &figure.panel {
        Panel::Chart(Chart { series, y, .. }) => !series.iter().any(|series| {
            let shown = |value: &f64| value.is_finite() && (y.scale != Scale::Log || *value > 0.0);
            series.y.iter().any(shown)
        }),
        Panel::Heat(heat) => !heat.counts.iter().any(|count| *count > 0.0),
        Panel::Camera(camera) => !camera.values.iter().any(|value| value.is_finite()),
        Panel::Missing { .. } => false,
    };
    if empty { Figure::missing(&figure.id, &figure.title, why) } else { figure }
}
