//! Errors of the JSON interface, in the form of RFC 9457: `title`, `status`, `detail` and, as
//! an extension, `hint`.
//!
//! Pages do not come here: they say what is wrong in their own words (`app::pages`).

use app::backend::BackendError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::hint::Hint;

/// What is wrong with a request, or with us.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    hint: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

impl Problem {
    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::NOT_FOUND, detail)
    }
}

impl Problem {
    /// A status, and what is to be said of it.
    pub fn of(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), hint: None }
    }

    /// What is asked makes no sense.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::BAD_REQUEST, detail)
    }

    /// It cannot be done now because of an error of ours, with what to do about that.
    pub fn caused_by(error: &(impl std::error::Error + Hint)) -> Self {
        Self::unavailable(error.to_string()).with_hint(error.hint())
    }

    /// Adds what to do about it; `None` adds nothing.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// What is wrong, in words.
    #[cfg(test)]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Whoever asks may not.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::FORBIDDEN, detail)
    }

    /// Things are not as whoever asks takes them to be.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::CONFLICT, detail)
    }

    /// Whoever asks must show who they are.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::UNAUTHORIZED, detail)
    }

    /// It is not to be had in the form that is asked for.
    pub fn not_acceptable(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::NOT_ACCEPTABLE, detail)
    }

    /// It cannot be done now.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::of(StatusCode::SERVICE_UNAVAILABLE, detail)
    }
}

/// An error of ours that keeps a page from being shown, with what to do about that.
pub fn unavailable(error: &(impl std::error::Error + Hint)) -> BackendError {
    BackendError::unavailable(error.to_string()).with_hint(error.hint())
}

impl From<BackendError> for Problem {
    fn from(error: BackendError) -> Self {
        Self { status: error.kind.status(), detail: error.text, hint: error.hint }
    }
}

impl From<app::model::IdError> for Problem {
    fn from(error: app::model::IdError) -> Self {
        let hint = error.hint();
        Self::not_found(error.to_string()).with_hint(hint)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let (detail, hint) = (&self.detail, self.hint.as_deref());
        let body = Body { title, status: self.status.as_u16(), detail, hint };
        let mut response = (self.status, Json(body)).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}
