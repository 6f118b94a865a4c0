//! Where a night stands: one scan of the tree, histories and jobs.
//!
//! The files say what is there, the histories what was tried, the scheduler what is going on. All
//! functions block on the disk and belong on a thread that may; none asks the clock.

pub mod blockers;
#[cfg(test)]
pub(crate) mod fixture;
mod histories;
pub mod jobs;
mod night;
mod nights;
mod notices;
mod progress;
mod run;
mod scan;
mod subruns;
mod table;
#[cfg(test)]
mod tests;
mod verdict;

pub use blockers::{Diagnosis, KnownErrorsError, blockers, observation_ends, with_blockers};
pub use histories::{Digest, Histories, StatusCache};
pub use jobs::Jobs;
pub(crate) use night::scripted_without_dl2;
pub use night::{Depth, NightInput, Sight, assess, is_calibrated, night_status, unobserved};
pub use nights::{NightsCache, list_nights, summary};
pub use run::run_detail;
pub use scan::{RunFiles, Scan};
pub use subruns::SubrunSet;
pub use table::{banner, table};
