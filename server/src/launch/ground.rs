//! What a plan must know of the disk beside the night's status.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::hint::Hint;
use crate::model::{Kind, RunId};
use crate::night::{CalibrationFiles, NightPaths, Observation, calibration_files};
use crate::status::{Histories, Sight, SubrunSet, is_calibrated};

/// The night's flags.
#[derive(Clone, Debug)]
pub(super) struct Flags {
    /// Missing flag of the gain selection, if it is missing.
    pub(super) gain_selection: Option<PathBuf>,
    /// Flag of the closed night, if it is there.
    pub(super) closed: Option<PathBuf>,
}

impl Flags {
    /// Looks for them. Blocks.
    pub(super) fn of(paths: &NightPaths) -> Self {
        let gain_selection = Some(paths.gain_selection_finished()).filter(|flag| !flag.exists());
        let closed = Some(paths.night_finished()).filter(|flag| flag.exists());
        Self { gain_selection, closed }
    }
}

/// What was found on the disk.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    /// The night's flags.
    pub(super) flags: Flags,
    /// The files that calibrate the night, or why there are none.
    pub(super) calibration: Result<CalibrationFiles, String>,
    /// Whether the calibration's own products are there.
    pub(super) calibrated: bool,
    /// Subruns with a veto of their own.
    pub(super) vetoed: BTreeMap<RunId, SubrunSet>,
    /// Runs of which a history cannot be read, and why not. What is done of them is not known.
    pub(super) unreadable: BTreeMap<RunId, String>,
    /// Runs with files of interleaved pedestals.
    pub(super) pedestal_ids: BTreeSet<RunId>,
}

/// Inspects the disk; `seen` is the assessment of the night's files. Blocks.
pub(super) fn inspect(paths: &NightPaths, observation: &Observation, seen: &Sight) -> Disk {
    let runs = observation.sequences.iter().filter(|s| s.kind == Kind::Data).map(|s| s.run);
    let calibration = match observation.calibration {
        None => Err("the night has no calibration runs within reach".to_owned()),
        Some(runs) => calibration_files(paths, runs).map_err(|error| match error.hint() {
            Some(hint) => format!("{error}; {hint}"),
            None => error.to_string(),
        }),
    };
    Disk {
        flags: Flags::of(paths),
        calibration,
        calibrated: is_calibrated(paths, observation),
        vetoed: runs.map(|run| (run, seen.scan.run(run).vetoed_subruns.clone())).collect(),
        unreadable: unreadable(paths, &seen.histories),
        pedestal_ids: with_pedestal_ids(paths),
    }
}

/// One history of each run of which some cannot be read, and what to do.
fn unreadable(paths: &NightPaths, histories: &Histories) -> BTreeMap<RunId, String> {
    let why = |run, subrun, cause: &String| {
        let file = paths.history(run, subrun);
        format!(
            "what is done of it is not known, since {} cannot be read: {cause}; \
             make it readable, or move it away",
            file.display()
        )
    };
    histories
        .unreadable
        .iter()
        .map(|((run, subrun), cause)| (*run, why(*run, *subrun, cause)))
        .collect()
}

/// The runs for which the directory of interleaved pedestals has a file of any subrun.
fn with_pedestal_ids(paths: &NightPaths) -> BTreeSet<RunId> {
    let Ok(entries) = std::fs::read_dir(paths.pedestal_ids_dir()) else { return BTreeSet::new() };
    let run = |name: std::ffi::OsString| -> Option<RunId> {
        let rest = name.to_str()?.strip_prefix("pedestal_ids_Run")?.strip_suffix(".h5")?.to_owned();
        rest.parse::<crate::model::SubrunId>().ok().map(|id| id.run)
    };
    entries.flatten().filter_map(|entry| run(entry.file_name())).collect()
}
