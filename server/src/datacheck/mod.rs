//! The night's data quality, from the datacheck files that lstchain writes (0.10 to 0.12).
//!
//! Everything here blocks: on asynchronous threads, call it through `spawn_blocking`.

// Counts, pixel numbers and places on a drawing are small whole numbers, and casts between them and
// floating-point numbers are what figures are made of; out of range they saturate.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss
)]

mod cache;
mod criteria;
pub mod draw;
mod error;
pub mod figure;
mod fits;
pub mod geometry;
mod inspect;
mod judge;
mod muons;
mod night;
mod place;
mod quantity;
mod rows;
mod run;
mod summary;
#[allow(unsafe_code, reason = "compound tables with array columns need the library's own calls")]
pub mod table;
mod thresholds;
pub(crate) mod zero;

pub use crate::model::Verdict;
pub use cache::{Cache, Weigh};
pub use criteria::{Criteria, Current};
pub use error::DatacheckError;
pub use inspect::{ColumnInspection, FileKind, Inspection, Numbers, TableInspection, inspect};
pub use judge::{Finding, PixelFinding, RunJudgement, conditions, judge};
pub use muons::{MuonRing, read_muons};
pub use night::{Frame, NightData, PixelFrame};
pub use place::{Places, RunFiles};
pub use quantity::Quantity;
pub use rows::{Binning, Bins, EventType, Extent, HistColumn, PixelColumn, SubrunFacts};
pub use run::{EventTable, HISTORY, LeftOut, RunData, SubrunRow, mean, run_number, subrun_number};
pub use summary::{Pace, summarise};
pub use thresholds::{Allowed, Conditions, Level, Rule, Thresholds};
