//! How the tools fail: the signs that the night shift knows, as the real tools print them.

use std::process::ExitCode;

use nix::sys::signal::{Signal, raise};

/// A failure that a rule can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any error.
    Error,
    /// The product was already extended by an earlier run.
    CatB,
    /// The last subrun is cut short.
    Truncated,
    /// The drive log ends before the run.
    Drive,
    /// The node has lost its environment.
    Environment,
    /// A file of an earlier try is in the way.
    Exists,
    /// The shared file system refuses a lock.
    Locking,
    /// The filter wheel positions are not in the database.
    Filters,
    /// No space is left.
    Disk,
    /// Killed for taking too much memory.
    OutOfMemory,
}

/// Every kind with its word in rules.
pub const KINDS: [(&str, Kind); 10] = [
    ("error", Kind::Error),
    ("catb", Kind::CatB),
    ("truncated", Kind::Truncated),
    ("drive", Kind::Drive),
    ("environment", Kind::Environment),
    ("exists", Kind::Exists),
    ("locking", Kind::Locking),
    ("filters", Kind::Filters),
    ("disk", Kind::Disk),
    ("oom", Kind::OutOfMemory),
];

impl Kind {
    /// Whether the real tool fails like this before it has begun to write.
    pub fn is_early(self) -> bool {
        matches!(self, Self::Environment | Self::Filters)
    }

    /// The failure itself.
    pub fn failure(self, rc: Option<u8>) -> Failure {
        let python = |error: &str| Failure::python(error).with(rc);
        match self {
            Self::Error => python("RuntimeError: the stand-in was told to fail"),
            Self::CatB => python(
                "ValueError: Table /dl1/monitoring/telescope/catB/calibration already exists",
            ),
            Self::Truncated => python(
                "tables.exceptions.NoSuchNodeError: group ``/dl1/event/telescope/monitoring`` \
                 does not have a child named ``/pedestal``",
            ),
            Self::Drive => python(
                "ValueError: A value (1732843201.5) in x_new is above the interpolation range's \
                 maximum value (1732843199.0).",
            ),
            Self::Environment => {
                python("FileNotFoundError: [Errno 2] No such file or directory: 'datasequence'")
            }
            Self::Exists => Failure::plain("\n--> Output file exists already. Stop").with(rc),
            Self::Locking => python(
                "OSError: Unable to open file (unable to lock file, errno = 11, error message = \
                 'Resource temporarily unavailable')",
            ),
            Self::Filters => Failure::plain("Missing filter value for this run. ").with(rc),
            Self::Disk => python("OSError: [Errno 28] No space left on device"),
            Self::OutOfMemory => Failure { how: How::Killed, ..Failure::plain("") },
        }
    }
}

/// How a tool ends badly.
#[derive(Debug)]
pub struct Failure {
    message: String,
    how: How,
    rc: u8,
}

#[derive(Debug, PartialEq, Eq)]
enum How {
    /// With a traceback before the message.
    Traceback,
    /// With the message alone.
    Plain,
    /// By SIGKILL, without a word.
    Killed,
}

impl Failure {
    /// An exception that nobody caught: return code 1.
    pub fn python(error: impl Into<String>) -> Self {
        Self { message: error.into(), how: How::Traceback, rc: 1 }
    }

    /// A message and return code 1.
    pub fn plain(message: impl Into<String>) -> Self {
        Self { message: message.into(), how: How::Plain, rc: 1 }
    }

    /// What only the stand-in can say: return code 2.
    pub fn usage(problem: &str) -> Self {
        Self { message: format!("stand-in: {problem}"), how: How::Plain, rc: 2 }
    }

    /// Sets another return code, if one is given.
    pub fn with(mut self, rc: Option<u8>) -> Self {
        self.rc = rc.unwrap_or(self.rc);
        self
    }

    /// Says it on standard error and gives the exit code.
    pub fn end(self, executable: &str) -> ExitCode {
        match self.how {
            How::Killed => {
                // A process cannot refuse this one; the code below is for the compiler.
                let _ = raise(Signal::SIGKILL);
            }
            How::Plain => eprintln!("{}", self.message),
            How::Traceback => eprintln!(
                "Traceback (most recent call last):\n  \
                 File \"/stand-in/bin/{executable}\", line 8, in <module>\n    \
                 sys.exit(main())\n             ^^^^^^\n{}",
                self.message
            ),
        }
        ExitCode::from(self.rc)
    }
}

/// An input/output error, as Python words it.
impl From<std::io::Error> for Failure {
    fn from(cause: std::io::Error) -> Self {
        let number = cause.raw_os_error().unwrap_or(5);
        let text = nix::errno::Errno::from_raw(number).desc();
        Self::python(format!("OSError: [Errno {number}] {text}"))
    }
}
