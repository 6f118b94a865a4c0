//! The JSON interface's answers about figures.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;

use crate::model::{DatacheckRange, DatacheckSheet, FigureQuery, NightDate, RunId};
use crate::night::NightPaths;

use super::super::WebState;
use super::super::path::Path;
use super::super::problem::Problem;
use super::{Figures, NightFigureQuery, RunFigureQuery};

/// `GET /api/v1/nights/{date}/runs/{run}/datacheck?sheet=`
pub async fn run(
    State(state): State<WebState>,
    Path((date, run)): Path<(NightDate, RunId)>,
    Query(query): Query<FigureQuery>,
) -> Result<Json<DatacheckSheet>, Problem> {
    Ok(Json(state.watcher.run_datacheck(date, run, query).await?))
}

/// `GET /api/v1/nights/{date}/datacheck?sheet=`
pub async fn night(
    State(state): State<WebState>,
    Path(date): Path<NightDate>,
    Query(query): Query<FigureQuery>,
) -> Result<Json<DatacheckSheet>, Problem> {
    Ok(Json(state.watcher.night_datacheck(date, query).await?))
}

/// `GET /api/v1/datacheck?from=&to=`
pub async fn range(
    State(state): State<WebState>,
    Query(query): Query<FigureQuery>,
) -> Result<Json<DatacheckRange>, Problem> {
    Ok(Json(state.watcher.range_datacheck(query).await?))
}

/// `GET /api/v1/nights/{date}/runs/{run}/datacheck/{sheet}/{figure}`
pub async fn run_figure(
    State(state): State<WebState>,
    Path((date, run, sheet, figure)): Path<(NightDate, RunId, String, String)>,
    Query(query): Query<FigureQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = RunFigureQuery::read(&query, Some(&sheet))?;
    let prefix = state.prefix.clone();
    let draw = move |figures: &Figures, paths: &NightPaths| {
        figures.run_figure(paths, run, &query, &figure, &prefix)
    };
    Ok(state.watcher.draw(date, draw).await?.answer(&headers))
}

/// `GET /api/v1/nights/{date}/datacheck/{sheet}/{figure}`
pub async fn night_figure(
    State(state): State<WebState>,
    Path((date, sheet, figure)): Path<(NightDate, String, String)>,
    Query(query): Query<FigureQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = NightFigureQuery::read(&query, Some(&sheet))?;
    let prefix = state.prefix.clone();
    let draw = move |figures: &Figures, paths: &NightPaths| {
        figures.night_figure(paths, &query, &figure, &prefix)
    };
    Ok(state.watcher.draw(date, draw).await?.answer(&headers))
}

/// `GET /api/v1/datacheck/{sheet}/{figure}`
pub async fn range_figure(
    State(state): State<WebState>,
    Path((sheet, figure)): Path<(String, String)>,
    Query(query): Query<FigureQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = state.watcher.range_query(&query, Some(&sheet)).await?;
    let dates = query.dates().collect();
    let draw = move |figures: &Figures, nights: &[NightPaths]| {
        figures.range_figure(nights, &query, &figure)
    };
    Ok(state.watcher.draw_nights(dates, draw).await?.answer(&headers))
}
