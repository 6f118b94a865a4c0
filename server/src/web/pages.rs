//! Drawing pages, as `app` has them, for whoever asks.

use app::backend::{Backend, BackendError};
use app::people::{At, Instead, Visitor};
use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use leptos::context::provide_context;
use leptos_axum::render_app_async_with_context;
use std::sync::Arc;

use super::WebState;
use super::who::Who;

/// A page that needs nothing but its address.
pub async fn show(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    request: Request,
) -> Response {
    state.draw(who.visitor(), request, || ()).await
}

/// An address that is nothing.
pub async fn nothing(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    request: Request,
) -> Response {
    let error = BackendError::not_found("There is no such page.");
    state.draw(who.visitor(), request, move || provide_context(Instead(error.clone()))).await
}

impl WebState {
    /// The page at the request's address, for a visitor; `more` gives it what else it shows.
    pub async fn draw(
        &self,
        visitor: Visitor,
        request: Request,
        more: impl Fn() + Clone + Send + Sync + 'static,
    ) -> Response {
        let backend: Arc<dyn Backend> = Arc::clone(&self.watcher) as _;
        let private = visitor.signed_in.is_some();
        let context = move || {
            provide_context(Arc::clone(&backend));
            provide_context(visitor.clone());
            more();
        };
        let site = app::Site { prefix: self.prefix.clone(), options: self.leptos.clone() };
        let draw = render_app_async_with_context(context, move || app::shell(site.clone()));
        let mut response = draw(request).await;
        if private {
            let private = HeaderValue::from_static("private, no-cache");
            response.headers_mut().insert(header::CACHE_CONTROL, private);
        }
        response
    }

    /// A page of which the handler knows the content, never to be kept by anybody.
    pub async fn draw_private(
        &self,
        who: &Who,
        path: &str,
        more: impl Fn() + Clone + Send + Sync + 'static,
    ) -> Response {
        let mut request = Request::new(Body::empty());
        // Every path here is one of ours; the root of the site shows what is in the context too.
        *request.uri_mut() = path.parse().unwrap_or_default();
        let at = At(who.path.clone());
        let more = move || {
            provide_context(at.clone());
            more();
        };
        let mut response = self.draw(who.visitor(), request, more).await;
        let never = HeaderValue::from_static("no-store");
        response.headers_mut().insert(header::CACHE_CONTROL, never);
        response
    }

    /// A page that says why there is no other.
    pub async fn instead(&self, who: &Who, error: BackendError) -> Response {
        self.draw_private(who, "/", move || provide_context(Instead(error.clone()))).await
    }
}
