//! Settings of the web server's connections: how many there may be, and for how long each may keep the
//! server waiting.

use std::time::Duration;

use super::ConfigError;
use super::server_file::Sources;

/// Settings of the web server's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionConfig {
    /// How long the head of a request may take (`request_head_seconds`,
    /// `OSA_REQUEST_HEAD_SECONDS`).
    pub head: Duration,
    /// How long the body of a request may take (`request_body_seconds`,
    /// `OSA_REQUEST_BODY_SECONDS`).
    pub body: Duration,
    /// How long a connection may be idle between requests, or take nothing of what is sent
    /// (`idle_connection_seconds`, `OSA_IDLE_CONNECTION_SECONDS`).
    pub idle: Duration,
    /// Connections without a complete request, in total (`pending_connections`,
    /// `OSA_PENDING_CONNECTIONS`).
    pub pending: usize,
    /// Connections without a complete request, of one client (`pending_connections_per_client`,
    /// `OSA_PENDING_CONNECTIONS_PER_CLIENT`).
    pub pending_per_client: usize,
}

impl ConnectionConfig {
    pub(super) fn read(sources: &Sources) -> Result<Self, ConfigError> {
        let time =
            |key, usual| Ok(sources.value(key, seconds)?.unwrap_or(Duration::from_secs(usual)));
        Ok(Self {
            head: time("request_head_seconds", 15)?,
            body: time("request_body_seconds", 60)?,
            // Longer than reverse proxies keep theirs (Caddy: 120 s), so that it is they who close them.
            idle: time("idle_connection_seconds", 150)?,
            pending: sources.value("pending_connections", count)?.unwrap_or(1000),
            pending_per_client: sources
                .value("pending_connections_per_client", count)?
                .unwrap_or(100),
        })
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=3600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("{text:?} is not a number of seconds from 0.1 to 3600")),
    }
}

fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count >= 1 => Ok(count),
        _ => Err(format!("{text:?} is not a number of connections of at least 1")),
    }
}
