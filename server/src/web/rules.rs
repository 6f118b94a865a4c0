//! Who may ask for what: every address that is served, with its verb and its rule. The router is
//! made of this table and of nothing else but the files of the site, so that an address without a
//! rule cannot be.

use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use tower_http::compression::CompressionLayer;

use super::gate::gate;
use super::people::{account, sign_in, users};
use super::{WebState, api, cache, deeds, events, figures, pages, provenance};
use crate::config::Reading;
use crate::model::Role;

/// What a verb at an address demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// Nothing, but not with a token: signing in.
    Browser,
    /// To read, which may be open to all.
    Reading,
    /// A role, by session or token.
    Role(Role),
    /// A role and a session: a token must not make tokens, nor change a password.
    Session(Role),
}

impl Needs {
    /// As it takes effect where reading is open or not.
    pub fn effective(self, reading: Reading) -> Self {
        match (self, reading) {
            (Self::Reading, Reading::Open) => Self::Nothing,
            (Self::Reading, Reading::SignedIn) => Self::Role(Role::Viewer),
            (needs, _) => needs,
        }
    }
}

/// A verb at an address, and what it demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// GET (with HEAD), POST, …
    pub verb: Method,
    /// The address, as the router writes it.
    pub path: &'static str,
    /// What it demands.
    pub needs: Needs,
}

/// A rule and what answers.
pub struct Route {
    /// The rule.
    pub rule: Rule,
    handler: MethodRouter<WebState>,
}

impl Route {
    /// What answers, behind its rule.
    pub fn guarded(self, state: &WebState) -> (&'static str, MethodRouter<WebState>) {
        let guard = from_fn_with_state((state.clone(), self.rule.clone()), gate);
        (self.rule.path, self.handler.route_layer(guard))
    }
}

/// What reads.
pub fn get<H, T>(path: &'static str, needs: Needs, handler: H) -> Route
where
    H: Handler<T, WebState>,
    T: 'static,
{
    let rule = Rule { verb: Method::GET, path, needs };
    Route { rule, handler: on(MethodFilter::GET, handler) }
}

/// What changes something.
pub fn post<H, T>(path: &'static str, needs: Needs, handler: H) -> Route
where
    H: Handler<T, WebState>,
    T: 'static,
{
    let rule = Rule { verb: Method::POST, path, needs };
    Route { rule, handler: on(MethodFilter::POST, handler) }
}

/// A page that only needs to be drawn.
fn page(path: &'static str) -> Route {
    get(path, Needs::Reading, pages::show)
}

/// A page that is drawn once for all who are shown the same, while nothing has changed.
fn kept(path: &'static str, state: &WebState) -> Route {
    let mut route = page(path);
    // Inside the cache, so that a page is compressed once and not for every viewer.
    route.handler = route
        .handler
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(state.clone(), cache::cached));
    route
}

/// Every address.
pub fn routes(state: &WebState) -> Vec<Route> {
    use Needs::{Browser, Reading, Session};
    use Role::{Admin, Shifter, Viewer};
    vec![
        kept("/", state),
        page("/nights"),
        page("/datacheck"),
        kept("/nights/{date}", state),
        get("/nights/{date}/do", Session(Shifter), deeds::show),
        post("/nights/{date}/do", Session(Shifter), deeds::carry_out),
        page("/nights/{date}/datacheck"),
        page("/nights/{date}/runs/{run}"),
        page("/nights/{date}/runs/{run}/datacheck"),
        page("/nights/{date}/runs/{run}/datacheck/compare"),
        page("/nights/{date}/runs/{run}/provenance"),
        page("/nights/{date}/runs/{run}/logs/{name}"),
        get("/nights/{date}/runs/{run}/logs/{name}/raw", Reading, api::raw_log),
        get("/api/v1/health", Reading, api::health),
        get("/api/v1/me", Needs::Role(Viewer), api::me),
        get("/api/v1/datacheck", Reading, figures::nights),
        get("/api/v1/datacheck/{sheet}/{figure}", Reading, figures::nights_figure),
        get("/api/v1/nights", Reading, api::nights),
        get("/api/v1/nights/events", Reading, events::nights),
        get("/api/v1/nights/{date}", Reading, api::night),
        get("/api/v1/nights/{date}/blockers", Reading, api::blockers),
        get("/api/v1/nights/{date}/plan", Needs::Role(Shifter), deeds::plan),
        post("/api/v1/nights/{date}/deeds", Needs::Role(Shifter), deeds::order),
        get("/api/v1/nights/{date}/events", Reading, events::night),
        get("/api/v1/nights/{date}/datacheck", Reading, figures::night),
        get("/api/v1/nights/{date}/datacheck/{sheet}/{figure}", Reading, figures::night_figure),
        get("/api/v1/nights/{date}/runs/{run}", Reading, api::run),
        get("/api/v1/nights/{date}/runs/{run}/events", Reading, events::run),
        get("/api/v1/nights/{date}/runs/{run}/datacheck", Reading, figures::run),
        get(
            "/api/v1/nights/{date}/runs/{run}/datacheck/{sheet}/{figure}",
            Reading,
            figures::run_figure,
        ),
        get("/api/v1/nights/{date}/runs/{run}/provenance", Reading, provenance::negotiate),
        get("/api/v1/nights/{date}/runs/{run}/provenance.json", Reading, provenance::as_json),
        get("/api/v1/nights/{date}/runs/{run}/provenance.provn", Reading, provenance::as_provn),
        get("/api/v1/nights/{date}/runs/{run}/provenance.ttl", Reading, provenance::as_turtle),
        get("/api/v1/nights/{date}/runs/{run}/provenance.jsonld", Reading, provenance::as_jsonld),
        get("/api/v1/nights/{date}/runs/{run}/provenance.svg", Reading, provenance::as_svg),
        get("/api/v1/nights/{date}/runs/{run}/provenance.pdf", Reading, provenance::as_pdf),
        get("/api/v1/nights/{date}/runs/{run}/logs/{name}", Reading, api::log),
        get("/api/v1/nights/{date}/runs/{run}/logs/{name}/events", Reading, events::log),
        get("/api/{*rest}", Reading, api::nothing),
        get("/sign-in", Browser, sign_in::form),
        post("/sign-in", Browser, sign_in::sign_in),
        post("/sign-out", Session(Viewer), sign_in::sign_out),
        post("/sign-out/everywhere", Session(Viewer), sign_in::sign_out_everywhere),
        get("/account", Session(Viewer), account::show),
        post("/account/password", Session(Viewer), account::change_password),
        post("/account/tokens", Session(Viewer), account::make_token),
        post("/account/tokens/{name}/revoke", Session(Viewer), account::revoke_token),
        get("/users", Session(Admin), users::show),
        post("/users", Session(Admin), users::add),
        post("/users/{name}/role", Session(Admin), users::set_role),
        post("/users/{name}/disable", Session(Admin), users::disable),
        post("/users/{name}/enable", Session(Admin), users::enable),
    ]
}
