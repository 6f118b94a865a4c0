//! Actions on a night for programs: the plan as data, and its execution.

use axum::Json;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::path::Path;
use super::problem::Problem;
use crate::actions::ExecutionState;
use crate::model::{Action, ActionPlan, Fields, NightDate};

/// A request of a program: an action, and the mark of the plan that it has seen.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ActionRequest {
    #[serde(flatten)]
    action: Action,
    mark: String,
}

/// The outcome of the action.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ActionResponse {
    /// What was done, in words; nothing while it is in progress: see the audit log later.
    outcome: Option<String>,
}

/// `GET /api/v1/nights/{date}/plan?what=…`
pub async fn plan(
    caller: Caller,
    Path(date): Path<NightDate>,
    Query(fields): Query<Fields>,
) -> Result<Json<ActionPlan>, Problem> {
    let action = Action::from_fields(&fields)?;
    Ok(Json(caller.plan(date, action).await?))
}

/// `POST /api/v1/nights/{date}/actions`
pub async fn execute(
    caller: Caller,
    Path(date): Path<NightDate>,
    Json(ActionRequest { action, mark }): Json<ActionRequest>,
) -> Result<Response, Problem> {
    let (status, outcome) = match caller.execute(date, action, mark).await? {
        ExecutionState::Done(outcome) => (StatusCode::OK, Some(outcome)),
        ExecutionState::UnderWay => (StatusCode::ACCEPTED, None),
    };
    Ok((status, Json(ActionResponse { outcome })).into_response())
}
