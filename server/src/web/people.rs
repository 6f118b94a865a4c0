//! What the web server needs to know of people.

use std::sync::Arc;

use chrono::Utc;

use super::auth::{Clock, Sessions};
use crate::config::AccessConfig;
use crate::demo::USERS;
use crate::people::Rules;
use crate::store::Store;

/// The users, and how they sign in.
#[derive(Clone)]
pub struct People {
    /// Where they are kept.
    pub store: Store,
    /// The settings.
    pub access: Arc<AccessConfig>,
    /// What tells the time.
    pub clock: Clock,
    /// Who is let in.
    pub rules: Rules,
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
        // What is written on the sign-in page of every demo is no secret anywhere else.
        let known_to_all: &[_] = if access.demo { &[] } else { &USERS };
        let rules = Rules { known_to_all, ..Rules::default() };
        Self { store, access: Arc::new(access), clock, rules, sessions }
    }
}
