//! What can go wrong around the stages; what goes wrong within one is its return code.

use std::path::PathBuf;

/// Why a sequence could not be worked on, or what became of it not written down.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// A file of ours could not be read, written or removed.
    #[error("cannot {verb} {}", file.display())]
    File {
        /// What was tried: `read`, `write to`, `remove`.
        verb: &'static str,
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
}

impl ProcessError {
    /// Wraps an input/output error with what was tried on which file.
    pub(super) fn file(
        verb: &'static str,
        file: &std::path::Path,
    ) -> impl Fn(std::io::Error) -> Self {
        let file = file.to_owned();
        move |cause| Self::File { verb, file: file.clone(), cause }
    }
}
