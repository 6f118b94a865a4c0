//! Datacheck figures on the wire: read once, kept while their files stay as they are.

mod answers;
mod drawn;
mod priority;
mod query;
mod range;
mod summaries;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use app::backend::BackendError;

use crate::datacheck::figure::{
    NightSheet, RunSheet, Sheet, SubrunRings, compare_sheets, night_sheet, pixel_sheet, run_sheet,
};
use crate::datacheck::{
    Cache, Criteria, DatacheckError, Extent, Frame, MuonRing, NightData, Places, RunData, RunFiles,
    Weigh, read_muons,
};
use crate::model::{DatacheckSheet, FigureChoice, NightDate, OtherRun, RunId};
use crate::night::NightPaths;

use super::cached::CachedResponse;
use super::problem::unavailable;

pub use answers::{night, night_figure, range as nights, range_figure as nights_figure};
pub use answers::{run, run_figure};
pub use drawn::Drawn;
use priority::Priority;
pub use query::{NightFigureQuery, RangeFigureQuery, RunFigureQuery, RunFigures};

/// What is kept of runs, in bytes: four sheets of runs of 120 subruns, with the history of each pixel.
const RUNS_CACHED: usize = 20 << 20;
/// What is kept of nights with their pixels.
const NIGHTS_CACHED: usize = 16 << 20;
/// What is kept of the runs of many nights: some two thousand nights.
const FRAMES_CACHED: usize = 16 << 20;
/// What is kept of muon rings.
const MUONS_CACHED: usize = 8 << 20;
/// What is kept of runs' rows of their nights: some forty runs.
const SUMMARIES_CACHED: usize = 10 << 20;
/// What is kept of figures as they were sent.
const SENT_CACHED: usize = 16 << 20;

/// What was read of datacheck files, and drawn. Every function blocks.
pub struct Figures {
    runs: Cache<RunData>,
    nights: Cache<NightData>,
    frames: Cache<Frame>,
    muons: Cache<Muons>,
    sources: Cache<range::Sources>,
    sent: Cache<CachedResponse>,
    summaries: Cache<NightData>,
    places: Places,
    /// Who goes first.
    pub priority: Priority,
    /// By what runs are judged.
    pub criteria: Criteria,
}

impl Figures {
    /// Nothing is read yet.
    pub fn new(criteria: Criteria) -> Self {
        Self {
            runs: Cache::new(RUNS_CACHED),
            nights: Cache::new(NIGHTS_CACHED),
            frames: Cache::new(FRAMES_CACHED),
            muons: Cache::new(MUONS_CACHED),
            sources: Cache::new(FRAMES_CACHED),
            sent: Cache::new(SENT_CACHED),
            summaries: Cache::new(SUMMARIES_CACHED),
            places: Places::default(),
            priority: Priority::default(),
            criteria,
        }
    }

    /// Yields to requests for a page or a figure, unless they wait for what is being read.
    pub fn yield_to_foreground(&self) {
        self.priority.yield_to_foreground(|| {
            self.runs.is_awaited()
                || self.nights.is_awaited()
                || self.muons.is_awaited()
                || self.summaries.is_awaited()
        });
    }
}

/// Muon rings by subrun, and why some cannot be read.
#[derive(Default)]
struct Muons {
    rings: BTreeMap<i64, Vec<MuonRing>>,
    problems: Vec<String>,
}

impl Weigh for Muons {
    fn weight(&self) -> usize {
        self.rings.values().map(|rings| 64 + rings.len() * size_of::<MuonRing>()).sum()
    }
}

impl Weigh for CachedResponse {
    fn weight(&self) -> usize {
        self.memory() + 1024
    }
}

/// A run's sheet before anything is chosen or compared.
struct Part {
    sheet: Sheet,
    files: usize,
    notices: Vec<String>,
}

