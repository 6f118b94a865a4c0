//! The web server: pages, the JSON interface, live news, files, and who may ask for what.

mod access_log;
mod actions;
mod activity;
mod api;
mod auth;
mod authorize;
mod blocking_store;
mod cache;
mod cached;
mod caller;
mod connections;
mod cors;
mod deadline;
mod disk_reads;
mod events;
mod figures;
mod functions;
mod health;
mod host_names;
mod hosts;
mod jobs;
mod lineage;
mod logs;
mod notes;
mod openapi;
mod pages;
mod path;
mod people;
mod problem;
mod products;
mod provenance;
mod provenance_view;
mod quality;
mod reader;
mod rules;
mod snapshot_cache;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod watcher;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get};
use leptos_axum::{AxumRouteListing, generate_route_list};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::actions::ActionService;
use crate::config::ConnectionConfig;

pub use blocking_store::BlockingStore;
pub use health::HealthConfig;
pub use jobs::AskPace;
pub use people::People;
pub use reader::{NightReader, SiteReader};
pub use watcher::Watcher;

/// How long the server waits for viewers to finish when it ends.
const FAREWELL: Duration = Duration::from_secs(5);

const OPENER_POLICY: header::HeaderName =
    header::HeaderName::from_static("cross-origin-opener-policy");

/// What is no page needs nothing; pages say themselves what they need.
const CONTENT_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// What the router is made of.
#[derive(Clone, Debug)]
pub struct WebConfig {
    /// Path prefix behind a reverse proxy: empty, or such as `/osa`.
    pub prefix: String,
    /// Address that is listened on.
    pub listen: IpAddr,
    /// Directory of the WebAssembly, the style sheet and the icons.
    pub site: PathBuf,
    /// How many connections there may be, and how long each may keep the server waiting.
    pub connections: ConnectionConfig,
    /// What the health endpoint checks.
    pub health: HealthConfig,
}

/// What every handler can get at.
#[derive(Clone)]
struct WebState {
    prefix: String,
    watcher: Arc<Watcher>,
    people: People,
    /// The names under which the server is known.
    hosts: Arc<hosts::Hosts>,
    health: Arc<health::Checks>,
    actions: Arc<dyn ActionService>,
    cache: Arc<cache::PageCache>,
    /// What came of forms, until their pages show it.
    results: Arc<functions::FormResults>,
    /// Becomes true when the server ends: streams that would never end do so then.
    closing: watch::Receiver<bool>,
}

/// All addresses.
pub fn router(
    config: &WebConfig,
    watcher: Arc<Watcher>,
    people: People,
    actions: Arc<dyn ActionService>,
    closing: watch::Receiver<bool>,
) -> Router {
    router_of(config, watcher, people, actions, closing, rules::routes)
}

/// Everything that `routes` lists, each behind its rule, and the files of the site.
fn router_of(
    config: &WebConfig,
    watcher: Arc<Watcher>,
    people: People,
    actions: Arc<dyn ActionService>,
    closing: watch::Receiver<bool>,
    routes: impl FnOnce(&WebState) -> Vec<rules::Route>,
) -> Router {
    let prefix = config.prefix.clone();
    let health = Arc::new(health::Checks::new(config.health.clone(), people.store.clone()));
    let hosts = Arc::new(hosts::Hosts::new(&people.access, config.listen));
    let state = WebState {
        prefix,
        watcher,
        people,
        hosts,
        health,
        actions,
        cache: Arc::default(),
        results: Arc::default(),
        closing,
    };
    // Which also starts what Leptos runs its tasks on.
    let mut pages: Vec<_> = generate_route_list(app::App).iter().map(page_path).collect();
    let mut table = Router::new();
    for route in routes(&state) {
        pages.retain(|page| page != route.rule.path);
        let (path, handler) = route.guarded(&state);
        table = table.route(path, handler);
    }
    for page in pages {
        tracing::error!(page, "a page has no rule and is not served");
    }
    let routes = table
        .layer(CompressionLayer::new().compress_when(worth_packing()))
        .layer(from_fn_with_state(state.clone(), auth::authenticate))
        // Compressed at build time, so outside the layer that does it for every answer.
        .fallback_service(files(config, &state))
        .with_state(state.clone());
    let routes = match config.prefix.as_str() {
        "" => routes,
        prefix => Router::new().nest_service(prefix, routes),
    };
    routes
        .layer(from_fn_with_state(state.clone(), hosts::check))
        .layer(from_fn_with_state(state.clone(), hosts::strict_transport))
        .layer(header_layer(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header_layer(header::REFERRER_POLICY, "same-origin"))
        .layer(header_layer(header::X_FRAME_OPTIONS, "SAMEORIGIN"))
        .layer(header_layer(OPENER_POLICY, "same-origin"))
        .layer(header_layer(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY))
        .layer(header_layer(header::CACHE_CONTROL, "no-cache"))
        .layer(from_fn_with_state(state, access_log::record))
}

/// What is packed already only takes longer.
fn worth_packing() -> impl Predicate {
    let packed = NotForContentType::const_new;
    DefaultPredicate::new().and(packed("application/x-hdf5")).and(packed("application/pdf"))
}

/// Where a page of `app` is, as the router writes it.
fn page_path(page: &AxumRouteListing) -> String {
    if page.path().is_empty() { "/".to_owned() } else { page.path().to_owned() }
}

/// Files of the site, for all; what is none of them is a page that says so.
fn files(config: &WebConfig, state: &WebState) -> ServeDir<MethodRouter> {
    let nothing = get(pages::nothing)
        .layer(from_fn_with_state(state.clone(), auth::authenticate))
        .with_state(state.clone());
    ServeDir::new(&config.site)
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip()
        .fallback(nothing)
}

fn header_layer(
    name: header::HeaderName,
    value: &'static str,
) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// Serves until `end`, then lets viewers finish for a moment.
pub async fn serve(
    listener: TcpListener,
    config: &WebConfig,
    watcher: Arc<Watcher>,
    people: People,
    actions: Arc<dyn ActionService>,
    end: impl Future<Output = ()> + Send + 'static,
) {
    let (close, closing) = watch::channel(false);
    let access = Arc::clone(&people.access);
    let router = router(config, watcher, people, actions, closing.clone());
    tokio::spawn(async move {
        end.await;
        close.send_replace(true);
    });
    let server = connections::serve(listener, router, config.connections, access, closing.clone());
    let farewell = async {
        let mut closing = closing;
        let _ = closing.wait_for(|closing| *closing).await;
        tokio::time::sleep(FAREWELL).await;
    };
    tokio::select! {
        () = server => {}
        () = farewell => {}
    }
}

/// Where the site is: as set, else beside the program (`target/site`), else where it is installed
/// (`../share/osa/site`).
pub fn find_site(set: Option<&Path>, program: &Path) -> Option<PathBuf> {
    if let Some(site) = set {
        return Some(site.to_owned());
    }
    let bin = program.parent()?;
    let above = bin.parent()?;
    [bin.join("site"), above.join("site"), above.join("share/osa/site")]
        .into_iter()
        .find(|site| site.join("pkg").is_dir())
}
