//! Where a night stands: one scan of the tree, histories and jobs.

#[cfg(test)]
mod fixture;
pub mod jobs;
mod scan;
mod subruns;
mod table;

pub use scan::{RunFiles, Scan};
pub use subruns::SubrunSet;
pub use table::{banner, table};
