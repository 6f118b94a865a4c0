//! How a figure's values are shown, by choice: evenly or by powers of ten, and from where to where.

use app::model::{FigureChoice, ValueLimits, ValueScale};

use super::{Chart, Figure, Limits, Mark, Panel, Scale};

impl Figure {
    /// Shows it as chosen, if the choice is about it. Values are the colours of a map, what a histogram is
    /// of, and the height of all else; the scale of a histogram is that of its counts.
    ///
    /// # Errors
    /// What cannot be shown so, and what can.
    pub fn choose(&mut self, choice: &FigureChoice) -> Result<(), String> {
        if choice.is_usual() || !choice.is_about(&self.id) {
            return Ok(());
        }
        match &mut self.panel {
            Panel::Missing { .. } => {}
            Panel::Camera(camera) => {
                rescale(&mut camera.z.scale, choice.scale);
                match choice.limits {
                    None => {}
                    Some(ValueLimits::All) => camera.limits = Limits::All,
                    Some(ValueLimits::Percentile(from, to)) => {
                        camera.limits = Limits::Percentile(from, to);
                    }
                    Some(ValueLimits::Value(from, to)) => {
                        possible(&self.id, &camera.z.scale, from)?;
                        camera.limits = Limits::Fixed(from, to);
                    }
                }
                note_hidden(&mut self.notes, &camera.z.scale, &camera.values);
            }
            Panel::Heat(heat) => {
                rescale(&mut heat.z.scale, choice.scale);
                let weighed = heat.counts.iter().filter(|count| **count > 0.0);
                let weighed = weighed.map(|count| (*count, 1.0)).collect();
                limit(&self.id, &mut heat.z.range, &heat.z.scale, choice.limits, weighed)?;
            }
            Panel::Chart(chart) if is_histogram(chart) => {
                rescale(&mut chart.y.scale, choice.scale);
                let bins =
                    chart.series.iter().flat_map(|series| series.x.windows(2).zip(&series.y));
                let weighed = bins
                    .map(|(edges, count)| (f64::midpoint(edges[0], edges[1]), *count))
                    .collect();
                limit(&self.id, &mut chart.x.range, &chart.x.scale, choice.limits, weighed)?;
            }
            Panel::Chart(chart) => {
                rescale(&mut chart.y.scale, choice.scale);
                let drawn = chart.series.iter().filter(|series| series.mark != Mark::Limit);
                let values: Vec<f64> = drawn.flat_map(|series| series.y.iter().copied()).collect();
                let weighed = values.iter().map(|value| (*value, 1.0)).collect();
                limit(&self.id, &mut chart.y.range, &chart.y.scale, choice.limits, weighed)?;
                note_hidden(&mut self.notes, &chart.y.scale, &values);
            }
        }
        Ok(())
    }
}

fn is_histogram(chart: &Chart) -> bool {
    chart.series.iter().any(|series| matches!(series.mark, Mark::Step | Mark::Fill))
}

/// Times stay times.
fn rescale(scale: &mut Scale, chosen: Option<ValueScale>) {
    match (chosen, &scale) {
        (None, _) | (_, Scale::Time | Scale::Names(_)) => {}
        (Some(ValueScale::Linear), _) => *scale = Scale::Linear,
        (Some(ValueScale::Log), _) => *scale = Scale::Log,
    }
}

fn possible(figure: &str, scale: &Scale, from: f64) -> Result<(), String> {
    if *scale == Scale::Log && from <= 0.0 {
        return Err(format!(
            "{figure} has a logarithmic scale, on which the lower limit must be above 0, not {from}: \
             choose a linear scale, or another limit"
        ));
    }
    Ok(())
}

