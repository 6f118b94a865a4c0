//! What `provprocess` leaves of a run in the `log/` directories of DL1 and DL2.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::model::{Level, RunId};
use crate::night::NightPaths;

use super::digest::sha256_of_file;
use super::document::Document;
use super::error::ProvenanceError;
use super::extract;
use super::fold::Fold;
use super::graph::{Graph, layout, pdf, svg};
use super::json;
use super::literal::Dict;
use super::record::Activity;

/// Used files larger than this are not read again for a hash of their content.
const HASHED_UP_TO: u64 = 256 << 20;

/// Limits the provenance to a part of the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Filter {
    /// Calibration only.
    Calibration,
    /// Raw data to DL1b and its datacheck.
    R0ToDl1,
    /// DL1b to DL2.
    Dl1ToDl2,
}

impl Filter {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Calibration, Self::R0ToDl1, Self::Dl1ToDl2];

    /// Its name on the command line and in file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Calibration => "calibration",
            Self::R0ToDl1 => "r0_to_dl1",
            Self::Dl1ToDl2 => "dl1_to_dl2",
        }
    }
}

/// One set of files: `NAME_RRRRR_prov.{log,json,pdf,svg}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// Beginning of the file names.
    pub name: &'static str,
    /// The level whose `log/` directory it goes to.
    pub level: Level,
    /// What it covers.
    pub activities: &'static [Activity],
}

/// The sets of files to make. Without DL2 there may be none.
pub fn products(filter: Option<Filter>, dl2: bool) -> Vec<Product> {
    use Activity::{CalibrateCharge, Dl1Datacheck, Dl1ab, Drs4Pedestal, R0ToDl1};
    let dl1 = |name, activities| Product { name, level: Level::Dl1ab, activities };
    let to_dl2 = |name, activities| Product { name, level: Level::Dl2, activities };
    let all = match filter {
        None => vec![
            dl1(
                "calibration_to_dl1",
                &[Drs4Pedestal, CalibrateCharge, R0ToDl1, Dl1ab, Dl1Datacheck],
            ),
            to_dl2("calibration_to_dl2", &Activity::ALL),
        ],
        // The original makes nothing here; the name follows the others.
        Some(Filter::Calibration) => vec![dl1("calibration", &[Drs4Pedestal, CalibrateCharge])],
        Some(Filter::R0ToDl1) => vec![dl1("r0_to_dl1", &[R0ToDl1, Dl1ab, Dl1Datacheck])],
        Some(Filter::Dl1ToDl2) => vec![to_dl2("dl1_to_dl2", &[Activity::Dl1ToDl2])],
    };
    all.into_iter().filter(|product| dl2 || product.level != Level::Dl2).collect()
}

impl Product {
    /// The records of a run, folded.
    pub fn records(&self, fold: &Fold) -> Vec<Dict> {
        fold.records(self.activities)
    }

    /// Its files of a run: `.log`, `.json`, `.pdf` and `.svg`.
    pub fn files(&self, paths: &NightPaths, run: RunId) -> [PathBuf; 4] {
        let directory = directory(paths, self.level);
        EXTENSIONS.map(|extension| self.file(&directory, run, extension))
    }

    /// One of its files.
    fn file(&self, directory: &Path, run: RunId, extension: &str) -> PathBuf {
        directory.join(format!("{}_{run}_prov.{extension}", self.name))
    }
}

/// Something that was done, or could not be, as reported to the user.
#[derive(Debug)]
pub enum Note {
    /// A used file was copied to this place.
    Copied(PathBuf),
    /// A file was made.
    Made(PathBuf),
    /// A used file is not at hand.
    Missing(PathBuf, io::Error),
}

/// Copies the used files and writes all files of `products`.
///
/// A used file that is not at hand is only noted. Files of products are replaced as a whole or not
/// at all; used files that are there already are left as they are. Blocks.
pub fn write(
    paths: &NightPaths,
    products: &[Product],
    fold: &Fold,
    mut note: impl FnMut(Note),
) -> Result<(), ProvenanceError> {
    let mut ready = Vec::new();
    for product in products {
        let directory = directory(paths, product.level);
        let create = fs::create_dir_all(&directory);
        create.map_err(|cause| ProvenanceError::Write { file: directory.clone(), cause })?;
        let mut records = product.records(fold);
        copy_used(&records, product.level, &directory, &mut note)?;
        add_content_hashes(&mut records);
        ready.push((product, directory, records));
    }
    for (product, directory, records) in ready {
        let run = fold.request().run;
        let document = extract::document(&records);
        let title = format!("Provenance of run {run}: {}", product.name.replace('_', " "));
        for (extension, content) in files(&records, &document, &title) {
            let file = product.file(&directory, run, extension);
            replace(&file, &content)?;
            note(Note::Made(file));
        }
    }
    Ok(())
}

/// Where the files of a level go.
fn directory(paths: &NightPaths, level: Level) -> PathBuf {
    paths.final_log_dir(level).unwrap_or_else(|| paths.log_dir())
}

