//! `osa local-task`: runs one task of the local scheduler's queue. Started by the supervisor.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Outcome, logging};
use crate::model::JobId;
use crate::schedule::local::{Place, detach, run_task};
use crate::store::Store;
use crate::store::local_queue::{LocalQueue, TaskKey};

/// Arguments of `osa local-task`.
#[derive(Clone, Debug, Args)]
pub struct LocalTask {
    /// The database with the queue
    #[arg(long, value_name = "FILE")]
    database: PathBuf,
    /// Token of the supervisor's order
    #[arg(long, value_name = "TOKEN")]
    claim: String,
    /// Number of the job
    job: u64,
    /// Index of the task
    task: u32,
}

/// Runs the task to its end, and records that.
pub async fn run(args: LocalTask) -> Outcome {
    detach()?;
    logging::start_in_file()?;
    let place = Place::of(&args.database)?;
    let queue = LocalQueue::new(Store::open(place.database()).await?);
    let key = TaskKey { job: JobId(args.job), task: args.task };
    run_task(&queue, &place, key, &args.claim).await?;
    Ok(ExitCode::SUCCESS)
}
