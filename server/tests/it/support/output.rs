//! How a command ended and what it said.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Output};

use serde::de::DeserializeOwned;

/// How a command ended and what it said. Each assertion shows all of it when it fails, and gives it
/// back, so that assertions can be chained.
#[derive(Debug)]
pub struct CommandOutput {
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// The exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

impl CommandOutput {
    /// Of a command that has ended.
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self::new(output.status, text(output.stdout), text(output.stderr))
    }

    /// The same, of outputs that were kept elsewhere.
    pub fn new(status: ExitStatus, out: String, err: String) -> Self {
        Self { out, err, code: status.code(), signal: status.signal() }
    }

    /// It ended with 0.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        self.exits(0)
    }

    /// It ended with 1, as commands do that could not do what they were told.
    #[track_caller]
    pub fn fails(self) -> Self {
        self.exits(1)
    }

    /// It ended with this code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// It was ended as no process can survive (SIGKILL).
    #[track_caller]
    pub fn ends_killed(self) -> Self {
        assert_eq!(self.signal, Some(9), "{self}");
        self
    }

    /// The text is part of its standard error.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "{text:?} is not said:\n{self}");
        self
    }

    /// The text is not part of its standard error.
    #[track_caller]
    pub fn never_says(self, text: &str) -> Self {
        assert!(!self.err.contains(text), "{text:?} is said:\n{self}");
        self
    }

    /// The text is part of its standard output.
    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        assert!(self.out.contains(text), "{text:?} is not printed:\n{self}");
        self
    }

    /// The text is not part of its standard output.
    #[track_caller]
    pub fn never_prints(self, text: &str) -> Self {
        assert!(!self.out.contains(text), "{text:?} is printed:\n{self}");
        self
    }

    /// There is nothing on its standard output.
    #[track_caller]
    pub fn prints_nothing(self) -> Self {
        assert_eq!(self.out, "", "{self}");
        self
    }

    /// There is nothing on its standard error.
    #[track_caller]
    pub fn says_nothing(self) -> Self {
        assert_eq!(self.err, "", "{self}");
        self
    }

    /// The JSON on its standard output.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}:\n{self}"))
    }

    /// The last line on its standard error.
    #[track_caller]
    pub fn last_word(&self) -> &str {
        self.err.lines().last().unwrap_or_else(|| panic!("nothing was said:\n{self}"))
    }

    /// Standard output with the time of the golden tables in its heading.
    #[track_caller]
    pub fn out_at_golden_time(&self) -> String {
        let golden = "2026-11-22 07:43";
        let (before, rest) = self.out.split_once("sequencer.py at ").unwrap();
        let (time, after) = rest.split_at(golden.len());
        assert!(chrono::NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M").is_ok(), "{time}");
        format!("{before}sequencer.py at {golden}{after}")
    }
}

impl std::fmt::Display for CommandOutput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { out, err, code, signal } = self;
        write!(f, "code {code:?}, signal {signal:?}\nstandard output:\n{out}\nerror:\n{err}")
    }
}
