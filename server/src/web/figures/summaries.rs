//! A night before its long-term file is there: put together from what is known of its runs so far.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::backend::BackendError;

use crate::datacheck::{DatacheckError, NightData, summarise};
use crate::model::RunId;
use crate::night::NightPaths;

use super::{Figures, longterm, unreadable};

/// Runs that nobody has read yet are read for so long while somebody waits; the others are told.
const PATIENCE: Duration = Duration::from_secs(2);

impl Figures {
    /// The runs of a night that have a datacheck.
    pub fn runs_of(&self, paths: &NightPaths) -> Vec<RunId> {
        self.places.runs(paths).into_iter().collect()
    }

    /// All datacheck files of a run, those of muon rings included.
    pub fn files_of(&self, paths: &NightPaths, run: RunId) -> Vec<PathBuf> {
        self.places.find(paths, run).all()
    }

    /// A run's row of its night, from its own files.
    pub fn summary(
        &self,
        paths: &NightPaths,
        run: RunId,
    ) -> Result<Arc<NightData>, DatacheckError> {
        let files = self.places.find(paths, run);
        let read = |_: &[PathBuf]| summarise(run.0.into(), &files.datacheck, &files.muons);
        self.summaries.get(&files.all(), read)
    }

    /// All of a night: from its long-term file, else what its runs' own files say so far. What is to be
    /// known of the latter is told with it.
    pub(super) fn night_data(
        &self,
        paths: &NightPaths,
    ) -> Result<(Arc<NightData>, Vec<String>), BackendError> {
        if let Some(file) = longterm(paths) {
            let read = |files: &[PathBuf]| NightData::read(files, true);
            let night = self.nights.get(&[file], read).map_err(unreadable)?;
            return Ok((night, Vec::new()));
        }
        let mut notices =
            vec!["not closed yet: from the datacheck of each run as far as it is there".to_owned()];
        let (mut runs, mut waiting, began) = (Vec::new(), Vec::new(), Instant::now());
        for run in self.runs_of(paths) {
            if began.elapsed() > PATIENCE && !self.summaries.has(&self.files_of(paths, run)) {
                waiting.push(run.to_string());
                continue;
            }
            match self.summary(paths, run) {
                Ok(summary) => runs.push(NightData::clone(&summary)),
                Err(error) => notices.push(format!("left out: run {run}: {error}")),
            }
        }
        if !waiting.is_empty() {
            notices.push(format!("not read yet: {}; look again in a moment", waiting.join(", ")));
        }
        let none = || {
            let why = match notices.len() {
                1 => "no run has one".to_owned(),
                _ => notices[1..].join("; "),
            };
            let date = paths.date;
            BackendError::NotFound(format!("there is no datacheck of the night {date} yet: {why}"))
        };
        let night = NightData::of_nights(runs).ok_or_else(none)?;
        Ok((Arc::new(night), notices))
    }
}
