//! Reading of whole answers, for whoever tests it.

use crate::model::TaskRecord;

use super::call::Line;
use super::parsed::Parsed;
use super::sacct::{self, Dialect};
use super::{partitions, squeue};
use crate::schedule::PartitionLimits;

/// What an answer of sacct says, and how many of its records could not be read.
pub fn sacct(text: &str) -> (Vec<TaskRecord>, usize) {
    let mut reader = sacct::Reader::new(Dialect::WithSubmitLine);
    lines(text, |line| reader.line(line));
    counted(reader.end())
}

/// What an answer of squeue says, and how many of its records could not be read.
pub fn squeue(text: &str) -> (Vec<TaskRecord>, usize) {
    let mut reader = squeue::Reader::default();
    lines(text, |line| reader.line(line));
    counted(reader.end())
}

/// What the answers of sinfo and scontrol say of the partitions.
pub fn partitions(sinfo: &str, scontrol: &str) -> Vec<PartitionLimits> {
    partitions::read(sinfo, scontrol)
}

fn lines(text: &str, mut each: impl FnMut(Line<'_>)) {
    for line in text.split_inclusive('\n') {
        let whole = line.ends_with('\n');
        each(Line { text: line.strip_suffix('\n').unwrap_or(line), whole });
    }
}

fn counted(parsed: Parsed) -> (Vec<TaskRecord>, usize) {
    (parsed.tasks, parsed.doubts.len())
}