impl Figures {
    /// A sheet of a run, alone or compared with another.
    pub fn run(
        &self,
        paths: &NightPaths,
        run: RunId,
        query: &RunFigureQuery,
    ) -> Result<Drawn, BackendError> {
        let Part { mut sheet, mut files, mut notices } = self.part(paths, run, query.figures)?;
        let mut of = format!("run {run}, night {}", paths.date);
        if let Some(with) = query.with {
            let night = other_night(paths, with);
            let other = self.part(&night, with.run, query.figures)?;
            let name = format!("run {}, night {}", with.run, night.date);
            files += other.files;
            notices.extend(other.notices.iter().map(|notice| format!("{name}: {notice}")));
            let names = [run, with.run].map(|run| format!("run {run}"));
            sheet = compare_sheets(&sheet, &other.sheet, [&names[0], &names[1]]);
            of = format!("{of} compared with {name}");
        }
        choose(&mut sheet, &query.choice)?;
        Ok(Drawn { sheet, of, pixels_of: Some((paths.date, run)), files, notices })
    }

    fn part(
        &self,
        paths: &NightPaths,
        run: RunId,
        figures: RunFigures,
    ) -> Result<Part, BackendError> {
        let files = self.places.find(paths, run);
        if files.datacheck.is_empty() {
            let text = format!("there is no datacheck of run {run} yet: its stage has not ended");
            return Err(BackendError::not_found(text));
        }
        let extent = match figures {
            RunFigures::Sheet(sheet) => sheet.extent(),
            RunFigures::Pixel(_) => Extent::ALL,
        };
        let read = |files: &[PathBuf]| RunData::read_part(files, extent);
        let data = self.runs.get_part(&files.datacheck, &extent.key(), read);
        let data = data.map_err(unreadable)?;
        let mut notices = left_out(&data.unreadable);
        let sheet = match figures {
            RunFigures::Pixel(pixel) => pixel_sheet(&data, pixel),
            RunFigures::Sheet(sheet) => {
                let rings = match sheet.needs_rings() {
                    false => Vec::new(),
                    true => {
                        let muons = self.muons(&files)?;
                        notices.extend(muons.problems.iter().cloned());
                        let rings = |subrun| muons.rings.get(&subrun).cloned();
                        let subruns = data.subruns().into_iter();
                        subruns.map(|subrun| SubrunRings { subrun, rings: rings(subrun) }).collect()
                    }
                };
                run_sheet(&data, &rings, sheet)
            }
        };
        Ok(Part { sheet, files: data.sources.len(), notices })
    }

    fn muons(&self, files: &RunFiles) -> Result<Arc<Muons>, BackendError> {
        let paths: Vec<PathBuf> = files.muons.values().cloned().collect();
        let read = |_: &[PathBuf]| {
            let mut muons = Muons::default();
            for (subrun, file) in &files.muons {
                match read_muons(file) {
                    Ok(rings) => {
                        muons.rings.insert(*subrun, rings);
                    }
                    Err(error) => muons.problems.push(error.to_string()),
                }
            }
            Ok::<_, DatacheckError>(muons)
        };
        self.muons.get(&paths, read).map_err(unreadable)
    }

    /// A figure of a run as it is sent: kept from before, or drawn.
    pub fn run_figure(
        &self,
        paths: &NightPaths,
        run: RunId,
        query: &RunFigureQuery,
        name: &str,
        prefix: &str,
    ) -> Result<Arc<CachedResponse>, BackendError> {
        let mut files = self.places.find(paths, run).all();
        if let Some(with) = query.with {
            files.extend(self.places.find(&other_night(paths, with), with.run).all());
        }
        let what = format!("{} {run} {name} {query:?}", paths.date);
        self.sent.get_part(&files, &what, |_| self.run(paths, run, query)?.figure(name, prefix))
    }

    /// A sheet of a night, and the night's runs.
    pub fn night(
        &self,
        paths: &NightPaths,
        query: &NightFigureQuery,
    ) -> Result<(Drawn, Vec<RunId>), BackendError> {
        let (data, waiting) = self.night_data(paths)?;
        let runs: Vec<RunId> = data
            .run_numbers()
            .into_iter()
            .filter_map(|run| u32::try_from(run).ok())
            .map(RunId)
            .collect();
        let row = match query.run {
            None => 0,
            Some(run) => runs.iter().position(|own| *own == run).ok_or_else(|| {
                BackendError::not_found(format!("run {run} is not in the night's datacheck"))
            })?,
        };
        let thresholds = self.criteria.current().thresholds;
        let mut notices = waiting;
        notices.extend(left_out(&data.unreadable));
        notices.extend(data.missing.iter().map(|table| format!("the file has no table {table}")));
        let mut sheet = night_sheet(&data, &thresholds, query.sheet, row);
        choose(&mut sheet, &query.choice)?;
        let of = format!("night {}", paths.date);
        let by_run = query.sheet != NightSheet::PixelProblems;
        let pixels_of = runs.get(row).filter(|_| by_run).map(|run| (paths.date, *run));
        let files = data.sources.len();
        Ok((Drawn { sheet, of, pixels_of, files, notices }, runs))
    }

