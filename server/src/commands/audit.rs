//! `osa audit`: who did what to a night.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::config::Settings;
use crate::internal::blocking;
use crate::model::{AuditEntry, NightDate};
use crate::store::SiteDatabase;

use super::{Failure, Outcome, stages, warn};

/// Print the audit log of a night: who did what, when, and with what outcome.
#[derive(Clone, Debug, Args)]
pub struct Audit {
    /// Use this configuration file [default: $OSA_CONFIG, ./sequencer.cfg, or the installed one]
    #[arg(short, long, value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Print JSON, with the plans
    #[arg(long)]
    json: bool,
    /// Date (YYYY-MM-DD) of the start of the night
    #[arg(value_name = "DATE")]
    date: NightDate,
}

/// Prints the night's audit log, oldest line first; changes nothing.
pub async fn run(args: Audit) -> Outcome {
    let config = args.config.clone();
    let (settings, prod_id) = blocking(move || {
        let settings = Settings::load(config.as_deref())?;
        let prod_id = stages::production(None, &settings)?;
        Ok::<_, Failure>((settings, prod_id))
    })
    .await??;
    let access = SiteDatabase::of(&settings).open_to_read().await?;
    let unread = access.store.is_none() && access.notice.is_some();
    warn(access.notice.as_ref());
    let entries = match access.store {
        Some(store) => store.audit_log(args.date, &prod_id).await?,
        None => Vec::new(),
    };
    let text = match args.json {
        true => serde_json::to_string_pretty(&entries)? + "\n",
        false => entries.iter().map(line).collect(),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    if entries.is_empty() && !args.json && !unread {
        eprintln!("The audit log of {} is empty.", args.date);
    }
    Ok(ExitCode::SUCCESS)
}

fn line(entry: &AuditEntry) -> String {
    let AuditEntry { id, author, action, process, .. } = entry;
    let begun = entry.begun.format("%Y-%m-%d %H:%M:%S UTC");
    let outcome = match &entry.outcome {
        Some(outcome) if outcome.success => outcome.message.clone(),
        Some(outcome) => format!("failed: {}", outcome.message),
        None => format!("in progress in {process}, or that program died"),
    };
    format!("{id}  {begun}  {author}  {action}: {outcome}\n")
}
