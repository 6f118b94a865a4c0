//! Provenance: captured while stages run, folded by run, and written as W3C PROV.
//!
//! `prov.log` (one record a line) is the truth; [`scan`] reads it, [`record`] knows its records,
//! [`capture`] writes them. [`fold`] makes one activity of a stage's subruns, [`extract`] a
//! [`document`] of that, which [`json`] and its neighbours write and read.

pub mod capture;
pub mod digest;
pub mod document;
mod error;
mod extract;
mod fold;
pub mod graph;
pub mod index;
pub mod json;
mod json_text;
pub mod jsonld;
pub mod literal;
pub mod products;
pub mod provn;
mod rdf;
pub mod record;
pub mod scan;
pub mod turtle;

pub use error::ProvenanceError;
pub use extract::document as document_of;
pub use fold::{Fold, Request, read_log};

#[cfg(test)]
mod python;
#[cfg(test)]
mod roundtrip;
