//! Which runs calibrate a night, and in which night a run was taken.

use std::io::ErrorKind;

use crate::hint::Hint;
use crate::model::{CalibrationRuns, NightDate, Notice, RunId, RunType, Severity};

use super::ecsv::Ecsv;
use super::{NightError, NightPaths, Run, RunSummary, read_text};

/// How many earlier nights may lend a calibration run.
const NIGHTS_BACK: u32 = 4;

/// What was found for a night.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// The last `DRS4` run of the last night that has one.
    pub drs4: Option<RunId>,
    /// The last `PEDCALIB` run of the last night that has one.
    pub pedcal: Option<Run>,
    /// What a shifter should know about it.
    pub notices: Vec<Notice>,
}

impl Choice {
    /// Both runs, if both were found.
    pub fn runs(&self) -> Option<CalibrationRuns> {
        Some(CalibrationRuns { drs4: self.drs4?, pedcal: self.pedcal.as_ref()?.id })
    }
}

/// Chooses the calibration runs of a night: its last of each type by number, else that of the
/// night before, and so on up to four nights back.
pub(super) fn choose(paths: &NightPaths, summary: &RunSummary) -> Choice {
    let mut choice = Choice {
        drs4: last(summary, &RunType::Drs4).map(|run| run.id),
        pedcal: last(summary, &RunType::PedCalib).cloned(),
        notices: Vec::new(),
    };
    for back in 1..=NIGHTS_BACK {
        if choice.runs().is_some() {
            return choice;
        }
        let earlier = paths.of_night(paths.date.days_before(back));
        match RunSummary::read(&earlier) {
            Ok(summary) => take(&mut choice, &summary, earlier.date),
            // Nothing was observed, which is no fault.
            Err(NightError::NoSummary { .. }) => {}
            Err(error) => choice.notices.push(Notice {
                severity: Severity::Warning,
                message: format!("looking back for calibration runs: {error}"),
                hint: error.hint().unwrap_or_default(),
            }),
        }
    }
    let found =
        [(RunType::Drs4, choice.drs4.is_some()), (RunType::PedCalib, choice.pedcal.is_some())];
    for (run_type, _) in found.into_iter().filter(|(_, found)| !found) {
        choice.notices.push(Notice {
            severity: Severity::Error,
            message: format!(
                "there is no {run_type} run in the night {} nor in the {NIGHTS_BACK} nights before",
                paths.date
            ),
            hint: "the night cannot be calibrated; add the run to a run summary, or process the \
                   data with calibration files that are there already"
                .into(),
        });
    }
    choice
}

fn take(choice: &mut Choice, summary: &RunSummary, night: NightDate) {
    let mut say = |run: &Run| {
        choice.notices.push(Notice {
            severity: Severity::Info,
            message: format!("the {} run {} is of an earlier night, {night}", run.run_type, run.id),
            hint: String::new(),
        });
    };
    if choice.drs4.is_none() {
        choice.drs4 = last(summary, &RunType::Drs4).inspect(|run| say(run)).map(|run| run.id);
    }
    if choice.pedcal.is_none() {
        choice.pedcal = last(summary, &RunType::PedCalib).inspect(|run| say(run)).cloned();
    }
}

/// The last run of a type that has data.
fn last<'a>(summary: &'a RunSummary, run_type: &RunType) -> Option<&'a Run> {
    summary.runs.iter().rfind(|run| run.run_type == *run_type && run.subruns > 0)
}

/// The night in which a run was taken: from the run summaries of this night and of those that may
/// lend it a calibration, else from `MERGED_SUMMARY`. Blocks on the disk.
///
/// # Errors
/// [`NightError::NoNight`] if nobody knows; an unreadable `MERGED_SUMMARY` as such.
pub fn night_of(run: RunId, paths: &NightPaths) -> Result<NightDate, NightError> {
    for back in 0..=NIGHTS_BACK {
        let night = paths.of_night(paths.date.days_before(back));
        if RunSummary::read(&night).is_ok_and(|summary| summary.run(run).is_some()) {
            return Ok(night.date);
        }
    }
    let merged = &paths.config.directories.merged_summary;
    let unknown = || NightError::NoNight {
        run,
        from: paths.date.days_before(NIGHTS_BACK),
        date: paths.date,
        merged: merged.clone(),
    };
    let text = match read_text(merged) {
        Err(NightError::Read { cause, .. }) if cause.kind() == ErrorKind::NotFound => {
            return Err(unknown());
        }
        text => text?,
    };
    let table = Ecsv::parse(&text, merged)?;
    let (run_id, date) = (table.column("run_id")?, table.column("date")?);
    for row in table.rows() {
        let row = row?;
        if row.parse::<RunId>(&run_id, "a run number such as 19102")? == run {
            return row.parse(&date, "a date such as 2024-11-28");
        }
    }
    Err(unknown())
}

#[cfg(test)]
mod tests;
