//! What can be wrong with a configuration.

use std::path::PathBuf;

use crate::hint::Hint;
use crate::internal::Cause;

/// A configuration that cannot be used; the message names file, line and key.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {cause}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// The file of settings, which exists or was named, cannot be read.
    #[error("cannot read the settings {}: {cause}", file.display())]
    Settings {
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// A line that is neither section, key, continuation nor comment, or a broken value.
    #[error("{}:{line}: {problem}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A key that is needed is missing, or its value is not what it should be.
    #[error("{}: [{section}] {key}: {problem}", place(file, *line))]
    Key {
        /// The file.
        file: PathBuf,
        /// The line of the key, or of its section if there is no such key, from 1; `None` if
        /// there is no such section.
        line: Option<usize>,
        /// The section.
        section: String,
        /// The key.
        key: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A variable of the environment whose value is not what it should be.
    #[error("the environment variable {name}: {problem}")]
    Variable {
        /// The variable.
        name: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The version of lstchain, which names the production where `PROD_ID` is not set, is unknown.
    #[error(
        "cannot tell the production: PROD_ID is not set in {} and the version of lstchain is \
         unknown ({problem})",
        file.display()
    )]
    Version {
        /// The configuration file.
        file: PathBuf,
        /// What was tried and what came back.
        #[source]
        problem: Cause,
    },
}

impl Hint for ConfigError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => Some(
                "name a configuration with -c FILE or the variable OSA_CONFIG, or put a \
                 sequencer.cfg into the working directory"
                    .into(),
            ),
            Self::Version { .. } => Some(
                "set PROD_ID in section [LST1], or put the python3 of lstchain's environment on \
                 the PATH (job_path in osa.toml)"
                    .into(),
            ),
            Self::Settings { .. } => Some(
                "name the file with the variable OSA_TOML, or unset the variable for defaults"
                    .into(),
            ),
            Self::Syntax { file, .. } => Some(format!("correct this line of {}", file.display())),
            Self::Key { section, key, .. } => Some(format!(
                "set {key} in section [{section}]; `osa config` prints all values in effect"
            )),
            Self::Variable { name, .. } => {
                Some(format!("correct or unset {name}; osa.toml explains what it may be"))
            }
        }
    }
}

fn place(file: &std::path::Path, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("{}:{line}", file.display()),
        None => file.display().to_string(),
    }
}
