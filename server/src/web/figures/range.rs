//! The runs of many nights, from each night's file: a night that was read once is not read again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use app::backend::BackendError;

use crate::datacheck::figure::{NightSheet, range_sheet};
use crate::datacheck::{Frame, NightData, Weigh};
use crate::model::{DatacheckRange, RangeRun, RunId};
use crate::night::{Catalogue, NightError, NightPaths};

use super::super::cached::CachedResponse;
use super::{Drawn, Figures, RangeFigureQuery, choose, own};

/// What is said of a run whose source nobody wrote down.
const UNKNOWN: &str = "unknown source";
/// Of more files that cannot be read, only the number is reported.
const MOST_NOTICES: usize = 5;

/// What a night's runs observed.
pub struct Sources(Catalogue);

impl Weigh for Sources {
    fn weight(&self) -> usize {
        4096 // some tens of names
    }
}

/// Runs of many nights, as they are shown.
pub struct Ranged {
    drawn: Drawn,
    nights: usize,
    runs: Vec<RangeRun>,
    sources: Vec<String>,
}

impl Figures {
    /// A sheet of many nights; `nights` are those that there may be, in their order.
    pub fn range(
        &self,
        nights: &[NightPaths],
        query: &RangeFigureQuery,
    ) -> Result<Ranged, BackendError> {
        let mut frames: Vec<Frame> = Vec::new();
        let (mut runs, mut problems, mut sources) = (Vec::new(), Vec::new(), Vec::new());
        let mut read = 0;
        for night in nights {
            let file = night.longterm_file("h5");
            if !file.is_file() {
                continue;
            }
            let frame = match self.frames.get(&[file], |files| Frame::read_runs(&files[0])) {
                Ok(frame) => frame,
                Err(error) => {
                    problems.push(format!("left out: {error}"));
                    continue;
                }
            };
            read += 1;
            let catalogue = self.sources_of(night).map_err(|error| problems.push(error)).ok();
            let source_of =
                |run| catalogue.as_ref().and_then(|known| known.0.source(run)).unwrap_or(UNKNOWN);
            let mut rows = Vec::new();
            for (row, number) in frame.run_numbers().into_iter().enumerate() {
                let Ok(run) = u32::try_from(number).map(RunId) else { continue };
                let source = source_of(run).to_owned();
                if !sources.contains(&source) {
                    sources.push(source.clone());
                }
                let wanted = query.source.as_ref().is_none_or(|wanted| *wanted == source)
                    && query.runs.is_none_or(|(first, last)| (first..=last).contains(&run));
                if wanted {
                    rows.push(row);
                    runs.push(RangeRun { date: night.date, run, source });
                }
            }
            frames.push(frame.select(&rows));
        }
        sources.sort();
        let mut notices: Vec<String> = problems.iter().take(MOST_NOTICES).cloned().collect();
        if problems.len() > MOST_NOTICES {
            notices.push(format!("and {} more", problems.len() - MOST_NOTICES));
        }
        let night = NightData::of_runs(frames);
        let thresholds = self.criteria.current().thresholds;
        let names: Vec<String> = runs.iter().map(|run| run.source.clone()).collect();
        let mut sheet = range_sheet(&night, &names, &thresholds, query.sheet);
        choose(&mut sheet, &query.choice)?;
        let of = format!("nights {} to {}", query.from, query.to);
        let drawn = Drawn { sheet, of, pixels_of: None, files: read, notices };
        Ok(Ranged { drawn, nights: read, runs, sources })
    }

    fn sources_of(&self, night: &NightPaths) -> Result<Arc<Sources>, String> {
        let read = |files: &[PathBuf]| Catalogue::read(Path::new(&files[0])).map(Sources);
        self.sources.get_part(&[night.run_catalogue()], "", read).map_err(|error: NightError| {
            format!("the sources of night {} are not known: {error}", night.date)
        })
    }

    /// A figure of many nights as it is sent: kept from before, or drawn.
    pub fn range_figure(
        &self,
        nights: &[NightPaths],
        query: &RangeFigureQuery,
        name: &str,
    ) -> Result<Arc<CachedResponse>, BackendError> {
        let mut files = Vec::new();
        for night in nights {
            let all = [night.longterm_file("h5"), night.run_catalogue()];
            files.extend(all.into_iter().filter(|file| file.is_file()));
        }
        if files.is_empty() {
            return Ok(Arc::new(self.range(nights, query)?.drawn.figure(name, "")?));
        }
        let what = format!("{name} {query:?} {}", self.criteria.current().version);
        self.sent.get_part(&files, &what, |_| self.range(nights, query)?.drawn.figure(name, ""))
    }
}

impl Ranged {
    /// What a page says of it.
    pub fn described(self, query: &RangeFigureQuery) -> DatacheckRange {
        let Self { drawn, nights, runs, sources } = self;
        DatacheckRange {
            from: query.from,
            to: query.to,
            source: query.source.clone(),
            selected: query.runs,
            sources,
            nights,
            runs,
            sheets: own(NightSheet::LINES.into_iter().map(NightSheet::names)),
            figures: drawn.infos(),
            key: drawn.sheet.key,
            title: drawn.sheet.title,
            notices: drawn.notices,
            query: query.query(),
            choice: query.choice.clone(),
        }
    }
}
