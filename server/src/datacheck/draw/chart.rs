//! Charts and two-dimensional histograms, drawn by plotters. It places everything on whole units,
//! so they are drawn large and shown at half the size.

use plotters::chart::ChartContext;
use plotters::coord::cartesian::Cartesian2d;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::datacheck::figure::{Axis, Chart, Heat, Mark, Palette, Scale, Series, Span};
use crate::internal::Cause;

use super::axis::DrawnAxis;
use super::colours;

const WIDTH: u32 = 1200;
const HEIGHT: u32 = 800;
const TITLE: u32 = 34;
const TEXT: u32 = 29;
const TITLE_STRIP: u32 = 54;
const LEGEND: u32 = 44;

type Context<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<DrawnAxis, DrawnAxis>>;

/// Draws a chart; of very many points, as many as can be distinguished.
pub fn draw_chart(title: &str, chart: &Chart) -> Result<String, Cause> {
    let thinned = chart.thinned();
    let chart = thinned.as_ref().unwrap_or(chart);
    let x_values = chart.series.iter().flat_map(|series| series.x.iter().copied());
    let bars = chart.series.iter().any(|series| series.mark == Mark::Bar);
    let x = match &chart.x.scale {
        Scale::Names(names) => {
            DrawnAxis::new(&chart.x.clone().over(-0.8, names.len() as f64 - 0.2), x_values, 9)
        }
        _ => DrawnAxis::new(&chart.x, x_values, 7),
    };
    let y = y_axis(chart, bars);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
        area.fill(&WHITE)?;
        let strip = if chart.series.len() > 1 { LEGEND } else { 0 };
        let (head, rest) = area.split_vertically(TITLE_STRIP + strip);
        draw_head(&head, title, chart)?;
        let mut context = frame(&rest, &chart.x, &chart.y, x, y)?;
        draw_spans(&mut context, &chart.spans)?;
        for (index, series) in chart.series.iter().enumerate() {
            draw_series(&mut context, series, style(index, series.mark))?;
        }
        area.present()?;
    }
    Ok(half_size(svg))
}

/// The colour of a series; limits look alike everywhere.
fn style(index: usize, mark: Mark) -> RGBColor {
    let [red, green, blue] = match mark {
        Mark::Limit => [176, 32, 32],
        _ => colours::SERIES[index % colours::SERIES.len()],
    };
    RGBColor(red, green, blue)
}

/// The title and, of more than one series, their names; beside the plot, so that nothing is hidden.
fn draw_head(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    title: &str,
    chart: &Chart,
) -> Result<(), Cause> {
    draw_title(area, title)?;
    if chart.series.len() < 2 {
        return Ok(());
    }
    // Roughly what a name takes: letters are about half as wide as high.
    let width = |series: &Series| 80 + series.name.chars().count() as i32 * TEXT as i32 * 11 / 20;
    let all: i32 = chart.series.iter().map(width).sum();
    // Where the plot begins, or further left if they would not fit.
    let mut left = 150.min(WIDTH as i32 - all).max(10);
    let baseline = TITLE_STRIP as i32 + 8;
    for (index, series) in chart.series.iter().enumerate() {
        let colour = style(index, series.mark);
        let middle = baseline + 16;
        let line =
            PathElement::new(vec![(left, middle), (left + 30, middle)], colour.stroke_width(6));
        area.draw(&line)?;
        let name = Text::new(series.name.clone(), (left + 40, baseline), ("sans-serif", TEXT));
        area.draw(&name)?;
        left += width(series);
    }
    Ok(())
}

fn draw_title(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    title: &str,
) -> Result<(), Cause> {
    let middle = Pos::new(HPos::Center, VPos::Top);
    let style = ("sans-serif", TITLE).into_text_style(area).pos(middle);
    Ok(area.draw(&Text::new(title.to_owned(), (WIDTH as i32 / 2, 14), style))?)
}

/// The vertical axis: over values with their errors; counts begin at 0, or below the least.
fn y_axis(chart: &Chart, bars: bool) -> DrawnAxis {
    let filled = chart.series.iter().any(|series| matches!(series.mark, Mark::Fill | Mark::Step));
    let floor = if filled || bars { vec![0.0] } else { Vec::new() };
    let log = chart.y.scale == Scale::Log;
    let ends = chart.series.iter().flat_map(|series| {
        series.y.iter().enumerate().flat_map(|(index, value)| {
            let error = series.error.get(index).copied().filter(|error| error.is_finite());
            let error = error.unwrap_or(0.0);
            [value - error, value + error]
        })
    });
    let mut axis = chart.y.clone();
    if log && (filled || bars) && axis.range.is_none() {
        let positive = ends.clone().filter(|value| *value > 0.0 && value.is_finite());
        let (least, greatest) = positive
            .fold((f64::INFINITY, 0.0f64), |(least, greatest), value| {
                (least.min(value), greatest.max(value))
            });
        if least.is_finite() {
            axis.range = Some((least / 2.0, greatest * 2.0));
        }
    } else if !floor.is_empty() && axis.range.is_none() {
        let greatest = ends.clone().filter(|value| value.is_finite()).fold(0.0f64, f64::max);
        axis.range = Some((0.0, if greatest > 0.0 { greatest * 1.06 } else { 1.0 }));
    }
    DrawnAxis::new(&axis, ends, 6)
}

