//! What is there of a night: one pass over its directories, names only.
//!
//! No file is opened and none is asked for its size, so a pass costs about what `find -readable` does. A
//! product is a regular file, or a link to one, that this account may read. Names are matched whole:
//! `dl1_LST-1.Run19102.1910.h5` is subrun 1910 of run 19102 and nothing else, and run-wise merged files
//! (`dl1_LST-1.Run19102.h5`) are not counted.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::DirEntry;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::input_file::is_readable;
use crate::model::{Level, Percentages, RunId, Subrun};
use crate::night::NightPaths;

use super::SubrunSet;

/// What the directories hold of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFiles {
    products: [SubrunSet; Level::ALL.len()],
    /// Subruns that have a history.
    pub histories: SubrunSet,
    /// Whether the run as a whole has a history, as the calibration does.
    pub run_history: bool,
    /// Whether there is a job script.
    pub script: bool,
    /// The run has the flag `.veto`: never to be submitted again.
    pub vetoed: bool,
    /// Subruns that have a `.veto` of their own.
    pub vetoed_subruns: SubrunSet,
    /// The run has the flag `.closed`.
    pub closed: bool,
}

impl RunFiles {
    /// Subruns whose file of this level is there, whether in its running place, its final place or
    /// both, as a file or as a link.
    pub fn products(&self, level: Level) -> &SubrunSet {
        &self.products[level as usize]
    }

    /// Whether there is neither product nor history.
    pub fn is_empty(&self) -> bool {
        self.products.iter().all(SubrunSet::is_empty)
            && self.histories.is_empty()
            && !self.run_history
    }

    /// Products found in percent of `subruns`, truncated to an integer.
    ///
    /// More files than subruns give more than 100: that is the truth, and it tells that the run
    /// summary is short. A run without subruns has 0 %.
    pub fn percentages(&self, subruns: u32) -> Percentages {
        let percent = |level| {
            let found = u64::from(self.products(level).len());
            let percent = (100 * found).checked_div(subruns.into()).unwrap_or(0);
            u32::try_from(percent).unwrap_or(u32::MAX)
        };
        Percentages {
            dl1: percent(Level::Dl1),
            muons: percent(Level::Muons),
            dl1ab: percent(Level::Dl1ab),
            datacheck: percent(Level::Datacheck),
            dl2: percent(Level::Dl2),
        }
    }
}

/// What the directories hold of a night.
#[derive(Debug, Default)]
pub struct Scan {
    runs: BTreeMap<RunId, RunFiles>,
    /// Whether the night has been closed (`NightFinished.txt`).
    pub night_closed: bool,
    /// Directories that are there and could not be read.
    pub unreadable: Vec<(PathBuf, io::Error)>,
}

/// Of a run without any file.
static NOTHING: RunFiles = RunFiles {
    products: [const { SubrunSet::new() }; Level::ALL.len()],
    histories: SubrunSet::new(),
    run_history: false,
    script: false,
    vetoed: false,
    vetoed_subruns: SubrunSet::new(),
    closed: false,
};

impl Scan {
    /// Looks through the night's directories for files of `runs`; files of other runs are passed
    /// over. A directory that is missing holds nothing.
    pub fn of(paths: &NightPaths, runs: impl IntoIterator<Item = RunId>) -> Self {
        let mut scan = Self {
            runs: runs.into_iter().map(|run| (run, RunFiles::default())).collect(),
            night_closed: paths.night_finished().exists(),
            unreadable: Vec::new(),
        };
        let analysis = paths.analysis_dir();
        for (directory, shapes) in by_directory(paths) {
            let flags = directory == analysis;
            if let Err(cause) = scan.read(&directory, &shapes, flags)
                && cause.kind() != io::ErrorKind::NotFound
            {
                scan.unreadable.push((directory, cause));
            }
        }
        scan
    }

    /// What there is of a run.
    pub fn run(&self, run: RunId) -> &RunFiles {
        self.runs.get(&run).unwrap_or(&NOTHING)
    }

