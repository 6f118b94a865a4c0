//! Under which names this server is known. A page of another site whose name was made to lead to this
//! server's address (DNS rebinding) is, to a browser, a page of ours; only the name that the browser sends
//! tells them apart.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::WebState;
use super::auth::Client;
use super::host_names::host_names;
use super::problem::Problem;
use crate::config::AccessConfig;

/// Address of this server at which a request arrived: a part of every request that came by network.
#[derive(Clone, Copy, Debug)]
pub struct Arrival(pub SocketAddr);

/// The names under which this server is known.
#[derive(Clone, Debug)]
pub struct Hosts {
    names: HashSet<String>,
    /// Whether it listens on all addresses of this machine: then each of them is a name of it.
    everywhere: bool,
}

impl Hosts {
    /// The names from the settings and the address that is listened on; of a server that listens on all
    /// addresses also those of this machine.
    pub fn new(access: &AccessConfig, listen: IpAddr) -> Self {
        let mut names: HashSet<String> = access.hosts.iter().cloned().collect();
        let origin = access.origin.as_deref().and_then(|origin| origin.split_once("://"));
        names.extend(origin.map(|(_, host)| without_port(host)));
        names.insert(listen.to_canonical().to_string());
        let everywhere = listen.is_unspecified();
        if everywhere {
            names.extend(host_names());
        }
        Self { names, everywhere }
    }

    /// Whether a host, with or without a port, is this server. Ports do not matter: a tunnel has its own.
    fn know(&self, host: &str, arrival: Option<IpAddr>) -> bool {
        let host = without_port(host);
        let address = host.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        let arrival = arrival.map(|arrival| arrival.to_canonical());
        host == "localhost"
            || address.is_some_and(|address| address.is_loopback())
            || self.everywhere && address.is_some() && address == arrival
            || address.map_or(self.names.contains(&host), |address| {
                self.names.contains(&address.to_string())
            })
    }
}

/// `[2001:db8::1]:8750` is `2001:db8::1`, and `Osa.example.org.:80` is `osa.example.org`.
fn without_port(host: &str) -> String {
    let host = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split_once(':').map_or(host, |(host, _)| host),
    };
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// Refuses a request for a host that this server is not.
pub async fn check(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let arrival = request.extensions().get::<Arrival>().map(|arrival| arrival.0.ip());
    let asked = Client::asked_hosts(&request, &state.people.access);
    match asked.into_iter().find(|host| !state.hosts.know(host, arrival)) {
        None => next.run(request).await,
        Some(host) => {
            tracing::warn!(host, "a request for another host was refused");
            refuse(&host, request.uri().path().starts_with(&format!("{}/api/", state.prefix)))
        }
    }
}

fn refuse(host: &str, in_words: bool) -> Response {
    let detail = format!("this server is not known as {host:?}");
    let hint = "add that name to `hosts` in osa.toml (OSA_HOSTS), or, if browsers see the site under \
                it, set `origin` (OSA_ORIGIN)";
    if in_words {
        let problem = Problem::of(StatusCode::MISDIRECTED_REQUEST, detail);
        return problem.with_hint(Some(hint.to_owned())).into_response();
    }
    (StatusCode::MISDIRECTED_REQUEST, format!("{detail}: {hint}\n")).into_response()
}

/// Tells browsers that came by https to come by nothing else.
pub async fn strict_transport(
    State(state): State<WebState>,
    request: Request,
    next: Next,
) -> Response {
    let access = &state.people.access;
    let https = Client::of(&request, access).https;
    let mut response = next.run(request).await;
    if let (true, Some(time)) = (https, access.hsts)
        && let Ok(value) = HeaderValue::from_str(&format!("max-age={}", time.as_secs()))
    {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ServerConfig;

    fn hosts(listen: &str, set: impl FnOnce(&mut AccessConfig)) -> Hosts {
        let mut access = ServerConfig::read(None, &|_| None).unwrap().access;
        set(&mut access);
        Hosts::new(&access, listen.parse().unwrap())
    }

    #[test]
    fn a_server_is_known_by_its_settings_its_address_and_on_this_machine() {
        let hosts = hosts("192.0.2.7", |access| {
            access.origin = Some("https://osa.example.org:8443".to_owned());
            access.hosts = vec!["lst.example.org".to_owned(), "2001:db8::1".to_owned()];
        });
        for own in [
            "osa.example.org",
            "OSA.example.org.:443",
            "lst.example.org:1",
            "[2001:db8:0::1]:80",
            "192.0.2.7:8750",
            "localhost:9999",
            "127.0.0.1",
            "[::1]:8750",
        ] {
            assert!(hosts.know(own, None), "{own}");
        }
        let arrival = Some("192.0.2.8".parse().unwrap());
        for foreign in ["evil.example", "osa.example.org.evil.example", "192.0.2.8", "", "[::2]"] {
            assert!(!hosts.know(foreign, arrival), "{foreign}");
        }
    }

    #[test]
    fn a_server_on_all_addresses_is_known_by_that_at_which_it_is_reached() {
        let hosts = hosts("0.0.0.0", |_| ());
        let arrival = Some("::ffff:192.0.2.8".parse().unwrap());
        assert!(hosts.know("192.0.2.8:8750", arrival));
        assert!(!hosts.know("192.0.2.9", arrival) && !hosts.know("evil.example", arrival));
        let name = host_names().into_iter().next().unwrap();
        assert!(hosts.know(&name, arrival), "{name}");
    }
}