/// Sets a range; `weighed` are values, and how often each is there.
fn limit(
    figure: &str,
    range: &mut Option<(f64, f64)>,
    scale: &Scale,
    chosen: Option<ValueLimits>,
    mut weighed: Vec<(f64, f64)>,
) -> Result<(), String> {
    match chosen {
        None => {}
        Some(ValueLimits::All) => *range = None,
        Some(ValueLimits::Value(from, to)) => {
            possible(figure, scale, from)?;
            *range = Some((from, to));
        }
        Some(ValueLimits::Percentile(from, to)) => {
            let log = *scale == Scale::Log;
            weighed.retain(|(value, weight)| {
                value.is_finite() && *weight > 0.0 && (!log || *value > 0.0)
            });
            weighed.sort_by(|a, b| a.0.total_cmp(&b.0));
            let total: f64 = weighed.iter().map(|(_, weight)| weight).sum();
            let at = |percent: f64| {
                let mut left = total * percent / 100.0;
                let reached = weighed.iter().find(|(_, weight)| {
                    left -= weight;
                    left <= 0.0
                });
                reached.or(weighed.last()).map(|(value, _)| *value)
            };
            *range = at(from).zip(at(to)).filter(|(from, to)| from < to);
        }
    }
    Ok(())
}

/// Says what a scale of powers of ten leaves out.
fn note_hidden(notes: &mut Vec<String>, scale: &Scale, values: &[f64]) {
    let hidden = values.iter().filter(|value| value.is_finite() && **value <= 0.0).count();
    if *scale == Scale::Log && hidden > 0 {
        notes.push(format!(
            "{hidden} of {} values are not above 0: a logarithmic scale has no place for them",
            values.len()
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Axis, Camera, Palette, Series};
    use super::*;

    fn chart(mark: Mark, x: &[f64], y: &[f64]) -> Figure {
        let series = vec![Series::new("", mark, x.to_vec(), y.to_vec())];
        Figure::chart("figure", "", Axis::new("", ""), Axis::new("", ""), series)
    }

    fn chosen(figure: &mut Figure, scale: Option<ValueScale>, limits: ValueLimits) -> (Axis, Axis) {
        let choice = FigureChoice { figure: None, scale, limits: Some(limits) };
        figure.choose(&choice).unwrap();
        let Panel::Chart(chart) = &figure.panel else { panic!("no chart") };
        (chart.x.clone(), chart.y.clone())
    }

    #[test]
    fn limits_are_of_what_a_histogram_is_of_and_of_the_height_of_points() {
        let mut points = chart(Mark::Point, &[1.0, 2.0, 3.0], &[10.0, 0.0, 30.0]);
        let (x, y) =
            chosen(&mut points, Some(ValueScale::Log), ValueLimits::Percentile(0.0, 100.0));
        assert_eq!((x.range, y.range, y.scale), (None, Some((10.0, 30.0)), Scale::Log));
        assert!(points.notes[0].starts_with("1 of 3 values"), "{:?}", points.notes);
        let mut bins = chart(Mark::Fill, &[0.0, 1.0, 2.0, 3.0], &[1.0, 98.0, 1.0]);
        let (x, y) = chosen(&mut bins, None, ValueLimits::Percentile(0.5, 99.5));
        assert_eq!((x.range, y.range), (Some((0.5, 2.5)), None));
        let (x, _) = chosen(&mut bins, None, ValueLimits::Value(1.0, 2.0));
        assert_eq!(x.range, Some((1.0, 2.0)));
        assert_eq!(chosen(&mut bins, None, ValueLimits::All).0.range, None);
    }

    #[test]
    fn a_map_is_chosen_alone_and_what_it_cannot_show_is_refused() {
        let z = Axis::new("", "").log();
        let (values, stars) = (vec![1.0, 5.0], Vec::new());
        let camera = Camera { z, values, limits: Limits::All, palette: Palette::Sequential, stars };
        let mut figure = Figure::new("map", "", Panel::Camera(camera));
        let value = Some(ValueLimits::Value(-1.0, 2.0));
        let mut choice = FigureChoice { figure: Some("other".into()), scale: None, limits: value };
        figure.choose(&choice).unwrap();
        choice.figure = Some("map".into());
        assert!(figure.choose(&choice).unwrap_err().contains("map has a logarithmic scale"));
        choice.scale = Some(ValueScale::Linear);
        figure.choose(&choice).unwrap();
        let Panel::Camera(camera) = &figure.panel else { panic!("no map") };
        assert_eq!(camera.range(), (-1.0, 2.0));
    }
}
