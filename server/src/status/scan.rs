//! What is there of a night: one pass over its directories, names only.
//!
//! No file is opened and none is asked for its size, so a pass costs about what `find` does. Names
//! are matched whole: `dl1_LST-1.Run19102.1910.h5` is subrun 1910 of run 19102 and nothing else,
//! and run-wise merged files (`dl1_LST-1.Run19102.h5`) are not counted.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

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

    fn read(&mut self, directory: &Path, shapes: &[Shape], flags: bool) -> io::Result<()> {
        for entry in std::fs::read_dir(directory)? {
            let name = entry?.file_name();
            let product = shapes.iter().find_map(|shape| Some((shape.level, shape.parse(&name)?)));
            if let Some((level, (run, subrun))) = product {
                if let Some(files) = self.runs.get_mut(&run) {
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
