//! Signing in and out.

use app::backend::BackendError;
use axum::http::{HeaderValue, header};
use chrono::TimeDelta;
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use tower_sessions::Session;

use super::Caller;
use crate::demo::USERS;
use crate::model::{SignInForm, User};
use crate::people::{self, Credentials, PeopleError, Refusal, Secret, hash_of};
use crate::store::people::BROWSER_LIFETIME;
use crate::web::auth::Content;

impl Caller {
    /// What the sign-in page shows beside its form.
    pub(super) async fn form_of_sign_in(&self) -> Result<SignInForm, BackendError> {
        let people = &self.state.people;
        let demo = match people.access.demo {
            true => USERS.map(|(_, name, password)| (name.to_owned(), password.to_owned())).into(),
            false => Vec::new(),
        };
        // The page is shown all the same where the database cannot be read: signing in then says so.
        let no_users = people.store.users().await.is_ok_and(|users| users.is_empty());
        Ok(SignInForm { demo, no_users })
    }

    /// Lets a user in whose name and password are right.
    pub(super) async fn begin_session(
        &self,
        name: &str,
        password: &str,
    ) -> Result<(), BackendError> {
        let people = &self.state.people;
        let (now, address) = (self.now(), self.principal.client.counted());
        let browser = self.browser.as_deref();
        let given = Credentials { name, password, address: &address, browser };
        let error = match people::sign_in(&people.store, people.rules, given, now).await {
            Ok(user) => {
                self.begin(&user, self.session()?).await.map_err(|error| unusable(&error))?;
                if let Err(error) = self.remember_browser(&user).await {
                    tracing::warn!(%error, "cannot remember the browser of somebody who signed in");
                }
                tracing::info!(user = %user.name, client = %self.principal.client.address, "signed in");
                return Ok(());
            }
            Err(Refusal::Error(error)) => return Err(unusable(&error)),
            Err(Refusal::Wrong) => BackendError::invalid("the name or the password is not right"),
            Err(Refusal::TooOften(left)) => later(left),
        };
        tracing::warn!(client = %self.principal.client.address, reason = %error, "a sign-in was refused");
        Err(error)
    }

    /// Begins a session for a user. Whatever session the browser came with ends, so that nobody can
    /// have planted it.
    async fn begin(
        &self,
        user: &User,
        session: &Session,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if session.id().is_some() {
            session.flush().await?;
        }
        session.cycle_id().await?;
        let now = self.now();
        let content = Content {
            user: user.id,
            form_token: Secret::new()?.reveal().to_owned(),
            since: now,
            seen: now,
            address: self.principal.client.address.to_string(),
            agent: self.agent.clone(),
        };
        Ok(content.write(session).await?)
    }

    /// Makes the browser one of the user's own, so that what strangers get wrong under the user's name
    /// does not concern it.
    async fn remember_browser(&self, user: &User) -> Result<(), PeopleError> {
        let secret = Secret::new()?;
        let (before, hash) = (self.browser.as_deref().map(hash_of), hash_of(secret.reveal()));
        let store = &self.state.people.store;
        store.remember_browser(user.id, before.as_deref(), &hash, self.now()).await?;
        let cookies = &self.principal.cookies;
        let set = cookies.set(&cookies.browser(), secret.reveal(), BROWSER_LIFETIME.to_std().ok());
        if let (Some(response), Some(set)) = (use_context::<ResponseOptions>(), set) {
            response.append_header(header::SET_COOKIE, set);
        }
        Ok(())
    }

    /// Ends the session of this browser.
    pub(super) async fn end_session(&self) -> Result<(), BackendError> {
        self.session()?.flush().await.map_err(|error| unusable(&error))
    }

    /// Ends all sessions of the user.
    pub(super) async fn end_all_sessions(&self) -> Result<(), BackendError> {
        let user = self.user()?;
        let ended = self.state.people.store.end_sessions(user.id).await;
        ended.map_err(|error| unusable(&error))?;
        self.end_session().await
    }
}

fn unusable(error: &dyn std::fmt::Display) -> BackendError {
    tracing::error!(%error, "cannot sign somebody in or out");
    BackendError::unavailable("the database cannot be used now")
}

/// A refusal for a time, after too many attempts.
pub(super) fn later(left: TimeDelta) -> BackendError {
    retry_after(left);
    BackendError::too_many_requests(too_often(left))
}

/// Tells programs when to try again, in whole seconds.
fn retry_after(left: TimeDelta) {
    if let Some(response) = use_context::<ResponseOptions>() {
        let seconds = (left.num_milliseconds() + 999) / 1000;
        response.insert_header(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}

fn too_often(left: TimeDelta) -> String {
    let minutes = (left.num_seconds() + 59) / 60;
    let minutes = if minutes <= 1 { "a minute".to_owned() } else { format!("{minutes} minutes") };
    format!("there were too many failed attempts; try again in {minutes}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_to_wait_is_given_in_minutes() {
        assert!(too_often(TimeDelta::seconds(30)).ends_with("try again in a minute"));
        assert!(too_often(TimeDelta::seconds(61)).ends_with("try again in 2 minutes"));
    }
}
