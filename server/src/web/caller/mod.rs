//! The program as whoever asks may use it: what pages, server functions and REST handlers call.
//!
//! The access table has let the caller through before anything here runs. What is done is signed with the
//! caller's name, so each function that does something asks for it again.

mod account;
mod actions;
mod notes;
mod session;
mod users;

use std::sync::Arc;

use app::backend::{Backend, BackendError, Versioned};
use async_trait::async_trait;
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use tower_sessions::Session;

use super::WebState;
use super::auth::{Principal, cookie};
use super::problem::Problem;
use crate::hint::Hint;
use crate::model::{
    Account, Action, ActionPlan, ApiOperation, Author, Confirmation, DatacheckNote, DatacheckRange,
    DatacheckSheet, FigureQuery, LogChunk, NewNote, NewToken, NightDate, NightList, NightStatus,
    Notice, PersonName, Products, ProvenanceAsked, ProvenanceView, Role, RunDetail, RunId,
    SignInForm, User,
};
use crate::people::PeopleError;

/// Whoever asks, and what answers them.
#[derive(Clone)]
pub struct Caller {
    state: WebState,
    principal: Principal,
    /// The browser's session, where the request has one.
    session: Option<Session>,
    /// What the browser calls itself.
    agent: String,
    /// What its cookie holds if somebody has signed in there before.
    browser: Option<String>,
}

impl Caller {
    /// Whoever sends a request.
    pub fn of(state: &WebState, principal: &Principal, parts: &Parts) -> Self {
        let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        Self {
            state: state.clone(),
            principal: principal.clone(),
            session: parts.extensions.get().cloned(),
            agent: agent.unwrap_or_default().chars().take(200).collect(),
            browser: cookie(&parts.headers, &principal.cookies.browser()).map(str::to_owned),
        }
    }

    /// As pages and server functions take it.
    pub fn backend(self) -> Arc<dyn Backend> {
        Arc::new(self)
    }

    fn now(&self) -> DateTime<Utc> {
        (self.state.people.clock)()
    }

    /// The author of what is done: a principal who may do what `role` may.
    ///
    /// # Errors
    /// The caller may not.
    pub fn author(&self, role: Role) -> Result<Author, BackendError> {
        let author = self.principal.author.as_ref().filter(|author| author.may(role));
        let author = author.and_then(|author| author.to_string().parse().ok());
        author.ok_or_else(|| BackendError::forbidden(format!("this needs the role {role}")))
    }

    /// The user who is signed in; a token is not one.
    fn user(&self) -> Result<&User, BackendError> {
        self.principal.user().ok_or_else(|| BackendError::forbidden("sign in first"))
    }

    fn session(&self) -> Result<&Session, BackendError> {
        self.session.as_ref().ok_or_else(|| BackendError::forbidden("sign in first"))
    }
}

impl FromRequestParts<WebState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Problem> {
        let principal = parts.extensions.get::<Principal>().cloned();
        let principal =
            principal.ok_or_else(|| Problem::unauthorized("sign in, or send a token"))?;
        Ok(Self::of(state, &principal, parts))
    }
}

/// A refusal of what was asked for is reported as it is; that the database cannot be used is our fault and goes
/// to the log.
fn refused(error: PeopleError) -> BackendError {
    if error.is_mistake() {
        return BackendError::invalid(error.to_string()).with_hint(error.hint());
    }
    tracing::error!(error = &error as &dyn std::error::Error, "the user database cannot be used");
    BackendError::unavailable("the database cannot be used now").with_hint(error.hint())
}

/// What was done, as a sentence.
fn confirmed(message: impl Into<String>) -> Confirmation {
    Confirmation { message: message.into() }
}

#[async_trait]
impl Backend for Caller {
    fn site_notices(&self) -> Vec<Notice> {
        self.state.watcher.trouble().into_iter().collect()
    }

    async fn nights(&self) -> Result<Versioned<NightList>, BackendError> {
        self.state.watcher.see_nights().await.versioned()
    }

    async fn night(&self, date: NightDate) -> Result<Versioned<NightStatus>, BackendError> {
        self.state.watcher.see_night(date).await.versioned()
    }

