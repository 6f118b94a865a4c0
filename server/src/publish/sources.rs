//! The files of a night's datacheck: those that are there, and those that are not.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::input_file::is_readable;
use crate::model::{CopyState, Kind, Level, MissingProduct, ProductGroup, PublishFile, RunId};
use crate::night::{MissingSummary, NightPaths, Observation};

/// Extensions of the long-term datacheck's files.
const LONGTERM: [&str; 3] = ["html", "h5", "log"];

/// A file that is there, or one that is not.
pub type Found = Result<PublishFile, MissingProduct>;

/// What is there, and what is missing. Blocks on the disk.
pub(super) fn find(paths: &NightPaths) -> (Vec<PublishFile>, Vec<MissingProduct>) {
    let (mut files, mut missing) = (Vec::new(), Vec::new());
    for (_, found) in products(paths) {
        match found {
            Ok(file) => files.push(file),
            Err(lacking) => missing.push(lacking),
        }
    }
    (files, missing)
}

/// All that is looked for, by what it is about. Blocks on the disk.
pub fn products(paths: &NightPaths) -> Vec<(ProductGroup, Found)> {
    let mut found = Search { group: ProductGroup::Calibration, all: Vec::new() };
    let place = |kind: &str| format!("{kind}/{}/{}", paths.prod_id, paths.date.compact());
    let log = |directory: PathBuf| NightPaths::in_use(&directory).join("log");
    let drs4 = log(paths.drs4_dir(paths.date));
    found.plots(&drs4, "drs4", &place("drs4"), "check plot of the DRS4 baseline (drs4*.pdf)");
    let charge = log(paths.charge_dir(paths.date));
    let what = "check plot of the charge calibration (calibration*.pdf)";
    found.plots(&charge, "calibration", &place("enf_calibration"), what);
    found.group = ProductGroup::Runs;
    found.runs(paths, &place("dl1"));
    found.group = ProductGroup::Longterm;
    for extension in LONGTERM {
        let file = paths.longterm_file(extension);
        let what = format!("long-term datacheck ({extension})");
        found.file(&file, &place("dl1"), what, || "it has not been made".to_owned());
    }
    found.all
}

struct Search {
    group: ProductGroup,
    all: Vec<(ProductGroup, Found)>,
}

impl Search {
    /// All PDFs of a directory whose name begins so.
    fn plots(&mut self, directory: &Path, prefix: &str, place: &str, what: &str) {
        let names = match names(directory, prefix, ".pdf") {
            Ok(names) => names,
            Err(cause) => return self.miss(what, format!("{}: {cause}", directory.display())),
        };
        if names.is_empty() {
            return self.miss(what, format!("there is none in {}", directory.display()));
        }
        for name in names {
            let file = directory.join(&name);
            self.file(&file, place, name, || "it vanished".to_owned());
        }
    }

    /// The run-wise datacheck of every run that was merged, or should have been.
    fn runs(&mut self, paths: &NightPaths, place: &str) {
        let place = format!("{place}/pdf");
        let Some(directory) = paths.final_dir(Level::Datacheck) else { return };
        let prefix = paths.config.patterns.datacheckprefix.clone();
        let there = names(&directory, &prefix, ".pdf").unwrap_or_default();
        for name in &there {
            let file = directory.join(name);
            self.file(&file, &place, name.clone(), || "it vanished".to_owned());
        }
        let observed = Observation::read(paths, MissingSummary::Fail);
        let sequences = observed.map(|observation| observation.sequences).unwrap_or_default();
        let merged = |run: RunId| {
            let name = paths.product_name(Level::Dl1ab, run, None);
            paths.final_dir(Level::Dl1ab).is_some_and(|directory| directory.join(name).is_file())
        };
        for run in sequences.iter().filter(|s| s.kind == Kind::Data).map(|s| s.run) {
            let name = format!("{prefix}.Run{run}.pdf");
            if there.contains(&name) {
                continue;
            }
            let reason = match merged(run) {
                true => format!("the run is merged, but {name} was not made"),
                false => "the run is not merged yet".to_owned(),
            };
            self.miss(&format!("datacheck of run {run} ({name})"), reason);
        }
    }

    fn file(
        &mut self,
        file: &Path,
        place: &str,
        what: impl Into<String>,
        reason: impl FnOnce() -> String,
    ) {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
        let (name, what) = (name.unwrap_or_default(), what.into());
        match file.symlink_metadata() {
            Ok(metadata) if metadata.is_file() && !is_readable(file) => {
                self.miss(&what, format!("{} cannot be read: permission denied", file.display()));
            }
            Ok(metadata) if metadata.is_file() => {
                let file = PublishFile {
                    source: file.display().to_string(),
                    destination: format!("{place}/{name}"),
                    bytes: metadata.len(),
                    modified: metadata.mtime(),
                    state: CopyState::Unknown,
                    error: None,
                };
                self.all.push((self.group, Ok(file)));
            }
            // It could lead anywhere.
            Ok(metadata) if metadata.is_symlink() => {
                let problem = "is a symbolic link, which is not followed";
                self.miss(&what, format!("{} {problem}", file.display()));
            }
            Ok(_) => self.miss(&what, format!("{} is not a regular file", file.display())),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                self.miss(&what, format!("{} is not there: {}", file.display(), reason()));
            }
            Err(cause) => self.miss(&what, format!("{}: {cause}", file.display())),
        }
    }

    fn miss(&mut self, what: &str, reason: String) {
        let missing = MissingProduct { what: what.to_owned(), reason };
        self.all.push((self.group, Err(missing)));
    }
}

/// The names in a directory that begin and end so, sorted. A name with control characters is none
/// of ours.
fn names(directory: &Path, prefix: &str, suffix: &str) -> std::io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        let ours = name.starts_with(prefix) && name.ends_with(suffix);
        if ours && !name.chars().any(char::is_control) {
            found.push(name);
        }
    }
    found.sort();
    Ok(found)
}
