//! `osa backup`: a copy of the site's database.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::config::Settings;
use crate::internal::blocking;
use crate::store::{self, SiteDatabase};

use super::Outcome;

/// Copy the site's database to a file, also while it is in use.
///
/// The copy is whole or not written at all; it takes the place of an older one. `osa restore` puts it
/// back. Keep it on another disk: see docs/database.md.
#[derive(Debug, Args)]
pub struct Backup {
    /// Use this configuration file [default: $OSA_CONFIG, ./sequencer.cfg, or the installed one]
    #[arg(short, long, value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// The copy
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Copies it.
pub async fn run(args: Backup) -> Outcome {
    let config = args.config;
    let settings = blocking(move || Settings::load(config.as_deref())).await??;
    let from = store::backup(&SiteDatabase::of(&settings), &args.file).await?;
    eprintln!("copied {} to {}", from.display(), args.file.display());
    Ok(ExitCode::SUCCESS)
}