    async fn run(&self, date: NightDate, run: RunId) -> Result<Versioned<RunDetail>, BackendError> {
        self.state.watcher.see_run(date, run).await.versioned()
    }

    async fn log(
        &self,
        date: NightDate,
        run: RunId,
        name: &str,
        from: Option<u64>,
    ) -> Result<LogChunk, BackendError> {
        self.state.watcher.log(date, run, name, from).await
    }

    async fn run_datacheck(
        &self,
        date: NightDate,
        run: RunId,
        query: FigureQuery,
    ) -> Result<DatacheckSheet, BackendError> {
        self.state.watcher.run_datacheck(date, run, query).await
    }

    async fn night_datacheck(
        &self,
        date: NightDate,
        query: FigureQuery,
    ) -> Result<DatacheckSheet, BackendError> {
        self.state.watcher.night_datacheck(date, query).await
    }

    async fn range_datacheck(&self, query: FigureQuery) -> Result<DatacheckRange, BackendError> {
        self.state.watcher.range_datacheck(query).await
    }

    async fn products(&self, date: NightDate) -> Result<Products, BackendError> {
        self.state.watcher.products(date).await
    }

    fn api(&self) -> Vec<ApiOperation> {
        super::openapi::operations()
    }

    async fn run_provenance(
        &self,
        date: NightDate,
        run: RunId,
        asked: ProvenanceAsked,
    ) -> Result<ProvenanceView, BackendError> {
        self.state.watcher.run_provenance(date, run, asked).await
    }

    async fn plan_action(
        &self,
        date: NightDate,
        action: Action,
    ) -> Result<ActionPlan, BackendError> {
        self.plan(date, action).await
    }

    async fn execute_action(
        &self,
        date: NightDate,
        action: Action,
        mark: String,
        confirmed: bool,
    ) -> Result<Confirmation, BackendError> {
        self.execute_confirmed(date, action, mark, confirmed).await
    }

    async fn add_note(
        &self,
        date: NightDate,
        note: NewNote,
    ) -> Result<DatacheckNote, BackendError> {
        self.make_note(date, note).await
    }

    async fn withdraw_note(
        &self,
        date: NightDate,
        note: i64,
    ) -> Result<DatacheckNote, BackendError> {
        self.take_back_note(date, note).await
    }

    async fn sign_in_form(&self) -> Result<SignInForm, BackendError> {
        self.form_of_sign_in().await
    }

    async fn sign_in(&self, name: String, password: String) -> Result<(), BackendError> {
        self.begin_session(&name, &password).await
    }

    async fn sign_out(&self) -> Result<(), BackendError> {
        self.end_session().await
    }

    async fn sign_out_everywhere(&self) -> Result<(), BackendError> {
        self.end_all_sessions().await
    }

    async fn account(&self) -> Result<Account, BackendError> {
        self.own_account().await
    }

    async fn change_password(
        &self,
        current: String,
        new: String,
        again: String,
        revoke_tokens: bool,
    ) -> Result<Confirmation, BackendError> {
        self.new_password(&current, &new, &again, revoke_tokens).await
    }

    async fn create_token(
        &self,
        name: String,
        role: Role,
        expires: String,
    ) -> Result<NewToken, BackendError> {
        self.new_token(&name, role, &expires).await
    }

    async fn revoke_token(&self, name: PersonName) -> Result<Confirmation, BackendError> {
        self.end_token(&name).await
    }

    async fn users(&self) -> Result<Vec<User>, BackendError> {
        self.all_users().await
    }

    async fn add_user(
        &self,
        name: String,
        role: Role,
        password: String,
    ) -> Result<Confirmation, BackendError> {
        self.new_user(&name, role, &password).await
    }

    async fn set_role(&self, name: PersonName, role: Role) -> Result<Confirmation, BackendError> {
        self.give_role(&name, role).await
    }

    async fn set_disabled(
        &self,
        name: PersonName,
        disabled: bool,
    ) -> Result<Confirmation, BackendError> {
        self.allow_sign_in(&name, !disabled).await
    }
}
