//! Histories of a night, digested: read in parallel, and again only where a file has changed.

use std::collections::{BTreeMap, HashMap};
use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::input_file;
use crate::internal::lock;
use crate::model::{Kind, NightDate, ProdId, RunId, Sequence, Stage, Subrun};
use crate::night::NightPaths;
use crate::process::history::History;
use crate::process::{self, Step};

use super::Scan;

/// What a history says, in a few bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// How many stages of the chain are done.
    pub done: usize,
    /// The stage of the last try, if that failed.
    pub failed: Option<Stage>,
    /// Return code of the last try.
    pub rc: Option<i32>,
    /// How many tries there have been.
    pub tries: u32,
    /// Number of the first line that is not whole, if there is one.
    pub torn: Option<usize>,
}

impl Digest {
    /// Digests a history; lines of other productions count as nothing.
    pub fn of(history: &History, chain: &[Step]) -> Self {
        let step = |line: &crate::model::HistoryLine| {
            chain.iter().find(|step| {
                step.executable == line.executable && step.prod_id.as_str() == line.prod_id
            })
        };
        let mut tries = history.lines.iter().filter_map(|line| Some((step(line)?.stage, line.rc)));
        let count = u32::try_from(tries.clone().count()).unwrap_or(u32::MAX);
        let last = tries.next_back();
        Self {
            done: process::done(&history.lines, chain),
            failed: last.filter(|(_, rc)| *rc != 0).map(|(stage, _)| stage),
            rc: last.map(|(_, rc)| rc),
            tries: count,
            torn: history.torn.first().map(|torn| torn.number),
        }
    }
}

/// A history's owner: the calibration run as a whole, or a subrun.
pub type Owner = (RunId, Option<Subrun>);

/// When a file was last changed and how long it is: as long as both stay, so does its content.
/// Histories only ever grow.
type Stamp = (i64, i64, u64);

type Night = (NightDate, ProdId);

type Known = HashMap<Owner, (Stamp, Digest)>;

/// What was read of nights before, so that only changed files are read again. One for the whole
/// program and one configuration; a new configuration wants a new one.
#[derive(Debug, Default)]
pub struct StatusCache {
    nights: Mutex<HashMap<Night, Arc<Mutex<Known>>>>,
}

impl StatusCache {
    fn night(&self, paths: &NightPaths) -> Arc<Mutex<Known>> {
        let mut nights = lock(&self.nights);
        Arc::clone(nights.entry((paths.date, paths.prod_id.clone())).or_default())
    }
}

/// The digested histories of a night.
#[derive(Clone, Debug, Default)]
pub struct Histories {
    digests: BTreeMap<Owner, Digest>,
    /// Histories that are there and could not be read, and why.
    pub unreadable: Vec<(Owner, String)>,
    /// How many files were read now; the others had not changed.
    pub read: usize,
}

impl Histories {
    /// Reads the histories that `scan` found for `sequences`.
    pub fn read(
        paths: &NightPaths,
        sequences: &[Sequence],
        scan: &Scan,
        cache: &StatusCache,
    ) -> Self {
        let owners: Vec<(Kind, Owner)> = sequences.iter().flat_map(|s| owners(s, scan)).collect();
        let night = cache.night(paths);
        let mut known = lock(&night);
        let mut histories = Self::default();
        let mut fresh = Known::with_capacity(owners.len());
        for (owner, outcome) in read_all(paths, &owners, &known) {
            match outcome {
                Ok(Found::Same) => {
                    let Some(entry) = known.remove(&owner) else { continue };
                    histories.digests.insert(owner, entry.1.clone());
                    fresh.insert(owner, entry);
                }
                Ok(Found::Changed(stamp, digest)) => {
                    histories.read += 1;
                    histories.digests.insert(owner, digest.clone());
                    fresh.insert(owner, (stamp, digest));
                }
                Ok(Found::Gone) => {}
                Err(cause) => histories.unreadable.push((owner, cause)),
            }
        }
        // What is left of these runs is gone from the disk; other runs are none of this look.
        known.retain(|(run, _), _| !sequences.iter().any(|sequence| sequence.run == *run));
        known.extend(fresh);
        histories
    }

    /// What a history says; `None` if there is none.
    pub fn get(&self, owner: Owner) -> Option<&Digest> {
        self.digests.get(&owner)
    }

    /// Histories with lines that are not whole, and the number of the first such line.
    pub fn torn(&self) -> impl Iterator<Item = (Owner, usize)> + '_ {
        self.digests.iter().filter_map(|(owner, digest)| Some((*owner, digest.torn?)))
    }
}

fn owners(sequence: &Sequence, scan: &Scan) -> Vec<(Kind, Owner)> {
    let files = scan.run(sequence.run);
    match sequence.kind {
        Kind::Calibration => files
            .run_history
            .then_some((Kind::Calibration, (sequence.run, None)))
            .into_iter()
            .collect(),
        Kind::Data => {
            let owner = |subrun| (Kind::Data, (sequence.run, Some(subrun)));
            files.histories.iter().map(owner).collect()
        }
    }
}

enum Found {
    /// It has vanished since the directory was read.
    Gone,
    Same,
    Changed(Stamp, Digest),
}

type Outcome = (Owner, Result<Found, String>);

/// Looks at every file, on as many threads as there are processors (eight at most: more only make
/// a file server's queue longer).
fn read_all(paths: &NightPaths, owners: &[(Kind, Owner)], known: &Known) -> Vec<Outcome> {
    let data = process::chain(paths, Kind::Data, true);
    let calibration = process::chain(paths, Kind::Calibration, true);
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(8));
    let read = |part: &[(Kind, Owner)]| -> Vec<Outcome> {
        let one = |(kind, owner): &(Kind, Owner)| {
            let chain = if *kind == Kind::Data { &data } else { &calibration };
            let file = paths.history(owner.0, owner.1);
            (*owner, read_history(&file, chain, known.get(owner).map(|(stamp, _)| *stamp)))
        };
        part.iter().map(one).collect()
    };
    let part = owners.len().div_ceil(threads).max(64);
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            owners.chunks(part).skip(1).map(|part| scope.spawn(|| read(part))).collect();
        let mut all = owners.chunks(part).next().map(read).unwrap_or_default();
        for worker in workers {
            match worker.join() {
                Ok(outcomes) => all.extend(outcomes),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })
}

fn read_history(file: &Path, chain: &[Step], known: Option<Stamp>) -> Result<Found, String> {
    match read_if_changed(file, known) {
        Ok(Some((stamp, bytes))) => {
            Ok(Found::Changed(stamp, Digest::of(&History::parse(&bytes), chain)))
        }
        Ok(None) => Ok(Found::Same),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(Found::Gone),
        Err(cause) => Err(cause.to_string()),
    }
}

fn read_if_changed(file: &Path, known: Option<Stamp>) -> io::Result<Option<(Stamp, Vec<u8>)>> {
    let stamp = |found: Metadata| (found.mtime(), found.mtime_nsec(), found.len());
    if known.is_some() && known == Some(stamp(file.metadata()?)) {
        return Ok(None);
    }
    let file = input_file::open(file)?;
    // Before the content: a line added in between is read again next time.
    let stamp = stamp(file.metadata()?);
    let bytes = input_file::read_opened(file, input_file::HISTORY_LIMIT)?;
    Ok(Some((stamp, bytes)))
}
