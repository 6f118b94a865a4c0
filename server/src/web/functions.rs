//! The endpoint of all server functions (`app::api`), for forms without scripts and for WebAssembly.
//!
//! WebAssembly gets the function's value, or its error with the fitting status. A form gets a redirect: to
//! `then` if all went well, else back to `back`, both from the query of its address and always within this
//! site. What came of it waits under a random number in the address of that page, for a moment and for
//! that browser only: an address that somebody else made up shows nothing.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use app::backend::BackendError;
use app::form::{FormResult, RESULT, TOKEN_FIELD};
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use leptos::context::provide_context;
use serde::Deserialize;

use super::WebState;
use super::auth::{Principal, cookie};
use super::caller::Caller;
use crate::internal::lock;
use crate::model::Fields;
use crate::people::Secret;

/// Largest form and largest answer, in bytes.
const LARGEST: usize = 1 << 20;
/// For how long an outcome waits for its page.
const LIFETIME: Duration = Duration::from_secs(60);
/// Outcomes that wait at once; more are not kept, and their pages show nothing.
const MOST: usize = 1000;
/// Fields that are not given back to the page.
const SECRET_FIELDS: [&str; 5] = [TOKEN_FIELD, "password", "current", "new", "again"];

/// Where a form leads.
#[derive(Debug, Default, Deserialize)]
struct Target {
    #[serde(default)]
    back: String,
    then: Option<String>,
}

/// Any server function.
pub async fn call(
    State(state): State<WebState>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Response {
    if !wants_page(request.headers()) {
        return run(&state, &principal, request).await;
    }
    let owner = owner(&principal, request.headers());
    let function = request.uri().path().to_owned();
    let target: Target =
        serde_urlencoded::from_str(request.uri().query().unwrap_or_default()).unwrap_or_default();
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let fields = shown_again(&body);
    let response = run(&state, &principal, Request::from_parts(parts, Body::from(body))).await;
    let (parts, outcome) = outcome(response).await;
    let to = match (&outcome, target.then) {
        (Ok(_), Some(then)) => then,
        _ => target.back,
    };
    let has_news = |value: &serde_json::Value| value.get("message").is_some();
    let to = match outcome.as_ref().map_or(true, has_news) {
        true => {
            with_result(&to, state.results.keep(owner, FormResult { function, fields, outcome }))
        }
        false => to,
    };
    let mut response = Redirect::to(&inside(&state.prefix, &to)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().extend(parts);
    response
}

/// Whether a browser asks for a page: a form does, a script does not.
pub fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Runs the function. Leptos would redirect by itself, to wherever the browser says that it comes from.
async fn run(state: &WebState, principal: &Principal, mut request: Request) -> Response {
    request.headers_mut().remove(header::ACCEPT);
    request.headers_mut().remove(header::REFERER);
    let (parts, body) = request.into_parts();
    let caller = Caller::of(state, principal, &parts);
    let context = move || provide_context(caller.clone().backend());
    let request = Request::from_parts(parts, body);
    let response = leptos_axum::handle_server_fns_with_context(context, request).await;
    let response = response.into_response();
    if response.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return response;
    }
    // What Leptos makes of every error.
    let (mut parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, LARGEST).await.unwrap_or_default();
    if let Ok(error) = serde_json::from_slice::<BackendError>(&body) {
        parts.status = error.kind.status();
    }
    Response::from_parts(parts, Body::from(body))
}

/// What a function gave, and the headers that it set beside.
async fn outcome(response: Response) -> (HeaderMap, Result<serde_json::Value, BackendError>) {
    let (mut parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, LARGEST).await.unwrap_or_default();
    let wrong = |_| BackendError::unavailable("the server's own answer cannot be read");
    let outcome = match parts.status.is_success() {
        true => serde_json::from_slice(&body).map_err(wrong),
        false => Err(serde_json::from_slice(&body).unwrap_or_else(wrong)),
    };
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
        parts.headers.remove(name);
    }
    (parts.headers, outcome)
}