/// Extensions of the files, in the order in which the original makes them.
const EXTENSIONS: [&str; 4] = ["log", "json", "pdf", "svg"];

/// The files of a product by extension, in the order in which the original makes them.
fn files(
    records: &[Dict],
    document: &Document,
    title: &str,
) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let log = records.iter().fold(String::new(), |log, record| log + &record.to_string() + "\n");
    let drawing = layout(&Graph::of(document, title));
    EXTENSIONS.into_iter().zip([
        log.into_bytes(),
        json::write(document).into_bytes(),
        pdf::write(&drawing),
        svg::write(&drawing).into_bytes(),
    ])
}

/// Whether a file of that entity's name goes with the provenance: settings and calibration do;
/// raw data, subruns, models and what is merged from subruns do not.
fn goes_along(name: &str) -> bool {
    !name.contains("Subrun")
        && !name.starts_with("RFModel")
        && !name.starts_with("DL1Check")
        && !name.contains("Merged")
        && name != "RawObservationFile"
}

/// Paths of the files that go along with the records, without doubles.
fn used_files(records: &[Dict], level: Level) -> Vec<PathBuf> {
    let of_level = |record: &Dict| {
        let dl2 = record.text("session_tag").is_some_and(|tag| tag.starts_with("dl1_to_dl2:"));
        dl2 == (level == Level::Dl2)
    };
    let paths = records.iter().filter_map(|record| {
        if record.get("session_id").is_some() {
            return record.text("config_file");
        }
        let is_file = record.text("type") == Some("File");
        let name = record.text("name").filter(|name| is_file && goes_along(name));
        name.filter(|_| of_level(record)).and(record.text("filepath"))
    });
    let mut files: Vec<PathBuf> = Vec::new();
    for path in paths.map(PathBuf::from) {
        if !files.contains(&path) {
            files.push(path);
        }
    }
    files
}

fn copy_used(
    records: &[Dict],
    level: Level,
    directory: &Path,
    note: &mut impl FnMut(Note),
) -> Result<(), ProvenanceError> {
    for file in used_files(records, level) {
        let Some(name) = file.file_name() else { continue };
        let copy = directory.join(name);
        if copy.exists() {
            continue;
        }
        match crate::input_file::open(&file) {
            Err(cause) => note(Note::Missing(file, cause)),
            Ok(mut source) => {
                replace_with(&copy, |target| io::copy(&mut source, target).map(|_| ()))
                    .map_err(|cause| ProvenanceError::Write { file: copy.clone(), cause })?;
                note(Note::Copied(copy));
            }
        }
    }
    Ok(())
}

/// Adds the hash of what a file holds to the records of files that go along, are at hand, and
/// were not hashed when they were used.
fn add_content_hashes(records: &mut [Dict]) {
    for record in records {
        let wanted = record.text("type") == Some("File")
            && record.get("content_hash").is_none()
            && record.text("name").is_some_and(goes_along);
        let path = record.text("filepath").filter(|_| wanted).map(PathBuf::from);
        let hash = path.and_then(|path| sha256_of_file(&path, HASHED_UP_TO).ok().flatten());
        if let Some(hash) = hash {
            record.set("content_hash", hash);
            record.set("content_hash_type", "sha256");
        }
    }
}

/// Writes a file beside and puts it in place when it is complete.
pub fn replace(file: &Path, content: &[u8]) -> Result<(), ProvenanceError> {
    replace_with(file, |target| target.write_all(content))
        .map_err(|cause| ProvenanceError::Write { file: file.to_owned(), cause })
}

fn replace_with(
    file: &Path,
    write: impl FnOnce(&mut fs::File) -> io::Result<()>,
) -> io::Result<()> {
    let mut name = std::ffi::OsString::from(".");
    name.push(file.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    let beside = file.with_file_name(name);
    let written = (|| {
        let mut options = OpenOptions::new();
        let mut target = options.write(true).create(true).truncate(true).open(&beside)?;
        write(&mut target)?;
        target.sync_all()?;
        fs::rename(&beside, file)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dl2_is_left_out_where_there_is_none() {
        let names = |filter, dl2| -> Vec<_> {
            products(filter, dl2).iter().map(|product| product.name).collect()
        };
        assert_eq!(names(None, true), ["calibration_to_dl1", "calibration_to_dl2"]);
        assert_eq!(names(None, false), ["calibration_to_dl1"]);
        assert_eq!(names(Some(Filter::Dl1ToDl2), true), ["dl1_to_dl2"]);
        assert!(names(Some(Filter::Dl1ToDl2), false).is_empty());
        assert_eq!(names(Some(Filter::Calibration), false), ["calibration"]);
    }

    #[test]
    fn a_file_that_cannot_be_put_in_place_leaves_nothing_beside() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("taken")).unwrap();
        let error = replace(&dir.path().join("taken"), b"x").unwrap_err();
        assert!(error.to_string().ends_with("/taken"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
