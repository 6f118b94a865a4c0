//! `osa restore`: a backup in the place of the site's database.

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::Utc;
use clap::Args;

use crate::config::Settings;
use crate::internal::blocking;
use crate::store::{self, SiteDatabase};

use super::Outcome;

/// Put a backup in the place of the site's database.
///
/// Stop the server and cron's commands first. Whatever was recorded after the backup was made is lost:
/// see docs/database.md for what to look at before anything is launched again. The present database is
/// kept beside it, under another name.
#[derive(Debug, Args)]
pub struct Restore {
    /// Use this configuration file [default: $OSA_CONFIG, ./sequencer.cfg, or the installed one]
    #[arg(short, long, value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Let this machine own the site from now on, whichever did before; no other may go on writing
    #[arg(long)]
    take_over: bool,
    /// A file that `osa backup` has written
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Restores it.
pub async fn run(args: Restore) -> Outcome {
    let config = args.config;
    let settings = blocking(move || Settings::load(config.as_deref())).await??;
    let site = SiteDatabase::of(&settings);
    let restored = store::restore(&site, &args.file, args.take_over, Utc::now()).await?;
    eprintln!("restored {} from {}", restored.file.display(), args.file.display());
    if let Some(aside) = restored.aside {
        eprintln!("the database that was there before is {}", aside.display());
    }
    eprintln!("hint: see whether the scheduler has jobs that are newer than the backup");
    Ok(ExitCode::SUCCESS)
}
