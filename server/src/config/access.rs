//! Settings of who may use the web server, and how.

use std::net::IpAddr;
use std::time::Duration;

use super::server_file::Sources;
use super::{ConfigError, Network};

/// Who may read without having signed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// Whoever reaches the server.
    #[default]
    Open,
    /// Nobody.
    SignedIn,
}

impl Reading {
    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::SignedIn => "signed-in",
        }
    }
}

/// Settings of who may use the web server, and how.
#[derive(Clone, Debug)]
pub struct AccessConfig {
    /// Who may read (`reading`, `OSA_READING`).
    pub reading: Reading,
    /// Scheme and host under which browsers see the site (`origin`, `OSA_ORIGIN`), such as
    /// `https://osa.example.org`; unset: as each request says.
    pub origin: Option<String>,
    /// Reverse proxies whose word on client, scheme and host is taken (`trusted_proxies`,
    /// `OSA_TRUSTED_PROXIES`).
    pub trusted_proxies: Vec<Network>,
    /// A session that is not used for so long ends (`session_idle_hours`,
    /// `OSA_SESSION_IDLE_HOURS`).
    pub session_idle: Duration,
    /// A session ends after so long however much it is used (`session_days`, `OSA_SESSION_DAYS`).
    pub session_longest: Duration,
    /// Whether this is a demo, whose users are listed on its sign-in page (`demo`, `OSA_DEMO`).
    pub demo: bool,
    /// Whether a demo may be reached from other machines (`demo_public`, `OSA_DEMO_PUBLIC`).
    pub demo_public: bool,
    /// Further host names and addresses under which the server is known, in small letters and without
    /// ports (`hosts`, `OSA_HOSTS`).
    pub hosts: Vec<String>,
    /// Sites whose scripts may read the interface for programs without a token (`cors_origins`,
    /// `OSA_CORS_ORIGINS`), as browsers write them.
    pub cors_origins: Vec<String>,
    /// For how long browsers that came by https come by nothing else (`hsts_days`,
    /// `OSA_HSTS_DAYS`); unset: the header is not sent.
    pub hsts: Option<Duration>,
}

impl AccessConfig {
    pub(super) fn read(sources: &Sources) -> Result<Self, ConfigError> {
        const HOUR: f64 = 3600.0;
        let hours = |text: &str| duration(text, HOUR, "hours");
        let days = |text: &str| duration(text, 24.0 * HOUR, "days");
        Ok(Self {
            reading: sources.value("reading", reading)?.unwrap_or_default(),
            origin: sources.value("origin", origin)?,
            trusted_proxies: sources.values("trusted_proxies", str::parse)?,
            session_idle: sources
                .value("session_idle_hours", hours)?
                .unwrap_or(Duration::from_secs(8 * 3600)),
            session_longest: sources
                .value("session_days", days)?
                .unwrap_or(Duration::from_secs(7 * 24 * 3600)),
            demo: sources.value("demo", yes_or_no)?.unwrap_or(false),
            demo_public: sources.value("demo_public", yes_or_no)?.unwrap_or(false),
            hosts: sources.values("hosts", host)?,
            cors_origins: sources.values("cors_origins", origin)?,
            hsts: sources.value("hsts_days", days)?,
        })
    }
}

fn reading(text: &str) -> Result<Reading, String> {
    [Reading::Open, Reading::SignedIn]
        .into_iter()
        .find(|reading| reading.as_str() == text)
        .ok_or_else(|| format!("{text:?} is neither open nor signed-in"))
}

fn origin(text: &str) -> Result<String, String> {
    let trimmed = text.trim_end_matches('/');
    let host = trimmed.strip_prefix("https://").or_else(|| trimmed.strip_prefix("http://"));
    let good = |host: &str| {
        !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-.:[]".contains(c))
    };
    match host {
        Some(host) if good(host) => Ok(trimmed.to_ascii_lowercase()),
        _ => Err(format!("{text:?} is not a scheme and a host such as https://osa.example.org")),
    }
}

/// A name without a port, or an address.
fn host(text: &str) -> Result<String, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_canonical().to_string());
    }
    let good = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    match !text.is_empty() && text.chars().all(good) {
        true => Ok(text.trim_end_matches('.').to_ascii_lowercase()),
        false => Err(format!(
            "{text:?} is not the name of a host such as osa.example.org, without scheme and port"
        )),
    }
}

fn duration(text: &str, unit: f64, units: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(number) if (0.01..=1000.0).contains(&number) => {
            Ok(Duration::from_secs_f64(number * unit))
        }
        _ => Err(format!("{text:?} is not a number of {units} from 0.01 to 1000")),
    }
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| format!("{text:?} is neither true nor false"))
}
