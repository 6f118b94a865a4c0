//! Who may ask for what: every address that is served, with its verb and its rule. The router is
//! made of this table and of nothing else but the files of the site, so that an address without a
//! rule cannot be.

use std::collections::HashMap;

use app::api::{
    AddNote, AddUser, ChangePassword, CreateToken, ExecuteAction, PlanAction, RevokeToken,
    SetDisabled, SetRole, SignIn, SignOut, SignOutEverywhere, WithdrawNote,
};
use axum::extract::{Path, Request, State};
use axum::handler::Handler;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use leptos::server_fn::ServerFn;
use tower_http::compression::CompressionLayer;

use super::authorize::authorize;
use super::cached::Form;
use super::problem::Problem;
use super::{
    WebState, actions, api, cache, cors, events, figures, functions, lineage, notes, openapi,
    pages, products, provenance,
};
use crate::config::Reading;
use crate::model::Role;

/// Where the provenance of what an answer shows can be found (W3C PROV-AQ, section 3.1).
const HAS_PROVENANCE: &str = "http://www.w3.org/ns/prov#has_provenance";

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

impl Rule {
    /// Whether it is one for a server function.
    pub fn is_server_function(&self) -> bool {
        self.path.starts_with("/api/ui/")
    }
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
        let guard = from_fn_with_state((state.clone(), self.rule.clone()), authorize);
        let mut handler = self.handler.route_layer(guard);
        if OF_A_RUN.iter().any(|start| self.rule.path.starts_with(start)) {
            handler = handler.layer(from_fn_with_state(state.clone(), with_provenance));
        }
        let is_rest = self.rule.path.starts_with("/api/") && !self.rule.is_server_function();
        if self.rule.verb == Method::GET && is_rest {
            handler = handler.layer(from_fn_with_state(state.clone(), cors::share));
        }
        if is_rest {
            handler = handler.layer(map_response(as_problem));
        }
        (self.rule.path, handler)
    }
}

/// Addresses of what a run has brought forth: figures, files, logs.
const OF_A_RUN: [&str; 2] =
    ["/api/v1/nights/{date}/runs/{run}/", "/nights/{date}/runs/{run}/logs/{name}/raw"];

/// What the router itself refuses, such as a parameter that cannot be read or a verb that is not there, is
/// told like every other problem.
async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let plain = kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !(plain && (status.is_client_error() || status.is_server_error())) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let text = axum::body::to_bytes(body, REFUSAL).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let said = if text.is_empty() { "this cannot be asked here".to_owned() } else { text };
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    let mut problem = Problem::of(status, said).into_response();
    problem.headers_mut().extend(parts.headers);
    problem
}

/// A refusal is never longer, in bytes.
const REFUSAL: usize = 16 << 10;

