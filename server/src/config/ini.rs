//! INI as Python's `configparser` reads it.

use std::path::{Path, PathBuf};

use super::ConfigError;

/// A parsed file: sections, keys and raw values, with interpolation on reading.
#[derive(Clone, Debug)]
pub struct Ini {
    file: PathBuf,
}

impl Ini {
    /// Parses `text`, which came from `file` (named in errors).
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let _ = text;
        Ok(Self { file: file.to_owned() })
    }

    /// The interpolated value; `None` if the section or key is missing, or has no value, or an
    /// empty one.
    pub fn get(&self, section: &str, key: &str) -> Result<Option<String>, ConfigError> {
        Err(ConfigError::Key {
            file: self.file.clone(),
            section: section.into(),
            key: key.into(),
            problem: "not read yet".into(),
        })
    }
}