fn frame<'a, 'b>(
    area: &'a DrawingArea<SVGBackend<'b>, plotters::coord::Shift>,
    x_axis: &Axis,
    y_axis: &Axis,
    x: DrawnAxis,
    y: DrawnAxis,
) -> Result<Context<'a, 'b>, Cause> {
    let mut context = ChartBuilder::on(area)
        .margin(16)
        .margin_right(40)
        .x_label_area_size(86)
        .y_label_area_size(140)
        .build_cartesian_2d(x, y)?;
    context
        .configure_mesh()
        .max_light_lines(0)
        .bold_line_style(BLACK.mix(0.12))
        .axis_style(BLACK.mix(0.6))
        .x_desc(x_axis.caption())
        .y_desc(y_axis.caption())
        .label_style(("sans-serif", TEXT))
        .axis_desc_style(("sans-serif", TEXT))
        .draw()?;
    Ok(context)
}

/// Stretches of the horizontal axis as bands behind the series; named where there is room.
fn draw_spans(context: &mut Context<'_, '_>, spans: &[Span]) -> Result<(), Cause> {
    let (x, y) =
        (context.as_coord_spec().x_spec().clone(), context.as_coord_spec().y_spec().clone());
    let (bottom, top) = y.ends();
    let shown = spans.iter().filter(|span| x.shows(span.from) || x.shows(span.to));
    let ends = shown.map(|span| (span, x.clamp(span.from), x.clamp(span.to)));
    let ends: Vec<_> = ends.filter(|(_, from, to)| from < to).collect();
    let bands = ends.iter().map(|(_, from, to)| {
        Rectangle::new([(*from, bottom), (*to, top)], BLACK.mix(0.07).filled())
    });
    context.draw_series(bands)?;
    // A number of a run is about as wide as a tenth of the drawing.
    if ends.iter().all(|(_, from, to)| x.place(*to) - x.place(*from) > 0.1) {
        let style = ("sans-serif", TEXT * 3 / 4).into_font().color(&BLACK.mix(0.6));
        let names = ends
            .iter()
            .map(|(span, from, _)| Text::new(span.name.clone(), (*from, top), style.clone()));
        context.draw_series(names)?;
    }
    Ok(())
}

fn draw_series(
    context: &mut Context<'_, '_>,
    series: &Series,
    colour: RGBColor,
) -> Result<(), Cause> {
    let (x, y) =
        (context.as_coord_spec().x_spec().clone(), context.as_coord_spec().y_spec().clone());
    let point = |at: (&f64, &f64)| (*at.0, *at.1);
    let shown = |(a, b): &(f64, f64)| x.shows(*a) && y.shows(*b);
    let pairs: Vec<(f64, f64)> = series.x.iter().zip(&series.y).map(point).collect();
    let floor = y.ends().0;
    match series.mark {
        Mark::Line | Mark::Curve => {
            let stroke = colour.stroke_width(3);
            for part in pairs.split(|pair| !shown(pair)) {
                let line = LineSeries::new(part.iter().copied(), stroke);
                context.draw_series(line)?;
            }
            if series.mark == Mark::Line && pairs.len() <= 300 {
                let dots = pairs.iter().filter(|pair| shown(pair));
                let dots = dots.map(|pair| Circle::new(*pair, 5, colour.filled()));
                context.draw_series(dots)?;
            }
        }
        Mark::Point => {
            let size = if pairs.len() > 300 { 3 } else { 6 };
            for (pair, error) in pairs.iter().zip(&series.error).filter(|(pair, _)| shown(pair)) {
                if error.is_finite() && *error > 0.0 {
                    let ends =
                        [(pair.0, y.clamp(pair.1 - error)), (pair.0, y.clamp(pair.1 + error))];
                    let bar = PathElement::new(ends.to_vec(), colour.stroke_width(2));
                    context.draw_series([bar])?;
                }
            }
            let dots = pairs.iter().filter(|pair| shown(pair));
            let dots = dots.map(|pair| Circle::new(*pair, size, colour.filled()));
            context.draw_series(dots)?;
        }
        Mark::Limit => {
            let mut sorted: Vec<(f64, f64)> = pairs.into_iter().filter(shown).collect();
            sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
            if let [only] = sorted.as_slice() {
                let (from, to) = x.ends();
                sorted = vec![(from, only.1), (to, only.1)];
            }
            let line = DashedLineSeries::new(sorted, 12, 8, colour.stroke_width(3));
            context.draw_series(line)?;
        }
        Mark::Step => {
            let mut outline = Vec::with_capacity(2 * series.y.len());
            for (edges, value) in series.x.windows(2).zip(&series.y) {
                let value = y.clamp(if value.is_finite() { *value } else { floor });
                let (from, to) = (x.clamp(edges[0]), x.clamp(edges[1]));
                if from < to {
                    outline.extend([(from, value), (to, value)]);
                }
            }
            let line = PathElement::new(outline, colour.stroke_width(3));
            context.draw_series([line])?;
        }
        Mark::Fill => {
            let boxes = series.x.windows(2).zip(&series.y).filter_map(|(edges, value)| {
                let (from, to) = (x.clamp(edges[0]), x.clamp(edges[1]));
                let corners = [(from, floor), (to, y.clamp(*value))];
                (from < to && *value > floor).then(|| Rectangle::new(corners, colour.filled()))
            });
            context.draw_series(boxes)?;
        }
        Mark::Bar => {
            let boxes = pairs.iter().filter(|(_, value)| *value > floor).map(|(place, value)| {
                Rectangle::new(
                    [(place - 0.15, floor), (place + 0.15, y.clamp(*value))],
                    colour.filled(),
                )
            });
            context.draw_series(boxes)?;
        }
    }
    Ok(())
}

