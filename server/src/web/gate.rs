//! The one gate before everything that is served: who asks must be who the rule demands, and what
//! changes something must come from a page of ours.

use std::time::Duration;

use app::backend::BackendError;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::WebState;
use super::functions::wants_page;
use super::lapse::Lapsing;
use super::problem::Problem;
use super::rules::{Needs, Rule};
use super::who::{Disbelief, Who, forged};
use crate::model::Role;

/// For how long somebody who had to show who they are is told news without showing it again.
const NEWS: Duration = Duration::from_secs(60);

/// Why somebody is not let through.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Refusal {
    /// They have not shown who they are.
    Unknown,
    /// They may not.
    Forbidden(&'static str),
}

/// Lets a request through to what `rule` guards, or answers it.
pub async fn gate(
    State((state, rule)): State<(WebState, Rule)>,
    request: Request,
    next: Next,
) -> Response {
    let Some(who) = request.extensions().get::<Who>().cloned() else {
        tracing::error!(method = %rule.verb, route = rule.path, "a request was not identified");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let needs = rule.needs.effective(state.people.access.reading);
    if let Err(refusal) = allow(needs, &who) {
        return refuse(&state, &rule, &who, &refusal, request).await;
    }
    let in_words = is_api(&rule, &request);
    match forged(&who, request).await {
        Ok(request) if needs == Needs::Nothing => next.run(request).await,
        Ok(request) => kept_to(next.run(request).await),
        Err(disbelief) => {
            tracing::warn!(
                method = %rule.verb, route = rule.path, client = %who.client.address,
                reason = disbelief.reason, "a request was refused as forged"
            );
            disbelieve(&state, in_words, &who, disbelief).await
        }
    }
}

/// An answer that is for somebody only: nobody else may keep it, and news end now and then, so that
/// whoever follows them must show again who they are.
fn kept_to(mut response: Response) -> Response {
    let private = HeaderValue::from_static("private, no-cache");
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(private);
    let news = |kind: &HeaderValue| kind == "text/event-stream";
    match response.headers().get(header::CONTENT_TYPE).is_some_and(news) {
        true => response.map(|body| Body::new(Lapsing::new(body, NEWS))),
        false => response,
    }
}

fn allow(needs: Needs, who: &Who) -> Result<(), Refusal> {
    let (role, session) = match needs {
        Needs::Nothing => return Ok(()),
        Needs::Browser if who.author.is_none() => return Ok(()),
        Needs::Browser => (Role::Viewer, true),
        // Not in effect any more; as strict as it can be.
        Needs::Reading => (Role::Viewer, false),
        Needs::Role(role) => (role, false),
        Needs::Session(role) => (role, true),
    };
    if who.author.is_none() {
        Err(Refusal::Unknown)
    } else if session && who.user().is_none() {
        Err(Refusal::Forbidden("this is not for programs: sign in with a browser"))
    } else if !who.may(role) {
        Err(Refusal::Forbidden(match role {
            Role::Viewer => "this needs a viewer",
            Role::Shifter => "this needs a shifter",
            Role::Admin => "this needs an administrator",
        }))
    } else {
        Ok(())
    }
}

async fn refuse(
    state: &WebState,
    rule: &Rule,
    who: &Who,
    refusal: &Refusal,
    request: Request,
) -> Response {
    let in_words = is_api(rule, &request);
    match refusal {
        Refusal::Unknown if in_words => {
            let problem = Problem::unauthorized("sign in, or send a token");
            let mut response = problem.into_response();
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
            response
        }
        Refusal::Unknown => to_sign_in(state, &request),
        Refusal::Forbidden(reason) if in_words => Problem::forbidden(*reason).into_response(),
        Refusal::Forbidden(reason) => state.error_page(who, BackendError::forbidden(*reason)).await,
    }
}

async fn disbelieve(state: &WebState, in_words: bool, who: &Who, disbelief: Disbelief) -> Response {
    let Disbelief { reason, hint } = disbelief;
    let error = BackendError::forbidden(format!("nothing was done: {reason}")).with_hint(hint);
    if in_words {
        return Problem::from(error).into_response();
    }
    state.error_page(who, error).await
}

/// Whether a refusal is told as a problem document: to programs, and to scripts that call a server
/// function. A form that calls one gets a page.
fn is_api(rule: &Rule, request: &Request) -> bool {
    rule.path.starts_with("/api/") && !(rule.is_server_function() && wants_page(request.headers()))
}

/// To the form, and from there back to the page; a form that was sent is lost.
fn to_sign_in(state: &WebState, request: &Request) -> Response {
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    let path = path.trim_start_matches('/');
    let query = match request.method() == Method::GET && !path.is_empty() {
        true => serde_urlencoded::to_string([("to", path)]).unwrap_or_default(),
        false => String::new(),
    };
    let query = if query.is_empty() { query } else { format!("?{query}") };
    Redirect::to(&format!("{}/sign-in{query}", state.prefix)).into_response()
}
