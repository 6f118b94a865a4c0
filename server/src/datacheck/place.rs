//! Where the datacheck files of a run are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crate::internal::lock;
use crate::model::{Level, RunId, Subrun};
use crate::night::NightPaths;

/// A directory that was changed less than this before it was listed may have changed again at what
/// its file system takes for the same time.
const SETTLED: Duration = Duration::from_secs(2);
/// Such a directory is listed again after this many times what listing it took, since a page asks for
/// all its figures at once,
const REST: u32 = 20;
/// and in any case after this.
const LONGEST_REST: Duration = Duration::from_secs(1);
/// Listed directories that are kept.
const MOST_LISTED: usize = 32;

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
    listed: Mutex<HashMap<PathBuf, Slot>>,
}

/// A directory; locked while it is listed, so that those who ask at once wait for one.
type Slot = Arc<Mutex<Option<Listed>>>;

/// What was in a directory.
#[derive(Debug)]
struct Listed {
    changed: SystemTime,
    taken: SystemTime,
    took: Duration,
    files: Arc<ByRun>,
}

impl Listed {
    fn holds(&self, changed: SystemTime) -> bool {
        let settled = self.taken.duration_since(self.changed).is_ok_and(|rest| rest >= SETTLED);
        let rest = (self.took * REST).min(LONGEST_REST);
        let just_now = self.taken.elapsed().is_ok_and(|since| since < rest);
        (self.changed == changed && settled) || just_now
    }
}

/// Subruns that have a file of their own, by run; a run may have only its merged file.
type ByRun = HashMap<RunId, BTreeSet<Subrun>>;

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
        let runs: BTreeSet<RunId> =
            listed.datacheck.iter().flat_map(|(_, files)| files.keys()).copied().collect();
        runs.into_iter()
            .map(|run| (run, listed.files(paths, run)))
            .filter(|(_, files)| !files.datacheck.is_empty())
            .collect()
    }

    fn listed(&self, paths: &NightPaths) -> NightFiles {
        let of = |level: Level| {
            let directories = [Some(paths.running_dir(level)), paths.final_dir(level)];
            let list = |directory: PathBuf| {
                let files = self.list(&directory, paths.product_affixes(level));
                (directory, files)
            };
            directories.into_iter().flatten().map(list).collect()
        };
        NightFiles { datacheck: of(Level::Datacheck), muons: of(Level::Muons) }
    }

    /// What is in a directory of files with such names; nothing if it cannot be read.
    fn list(&self, directory: &Path, affixes: (&str, &str)) -> Arc<ByRun> {
        let changed = std::fs::metadata(directory).and_then(|data| data.modified());
        let Ok(changed) = changed else { return Arc::default() };
        let slot = self.slot(directory);
        let mut slot = lock(&slot);
        if let Some(known) = slot.as_ref().filter(|known| known.holds(changed)) {
            return Arc::clone(&known.files);
        }
        let taken = SystemTime::now();
        let files = Arc::new(by_run(directory, affixes));
        let took = taken.elapsed().unwrap_or_default();
        *slot = Some(Listed { changed, taken, took, files: Arc::clone(&files) });
        files
    }

    fn slot(&self, directory: &Path) -> Slot {
        let mut listed = lock(&self.listed);
        if let Some(slot) = listed.get(directory) {
            return Arc::clone(slot);
        }
        if listed.len() >= MOST_LISTED {
            listed.clear();
        }
        Arc::clone(listed.entry(directory.to_owned()).or_default())
    }
}

/// What is in a night's directories: where it is worked on first, then the final place.
struct NightFiles {
    datacheck: Vec<(PathBuf, Arc<ByRun>)>,
    muons: Vec<(PathBuf, Arc<ByRun>)>,
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
    listed: &[(PathBuf, Arc<ByRun>)],
    paths: &NightPaths,
    level: Level,
    run: RunId,
) -> BTreeMap<i64, PathBuf> {
    let mut files = BTreeMap::new();
    for (directory, listed) in listed {
        for subrun in listed.get(&run).into_iter().flatten() {
            let name = paths.product_name(level, run, Some(*subrun));
            files.insert(subrun.0.into(), directory.join(name));
        }
    }
    files
}

