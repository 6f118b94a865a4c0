//! `osa move-database`: the site's database to where the settings have it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::config::Settings;
use crate::internal::blocking;
use crate::store::{self, SiteDatabase};

use super::Outcome;

/// Move the site's database to where the settings have it on this machine.
///
/// Earlier versions kept it in OSA_DIR, which is mostly on a shared disk. Stop the server and cron's
/// commands first. The old file is kept under another name.
#[derive(Debug, Args)]
pub struct MoveDatabase {
    /// Use this configuration file [default: $OSA_CONFIG, ./sequencer.cfg, or the installed one]
    #[arg(short, long, value_name = "CONFIG")]
    config: Option<PathBuf>,
}

/// Moves it.
pub async fn run(args: MoveDatabase) -> Outcome {
    let settings = blocking(move || Settings::load(args.config.as_deref())).await??;
    let moved = store::move_here(&SiteDatabase::of(&settings)).await?;
    eprintln!("the site's database is now {}", moved.file.display());
    if let Some(aside) = moved.aside {
        eprintln!("the old file is {}; remove it once all is well", aside.display());
    }
    Ok(ExitCode::SUCCESS)
}
