//! Signing in and out.

use app::backend::BackendError;
use app::people::SignInView;
use axum::Extension;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::TimeDelta;
use leptos::context::provide_context;
use serde::Deserialize;
use tower_sessions::Session;

use crate::demo::USERS;
use crate::hint::Hint;
use crate::model::User;
use crate::people::{self, PeopleError, Refusal, Secret};
use crate::web::WebState;
use crate::web::who::{Content, FormCookie, Who};

/// Where somebody wanted to go.
#[derive(Debug, Default, Deserialize)]
pub struct Destination {
    #[serde(default)]
    to: String,
}

/// The form, filled in.
#[derive(Deserialize)]
pub struct Given {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    to: String,
}

/// `GET /sign-in?to=`
pub async fn form(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    Query(destination): Query<Destination>,
    headers: HeaderMap,
) -> Response {
    if who.user().is_some() {
        return Redirect::to(&inside(&state.prefix, &destination.to)).into_response();
    }
    let view = SignInView { to: destination.to, ..SignInView::default() };
    show(&state, &who, &headers, view).await
}

/// `POST /sign-in`
pub async fn sign_in(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    session: Session,
    headers: HeaderMap,
    Form(given): Form<Given>,
) -> Response {
    let people = &state.people;
    let (now, address) = ((people.clock)(), who.client.counted());
    let outcome =
        people::sign_in(&people.store, people.limit, &given.name, &given.password, &address, now);
    let (status, refusal, wait) = match outcome.await {
        Ok(user) => match begin(&state, &who, &session, &user, &headers).await {
            Ok(()) => {
                tracing::info!(user = %user.name, client = %who.client.address, "signed in");
                return Redirect::to(&inside(&state.prefix, &given.to)).into_response();
            }
            Err(error) => return failed(&state, &who, &error.to_string()).await,
        },
        Err(Refusal::Error(error)) => return failed(&state, &who, &error.to_string()).await,
        Err(Refusal::Wrong) => {
            let text = "The name or the password is not right.".to_owned();
            (StatusCode::UNPROCESSABLE_ENTITY, text, None)
        }
        Err(Refusal::TooOften(left)) => (
            StatusCode::TOO_MANY_REQUESTS,
            too_often(left),
            Some((left.num_milliseconds() + 999) / 1000),
        ),
    };
    tracing::warn!(client = %who.client.address, reason = refusal, "a sign-in was refused");
    let view = SignInView {
        refusal: Some(refusal),
        name: given.name.chars().take(64).collect(),
        to: given.to,
        ..SignInView::default()
    };
    let mut response = show(&state, &who, &headers, view).await;
    *response.status_mut() = status;
    if let Some(seconds) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Begins a session for a user. Whatever session the browser came with ends, so that nobody can
/// have planted it.
async fn begin(
    state: &WebState,
    who: &Who,
    session: &Session,
    user: &User,
    headers: &HeaderMap,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if session.id().is_some() {
        session.flush().await?;
    }
    session.cycle_id().await?;
    let now = (state.people.clock)();
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let content = Content {
        user: user.id,
        form_token: Secret::new()?.reveal().to_owned(),
        since: now,
        seen: now,
        address: who.client.address.to_string(),
        agent: agent.unwrap_or_default().chars().take(200).collect(),
    };
    Ok(content.write(session).await?)
}

/// `POST /sign-out`
pub async fn sign_out(State(state): State<WebState>, session: Session) -> Response {
    if let Err(error) = session.flush().await {
        tracing::error!(%error, "cannot end a session");
    }
    Redirect::to(&format!("{}/", state.prefix)).into_response()
}

/// `POST /sign-out/everywhere`
pub async fn sign_out_everywhere(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    session: Session,
) -> Response {
    if let Some(user) = who.user()
        && let Err(error) = state.people.store.end_sessions(user.id).await
    {
        return failed(&state, &who, &error.to_string()).await;
    }
    sign_out(State(state), session).await
}

/// The page of signing in.
async fn show(state: &WebState, who: &Who, headers: &HeaderMap, mut view: SignInView) -> Response {
    let cookie = match FormCookie::of(headers, &who.client, &state.prefix) {
        Ok(cookie) => cookie,
        Err(error) => return failed(state, who, &error.to_string()).await,
    };
    view.form_token.clone_from(&cookie.token);
    if state.people.access.demo {
        view.demo = USERS.map(|(_, name, password)| (name.to_owned(), password.to_owned())).into();
    }
    view.nobody = state.people.store.users().await.is_ok_and(|users| users.is_empty());
    let draw = move || provide_context(view.clone());
    let response = state.draw_private(who, "/sign-in", draw).await;
    cookie.with(response)
}

async fn failed(state: &WebState, who: &Who, error: &str) -> Response {
    tracing::error!(error, "cannot sign somebody in or out");
    let error = BackendError::unavailable("the database cannot be used now");
    state.instead(who, error).await
}

fn too_often(left: TimeDelta) -> String {
    let minutes = (left.num_seconds() + 59) / 60;
    let minutes = if minutes <= 1 { "a minute".to_owned() } else { format!("{minutes} minutes") };
    format!("There were too many failed attempts. Try again in {minutes}.")
}

/// Address of a page of ours: what leads elsewhere, or is no address, is the list of nights.
fn inside(prefix: &str, to: &str) -> String {
    let inside = format!("{prefix}/{to}");
    let plain = !to.starts_with('/')
        && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && inside.parse::<Uri>().is_ok_and(|uri| uri.authority().is_none());
    if plain { inside } else { format!("{prefix}/") }
}

impl From<PeopleError> for BackendError {
    fn from(error: PeopleError) -> Self {
        Self::unavailable(error.to_string()).with_hint(error.hint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_never_leaves_the_site_by_signing_in() {
        assert_eq!(inside("", "nights/2024-11-28?a=b"), "/nights/2024-11-28?a=b");
        assert_eq!(inside("/osa", ""), "/osa/");
        assert_eq!(inside("/osa", "account"), "/osa/account");
        for to in ["/evil.example", "//evil.example", "\\evil.example", "/\\evil", "a b", "a\r\nb"]
        {
            assert_eq!(inside("", to), "/", "{to}");
        }
        assert_eq!(inside("", "https://evil.example"), "/https://evil.example");
    }

    #[test]
    fn how_long_to_wait_is_said_in_minutes() {
        assert!(too_often(TimeDelta::seconds(30)).ends_with("Try again in a minute."));
        assert!(too_often(TimeDelta::seconds(61)).ends_with("Try again in 2 minutes."));
    }
}
