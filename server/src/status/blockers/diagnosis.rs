//! What failures are diagnosed by.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use crate::internal::lock;

use super::known::{KnownError, KnownErrorsError, load};
use super::logs::LogCache;

/// How failures are diagnosed: the known errors, and what was found in logs before. One for the
/// whole program.
#[derive(Debug)]
pub struct Diagnosis {
    file: Option<PathBuf>,
    known: Mutex<Known>,
    pub(super) logs: LogCache,
}

#[derive(Debug)]
struct Known {
    changed: Option<SystemTime>,
    errors: Arc<Vec<KnownError>>,
    /// Why the file as it is now cannot be used; `errors` are the last good ones.
    problem: Option<KnownErrorsError>,
}

impl Default for Diagnosis {
    /// By the known errors that the program brings along.
    fn default() -> Self {
        // A test sees to it that they are good.
        let errors = load(None).unwrap_or_default();
        let known = Known { changed: None, errors: Arc::new(errors), problem: None };
        Self { file: None, known: Mutex::new(known), logs: LogCache::default() }
    }
}

impl Diagnosis {
    /// By the known errors in `file`, or by those that the program brings along. Blocks.
    ///
    /// # Errors
    /// The file cannot be read, or is not what it should be.
    pub fn new(file: Option<PathBuf>) -> Result<Self, KnownErrorsError> {
        let changed = file.as_deref().and_then(changed);
        let errors = Arc::new(load(file.as_deref())?);
        let known = Mutex::new(Known { changed, errors, problem: None });
        Ok(Self { file, known, logs: LogCache::default() })
    }

    /// The known errors as the file has them now. A file that was broken meanwhile is reported, and the
    /// errors are those that it had before.
    pub(super) fn errors(&self) -> (Arc<Vec<KnownError>>, Option<KnownErrorsError>) {
        let mut known = lock(&self.known);
        if let Some(file) = &self.file {
            let now = changed(file);
            if now != known.changed {
                known.changed = now;
                known.problem = None;
                match load(Some(file)) {
                    Ok(errors) => {
                        known.errors = Arc::new(errors);
                        self.logs.clear();
                    }
                    Err(problem) => known.problem = Some(problem),
                }
            }
        }
        (Arc::clone(&known.errors), known.problem.clone())
    }
}

fn changed(file: &Path) -> Option<SystemTime> {
    file.metadata().and_then(|metadata| metadata.modified()).ok()
}
