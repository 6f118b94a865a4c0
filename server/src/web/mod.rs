//! The web server: pages, the JSON interface, live news and files. It only looks.

mod api;
mod books;
mod cache;
mod events;
mod jobs;
mod logs;
mod look;
mod problem;
mod shelf;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod watcher;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use app::backend::Backend;
use axum::Router;
use axum::extract::FromRef;
use axum::http::{HeaderValue, header};
use axum::middleware;
use axum::routing::get;
use axum::serve::ListenerExt;
use leptos::config::{Env, LeptosOptions};
use leptos::context::provide_context;
use leptos_axum::{LeptosRoutes, generate_route_list, render_app_async_with_context};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower_http::compression::CompressionLayer;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;

pub use books::Books;
pub use look::{Look, SiteLook};
pub use watcher::Watcher;

/// How long the server waits for viewers to finish when it ends.
const FAREWELL: Duration = Duration::from_secs(5);

/// What is no page needs nothing; pages say themselves what they need.
const CONTENT_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// What the router is made of.
#[derive(Clone, Debug)]
pub struct WebConfig {
    /// Path prefix behind a reverse proxy: empty, or such as `/osa`.
    pub prefix: String,
    /// Directory of the WebAssembly, the style sheet and the icons.
    pub site: PathBuf,
}

/// What every handler can get at.
#[derive(Clone)]
struct WebState {
    watcher: Arc<Watcher>,
    leptos: LeptosOptions,
    cache: Arc<cache::PageCache>,
    /// Becomes true when the server ends: streams that would never end do so then.
    closing: watch::Receiver<bool>,
}

impl FromRef<WebState> for LeptosOptions {
    fn from_ref(state: &WebState) -> Self {
        state.leptos.clone()
    }
}

/// All addresses.
pub fn router(config: &WebConfig, watcher: Arc<Watcher>, closing: watch::Receiver<bool>) -> Router {
    let leptos = LeptosOptions::builder()
        .output_name("app")
        .site_root(config.site.display().to_string())
        .env(Env::PROD)
        .build();
    let cache = Arc::default();
    let state = WebState { watcher, leptos, cache, closing };
    let routes = Router::new()
        .merge(api_routes())
        .merge(page_routes(config, &state))
        .layer(CompressionLayer::new())
        // Compressed at build time, so outside the layer that does it for every answer.
        .fallback_service(files(config, &state))
        .with_state(state);
    let routes = match config.prefix.as_str() {
        "" => routes,
        prefix => Router::new().nest_service(prefix, routes),
    };
    routes
        .layer(header_layer(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header_layer(header::REFERRER_POLICY, "same-origin"))
        .layer(header_layer(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY))
        .layer(header_layer(header::CACHE_CONTROL, "no-cache"))
        .layer(TraceLayer::new_for_http())
}

fn api_routes() -> Router<WebState> {
    Router::new()
        .route("/api/v1/health", get(api::health))
        .route("/api/v1/nights", get(api::nights))
        .route("/api/v1/nights/events", get(events::nights))
        .route("/api/v1/nights/{date}", get(api::night))
        .route("/api/v1/nights/{date}/blockers", get(api::blockers))
        .route("/api/v1/nights/{date}/events", get(events::night))
        .route("/api/v1/nights/{date}/runs/{run}", get(api::run))
        .route("/api/v1/nights/{date}/runs/{run}/events", get(events::run))
        .route("/api/v1/nights/{date}/runs/{run}/logs/{name}", get(api::log))
        .route("/api/v1/nights/{date}/runs/{run}/logs/{name}/events", get(events::log))
        .route("/api/{*rest}", get(api::nothing))
        .route("/nights/{date}/runs/{run}/logs/{name}/raw", get(api::raw_log))
}

/// The pages, as `app` has them.
fn page_routes(config: &WebConfig, state: &WebState) -> Router<WebState> {
    let site = site(config, state);
    let context = context(state);
    Router::new()
        .leptos_routes_with_context(state, generate_route_list(app::App), context, move || {
            app::shell(site.clone())
        })
        // Inside the cache, so that a page is compressed once and not for every viewer.
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn_with_state(state.clone(), cache::cached))
}

/// Files of the site; what is none of them is a page that says so.
fn files(config: &WebConfig, state: &WebState) -> ServeDir<axum::routing::MethodRouter> {
    let site = site(config, state);
    let page = render_app_async_with_context(context(state), move || app::shell(site.clone()));
    ServeDir::new(&config.site)
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip()
        .fallback(get(page))
}

fn site(config: &WebConfig, state: &WebState) -> app::Site {
    app::Site { prefix: config.prefix.clone(), options: state.leptos.clone() }
}

/// What pages find in their context.
fn context(state: &WebState) -> impl Fn() + Clone + Send + Sync + 'static {
    let backend: Arc<dyn Backend> = Arc::clone(&state.watcher) as _;
    move || provide_context(Arc::clone(&backend))
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
    end: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (close, closing) = watch::channel(false);
    let router = router(config, watcher, closing.clone());
    // Without it every answer waits 40 ms for the network's convenience.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("cannot set TCP_NODELAY: {error}");
        }
    });
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        end.await;
        close.send_replace(true);
    });
    let farewell = async {
        let mut closing = closing;
        let _ = closing.wait_for(|closing| *closing).await;
        tokio::time::sleep(FAREWELL).await;
    };
    tokio::select! {
        served = server => served,
        () = farewell => Ok(()),
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
