//! `osa token`: tokens of programs that use the JSON interface.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use clap::{Args, Subcommand};

use crate::model::{ApiToken, PersonName, Role};
use crate::people;

use super::{Outcome, user};

/// Manage tokens of programs that use the JSON interface.
///
/// A program sends its token as `Authorization: Bearer osa_…`. It may do what its role may, and no
/// more than its owner, if it was made in the browser by somebody.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// Use this configuration file [default: $OSA_CONFIG, ./sequencer.cfg, or the installed one]
    #[arg(short, long, value_name = "CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a token and print it, this once: it is kept as a hash
    Add {
        /// What it is for; signs what is done with it
        name: PersonName,
        /// viewer, shifter or admin
        #[arg(long)]
        role: Role,
        /// First day (UTC) on which it is void [default: it does not expire]
        #[arg(long, value_name = "YYYY-MM-DD")]
        expires: Option<NaiveDate>,
    },
    /// List the tokens, which are not shown themselves
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a token void, at once
    Revoke {
        /// The token
        name: PersonName,
    },
}

/// Does it and says so.
pub async fn run(args: TokenArgs) -> Outcome {
    let now = Utc::now();
    if let Verb::List { json } = args.verb {
        // Needs no right to write.
        let tokens = match user::open_to_read(args.config.as_deref()).await? {
            Some(store) => store.tokens().await?,
            None => Vec::new(),
        };
        return list(&tokens, json, now);
    }
    let store = user::open(args.config.as_deref()).await?;
    let done = match args.verb {
        Verb::Add { name, role, expires } => {
            let expires = expires.map(|day| day.and_time(NaiveTime::MIN).and_utc());
            let secret = people::add_token(&store, &name, role, None, expires, now).await?;
            writeln!(std::io::stdout(), "{}", secret.reveal())?;
            eprintln!("keep it well: it is not shown again");
            Ok(ExitCode::SUCCESS)
        }
        Verb::List { json } => list(&store.tokens().await?, json, now),
        Verb::Revoke { name } => {
            people::revoke_token(&store, &name, None, now).await?;
            eprintln!("revoked {name}");
            Ok(ExitCode::SUCCESS)
        }
    };
    store.close().await;
    done
}

fn list(tokens: &[ApiToken], json: bool, now: DateTime<Utc>) -> Outcome {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(tokens)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let width = tokens.iter().map(|token| token.name.as_str().len()).max().unwrap_or(0);
    for token in tokens {
        let (name, role) = (&token.name, token.role);
        let owner = token.owner.as_ref().map_or(String::new(), |owner| format!(" of {owner}"));
        let used = token.used.map_or("never used".to_owned(), |used| {
            format!("last used {}", used.format("%Y-%m-%d %H:%M UTC"))
        });
        let end = match (token.revoked, token.expires) {
            (Some(revoked), _) => format!("  revoked {}", revoked.date_naive()),
            (None, Some(expires)) if expires <= now => {
                format!("  expired {}", expires.date_naive())
            }
            (None, Some(expires)) => format!("  until {}", expires.date_naive()),
            (None, None) => String::new(),
        };
        writeln!(out, "{name:width$}  {role:7}  {used}{end}{owner}")?;
    }
    Ok(ExitCode::SUCCESS)
}
