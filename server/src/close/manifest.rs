//! The manifest of a closed night: every file that was put in its place, with size and checksum.
//!
//! The checksum is SHA-256 of the whole content. It is made in a step of its own, after the jobs,
//! on all processors: the moves themselves are not held up by it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::internal::InternalError;
use crate::model::{Level, NightDate, ProdId, RunId};
use crate::night::NightPaths;

use super::moves::checksum;
use super::survey::{LEVELS, run_of};
use super::{CloseError, files};

/// What a manifest says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The night.
    pub date: NightDate,
    /// The production.
    pub prod_id: ProdId,
    /// How checksums were made.
    pub checksum: String,
    /// The files, by path.
    pub files: Vec<ManifestFile>,
}

/// A file of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// Its checksum, in hexadecimal digits.
    pub checksum: String,
    /// The run; `None` for files of the whole night.
    pub run: Option<RunId>,
    /// What it is: `dl1`, `muons`, `interleaved`, `datacheck`, `dl2`, `provenance`, `longterm`.
    pub level: String,
}

/// Makes and writes the manifest of a night; returns how many files it has. Blocks on the disk, for
/// as long as it takes to read all of the night's final files.
///
/// # Errors
/// A file cannot be read, or the manifest not be written.
pub fn write(paths: &NightPaths) -> Result<usize, CloseError> {
    let mut found = find(paths)?;
    found.sort_by(|one, other| one.path.cmp(&other.path));
    let files = hash_all(found)?;
    let manifest = Manifest {
        date: paths.date,
        prod_id: paths.prod_id.clone(),
        checksum: "sha256".into(),
        files,
    };
    let mut text = serde_json::to_vec_pretty(&manifest).map_err(InternalError::from)?;
    text.push(b'\n');
    files::write(&paths.manifest(), &text, 0o644)?;
    Ok(manifest.files.len())
}

struct Found {
    path: PathBuf,
    run: Option<RunId>,
    level: &'static str,
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Dl1 | Level::Dl1ab => "dl1",
        Level::Muons => "muons",
        Level::Interleaved => "interleaved",
        Level::Datacheck => "datacheck",
        Level::Dl2 => "dl2",
    }
}

/// The night's files in their final places.
fn find(paths: &NightPaths) -> Result<Vec<Found>, CloseError> {
    let mut found = Vec::new();
    for level in LEVELS {
        for path in
            paths.final_dir(level).map(|dir| plain_files(&dir)).transpose()?.unwrap_or_default()
        {
            let name = path.file_name().unwrap_or_default();
            if let Some(run) = run_of(paths, level, name) {
                found.push(Found { path, run: Some(run), level: word(level) });
            }
        }
        let logs = paths.final_log_dir(level).map(|dir| plain_files(&dir)).transpose()?;
        found.extend(logs.unwrap_or_default().into_iter().map(|path| Found {
            run: run_of_provenance(&path),
            path,
            level: "provenance",
        }));
    }
    let longterm = plain_files(&paths.longterm_dir())?.into_iter();
    found.extend(longterm.map(|path| Found { path, run: None, level: "longterm" }));
    // Sub-productions that are named alike share directories.
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found.dedup_by(|one, other| one.path == other.path);
    Ok(found)
}

/// `calibration_to_dl1_19102_prov.json` is of run 19102.
fn run_of_provenance(path: &Path) -> Option<RunId> {
    let name = path.file_stem()?.to_str()?.strip_suffix("_prov")?;
    name.rsplit_once('_')?.1.parse().ok()
}

fn plain_files(directory: &Path) -> Result<Vec<PathBuf>, CloseError> {
    let read = || CloseError::file("read the directory", directory);
    let entries = match fs::read_dir(directory) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(read())?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(read())?;
        if entry.file_type().map_err(read())?.is_file() {
            files.push(entry.path());
        }
    }
    Ok(files)
}

/// The checksums of files, made on all processors.
fn hash_all(found: Vec<Found>) -> Result<Vec<ManifestFile>, CloseError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let part = found.len().div_ceil(threads).max(16);
    let hash = |part: &[Found]| -> Result<Vec<ManifestFile>, CloseError> {
        let one = |found: &Found| {
            let (size, checksum) = checksum(&found.path)?;
            let Found { path, run, level } = found;
            Ok(ManifestFile {
                path: path.clone(),
                size,
                checksum,
                run: *run,
                level: (*level).to_owned(),
            })
        };
        part.iter().map(one).collect()
    };
    std::thread::scope(|scope| {
        let parts: Vec<_> = found.chunks(part).map(|part| scope.spawn(|| hash(part))).collect();
        let mut all = Vec::with_capacity(found.len());
        for part in parts {
            match part.join() {
                Ok(files) => all.append(&mut files?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(all)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provenance_belongs_to_its_run() {
        let run = |name: &str| run_of_provenance(Path::new(name)).map(|run| run.0);
        assert_eq!(run("/x/log/calibration_to_dl1_19102_prov.json"), Some(19102));
        assert_eq!(run("/x/log/r0_to_dl1_01910_prov.log"), Some(1910));
        assert_eq!(run("/x/log/lstchain_standard_config.json"), None);
    }
}
