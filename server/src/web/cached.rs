//! Responses that a browser may cache and revalidates each time.

use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::provenance::digest::sha256_hex;

/// The format of a response.
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

/// A response that is sent many times: hashing and compressing it are done once.
pub struct CachedResponse {
    form: Form,
    body: Bytes,
    tag: HeaderValue,
    brotli: Option<Bytes>,
    /// What making it took, for whoever wonders (W3C Server Timing).
    took: HeaderValue,
}

impl CachedResponse {
    /// Something in a form, and how long it took to make. Texts are compressed, too.
    pub fn new(form: Form, body: Vec<u8>, made: Duration) -> Self {
        let began = Instant::now();
        let brotli = match form {
            Form::Png | Form::Pdf => None,
            _ => compressed(&body),
        };
        let took = took(made, began.elapsed());
        Self { form, tag: tag(&body), brotli, body: body.into(), took }
    }

    /// What it takes in memory [bytes].
    pub fn memory(&self) -> usize {
        self.body.len() + self.brotli.as_ref().map_or(0, Bytes::len)
    }

    /// As [`answer`].
    pub fn answer(&self, headers: &HeaderMap) -> Response {
        let encoded = self.brotli.as_ref().filter(|_| takes_brotli(headers));
        let body = encoded.unwrap_or(&self.body).clone();
        let mut response = sent(headers, self.form, &self.tag, body);
        let own = response.headers_mut();
        if encoded.is_some() && own.contains_key(header::CONTENT_TYPE) {
            own.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
        }
        own.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        own.insert(SERVER_TIMING, self.took.clone());
        response
    }
}

const SERVER_TIMING: header::HeaderName = header::HeaderName::from_static("server-timing");

/// `draw;dur=3.4, pack;dur=5.9`, in milliseconds.
fn took(made: Duration, packed: Duration) -> HeaderValue {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let text = format!("draw;dur={:.2}, pack;dur={:.2}", milliseconds(made), milliseconds(packed));
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// A text in brotli, about as small as it can be had quickly.
fn compressed(body: &[u8]) -> Option<Bytes> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 4,
        ..brotli::enc::BrotliEncoderParams::default()
    };
    let mut packed = Vec::with_capacity(body.len() / 4);
    brotli::BrotliCompress(&mut &*body, &mut packed, &parameters).ok()?;
    Some(packed.into())
}

/// Whether the asker takes brotli (RFC 9110, section 12.5.3).
fn takes_brotli(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter();
    accepted.filter_map(|codings| codings.to_str().ok()).flat_map(|codings| codings.split(',')).any(
        |coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
            let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok());
            name.trim().eq_ignore_ascii_case("br") && weight.is_none_or(|weight: f32| weight > 0.0)
        },
    )
}

fn tag(body: &[u8]) -> HeaderValue {
    let tag = format!("\"{}\"", &sha256_hex(body)[..32]);
    HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// The answer, or that what the asker has is still right (RFC 9110, section 13.1.2).
pub fn answer(headers: &HeaderMap, form: Form, body: impl Into<Bytes>) -> Response {
    let body = body.into();
    let tag = tag(&body);
    sent(headers, form, &tag, body)
}

/// Whether the asker says that they have what this tag is of (`If-None-Match`, compared weakly).
pub fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let plain = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    let mut known = known.flat_map(|tags| tags.split(',')).map(plain);
    known.any(|one| one == "*" || one == plain(tag))
}

fn sent(headers: &HeaderMap, form: Form, tag: &HeaderValue, body: Bytes) -> Response {
    let mut response = match is_known(headers, tag.to_str().unwrap_or_default()) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(header::CONTENT_TYPE, form.media_type())], Body::from(body)).into_response(),
    };
    let own = response.headers_mut();
    own.insert(header::ETAG, tag.clone());
    if form == Form::Svg {
        own.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(DRAWING));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_tag_is_answered_with_not_modified() {
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

    #[test]
    fn a_cached_response_is_compressed_for_clients_that_accept_it() {
        let text = "a,b\n".repeat(1000).into_bytes();
        let cached = CachedResponse::new(Form::Csv, text.clone(), Duration::from_micros(3456));
        assert!(cached.memory() < text.len() + 200);
        for (accepted, coding) in [
            ("gzip, deflate, br", Some("br")),
            ("br;q=0.5", Some("br")),
            ("gzip, br;q=0", None),
            ("identity", None),
        ] {
            let value = HeaderValue::from_static(accepted);
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)]);
            let answer = cached.answer(&headers);
            let found = answer.headers().get(header::CONTENT_ENCODING);
            assert_eq!(found.map(|coding| coding.to_str().unwrap()), coding, "{accepted}");
            assert_eq!(answer.headers()[header::VARY], "accept-encoding");
            let took = answer.headers()[SERVER_TIMING].to_str().unwrap();
            assert!(took.starts_with("draw;dur=3.46, pack;dur="), "{took}");
        }
        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut &cached.brotli.clone().unwrap()[..], &mut unpacked).unwrap();
        assert_eq!(unpacked, text);
        let known = HeaderMap::from_iter([
            (header::IF_NONE_MATCH, cached.tag.clone()),
            (header::ACCEPT_ENCODING, HeaderValue::from_static("br")),
        ]);
        let again = cached.answer(&known);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }
}
