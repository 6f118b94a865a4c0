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
use super::auth::{FormCookie, Principal};
use super::caller::Caller;
use super::functions::inside;

/// A page.
pub async fn show(
    State(state): State<WebState>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Response {
    state.draw(&principal, principal.visitor(), request, None).await
}

/// A page that nobody may keep: it has secrets or forms in it.
pub async fn show_private(
    State(state): State<WebState>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Response {
    uncacheable(state.draw(&principal, principal.visitor(), request, None).await)
}

/// An address that is nothing.
pub async fn nothing(
    State(state): State<WebState>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Response {
    let error = BackendError::not_found("There is no such page.");
    state.draw(&principal, principal.visitor(), request, Some(error)).await
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
    Extension(principal): Extension<Principal>,
    Query(destination): Query<Destination>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    if principal.user().is_some() {
        return Redirect::to(&inside(&state.prefix, &destination.to)).into_response();
    }
    let cookie = match FormCookie::of(&headers, &principal.cookies) {
        Ok(cookie) => cookie,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "no form can be made");
            return state
                .error_page(&principal, BackendError::unavailable(error.to_string()))
                .await;
        }
    };
    let visitor = Visitor { form_token: Some(cookie.token.clone()), ..principal.visitor() };
    cookie.with(uncacheable(state.draw(&principal, visitor, request, None).await))
}

fn uncacheable(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl WebState {
    /// The page at the request's address for a visitor, or an error in its place.
    async fn draw(
        &self,
        principal: &Principal,
        visitor: Visitor,
        request: Request,
        error: Option<BackendError>,
    ) -> Response {
        let private = visitor.signed_in.is_some();
        let result = self.results.take(principal, request.uri(), request.headers());
        let once = result.is_some();
        let (parts, body) = request.into_parts();
        let caller = Caller::of(self, principal, &parts);
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
            return uncacheable(response);
        }
        if private {
            let private = HeaderValue::from_static("private, no-cache");
            response.headers_mut().insert(header::CACHE_CONTROL, private);
        }
        response
    }

    /// A page that says why there is no other at this address.
    pub async fn error_page(&self, principal: &Principal, error: BackendError) -> Response {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = principal.uri.clone();
        uncacheable(self.draw(principal, principal.visitor(), request, Some(error)).await)
    }
}