/// Draws a histogram of two dimensions.
pub fn draw_heat(title: &str, heat: &Heat) -> Result<String, Cause> {
    let ends = |axis: &Axis, edges: &[f64]| {
        let from = edges.first().copied().unwrap_or(0.0);
        let to = edges.last().copied().unwrap_or(1.0);
        DrawnAxis::new(&axis.clone().over(from, to), std::iter::empty(), 6)
    };
    let (x, y) = (ends(&heat.x, &heat.x_edges), ends(&heat.y, &heat.y_edges));
    let most = heat.counts.iter().copied().filter(|count| count.is_finite()).fold(1.0, f64::max);
    let least = if heat.z.scale == Scale::Log { 0.7 } else { 0.0 };
    let (least, most) = heat.z.range.unwrap_or((least, most.max(2.0)));
    let bar = DrawnAxis::new(&heat.z.clone().over(least, most), std::iter::empty(), 5);
    let shade = |place: f64| {
        let [red, green, blue] = colours::colour(Palette::Sequential, place);
        RGBColor(red, green, blue)
    };
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
        area.fill(&WHITE)?;
        let (head, rest) = area.split_vertically(TITLE_STRIP);
        draw_title(&head, title)?;
        let (left, right) = rest.split_horizontally(WIDTH - 130);
        let mut context = frame(&left, &heat.x, &heat.y, x, y)?;
        let rows = heat.y_edges.len().saturating_sub(1).max(1);
        let cells = heat.counts.iter().enumerate().filter(|(_, count)| **count > 0.0);
        let boxes = cells.filter_map(|(index, count)| {
            let (i, j) = (index / rows, index % rows);
            let from = (*heat.x_edges.get(i)?, *heat.y_edges.get(j)?);
            let to = (*heat.x_edges.get(i + 1)?, *heat.y_edges.get(j + 1)?);
            Some(Rectangle::new([from, to], shade(bar.place(*count)).filled()))
        });
        context.draw_series(boxes)?;
        draw_bar(&right, &heat.z, &bar, shade)?;
        area.present()?;
    }
    Ok(half_size(svg))
}

fn draw_bar(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    z: &Axis,
    axis: &DrawnAxis,
    shade: impl Fn(f64) -> RGBColor,
) -> Result<(), Cause> {
    let (top, height, steps) = (50i32, HEIGHT as i32 - 210, 64i32);
    for step in 0..steps {
        let y = |step: i32| top + height - height * step / steps;
        let place = (f64::from(step) + 0.5) / f64::from(steps);
        let piece = Rectangle::new([(0, y(step + 1)), (30, y(step))], shade(place).filled());
        area.draw(&piece)?;
    }
    let style = ("sans-serif", TEXT).into_font();
    for tick in axis.ticks() {
        let y = top + height - (f64::from(height) * axis.place(*tick)).round() as i32;
        area.draw(&Text::new(axis.label(*tick), (38, y - 14), style.clone()))?;
    }
    Ok(area.draw(&Text::new(z.caption(), (0, top - 34), style))?)
}

/// Shows the drawing at half its size.
fn half_size(svg: String) -> String {
    let size = format!("width=\"{WIDTH}\" height=\"{HEIGHT}\"");
    svg.replacen(&size, &format!("width=\"{}\" height=\"{}\"", WIDTH / 2, HEIGHT / 2), 1)
}
