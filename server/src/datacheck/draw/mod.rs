//! Figures drawn as SVG: small enough for a page of many, in the reader's own font. Pictures and pages
//! for print are made of the same drawings.

mod axis;
mod camera;
mod chart;
mod colours;
mod format;
mod print;
mod sheet;

use crate::hint::Hint;
use crate::internal::Cause;

use super::figure::{Figure, Panel};

pub use camera::Hover;
pub use format::{Format, figure_as, sheet_as};

/// A figure that could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw the figure {figure}: {cause}")]
pub struct DrawError {
    /// The figure.
    pub figure: String,
    /// What went wrong.
    #[source]
    pub cause: Cause,
}

impl Hint for DrawError {
    fn hint(&self) -> Option<String> {
        Some("its data can still be had as JSON".to_owned())
    }
}

/// Draws a figure. `hover` says whether pixels of a map tell number and value under the pointer,
/// which images embedded elsewhere cannot show.
pub fn svg(figure: &Figure, hover: Hover<'_>) -> Result<String, DrawError> {
    let drawn = match &figure.panel {
        Panel::Camera(camera) => Ok(camera::draw(&figure.title, camera, hover)),
        Panel::Chart(chart) => chart::draw_chart(&figure.title, chart),
        Panel::Heat(heat) => chart::draw_heat(&figure.title, heat),
        Panel::Missing { why } => Ok(nothing(&figure.title, why)),
    };
    drawn.map_err(|cause| DrawError { figure: figure.id.clone(), cause })
}

fn nothing(title: &str, why: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 600 400\" width=\"600\" \
         height=\"400\" font-family=\"sans-serif\" text-anchor=\"middle\"><rect width=\"600\" \
         height=\"400\" fill=\"#fff\"/><text x=\"300\" y=\"24\" font-size=\"15\">{}</text>\
         <text x=\"300\" y=\"205\" font-size=\"14\" fill=\"#555\">No data: {}</text></svg>",
        escaped(title),
        escaped(why)
    )
}

/// Text within XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
