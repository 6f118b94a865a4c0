//! The forms in which figures leave the program.

use crate::datacheck::figure::{Figure, Sheet, to_csv, to_json};
use crate::internal::Cause;

use super::{DrawError, Hover, print, sheet, svg};

/// In which form a figure is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A drawing.
    Svg,
    /// A picture.
    Png,
    /// A printable page.
    Pdf,
    /// The data as comma-separated values.
    Csv,
    /// The data as JSON.
    Json,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Svg, Self::Png, Self::Pdf, Self::Csv, Self::Json];

    /// How names of such files end.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Pdf => "pdf",
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    /// The form with this suffix.
    pub fn by_suffix(suffix: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.suffix() == suffix)
    }
}

/// A figure in a form; `hover` says what pixels of an SVG tell.
pub fn figure_as(figure: &Figure, format: Format, hover: Hover<'_>) -> Result<Vec<u8>, DrawError> {
    let failed = |cause: Cause| DrawError { figure: figure.id.clone(), cause };
    match format {
        Format::Svg => Ok(svg(figure, hover)?.into_bytes()),
        Format::Png => print::png(&svg(figure, Hover::Silent)?).map_err(failed),
        Format::Pdf => print::pdf(&svg(figure, Hover::Silent)?).map_err(failed),
        Format::Csv => Ok(to_csv(figure).into_bytes()),
        Format::Json => {
            to_json(figure).map(String::into_bytes).map_err(|error| failed(error.into()))
        }
    }
}

/// All figures of a sheet on one page, titled with what it is `of`; `None` for CSV, of which each
/// figure has its own.
pub fn sheet_as(of: &str, sheet: &Sheet, format: Format) -> Result<Option<Vec<u8>>, DrawError> {
    let failed = |cause: Cause| DrawError { figure: sheet.key.clone(), cause };
    let drawn = || sheet::draw(sheet, of);
    Ok(Some(match format {
        Format::Svg => drawn()?.into_bytes(),
        Format::Png => print::png(&drawn()?).map_err(failed)?,
        Format::Pdf => print::pdf(&drawn()?).map_err(failed)?,
        Format::Json => serde_json::to_vec(sheet).map_err(|error| failed(error.into()))?,
        Format::Csv => return Ok(None),
    }))
}
