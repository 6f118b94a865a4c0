//! What was observed, and what is to be done with it.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{RunId, Subrun};

/// Type of a run as the run summary has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(from = "String", into = "String")]
pub enum RunType {
    /// Pedestal of the DRS4 readout chips.
    Drs4,
    /// Pedestal and flat-field, from which the charge calibration comes.
    PedCalib,
    /// Observation.
    Data,
    /// Anything else (`ERRPEDCALIB`, `EDATA`, `UNKN`), which nobody processes.
    Other(String),
}

impl RunType {
    /// The word in the run summary.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Drs4 => "DRS4",
            Self::PedCalib => "PEDCALIB",
            Self::Data => "DATA",
            Self::Other(word) => word,
        }
    }
}

impl fmt::Display for RunType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for RunType {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "DRS4" => Self::Drs4,
            "PEDCALIB" => Self::PedCalib,
            "DATA" => Self::Data,
            other => Self::Other(other.to_owned()),
        })
    }
}

impl From<String> for RunType {
    fn from(text: String) -> Self {
        let Ok(run_type) = text.parse();
        run_type
    }
}

impl From<RunType> for String {
    fn from(run_type: RunType) -> Self {
        run_type.as_str().to_owned()
    }
}

/// The two runs that calibrate a night, possibly of an earlier night.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct CalibrationRuns {
    /// The `DRS4` run.
    pub drs4: RunId,
    /// The `PEDCALIB` run, which is also the run of the night's sequence 1.
    pub pedcal: RunId,
}

/// Kind of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub enum Kind {
    /// The night's calibration: one job.
    #[serde(rename = "PEDCALIB")]
    Calibration,
    /// The reduction of one run: an array of one task a subrun.
    #[serde(rename = "DATA")]
    Data,
}

impl Kind {
    /// The word in the sequence table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Calibration => "PEDCALIB",
            Self::Data => "DATA",
        }
    }

    /// The stages of this kind in their order; `dl2` tells whether DL2 is made.
    pub fn stages(self, dl2: bool) -> &'static [Stage] {
        const DATA: [Stage; 4] = [Stage::R0ToDl1, Stage::Dl1ab, Stage::CheckDl1, Stage::Dl1ToDl2];
        const CALIBRATION: [Stage; 2] = [Stage::Drs4Baseline, Stage::ChargeCalibration];
        match (self, dl2) {
            (Self::Calibration, _) => &CALIBRATION,
            (Self::Data, true) => &DATA,
            (Self::Data, false) => &DATA[..3],
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What is done with one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct Sequence {
    /// Number in the night, from 1.
    pub number: u32,
    /// The sequence whose products this one needs; `None` for the calibration.
    pub parent: Option<u32>,
    /// The run.
    pub run: RunId,
    /// Calibration or reduction.
    pub kind: Kind,
    /// How many subruns the run summary says there are.
    pub subruns: u32,
    /// What was observed; `None` if nobody wrote it down.
    pub source: Option<String>,
}

impl Sequence {
    /// Name of the sequence's job with the scheduler, `LST1_19102`.
    pub fn job_name(&self) -> String {
        format!("LST1_{}", self.run)
    }

    /// The subruns, in order.
    pub fn subrun_ids(&self) -> impl Iterator<Item = Subrun> + use<> {
        (0..self.subruns).map(Subrun)
    }
}

/// A step of a job, named as in the configuration's section `lstchain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// DRS4 baseline from the `DRS4` run.
    Drs4Baseline,
    /// Charge calibration from the `PEDCALIB` run.
    ChargeCalibration,
    /// Raw data to calibrated images and first parameters (DL1a).
    R0ToDl1,
    /// Image cleaning and parameters (DL1b, DL1AB).
    Dl1ab,
    /// Data quality of the DL1 file (datacheck).
    CheckDl1,
    /// Reconstructed energy, direction and gammaness (DL2).
    Dl1ToDl2,
}

impl Stage {
    /// Key of the stage's executable in the configuration's section `lstchain`.
    pub fn config_key(self) -> &'static str {
        match self {
            Self::Drs4Baseline => "drs4_baseline",
            Self::ChargeCalibration => "charge_calibration",
            Self::R0ToDl1 => "r0_to_dl1",
            Self::Dl1ab => "dl1ab",
            Self::CheckDl1 => "check_dl1",
            Self::Dl1ToDl2 => "dl1_to_dl2",
        }
    }

    /// A short name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Drs4Baseline => "DRS4 baseline",
            Self::ChargeCalibration => "Charge calibration",
            Self::R0ToDl1 => "DL1a",
            Self::Dl1ab => "DL1b",
            Self::CheckDl1 => "Datacheck",
            Self::Dl1ToDl2 => "DL2",
        }
    }
}

/// A kind of product of which every subrun has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub enum Level {
    /// Calibrated images and first parameters.
    Dl1,
    /// Muon rings.
    Muons,
    /// Interleaved calibration events; they have no column in the table.
    Interleaved,
    /// Parameters after image cleaning.
    Dl1ab,
    /// Data quality.
    Datacheck,
    /// Reconstructed events.
    Dl2,
}

impl Level {
    /// All levels, in the order of the sequence table.
    pub const ALL: [Self; 6] =
        [Self::Dl1, Self::Muons, Self::Interleaved, Self::Dl1ab, Self::Datacheck, Self::Dl2];
}
