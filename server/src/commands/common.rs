//! Flags that the original's commands share.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::Args;

use crate::config::{Settings, SiteConfig};
use crate::model::{NightDate, Notice};
use crate::store::SiteDatabase;

use super::Failure;

/// Says on standard error what a shifter should know of the database.
pub fn warn(notice: Option<&Notice>) {
    let Some(Notice { message, hint, .. }) = notice else { return };
    eprintln!("warning: {message}");
    if !hint.is_empty() {
        eprintln!("hint: {hint}");
    }
}

/// Warns if the site's database cannot be read, for commands that only look.
///
/// # Errors
/// It is damaged.
pub async fn warn_of_database(settings: &Settings) -> Result<(), Failure> {
    let access = SiteDatabase::of(settings).open_to_read().await?;
    warn(access.notice.as_ref());
    Ok(())
}

/// `-c -d -s -t -v`, as every command of the original has them.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Use this configuration file [default: $OSA_CONFIG, ./sequencer.cfg, or the installed one]
    #[arg(short, long, value_name = "CONFIG")]
    pub config: Option<PathBuf>,
    /// Date (YYYY-MM-DD) of the start of the night [default: yesterday]
    #[arg(short, long, value_name = "DATE")]
    pub date: Option<NightDate>,
    /// Do not run, just simulate what would happen
    #[arg(short, long)]
    pub simulate: bool,
    /// Avoid interaction with the scheduler
    #[arg(short, long)]
    pub test: bool,
    /// Say more on standard error
    #[arg(short, long)]
    pub verbose: bool,
}

impl Common {
    /// Loads the configuration that the flags, the environment or the defaults name.
    pub fn site(&self) -> Result<Arc<SiteConfig>, Failure> {
        Ok(self.settings()?.site)
    }

    /// Loads both configurations, of the analysis and of the program.
    pub fn settings(&self) -> Result<Settings, Failure> {
        Ok(Settings::load(self.config.as_deref())?)
    }

    /// The night asked for, else yesterday's.
    pub fn night(&self, now: DateTime<Utc>) -> NightDate {
        self.date.unwrap_or_else(|| NightDate::new(now.date_naive()).days_before(1))
    }
}
