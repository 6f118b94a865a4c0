//! Both configurations together, found by the same rules for every command.

use std::path::Path;
use std::sync::Arc;

use super::{ConfigError, ServerConfig, SiteConfig};

/// What the operator has set, of the analysis and of the program.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The analysis: `sequencer.cfg`.
    pub site: Arc<SiteConfig>,
    /// The program: `osa.toml` and `OSA_…` variables.
    pub server: ServerConfig,
}

impl Settings {
    /// Finds and reads both files.
    ///
    /// `sequencer.cfg` is the one of `option` (`-c`), else that of `$OSA_CONFIG`, else that of
    /// `analysis_config` in `osa.toml`, else the one that [`SiteConfig::locate`] finds. `osa.toml`
    /// is the one of `$OSA_TOML`, else the one beside the `sequencer.cfg`.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(option: Option<&Path>) -> Result<Self, ConfigError> {
        let located = SiteConfig::locate(option);
        let server = ServerConfig::load(&located)?;
        // OSA_CONFIG is already in `located` and, being a variable, in `analysis_config` as well.
        let chosen = match (option, &server.analysis_config) {
            (None, Some(named)) => named,
            _ => &located,
        };
        Ok(Self { site: Arc::new(SiteConfig::load(chosen)?), server })
    }
}
