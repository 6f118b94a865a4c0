//! The on-site analysis of LST-1 as a library of rooms. From the ground up; a room calls rooms
//! below it or beside it through what they make public, never upwards.

pub mod actions;
pub mod close;
pub mod commands;
pub mod config;
pub mod datacheck;
pub mod demo;
pub mod hint;
pub mod input_file;
pub mod internal;
pub mod launch;
pub mod night;
pub mod people;
pub mod process;
pub mod provenance;
pub mod publish;
pub mod remedies;
pub mod schedule;
pub mod status;
pub mod store;
#[cfg(test)]
mod testing;
pub mod web;

pub use app::model;
