//! How log records are written.

use super::ConfigError;

/// How log records are written to standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// A line for people to read.
    #[default]
    Text,
    /// A JSON object a line, for programs.
    Json,
}

impl LogFormat {
    /// The variable of the environment that overrides `log_format` in osa.toml.
    const VARIABLE: &str = "OSA_LOG_FORMAT";

    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("{text:?} is neither text nor json")),
        }
    }

    /// The format that the environment names, for programs that read no configuration.
    ///
    /// # Errors
    /// [`ConfigError::Variable`].
    pub fn of_environment() -> Result<Self, ConfigError> {
        let value = std::env::var_os(Self::VARIABLE).unwrap_or_default();
        if value.is_empty() {
            return Ok(Self::default());
        }
        Self::parse(&value.to_string_lossy())
            .map_err(|problem| ConfigError::Variable { name: Self::VARIABLE.into(), problem })
    }
}