/// Tells with a good answer where its provenance is.
async fn with_provenance(
    State(state): State<WebState>,
    Path(of): Path<HashMap<String, String>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    let (date, run) = (of.get("date"), of.get("run"));
    // Whatever was answered well has a date and a run in the way we write them.
    if let (true, Some(date), Some(run)) = (response.status().is_success(), date, run) {
        let prefix = &state.prefix;
        let link = format!(
            "<{prefix}/api/v1/nights/{date}/runs/{run}/provenance>; rel=\"{HAS_PROVENANCE}\""
        );
        if let Ok(link) = HeaderValue::from_str(&link) {
            response.headers_mut().append(header::LINK, link);
        }
    }
    response
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

/// A page that only needs to be drawn, with forms in it that are for one user only.
fn private_page(path: &'static str, needs: Needs) -> Route {
    get(path, needs, pages::show_private)
}

/// A server function.
fn function<F: ServerFn>(needs: Needs) -> Route {
    post(F::PATH, needs, functions::call)
}

/// A page that only needs to be drawn.
fn page(path: &'static str) -> Route {
    get(path, Needs::Reading, pages::show)
}

/// A page that is drawn once for all who are shown the same, while nothing has changed.
fn cached(path: &'static str, state: &WebState) -> Route {
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
    let mut routes = vec![
        cached("/", state),
        page("/nights"),
        page("/datacheck"),
        cached("/nights/{date}", state),
        private_page("/nights/{date}/actions/new", Session(Shifter)),
        page("/nights/{date}/datacheck"),
        page("/nights/{date}/products"),
        page("/nights/{date}/runs/{run}"),
        page("/nights/{date}/runs/{run}/datacheck"),
        page("/nights/{date}/runs/{run}/datacheck/compare"),
        page("/nights/{date}/runs/{run}/provenance"),
        page("/nights/{date}/runs/{run}/logs/{name}"),
        get("/nights/{date}/runs/{run}/logs/{name}/raw", Reading, api::raw_log),
        page("/api"),
        get("/api/try", Reading, openapi::attempt),
        get("/api/v1/openapi.json", Reading, openapi::send),
        get("/api/v1/health", Reading, api::health),
        get("/api/v1/me", Needs::Role(Viewer), api::me),
        get("/api/v1/datacheck", Reading, figures::nights),
        get("/api/v1/datacheck/{sheet}/{figure}", Reading, figures::nights_figure),
        get("/api/v1/nights", Reading, api::nights),
        get("/api/v1/nights/events", Reading, events::nights),
        get("/api/v1/nights/{date}", Reading, api::night),
        get("/api/v1/nights/{date}/blockers", Reading, api::blockers),
        get("/api/v1/nights/{date}/plan", Needs::Role(Shifter), actions::plan),
        post("/api/v1/nights/{date}/actions", Needs::Role(Shifter), actions::execute),
        get("/api/v1/nights/{date}/events", Reading, events::night),
        get("/api/v1/nights/{date}/datacheck", Reading, figures::night),
        get("/api/v1/nights/{date}/datacheck/{sheet}/{figure}", Reading, figures::night_figure),
        get("/api/v1/nights/{date}/products", Reading, products::list),
        get("/api/v1/nights/{date}/products/{group}/{product}", Reading, products::send),
        get("/api/v1/nights/{date}/notes", Reading, notes::list),
        post("/api/v1/nights/{date}/notes", Needs::Role(Viewer), notes::add),
        post("/api/v1/nights/{date}/notes/{note}/withdraw", Needs::Role(Viewer), notes::withdraw),
        get("/api/v1/nights/{date}/runs/{run}", Reading, api::run),
        get("/api/v1/nights/{date}/runs/{run}/events", Reading, events::run),
        get("/api/v1/nights/{date}/runs/{run}/datacheck", Reading, figures::run),
        get(
            "/api/v1/nights/{date}/runs/{run}/datacheck/{sheet}/{figure}",
            Reading,
            figures::run_figure,
        ),
        get("/api/v1/nights/{date}/runs/{run}/logs/{name}", Reading, api::log),
        get("/api/v1/nights/{date}/runs/{run}/logs/{name}/events", Reading, events::log),
        get("/api/{*rest}", Reading, api::nothing),
        get("/sign-in", Browser, pages::sign_in),
        private_page("/account", Session(Viewer)),
        private_page("/users", Session(Admin)),
    ];
    routes.extend(server_functions());
    routes.extend(documents());
    routes
}

/// What pages have done. A test holds this list against all server functions that are linked.
fn server_functions() -> [Route; 13] {
    use Needs::{Browser, Session};
    use Role::{Admin, Shifter, Viewer};
    [
        get(PlanAction::PATH, Session(Shifter), functions::call),
        function::<ExecuteAction>(Session(Shifter)),
        function::<AddNote>(Session(Viewer)),
        function::<WithdrawNote>(Session(Viewer)),
        function::<SignIn>(Browser),
        function::<SignOut>(Session(Viewer)),
        function::<SignOutEverywhere>(Session(Viewer)),
        function::<ChangePassword>(Session(Viewer)),
        function::<CreateToken>(Session(Viewer)),
        function::<RevokeToken>(Session(Viewer)),
        function::<AddUser>(Session(Admin)),
        function::<SetRole>(Session(Admin)),
        function::<SetDisabled>(Session(Admin)),
    ]
}

/// PROV documents: by the form that the asker prefers, and with a suffix for each form.
fn documents() -> Vec<Route> {
    use Form::{Json, JsonLd, Pdf, Provn, Svg, Turtle};
    let of_night = [
        ("/api/v1/nights/{date}/runs/{run}/provenance", None),
        ("/api/v1/nights/{date}/runs/{run}/provenance.json", Some(Json)),
        ("/api/v1/nights/{date}/runs/{run}/provenance.provn", Some(Provn)),
        ("/api/v1/nights/{date}/runs/{run}/provenance.ttl", Some(Turtle)),
        ("/api/v1/nights/{date}/runs/{run}/provenance.jsonld", Some(JsonLd)),
        ("/api/v1/nights/{date}/runs/{run}/provenance.svg", Some(Svg)),
        ("/api/v1/nights/{date}/runs/{run}/provenance.pdf", Some(Pdf)),
    ];
    let of_run = [
        ("/api/v1/runs/{run}/provenance", None),
        ("/api/v1/runs/{run}/provenance.json", Some(Json)),
        ("/api/v1/runs/{run}/provenance.provn", Some(Provn)),
        ("/api/v1/runs/{run}/provenance.ttl", Some(Turtle)),
        ("/api/v1/runs/{run}/provenance.jsonld", Some(JsonLd)),
        ("/api/v1/runs/{run}/provenance.svg", Some(Svg)),
        ("/api/v1/runs/{run}/provenance.pdf", Some(Pdf)),
    ];
    let of_anything = [
        ("/api/v1/provenance", None),
        ("/api/v1/provenance.json", Some(Json)),
        ("/api/v1/provenance.provn", Some(Provn)),
        ("/api/v1/provenance.ttl", Some(Turtle)),
        ("/api/v1/provenance.jsonld", Some(JsonLd)),
        ("/api/v1/provenance.svg", Some(Svg)),
        ("/api/v1/provenance.pdf", Some(Pdf)),
    ];
    let of_night = of_night.map(|(path, form)| {
        get(path, Needs::Reading, move |state, path, query, headers| {
            provenance::of_run(state, path, query, headers, form)
        })
    });
    let of_run = of_run.map(|(path, form)| {
        get(path, Needs::Reading, move |state, path, query, headers| {
            lineage::of_run(state, path, query, headers, form)
        })
    });
    let of_anything = of_anything.map(|(path, form)| {
        get(path, Needs::Reading, move |state, query, headers| {
            lineage::find(state, query, headers, form)
        })
    });
    of_night.into_iter().chain(of_run).chain(of_anything).collect()
}
