//! Our cookies: their names, and where browsers send them.
//!
//! Over https their names have a prefix that makes the browser refuse what only a page of this host may
//! set: `__Host-`, or `__Secure-` where the site is a path of a host, since `__Host-` demands the path `/`.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};

/// The cookie of a session.
const SESSION: &str = "osa_session";
/// The cookie that comes with the form of signing in.
const FORM: &str = "osa_form";
/// The cookie of a browser in which somebody has signed in.
const BROWSER: &str = "osa_browser";

/// How our cookies are called and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookies {
    https: bool,
    prefix: String,
}

impl Cookies {
    /// Cookies of a site at a path prefix, such as `/osa`, whose browsers use https or not.
    pub fn new(https: bool, prefix: &str) -> Self {
        Self { https, prefix: prefix.to_owned() }
    }

    /// Name of the cookie of a session.
    pub fn session(&self) -> String {
        self.name(SESSION)
    }

    /// Name of the cookie that comes with the form of signing in.
    pub fn form(&self) -> String {
        self.name(FORM)
    }

    /// Name of the cookie of a browser in which somebody has signed in.
    pub fn browser(&self) -> String {
        self.name(BROWSER)
    }

    /// Where they are sent: only to us.
    pub fn path(&self) -> &str {
        if self.prefix.is_empty() { "/" } else { &self.prefix }
    }

    /// The header that sets a cookie, until the browser is closed or for a time. `None` if the value is not
    /// one that a header can have.
    pub fn set(&self, name: &str, value: &str, kept: Option<Duration>) -> Option<HeaderValue> {
        let path = self.path();
        let kept = kept.map(|kept| format!("; Max-Age={}", kept.as_secs())).unwrap_or_default();
        let secure = if self.https { "; Secure" } else { "" };
        let set = format!("{name}={value}; Path={path}; HttpOnly; SameSite=Lax{kept}{secure}");
        HeaderValue::from_str(&set).ok()
    }

    fn name(&self, name: &str) -> String {
        match (self.https, self.prefix.as_str()) {
            (false, _) => name.to_owned(),
            (true, "") => format!("__Host-{name}"),
            (true, _) => format!("__Secure-{name}"),
        }
    }
}

/// A cookie of the request.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(found, _)| found.trim() == name).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_https_only_a_page_of_this_host_can_set_a_cookie() {
        let set = |https, prefix| {
            let cookies = Cookies::new(https, prefix);
            let set = cookies.set(&cookies.session(), "x", None).unwrap();
            set.to_str().unwrap().to_owned()
        };
        assert_eq!(set(false, ""), "osa_session=x; Path=/; HttpOnly; SameSite=Lax");
        assert_eq!(set(true, ""), "__Host-osa_session=x; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(
            set(true, "/osa"),
            "__Secure-osa_session=x; Path=/osa; HttpOnly; SameSite=Lax; Secure"
        );
    }
}
