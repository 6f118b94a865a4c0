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
type Fingerprint = (u64, u64, Option<SystemTime>);

/// Keeps the index up with the logs.
#[derive(Debug)]
pub struct Keeper {
    store: Store,
    any_night: Arc<NightPaths>,
    indexed: HashMap<PathBuf, Fingerprint>,
}

impl Keeper {
    /// Nothing is indexed yet.
    pub fn new(store: Store, any_night: NightPaths) -> Self {
        Self { store, any_night: Arc::new(any_night), indexed: HashMap::new() }
    }

    /// Keeps the index up to date forever. An error is logged once, and the work tried again.
    pub async fn run(mut self) {
        let mut reported = String::new();
        loop {
            match self.index_new().await {
                Ok(()) => reported.clear(),
                Err(error) => {
                    let error = error.to_string();
                    if error != reported {
                        tracing::warn!(error, "the provenance index is not up to date");
                        reported = error;
                    }
                }
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    /// Indexes what was added to any log since the last call.
    #[tracing::instrument(name = "provenance_index", level = "debug", skip_all)]
    pub async fn index_new(&mut self) -> Result<(), IndexError> {
        let any_night = Arc::clone(&self.any_night);
        let found = tokio::task::spawn_blocking(move || fingerprints(&any_night)).await;
        let found = found.unwrap_or_else(|error| Err(io::Error::other(error)));
        let found = found.map_err(|cause| {
            let file = self.any_night.config.directories.analysis_dir.clone();
            IndexError::Read { file, cause }
        })?;
        for (log, fingerprint) in found {
            if self.indexed.get(&log) != Some(&fingerprint) {
                update(&self.store, &log).await?;
                self.indexed.insert(log, fingerprint);
            }
        }
        Ok(())
    }
}

fn fingerprints(any_night: &NightPaths) -> io::Result<Vec<(PathBuf, Fingerprint)>> {
    let with_fingerprint = |log: PathBuf| {
        let data = log.metadata().ok()?;
        let fingerprint = (data.ino(), data.len(), data.modified().ok());
        Some((log, fingerprint))
    };
    Ok(logs(any_night)?.into_iter().filter_map(with_fingerprint).collect())
}
