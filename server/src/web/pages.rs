//! Drawing pages, as `app` has them, for whoever asks.

use app::backend::BackendError;
use app::people::Visitor;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use leptos::context::provide_context;
use leptos_axum::render_app_async_with_context;
use serde::Deserialize;

use super::WebState;
use super::caller::Caller;
use super::functions::inside;
use super::who::{FormCookie, Who};

/// A page.
pub async fn show(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    request: Request,
) -> Response {
    state.draw(&who, who.visitor(), request, None).await
}

/// A page that nobody may keep: it has secrets or forms in it.
pub async fn show_private(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    request: Request,
) -> Response {
    never_kept(state.draw(&who, who.visitor(), request, None).await)
}

/// An address that is nothing.
pub async fn nothing(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    request: Request,
) -> Response {
    let error = BackendError::not_found("There is no such page.");
    state.draw(&who, who.visitor(), request, Some(error)).await
}

/// Where somebody wants to go who signs in.
#[derive(Debug, Default, Deserialize)]
pub struct Destination {
    #[serde(default)]
    to: String,
}

/// The page of signing in. Its form has a secret before there is a session: that of a cookie.
pub async fn sign_in(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    Query(destination): Query<Destination>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    if who.user().is_some() {
        return Redirect::to(&inside(&state.prefix, &destination.to)).into_response();
    }
    let cookie = match FormCookie::of(&headers, &who.cookies) {
        Ok(cookie) => cookie,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "no form can be made");
            return state.error_page(&who, BackendError::unavailable(error.to_string())).await;
        }
    };
    let visitor = Visitor { form_token: Some(cookie.token.clone()), ..who.visitor() };
    cookie.with(never_kept(state.draw(&who, visitor, request, None).await))
}

fn never_kept(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl WebState {
    /// The page at the request's address for a visitor, or an error in its place.
    async fn draw(
        &self,
        who: &Who,
        visitor: Visitor,
        request: Request,
        error: Option<BackendError>,
    ) -> Response {
        let private = visitor.signed_in.is_some();
        let result = self.results.take(who, request.uri(), request.headers());
        let once = result.is_some();
        let (parts, body) = request.into_parts();
        let caller = Caller::of(self, who, &parts);
        let context = move || {
            provide_context(caller.clone().backend());
            provide_context(visitor.clone());
            if let Some(result) = &result {
                provide_context(result.clone());
            }
        };
        let site = app::Site { prefix: self.prefix.clone() };
        let shell = move || app::shell(site.clone(), error.clone());
        let draw = render_app_async_with_context(context, shell);
        let mut response = draw(Request::from_parts(parts, body)).await;
        if once {
            return never_kept(response);
        }
        if private {
            let private = HeaderValue::from_static("private, no-cache");
            response.headers_mut().insert(header::CACHE_CONTROL, private);
        }
        response
    }

    /// A page that says why there is no other at this address.
    pub async fn error_page(&self, who: &Who, error: BackendError) -> Response {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = who.uri.clone();
        never_kept(self.draw(who, who.visitor(), request, Some(error)).await)
    }
}
