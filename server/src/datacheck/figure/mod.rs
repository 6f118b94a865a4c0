//! Figures as data: what is shown, with axes and units, before anything is drawn. The same data
//! becomes an SVG, CSV, JSON, or a living figure in the browser.

mod choice;
mod export;
mod night;
mod pixels;
mod range;
mod rings;
mod run;
mod showers;
mod thin;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use export::{to_csv, to_json};
pub use night::{NightSheet, night_sheet};
pub use pixels::{Comparison, compare, compare_sheets, pixel_history, pixel_sheet};
pub use range::range_sheet;
pub use rings::SubrunRings;
pub use run::{RunSheet, run_sheet};

/// Figures that belong together, as a page of the original.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sheet {
    /// Its permanent name, such as `pedestal-charge`.
    pub key: String,
    /// Its title.
    pub title: String,
    /// Its figures.
    pub figures: Vec<Figure>,
}

/// A figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figure {
    /// Its permanent name within the sheet, such as `mean-map`.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What must be known to read it: what was left out, what is missing.
    pub notes: Vec<String>,
    /// What it shows.
    pub panel: Panel,
}

/// What a figure shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Panel {
    /// Curves, points or histograms.
    Chart(Chart),
    /// A histogram of two dimensions.
    Heat(Heat),
    /// A value a pixel, on the camera.
    Camera(Camera),
    /// Nothing, because of this.
    Missing {
        /// Why there is nothing to show.
        why: String,
    },
}

/// How an axis runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Evenly.
    #[default]
    Linear,
    /// Evenly, with ticks at whole numbers only.
    Whole,
    /// By powers of ten; values that are not positive are not shown.
    Log,
    /// Seconds since 1970 (UTC), labelled as dates and times.
    Time,
    /// Named places 0, 1, 2 and so on.
    Names(Vec<String>),
}

/// An axis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Axis {
    /// What it measures.
    pub label: String,
    /// In which unit; empty if in none.
    pub unit: String,
    /// How it runs.
    pub scale: Scale,
    /// What it shows; unset: all that is there.
    pub range: Option<(f64, f64)>,
}

impl Axis {
    /// An even axis over all that is there.
    pub fn new(label: impl Into<String>, unit: &str) -> Self {
        Self { label: label.into(), unit: unit.to_owned(), ..Self::default() }
    }

    /// By powers of ten.
    #[must_use]
    pub fn log(mut self) -> Self {
        self.scale = Scale::Log;
        self
    }

    /// Whole numbers, such as subruns.
    pub fn whole(label: &str) -> Self {
        Self { label: label.to_owned(), scale: Scale::Whole, ..Self::default() }
    }

    /// As dates and times.
    pub fn time() -> Self {
        Self { label: "Time (UTC)".into(), scale: Scale::Time, ..Self::default() }
    }

    /// Shows this range.
    #[must_use]
    pub fn over(mut self, from: f64, to: f64) -> Self {
        self.range = Some((from, to));
        self
    }

    /// Label and unit.
    pub fn caption(&self) -> String {
        if self.unit.is_empty() {
            self.label.clone()
        } else {
            format!("{} [{}]", self.label, self.unit)
        }
    }
}

/// Curves, points or histograms over the same axes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Chart {
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is shown.
    pub series: Vec<Series>,
    /// Stretches of x that have a name, such as runs, behind the series.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<Span>,
}

/// A stretch of an axis that has a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// Its name.
    pub name: String,
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// Points joined by a line.
    Line,
    /// A point each.
    Point,
    /// Steps: a histogram whose x are edges, one more than y.
    Step,
    /// Filled steps.
    Fill,
    /// A bar each.
    Bar,
    /// A dashed line: a limit.
    Limit,
    /// A thin line without points: a curve.
    Curve,
}

/// A series of a chart. Values that are not a number are gaps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// What it is.
    pub name: String,
    /// How it is drawn.
    pub mark: Mark,
    /// Places.
    #[serde(with = "gaps")]
    #[schemars(with = "Vec<Option<f64>>")]
    pub x: Vec<f64>,
    /// Values.
    #[serde(with = "gaps")]
    #[schemars(with = "Vec<Option<f64>>")]
    pub y: Vec<f64>,
    /// Standard errors of the values, if they have some.
    #[serde(with = "gaps", default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Option<f64>>")]
    pub error: Vec<f64>,
}

impl Series {
    /// A series without errors.
    pub fn new(name: impl Into<String>, mark: Mark, x: Vec<f64>, y: Vec<f64>) -> Self {
        Self { name: name.into(), mark, x, y, error: Vec::new() }
    }

