//! What pages show of a run's data quality and of its provenance.

use serde::{Deserialize, Serialize};

use super::{NightDate, RunId};

/// A sheet of datacheck figures, of a run or of a night.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatacheckSheet {
    /// The night.
    pub date: NightDate,
    /// The run; `None` for the night as a whole.
    pub run: Option<RunId>,
    /// Every sheet there is: its permanent name and its title.
    pub sheets: Vec<(String, String)>,
    /// Permanent name of this one.
    pub key: String,
    /// Its title.
    pub title: String,
    /// Its figures.
    pub figures: Vec<FigureInfo>,
    /// Files that the figures were made from.
    pub files: usize,
    /// What must be known of all of it: files that could not be read, subruns that are missing.
    pub notices: Vec<String>,
}

/// A figure, apart from what it shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FigureInfo {
    /// Its permanent name within the sheet.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What must be known to read it.
    pub notes: Vec<String>,
}

/// The provenance of a run in words; the graph shows the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenanceView {
    /// The night.
    pub date: NightDate,
    /// The run.
    pub run: RunId,
    /// One line about all of it.
    pub subtitle: String,
    /// Activities and entities, from raw data to products.
    pub nodes: Vec<ProvenanceNode>,
    /// Lines of the log that are torn or no records.
    pub bad_lines: u64,
}

/// An activity, or an entity (or several that play the same part).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenanceNode {
    /// Whether it is an activity.
    pub activity: bool,
    /// Its name.
    pub label: String,
    /// A word more; may be empty.
    pub detail: String,
    /// Everything that is known, line by line.
    pub description: Vec<String>,
    /// What it was made by, or what it used.
    pub from: Vec<String>,
    /// What it made, or what used it.
    pub to: Vec<String>,
}
