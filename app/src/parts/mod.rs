//! Pieces that pages are made of. All are drawn on the server.

pub mod activity;
pub mod banner;
pub mod blockers;
pub mod facts;
pub mod figures;
pub mod format;
pub mod history;
pub mod jobs;
pub mod links;
pub mod log;
pub mod map;
pub mod notes;
pub mod notices;
pub mod quality;
pub mod scheduler;
pub mod sequences;
pub mod state;
pub mod subruns;
pub mod table;
