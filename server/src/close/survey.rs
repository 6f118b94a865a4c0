//! What closing must know of the disk: the files that carry a run's number, where they are and
//! where they go. One pass over the directories; a file is asked for its size, and read only if
//! another one is in the place where it should go.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::fs::{self, FileType};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::model::{FileStep, Level, MoveGroup, PlannedFile, RunId, Subrun};
use crate::night::NightPaths;

use super::moves::same_content;

/// The levels that have a final place, in the order in which they are moved.
pub(super) const LEVELS: [Level; 5] =
    [Level::Dl1ab, Level::Muons, Level::Interleaved, Level::Datacheck, Level::Dl2];

/// A file that cannot be moved, since another one is in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// The run.
    pub run: RunId,
    /// What it is.
    pub level: Level,
    /// The file.
    pub file: Stamp,
    /// What is there.
    pub there: Stamp,
}

/// A file with its size and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// When it was changed last.
    pub modified: Option<DateTime<Utc>>,
}

impl Stamp {
    fn of(path: PathBuf) -> Self {
        let found = path.symlink_metadata().ok();
        let modified = found.as_ref().and_then(|found| found.modified().ok()).map(Into::into);
        Self { bytes: found.map_or(0, |found| found.len()), modified, path }
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Survey {
    /// Files to be moved or linked, by run and level.
    pub groups: Vec<MoveGroup>,
    /// Files in the way.
    pub clashes: Vec<Clash>,
    /// Directories that are there and could not be read, files that could not be compared.
    pub unreadable: Vec<(PathBuf, String)>,
    /// The runs that have subrun files of a level, wherever they are.
    pub present: BTreeSet<(RunId, Level)>,
    /// Whether there is a `prov.log`.
    pub provenance: bool,
    /// The flag of the closed night is there.
    pub night_closed: bool,
    /// The long-term datacheck is there.
    pub longterm: bool,
}

/// The run and subrun (`None` in a run-wise file) of a product's name.
struct Named {
    run: RunId,
    subrun: Option<Subrun>,
}

/// What the names of a level look like.
struct Shape {
    prefix: String,
    suffixes: Vec<String>,
}

impl Shape {
    fn of(paths: &NightPaths, level: Level) -> Self {
        let example = paths.product_name(level, RunId(0), None);
        let (prefix, suffix) = example.rsplit_once("00000").unwrap_or((&example, ""));
        let mut suffixes = vec![suffix.to_owned()];
        if level == Level::Datacheck {
            suffixes.push(".pdf".to_owned());
        }
        Self { prefix: prefix.to_owned(), suffixes }
    }

    /// Reads a name that carries a run's number, written as we write it.
    fn read(&self, name: &str) -> Option<Named> {
        let rest = name.strip_prefix(&self.prefix)?;
        let (run, rest) = rest.split_once('.')?;
        let number: RunId = run.parse().ok()?;
        if number.to_string() != run {
            return None;
        }
        // The dot before the suffix may be the one just split off.
        let inner = self.suffixes.iter().find_map(|suffix| {
            let suffix = suffix.strip_prefix('.').unwrap_or(suffix);
            rest.strip_suffix(suffix)
        })?;
        let subrun = inner.strip_suffix('.').and_then(|text| {
            let subrun: Subrun = text.parse().ok()?;
            (subrun.to_string() == text).then_some(subrun)
        });
        (inner.is_empty() || inner.ends_with('.')).then_some(Named { run: number, subrun })
    }
}

type Listing = BTreeMap<String, FileType>;

impl Survey {
    /// Looks through the night's directories for files of `runs`, without those of subruns that
    /// somebody has decided to leave out. Blocks on the disk.
    pub fn of(paths: &NightPaths, runs: &[RunId], dropped: &BTreeSet<(RunId, Subrun)>) -> Self {
        let mut survey = Self {
            provenance: paths.provenance_log().is_file(),
            night_closed: paths.night_finished().exists(),
            longterm: paths.longterm_file("h5").is_file(),
            ..Self::default()
        };
        let mut listings = HashMap::new();
        for level in LEVELS {
            let wanted = |named: &Named| {
                let left_out = |subrun| dropped.contains(&(named.run, subrun));
                runs.contains(&named.run) && !named.subrun.is_some_and(left_out)
            };
            survey.level(paths, level, wanted, &mut listings);
        }
        let order = |run: RunId| runs.iter().position(|other| *other == run);
        survey.groups.sort_by_key(|group| order(group.run));
        survey
    }

    fn level(
        &mut self,
        paths: &NightPaths,
        level: Level,
        wanted: impl Fn(&Named) -> bool,
        listings: &mut HashMap<PathBuf, Listing>,
    ) {
        let Some(to) = paths.final_dir(level) else { return };
        let from = paths.running_dir(level);
        let links = match level {
            Level::Dl1ab => vec![from.clone(), paths.analysis_dir()],
            Level::Muons | Level::Interleaved => vec![from.clone()],
            Level::Dl1 | Level::Datacheck | Level::Dl2 => Vec::new(),
        };
        for directory in [&from, &to].into_iter().chain(&links) {
            if !listings.contains_key(directory) {
                let listing = list(directory).unwrap_or_else(|cause| {
                    self.unreadable.push((directory.clone(), cause.to_string()));
                    Listing::new()
                });
                listings.insert(directory.clone(), listing);
            }
        }
        let empty = Listing::new();
        let seen = |directory: &Path| listings.get(directory).unwrap_or(&empty);
        let sight = Sight {
            shape: Shape::of(paths, level),
            source: seen(&from),
            target: seen(&to),
            links: links.iter().map(|directory| seen(directory)).collect(),
        };
        let text = |directory: &Path| directory.display().to_string();
        let mut groups: BTreeMap<RunId, Vec<PlannedFile>> = BTreeMap::new();
        let names: BTreeSet<&String> = sight.source.keys().chain(sight.target.keys()).collect();
        for name in names {
            let Some(named) = sight.shape.read(name) else { continue };
            if !wanted(&named) {
                continue;
            }
            if named.subrun.is_some() {
                self.present.insert((named.run, level));
            }
            let Some(step) = sight.step(name, &named) else { continue };
            let step = match step {
                FileStep::Same => match same_content(&from.join(name), &to.join(name)) {
                    Ok(true) => FileStep::Same,
                    Ok(false) => {
                        let (file, there) = (Stamp::of(from.join(name)), Stamp::of(to.join(name)));
                        self.clashes.push(Clash { run: named.run, level, file, there });
                        continue;
                    }
                    Err(error) => {
                        self.unreadable.push((from.join(name), error.to_string()));
                        continue;
                    }
                },
                step => step,
            };
            let place = if step == FileStep::Link { &to } else { &from };
            let bytes = place.join(name).symlink_metadata().map_or(0, |found| found.len());
            groups.entry(named.run).or_default().push(PlannedFile {
                name: name.clone(),
                bytes,
                step,
            });
        }
        self.groups.extend(groups.into_iter().map(|(run, files)| MoveGroup {
            run,
            level,
            from: text(&from),
            to: text(&to),
            links: links.iter().map(|directory| text(directory)).collect(),
            files,
        }));
    }

    /// Whether files of a run are still to be moved.
    pub fn moves(&self, run: RunId) -> bool {
        self.groups.iter().any(|group| group.run == run && group.moved().next().is_some())
    }
}

/// The directories that a level has to do with.
struct Sight<'a> {
    shape: Shape,
    source: &'a Listing,
    target: &'a Listing,
    links: Vec<&'a Listing>,
}

impl Sight<'_> {
    /// What is left to be done for a file; `Same` if one must see whether both are the same.
    fn step(&self, name: &str, named: &Named) -> Option<FileStep> {
        let source = self.source.get(name).is_some_and(FileType::is_file);
        let target = self.target.contains_key(name);
        match (source, target) {
            (true, false) => Some(FileStep::Move),
            (true, true) => Some(FileStep::Same),
            (false, true) if named.subrun.is_some() => {
                let linked =
                    |listing: &&Listing| listing.get(name).is_some_and(FileType::is_symlink);
                (!self.links.iter().all(linked)).then_some(FileStep::Link)
            }
            (false, _) => None,
        }
    }
}

