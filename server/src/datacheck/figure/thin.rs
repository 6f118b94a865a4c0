//! Years of runs in few points: what a drawing of some hundred pixels can show, so that browsers stay
//! quick. Data that leave the program as CSV or JSON are never thinned.

use super::{Chart, Mark, Series};

/// A series with more points is thinned for drawing.
pub const MOST_POINTS: usize = 2000;
/// Into the least and greatest of so many stretches.
const STRETCHES: usize = 600;

impl Chart {
    /// The same with few points in each series: of each stretch of x the least and the greatest value,
    /// so that nothing that stands out is lost. `None` if there are few already.
    pub fn thinned(&self) -> Option<Self> {
        let many = |series: &Series| {
            matches!(series.mark, Mark::Point | Mark::Line | Mark::Curve | Mark::Limit)
                && series.y.len() > MOST_POINTS
        };
        if !self.series.iter().any(many) {
            return None;
        }
        let series = self.series.iter().map(|series| match many(series) {
            true => thin(series),
            false => series.clone(),
        });
        Some(Self { series: series.collect(), ..self.clone() })
    }
}

fn thin(series: &Series) -> Series {
    let shown: Vec<usize> = (0..series.y.len().min(series.x.len()))
        .filter(|&index| series.x[index].is_finite() && series.y[index].is_finite())
        .collect();
    let least = shown.iter().map(|&index| series.x[index]).fold(f64::INFINITY, f64::min);
    let greatest = shown.iter().map(|&index| series.x[index]).fold(f64::NEG_INFINITY, f64::max);
    let width = (greatest - least) / STRETCHES as f64;
    let mut ends: Vec<Option<(usize, usize)>> = vec![None; STRETCHES];
    for index in shown {
        let place = if width > 0.0 { ((series.x[index] - least) / width) as usize } else { 0 };
        let (low, high) = ends[place.min(STRETCHES - 1)].get_or_insert((index, index));
        if series.y[index] < series.y[*low] {
            *low = index;
        }
        if series.y[index] > series.y[*high] {
            *high = index;
        }
    }
    let mut kept: Vec<usize> =
        ends.into_iter().flatten().flat_map(|(low, high)| [low, high]).collect();
    kept.sort_by(|a, b| series.x[*a].total_cmp(&series.x[*b]).then(a.cmp(b)));
    kept.dedup();
    let pick = |values: &[f64]| kept.iter().filter_map(|&at| values.get(at).copied()).collect();
    Series { x: pick(&series.x), y: pick(&series.y), error: pick(&series.error), ..series.clone() }
}

#[cfg(test)]
mod tests {
    use super::super::Axis;
    use super::*;

    #[test]
    fn outliers_survive_thinning() {
        let x: Vec<f64> = (0..50_000).map(f64::from).collect();
        let mut y = vec![1.0; x.len()];
        (y[17_000], y[17_001], y[3]) = (9.0, -9.0, f64::NAN);
        let axis = || Axis::new("", "");
        let series = vec![
            Series::new("many", Mark::Point, x, y),
            Series::new("few", Mark::Point, vec![1.0], vec![f64::NAN]),
        ];
        let chart = Chart { x: axis(), y: axis(), series, spans: Vec::new() };
        let thinned = chart.thinned().unwrap();
        let many = &thinned.series[0];
        assert!(many.y.len() <= 2 * STRETCHES && many.x.len() == many.y.len());
        assert!(many.y.contains(&9.0) && many.y.contains(&-9.0));
        assert!(many.x.is_sorted() && many.x[0] < 100.0 && *many.x.last().unwrap() > 49_900.0);
        assert_eq!(thinned.series[1].y.len(), 1);
        assert!(thinned.thinned().is_none());
    }
}
