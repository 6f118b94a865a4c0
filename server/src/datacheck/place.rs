//! Where the datacheck files of a run are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::model::{Level, RunId, Subrun};
use crate::night::NightPaths;

use super::run::{run_number, subrun_number};

/// A directory that was changed less than this before it was listed may have changed again at what
/// its file system takes for the same time.
const SETTLED: Duration = Duration::from_secs(2);

/// Listed directories that are kept.
const LISTED_KEPT: usize = 32;

/// The files of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFiles {
    /// The merged file, or those of the subruns in their order.
    pub datacheck: Vec<PathBuf>,
    /// Muon rings of the subruns, by subrun.
    pub muons: BTreeMap<i64, PathBuf>,
}

impl RunFiles {
    /// All of them.
    pub fn all(&self) -> Vec<PathBuf> {
        self.datacheck.iter().chain(self.muons.values()).cloned().collect()
    }
}

/// Finds files of runs. A directory, which may hold tens of thousands of files, is listed again only
/// when it has changed.
#[derive(Debug, Default)]
pub struct Places {
    listed: Mutex<HashMap<PathBuf, Listed>>,
}

/// What was in a directory.
#[derive(Clone, Debug)]
struct Listed {
    changed: SystemTime,
    taken: SystemTime,
    /// Files of single subruns, by run.
    files: Arc<ByRun>,
}

/// Files of single subruns with their subruns, by run; a run may have only its merged file.
type ByRun = HashMap<i64, Vec<(i64, PathBuf)>>;

impl Places {
    /// The merged file once there is one, else what the subruns have left so far: in their final
    /// place, else where the night is worked on. Blocks on the disk.
    pub fn find(&self, paths: &NightPaths, run: RunId) -> RunFiles {
        self.listed(paths).files(paths, run)
    }

    /// The files of every run that has a datacheck, merged or of some subrun. Each directory is listed
    /// once. Blocks on the disk.
    pub fn all(&self, paths: &NightPaths) -> BTreeMap<RunId, RunFiles> {
        let listed = self.listed(paths);
        let runs: BTreeSet<i64> =
            listed.datacheck.iter().flat_map(|files| files.keys()).copied().collect();
        runs.into_iter()
            .filter_map(|run| u32::try_from(run).ok())
            .map(|run| (RunId(run), listed.files(paths, RunId(run))))
            .filter(|(_, files)| !files.datacheck.is_empty())
            .collect()
    }

    fn listed(&self, paths: &NightPaths) -> NightFiles {
        let of = |level: Level| {
            let directories = [Some(paths.running_dir(level)), paths.final_dir(level)];
            directories.into_iter().flatten().map(|directory| self.list(&directory)).collect()
        };
        NightFiles { datacheck: of(Level::Datacheck), muons: of(Level::Muons) }
    }

    /// What is in a directory; nothing if it cannot be read.
    fn list(&self, directory: &Path) -> Arc<ByRun> {
        let lock = || self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = std::fs::metadata(directory).and_then(|data| data.modified());
        let Ok(changed) = changed else { return Arc::default() };
        let settled = |known: &Listed| {
            known.taken.duration_since(known.changed).is_ok_and(|rest| rest >= SETTLED)
        };
        let known = lock().get(directory).cloned();
        if let Some(known) = known.filter(|known| known.changed == changed && settled(known)) {
            return known.files;
        }
        let taken = SystemTime::now();
        let files = Arc::new(by_run(directory));
        let mut listed = lock();
        if listed.len() >= LISTED_KEPT {
            listed.clear();
        }
        let now = Listed { changed, taken, files: Arc::clone(&files) };
        listed.insert(directory.to_owned(), now);
        files
    }
}

/// What is in a night's directories: where it is worked on first, then the final place.
struct NightFiles {
    datacheck: Vec<Arc<ByRun>>,
    muons: Vec<Arc<ByRun>>,
}

impl NightFiles {
    fn files(&self, paths: &NightPaths, run: RunId) -> RunFiles {
        let merged = paths.final_dir(Level::Datacheck);
        let merged = merged.map(|dir| dir.join(paths.product_name(Level::Datacheck, run, None)));
        let datacheck = match merged.filter(|file| file.is_file()) {
            Some(merged) => vec![merged],
            None => {
                by_subrun(&self.datacheck, paths, Level::Datacheck, run).into_values().collect()
            }
        };
        RunFiles { datacheck, muons: by_subrun(&self.muons, paths, Level::Muons, run) }
    }
}

fn by_subrun(
    listed: &[Arc<ByRun>],
    paths: &NightPaths,
    level: Level,
    run: RunId,
) -> BTreeMap<i64, PathBuf> {
    let mut files = BTreeMap::new();
    for listed in listed {
        for (subrun, file) in listed.get(&i64::from(run.0)).into_iter().flatten() {
            let number = u32::try_from(*subrun).unwrap_or(u32::MAX);
            let name = paths.product_name(level, run, Some(Subrun(number)));
            if file.file_name().is_some_and(|named| named == name.as_str()) {
                files.insert(*subrun, file.clone());
            }
        }
    }
    files
}

fn by_run(directory: &Path) -> ByRun {
    let mut files = ByRun::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = PathBuf::from(entry.file_name());
        let Some(run) = run_number(&name) else { continue };
        // A merged file's run is known, too, although it is of no subrun.
        let subruns = files.entry(run).or_default();
        subruns.extend(subrun_number(&name).map(|subrun| (subrun, directory.join(name))));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_has_changed_is_listed_again() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::default();
        let count = || places.list(dir.path()).get(&19102).map_or(0, Vec::len);
        let add = |subrun: u32| {
            let name = format!("datacheck_dl1_LST-1.Run19102.{subrun:04}.h5");
            std::fs::write(dir.path().join(name), "").unwrap();
        };
        assert_eq!(count(), 0);
        for subrun in 0..5 {
            add(subrun);
            assert_eq!(count(), usize::try_from(subrun).unwrap() + 1);
        }
        // At rest for long: what was listed is not looked at again.
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        let handle = std::fs::File::open(dir.path()).unwrap();
        handle.set_modified(long_ago).unwrap();
        let first = places.list(dir.path());
        assert!(Arc::ptr_eq(&first, &places.list(dir.path())));
        add(5);
        assert_eq!(count(), 6);
        assert!(places.list(&dir.path().join("none")).is_empty());
    }
}
