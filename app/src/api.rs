//! Server functions: the only way in which a page has something done. Each is one line over
//! [`Backend`](crate::backend::Backend), which the command line and the REST interface share.
//!
//! A form posts to a server function without any script: the server answers with a redirect to the
//! page named by the form and shows there what came of it (see [`crate::form`]). WebAssembly may call the
//! same function and gets its value. Who may call which is in the server's access table.

use leptos::prelude::*;

use crate::backend_error::BackendError;
use crate::model::{
    ActionFields, ActionPlan, Confirmation, DatacheckNote, NewToken, NightDate, PersonName, Role,
    RunId,
};

#[cfg(feature = "ssr")]
use crate::{backend::backend, model::NewNote};

/// What an action would do.
#[server(prefix = "/api/ui", endpoint = "plan_action", input = server_fn::codec::GetUrl)]
pub async fn plan_action(
    /// The night.
    date: NightDate,
    /// The action.
    #[server(flatten)]
    action: ActionFields,
) -> Result<ActionPlan, BackendError> {
    backend()?.plan_action(date, action.read()?).await
}

/// Executes the plan with the number `mark`, which the user has confirmed.
#[server(prefix = "/api/ui", endpoint = "execute_action")]
pub async fn execute_action(
    /// The night.
    date: NightDate,
    /// What tells the plan from any other.
    mark: String,
    /// Whether the user has confirmed the plan.
    #[server(default)]
    confirmed: bool,
    /// The action.
    #[server(flatten)]
    action: ActionFields,
) -> Result<Confirmation, BackendError> {
    backend()?.execute_action(date, action.read()?, mark, confirmed).await
}

/// Records a note about the data quality of a night or a run.
#[server(prefix = "/api/ui", endpoint = "add_note")]
pub async fn add_note(
    /// The night.
    date: NightDate,
    /// The run; none for the night as a whole.
    #[server(default)]
    run: Option<RunId>,
    /// The sheet of figures; empty for all of them.
    #[server(default)]
    sheet: String,
    /// What was seen; may be empty.
    #[server(default)]
    text: String,
) -> Result<DatacheckNote, BackendError> {
    backend()?.add_note(date, NewNote::of_form(run, sheet, text)).await
}

/// Withdraws a note.
#[server(prefix = "/api/ui", endpoint = "withdraw_note")]
pub async fn withdraw_note(
    /// The night.
    date: NightDate,
    /// The number of the note.
    note: i64,
) -> Result<DatacheckNote, BackendError> {
    backend()?.withdraw_note(date, note).await
}

/// Begins a session.
#[server(prefix = "/api/ui", endpoint = "sign_in")]
pub async fn sign_in(
    /// The name.
    name: String,
    /// The password.
    password: String,
) -> Result<(), BackendError> {
    backend()?.sign_in(name, password).await
}

/// Ends this session.
#[server(prefix = "/api/ui", endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), BackendError> {
    backend()?.sign_out().await
}

/// Ends all sessions of the user.
#[server(prefix = "/api/ui", endpoint = "sign_out_everywhere")]
pub async fn sign_out_everywhere() -> Result<(), BackendError> {
    backend()?.sign_out_everywhere().await
}

/// Changes the user's own password.
#[server(prefix = "/api/ui", endpoint = "change_password")]
pub async fn change_password(
    /// The password in force.
    current: String,
    /// The new password.
    new: String,
    /// The new password once more.
    again: String,
    /// Whether the user's tokens are revoked as well.
    #[server(default)]
    revoke_tokens: bool,
) -> Result<Confirmation, BackendError> {
    backend()?.change_password(current, new, again, revoke_tokens).await
}

/// Creates a token of the user's own.
#[server(prefix = "/api/ui", endpoint = "create_token")]
pub async fn create_token(
    /// The name.
    name: String,
    /// What the holder may do.
    role: Role,
    /// The first day (UTC) on which it is not valid, such as `2026-12-31`; empty for never.
    #[server(default)]
    expires: String,
) -> Result<NewToken, BackendError> {
    backend()?.create_token(name, role, expires).await
}

/// Revokes a token of the user's own.
#[server(prefix = "/api/ui", endpoint = "revoke_token")]
pub async fn revoke_token(
    /// The name.
    name: PersonName,
) -> Result<Confirmation, BackendError> {
    backend()?.revoke_token(name).await
}

/// Adds a user.
#[server(prefix = "/api/ui", endpoint = "add_user")]
pub async fn add_user(
    /// The name.
    name: String,
    /// What the holder may do.
    role: Role,
    /// The password.
    password: String,
) -> Result<Confirmation, BackendError> {
    backend()?.add_user(name, role, password).await
}

/// Gives another user a role.
#[server(prefix = "/api/ui", endpoint = "set_role")]
pub async fn set_role(
    /// The name.
    name: PersonName,
    /// What the holder may do.
    role: Role,
) -> Result<Confirmation, BackendError> {
    backend()?.set_role(name, role).await
}

/// Lets another user sign in, or no longer.
#[server(prefix = "/api/ui", endpoint = "set_disabled")]
pub async fn set_disabled(
    /// The name.
    name: PersonName,
    /// Whether they may no longer sign in.
    disabled: bool,
) -> Result<Confirmation, BackendError> {
    backend()?.set_disabled(name, disabled).await
}
