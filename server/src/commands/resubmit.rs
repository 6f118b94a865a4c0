//! `osa resubmit`: jobs of one run once more.

use clap::Args;

use crate::model::{NightDate, Remedy, RunId, Subrun, hostlist};
use crate::schedule::script::Array;

use super::act::{self, Act};
use super::{Failure, Outcome};

/// Submit a run again, or some of its subruns, after whatever is in the way is removed.
///
/// Vetoes of these subruns are lifted. Nothing is submitted while a job of the run waits or runs.
#[derive(Clone, Debug, Args)]
pub struct Resubmit {
    #[command(flatten)]
    act: Act,
    /// Date (YYYY-MM-DD) of the start of the night
    #[arg(value_name = "DATE")]
    date: NightDate,
    /// The run
    #[arg(value_name = "RUN")]
    run: RunId,
    /// Only these subruns, such as 0-2,5 [default: all that are not done]
    #[arg(long, value_name = "SUBRUNS")]
    subruns: Option<String>,
    /// Memory a processor, such as 8GB, from now on
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Walltime, such as 12:00:00, from now on
    #[arg(long, value_name = "TIME")]
    walltime: Option<String>,
    /// Remove what they have made first
    #[arg(long)]
    remove_products: bool,
    /// Do not run on these nodes this time, such as cp01,cp[03-05]
    #[arg(long, value_name = "LIST", value_parser = hostlist)]
    exclude_nodes: Option<String>,
}

/// Plans and, without `-s`, submits.
pub async fn run(args: Resubmit) -> Outcome {
    let Resubmit { act, date, run, subruns, memory, walltime, remove_products, exclude_nodes } =
        args;
    let subruns = subruns.as_deref().map(read).transpose()?.unwrap_or_default();
    let remedy =
        Remedy::Resubmit { run, subruns, memory, walltime, remove_products, exclude_nodes };
    act::run(act, date, remedy).await
}

fn read(text: &str) -> Result<Vec<Subrun>, Failure> {
    let array: Array = text
        .parse()
        .map_err(|why: String| Failure::new(format!("--subruns {text:?}: {why}")).code(2))?;
    Ok(array.indices().map(Subrun).collect())
}
