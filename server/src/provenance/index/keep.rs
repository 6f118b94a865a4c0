//! Which logs there are, and keeping the index up with them.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::model::NightDate;
use crate::night::NightPaths;
use crate::store::Store;

use super::{IndexError, update};

/// Nights that are kept up with, the newest. What a log of ten thousand subruns adds to the database
/// is some fifteen megabytes, so not all nights ever are.
const NIGHTS: usize = 60;

/// A log is looked at this often.
const PERIOD: Duration = Duration::from_secs(5);

/// Logs of the newest nights that have one, the newest first. Blocks.
pub fn logs(any_night: &NightPaths) -> io::Result<Vec<PathBuf>> {
    let root = &any_night.config.directories.analysis_dir;
    let mut dates: Vec<NightDate> = std::fs::read_dir(root)?
        .filter_map(|entry| NightDate::from_compact(entry.ok()?.file_name().to_str()?).ok())
        .collect();
    dates.sort_unstable();
    let of_night = |date| any_night.of_night(date).provenance_log();
    let logs = dates.into_iter().rev().map(of_night).filter(|log| log.is_file());
    Ok(logs.take(NIGHTS).collect())
}

/// How a log was when it was indexed last.
type Looks = (u64, u64, Option<SystemTime>);

/// Keeps the index up with the logs.
#[derive(Debug)]
pub struct Keeper {
    store: Store,
    any_night: Arc<NightPaths>,
    indexed: HashMap<PathBuf, Looks>,
}

impl Keeper {
    /// Has looked at nothing yet.
    pub fn new(store: Store, any_night: NightPaths) -> Self {
        Self { store, any_night: Arc::new(any_night), indexed: HashMap::new() }
    }

    /// Keeps the index up for ever. What cannot be read is said once, and tried again.
    pub async fn run(mut self) {
        let mut said = String::new();
        loop {
            match self.look().await {
                Ok(()) => said.clear(),
                Err(error) => {
                    let error = error.to_string();
                    if error != said {
                        tracing::warn!(error, "the provenance index is not up to date");
                        said = error;
                    }
                }
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    /// Indexes what was added to any log since the last look.
    #[tracing::instrument(name = "provenance_index", level = "debug", skip_all)]
    pub async fn look(&mut self) -> Result<(), IndexError> {
        let any_night = Arc::clone(&self.any_night);
        let found = tokio::task::spawn_blocking(move || looks(&any_night)).await;
        let found = found.unwrap_or_else(|error| Err(io::Error::other(error)));
        let found = found.map_err(|cause| {
            let file = self.any_night.config.directories.analysis_dir.clone();
            IndexError::Read { file, cause }
        })?;
        for (log, looks) in found {
            if self.indexed.get(&log) != Some(&looks) {
                update(&self.store, &log).await?;
                self.indexed.insert(log, looks);
            }
        }
        Ok(())
    }
}

fn looks(any_night: &NightPaths) -> io::Result<Vec<(PathBuf, Looks)>> {
    let with_looks = |log: PathBuf| {
        let data = log.metadata().ok()?;
        let looks = (data.ino(), data.len(), data.modified().ok());
        Some((log, looks))
    };
    Ok(logs(any_night)?.into_iter().filter_map(with_looks).collect())
}
