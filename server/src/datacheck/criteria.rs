//! Thresholds in use: those of a file that may be changed while the program runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use crate::internal::lock;

use super::error::DatacheckError;
use super::thresholds::Thresholds;

/// The thresholds as their file has them now; of a file that was broken meanwhile, those that it had
/// before. One for the whole program.
#[derive(Debug)]
pub struct Criteria {
    file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    changed: Option<SystemTime>,
    current: Current,
}

/// Thresholds, and whether they are what the file says now.
#[derive(Clone, Debug)]
pub struct Current {
    /// The thresholds.
    pub thresholds: Arc<Thresholds>,
    /// Differs whenever they do.
    pub version: u64,
    /// Why the file as it is now cannot be used.
    pub problem: Option<String>,
}

impl Criteria {
    /// Those of `file`, or those that the program brings along. Blocks.
    ///
    /// # Errors
    /// The file cannot be read, or is not what it should be.
    pub fn new(file: Option<PathBuf>) -> Result<Self, DatacheckError> {
        let changed = file.as_deref().and_then(changed);
        let thresholds = file.as_deref().map_or_else(Thresholds::shipped, Thresholds::load)?;
        let current = Current { thresholds: Arc::new(thresholds), version: 0, problem: None };
        Ok(Self { file, state: Mutex::new(State { changed, current }) })
    }

    /// The thresholds to judge by. Blocks.
    pub fn current(&self) -> Current {
        let mut state = lock(&self.state);
        let Some(file) = &self.file else { return state.current.clone() };
        let now = changed(file);
        if now != state.changed {
            state.changed = now;
            match Thresholds::load(file) {
                Ok(thresholds) => {
                    state.current.thresholds = Arc::new(thresholds);
                    state.current.version += 1;
                    state.current.problem = None;
                }
                Err(error) => state.current.problem = Some(error.to_string()),
            }
        }
        state.current.clone()
    }
}

fn changed(file: &Path) -> Option<SystemTime> {
    file.metadata().and_then(|metadata| metadata.modified()).ok()
}

#[cfg(test)]
mod tests {
    use std::fs::{File, write};
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_changed_file_is_used_at_once_and_a_broken_one_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("datacheck.toml");
        let mut time = SystemTime::now();
        let mut put = |text: &str| {
            write(&file, text).unwrap();
            time += Duration::from_secs(1);
            File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
        };
        put("[[rule]]\nquantity = \"muon_efficiency\"\nwarn = { min = 0.1 }\n");
        let criteria = Criteria::new(Some(file.clone())).unwrap();
        assert_eq!(criteria.current().version, 0);
        put("[[rule]]\nquantity = \"muon_efficiency\"\nwarn = { min = 0.2 }\n");
        assert_eq!(criteria.current().version, 1);
        put("[[rule]]\nquantity = \"nonsense\"\n");
        let broken = criteria.current();
        assert_eq!(broken.version, 1);
        let problem = broken.problem.unwrap();
        assert!(problem.contains("datacheck.toml") && problem.contains("nonsense"), "{problem}");
        put("");
        assert_eq!((criteria.current().version, criteria.current().problem), (2, None));
        assert!(Criteria::new(Some(dir.path().join("none.toml"))).is_err());
    }
}