    /// Leaves a subrun out, as if it had no file.
    pub(super) fn leave_out(&mut self, run: RunId, subrun: Subrun) {
        let Some(files) = self.runs.get_mut(&run) else { return };
        for set in &mut files.products {
            set.remove(subrun);
        }
        files.histories.remove(subrun);
        files.vetoed_subruns.remove(subrun);
    }

    fn read(&mut self, directory: &Path, shapes: &[Shape], flags: bool) -> io::Result<()> {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let product = shapes.iter().find_map(|shape| Some((shape.level, shape.parse(&name)?)));
            if let Some((level, (run, subrun))) = product {
                if let Some(files) = self.runs.get_mut(&run)
                    && is_product(&entry)
                {
                    files.products[level as usize].insert(subrun);
                }
            } else if flags && let Some((run, subrun, suffix)) = parse_sequence_file(&name) {
                self.note(run, subrun, suffix);
            }
        }
        Ok(())
    }

    fn note(&mut self, run: RunId, subrun: Option<Subrun>, suffix: &[u8]) {
        let Some(files) = self.runs.get_mut(&run) else { return };
        match (suffix, subrun) {
            (b"history", Some(subrun)) => {
                files.histories.insert(subrun);
            }
            (b"veto", Some(subrun)) => {
                files.vetoed_subruns.insert(subrun);
            }
            (b"history", None) => files.run_history = true,
            (b"veto", None) => files.vetoed = true,
            (b"closed", None) => files.closed = true,
            (b"sh", None) => files.script = true,
            _ => {}
        }
    }
}

/// Whether a directory's entry is a regular file, or a link to one, and may be read.
fn is_product(entry: &DirEntry) -> bool {
    let path = entry.path();
    let is_file = match entry.file_type() {
        Ok(kind) if kind.is_symlink() => path.is_file(),
        kind => kind.is_ok_and(|kind| kind.is_file()),
    };
    is_file && is_readable(&path)
}

/// What a level's file names look like.
struct Shape {
    level: Level,
    prefix: Vec<u8>,
    suffix: Vec<u8>,
}

impl Shape {
    /// Run and subrun of a name of this shape.
    fn parse(&self, name: &OsStr) -> Option<(RunId, Subrun)> {
        let numbers = name.as_bytes().strip_prefix(&*self.prefix)?.strip_suffix(&*self.suffix)?;
        let (run, rest) = run_field(numbers)?;
        let (subrun, rest) = number(rest.strip_prefix(b".")?, 4)?;
        rest.is_empty().then_some((run, Subrun(subrun)))
    }
}

/// Every directory that may hold products, each once, with the shapes to look for.
fn by_directory(paths: &NightPaths) -> BTreeMap<PathBuf, Vec<Shape>> {
    let mut directories: BTreeMap<PathBuf, Vec<Shape>> = BTreeMap::new();
    directories.entry(paths.analysis_dir()).or_default();
    for level in Level::ALL {
        let places = [Some(paths.running_dir(level)), paths.final_dir(level)];
        for directory in places.into_iter().flatten() {
            directories.entry(directory).or_default().push(shape(paths, level));
        }
    }
    directories
}

/// The shape of a level's names, taken from the one place that makes them.
fn shape(paths: &NightPaths, level: Level) -> Shape {
    let example = paths.product_name(level, RunId(0), None);
    let (prefix, suffix) = example.rsplit_once("00000").unwrap_or((&example, ""));
    Shape { level, prefix: prefix.into(), suffix: suffix.into() }
}

/// Run, subrun and suffix of `sequence_LST1_RRRRR[.SSSS].SUFFIX`.
fn parse_sequence_file(name: &OsStr) -> Option<(RunId, Option<Subrun>, &[u8])> {
    let (run, rest) = run_field(name.as_bytes().strip_prefix(b"sequence_LST1_")?)?;
    let rest = rest.strip_prefix(b".")?;
    match number(rest, 4) {
        Some((subrun, rest)) => Some((run, Some(Subrun(subrun)), rest.strip_prefix(b".")?)),
        None => Some((run, None, rest)),
    }
}

