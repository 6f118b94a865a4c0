//! What pages show of a run's data quality and of its provenance.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{DatacheckNote, FigureChoice, NightDate, OtherRun, RunId, RunQuality, Verdict};

/// A sheet of datacheck figures, of a run or of a night.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
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
    /// How addresses of its figures end, such as `?scale=log`; empty if they are shown as usual.
    pub query: String,
    /// How values are shown.
    pub choice: FigureChoice,
    /// The run that is compared with.
    pub with: Option<OtherRun>,
    /// Of a night: its runs.
    pub runs: Vec<RunId>,
    /// Of a night: the run whose pixels are shown, if they are.
    pub shown_run: Option<RunId>,
    /// What is thought of the run, or of each of the night's; empty where that is not known, or not yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quality: Vec<(RunId, RunQuality)>,
    /// What people noted about the run, or about the night and all its runs; withdrawn ones are not reported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<DatacheckNote>,
    /// The worst of what each sheet shows, by its permanent name, if it is not ok.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub marks: BTreeMap<String, Verdict>,
}

/// A sheet of datacheck figures of many nights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct DatacheckRange {
    /// The first night.
    pub from: NightDate,
    /// The last night.
    pub to: NightDate,
    /// The only source that is shown.
    pub source: Option<String>,
    /// The first and the last run that are shown.
    pub selected: Option<(RunId, RunId)>,
    /// All sources of these nights.
    pub sources: Vec<String>,
    /// Number of nights that have a datacheck.
    pub nights: usize,
    /// The runs that are shown.
    pub runs: Vec<RangeRun>,
    /// Every sheet there is: its permanent name and its title.
    pub sheets: Vec<(String, String)>,
    /// Permanent name of this one.
    pub key: String,
    /// Its title.
    pub title: String,
    /// Its figures.
    pub figures: Vec<FigureInfo>,
    /// What must be known of all of it.
    pub notices: Vec<String>,
    /// How addresses of its figures end.
    pub query: String,
    /// How values are shown.
    pub choice: FigureChoice,
}

/// A run among those of many nights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct RangeRun {
    /// Its night.
    pub date: NightDate,
    /// The run.
    pub run: RunId,
    /// What it observed.
    pub source: String,
}

/// A figure, apart from what it shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct FigureInfo {
    /// Its permanent name within the sheet.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What must be known to read it.
    pub notes: Vec<String>,
    /// Whether it is a map whose pixels tell their values and lead to their history.
    pub pixels: bool,
    /// What is thought of what it shows; `None` if nothing of it is judged, or not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Why it is not ok, one reason for each quantity and run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

/// What somebody looks at in a run's provenance: part of the page's address.
///
/// Nodes are named by their keys, see [`ProvenanceNode::key`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct ProvenanceAsked {
    /// The node whose details are shown.
    pub at: Option<String>,
    /// Only what this node was made from is shown.
    pub back: Option<String>,
    /// Only what was made from this node is shown.
    pub forward: Option<String>,
    /// The collection that is unfolded.
    pub unfold: Option<String>,
    /// Which page of its members, from 1.
    pub page: Option<usize>,
    /// Nodes that have this in their names or descriptions are marked.
    pub search: Option<String>,
}

impl ProvenanceAsked {
    /// Names and values for an address, those that are set.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let page = self.page.filter(|page| *page > 1).map(|page| page.to_string());
        let all = [
            ("at", self.at.clone()),
            ("back", self.back.clone()),
            ("forward", self.forward.clone()),
            ("unfold", self.unfold.clone()),
            ("page", page),
            ("q", self.search.clone()),
        ];
        let set = all.into_iter().filter_map(|(name, value)| Some((name, value?)));
        set.filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The same with another node chosen.
    #[must_use]
    pub fn choosing(&self, key: &str) -> Self {
        Self { at: Some(key.to_owned()), ..self.clone() }
    }
}

/// The provenance of a run: drawn, and in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct ProvenanceView {
    /// The night.
    pub date: NightDate,
    /// The run.
    pub run: RunId,
    /// What of it was asked for.
    pub asked: ProvenanceAsked,
    /// One line about all of it.
    pub subtitle: String,
    /// Activities and entities, from raw data to products.
    pub nodes: Vec<ProvenanceNode>,
    /// The graph of the same as SVG, whose nodes are links that choose them.
    pub drawing: String,
    /// The unfolded collection.
    pub members: Option<ProvenanceMembers>,
    /// Lines of the log that are torn or no records.
    pub bad_lines: u64,
}

/// An activity, or an entity (or several that play the same part).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct ProvenanceNode {
    /// Names it in addresses: its PROV identifier; with `~2` behind where an entity that was
    /// changed in place is drawn again.
    pub key: String,
    /// Whether it is an activity.
    pub activity: bool,
    /// Its name.
    pub label: String,
    /// A word more; may be empty.
    pub detail: String,
    /// Everything that is known, line by line.
    pub description: Vec<String>,
    /// Indices of what it was made by, or what it used.
    pub from: Vec<usize>,
    /// Indices of what it made, or what used it.
    pub to: Vec<usize>,
    /// Whether it is what was searched for.
    pub found: bool,
    /// How many files are in it; none if it is no collection.
    pub members: usize,
}

/// One page of the files in a collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct ProvenanceMembers {
    /// Key of the collection.
    pub of: String,
    /// This page, from 1.
    pub page: usize,
    /// How many pages there are.
    pub pages: usize,
    /// How many files there are on all pages.
    pub total: usize,
    /// Paths of the files on this page.
    pub files: Vec<String>,
}
