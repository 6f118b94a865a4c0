//! The camera drawn: 1855 hexagons, each once defined and used at its place.

use std::fmt::Write;

use crate::datacheck::figure::{Axis, Camera, Scale};
use crate::datacheck::geometry::{corners, pixels};
use crate::datacheck::zero::without_sign_of_zero;

use super::axis::DrawnAxis;
use super::colours::{NO_VALUE, colour, hex};
use super::escaped;

/// Whether pixels tell number and value under the pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hover<'a> {
    /// They do, and each is a link: this address, then its number.
    Links(&'a str),
    /// They do.
    Tells,
    /// They do not; the drawing is half as large.
    Silent,
}

const WIDTH: f64 = 620.0;
const HEIGHT: f64 = 540.0;
/// Units of the drawing for a metre.
const SCALE: f64 = 205.0;
const CENTRE: (f64, f64) = (265.0, 285.0);
const BAR: (f64, f64, f64, f64) = (530.0, 45.0, 16.0, 460.0);

/// Draws a camera map. Writing to a text cannot fail, so results of `write!` are dropped.
pub fn draw(title: &str, camera: &Camera, hover: Hover<'_>) -> String {
    let (from, to) = camera.range();
    let bar = DrawnAxis::new(
        &Axis { range: Some((from, to)), ..camera.z.clone() },
        std::iter::empty(),
        6,
    );
    let mut svg = String::with_capacity(if hover == Hover::Silent { 120_000 } else { 300_000 });
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\">\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\
         <text x=\"{}\" y=\"22\" font-size=\"15\" text-anchor=\"middle\">{}</text>\
         <defs><path id=\"lst-pixel\" d=\"",
        WIDTH / 2.0,
        escaped(title)
    );
    for (index, (x, y)) in corners().into_iter().enumerate() {
        let letter = if index == 0 { 'M' } else { 'L' };
        let _ = write!(svg, "{letter}{:.2} {:.2}", x * SCALE, -y * SCALE);
    }
    svg.push_str("z\"/></defs><g class=\"pixels\">");
    let log = camera.z.scale == Scale::Log;
    for (index, (pixel, &value)) in pixels().iter().zip(&camera.values).enumerate() {
        let fill = if !value.is_finite() {
            NO_VALUE
        } else if log && value <= 0.0 {
            colour(camera.palette, 0.0)
        } else {
            colour(camera.palette, bar.place(value))
        };
        let (x, y) = (CENTRE.0 + pixel.x_m * SCALE, CENTRE.1 - pixel.y_m * SCALE);
        if let Hover::Links(to) = hover {
            let _ = write!(svg, "<a href=\"{}{index}\">", escaped(to));
        }
        let _ = write!(
            svg,
            "<use href=\"#lst-pixel\" x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{}\"",
            hex(fill)
        );
        if hover == Hover::Silent {
            svg.push_str("/>");
        } else {
            let _ = write!(svg, "><title>{index}: {}</title></use>", label(value, &camera.z.unit));
        }
        if matches!(hover, Hover::Links(_)) {
            svg.push_str("</a>");
        }
    }
    svg.push_str("</g>");
    let _ = write!(
        svg,
        "<path d=\"M14 {0}v-4m0 2h{1}m0 -2v4\" fill=\"none\" stroke=\"#333\"/>\
         <text x=\"14\" y=\"{2}\" font-size=\"11\" fill=\"#333\">0.5 m, engineering frame</text>",
        HEIGHT - 42.0,
        0.5 * SCALE,
        HEIGHT - 28.0
    );
    stars(&mut svg, &camera.stars);
    colour_bar(&mut svg, camera, &bar);
    svg.push_str("</svg>");
    svg
}

/// A value with five digits and its unit.
fn label(value: f64, unit: &str) -> String {
    if !value.is_finite() {
        return "no value".into();
    }
    let digits = if value == 0.0 { 0 } else { 4 - value.abs().log10().floor() as i32 };
    let number = format!("{value:.*}", digits.clamp(0, 9).unsigned_abs() as usize);
    format!("{} {}", without_sign_of_zero(number), escaped(unit)).trim_end().to_owned()
}

/// Dots on pixels near a star.
fn stars(svg: &mut String, marked: &[u16]) {
    if marked.is_empty() {
        return;
    }
    svg.push_str("<g class=\"stars\" fill=\"#d81b60\">");
    for pixel in marked.iter().filter_map(|pixel| pixels().get(usize::from(*pixel))) {
        let (x, y) = (CENTRE.0 + pixel.x_m * SCALE, CENTRE.1 - pixel.y_m * SCALE);
        let _ = write!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.2\"/>");
    }
    let _ = write!(
        svg,
        "</g><text x=\"14\" y=\"{}\" font-size=\"11\" fill=\"#b0134b\">● star within 0.25°</text>",
        HEIGHT - 12.0
    );
}

fn colour_bar(svg: &mut String, camera: &Camera, axis: &DrawnAxis) {
    let (left, top, width, height) = BAR;
    let steps = 64;
    for step in 0..steps {
        let place = (f64::from(step) + 0.5) / f64::from(steps);
        let y = top + height * (1.0 - f64::from(step + 1) / f64::from(steps));
        let _ = write!(
            svg,
            "<rect x=\"{left}\" y=\"{y:.1}\" width=\"{width}\" height=\"{:.1}\" fill=\"{}\"/>",
            height / f64::from(steps) + 0.4,
            hex(colour(camera.palette, place))
        );
    }
    for tick in axis.ticks() {
        let y = top + height * (1.0 - axis.place(*tick));
        let _ = write!(
            svg,
            "<path d=\"M{} {y:.1}h5\" stroke=\"#333\"/><text x=\"{}\" y=\"{:.1}\">{}</text>",
            left + width,
            left + width + 8.0,
            y + 4.5,
            axis.label(*tick)
        );
    }
    let _ = write!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
        WIDTH - 6.0,
        HEIGHT - 12.0,
        escaped(&camera.z.caption())
    );
}
