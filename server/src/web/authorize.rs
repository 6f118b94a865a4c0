//! Authorization of every request: the principal must have the access that the rule of the route
//! demands, and what changes something must come from a page of ours.

use std::time::Duration;

use app::backend::BackendError;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::WebState;
use super::auth::{CsrfError, Principal, verify_csrf};
use super::deadline::DeadlineBody;
use super::functions::wants_page;
use super::problem::Problem;
use super::rules::{Needs, Rule};
use crate::model::Role;

/// How long a stream of events to an authenticated client lasts before it must authenticate again.
const NEWS: Duration = Duration::from_secs(60);

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Refusal {
    /// It is not authenticated.
    Unknown,
    /// The principal lacks the role.
    Forbidden(&'static str),
}

/// Passes a request on to the handler of `rule`, or refuses it.
pub async fn authorize(
    State((state, rule)): State<(WebState, Rule)>,
    request: Request,
    next: Next,
) -> Response {
    let Some(principal) = request.extensions().get::<Principal>().cloned() else {
        tracing::error!(method = %rule.verb, route = rule.path, "a request was not authenticated");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let needs = rule.needs.effective(state.people.access.reading);
    if let Err(refusal) = allow(needs, &principal) {
        return refuse(&state, &rule, &principal, &refusal, request).await;
    }
    let in_words = is_api(&rule, &request);
    match verify_csrf(&principal, request).await {
        Ok(request) if needs == Needs::Nothing => next.run(request).await,
        Ok(request) => restricted(next.run(request).await),
        Err(error) => {
            tracing::warn!(
                method = %rule.verb, route = rule.path, client = %principal.client.address,
                reason = error.reason, "a request was refused as forged"
            );
            refuse_csrf(&state, in_words, &principal, error).await
        }
    }
}

/// A response for one principal only: shared caches may not keep it, and streams of events end after
/// a while, so that the client must authenticate again.
fn restricted(mut response: Response) -> Response {
    let private = HeaderValue::from_static("private, no-cache");
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(private);
    let news = |kind: &HeaderValue| kind == "text/event-stream";
    match response.headers().get(header::CONTENT_TYPE).is_some_and(news) {
        true => response.map(|body| Body::new(DeadlineBody::new(body, NEWS))),
        false => response,
    }
}

fn allow(needs: Needs, principal: &Principal) -> Result<(), Refusal> {
    let (role, session) = match needs {
        Needs::Nothing => return Ok(()),
        Needs::Browser if principal.author.is_none() => return Ok(()),
        Needs::Browser => (Role::Viewer, true),
        // Not in effect any more; as strict as it can be.
        Needs::Reading => (Role::Viewer, false),
        Needs::Role(role) => (role, false),
        Needs::Session(role) => (role, true),
    };
    if principal.author.is_none() {
        Err(Refusal::Unknown)
    } else if session && principal.user().is_none() {
        Err(Refusal::Forbidden("this is not for programs: sign in with a browser"))
    } else if !principal.may(role) {
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
    principal: &Principal,
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
        Refusal::Forbidden(reason) => {
            state.error_page(principal, BackendError::forbidden(*reason)).await
        }
    }
}

async fn refuse_csrf(
    state: &WebState,
    in_words: bool,
    principal: &Principal,
    error: CsrfError,
) -> Response {
    let CsrfError { reason, hint } = error;
    let error = BackendError::forbidden(format!("nothing was done: {reason}")).with_hint(hint);
    if in_words {
        return Problem::from(error).into_response();
    }
    state.error_page(principal, error).await
}

/// Whether a refusal is reported as a problem document: to programs, and to scripts that call a server
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
