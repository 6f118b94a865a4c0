//! The errors that shifters know: signs, explanations and actions, from a file that the operator
//! may edit (`configs/known_errors.toml`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use crate::hint::Hint;
use crate::model::{JobState, Stage};

/// The errors that the program brings along.
const SHIPPED: &str = include_str!("../../../../configs/known_errors.toml");

/// Why a file of known errors cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KnownErrorsError {
    /// It cannot be read.
    #[error("cannot read the known errors {}: {cause}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: Arc<std::io::Error>,
    },
    /// It is not what it should be.
    #[error("{}:{line}: {problem}", file.display())]
    Wrong {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
}

impl Hint for KnownErrorsError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { cause, .. } => cause.hint(),
            Self::Wrong { .. } => Some(
                "correct this line; configs/known_errors.toml explains every key, and without \
                 known_errors in osa.toml (OSA_KNOWN_ERRORS) the program uses its own"
                    .into(),
            ),
        }
    }
}

/// What may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Help {
    /// Submitting again.
    Resubmit,
    /// Removing what was made, then submitting again.
    RemoveAndResubmit,
    /// Submitting again with more memory.
    MoreMemory,
    /// Submitting again with a longer walltime.
    MoreTime,
    /// Leaving the last subrun out.
    DropLastSubrun,
    /// Not processing the run.
    ExcludeRun,
}

/// One error that shifters know.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownError {
    /// Its name.
    pub name: Spanned<String>,
    /// Text in one line of the log, `*` standing for any.
    #[serde(default)]
    pub pattern: Option<String>,
    /// State of the task.
    #[serde(default)]
    state: Option<JobState>,
    /// Return code of the stage.
    #[serde(default)]
    rc: Option<i32>,
    /// The stage.
    #[serde(default)]
    stage: Option<Stage>,
    /// Only in the last subrun of a run.
    #[serde(default)]
    last_subrun: bool,
    /// What is the matter, in a few words.
    pub title: String,
    /// Why, and what to think of.
    pub explanation: String,
    /// What may help, the best first.
    pub actions: Vec<Help>,
    /// How much more memory.
    #[serde(default = "twice")]
    pub memory_factor: f64,
    /// How much more time.
    #[serde(default = "twice")]
    pub time_factor: f64,
}

fn twice() -> f64 {
    2.0
}

/// What is known of a failure beside its log.
#[derive(Clone, Debug, PartialEq)]
pub struct Circumstances {
    /// State of the task, if it is known.
    pub state: Option<JobState>,
    /// Return code of the last try, if the history has one.
    pub rc: Option<i32>,
    /// The stage that failed, or was under way.
    pub stage: Option<Stage>,
    /// It is the run's last subrun.
    pub last_subrun: bool,
}

impl KnownError {
    /// Whether its conditions hold, but for the pattern.
    pub fn fits(&self, failure: &Circumstances) -> bool {
        self.state.as_ref().is_none_or(|state| failure.state.as_ref() == Some(state))
            && self.rc.is_none_or(|rc| failure.rc == Some(rc))
            && self.stage.is_none_or(|stage| failure.stage == Some(stage))
            && (!self.last_subrun || failure.last_subrun)
    }
}

/// Whether a line has the pieces of a pattern, in their order. Upper and lower case are the same: they
/// differ between versions of the tools and of the C library.
pub fn matches(pattern: &str, line: &str) -> bool {
    let mut rest = line.as_bytes();
    pattern.split('*').all(|piece| match position(rest, piece.as_bytes()) {
        Some(at) => {
            rest = &rest[at + piece.len()..];
            true
        }
        None => false,
    })
}

/// Where `piece` first is in `text`, in whatever case.
fn position(text: &[u8], piece: &[u8]) -> Option<usize> {
    if piece.is_empty() {
        return Some(0);
    }
    text.windows(piece.len()).position(|window| window.eq_ignore_ascii_case(piece))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    error: Vec<KnownError>,
}

/// The errors in `file`, or those that the program brings along. Blocks.
pub fn load(file: Option<&Path>) -> Result<Vec<KnownError>, KnownErrorsError> {
    let Some(file) = file else { return parse(SHIPPED, Path::new("known_errors.toml")) };
    let text = crate::input_file::read_toml(file).map_err(|cause| KnownErrorsError::Read {
        file: file.to_owned(),
        cause: Arc::new(cause),
    })?;
    parse(&text, file)
}

