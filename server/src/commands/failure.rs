//! How a command ends: an exit code, or a failure with a message and a hint.

use std::error::Error;
use std::fmt::Display;
use std::process::ExitCode;

use crate::hint::Hint;
use crate::process::ProcessError;

/// What a command returns.
pub type Outcome = Result<ExitCode, Failure>;

/// A failure as the user sees it, on standard error.
#[derive(Debug)]
pub struct Failure {
    message: String,
    hint: Option<String>,
    code: u8,
}

impl Failure {
    /// A failure with exit code 1; the message stands alone.
    pub fn new(message: impl Display) -> Self {
        Self { message: message.to_string(), hint: None, code: 1 }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Sets another exit code.
    #[must_use]
    pub fn code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// Prints it and gives the exit code.
    pub fn report(self) -> ExitCode {
        eprintln!("error: {}", self.message);
        if let Some(hint) = self.hint {
            eprintln!("hint: {hint}");
        }
        ExitCode::from(self.code)
    }
}

/// Any room's error becomes a failure with its causes, one after another.
impl<E: Error + Hint + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            let text = next.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            cause = next.source();
        }
        Self { hint: error.hint(), code: code_of(&error), ..Self::new(message) }
    }
}

/// The exit code that an error asks for; usually 1.
fn code_of(error: &(dyn Error + 'static)) -> u8 {
    error.downcast_ref::<ProcessError>().map_or(1, ProcessError::code)
}
