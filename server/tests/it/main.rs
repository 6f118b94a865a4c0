//! Integration tests through the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that panics has failed

mod actions;
mod closing;
mod config;
mod connections;
mod database;
mod datacheck;
mod endless_files;
mod guarantees;
mod health;
mod hung_disk;
mod injection;
mod night;
mod people;
mod provenance;
mod publish;
mod scheduler;
mod sequencer;
mod serve;
mod stages;
mod submission;
mod support;
