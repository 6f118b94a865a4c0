//! Figures of cosmics: centre of gravity and image parameters.

use crate::datacheck::geometry::pixels as camera;
use crate::datacheck::rows::{EventType, HistColumn, PixelColumn};
use crate::datacheck::run::{EventTable, RunData};

use super::pixels::{PixelValues, or_missing, stars};
use super::{Axis, Figure, Heat, Mark, Panel, Series};

/// The centre of gravity: maps with even and logarithmic colours, distribution over pixels with
/// what chance alone would make of a uniform density.
pub(super) fn centre_of_gravity(table: &EventTable) -> Vec<Figure> {
    let kinds = [
        (PixelColumn::Cog, "all", "log", "Images by pixel of their centre"),
        (
            PixelColumn::CogAbove200,
            "above-200",
            "above-200-log",
            "Images > 200 pe by pixel of their centre",
        ),
    ];
    kinds
        .into_iter()
        .flat_map(|(column, id, log_id, label)| {
            let Some(counts) = table.pixels(column) else {
                return vec![Figure::missing(id, label, "the file does not tell")];
            };
            let total: f64 = counts.iter().sum();
            let fractions: Vec<f64> = counts.iter().map(|count| count / total).collect();
            let map = |id, log| {
                PixelValues {
                    id,
                    label: label.to_owned(),
                    unit: "fraction",
                    values: fractions.clone(),
                    log,
                    stars: stars(table),
                    limits: [None, None],
                    notes: Vec::new(),
                }
                .map()
            };
            vec![map(id, false), map(log_id, true), distribution(id, label, &counts)]
        })
        .collect()
}

/// How many pixels hold how many centres, without the camera's edge.
fn distribution(id: &str, label: &str, counts: &[f64]) -> Figure {
    let inner: Vec<f64> = counts
        .iter()
        .zip(camera())
        .filter(|(_, pixel)| !pixel.is_edge())
        .map(|(count, _)| *count)
        .collect();
    let mean = inner.iter().sum::<f64>() / inner.len().max(1) as f64;
    let most = inner.iter().copied().fold(0.0, f64::max);
    let step = (most / 100.0).ceil().max(1.0);
    let bins = (most / step) as usize + 1;
    let edges: Vec<f64> = (0..=bins).map(|edge| edge as f64 * step - 0.5).collect();
    let mut number = vec![0.0; bins];
    for count in &inner {
        number[((count / step) as usize).min(bins - 1)] += 1.0;
    }
    let centres: Vec<f64> = (0..bins).map(|bin| bin as f64 * step + (step - 1.0) / 2.0).collect();
    // Logarithms, since factorials of hundreds are beyond any number.
    let poisson = |k: f64| (k * mean.ln() - mean - ln_factorial(k)).exp();
    let expected = centres.iter().map(|k| inner.len() as f64 * step * poisson(*k)).collect();
    let figure = Figure::chart(
        &format!("{id}-distribution"),
        format!("{label}: pixels, without the camera's edge"),
        Axis::new("Images in the pixel", ""),
        Axis::new("Pixels", ""),
        vec![
            Series::new("pixels", Mark::Fill, edges, number),
            Series::new("chance (Poisson)", Mark::Curve, centres, expected),
        ],
    );
    or_missing(figure, "no image")
}

/// Logarithm of k!, also between integers (Stirling, to 1e-6 from 0 on).
fn ln_factorial(k: f64) -> f64 {
    let shift = k + 8.0;
    let stirling = shift * shift.ln() - shift
        + 0.5 * (std::f64::consts::TAU * shift).ln()
        + 1.0 / (12.0 * shift)
        - 1.0 / (360.0 * shift.powi(3));
    (1..=8).fold(stirling, |sum, step| sum - (k + f64::from(step)).ln())
}

/// Radial distribution of centres; width and length against intensity.
pub(super) fn image_parameters(run: &RunData) -> Vec<Figure> {
    vec![
        radial(run, HistColumn::Dist0, "radial", "Distance of images from the camera's centre"),
        heat(run, HistColumn::Width, "width", "Width", "Intensity", "pe", "deg"),
        radial(
            run,
            HistColumn::Dist0Above200,
            "radial-above-200",
            "Distance of images > 200 pe from the camera's centre",
        ),
        heat(run, HistColumn::Length, "length", "Length", "Intensity", "pe", "deg"),
    ]
}

/// Skewness and fitted time against intensity; time gradient against length.
pub(super) fn image_times(run: &RunData) -> Vec<Figure> {
    let gradient = "Time gradient";
    let mut bright = heat(
        run,
        HistColumn::GradientAbove200,
        "gradient-above-200",
        gradient,
        "Length",
        "deg",
        "ns/deg",
    );
    bright.title += ", images > 200 pe";
    vec![
        heat(run, HistColumn::Skewness, "skewness", "Skewness", "Intensity", "pe", ""),
        heat(
            run,
            HistColumn::Intercept,
            "intercept",
            "Fitted time at the centre of gravity",
            "Intensity",
            "pe",
            "ns",
        ),
        heat(run, HistColumn::Gradient, "gradient", gradient, "Length", "deg", "ns/deg"),
        bright,
    ]
}

fn radial(run: &RunData, column: HistColumn, id: &str, title: &str) -> Figure {
    let found = run.table(EventType::Cosmics).and_then(|table| table.histogram(column));
    let (Some(counts), Some(bins)) = (found, run.binning.of(column)) else {
        return Figure::missing(id, title, "no cosmics, or the file does not tell");
    };
    let density = bins
        .x
        .windows(2)
        .zip(counts)
        .map(|(edge, count)| count / (std::f64::consts::PI * (edge[1].powi(2) - edge[0].powi(2))))
        .collect();
    let series = Series::new("images", Mark::Step, bins.x.clone(), density);
    let y = Axis::new("Images per solid angle", "1/deg²");
    Figure::chart(id, title, Axis::new("Distance", "deg"), y, vec![series])
}

fn heat(
    run: &RunData,
    column: HistColumn,
    id: &str,
    what: &str,
    against: &str,
    x_unit: &str,
    y_unit: &str,
) -> Figure {
    let title = format!("{what} against {}", against.to_lowercase());
    let found = run.table(EventType::Cosmics).and_then(|table| table.histogram(column));
    let (Some(counts), Some(bins)) = (found, run.binning.of(column)) else {
        return Figure::missing(id, title, "no cosmics, or the file does not tell");
    };
    let x = Axis::new(against, x_unit);
    let heat = Heat {
        x: if against == "Intensity" { x.log() } else { x },
        y: Axis::new(what, y_unit),
        z: Axis::new("Images", "").log(),
        x_edges: bins.x.clone(),
        y_edges: bins.y.clone(),
        counts: counts.to_vec(),
    };
    or_missing(Figure::new(id, title, Panel::Heat(heat)), "no image")
}

#[cfg(test)]
mod tests {
    use super::ln_factorial;

    #[test]
    fn factorials_are_right() {
        for (k, factorial) in [(0.0, 1.0), (1.0, 1.0), (5.0, 120.0), (10.0, 3_628_800.0_f64)] {
            assert!((ln_factorial(k) - f64::ln(factorial)).abs() < 1e-6, "{k}");
        }
    }
}
