//! Log records on standard error.

use tracing_subscriber::EnvFilter;

use crate::config::{ConfigError, LogFormat};

use repeats::Unrepeated;

mod repeats;

/// Starts the log of a server: what `RUST_LOG` lets through, else `info` and above.
pub(super) fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let to = Unrepeated::new(std::io::stderr);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(to);
    // A log that is set up already will do.
    let _ = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).try_init(),
    };
}

/// Starts the log of a command, if `RUST_LOG` asks for one: else a command prints its own messages
/// and nothing more.
pub(super) fn start_if_asked() -> Result<(), ConfigError> {
    if std::env::var_os(EnvFilter::DEFAULT_ENV).is_some_and(|filter| !filter.is_empty()) {
        start(LogFormat::of_environment()?);
    }
    Ok(())
}

/// Starts the log of supervisors and runners of the local scheduler: their standard error is a file.
pub(super) fn start_in_file() -> Result<(), ConfigError> {
    let log =
        tracing_subscriber::fmt().with_writer(Unrepeated::new(std::io::stderr)).with_ansi(false);
    // A log that is set up already will do.
    let _ = match LogFormat::of_environment()? {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).try_init(),
    };
    Ok(())
}
