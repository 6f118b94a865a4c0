//! The night's data quality, from the datacheck files that lstchain writes (0.10 to 0.12).
//!
//! Everything here blocks: on asynchronous threads, call it through `spawn_blocking`.

mod error;
mod fits;
mod inspect;
mod muons;
#[allow(unsafe_code, reason = "compound tables with array columns need the library's own calls")]
pub mod table;

pub use error::DatacheckError;
pub use inspect::{ColumnInspection, FileKind, Inspection, Numbers, TableInspection, inspect};
pub use muons::{MuonRing, read_muons};
