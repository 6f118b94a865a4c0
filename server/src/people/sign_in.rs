//! Signing in with name and password.

use chrono::{DateTime, TimeDelta, Utc};

use crate::internal::blocking;
use crate::model::{PersonName, User};
use crate::store::Store;
use crate::store::people::Attempt;

use super::{Limit, Passwords, PeopleError, WINDOW, hash_of};

/// Why somebody is not let in.
#[derive(Debug)]
pub enum Refusal {
    /// Name or password are wrong, or the user is disabled; which of them is not told.
    Wrong,
    /// There were too many attempts; how long to wait.
    TooOften(TimeDelta),
    /// It could not be found out.
    Error(PeopleError),
}

impl<E: Into<PeopleError>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// Lets somebody in who gives the right name and password, from `address`.
///
/// # Errors
/// See [`Refusal`].
#[tracing::instrument(skip_all, fields(client = address, user = tracing::field::Empty))]
pub async fn sign_in(
    store: &Store,
    limit: Limit,
    name: &str,
    password: &str,
    address: &str,
    now: DateTime<Utc>,
) -> Result<User, Refusal> {
    let name = name.trim().to_lowercase();
    let hash = hash_of(&name);
    let attempt = Attempt { name: &hash, address, at: now };
    let allow = |earlier: &_| limit.allow(earlier, now);
    let recorded = store.record_attempt(attempt, now - WINDOW, allow).await?;
    recorded.map_err(Refusal::TooOften)?;
    let stored = match name.parse::<PersonName>() {
        Ok(name) => store.user(&name).await?,
        Err(_) => None,
    };
    let (expected, given) = (stored.as_ref().map(|s| s.password.clone()), password.to_owned());
    let verify = move || Passwords::verify(expected.as_deref(), &given);
    let right = blocking(verify).await.map_err(PeopleError::from)??;
    match stored {
        Some(stored) if right && stored.user.disabled.is_none() => {
            store.attempt_succeeded(attempt).await?;
            // Only now: what is typed for a name may be a password.
            tracing::Span::current().record("user", stored.user.name.as_str());
            Ok(stored.user)
        }
        _ => Err(Refusal::Wrong),
    }
}
