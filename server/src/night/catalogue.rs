//! The source catalogue: what each run observed.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::Path;

use crate::model::RunId;

use super::ecsv::Ecsv;
use super::{NightError, read_text};

/// Names of the sources of a night's runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue(HashMap<RunId, String>);

impl Catalogue {
    /// Reads the catalogue; a missing file is an empty one.
    ///
    /// # Errors
    /// [`NightError::Read`], [`NightError::Table`].
    pub fn read(file: &Path) -> Result<Self, NightError> {
        match read_text(file) {
            Err(NightError::Read { cause, .. }) if cause.kind() == ErrorKind::NotFound => {
                Ok(Self::default())
            }
            text => Self::parse(&text?, file),
        }
    }

    /// Parses the text of a catalogue, which came from `file` (named in errors).
    ///
    /// # Errors
    /// [`NightError::Table`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, NightError> {
        let table = Ecsv::parse(text, file)?;
        let (run_id, name) = (table.column("run_id")?, table.column("source_name")?);
        let mut sources = HashMap::new();
        for row in table.rows() {
            let row = row?;
            let run = row.parse(&run_id, "a run number such as 19102")?;
            if let Some(name) = row.text(&name).map(str::trim).filter(|name| !name.is_empty()) {
                sources.entry(run).or_insert_with(|| name.to_owned());
            }
        }
        Ok(Self(sources))
    }

    /// What the run observed, if it is written down.
    pub fn source(&self, run: RunId) -> Option<&str> {
        self.0.get(&run).map(String::as_str)
    }
}

#[cfg(test)]
mod tests;
