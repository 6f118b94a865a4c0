//! `osa user`: who may sign in.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::Utc;
use clap::{Args, Subcommand};

use crate::config::Settings;
use crate::internal::blocking;
use crate::model::{PersonName, Role, User};
use crate::people;
use crate::store::{SiteDatabase, Store};

use super::{Failure, Outcome, warn};

/// Manage who may sign in to the web server.
///
/// A viewer reads; a shifter also launches, closes, resubmits and publishes; an admin also manages
/// users. A new password is asked for twice on a terminal; else the first line of standard input is
/// taken. Changes take effect at once, also on a server that runs.
#[derive(Debug, Args)]
pub struct UserArgs {
    /// Use this configuration file [default: $OSA_CONFIG, ./sequencer.cfg, or the installed one]
    #[arg(short, long, value_name = "CONFIG", global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Add a user
    Add {
        /// Up to 32 small letters and digits, with . _ - between
        name: PersonName,
        /// viewer, shifter or admin
        #[arg(long)]
        role: Role,
    },
    /// List the users
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a user another role
    Role {
        /// The user
        name: PersonName,
        /// viewer, shifter or admin
        role: Role,
    },
    /// Give a user another password, which ends all their sessions
    Passwd {
        /// The user
        name: PersonName,
        /// Revoke the user's tokens as well
        #[arg(long)]
        revoke_tokens: bool,
    },
    /// Keep a user from signing in, end all their sessions and suspend their tokens
    Disable {
        /// The user
        name: PersonName,
    },
    /// Let a disabled user sign in again
    Enable {
        /// The user
        name: PersonName,
    },
    /// Remove a user with all sessions and tokens; what they did stays signed with their name
    Remove {
        /// The user
        name: PersonName,
    },
}

/// Does it and says so.
pub async fn run(args: UserArgs) -> Outcome {
    if let Verb::List { json } = args.verb {
        // Needs no right to write.
        let users = match open_to_read(args.config.as_deref()).await? {
            Some(store) => store.users().await?,
            None => Vec::new(),
        };
        return list(&users, json);
    }
    let store = open(args.config.as_deref()).await?;
    let done = act(&store, args.verb).await;
    store.close().await;
    done
}

async fn act(store: &Store, verb: Verb) -> Outcome {
    let now = Utc::now();
    let said = match verb {
        Verb::List { json } => return list(&store.users().await?, json),
        Verb::Add { name, role } => {
            // Before the password is asked for.
            if store.user(&name).await?.is_some() {
                return Err(people::PeopleError::UserExists(name).into());
            }
            people::add_user(store, &name, role, &password(&name).await?, now).await?;
            format!("added {name}, {role}")
        }
        Verb::Role { name, role } => {
            people::set_role(store, &name, role).await?;
            format!("{name} is now {role}")
        }
        Verb::Passwd { name, revoke_tokens } => {
            if store.user(&name).await?.is_none() {
                return Err(people::PeopleError::NoUser(name).into());
            }
            let password = password(&name).await?;
            let revoked = revoke_tokens.then_some(now);
            people::change_password(store, &name, &password, revoked).await?;
            let tokens = if revoke_tokens { "; all tokens are revoked" } else { "" };
            format!("{name} has a new password and is signed out everywhere{tokens}")
        }
        Verb::Disable { name } => {
            people::set_disabled(store, &name, Some(now)).await?;
            format!("{name} may not sign in any more and is signed out everywhere")
        }
        Verb::Enable { name } => {
            people::set_disabled(store, &name, None).await?;
            format!("{name} may sign in again")
        }
        Verb::Remove { name } => {
            people::remove_user(store, &name).await?;
            format!("removed {name}")
        }
    };
    eprintln!("{said}");
    Ok(ExitCode::SUCCESS)
}

/// The database of the site.
pub(super) async fn open(config: Option<&Path>) -> Result<Store, Failure> {
    let config = config.map(Path::to_owned);
    let settings = blocking(move || Settings::load(config.as_deref())).await??;
    Ok(SiteDatabase::of(&settings).open().await?)
}

/// The database of the site, for a command that only reads; `None` if it does not exist yet.
pub(super) async fn open_to_read(config: Option<&Path>) -> Result<Option<Store>, Failure> {
    let config = config.map(Path::to_owned);
    let settings = blocking(move || Settings::load(config.as_deref())).await??;
    let access = SiteDatabase::of(&settings).open_to_read().await?;
    match (access.store, access.notice) {
        (None, Some(notice)) => Err(Failure::new(notice.message).hint(notice.hint)),
        (store, notice) => {
            warn(notice.as_ref());
            Ok(store)
        }
    }
}

fn list(users: &[User], json: bool) -> Outcome {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(users)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let width = users.iter().map(|user| user.name.as_str().len()).max().unwrap_or(0);
    for user in users {
        let since = user.disabled.map(|since| format!("  disabled since {}", since.date_naive()));
        let (name, role, created) = (&user.name, user.role, user.created.date_naive());
        let line = format!("{name:width$}  {role:7}  since {created}{}", since.unwrap_or_default());
        writeln!(out, "{line}")?;
    }
    if users.is_empty() {
        eprintln!("there is no user yet; `osa user add NAME --role admin` adds one");
    }
    Ok(ExitCode::SUCCESS)
}

/// A new password, typed twice, or the first line of standard input.
async fn password(name: &PersonName) -> Result<String, Failure> {
    let name = name.clone();
    blocking(move || ask(&name)).await?
}

fn ask(name: &PersonName) -> Result<String, Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let mut line = String::new();
        stdin.read_line(&mut line)?;
        return Ok(line.trim_end_matches(['\n', '\r']).to_owned());
    }
    let first = rpassword::prompt_password(format!("New password of {name}: "))?;
    let second = rpassword::prompt_password("Once more: ")?;
    if first == second {
        Ok(first)
    } else {
        Err(Failure::new("the two passwords are not the same; nothing was changed"))
    }
}
