//! Deeds: the page that shows a plan, the form that has it carried out, and the same for programs.

use std::fmt::Write as _;

use app::backend::BackendError;
use app::people::{DeedView, Said};
use async_trait::async_trait;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form, Json};
use chrono::{DateTime, Utc};
use leptos::context::provide_context;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::WebState;
use super::problem::Problem;
use super::who::Who;
use crate::deeds::{Became, DeedError, Order, Site};
use crate::model::{Author, Deed, DeedPlan, Fields, NightDate};

/// What pages and programs can have done.
#[async_trait]
pub trait Doer: Send + Sync + 'static {
    /// What a deed would do.
    async fn plan(
        &self,
        date: NightDate,
        deed: Deed,
        now: DateTime<Utc>,
    ) -> Result<DeedPlan, DeedError>;

    /// Does it.
    async fn carry_out(&self, order: Order) -> Result<Became, DeedError>;
}

#[async_trait]
impl Doer for Site {
    async fn plan(
        &self,
        date: NightDate,
        deed: Deed,
        now: DateTime<Utc>,
    ) -> Result<DeedPlan, DeedError> {
        Site::plan(self, date, deed, now).await
    }

    async fn carry_out(&self, order: Order) -> Result<Became, DeedError> {
        Site::carry_out(self, order).await
    }
}

/// `GET /nights/{date}/do?what=…`: the plan, with the button that does it.
pub async fn show(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    Path(date): Path<String>,
    Query(fields): Query<Fields>,
) -> Response {
    let asked = match asked(&date, &fields) {
        Ok(asked) => asked,
        Err(error) => return state.instead(&who, error).await,
    };
    match state.deeds.plan(asked.0, asked.1, (state.people.clock)()).await {
        Ok(plan) => page(&state, &who, plan, None).await,
        Err(error) => state.instead(&who, error.into()).await,
    }
}

/// `POST /nights/{date}/do`: the deed whose plan was shown, from the form below it.
pub async fn carry_out(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    Path(date): Path<String>,
    Form(fields): Form<Fields>,
) -> Response {
    let (date, deed) = match asked(&date, &fields) {
        Ok(asked) => asked,
        Err(error) => return state.instead(&who, error).await,
    };
    let value = |name: &str| {
        let found = fields.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let now = (state.people.clock)();
    if value("sure") != "yes" {
        let text = "Nothing was done: tick that you have read what will happen.".to_owned();
        return again(&state, &who, date, deed, text).await;
    }
    let Some(author) = author(&who) else {
        let error = BackendError::forbidden("sign in first");
        return state.instead(&who, error).await;
    };
    let order = Order { date, deed: deed.clone(), mark: value("mark"), author, now };
    match state.deeds.carry_out(order).await {
        Ok(_) => {
            state.watcher.jobs.wake();
            Redirect::to(&format!("{}/nights/{date}", state.prefix)).into_response()
        }
        Err(DeedError::Obstacles(plan)) => {
            let text = "Nothing was done: something is in the way now.".to_owned();
            page(&state, &who, *plan, Some(Said { done: false, text })).await
        }
        Err(DeedError::Changed(plan)) => {
            let text = "Nothing was done: the night has changed meanwhile. This is the plan as it \
                        is now; confirm it if it is what you want."
                .to_owned();
            page(&state, &who, *plan, Some(Said { done: false, text })).await
        }
        Err(error) => {
            state.watcher.jobs.wake();
            again(&state, &who, date, deed, sentence(&error)).await
        }
    }
}

/// The plan as it is now, and what is to be said of the last try.
async fn again(state: &WebState, who: &Who, date: NightDate, deed: Deed, text: String) -> Response {
    match state.deeds.plan(date, deed, (state.people.clock)()).await {
        Ok(plan) => page(state, who, plan, Some(Said { done: false, text })).await,
        Err(_) => state.instead(who, BackendError::unavailable(text)).await,
    }
}

async fn page(state: &WebState, who: &Who, plan: DeedPlan, said: Option<Said>) -> Response {
    let view = DeedView { plan, said };
    let refused = view.said.is_some();
    let path = format!("/nights/{}/do", view.plan.date);
    let more = move || provide_context(view.clone());
    let mut response = state.draw_private(who, &path, more).await;
    if refused && response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::CONFLICT;
    }
    response
}

/// The night and the deed of a form or query.
fn asked(date: &str, fields: &[(String, String)]) -> Result<(NightDate, Deed), BackendError> {
    let wrong = |error: crate::model::IdError| BackendError::not_found(error.to_string());
    Ok((date.parse().map_err(wrong)?, Deed::from_fields(fields).map_err(wrong)?))
}

/// Who signs: a user, a token of theirs, or a token of nobody's.
fn author(who: &Who) -> Option<Author> {
    who.author.as_ref().and_then(|author| author.to_string().parse().ok())
}

fn sentence(error: &DeedError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if !text.contains(&inner.to_string()) {
            let _ = write!(text, ": {inner}");
        }
        cause = inner.source();
    }
    text
}

/// What a program asks for: a deed, and the mark of the plan that it has seen.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Wanted {
    #[serde(flatten)]
    deed: Deed,
    mark: String,
}

/// What became of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Done {
    /// What was done, in words; nothing while it is under way: the logbook will tell.
    outcome: Option<String>,
}

/// `GET /api/v1/nights/{date}/plan?what=…`
pub async fn plan(
    State(state): State<WebState>,
    Path(date): Path<String>,
    Query(fields): Query<Fields>,
) -> Result<Json<DeedPlan>, Problem> {
    let (date, deed) = asked(&date, &fields)?;
    let plan = state.deeds.plan(date, deed, (state.people.clock)()).await;
    Ok(Json(plan.map_err(BackendError::from)?))
}

/// `POST /api/v1/nights/{date}/deeds`
pub async fn order(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    Path(date): Path<String>,
    Json(Wanted { deed, mark }): Json<Wanted>,
) -> Result<Response, Problem> {
    let date = date.parse()?;
    let Some(author) = author(&who) else { return Err(Problem::unauthorized("send a token")) };
    let order = Order { date, deed, mark, author, now: (state.people.clock)() };
    let became = state.deeds.carry_out(order).await;
    state.watcher.jobs.wake();
    match became {
        Ok(Became::Done(outcome)) => Ok(Json(Done { outcome: Some(outcome) }).into_response()),
        Ok(Became::UnderWay) => {
            Ok((StatusCode::ACCEPTED, Json(Done { outcome: None })).into_response())
        }
        Err(error @ (DeedError::Obstacles(_) | DeedError::Changed(_))) => {
            Err(Problem::conflict(error.to_string()))
        }
        Err(error) => Err(BackendError::from(error).into()),
    }
}
