//! Schedulers: the same scenarios for every engine, then each engine's own promises.

pub mod fake_slurm;
#[allow(dead_code)] // not every engine needs every helper
mod lab;
#[allow(dead_code)]
mod scenarios;
