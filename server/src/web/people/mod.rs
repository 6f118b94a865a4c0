//! The pages about people: signing in and out, one's own page, and that of all users.

pub mod account;
pub mod sign_in;
pub mod users;

use std::sync::Arc;

use app::people::Said;
use chrono::Utc;

use super::who::{Clock, Sessions};
use crate::config::AccessConfig;
use crate::people::{Limit, PeopleError};
use crate::store::Store;

/// What the web server needs to know of people.
#[derive(Clone)]
pub struct People {
    /// Where they are kept.
    pub store: Store,
    /// The settings.
    pub access: Arc<AccessConfig>,
    /// What tells the time.
    pub clock: Clock,
    /// How often a sign-in may be tried.
    pub limit: Limit,
    /// The sessions.
    pub(super) sessions: Sessions,
}

impl People {
    /// The people in `store`.
    pub fn new(store: Store, access: AccessConfig) -> Self {
        Self::at(store, access, Arc::new(Utc::now))
    }

    /// With another clock.
    pub fn at(store: Store, access: AccessConfig, clock: Clock) -> Self {
        let sessions = Sessions::new(store.clone(), Arc::clone(&clock), &access);
        Self { store, access: Arc::new(access), clock, limit: Limit::default(), sessions }
    }
}

/// What to say of something that was tried. What is our own fault goes to the log.
fn said(outcome: Result<(), PeopleError>, done: String) -> Said {
    match outcome {
        Ok(()) => Said { done: true, text: done },
        Err(error) if error.is_mistake() => {
            Said { done: false, text: sentence(&error.to_string()) }
        }
        Err(error) => {
            tracing::error!(%error, "cannot change an account");
            let text = "It could not be done: the database cannot be used now.".to_owned();
            Said { done: false, text }
        }
    }
}

/// The text as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}
