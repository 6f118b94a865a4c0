//! The access log: a span around each request, and a record of each one that is answered. Streams
//! are recorded when their head is sent: nobody knows when they end.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, Span, field};

use crate::internal::lock;

use super::WebState;
use super::auth::{Client, Principal};

/// Stands for what is not known: the route of a file, the user who has not signed in.
const NOTHING: &str = "-";

/// What only the inner layers find out about a request: a part of each request.
#[derive(Clone, Debug, Default)]
pub struct Details(Arc<Mutex<Found>>);

#[derive(Debug, Default)]
struct Found {
    route: Option<String>,
    user: Option<String>,
}

impl Details {
    /// Notes the route of a request, if it has one: the pattern of its address.
    pub fn note_route(request: &Request) {
        let extensions = request.extensions();
        if let (Some(details), Some(route)) =
            (extensions.get::<Self>(), extensions.get::<MatchedPath>())
        {
            Span::current().record("route", route.as_str());
            details.found().route = Some(route.as_str().to_owned());
        }
    }

    /// Notes who asks, once they have shown it.
    pub fn note_user(request: &Request, principal: &Principal) {
        if let (Some(details), Some(author)) =
            (request.extensions().get::<Self>(), &principal.author)
        {
            let user = author.to_string();
            Span::current().record("user", &user);
            details.found().user = Some(user);
        }
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        lock(&self.0)
    }
}

/// Runs a request in a span of its own, and records how it was answered.
pub async fn record(State(state): State<WebState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let client = Client::of(&request, &state.people.access).address;
    let details = Details::default();
    request.extensions_mut().insert(details.clone());
    let span = tracing::info_span!(
        "request", %method, path, %client, route = field::Empty, user = field::Empty
    );
    let response = next.run(request).instrument(span).await;
    let found = details.found();
    // Outside the span, which has the same fields.
    tracing::info!(
        target: "osa::access",
        parent: None,
        %method,
        path,
        route = found.route.as_deref().unwrap_or(NOTHING),
        status = response.status().as_u16(),
        duration_ms = milliseconds(started),
        user = found.user.as_deref().unwrap_or(NOTHING),
        %client,
        "request"
    );
    drop(found);
    response
}

/// Time since then, to a hundredth of a millisecond.
fn milliseconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1e5).round() / 100.0
}
