//! Why the server cannot show or do what was asked for, as reported to pages and programs.

use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

/// What is wrong, in kind; each kind has its HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// There is no such night, run or file: HTTP 404.
    NotFound,
    /// The user may not do this: HTTP 403.
    Forbidden,
    /// The request makes no sense: HTTP 400.
    Invalid,
    /// The request does not fit the present state: HTTP 409.
    Conflict,
    /// The user has tried too often: HTTP 429.
    TooManyRequests,
    /// It exists and cannot be read or done now: HTTP 503.
    Unavailable,
}

impl ErrorKind {
    /// The HTTP status.
    #[cfg(feature = "ssr")]
    pub fn status(self) -> http::StatusCode {
        match self {
            Self::NotFound => http::StatusCode::NOT_FOUND,
            Self::Forbidden => http::StatusCode::FORBIDDEN,
            Self::Invalid => http::StatusCode::BAD_REQUEST,
            Self::Conflict => http::StatusCode::CONFLICT,
            Self::TooManyRequests => http::StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => http::StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Why something cannot be shown or done: what is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{text}")]
pub struct BackendError {
    /// What is wrong, in kind.
    pub kind: ErrorKind,
    /// What is wrong, in words.
    pub text: String,
    /// What to do about it, where somebody can do something.
    pub hint: Option<String>,
}

impl BackendError {
    /// An error without a hint.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), hint: None }
    }

    /// There is no such night, run or file. The text names it.
    pub fn not_found(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, text)
    }

    /// The user may not do this. The text says who may.
    pub fn forbidden(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::Forbidden, text)
    }

    /// The request makes no sense. The text says why, and what would.
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, text)
    }

    /// The request does not fit the present state. The text says why.
    pub fn conflict(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, text)
    }

    /// The user has tried too often. The text says how long to wait.
    pub fn too_many_requests(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::TooManyRequests, text)
    }

    /// It exists and cannot be read or done now. The text says why.
    pub fn unavailable(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, text)
    }

    /// Adds what to do about it; `None` adds nothing.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Option<String>>) -> Self {
        if let Some(hint) = hint.into() {
            self.hint = Some(hint);
        }
        self
    }
}

impl FromServerFnError for BackendError {
    type Encoder = JsonEncoding;

    /// What goes wrong around a server function: arguments that cannot be read are the caller's mistake.
    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => {
                Self::invalid(format!("the form cannot be read: {error}"))
            }
            _ => Self::unavailable(error.to_string()),
        }
    }
}
