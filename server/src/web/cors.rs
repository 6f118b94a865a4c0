//! Which other sites may read the interface for programs in a browser.
//!
//! Whoever sends a token may, from any site: no browser adds one by itself. Without a token the answer may
//! depend on where the browser is, such as within the observatory's network; so only the sites that the
//! setting `cors_origins` names may read it.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::WebState;
use super::auth::bearer;

/// Headers that scripts of other sites may send and read.
const SENT: &str = "authorization, accept, if-none-match";
const EXPOSED: &str = "etag, link";
/// What decides about the answer.
const VARY: &str = "origin, access-control-request-method, access-control-request-headers";

/// Answers the browser's question before a request of another site (a preflight), and tells with any other
/// answer who may read it.
pub async fn share(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let origin = headers.get(header::ORIGIN).cloned();
    let preflight = is_preflight(&request);
    // A preflight carries no token, but says that the request will.
    let token = match preflight {
        true => names(headers, header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization"),
        false => bearer(headers).is_some(),
    };
    let mut response = match preflight {
        true => StatusCode::OK.into_response(),
        false => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static(VARY));
    let Some(allowed) = origin.and_then(|origin| allowed(&state, token, origin)) else {
        return response;
    };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, SENT),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Who may read the answer to a request of this origin.
fn allowed(state: &WebState, token: bool, origin: HeaderValue) -> Option<HeaderValue> {
    if token {
        return Some(HeaderValue::from_static("*"));
    }
    let listed = &state.people.access.cors_origins;
    listed.iter().any(|listed| origin == listed.as_str()).then_some(origin)
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Whether a header that is a list has a word.
fn names(headers: &HeaderMap, header: HeaderName, word: &str) -> bool {
    let lines = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|name| name.trim().eq_ignore_ascii_case(word))
}
