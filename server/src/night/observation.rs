//! A night as it was observed: the one entry point to summaries, catalogue and calibration runs.

use std::path::PathBuf;

use crate::config::SiteConfig;
use crate::hint::Hint;
use crate::model::{CalibrationRuns, Decision, NightDate, Notice, RunType, Sequence, Severity};

use super::{
    Catalogue, FaultyRow, NightError, NightPaths, Run, RunSummary, calibration, sequences, summary,
};

/// What to do if a night has no run summary.
#[derive(Clone, Copy, Debug)]
pub enum MissingSummary<'a> {
    /// It is an error: for looking on.
    Fail,
    /// Let lstchain make it, looked for in these directories, then on the PATH.
    Make(&'a [PathBuf]),
}

/// What was observed in a night, and what is to be done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// All runs of the summary, by their number.
    pub runs: Vec<Run>,
    /// The sequences, in the order of the table; empty if there is nothing to process.
    pub sequences: Vec<Sequence>,
    /// The runs that calibrate the night; `None` if there are none within reach.
    pub calibration: Option<CalibrationRuns>,
    /// Rows of the run summary that cannot be used.
    pub faulty: Vec<FaultyRow>,
    /// What a shifter should know.
    pub notices: Vec<Notice>,
    /// The decisions that act on it, see [`Observation::decided`].
    pub decisions: Vec<Decision>,
}

impl Observation {
    /// Reads a night as its run summary tells it, which [`Observation::decided`] may change. Blocks on the disk, and on lstchain if it must make the summary.
    ///
    /// Missing calibration runs, an unreadable catalogue, a run without subruns and the like are
    /// notices: the table of sequences can be shown all the same.
    ///
    /// # Errors
    /// The run summary is missing or unreadable: see [`NightError`].
    pub fn read(paths: &NightPaths, missing: MissingSummary<'_>) -> Result<Self, NightError> {
        let summary = match (RunSummary::read(paths), missing) {
            (Err(NightError::NoSummary { .. }), MissingSummary::Make(job_path)) => {
                summary::make(paths, job_path)?;
                RunSummary::read(paths)?
            }
            (summary, _) => summary?,
        };
        let mut notices = summary.notices.clone();
        let catalogue = catalogue(paths, &summary, &mut notices);
        let work = has_work(&summary);
        let choice = work.then(|| calibration::choose(paths, &summary));
        let mut choice = choice.unwrap_or_default();
        let (sequences, odd) = sequences::build(&summary, choice.pedcal.as_ref(), &catalogue);
        notices.append(&mut choice.notices);
        notices.extend(odd);
        Ok(Self {
            sequences,
            calibration: choice.runs(),
            notices,
            faulty: summary.faulty,
            runs: summary.runs,
            decisions: Vec::new(),
        })
    }
}

/// The sources, and what is wrong with their table.
fn catalogue(paths: &NightPaths, summary: &RunSummary, notices: &mut Vec<Notice>) -> Catalogue {
    let file = paths.run_catalogue();
    let mut warn = |message: String, hint: String| {
        notices.push(Notice { severity: Severity::Warning, message, hint });
    };
    let catalogue = Catalogue::read(&file).unwrap_or_else(|error| {
        warn(format!("sources are unknown: {error}"), error.hint().unwrap_or_default());
        Catalogue::default()
    });
    let rows = format!("write {} again, or correct the line", file.display());
    for problem in &catalogue.faulty {
        warn(format!("the source of a run is unknown: {problem}"), rows.clone());
    }
    let data = summary.runs.iter().any(|run| run.run_type == RunType::Data);
    if let Some(what) = catalogue.lacks.filter(|_| data) {
        warn(
            format!("sources are unknown: {} {what}", file.display()),
            "lstchain writes the table of a night's sources; see whether RUN_CATALOG in \
             sequencer.cfg is right"
                .into(),
        );
    }
    catalogue
}

/// Whether there is anything to process: data, or a calibration of the night itself.
fn has_work(summary: &RunSummary) -> bool {
    summary.runs.iter().any(|run| matches!(run.run_type, RunType::Data | RunType::PedCalib))
}

/// The nights that have a run summary, newest first. Blocks on the disk.
///
/// # Errors
/// [`NightError::Read`] if `RUN_SUMMARY_DIR` cannot be read.
pub fn list(config: &SiteConfig) -> Result<Vec<NightDate>, NightError> {
    let directory = &config.directories.run_summary_dir;
    let wrap = |cause| NightError::read(directory, cause);
    let mut nights = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(wrap)? {
        let name = entry.map_err(wrap)?.file_name();
        nights.extend(name.to_str().and_then(NightPaths::night_of_run_summary));
    }
    nights.sort_unstable_by(|a, b| b.cmp(a));
    nights.dedup();
    Ok(nights)
}

#[cfg(test)]
mod tests;
