//! Datacheck figures on the wire: read once, kept while their files stay as they are.

use app::backend::{Backend, BackendError};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use crate::datacheck::draw::{DrawError, Format, Hover, figure_as, sheet_as};
use crate::datacheck::figure::{
    Figure, NightSheet, RunSheet, Sheet, SubrunRings, night_sheet, run_sheet,
};
use crate::datacheck::{
    Cache, DatacheckError, NightData, RunData, RunFiles, Thresholds, read_muons,
};
use crate::model::{DatacheckSheet, FigureInfo, NightDate, RunId};
use crate::night::NightPaths;

use super::WebState;
use super::kept::{self, Form};
use super::problem::Problem;

/// What is kept of runs, in bytes: some thirty runs of 120 subruns.
const RUNS_KEPT: usize = 96 << 20;
/// What is kept of nights.
const NIGHTS_KEPT: usize = 64 << 20;

/// The name under which all figures of a sheet are had at once.
const WHOLE_SHEET: &str = "sheet";

/// What was read of datacheck files. Every function blocks.
pub struct Figures {
    runs: Cache<RunData>,
    nights: Cache<NightData>,
}

impl Default for Figures {
    fn default() -> Self {
        Self { runs: Cache::new(RUNS_KEPT), nights: Cache::new(NIGHTS_KEPT) }
    }
}

/// A sheet with what is to be said of its files.
pub struct Drawn {
    sheet: Sheet,
    files: usize,
    notices: Vec<String>,
}

impl Figures {
    /// A sheet of a run.
    pub fn run(
        &self,
        paths: &NightPaths,
        run: RunId,
        sheet: RunSheet,
    ) -> Result<Drawn, BackendError> {
        let files = RunFiles::find(paths, run);
        if files.datacheck.is_empty() {
            let text = format!("there is no datacheck of run {run} yet: its stage has not ended");
            return Err(BackendError::NotFound(text));
        }
        let data = self.runs.get(&files.datacheck, RunData::read).map_err(unreadable)?;
        let mut notices = left_out(&data.unreadable);
        let mut rings = Vec::new();
        if matches!(sheet, RunSheet::MuonRings | RunSheet::MuonShapes | RunSheet::MuonEfficiency) {
            for subrun in data.subruns() {
                let read = files.muons.get(&subrun).map(|file| read_muons(file)).transpose();
                let rings_of = read.unwrap_or_else(|error| {
                    notices.push(error.to_string());
                    None
                });
                rings.push(SubrunRings { subrun, rings: rings_of });
            }
        }
        let sheet = run_sheet(&data, &rings, sheet);
        Ok(Drawn { sheet, files: data.sources.len(), notices })
    }

    /// A sheet of a night.
    pub fn night(&self, paths: &NightPaths, sheet: NightSheet) -> Result<Drawn, BackendError> {
        let file = paths.longterm_file("h5");
        if !file.is_file() {
            let text = format!(
                "there is no datacheck of the night {} yet: it is made when the night is closed",
                paths.date
            );
            return Err(BackendError::NotFound(text));
        }
        let read = |files: &[std::path::PathBuf]| NightData::read(files, true);
        let data = self.nights.get(&[file], read).map_err(unreadable)?;
        let thresholds = Thresholds::shipped().map_err(unreadable)?;
        let mut notices = left_out(&data.unreadable);
        notices.extend(data.missing.iter().map(|table| format!("the file has no table {table}")));
        let sheet = night_sheet(&data, &thresholds, sheet, 0);
        Ok(Drawn { sheet, files: 1, notices })
    }
}

fn left_out(files: &[(std::path::PathBuf, String)]) -> Vec<String> {
    files.iter().map(|(_, problem)| format!("left out: {problem}")).collect()
}

fn unreadable(error: DatacheckError) -> BackendError {
    BackendError::Unavailable(error.to_string())
}

fn no_sheet(key: &str) -> BackendError {
    BackendError::NotFound(format!("there is no sheet {key:?} of figures"))
}

/// The sheet of a run that was asked for.
pub fn run_sheet_of(key: Option<&str>) -> Result<RunSheet, BackendError> {
    key.map_or(Ok(RunSheet::ALL[0]), |key| RunSheet::by_key(key).ok_or_else(|| no_sheet(key)))
}

