//! Where a request comes from, and how the browser sees us: what a trusted reverse proxy says, else
//! what the connection says.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, header};

use crate::config::AccessConfig;

/// The other end of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its address.
    pub address: IpAddr,
    /// Whether it speaks https, to the proxy if there is one.
    pub https: bool,
    /// Hosts under which it may see us, such as `osa.example.org`, with the port if it has one.
    pub hosts: Vec<String>,
}

impl Client {
    /// Reads a request. Without a connection, as in tests, it comes from nowhere.
    pub fn of<B>(request: &Request<B>, access: &AccessConfig) -> Self {
        let peer = peer(request);
        let headers = request.headers();
        let trusted = trusts(access, peer);
        let forwarded = |name| if trusted { values(headers, name) } else { Vec::new() };
        let https = match access.origin.as_deref() {
            Some(origin) => origin.starts_with("https://"),
            None => forwarded("x-forwarded-proto").last().is_some_and(|proto| proto == "https"),
        };
        let own = access.origin.as_deref().and_then(|origin| origin.split_once("://"));
        let hosts = match own {
            Some((_, host)) => vec![host.to_owned()],
            None => {
                let hosts = Self::asked_hosts(request, access);
                hosts.iter().map(|host| host.to_ascii_lowercase()).collect()
            }
        };
        let chain = forwarded("x-forwarded-for");
        Self { address: origin_of(&chain, peer, access), https, hosts }
    }

    /// The hosts that a request names: that of its `Host`, and those that a trusted proxy says it was
    /// asked for. HTTP/1.0 may name none.
    pub fn asked_hosts<B>(request: &Request<B>, access: &AccessConfig) -> Vec<String> {
        let headers = request.headers();
        let mut hosts = match trusts(access, peer(request)) {
            true => values(headers, "x-forwarded-host"),
            false => Vec::new(),
        };
        hosts.extend(request.uri().authority().map(ToString::to_string));
        hosts.extend(values(headers, header::HOST.as_str()));
        hosts
    }

    /// The address as attempts to sign in are counted.
    pub fn counted(&self) -> String {
        counted(self.address)
    }
}

/// An address as what comes from it is counted: of IPv6 only the network, since one machine has many
/// addresses in it.
pub fn counted(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// The other end of the connection.
fn peer<B>(request: &Request<B>) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip().to_canonical())
}

/// Whether the address is a trusted reverse proxy's.
pub fn trusts(access: &AccessConfig, address: IpAddr) -> bool {
    access.trusted_proxies.iter().any(|network| network.contains(address))
}

/// The last address of the chain that is not a trusted proxy's own: what stands before it, anybody
/// may have written.
fn origin_of(chain: &[String], peer: IpAddr, access: &AccessConfig) -> IpAddr {
    let mut origin = peer;
    for text in chain.iter().rev() {
        let Some(address) = address(text) else { break };
        origin = address;
        if !trusts(access, address) {
            break;
        }
    }
    origin
}

/// `192.0.2.1`, `192.0.2.1:8080`, `2001:db8::1` or `[2001:db8::1]:8080`.
fn address(text: &str) -> Option<IpAddr> {
    let address = text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|a| a.ip()));
    let address = address.or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok());
    address.map(|address| address.to_canonical())
}

/// All values of a header that may be given several times or as a list.
fn values(headers: &HeaderMap, name: &str) -> Vec<String> {
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let values = lines.flat_map(|line| line.split(',')).map(str::trim);
    values.filter(|value| !value.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ServerConfig;

    fn access(proxies: &[&str]) -> AccessConfig {
        let mut access = ServerConfig::read(None, &|_| None).unwrap().access;
        access.trusted_proxies = proxies.iter().map(|text| text.parse().unwrap()).collect();
        access
    }

    fn client(access: &AccessConfig, peer: &str, headers: &[(&str, &str)]) -> Client {
        let mut request = Request::get("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        let peer: IpAddr = peer.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((peer, 4711))));
        Client::of(&request, access)
    }

    const HEADERS: [(&str, &str); 4] = [
        ("x-forwarded-for", "6.6.6.6, 192.0.2.7, 10.0.0.2"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "Osa.example"),
        ("host", "inner:8750"),
    ];

    #[test]
    fn what_a_stranger_says_of_himself_is_not_believed() {
        let seen = client(&access(&["10.0.0.0/8"]), "192.0.2.9", &HEADERS);
        assert_eq!(seen.address.to_string(), "192.0.2.9");
        assert_eq!((seen.https, seen.hosts), (false, vec!["inner:8750".to_owned()]));
        let nobody = client(&access(&[]), "10.0.0.1", &HEADERS);
        assert_eq!((nobody.address.to_string().as_str(), nobody.https), ("10.0.0.1", false));
    }

    #[test]
    fn what_a_trusted_proxy_says_is_believed_as_far_as_it_knows() {
        let seen = client(&access(&["10.0.0.0/8"]), "10.0.0.1", &HEADERS);
        assert_eq!(seen.address.to_string(), "192.0.2.7", "what he claims before is not");
        assert_eq!((seen.https, seen.hosts[0].as_str()), (true, "osa.example"));
        let broken = [("x-forwarded-for", "192.0.2.7, unknown")];
        let broken = client(&access(&["10.0.0.0/8"]), "10.0.0.1", &broken);
        assert_eq!(broken.address.to_string(), "10.0.0.1");
        let ports = [("x-forwarded-for", "[2001:db8::1]:555")];
        let ports = client(&access(&["10.0.0.0/8"]), "10.0.0.1", &ports);
        assert_eq!(ports.counted(), "2001:db8:0:0::/64");
    }

    #[test]
    fn a_set_origin_is_what_counts() {
        let mut access = access(&[]);
        access.origin = Some("https://osa.example".to_owned());
        let seen = client(&access, "192.0.2.9", &HEADERS);
        assert_eq!((seen.https, seen.hosts), (true, vec!["osa.example".to_owned()]));
    }
}
