//! The JSON interface, and log files as they are.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use crate::model::{
    Blockers, LogChunk, NightDate, NightList, NightState, NightStatus, PersonName, Role, RunDetail,
    RunId,
};
use crate::people::Author;

use super::WebState;
use super::health::Check;
use super::logs::Start;
use super::path::Path;
use super::problem::Problem;

type Answer<T> = Result<Json<T>, Problem>;

/// How the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// All is well.
    Ok,
    /// It works, but the scheduler has an error at the moment.
    Degraded,
    /// Something that has to work does not: HTTP 503.
    Failing,
}

/// Whether the server is well.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    /// How it is.
    status: HealthState,
    /// What does not work, each with what to do; nothing if all does.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    version: &'static str,
    scheduler: crate::model::SchedulerHealth,
    /// What was tried.
    checks: Vec<Check>,
}

/// `GET /api/v1/health`
pub async fn health(State(state): State<WebState>) -> (StatusCode, Json<Health>) {
    let scheduler = state.watcher.jobs.news().borrow().health.clone();
    let checks = state.health.results(&scheduler).await;
    let wrong: Vec<&str> =
        checks.iter().filter(|check| !check.ok).map(|check| check.detail.as_str()).collect();
    let reason = (!wrong.is_empty()).then(|| wrong.join("; "));
    let (status, code) = match (&reason, &scheduler.error) {
        (Some(_), _) => (HealthState::Failing, StatusCode::SERVICE_UNAVAILABLE),
        (None, Some(_)) => (HealthState::Degraded, StatusCode::OK),
        (None, None) => (HealthState::Ok, StatusCode::OK),
    };
    let version = env!("CARGO_PKG_VERSION");
    (code, Json(Health { status, reason, version, scheduler, checks }))
}

/// A request's user or token, as the server sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Me {
    name: PersonName,
    role: Role,
    by: &'static str,
}

/// `GET /api/v1/me`
pub async fn me(author: Author) -> Json<Me> {
    let by = if author.user().is_some() { "session" } else { "token" };
    Json(Me { name: author.name().clone(), role: author.role, by })
}

/// `GET /api/v1/nights`
pub async fn nights(State(state): State<WebState>) -> Answer<Arc<NightList>> {
    Ok(Json(state.watcher.see_nights().await.versioned()?.value))
}

/// `GET /api/v1/nights/{date}`
pub async fn night(
    State(state): State<WebState>,
    Path(date): Path<NightDate>,
) -> Answer<Arc<NightStatus>> {
    Ok(Json(state.watcher.see_night(date).await.versioned()?.value))
}

/// `GET /api/v1/nights/{date}/blockers`: what stands in the way of closing it.
pub async fn blockers(
    State(state): State<WebState>,
    Path(date): Path<NightDate>,
) -> Answer<Blockers> {
    let night = state.watcher.see_night(date).await.versioned()?.value;
    Ok(Json(Blockers {
        date: night.date,
        closed: night.state == NightState::Closed,
        blockers: night.blockers.clone(),
        scanned: night.scanned,
    }))
}

/// `GET /api/v1/nights/{date}/runs/{run}`
pub async fn run(
    State(state): State<WebState>,
    Path((date, run)): Path<(NightDate, RunId)>,
) -> Answer<Arc<RunDetail>> {
    Ok(Json(state.watcher.see_run(date, run).await.versioned()?.value))
}

/// A log file's address: night, run and file name.
pub type LogPath = (NightDate, RunId, String);

/// Where a piece of a log begins.
#[derive(Debug, Deserialize)]
pub struct From {
    /// In bytes; the tail of the file if there is none.
    pub from: Option<u64>,
}

/// `GET /api/v1/nights/{date}/runs/{run}/logs/{name}?from=`
pub async fn log(
    State(state): State<WebState>,
    Path((date, run, name)): Path<LogPath>,
    Query(From { from }): Query<From>,
) -> Answer<LogChunk> {
    let start = from.map_or(Start::Tail, Start::Exactly);
    Ok(Json(state.watcher.log_piece(date, run, &name, start).await?))
}

/// `GET /nights/{date}/runs/{run}/logs/{name}/raw`: plain text, as long as it is when the asking
/// begins.
pub async fn raw_log(
    State(state): State<WebState>,
    Path((date, run, name)): Path<LogPath>,
) -> Result<Response, Problem> {
    let file = tokio::fs::File::from_std(state.watcher.open_log(date, run, &name).await?);
    let size = file.metadata().await.map_or(0, |metadata| metadata.len());
    let body = Body::from_stream(ReaderStream::new(file.take(size)));
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response())
}

/// Any other address of the JSON interface.
pub async fn nothing() -> Problem {
    Problem::not_found("there is no such address; the interface begins at /api/v1/nights")
}