fn by_run(directory: &Path, affixes: (&str, &str)) -> ByRun {
    let mut files = ByRun::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some((run, subrun)) = name.to_str().and_then(|name| named(name, affixes)) else {
            continue;
        };
        // A merged file's run is known, too, although it is of no subrun.
        files.entry(run).or_default().extend(subrun);
    }
    files
}

/// The run and subrun that a name tells, if it is just as [`NightPaths::product_name`] makes it.
fn named(name: &str, (prefix, suffix): (&str, &str)) -> Option<(RunId, Option<Subrun>)> {
    let numbers = name.strip_prefix(prefix)?.strip_prefix(".Run")?.strip_suffix(suffix)?;
    let number = |text: &str, width: usize| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        let padded = text.len() == width || text.len() > width && !text.starts_with('0');
        (plain && padded).then(|| text.parse().ok())?
    };
    Some(match numbers.split_once('.') {
        Some((run, subrun)) => (RunId(number(run, 5)?), Some(Subrun(number(subrun, 4)?))),
        None => (RunId(number(numbers, 5)?), None),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const AFFIXES: (&str, &str) = ("datacheck_dl1_LST-1", ".h5");

    #[test]
    fn a_directory_that_has_changed_is_listed_again() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::default();
        let list = || places.list(dir.path(), AFFIXES);
        let count = || list().get(&RunId(19102)).map_or(0, BTreeSet::len);
        let add = |subrun: u32| {
            let name = format!("datacheck_dl1_LST-1.Run19102.{subrun:04}.h5");
            std::fs::write(dir.path().join(name), "").unwrap();
        };
        assert_eq!(count(), 0);
        for subrun in 0..5 {
            add(subrun);
            let expected = usize::try_from(subrun).unwrap() + 1;
            let began = Instant::now();
            while count() != expected {
                assert!(began.elapsed() < 2 * LONGEST_REST, "it is not listed again");
                std::thread::yield_now();
            }
        }
        // At rest for long: what was listed is not looked at again.
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        let handle = std::fs::File::open(dir.path()).unwrap();
        handle.set_modified(long_ago).unwrap();
        places.listed.lock().unwrap().clear();
        let first = list();
        let slot = places.slot(dir.path());
        slot.lock().unwrap().as_mut().unwrap().took = Duration::ZERO;
        assert!(Arc::ptr_eq(&first, &list()));
        add(5);
        assert_eq!(count(), 6);
        assert!(places.list(&dir.path().join("none"), AFFIXES).is_empty());
    }

    #[test]
    fn a_directory_that_changes_all_the_time_is_not_listed_for_each_figure() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::default();
        let first = places.list(dir.path(), AFFIXES);
        let slot = places.slot(dir.path());
        slot.lock().unwrap().as_mut().unwrap().took = LONGEST_REST;
        std::fs::write(dir.path().join("datacheck_dl1_LST-1.Run19102.0000.h5"), "").unwrap();
        assert!(Arc::ptr_eq(&first, &places.list(dir.path(), AFFIXES)), "it took a second");
        slot.lock().unwrap().as_mut().unwrap().taken -= LONGEST_REST;
        assert_eq!(places.list(dir.path(), AFFIXES).len(), 1, "but that was a second ago");
    }

    #[test]
    fn only_names_as_they_are_made_are_found() {
        let told =
            |name: &str| named(name, AFFIXES).map(|(run, subrun)| (run.0, subrun.map(|s| s.0)));
        assert_eq!(told("datacheck_dl1_LST-1.Run02967.0007.h5"), Some((2967, Some(7))));
        assert_eq!(told("datacheck_dl1_LST-1.Run119102.h5"), Some((119_102, None)));
        for other in [
            "datacheck_dl1_LST-1.Run2967.0007.h5",
            "datacheck_dl1_LST-1.Run02967.7.h5",
            "datacheck_dl1_LST-1.Run002967.0007.h5",
            "datacheck_dl1_LST-1.Run02967.0007.h5.part",
            "datacheck_dl1_LST-1.Run+2967.0007.h5",
            "datacheck_dl1_LST-1.Run02967.0007.1.h5",
            "datacheck_dl1_LST-1.Run99999999999.h5",
            "muons_LST-1.Run02967.0007.h5",
            "",
        ] {
            assert_eq!(told(other), None, "{other}");
        }
    }
}