fn parse(text: &str, file: &Path) -> Result<Vec<KnownError>, KnownErrorsError> {
    let wrong = |at: usize, problem: String| {
        let line = text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
        KnownErrorsError::Wrong { file: file.to_owned(), line, problem }
    };
    let document: Document = toml::from_str(text).map_err(|error| {
        wrong(error.span().map_or(0, |span| span.start), error.message().to_owned())
    })?;
    for error in &document.error {
        let name = error.name.get_ref();
        let complain = |problem: &str| wrong(error.name.span().start, format!("{name}: {problem}"));
        let pattern = error.pattern.as_ref();
        if pattern.is_none() && error.state.is_none() && error.rc.is_none() {
            return Err(complain("it needs a pattern, a state or an rc to be told by"));
        }
        if pattern.is_some_and(|pattern| pattern.replace('*', "").trim().is_empty()) {
            return Err(complain("its pattern would fit any line"));
        }
        if let Some(JobState::Other(word)) = &error.state {
            return Err(complain(&format!("{word:?} is no state of Slurm's")));
        }
        let good = |factor: f64| (1.0..=100.0).contains(&factor);
        if !good(error.memory_factor) || !good(error.time_factor) {
            return Err(complain("a factor must be from 1 to 100"));
        }
    }
    Ok(document.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_knows_the_signs_of_the_handbook() {
        let errors = load(None).unwrap();
        let found = |line: &str| {
            let fits = |error: &&KnownError| {
                error.pattern.as_ref().is_some_and(|pattern| matches(pattern, line))
            };
            errors.iter().find(fits).map(|error| error.name.get_ref().as_str())
        };
        for (line, name) in [
            ("ValueError: Table /dl1/monitoring/telescope/catB/calibration already exists", "catb"),
            (
                "tables.exceptions.NoSuchNodeError: group ``/x`` does not have a child named ``/pedestal``",
                "truncated",
            ),
            (
                "ValueError: A value (1.5) in x_new is above the interpolation range's maximum value (1.0).",
                "drive",
            ),
            (
                "FileNotFoundError: [Errno 2] No such file or directory: 'datasequence'",
                "environment",
            ),
            ("\u{2013}-> Output file exists already. Stop", "drs4-exists"),
            (
                "OSError: (unable to lock file, errno = 11, error message = 'Resource temporarily unavailable')",
                "locking",
            ),
            ("OSError: [Errno 37] No locks available", "no-locks"),
            ("blosc: NO SPACE LEFT ON DEVICE", "disk-full"),
            (
                "ValueError: A value (0.5) in x_new is below the interpolation range's minimum value (1.0).",
                "drive-late",
            ),
        ] {
            assert_eq!(found(line), Some(name), "{line}");
        }
        assert_eq!(found("all is well"), None);
        assert!(matches("a*C*", "ABc") && !matches("a*c", "cba"));
    }

    #[test]
    fn every_fault_names_the_line() {
        let good = "title = 't'\nexplanation = 'e'\nactions = ['resubmit']\n";
        let file = Path::new("known_errors.toml");
        let problem = |head: &str| parse(&format!("{head}\n{good}"), file).unwrap_err().to_string();
        insta::assert_snapshot!(
            [
                problem("[[error]]\nname = 'a'"),
                problem("[[error]]\nname = 'a'\npattern = ' * '"),
                problem("[[error]]\nname = 'a'\nstate = 'TIRED'"),
                problem("[[error]]\nname = 'a'\nrc = 1\ncolour = 'red'"),
                problem("\n[[error]]\nname = 'a'\nrc = 'one'"),
                problem("[[error]]\nname = 'a'\nrc = 1\ntime_factor = 0.5"),
                problem("[[error]]\nname = a"),
                problem("[[error]]\nrc = 1"),
                parse(
                    "[[error]]\nname='a'\nrc=1\ntitle=''\nexplanation=''\nactions=['pray']",
                    file
                )
                .unwrap_err()
                .to_string(),
            ]
            .join("\n")
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*", line in ".*") {
            let _ = parse(&text, Path::new("known_errors.toml"));
            let _ = matches(&text, &line);
        }
    }
}
