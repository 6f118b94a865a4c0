//! What to do about an error. Every module's error implements [`Hint`]; an error that wraps another
//! forwards to it. Commands, the REST interface and pages show the hint below the error.

use std::env::JoinPathsError;
use std::io::{self, ErrorKind};

use nix::errno::Errno;

use crate::model::IdError;

/// An error that may know what to do about it.
pub trait Hint {
    /// What to do about it, where somebody can do something and the message does not say so.
    fn hint(&self) -> Option<String>;
}

impl Hint for io::Error {
    fn hint(&self) -> Option<String> {
        let text = match self.kind() {
            ErrorKind::PermissionDenied => {
                "check who owns the file and its directory, and whether this user may use them"
            }
            ErrorKind::NotFound => "check that the path is right",
            ErrorKind::StorageFull => "the disk is full: free some space",
            ErrorKind::QuotaExceeded => "the disk quota is used up: free some space",
            ErrorKind::ReadOnlyFilesystem => {
                "the file system is mounted read-only: use another place, or have it remounted"
            }
            ErrorKind::StaleNetworkFileHandle => {
                "the network file system lost the file: check the mount, then try again"
            }
            ErrorKind::AddrInUse => "another program uses this address",
            _ => return None,
        };
        Some(text.to_owned())
    }
}

impl Hint for Errno {
    fn hint(&self) -> Option<String> {
        io::Error::from(*self).hint()
    }
}

impl Hint for IdError {
    fn hint(&self) -> Option<String> {
        hint_for_identifier(&self.to_string())
    }
}

/// What to do about an identifier, by the message of its [`IdError`]: of an error that came through
/// serde nothing but the message is left.
pub fn hint_for_identifier(message: &str) -> Option<String> {
    let text = if message.contains("is not a date such as") {
        "a night has the date of its evening: year, month and day, as in the example"
    } else if message.contains("is not a run number such as") {
        "write the number as the run summary of the night has it"
    } else {
        return None;
    };
    Some(text.to_owned())
}

impl Hint for JoinPathsError {
    fn hint(&self) -> Option<String> {
        Some("take the directory with a colon out of job_path (OSA_JOB_PATH)".to_owned())
    }
}

impl Hint for serde_json::Error {
    fn hint(&self) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests;
