//! What pages and server functions need of the program, as one trait. The server implements it for
//! whoever asks; tests can give a fake.

use std::sync::Arc;

use async_trait::async_trait;
use leptos::prelude::use_context;

pub use crate::backend_error::{BackendError, ErrorKind};
use crate::model::{
    Account, Action, ActionPlan, ApiOperation, Confirmation, DatacheckNote, DatacheckRange,
    DatacheckSheet, FigureQuery, LogChunk, NewNote, NewToken, NightDate, NightList, NightStatus,
    Notice, PersonName, Products, ProvenanceAsked, ProvenanceView, Role, RunDetail, RunId,
    SignInForm, User,
};

/// Largest piece of a log that [`Backend::log`] gives at once, in bytes.
pub const LOG_PIECE: u64 = 256_000;

/// A value with its version.
#[derive(Debug)]
pub struct Versioned<T> {
    /// Differs whenever there is something new to see.
    pub version: u64,
    /// The value.
    pub value: Arc<T>,
}

/// The backend of the page or server function that is being answered.
///
/// # Errors
/// The server has put none into the context.
pub fn backend() -> Result<Arc<dyn Backend>, BackendError> {
    use_context().ok_or_else(|| BackendError::unavailable("there is no backend for this request"))
}

/// The program as whoever asks may use it. What is read is answered from a snapshot and never blocks on
/// disks or schedulers; what is done is done in the caller's name.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// What is wrong with the whole site, shown on every page.
    fn site_notices(&self) -> Vec<Notice>;

    /// All nights there are, newest first.
    async fn nights(&self) -> Result<Versioned<NightList>, BackendError>;

    /// Where a night stands.
    async fn night(&self, date: NightDate) -> Result<Versioned<NightStatus>, BackendError>;

    /// One run of a night in detail.
    async fn run(&self, date: NightDate, run: RunId) -> Result<Versioned<RunDetail>, BackendError>;

    /// A piece of a log file of a run, at most [`LOG_PIECE`] long: from byte `from`, or its tail if
    /// that is `None`. It begins and ends between lines where it can.
    async fn log(
        &self,
        date: NightDate,
        run: RunId,
        name: &str,
        from: Option<u64>,
    ) -> Result<LogChunk, BackendError>;

    /// A sheet of a run's datacheck figures, alone or compared with another run's; the first if none
    /// is named.
    async fn run_datacheck(
        &self,
        date: NightDate,
        run: RunId,
        query: FigureQuery,
    ) -> Result<DatacheckSheet, BackendError>;

    /// A sheet of a night's datacheck figures; the first if none is named.
    async fn night_datacheck(
        &self,
        date: NightDate,
        query: FigureQuery,
    ) -> Result<DatacheckSheet, BackendError>;

    /// A sheet of datacheck figures of many nights: those of the last months if none are named.
    async fn range_datacheck(&self, query: FigureQuery) -> Result<DatacheckRange, BackendError>;

    /// The files of a night's data quality that lstchain made, and those that are missing.
    async fn products(&self, date: NightDate) -> Result<Products, BackendError>;

    /// What the interface for programs offers.
    fn api(&self) -> Vec<ApiOperation>;

    /// What a run's products were made of, and how.
    async fn run_provenance(
        &self,
        date: NightDate,
        run: RunId,
        asked: ProvenanceAsked,
    ) -> Result<ProvenanceView, BackendError>;

    /// What an action would do.
    async fn plan_action(
        &self,
        date: NightDate,
        action: Action,
    ) -> Result<ActionPlan, BackendError>;

    /// Executes the plan that the caller has seen, named by its `mark` and `confirmed`.
    async fn execute_action(
        &self,
        date: NightDate,
        action: Action,
        mark: String,
        confirmed: bool,
    ) -> Result<Confirmation, BackendError>;

    /// Records a note about the data quality of a night or a run.
    async fn add_note(&self, date: NightDate, note: NewNote)
    -> Result<DatacheckNote, BackendError>;

    /// Withdraws a note of the caller's own, or, for a shifter, anybody's.
    async fn withdraw_note(
        &self,
        date: NightDate,
        note: i64,
    ) -> Result<DatacheckNote, BackendError>;

    /// What the sign-in page shows.
    async fn sign_in_form(&self) -> Result<SignInForm, BackendError>;

    /// Begins a session in the caller's browser.
    async fn sign_in(&self, name: String, password: String) -> Result<(), BackendError>;

    /// Ends the caller's session.
    async fn sign_out(&self) -> Result<(), BackendError>;

    /// Ends all sessions of the caller.
    async fn sign_out_everywhere(&self) -> Result<(), BackendError>;

    /// The caller's own account.
    async fn account(&self) -> Result<Account, BackendError>;

    /// Changes the caller's password and ends their other sessions; revokes their tokens as well if
    /// `revoke_tokens`.
    async fn change_password(
        &self,
        current: String,
        new: String,
        again: String,
        revoke_tokens: bool,
    ) -> Result<Confirmation, BackendError>;

    /// Creates a token of the caller's. `expires` is a day such as `2026-12-31`, or empty.
    async fn create_token(
        &self,
        name: String,
        role: Role,
        expires: String,
    ) -> Result<NewToken, BackendError>;

    /// Revokes a token of the caller's.
    async fn revoke_token(&self, name: PersonName) -> Result<Confirmation, BackendError>;

    /// All users, by name.
    async fn users(&self) -> Result<Vec<User>, BackendError>;

    /// Adds a user.
    async fn add_user(
        &self,
        name: String,
        role: Role,
        password: String,
    ) -> Result<Confirmation, BackendError>;

    /// Gives another user a role.
    async fn set_role(&self, name: PersonName, role: Role) -> Result<Confirmation, BackendError>;

    /// Lets another user sign in, or no longer.
    async fn set_disabled(
        &self,
        name: PersonName,
        disabled: bool,
    ) -> Result<Confirmation, BackendError>;
}
