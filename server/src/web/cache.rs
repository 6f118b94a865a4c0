//! Pages kept ready: a page is made once for all who want it while nothing has changed.
//!
//! A page says as of when it is. One that has been kept for a moment is still true and is given at
//! once, while a new one is made for those who come next; one that something has changed since is
//! never given.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use app::people::Visitor;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::auth::Principal;
use super::path::Path;
use super::problem::Problem;
use super::{WebState, functions};
use crate::internal::lock;
use crate::model::NightDate;

/// Age at which a page is made again.
const FRESH: Duration = Duration::from_secs(1);
/// Age at which a page is not given any more.
const STALE: Duration = Duration::from_secs(5);
/// Pages kept.
const LARGEST: usize = 256;

/// The pages.
#[derive(Debug, Default)]
pub struct PageCache {
    places: Mutex<HashMap<Key, Arc<Place>>>,
}

/// Path and query, how the page is compressed, and who is shown it: a page with somebody's name on
/// it is that one's alone.
type Key = (String, &'static str, Visitor);

/// One page; whoever holds `making` makes it.
#[derive(Debug, Default)]
struct Place {
    page: Mutex<Option<Page>>,
    making: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug)]
struct Page {
    version: u64,
    made: Instant,
    headers: HeaderMap,
    body: Bytes,
}

/// Gives a page from the cache, or makes it.
pub async fn cached(
    State(state): State<WebState>,
    date: Result<Path<NightDate>, Problem>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    // What came of a form is shown once, and what is wrong with the database at once.
    let wanted = [Method::GET, Method::HEAD].contains(request.method())
        && state.watcher.trouble().is_none()
        && functions::number(request.uri()).is_none();
    let version =
        if wanted { version(&state, request.uri().path(), date.ok()).await } else { None };
    let Some(version) = version else { return next.run(request).await };
    let encoding = encoding(request.headers());
    let Some(principal) = request.extensions().get::<Principal>().cloned() else {
        return next.run(request).await;
    };
    let place = state.cache.place((path.clone(), encoding, principal.visitor()));
    let maker = Maker { place: Arc::clone(&place), path, encoding, principal, next };
    if let Some(page) = place.page(version, STALE) {
        if page.made.elapsed() > FRESH && place.making.try_lock().is_ok() {
            tokio::spawn(async move { maker.make(version, FRESH).await });
        }
        return page.response();
    }
    match maker.make(version, STALE).await {
        Ok(page) => page.response(),
        Err(response) => response,
    }
}

/// Version of what a page shows, if it is one that is kept: the list of nights, or a night.
async fn version(state: &WebState, path: &str, date: Option<Path<NightDate>>) -> Option<u64> {
    if path.trim_matches('/').is_empty() {
        return Some(state.watcher.see_nights().await.version);
    }
    let Path(date) = date?;
    Some(state.watcher.see_night(date).await.version)
}

/// The best encoding that a browser takes.
fn encoding(headers: &HeaderMap) -> &'static str {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let accepted = accepted.unwrap_or_default();
    let takes = |name: &str| {
        accepted.split(',').any(|offer| {
            let (offer, quality) = offer.split_once(';').unwrap_or((offer, ""));
            offer.trim() == name && quality.trim() != "q=0"
        })
    };
    ["br", "gzip"].into_iter().find(|name| takes(name)).unwrap_or("identity")
}

impl PageCache {
    fn place(&self, key: Key) -> Arc<Place> {
        let mut places = lock(&self.places);
        if places.len() >= LARGEST && !places.contains_key(&key) {
            places.retain(|_, place| place.made().is_some_and(|made| made.elapsed() < STALE));
        }
        if places.len() >= LARGEST {
            return Arc::default();
        }
        Arc::clone(places.entry(key).or_default())
    }
}

impl Place {
    fn page(&self, version: u64, age: Duration) -> Option<Page> {
        let page = lock(&self.page);
        page.clone().filter(|page| page.version == version && page.made.elapsed() <= age)
    }

    fn made(&self) -> Option<Instant> {
        lock(&self.page).as_ref().map(|page| page.made)
    }
}

struct Maker {
    place: Arc<Place>,
    path: String,
    encoding: &'static str,
    principal: Principal,
    next: Next,
}

impl Maker {
    /// Makes the page, unless another has just done so. What is no good page is given as it is, and
    /// not kept.
    async fn make(self, version: u64, age: Duration) -> Result<Page, Response> {
        let _making = self.place.making.lock().await;
        if let Some(page) = self.place.page(version, age) {
            return Ok(page);
        }
        let made = Instant::now();
        let request = Request::get(&self.path).header(header::ACCEPT_ENCODING, self.encoding);
        let Ok(request) = request.extension(self.principal).body(Body::empty()) else {
            return Err(status(StatusCode::BAD_REQUEST));
        };
        let response = self.next.run(request).await;
        if response.status() != StatusCode::OK {
            return Err(response);
        }
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.map_err(|error| {
            tracing::error!(path = self.path, %error, "cannot make a page");
            status(StatusCode::INTERNAL_SERVER_ERROR)
        })?;
        let mut headers = parts.headers;
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding, cookie"));
        let page = Page { version, made, headers, body };
        *lock(&self.place.page) = Some(page.clone());
        Ok(page)
    }
}

impl Page {
    fn response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.headers_mut() = self.headers;
        if let Some(size) = response.body().size_hint().exact() {
            response.headers_mut().insert(header::CONTENT_LENGTH, size.into());
        }
        response
    }
}

fn status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_encoding_that_is_taken_wins() {
        let of = |accepted: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, accepted.parse().unwrap());
            encoding(&headers)
        };
        assert_eq!(of("gzip, deflate, br, zstd"), "br");
        assert_eq!(of("gzip, deflate"), "gzip");
        assert_eq!(of("br;q=0, gzip;q=0.5"), "gzip");
        assert_eq!(of("*"), "identity");
        assert_eq!(encoding(&HeaderMap::new()), "identity");
    }
}
