//! The run summary: which runs a night has, of which type, with how many subruns.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use chrono::{DateTime, Utc};

use crate::config::search_path;
use crate::internal::{Cause, context};
use crate::model::{Notice, RunId, RunType, Severity};

use super::ecsv::{Column, Ecsv, Row};
use super::{NightError, NightPaths, read_text};

/// Subruns are written with four digits.
const MAX_SUBRUNS: u32 = 10_000;

/// The program that makes a run summary from the raw files.
const MAKER: &str = "lstchain_create_run_summary";

/// A run as the summary has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// What it is for.
    pub run_type: RunType,
    /// How many subruns it has, 0 to 10,000.
    pub subruns: u32,
    /// When it began, if that is written down.
    pub start: Option<DateTime<Utc>>,
    /// Its line in the file, from 1.
    pub line: usize,
}

/// A row of the summary that cannot be used: its run is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultyRow {
    /// The run, if that can be read.
    pub run: Option<RunId>,
    /// What is wrong, with file, line and column.
    pub problem: String,
}

/// The runs of a night.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// The file.
    pub file: PathBuf,
    /// The runs by their number; each once.
    pub runs: Vec<Run>,
    /// Rows that cannot be used, in the order of the file.
    pub faulty: Vec<FaultyRow>,
    /// What was odd, and did not prevent the reading.
    pub notices: Vec<Notice>,
}

impl RunSummary {
    /// Reads the summary of the night.
    ///
    /// # Errors
    /// [`NightError::NoSummary`] if it is missing, [`NightError::Read`], [`NightError::Table`].
    pub fn read(paths: &NightPaths) -> Result<Self, NightError> {
        let file = paths.run_summary();
        let text = match read_text(&file) {
            Err(NightError::Read { cause, .. }) if cause.kind() == ErrorKind::NotFound => {
                return Err(NightError::NoSummary { date: paths.date, file });
            }
            other => other?,
        };
        Self::parse(&text, &file)
    }

    /// Parses the text of a summary, which came from `file` (named in errors). A row with a cell that
    /// is not what it should be, or with too many or too few, and a run that is there twice with
    /// different subruns or type, leave out that run alone.
    ///
    /// # Errors
    /// [`NightError::Table`]: no such table, a column is missing, the file is cut off, or a row that
    /// cannot be used may be the only calibration of the night.
    pub fn parse(text: &str, file: &Path) -> Result<Self, NightError> {
        let table = Ecsv::parse(text, file)?;
        let columns = Columns::of(&table)?;
        let mut reading = Reading::default();
        for (row, fault) in table.rows_with_faults() {
            match fault {
                // There may have been more rows.
                Some(error) if table.is_cut_off_at(row.line) => return Err(error),
                Some(error) => reading.leave_out(&row, &columns, error),
                None => reading.take(&row, &columns, file),
            }
        }
        reading.end(file)
    }

    /// The run of that number.
    pub fn run(&self, id: RunId) -> Option<&Run> {
        self.runs.iter().find(|run| run.id == id)
    }
}

/// A summary that is being read.
#[derive(Default)]
struct Reading {
    runs: BTreeMap<RunId, Run>,
    /// Runs that are there twice, and not the same.
    disputed: BTreeSet<RunId>,
    faulty: Vec<FaultyRow>,
    notices: Vec<Notice>,
    /// The first of the faulty rows that may be a calibration run.
    calibration: Option<NightError>,
}

impl Reading {
    fn take(&mut self, row: &Row<'_>, columns: &Columns, file: &Path) {
        let run = match columns.run(row) {
            Ok(run) => run,
            Err(error) => return self.leave_out(row, columns, error),
        };
        let Some(first) = self.runs.get(&run.id) else {
            self.runs.insert(run.id, run);
            return;
        };
        match twice(first, &run, row, columns, file) {
            Ok(notice) => self.notices.push(notice),
            Err(error) => {
                self.disputed.insert(run.id);
                self.leave_out(row, columns, error);
            }
        }
    }

    fn leave_out(&mut self, row: &Row<'_>, columns: &Columns, error: NightError) {
        let run = row.parse(&columns.run_id, "").ok();
        self.faulty.push(FaultyRow { run, problem: error.to_string() });
        let run_type = row.text(&columns.run_type).map(|text| match text.parse() {
            Ok(run_type) => run_type,
            Err(never) => match never {},
        });
        let calibrates = run_type.is_none_or(|of| matches!(of, RunType::Drs4 | RunType::PedCalib));
        if calibrates && self.calibration.is_none() {
            self.calibration = Some(error);
        }
    }

