//! What a job does: stages, retries, history.

mod chain;
mod error;
pub mod history;

pub use chain::{Step, chain, done};
pub use error::ProcessError;
