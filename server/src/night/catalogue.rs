//! The source catalogue: what each run observed.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::Path;

use crate::model::RunId;

use super::ecsv::Ecsv;
use super::{NightError, read_text};

/// Names of the sources of a night's runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    sources: HashMap<RunId, String>,
    /// What is wrong with rows that cannot be used, each with file, line and column.
    pub faulty: Vec<String>,
    /// Why there is no row at all: `is missing`, `is empty`.
    pub lacks: Option<&'static str>,
}

impl Catalogue {
    /// Reads the catalogue; a missing file and an empty one are catalogues without rows.
    ///
    /// # Errors
    /// [`NightError::Read`], [`NightError::Table`].
    pub fn read(file: &Path) -> Result<Self, NightError> {
        match read_text(file) {
            Err(NightError::Read { cause, .. }) if cause.kind() == ErrorKind::NotFound => {
                Ok(Self { lacks: Some("is missing"), ..Self::default() })
            }
            Ok(text) if text.trim().is_empty() => {
                Ok(Self { lacks: Some("is empty"), ..Self::default() })
            }
            text => Self::parse(&text?, file),
        }
    }

    /// Parses the text of a catalogue, which came from `file` (named in errors). A row that cannot
    /// be used leaves only its run without a source.
    ///
    /// # Errors
    /// [`NightError::Table`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, NightError> {
        let table = Ecsv::parse(text, file)?;
        let (run_id, name) = (table.column("run_id")?, table.column("source_name")?);
        let mut found = Self { lacks: Some("has no rows"), ..Self::default() };
        for (row, fault) in table.rows_with_faults() {
            found.lacks = None;
            let run = match fault {
                Some(fault) => Err(fault),
                None => row.parse(&run_id, "a run number such as 19102"),
            };
            let name = row.text(&name).map(str::trim).filter(|name| !name.is_empty());
            match (run, name) {
                (Ok(run), Some(name)) => {
                    found.sources.entry(run).or_insert_with(|| name.to_owned());
                }
                (Ok(_), None) => {}
                (Err(error), _) => found.faulty.push(error.to_string()),
            }
        }
        Ok(found)
    }

    /// What the run observed, if it is written down.
    pub fn source(&self, run: RunId) -> Option<&str> {
        self.sources.get(&run).map(String::as_str)
    }
}

#[cfg(test)]
mod tests;