    fn end(mut self, file: &Path) -> Result<RunSummary, NightError> {
        for run in &self.disputed {
            if let Some(run) = self.runs.remove(run)
                && matches!(run.run_type, RunType::Drs4 | RunType::PedCalib)
            {
                self.calibration.get_or_insert(NightError::Table {
                    file: file.to_owned(),
                    line: run.line,
                    column: None,
                    problem: format!("run {} is there again, and not the same", run.id),
                });
            }
        }
        let has = |of: &RunType| self.runs.values().any(|run| run.run_type == *of);
        // Else that of another night would be used in its place.
        if let Some(error) = self.calibration.take()
            && !(has(&RunType::Drs4) && has(&RunType::PedCalib))
        {
            return Err(error);
        }
        let Self { runs, faulty, notices, .. } = self;
        let runs = runs.into_values().collect();
        Ok(RunSummary { file: file.to_owned(), runs, faulty, notices })
    }
}

struct Columns {
    run_id: Column,
    subruns: Column,
    run_type: Column,
    start: Option<Column>,
}

impl Columns {
    fn of(table: &Ecsv<'_>) -> Result<Self, NightError> {
        Ok(Self {
            run_id: table.column("run_id")?,
            subruns: table.column("n_subruns")?,
            run_type: table.column("run_type")?,
            start: table.optional_column("run_start"),
        })
    }

    fn run(&self, row: &Row<'_>) -> Result<Run, NightError> {
        let id = row.parse(&self.run_id, "a run number such as 19102")?;
        let subruns: u32 = row.parse(&self.subruns, "a number of subruns")?;
        if subruns > MAX_SUBRUNS {
            let problem = format!("{subruns} subruns; a run can have {MAX_SUBRUNS} at most");
            return Err(row.error(&self.subruns, problem));
        }
        let Ok(run_type) = row.needed(&self.run_type)?.parse();
        let start = match &self.start {
            Some(column) if row.text(column).is_some() => {
                let nanoseconds: i64 = row.parse(column, "a time in nanoseconds since 1970")?;
                Some(DateTime::from_timestamp_nanos(nanoseconds)).filter(|_| nanoseconds > 0)
            }
            _ => None,
        };
        Ok(Run { id, run_type, subruns, start, line: row.line })
    }
}

/// A run that is there again: told if it is the same, refused if it is not.
fn twice(
    first: &Run,
    again: &Run,
    row: &Row<'_>,
    columns: &Columns,
    file: &Path,
) -> Result<Notice, NightError> {
    let (id, line) = (first.id, first.line);
    if (&first.run_type, first.subruns) != (&again.run_type, again.subruns) {
        let problem = format!(
            "run {id} is {} with {} subruns here, but {} with {} in line {line}; remove the wrong \
             one",
            again.run_type, again.subruns, first.run_type, first.subruns
        );
        return Err(row.error(&columns.run_id, problem));
    }
    Ok(Notice {
        severity: Severity::Info,
        message: format!(
            "{}:{}: run {id} is in line {line} already; it counts once",
            file.display(),
            again.line
        ),
        hint: "remove one of the two lines".into(),
    })
}

/// Lets lstchain make the run summary of the night. Blocks until it has.
///
/// `job_path`: directories put before the PATH in which the program is looked for.
///
/// # Errors
/// [`NightError::NotMade`] if the program did not start, failed, or left no file.
pub(super) fn make(paths: &NightPaths, job_path: &[PathBuf]) -> Result<(), NightError> {
    let directories = &paths.config.directories;
    let error = |problem: Cause| NightError::NotMade { program: MAKER, date: paths.date, problem };
    let option = |name: &str, directory: &Path| {
        let mut option = OsString::from(name);
        option.push(directory);
        option
    };
    let path = search_path(job_path, std::env::var_os("PATH"))
        .map_err(|problem| error(context("job_path", problem)))?;
    let output = Command::new(MAKER)
        .arg(format!("--date={}", paths.date.compact()))
        .arg(option("--r0-path=", &directories.r0_dir))
        .arg(option("--output-dir=", &directories.run_summary_dir))
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .map_err(|cause| error(context("it did not start", cause)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.trim().lines().last().unwrap_or("no message");
        return Err(error(format!("{}, it says: {last}", output.status).into()));
    }
    let file = paths.run_summary();
    if !file.is_file() {
        return Err(error(format!("it ended well, but {} is missing", file.display()).into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
