//! `osa local-scheduler`: the supervisor of the local scheduler's queue. Started on demand.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::{Outcome, logging};
use crate::schedule::local::{Place, detach, supervise};
use crate::store::Store;
use crate::store::local_queue::LocalQueue;

/// Arguments of `osa local-scheduler`.
#[derive(Clone, Debug, Args)]
pub struct LocalScheduler {
    /// The database with the queue
    #[arg(long, value_name = "FILE")]
    database: PathBuf,
}

/// Works until there is nothing to do.
pub async fn run(args: LocalScheduler) -> Outcome {
    detach()?;
    logging::start_in_file()?;
    let place = Place::of(&args.database)?;
    let queue = LocalQueue::new(Store::open(place.database()).await?);
    supervise(&queue, &place, &program()?).await?;
    Ok(ExitCode::SUCCESS)
}

/// This program's file as it was called: that stays right when it is replaced by a newer one.
fn program() -> std::io::Result<PathBuf> {
    let called = std::env::args_os().next().map(PathBuf::from);
    match called.filter(|path| path.is_absolute() && Path::exists(path)) {
        Some(path) => Ok(path),
        None => std::env::current_exe(),
    }
}
