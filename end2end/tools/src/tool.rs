//! Which executables there are.

/// A tool, whatever the name it is called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Drs4Baseline,
    ChargeCalibration,
    R0ToDl1,
    Dl1ab,
    CheckDl1,
    Dl1ToDl2,
    CreateRunSummary,
    MergeHdf5,
    MergeMuons,
    Longterm,
    Transparency,
}

/// Every executable with its tool and the tool's short name, which rules use.
pub const EXECUTABLES: [(&str, Tool, &str); 13] = [
    ("lstcam_calib_onsite_create_drs4_pedestal_file", Tool::Drs4Baseline, "drs4_baseline"),
    ("onsite_create_drs4_pedestal_file", Tool::Drs4Baseline, "drs4_baseline"),
    ("lstcam_calib_onsite_create_calibration_file", Tool::ChargeCalibration, "charge_calibration"),
    ("onsite_create_calibration_file", Tool::ChargeCalibration, "charge_calibration"),
    ("lstchain_data_r0_to_dl1", Tool::R0ToDl1, "r0_to_dl1"),
    ("lstchain_dl1ab", Tool::Dl1ab, "dl1ab"),
    ("lstchain_check_dl1", Tool::CheckDl1, "check_dl1"),
    ("lstchain_dl1_to_dl2", Tool::Dl1ToDl2, "dl1_to_dl2"),
    ("lstchain_create_run_summary", Tool::CreateRunSummary, "create_run_summary"),
    ("lstchain_merge_hdf5_files", Tool::MergeHdf5, "merge_hdf5"),
    ("lstchain_merge_muon_files", Tool::MergeMuons, "merge_muons"),
    ("lstchain_longterm_dl1_check", Tool::Longterm, "longterm"),
    ("lstchain_cherenkov_transparency", Tool::Transparency, "transparency"),
];

impl Tool {
    /// The tool that answers to an executable's name, and that name.
    pub fn of(executable: &str) -> Option<(Self, &'static str)> {
        let known = EXECUTABLES.iter().find(|(name, ..)| *name == executable);
        known.map(|(name, tool, _)| (*tool, *name))
    }

    /// Whether a word of a rule means this tool: `*`, its short name, or an executable's name.
    pub fn is_called(self, word: &str) -> bool {
        word == "*"
            || EXECUTABLES
                .iter()
                .any(|(name, tool, short)| *tool == self && (*name == word || *short == word))
    }

    /// The short name.
    pub fn short(self) -> &'static str {
        EXECUTABLES.iter().find(|(_, tool, _)| *tool == self).map_or("", |(.., short)| short)
    }
}

/// Whether a word names any tool.
pub fn is_known(word: &str) -> bool {
    word == "*" || EXECUTABLES.iter().any(|(name, _, short)| *name == word || *short == word)
}
