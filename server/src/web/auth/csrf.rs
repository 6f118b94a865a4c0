//! Protection against cross-site request forgery.
//!
//! What changes something is only done if the browser says that the request comes from a page of
//! ours (`Sec-Fetch-Site`, `Origin`), and if it carries a secret that only such a page knows: that
//! of the session, or, before there is one, that of a cookie which came with the form.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use app::form::TOKEN_FIELD;

use super::{Client, Cookies, Principal, cookie};
use crate::people::Secret;

/// The header in which scripts send the secret.
const TOKEN_HEADER: &str = "x-form-token";
/// Largest form, in bytes.
const FORM: usize = 64 * 1024;

/// Why a request is refused, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsrfError {
    /// Why.
    pub reason: String,
    /// What to do about it.
    pub hint: String,
}

impl CsrfError {
    fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: "reload the page and try again".to_owned() }
    }

    fn foreign() -> Self {
        Self::new("the request comes from another site")
    }

    /// The browser says that the page is at `origin`.
    fn elsewhere(client: &Client, origin: &str) -> Self {
        let scheme = if client.https { "https" } else { "http" };
        let own = client.hosts.first().map_or("nowhere", String::as_str);
        let reason = format!(
            "the request comes from another site: its page is at {origin}, and this server at \
             {scheme}://{own}, as far as it knows"
        );
        let hint = "if both are this site, set `origin` in osa.toml (OSA_ORIGIN) to the address \
                    that browsers show, or name the reverse proxy in `trusted_proxies` \
                    (OSA_TRUSTED_PROXIES) and let it pass on Host and X-Forwarded-Proto";
        Self { reason, hint: hint.to_owned() }
    }
}

/// Returns the request, its body still unread, or why it is refused.
pub async fn verify_csrf(principal: &Principal, request: Request) -> Result<Request, CsrfError> {
    let method = request.method();
    // What a program sends with its token no browser sends by itself.
    let by_token = principal.author.is_some() && principal.form_token.is_none();
    if by_token || [Method::GET, Method::HEAD, Method::OPTIONS].contains(method) {
        return Ok(request);
    }
    ours(&principal.client, request.headers())?;
    let expected = match &principal.form_token {
        Some(token) => token.clone(),
        None => cookie(request.headers(), &principal.cookies.form()).unwrap_or_default().to_owned(),
    };
    let (given, request) = given(request).await?;
    let same = bool::from(expected.as_bytes().ct_eq(given.as_bytes()));
    match same && !expected.is_empty() {
        true => Ok(request),
        false => Err(CsrfError::new("the form is out of date")),
    }
}

/// Whether the browser says that the request comes from one of our pages, or says nothing.
fn ours(client: &Client, headers: &HeaderMap) -> Result<(), CsrfError> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if text("sec-fetch-site").is_some_and(|site| site != "same-origin") {
        return Err(CsrfError::foreign());
    }
    let Some(origin) = text(header::ORIGIN.as_str()) else { return Ok(()) };
    let elsewhere = || CsrfError::elsewhere(client, origin);
    let (scheme, host) = origin.split_once("://").ok_or_else(elsewhere)?;
    let scheme = scheme.eq_ignore_ascii_case(if client.https { "https" } else { "http" });
    // A proxy that says neither scheme nor host leaves only the browser's own word.
    let has_metadata = text("sec-fetch-site").is_some();
    let host = client.hosts.iter().any(|own| host.eq_ignore_ascii_case(own));
    if (scheme && host) || has_metadata { Ok(()) } else { Err(elsewhere()) }
}

/// The secret that the request carries, in a header or a field of its form.
async fn given(request: Request) -> Result<(String, Request), CsrfError> {
    let headers = request.headers();
    if let Some(token) = headers.get(TOKEN_HEADER) {
        return Ok((token.to_str().unwrap_or_default().to_owned(), request));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
        return Ok((String::new(), request));
    }
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, FORM).await;
    let body: Bytes = body.map_err(|_| CsrfError::new("the form is too large"))?;
    let field = form_field(&body, TOKEN_FIELD);
    Ok((field, Request::from_parts(parts, Body::from(body))))
}

