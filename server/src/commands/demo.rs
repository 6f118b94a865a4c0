//! `osa demo DIR`: demo nights.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::Utc;
use clap::Args;

use crate::config::{ServerConfig, Settings};
use crate::demo::{self, DemoError};
use crate::internal::{InternalError, blocking, executable};
use crate::people;
use crate::store::SiteDatabase;

use super::{Failure, Outcome, link};

/// Make a directory with demo nights of every fate, and stand-ins for the lstchain executables.
#[derive(Debug, Args)]
pub struct Demo {
    /// Directory to make; it must be missing or empty
    dir: PathBuf,
    /// The stand-ins' program [default: lstchain-standin beside this program]
    #[arg(long, value_name = "FILE")]
    tools: Option<PathBuf>,
    /// Leave out the large night (40 runs × 150 subruns, 48,000 files)
    #[arg(long)]
    without_large: bool,
    /// Print what was made as JSON
    #[arg(long)]
    json: bool,
}

/// Makes the demo and says what is in it.
pub async fn run(arguments: Demo) -> Outcome {
    let program = executable()?.canonicalize().map_err(InternalError::Executable)?;
    let tools = arguments.tools.clone().unwrap_or_else(|| program.with_file_name(demo::STANDIN));
    if !tools.is_file() {
        return Err(DemoError::NoTools(program).into());
    }
    let dir = arguments.dir.clone();
    let large = !arguments.without_large;
    let made = blocking(move || demo::create(&dir, &tools, large, Utc::now())).await??;
    let dir = made.config.file.parent().map(PathBuf::from).unwrap_or_default();
    link::link_into(&dir.join("bin"), &program)?;
    remember(&made).await?;
    if arguments.json {
        println!("{}", json(&made));
    } else {
        println!("{}", made.config.file.display());
    }
    for night in &made.nights {
        eprintln!("{}  {}", night.date, night.story);
    }
    Ok(ExitCode::SUCCESS)
}

/// Puts the jobs of the processed nights into the local scheduler's records, and the users into ours.
async fn remember(made: &demo::Demo) -> Result<(), Failure> {
    let site = Arc::clone(&made.config);
    let settings = blocking(move || {
        // Whatever the caller's variables say of another site.
        let toml = site.file.with_file_name("osa.toml");
        ServerConfig::read(Some(&toml), &|_| None).map(|server| Settings { site, server })
    });
    let store = SiteDatabase::of(&settings.await??).open().await?;
    for (role, name, password) in demo::USERS {
        people::add_user(&store, &name.parse()?, role, password, Utc::now()).await?;
    }
    Ok(store.remember_local_jobs(&made.past_jobs).await?)
}

fn json(made: &demo::Demo) -> serde_json::Value {
    let nights: Vec<_> = made
        .nights
        .iter()
        .map(|night| serde_json::json!({ "date": night.date, "story": night.story }))
        .collect();
    serde_json::json!({ "config": made.config.file, "nights": nights })
}
