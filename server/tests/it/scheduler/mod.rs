//! Schedulers: the same scenarios for every engine, then each engine's own promises.

mod answers;
mod fake_slurm;
mod lab;
mod local;
mod real_slurm;
mod scenarios;
mod which;
