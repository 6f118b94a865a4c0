//! Parameters of an address, read into their types.

use axum::extract::FromRequestParts;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::hint::hint_for_identifier;

use super::problem::Problem;

/// The parameters of an address. A text that is no such identifier names nothing that there is: the
/// answer is 404, and says what would be right.
#[derive(Clone, Debug)]
pub struct Path<T>(pub T);

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + Send + 'static,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        read.map(|axum::extract::Path(parameters)| Self(parameters)).map_err(refused)
    }
}

fn refused(rejection: PathRejection) -> Problem {
    let PathRejection::FailedToDeserializePathParams(error) = rejection else {
        return Problem::of(StatusCode::INTERNAL_SERVER_ERROR, "this address has no parameters");
    };
    let status = error.status();
    match error.into_kind() {
        // What our identifiers say, word for word.
        ErrorKind::DeserializeError { message, .. } | ErrorKind::Message(message) => {
            let hint = hint_for_identifier(&message);
            Problem::not_found(message).with_hint(hint)
        }
        ErrorKind::InvalidUtf8InPathParam { key } => {
            Problem::not_found(format!("the {key} in the address is not UTF-8"))
        }
        other => Problem::of(status, other.to_string()),
    }
}
