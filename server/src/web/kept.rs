//! Answers that a browser may keep, as long as it asks whether they are still the same.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::provenance::digest::sha256_hex;

/// In which form something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A drawing.
    Svg,
    /// A picture.
    Png,
    /// A printable drawing.
    Pdf,
    /// Comma-separated values.
    Csv,
    /// JSON.
    Json,
    /// PROV-N.
    Provn,
    /// Turtle.
    Turtle,
    /// JSON-LD.
    JsonLd,
}

impl Form {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Png => "image/png",
            Self::Pdf => "application/pdf",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
            Self::Provn => "text/provenance-notation; charset=utf-8",
            Self::Turtle => "text/turtle; charset=utf-8",
            Self::JsonLd => "application/ld+json",
        }
    }
}

/// A drawing by itself runs no scripts and fetches nothing; it has styles of its own.
const DRAWING: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox";

/// The answer, or that what the asker has is still right (RFC 9110, section 13.1.2).
pub fn answer(headers: &HeaderMap, form: Form, body: impl Into<Bytes>) -> Response {
    let body = body.into();
    let tag = format!("\"{}\"", &sha256_hex(&body)[..32]);
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    let known = known.flat_map(|tags| tags.split(','));
    let same =
        known.map(|one| one.trim().trim_start_matches("W/")).any(|one| one == tag || one == "*");
    let mut response = match same {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(header::CONTENT_TYPE, form.media_type())], Body::from(body)).into_response(),
    };
    let own = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        own.insert(header::ETAG, tag);
    }
    if form == Form::Svg {
        own.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(DRAWING));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_it_already_is_told_so() {
        let first = answer(&HeaderMap::new(), Form::Csv, b"a,b\n".to_vec());
        assert_eq!(first.status(), StatusCode::OK);
        let tag = first.headers()[header::ETAG].clone();
        for (known, status) in [
            (tag.clone(), StatusCode::NOT_MODIFIED),
            (HeaderValue::from_static("\"other\""), StatusCode::OK),
        ] {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, known)]);
            let again = answer(&headers, Form::Csv, b"a,b\n".to_vec());
            assert_eq!((again.status(), &again.headers()[header::ETAG]), (status, &tag));
        }
    }
}