/// The files and links of a directory; one that is missing holds none.
fn list(directory: &Path) -> io::Result<Listing> {
    let entries = match fs::read_dir(directory) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Listing::new()),
        entries => entries?,
    };
    let mut listing = Listing::new();
    for entry in entries {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str() {
            listing.insert(name.to_owned(), entry.file_type()?);
        }
    }
    Ok(listing)
}

/// The run whose number a product's name carries, of whichever level; for the manifest.
pub(super) fn run_of(paths: &NightPaths, level: Level, name: &OsStr) -> Option<RunId> {
    Shape::of(paths, level).read(name.to_str()?).map(|named| named.run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::fixture::Golden;

    fn survey(golden: &Golden) -> Survey {
        let dropped = BTreeSet::from([(RunId(19102), Subrun(7))]);
        Survey::of(&golden.paths, &[19101, 19102, 19106].map(RunId), &dropped)
    }

    fn names(survey: &Survey) -> Vec<(Level, FileStep, String)> {
        let files = |group: &MoveGroup| {
            let level = group.level;
            group.files.iter().map(move |f| (level, f.step, f.name.clone())).collect::<Vec<_>>()
        };
        survey.groups.iter().flat_map(files).collect()
    }

    #[test]
    fn whatever_carries_the_number_is_moved_and_nothing_else() {
        let golden = Golden::new();
        for name in [
            "muons_LST-1.Run19102.1910.fits", // a subrun that the summary does not know
            "muons_LST-1.Run01910.0000.fits", // another run
            "muons_LST-1.Run191020.0000.fits", // another run
            "muons_LST-1.Run19102.0007.fits", // left out by decision
            "muons_LST-1.Run19102.0000.fits~", // something else
            "xmuons_LST-1.Run19102.0000.fits", // something else
            "tailcut84/datacheck_dl1_LST-1.Run19102.0000.pdf",
        ] {
            golden.analysis(name, "");
        }
        let found = names(&survey(&golden));
        let of = |level, name: &str| (level, FileStep::Move, name.to_owned());
        assert_eq!(
            found,
            [
                of(Level::Dl1ab, "dl1_LST-1.Run19102.0000.h5"),
                of(Level::Muons, "muons_LST-1.Run19102.0000.fits"),
                of(Level::Muons, "muons_LST-1.Run19102.1910.fits"),
                of(Level::Datacheck, "datacheck_dl1_LST-1.Run19102.0000.h5"),
                of(Level::Datacheck, "datacheck_dl1_LST-1.Run19102.0000.pdf"),
                of(Level::Dl2, "dl2_LST-1.Run19102.0000.h5"),
            ]
        );
    }

    #[test]
    fn what_is_in_the_place_is_compared() {
        let golden = Golden::new();
        let to = |level, name: &str| golden.paths.final_dir(level).unwrap().join(name);
        golden.put(to(Level::Dl2, "dl2_LST-1.Run19102.0000.h5"), "x"); // the same
        golden.put(to(Level::Muons, "muons_LST-1.Run19102.0000.fits"), "y"); // another
        golden.put(to(Level::Interleaved, "interleaved_LST-1.Run19102.0000.h5"), "only there");
        golden.put(to(Level::Dl1ab, "dl1_LST-1.Run19102.h5"), "run-wise: needs no link");
        let survey = survey(&golden);
        let found = names(&survey);
        assert!(found.contains(&(Level::Dl2, FileStep::Same, "dl2_LST-1.Run19102.0000.h5".into())));
        let link = "interleaved_LST-1.Run19102.0000.h5";
        assert!(found.contains(&(Level::Interleaved, FileStep::Link, link.into())));
        assert!(
            !found.iter().any(|(level, _, name)| *level == Level::Muons || name.ends_with("02.h5"))
        );
        assert_eq!(survey.clashes.len(), 1);
        assert_eq!(
            survey.clashes[0].there.path,
            to(Level::Muons, "muons_LST-1.Run19102.0000.fits")
        );
        assert!(survey.present.contains(&(RunId(19102), Level::Interleaved)));
    }
}
