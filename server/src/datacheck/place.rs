//! Where the datacheck files of a run are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::model::{Level, RunId};
use crate::night::NightPaths;

use super::run::{run_number, subrun_number};

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

    /// The merged file once there is one, else what the subruns have left so far: in their final
    /// place, else where the night is worked on. Blocks on the disk.
    pub fn find(paths: &NightPaths, run: RunId) -> Self {
        let merged = paths.final_dir(Level::Datacheck);
        let merged = merged.map(|dir| dir.join(paths.product_name(Level::Datacheck, run, None)));
        let datacheck = match merged.filter(|file| file.is_file()) {
            Some(merged) => vec![merged],
            None => by_subrun(paths, Level::Datacheck, run).into_values().collect(),
        };
        Self { datacheck, muons: by_subrun(paths, Level::Muons, run) }
    }
}

fn by_subrun(paths: &NightPaths, level: Level, run: RunId) -> BTreeMap<i64, PathBuf> {
    let mut files = BTreeMap::new();
    let directories = [Some(paths.running_dir(level)), paths.final_dir(level)];
    for directory in directories.into_iter().flatten() {
        for file in entries(&directory) {
            let named = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let is_of = run_number(&file) == Some(i64::from(run.0));
            if let Some(subrun) = subrun_number(&file).filter(|_| is_of) {
                let number = u32::try_from(subrun).unwrap_or(u32::MAX);
                let name = paths.product_name(level, run, Some(crate::model::Subrun(number)));
                if name == named {
                    files.insert(subrun, file);
                }
            }
        }
    }
    files
}

/// What is in a directory; nothing if it cannot be read.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}
