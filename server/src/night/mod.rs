//! What was observed: run summary, sources, calibration runs, sequences, and the one description
//! of the directory tree.

pub mod paths;