    /// A figure of a night as it is sent: kept from before, or drawn.
    pub fn night_figure(
        &self,
        paths: &NightPaths,
        query: &NightFigureQuery,
        name: &str,
        prefix: &str,
    ) -> Result<Arc<CachedResponse>, BackendError> {
        let draw = |_: &[PathBuf]| self.night(paths, query)?.0.figure(name, prefix);
        match longterm(paths) {
            Some(file) => {
                let what = format!("{name} {query:?} {}", self.criteria.current().version);
                self.sent.get_part(&[file], &what, draw)
            }
            None => draw(&[]).map(Arc::new),
        }
    }
}

/// What a page says of a run's sheet.
pub fn run_described(
    drawn: Drawn,
    date: NightDate,
    run: RunId,
    query: &RunFigureQuery,
) -> DatacheckSheet {
    let sheets: &[RunSheet] = if query.with.is_some() { &RunSheet::MAPPED } else { &RunSheet::ALL };
    DatacheckSheet {
        date,
        run: Some(run),
        sheets: own(sheets.iter().map(|sheet| sheet.names())),
        figures: drawn.infos(),
        key: drawn.sheet.key,
        title: drawn.sheet.title,
        files: drawn.files,
        notices: drawn.notices,
        query: query.query(),
        choice: query.choice.clone(),
        with: query.with,
        runs: Vec::new(),
        shown_run: None,
        quality: Vec::new(),
        notes: Vec::new(),
        marks: BTreeMap::new(),
    }
}

/// What a page says of a night's sheet.
pub fn night_described(
    (drawn, runs): (Drawn, Vec<RunId>),
    date: NightDate,
    query: &NightFigureQuery,
) -> DatacheckSheet {
    DatacheckSheet {
        date,
        run: None,
        sheets: own(NightSheet::ALL.into_iter().map(NightSheet::names)),
        figures: drawn.infos(),
        key: drawn.sheet.key,
        title: drawn.sheet.title,
        files: drawn.files,
        notices: drawn.notices,
        query: query.query(),
        choice: query.choice.clone(),
        with: None,
        shown_run: query.run.or(runs.first().copied()).filter(|_| query.sheet.is_by_run()),
        runs,
        quality: Vec::new(),
        notes: Vec::new(),
        marks: BTreeMap::new(),
    }
}

fn own(names: impl Iterator<Item = (&'static str, &'static str)>) -> Vec<(String, String)> {
    names.map(|(key, title)| (key.to_owned(), title.to_owned())).collect()
}

/// Shows all figures of a sheet as chosen. What is chosen for a figure that is not there is a mistake.
fn choose(sheet: &mut Sheet, choice: &FigureChoice) -> Result<(), BackendError> {
    if let Some(figure) = choice.figure.as_deref().filter(|_| !choice.is_usual())
        && !sheet.figures.iter().any(|own| own.id == figure)
    {
        let text = format!("there is no figure {figure:?} on the sheet {:?}", sheet.key);
        return Err(BackendError::invalid(text));
    }
    let chosen = sheet.figures.iter_mut().try_for_each(|figure| figure.choose(choice));
    chosen.map_err(BackendError::invalid)
}

fn other_night(paths: &NightPaths, with: OtherRun) -> NightPaths {
    with.date.map_or_else(|| paths.clone(), |date| paths.of_night(date))
}

/// The night's file, if it is there.
fn longterm(paths: &NightPaths) -> Option<PathBuf> {
    Some(paths.longterm_file("h5")).filter(|file| file.is_file())
}

fn left_out<P: AsRef<Path>>(files: &[(P, String)]) -> Vec<String> {
    files.iter().map(|(_, problem)| format!("left out: {problem}")).collect()
}

fn unreadable(error: DatacheckError) -> BackendError {
    unavailable(&error)
}
