//! Notes about the data quality for programs.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::caller::Caller;
use super::path::Path;
use super::problem::Problem;
use crate::model::{DatacheckNote, NewNote, NightDate};

/// `GET /api/v1/nights/{date}/notes`: also those that were withdrawn.
pub async fn list(
    caller: Caller,
    Path(date): Path<NightDate>,
) -> Result<Json<Vec<DatacheckNote>>, Problem> {
    Ok(Json(caller.notes(date).await?))
}

/// `POST /api/v1/nights/{date}/notes`
pub async fn add(
    caller: Caller,
    Path(date): Path<NightDate>,
    Json(note): Json<NewNote>,
) -> Result<Response, Problem> {
    let note = caller.make_note(date, note).await?;
    Ok((StatusCode::CREATED, Json(note)).into_response())
}

/// `POST /api/v1/nights/{date}/notes/{note}/withdraw`
pub async fn withdraw(
    caller: Caller,
    Path((date, note)): Path<(NightDate, i64)>,
) -> Result<Json<DatacheckNote>, Problem> {
    Ok(Json(caller.take_back_note(date, note).await?))
}