    /// Adds standard errors.
    #[must_use]
    pub fn with_error(mut self, error: Vec<f64>) -> Self {
        self.error = error;
        self
    }
}

/// A histogram of two dimensions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Heat {
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is counted.
    pub z: Axis,
    /// Edges along x.
    pub x_edges: Vec<f64>,
    /// Edges along y.
    pub y_edges: Vec<f64>,
    /// Counts; those of the first x bin come first.
    pub counts: Vec<f64>,
}

/// Which values the colours of a map span.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Limits {
    /// From the least to the greatest.
    All,
    /// From one percentile to another (0 to 100): single hot pixels do not wash out the others.
    Percentile(f64, f64),
    /// From one value to another.
    Fixed(f64, f64),
}

/// Colours of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Palette {
    /// From dark to bright.
    Sequential,
    /// From blue over white to red, white in the middle.
    Diverging,
}

/// A value a pixel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Camera {
    /// What the values are; its scale is that of the colours.
    pub z: Axis,
    /// The values, by pixel; not a number: the pixel has none.
    #[serde(with = "gaps")]
    #[schemars(with = "Vec<Option<f64>>")]
    pub values: Vec<f64>,
    /// What the colours span.
    pub limits: Limits,
    /// The colours.
    pub palette: Palette,
    /// Pixels near a bright star.
    pub stars: Vec<u16>,
}

impl Camera {
    /// The values that the colours span; on a logarithmic scale both are positive.
    pub fn range(&self) -> (f64, f64) {
        let log = self.z.scale == Scale::Log;
        let shown = |value: &f64| value.is_finite() && (!log || *value > 0.0);
        let mut values: Vec<f64> = self.values.iter().copied().filter(shown).collect();
        values.sort_by(f64::total_cmp);
        let at = |percent: f64| {
            let place = (values.len().saturating_sub(1)) as f64 * percent.clamp(0.0, 100.0) / 100.0;
            values.get(place.round() as usize).copied()
        };
        let (from, to) = match self.limits {
            Limits::Fixed(from, to) if from < to && (!log || from > 0.0) => (from, to),
            // Where nearly all pixels have the same value, the others are what is to be seen.
            Limits::Percentile(from, to) if at(from) < at(to) => {
                (at(from).unwrap_or(0.0), at(to).unwrap_or(1.0))
            }
            _ => (at(0.0).unwrap_or(0.0), at(100.0).unwrap_or(1.0)),
        };
        match (from < to, log) {
            (true, _) => (from, to),
            (false, true) if from > 0.0 => (from / 2.0, from * 2.0),
            (false, true) => (0.1, 1.0),
            (false, false) => (from - 0.5, from + 0.5),
        }
    }
}

impl Figure {
    fn new(id: &str, title: impl Into<String>, panel: Panel) -> Self {
        Self { id: id.to_owned(), title: title.into(), notes: Vec::new(), panel }
    }

    fn chart(id: &str, title: impl Into<String>, x: Axis, y: Axis, series: Vec<Series>) -> Self {
        Self::new(id, title, Panel::Chart(Chart { x, y, series, spans: Vec::new() }))
    }

    fn missing(id: &str, title: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(id, title, Panel::Missing { why: why.into() })
    }

    fn with_notes(mut self, notes: Vec<String>) -> Self {
        self.notes = notes;
        self
    }
}

/// A histogram of values: edges and counts. Values outside the range are counted in no bin.
fn histogram(values: &[f64], bins: usize, range: Option<(f64, f64)>) -> (Vec<f64>, Vec<f64>) {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let least = finite().reduce(f64::min).unwrap_or(0.0);
    let greatest = finite().reduce(f64::max).unwrap_or(1.0);
    let (from, to) = range.unwrap_or((least, greatest));
    let (from, to) = if from < to { (from, to) } else { (from - 0.5, from + 0.5) };
    let width = (to - from) / bins as f64;
    let edges: Vec<f64> = (0..=bins).map(|edge| from + width * edge as f64).collect();
    let mut counts = vec![0.0; bins];
    for value in finite().filter(|value| (from..=to).contains(value)) {
        let bin = ((value - from) / width) as usize;
        counts[bin.min(bins - 1)] += 1.0;
    }
    (edges, counts)
}

/// Numbers in JSON, where not a number is null.
mod gaps {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(values: &[f64], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(|value| value.is_finite().then_some(*value)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
        let values = Vec::<Option<f64>>::deserialize(from)?;
        Ok(values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect())
    }
}
