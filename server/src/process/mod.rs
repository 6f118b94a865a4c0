//! What a job does: stages, retries, history.
//!
//! A command makes the [`Work`]s of a sequence ([`data_works`], [`calibration_works`]): plain data,
//! one a stage, with the exact command line. A [`Runner`] runs those that are still to be run.
//! What it promises, whatever ends it (a failing tool, a full disk, SIGTERM, kill -9):
//!
//! - each try has its line in the history, except one whose runner was killed outright;
//! - a stage begins without what earlier tries of it have left, and a try that fails leaves nothing;
//! - no half-written product ever counts: a stage is done if the history says so *and* its product
//!   is there;
//! - a stage that ended well has its records in `prov.log` before the history says so;
//! - at most one process works on a sequence, where the file system knows locks.

mod begun;
mod calibration;
mod chain;
mod child;
mod data;
mod error;
pub mod history;
mod inputs;
mod owner;
mod runner;
mod simulate;
mod trace;
mod veto;
mod work;

pub use calibration::{CalibrationFile, CalibrationNights, calibration_works};
pub use chain::{Step, chain, done};
pub use child::{Children, Stopper};
pub use data::{Inputs, data_works};
pub use error::ProcessError;
pub use inputs::Given;
pub use runner::{NO_PRODUCT, NOT_FOUND, NOT_STARTED, Runner, Sequence};
pub use simulate::Simulation;
pub use trace::Trace;
pub use veto::is_automatic as is_automatic_veto;
pub use work::{Need, Outputs, Product, Work, Written};
