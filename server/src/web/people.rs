//! What the web server needs to know of people.

use std::sync::Arc;

use chrono::Utc;

use super::who::{Clock, Sessions};
use crate::config::AccessConfig;
use crate::people::Limit;
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