/// The fields of a form that its page may show again.
fn shown_again(body: &Bytes) -> Fields {
    let fields: Fields = serde_urlencoded::from_bytes(body).unwrap_or_default();
    let shown = fields.into_iter().filter(|(name, _)| !SECRET_FIELDS.contains(&name.as_str()));
    shown.map(|(name, value)| (name, value.chars().take(64).collect())).collect()
}

/// Whose outcome it is: what only this session, or this browser before there is one, knows.
fn owner(principal: &Principal, headers: &HeaderMap) -> String {
    let cookie = || cookie(headers, &principal.cookies.form()).unwrap_or_default().to_owned();
    principal.form_token.clone().unwrap_or_else(cookie)
}

/// An address with the number of an outcome, which stands before the fragment.
fn with_result(to: &str, number: Option<String>) -> String {
    let Some(number) = number else { return to.to_owned() };
    let (page, fragment) = to.split_once('#').map_or((to, None), |(page, at)| (page, Some(at)));
    let mark = if page.contains('?') { '&' } else { '?' };
    let fragment = fragment.map(|at| format!("#{at}")).unwrap_or_default();
    format!("{page}{mark}{RESULT}={number}{fragment}")
}

/// Address of a page of ours: what leads elsewhere, or is no address, is the list of nights.
pub fn inside(prefix: &str, to: &str) -> String {
    let inside = format!("{prefix}/{to}");
    let plain = !to.starts_with('/')
        && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && inside.parse::<Uri>().is_ok_and(|uri| uri.authority().is_none());
    if plain { inside } else { format!("{prefix}/") }
}

/// Outcomes that wait for their pages.
#[derive(Debug, Default)]
pub struct FormResults {
    waiting: Mutex<HashMap<String, Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    owner: String,
    since: Instant,
    result: FormResult,
}

impl FormResults {
    /// Keeps an outcome; gives its number, or nothing if it cannot be kept.
    fn keep(&self, owner: String, result: FormResult) -> Option<String> {
        let number = Secret::new().ok()?.reveal().to_owned();
        let mut waiting = lock(&self.waiting);
        waiting.retain(|_, waiting| waiting.since.elapsed() < LIFETIME);
        if owner.is_empty() || waiting.len() >= MOST {
            return None;
        }
        waiting.insert(number.clone(), Waiting { owner, since: Instant::now(), result });
        Some(number)
    }

    /// The outcome that the page at `uri` is to show, once and only to whom it belongs.
    pub fn take(
        &self,
        principal: &Principal,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Option<FormResult> {
        let number = number(uri)?;
        let owner = owner(principal, headers);
        let mut waiting = lock(&self.waiting);
        let found = waiting.get(&number)?;
        if found.owner != owner || found.since.elapsed() >= LIFETIME {
            return None;
        }
        waiting.remove(&number).map(|waiting| waiting.result)
    }
}

/// The number of an outcome in a page's address.
pub fn number(uri: &Uri) -> Option<String> {
    let fields: Fields = serde_urlencoded::from_str(uri.query()?).ok()?;
    fields.into_iter().find(|(name, _)| name == RESULT).map(|(_, number)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_leads_out_of_the_site() {
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
    fn the_number_of_an_outcome_stands_before_the_fragment() {
        let with = |to| with_result(to, Some("7".into()));
        assert_eq!(with(""), "?result=7");
        assert_eq!(with("a?b=c"), "a?b=c&result=7");
        assert_eq!(with("a#notes"), "a?result=7#notes");
        assert_eq!(with_result("a#notes", None), "a#notes");
    }

    #[test]
    fn secrets_are_not_shown_again() {
        let body = Bytes::from("form_token=t&name=jane&password=p&current=c&new=n&again=n");
        assert_eq!(shown_again(&body), [("name".to_owned(), "jane".to_owned())]);
    }
}
