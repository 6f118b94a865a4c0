//! A night before its long-term file is there: put together from what is known of its runs so far.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use app::backend::BackendError;

use crate::datacheck::{DatacheckError, NightData, Pace, RunFiles, summarise};
use crate::model::RunId;
use crate::night::NightPaths;

use super::{Figures, longterm, unreadable};

/// Runs that nobody has read yet are read for so long while somebody waits; the others are reported.
const PATIENCE: Duration = Duration::from_secs(2);

impl Figures {
    /// The files of each run of a night that has a datacheck.
    pub fn runs_of(&self, paths: &NightPaths) -> BTreeMap<RunId, RunFiles> {
        self.places.all(paths)
    }

    /// A run's row of its night, from its own files.
    pub fn summary(
        &self,
        run: RunId,
        files: &RunFiles,
        pace: Pace<'_>,
    ) -> Result<Arc<NightData>, DatacheckError> {
        let read = |_: &[PathBuf]| summarise(run.0.into(), &files.datacheck, &files.muons, pace);
        self.summaries.get(&files.all(), read)
    }

    /// All of a night: from its long-term file, else what its runs' own files say so far. What is to be
    /// known of the latter is reported with it.
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
        for (run, files) in self.runs_of(paths) {
            if began.elapsed() > PATIENCE && !self.summaries.has(&files.all()) {
                waiting.push(run.to_string());
                continue;
            }
            match self.summary(run, &files, Pace::Hurried) {
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
            BackendError::not_found(format!("there is no datacheck of the night {date} yet: {why}"))
        };
        let night = NightData::of_nights(runs).ok_or_else(none)?;
        Ok((Arc::new(night), notices))
    }
}
