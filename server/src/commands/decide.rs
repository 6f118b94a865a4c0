//! `osa decide`: decisions about runs, beside the run summary.

use clap::{Args, Subcommand};

use crate::model::{NightDate, Remedy, RunId};

use super::Outcome;
use super::act::{self, Act};

/// Decide about a run, without touching the run summary.
///
/// A decision is kept with its author, shown wherever it acts, exported with the night
/// (decisions_YYYYMMDD.json), and acts until it is undone.
#[derive(Clone, Debug, Args)]
pub struct Decide {
    #[command(flatten)]
    act: Act,
    /// Date (YYYY-MM-DD) of the start of the night
    #[arg(value_name = "DATE")]
    date: NightDate,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Verb {
    /// Leave the last subrun of a run out
    DropLastSubrun {
        /// The run
        run: RunId,
    },
    /// Do not process a run, as if its type were EDATA
    Exclude {
        /// The run
        run: RunId,
    },
    /// Submit no more jobs of a run
    Veto {
        /// The run
        run: RunId,
    },
    /// Lift the vetoes of a run and of its subruns
    Unveto {
        /// The run
        run: RunId,
    },
    /// End a decision
    Undo {
        /// Its number
        id: i64,
    },
}

/// Plans the decision and, without `-s`, makes it.
pub async fn run(args: Decide) -> Outcome {
    let remedy = match args.verb {
        Verb::DropLastSubrun { run } => Remedy::DropLastSubrun { run },
        Verb::Exclude { run } => Remedy::ExcludeRun { run },
        Verb::Veto { run } => Remedy::Veto { run },
        Verb::Unveto { run } => Remedy::Unveto { run },
        Verb::Undo { id } => Remedy::Undo { decision: id },
    };
    act::run(args.act, args.date, remedy).await
}