fn run_field(text: &[u8]) -> Option<(RunId, &[u8])> {
    number(text, 5).map(|(run, rest)| (RunId(run), rest))
}

/// A number written with at least `width` digits (more only if it needs them, at most nine), and
/// what follows it.
fn number(text: &[u8], width: usize) -> Option<(u32, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at_checked(digits)?;
    let canonical = digits == width || (digits > width && number.first() != Some(&b'0'));
    (canonical && digits <= 9)
        .then(|| number.iter().fold(0, |value, digit| 10 * value + u32::from(digit - b'0')))
        .map(|value| (value, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::status::fixture::Golden;

    fn scan(golden: &Golden, runs: &[u32]) -> Scan {
        Scan::of(&golden.paths, runs.iter().copied().map(RunId))
    }

    fn found(scan: &Scan, run: u32, level: Level) -> Vec<u32> {
        scan.run(RunId(run)).products(level).iter().map(|subrun| subrun.0).collect()
    }

    #[test]
    fn the_golden_night_has_what_the_original_counted() {
        let golden = Golden::new();
        let scan = scan(&golden, &[19101, 19102, 19103, 19104, 19106]);
        let percent = scan.run(RunId(19102)).percentages(6);
        assert_eq!(percent, Percentages { dl1: 50, muons: 16, dl1ab: 16, datacheck: 16, dl2: 16 });
        assert!(scan.run(RunId(19103)).closed && !scan.run(RunId(19103)).vetoed);
        assert!(scan.run(RunId(19104)).vetoed && !scan.run(RunId(19104)).closed);
        assert!(scan.run(RunId(19106)).is_empty());
        assert!(!scan.night_closed && scan.unreadable.is_empty());
    }

    #[test]
    fn a_subrun_with_the_number_of_a_run_does_not_count_for_it() {
        let golden = Golden::new();
        for name in [
            "dl1_LST-1.Run19102.1910.h5",
            "dl1_LST-1.Run01910.0002.h5",
            "dl1_LST-1.Run01910.h5",
            "dl1_LST-1.Run1910.0001.h5",
            "dl1_LST-1.Run019100.0001.h5",
            "dl1_LST-1.Run01910.00007.h5",
            "dl1_LST-1.Run01910.0008.h5.tmp",
            "xdl1_LST-1.Run01910.0009.h5",
            "dl1_LST-1.Run01910.-001.h5",
        ] {
            golden.analysis(name, "");
        }
        let scan = scan(&golden, &[1910, 19102]);
        assert_eq!(found(&scan, 1910, Level::Dl1), [2]);
        assert_eq!(found(&scan, 19102, Level::Dl1), [0, 1, 2, 1910]);
    }

    #[test]
    fn a_subrun_counts_once_in_whatever_place() {
        let golden = Golden::new();
        let paths = &golden.paths;
        for level in [Level::Muons, Level::Interleaved, Level::Dl1ab, Level::Datacheck, Level::Dl2]
        {
            let place = paths.final_dir(level).unwrap();
            for subrun in [0, 5] {
                let name = paths.product_name(level, RunId(19102), Some(Subrun(subrun)));
                golden.put(place.join(name), "");
            }
            let merged = paths.product_name(level, RunId(19102), None);
            golden.put(place.join(merged), "");
        }
        let target = paths.final_dir(Level::Dl1ab).unwrap().join("dl1_LST-1.Run19102.0005.h5");
        for link in ["dl1_LST-1.Run19102.0005.h5", "tailcut84/dl1_LST-1.Run19102.0005.h5"] {
            std::os::unix::fs::symlink(&target, paths.analysis_dir().join(link)).unwrap();
        }
        let scan = scan(&golden, &[19102]);
        assert_eq!(found(&scan, 19102, Level::Dl1), [0, 1, 2, 5]);
        for level in Level::ALL.into_iter().filter(|level| *level != Level::Dl1) {
            assert_eq!(found(&scan, 19102, level), [0, 5], "{level:?}");
        }
    }

    #[test]
    fn only_regular_files_count_as_products() {
        let golden = Golden::new();
        let name = |subrun: u16| format!("dl1_LST-1.Run19102.{subrun:04}.h5");
        let place = |subrun| golden.paths.analysis_dir().join(name(subrun));
        std::fs::create_dir(place(3)).unwrap();
        std::os::unix::fs::symlink("missing", place(4)).unwrap();
        std::os::unix::fs::symlink(name(0), place(5)).unwrap();
        let scan = scan(&golden, &[19102]);
        assert_eq!(found(&scan, 19102, Level::Dl1), [0, 1, 2, 5]);
    }

    #[test]
    fn more_files_than_subruns_are_more_than_all() {
        let golden = Golden::new();
        let files = scan(&golden, &[19102]);
        assert_eq!(files.run(RunId(19102)).percentages(2).dl1, 150);
        assert_eq!(files.run(RunId(19102)).percentages(0).dl1, 0);
    }

    #[test]
    fn flags_and_histories_are_listed_by_run_and_subrun() {
        let golden = Golden::new();
        for name in [
            "sequence_LST1_19102.0003.history",
            "sequence_LST1_19102.0004.veto",
            "sequence_LST1_19101.history",
            "sequence_LST1_19102.sh",
            "sequence_LST1_19106.vetoed",
            "sequence_LST1_191020.veto",
        ] {
            golden.analysis(name, "");
        }
        golden.put(golden.paths.night_finished(), "host:1");
        let scan = scan(&golden, &[19101, 19102, 19106]);
        let run = scan.run(RunId(19102));
        assert_eq!(run.histories.iter().collect::<Vec<_>>(), [Subrun(3)]);
        assert_eq!(run.vetoed_subruns.iter().collect::<Vec<_>>(), [Subrun(4)]);
        assert!(run.script && !run.vetoed && !run.run_history);
        assert!(scan.run(RunId(19101)).run_history);
        assert!(!scan.run(RunId(19106)).vetoed);
        assert!(scan.night_closed);
    }

    #[test]
    fn sub_productions_named_alike_share_a_directory() {
        let mut golden = Golden::new();
        golden.configure(|config| config.dl2_prod_id = config.dl1_prod_id.clone());
        golden.analysis("tailcut84/dl2_LST-1.Run19102.0001.h5", "");
        let scan = scan(&golden, &[19102]);
        assert_eq!(found(&scan, 19102, Level::Dl1ab), [0]);
        assert_eq!(found(&scan, 19102, Level::Dl2), [1]);
    }

    #[test]
    fn a_directory_that_cannot_be_read_is_reported() {
        let golden = Golden::new();
        let place = golden.paths.final_dir(Level::Muons).unwrap();
        golden.put(place.clone(), "a file where a directory should be");
        let scan = scan(&golden, &[19102]);
        assert_eq!(scan.unreadable.len(), 1);
        assert_eq!(scan.unreadable[0].0, place);
    }

    proptest! {
        #[test]
        fn names_are_read_as_they_are_written(run in 0u32..1_000_000, subrun in 0u32..100_000) {
            let text = format!("{}.{}", RunId(run), Subrun(subrun));
            let name = format!("dl1_LST-1.Run{text}.h5");
            let shape = Shape {
                level: Level::Dl1, prefix: b"dl1_LST-1.Run".to_vec(), suffix: b".h5".to_vec(),
            };
            prop_assert_eq!(shape.parse(OsStr::new(&name)), Some((RunId(run), Subrun(subrun))));
            let name = format!("sequence_LST1_{text}.history");
            prop_assert_eq!(
                parse_sequence_file(OsStr::new(&name)),
                Some((RunId(run), Some(Subrun(subrun)), &b"history"[..]))
            );
        }

        #[test]
        fn no_name_makes_it_panic(name in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = parse_sequence_file(OsStr::from_bytes(&name));
            let _ = number(&name, 4);
        }
    }
}
