//! A sheet with what is to be said of it, and its figures in every form.

use std::time::Instant;

use app::backend::BackendError;

use crate::datacheck::draw::{DrawError, Format, Hover, figure_as, sheet_as};
use crate::datacheck::figure::{Figure, Panel, Sheet};
use crate::model::{FigureInfo, NightDate, RunId};
use crate::web::problem::unavailable;

use super::super::cached::{CachedResponse, Form};

/// The name under which all figures of a sheet are had at once.
const WHOLE_SHEET: &str = "sheet";

/// A sheet with what is to be said of its files.
pub struct Drawn {
    /// What is drawn.
    pub sheet: Sheet,
    /// What it is of, in words.
    pub of: String,
    /// The run whose pixels it shows, if it does.
    pub pixels_of: Option<(NightDate, RunId)>,
    /// Number of files it was made from.
    pub files: usize,
    /// What must be known of all of it.
    pub notices: Vec<String>,
}

impl Drawn {
    /// One of its figures in the form that its name asks for, `mean-map.svg`, or all of them:
    /// `sheet.pdf`. Pixels lead to their history on this site, which is below `prefix`.
    pub fn figure(&self, name: &str, prefix: &str) -> Result<CachedResponse, BackendError> {
        let none = || BackendError::not_found(format!("there is no figure {name:?} on this sheet"));
        let failed = |error: DrawError| unavailable(&error);
        let (id, suffix) = name.rsplit_once('.').ok_or_else(none)?;
        let format = Format::by_suffix(suffix).ok_or_else(none)?;
        let began = Instant::now();
        let body = if id == WHOLE_SHEET {
            sheet_as(&self.of, &self.sheet, format).map_err(failed)?.ok_or_else(none)?
        } else {
            let figure = self.sheet.figures.iter().find(|figure| figure.id == id);
            let links = self.pixels_of.map(|(date, run)| {
                format!("{prefix}/nights/{date}/runs/{run}/datacheck?sheet=pixel-")
            });
            let hover = links.as_deref().map_or(Hover::Tells, Hover::Links);
            figure_as(figure.ok_or_else(none)?, format, hover).map_err(failed)?
        };
        Ok(CachedResponse::new(form(format), body, began.elapsed()))
    }

    /// What a page says of its figures.
    pub fn infos(&self) -> Vec<FigureInfo> {
        let info = |figure: &Figure| FigureInfo {
            id: figure.id.clone(),
            title: figure.title.clone(),
            notes: figure.notes.clone(),
            pixels: self.pixels_of.is_some() && matches!(figure.panel, Panel::Camera(_)),
            verdict: None,
            reasons: Vec::new(),
        };
        self.sheet.figures.iter().map(info).collect()
    }
}

fn form(format: Format) -> Form {
    match format {
        Format::Svg => Form::Svg,
        Format::Png => Form::Png,
        Format::Pdf => Form::Pdf,
        Format::Csv => Form::Csv,
        Format::Json => Form::Json,
    }
}
