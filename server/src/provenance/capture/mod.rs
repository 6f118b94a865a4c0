//! Writes `prov.log`: what a stage used and made, once it has ended well.
//!
//! All records of an activity are made in memory and reach the file in one write at its end, under
//! a lock: thousands of tasks of a night share the file. A writer that is killed meanwhile leaves
//! at most one torn line, and the next one begins a line of its own. The file system need not know
//! locks: a local one keeps writes at the end of a file apart by itself; only on a shared one that
//! knows no locks either can two writes at the same moment spoil each other, and then the reader
//! says so.
//!
//! The records are those of the original, which its own `provprocess` can read. Besides, an entity
//! has `content_hash` (SHA-256 of what the file held) where that was worth its time, and
//! `actual_path` where the file is in another place than the original says.

mod append;
mod files;
mod session;

use std::path::Path;

use chrono::{DateTime, Utc};

use crate::night::NightPaths;

use super::digest::{md5_hex, sha256_of_file};
use super::error::ProvenanceError;
use super::literal::{Dict, Literal};
use super::record::Tag;

pub use files::{CalibrationRun, DataInputs, FileRecord, Files};
pub use session::Surroundings;

/// Files up to this many bytes are hashed, unless the caller says otherwise: settings, calibration
/// and most products, but no raw data.
pub const HASHED_UP_TO: u64 = 64 << 20;

/// A stage that has ended well.
#[derive(Clone, Debug)]
pub struct ActivityRun<'a> {
    /// What was done, and for which run.
    pub tag: Tag,
    /// The night.
    pub paths: &'a NightPaths,
    /// What it used and made.
    pub files: Files,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub ended: DateTime<Utc>,
    /// The program and its machine.
    pub surroundings: &'a Surroundings,
    /// Files larger than this many bytes are not read for a hash of their content.
    pub hashed_up_to: u64,
}

/// Appends the records of a stage to `log`. Blocks: reads files to hash them, and waits for other
/// writers.
///
/// # Errors
/// The log cannot be written. A file that cannot be read for its hash is no error: its record then
/// has none.
pub fn activity(log: &Path, run: &ActivityRun<'_>) -> Result<(), ProvenanceError> {
    let id = uuid::Uuid::new_v4().simple().to_string();
    let text = lines(run, &id[..12]);
    append::append(log, text.as_bytes())
        .map_err(|cause| ProvenanceError::Write { file: log.to_owned(), cause })
}

/// The records of a stage under that id, one a line.
fn lines(run: &ActivityRun<'_>, id: &str) -> String {
    let tag = run.tag.to_string();
    let stamp = format_time(run.ended);
    records(run, id).into_iter().fold(String::new(), |text, record| {
        let record = record.with("session_tag", tag.as_str());
        text + &format!("INFO provLogger __PROV__{stamp}__PROV__{record}\n")
    })
}

fn records(run: &ActivityRun<'_>, id: &str) -> Vec<Dict> {
    let own = || Dict::default().with("activity_id", id);
    let session = session::record(run);
    let start = own()
        .with("name", run.tag.activity.name())
        .with("startTime", format_time(run.started))
        .with("in_session", session.text("session_id").unwrap_or_default())
        .with("agent_name", run.surroundings.user.as_str())
        .with("script", run.surroundings.script.as_str());
    let mut records = vec![session, start];
    if !run.files.parameters.is_empty() {
        let parameters = run.files.parameters.iter();
        let parameters =
            parameters.fold(Dict::default(), |all, (key, value)| all.with(key, value.clone()));
        records.push(own().with("parameters", parameters));
    }
    for (files, relation) in [(&run.files.used, "used"), (&run.files.generated, "generated")] {
        for file in files {
            let entity = entity(file, run.hashed_up_to);
            let of = entity.text("entity_id").unwrap_or_default().to_owned();
            records.push(entity);
            let (id_key, role_key) = (format!("{relation}_id"), format!("{relation}_role"));
            records.push(own().with(&id_key, of).with(&role_key, file.role));
        }
    }
    records.push(own().with("endTime", format_time(run.ended)));
    records
}

/// The record of a file. Its id, and what the original calls its hash, is the hash of its path.
fn entity(file: &FileRecord, hashed_up_to: u64) -> Dict {
    let path = file.path.to_string_lossy();
    let id = md5_hex(path.as_bytes());
    let mut record = Dict::default()
        .with("entity_id", id.as_str())
        .with("name", file.name)
        .with("filepath", path.as_ref())
        .with("hash", id)
        .with("hash_type", "md5")
        .with("type", "File")
        .with("contentType", file.content_type);
    if let Some(actual) = file.actual.as_ref().filter(|actual| **actual != file.path) {
        record.set("actual_path", actual.to_string_lossy().into_owned());
    }
    if let Ok(Some(hash)) = sha256_of_file(file.at_hand(), hashed_up_to) {
        record.set("content_hash", hash);
        record.set("content_hash_type", "sha256");
    }
    record
}

/// As Python prints a time: UTC, microseconds, no zone.
fn format_time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}

/// A parameter of a stage, for [`Files::parameters`].
pub type Parameter = (&'static str, Literal);