/// A field of a form; empty if it has none.
fn form_field(body: &[u8], name: &str) -> String {
    let fields: Vec<(String, String)> = serde_urlencoded::from_bytes(body).unwrap_or_default();
    fields.into_iter().find(|(field, _)| field == name).map(|(_, value)| value).unwrap_or_default()
}

/// The secret of the form of signing in: that of the cookie, or a new one with its cookie.
pub struct FormCookie {
    /// What the form must carry.
    pub token: String,
    set: Option<HeaderValue>,
}

impl FormCookie {
    /// For whoever asks for the form.
    pub fn of(headers: &HeaderMap, cookies: &Cookies) -> Result<Self, crate::people::PeopleError> {
        let good = |token: &&str| {
            token.len() == 43
                && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        if let Some(token) = cookie(headers, &cookies.form()).filter(good) {
            return Ok(Self { token: token.to_owned(), set: None });
        }
        let token = Secret::new()?.reveal().to_owned();
        let set = cookies.set(&cookies.form(), &token, None);
        Ok(Self { token, set })
    }

    /// The response with the cookie, if it is new.
    pub fn with(self, response: impl IntoResponse) -> Response {
        let mut response = response.into_response();
        if let Some(set) = self.set {
            response.headers_mut().append(header::SET_COOKIE, set);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(https: bool) -> Client {
        Client { address: [127, 0, 0, 1].into(), https, hosts: vec!["osa.example:8750".to_owned()] }
    }

    fn is_ours(headers: &[(&'static str, &'static str)], https: bool) -> bool {
        let pairs = headers.iter().map(|(name, value)| {
            (header::HeaderName::from_static(name), HeaderValue::from_static(value))
        });
        ours(&client(https), &pairs.collect()).is_ok()
    }

    #[test]
    fn only_pages_of_ours_may_send_forms() {
        let origin = |value| [("origin", value)];
        assert!(is_ours(&[], false));
        assert!(is_ours(&origin("http://osa.example:8750"), false));
        assert!(is_ours(&origin("https://OSA.example:8750"), true));
        for foreign in [
            "null",
            "http://osa.example",
            "http://evil.example",
            "https://osa.example:8750",
            "http://osa.example:8750.evil.example",
            "osa.example:8750",
        ] {
            assert!(!is_ours(&origin(foreign), false), "{foreign}");
        }
        for site in ["cross-site", "same-site", "none", ""] {
            assert!(!is_ours(&[("sec-fetch-site", site)], false), "{site}");
        }
        assert!(is_ours(&[("sec-fetch-site", "same-origin")], false));
        // A proxy of which we were told nothing: the browser's own word is enough.
        let behind = [("sec-fetch-site", "same-origin"), ("origin", "https://proxy.example")];
        assert!(is_ours(&behind, false));
    }

    #[test]
    fn a_refusal_for_the_origin_names_both_hosts_and_the_settings() {
        let headers = [(header::ORIGIN, HeaderValue::from_static("https://lst.example"))];
        let error = ours(&client(false), &headers.into_iter().collect()).unwrap_err();
        assert!(error.reason.contains("https://lst.example,"), "{error:?}");
        assert!(error.reason.contains("http://osa.example:8750"), "{error:?}");
        for setting in ["`origin`", "`trusted_proxies`"] {
            assert!(error.hint.contains(setting), "{error:?}");
        }
    }

    #[test]
    fn the_field_is_found_wherever_it_stands() {
        assert_eq!(form_field(b"a=1&form_token=x%2By&b=2", TOKEN_FIELD), "x+y");
        assert_eq!(form_field(b"a=1", TOKEN_FIELD), "");
        assert_eq!(form_field(b"\xff", TOKEN_FIELD), "");
    }
}