/// The sheet of a night that was asked for.
pub fn night_sheet_of(key: Option<&str>) -> Result<NightSheet, BackendError> {
    key.map_or(Ok(NightSheet::ALL[0]), |key| NightSheet::by_key(key).ok_or_else(|| no_sheet(key)))
}

impl Drawn {
    /// What a page says of it.
    pub fn described(self, date: NightDate, run: Option<RunId>) -> DatacheckSheet {
        let names: Vec<_> = match run {
            Some(_) => RunSheet::ALL.map(RunSheet::names).to_vec(),
            None => NightSheet::ALL.map(NightSheet::names).to_vec(),
        };
        let own = |(key, title): (&str, &str)| (key.to_owned(), title.to_owned());
        let figures = self.sheet.figures.into_iter();
        let info = |Figure { id, title, notes, .. }| FigureInfo { id, title, notes };
        DatacheckSheet {
            date,
            run,
            sheets: names.into_iter().map(own).collect(),
            key: self.sheet.key,
            title: self.sheet.title,
            figures: figures.map(info).collect(),
            files: self.files,
            notices: self.notices,
        }
    }

    /// One of its figures in the form that its name asks for, `mean-map.svg`, or all of them:
    /// `sheet.pdf`.
    fn figure(&self, name: &str, of: &str) -> Result<(Form, Vec<u8>), BackendError> {
        let none = || BackendError::NotFound(format!("there is no figure {name:?} on this sheet"));
        let failed = |error: DrawError| BackendError::Unavailable(error.to_string());
        let (id, suffix) = name.rsplit_once('.').ok_or_else(none)?;
        let format = Format::by_suffix(suffix).ok_or_else(none)?;
        let body = if id == WHOLE_SHEET {
            sheet_as(of, &self.sheet, format).map_err(failed)?.ok_or_else(none)?
        } else {
            let figure = self.sheet.figures.iter().find(|figure| figure.id == id);
            figure_as(figure.ok_or_else(none)?, format, Hover::Tells).map_err(failed)?
        };
        Ok((form(format), body))
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

/// Which sheet is wanted.
#[derive(Debug, Deserialize)]
pub struct Asked {
    sheet: Option<String>,
}

/// `GET /api/v1/nights/{date}/runs/{run}/datacheck?sheet=`
pub async fn run(
    State(state): State<WebState>,
    Path((date, run)): Path<(String, String)>,
    Query(Asked { sheet }): Query<Asked>,
) -> Result<Json<DatacheckSheet>, Problem> {
    Ok(Json(state.watcher.run_datacheck(date.parse()?, run.parse()?, sheet).await?))
}

/// `GET /api/v1/nights/{date}/datacheck?sheet=`
pub async fn night(
    State(state): State<WebState>,
    Path(date): Path<String>,
    Query(Asked { sheet }): Query<Asked>,
) -> Result<Json<DatacheckSheet>, Problem> {
    Ok(Json(state.watcher.night_datacheck(date.parse()?, sheet).await?))
}

/// `GET /api/v1/nights/{date}/runs/{run}/datacheck/{sheet}/{figure}`
pub async fn run_figure(
    State(state): State<WebState>,
    Path((date, run, sheet, figure)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (date, run) = (date.parse::<NightDate>()?, run.parse::<RunId>()?);
    let sheet = run_sheet_of(Some(&sheet))?;
    let draw = move |figures: &Figures, paths: &NightPaths| {
        let of = format!("run {run}, night {date}");
        figures.run(paths, run, sheet)?.figure(&figure, &of)
    };
    let (form, body) = state.watcher.draw(date, draw).await?;
    Ok(kept::answer(&headers, form, body))
}

/// `GET /api/v1/nights/{date}/datacheck/{sheet}/{figure}`
pub async fn night_figure(
    State(state): State<WebState>,
    Path((date, sheet, figure)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (date, sheet) = (date.parse::<NightDate>()?, night_sheet_of(Some(&sheet))?);
    let draw = move |figures: &Figures, paths: &NightPaths| {
        figures.night(paths, sheet)?.figure(&figure, &format!("night {date}"))
    };
    let (form, body) = state.watcher.draw(date, draw).await?;
    Ok(kept::answer(&headers, form, body))
}
