//! Demo nights: a whole site in one directory, with nights of every fate, stand-ins for lstchain
//! on the PATH of its jobs, and the local scheduler.

mod inputs;
mod jobs;
mod nights;
mod plot;
mod products;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::config::{ConfigError, SiteConfig};
use crate::hint::Hint;
use crate::internal::Cause;
use crate::model::{Role, TaskRecord};
use crate::night::paths::NightPaths;
use crate::night::{MissingSummary, Observation};
use crate::process::{ProcessError, Simulation};
use crate::provenance::capture::Surroundings;

pub use nights::{DemoNight, Fate};
pub use plot::plot;

/// Why a demo could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// There is something in its place already.
    #[error("{} is not empty: give a new directory, or remove that one first", .0.display())]
    NotEmpty(PathBuf),
    /// Something could not be written.
    #[error("cannot write {}: {cause}", path.display())]
    Write {
        /// What.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// The stand-ins are nowhere to be found.
    #[error(
        "there is no {} beside {}: build it (cargo build -p standins), or name it with --tools",
        STANDIN,
        .0.display()
    )]
    NoTools(PathBuf),
    /// The stand-ins could not be linked, or could not write their datacheck.
    #[error("{}: {cause}", tools.display())]
    Tools {
        /// The stand-ins' program.
        tools: PathBuf,
        /// What it said.
        #[source]
        cause: Cause,
    },
    /// The configuration just written is wrong: a fault of this program.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The provenance of a night could not be written.
    #[error(transparent)]
    Provenance(#[from] ProcessError),
}

impl Hint for DemoError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NotEmpty(_) => Some("a new directory is made if it does not exist".into()),
            Self::Write { cause, .. } => cause.hint(),
            Self::NoTools(_) => None,
            Self::Tools { tools, .. } => Some(format!(
                "check that {} can be run, or name another with --tools",
                tools.display()
            )),
            Self::Config(error) => error.hint(),
            Self::Provenance(error) => error.hint(),
        }
    }
}

/// The program that stands in for the lstchain executables.
pub const STANDIN: &str = "lstchain-standin";

/// The demo's users: role, name and password.
pub const USERS: [(Role, &str, &str); 3] = [
    (Role::Viewer, "viewer", "demo-viewer"),
    (Role::Shifter, "shifter", "demo-shifter"),
    (Role::Admin, "admin", "demo-admin"),
];

/// Nights with more subruns keep placeholders for their datacheck: it would take a minute and a
/// gigabyte.
const FILLED: u32 = 500;

/// What was made.
#[derive(Debug)]
pub struct Demo {
    /// Its configuration.
    pub config: Arc<SiteConfig>,
    /// Its nights, oldest first.
    pub nights: Vec<DemoNight>,
    /// What the scheduler would remember of the nights that were processed.
    pub past_jobs: Vec<TaskRecord>,
}

/// Makes a demo in `dir`, which must be missing or empty.
pub fn create(
    dir: &Path,
    tools: &Path,
    large: bool,
    now: DateTime<Utc>,
) -> Result<Demo, DemoError> {
    let occupied = dir.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    if occupied {
        return Err(DemoError::NotEmpty(dir.to_owned()));
    }
    std::fs::create_dir_all(dir).map_err(|cause| write_error(dir, cause))?;
    let dir = dir.canonicalize().map_err(|cause| write_error(dir, cause))?;
    let config = inputs::configuration(&dir)?;
    inputs::tools(&dir, tools)?;
    inputs::shared(&config)?;
    let nights = nights::all(large);
    let mut past_jobs = Vec::new();
    for night in &nights {
        let paths = paths(&config, night)?;
        inputs::night(&paths, night)?;
        products::night(&paths, night)?;
        if night.has_products() && night.subruns() <= FILLED {
            inputs::datacheck(tools, &paths.analysis_dir())?;
        }
        past_jobs.extend(jobs::of_night(night, now));
    }
    inputs::merged_summary(&config, &nights)?;
    for night in nights.iter().filter(|night| night.fate == Fate::Processed) {
        if night.subruns() <= FILLED {
            provenance(&paths(&config, night)?, now)?;
        }
    }
    Ok(Demo { config, nights, past_jobs })
}

/// The database of the demo in `dir`.
pub fn database(dir: &Path) -> PathBuf {
    dir.join("data/OSA/osa.sqlite")
}

/// Writes the provenance of a night that was processed.
fn provenance(paths: &NightPaths, now: DateTime<Utc>) -> Result<(), DemoError> {
    let observation = Observation::read(paths, MissingSummary::Fail).map_err(ProcessError::from)?;
    let Some(runs) = observation.calibration else { return Ok(()) };
    let version = Some(paths.prod_id.to_string());
    let surroundings = &Surroundings::of_this_process(version, Vec::new());
    let night = Simulation { paths, runs, surroundings, now };
    observation.sequences.iter().try_for_each(|sequence| Ok(night.sequence(sequence)?))
}

fn paths(config: &Arc<SiteConfig>, night: &DemoNight) -> Result<NightPaths, DemoError> {
    let prod_id = config.prod_id.clone().ok_or_else(|| ConfigError::Key {
        file: config.file.clone(),
        section: "LST1".into(),
        key: "PROD_ID".into(),
        line: None,
        problem: "the demo needs one".into(),
    })?;
    Ok(NightPaths::new(config.clone(), night.date, prod_id))
}

fn write_error(path: &Path, cause: io::Error) -> DemoError {
    DemoError::Write { path: path.to_owned(), cause }
}

/// Writes a file, and its directories if they are missing.
fn write(path: &Path, content: &str) -> Result<(), DemoError> {
    let result = std::fs::write(path, content).or_else(|cause| match cause.kind() {
        io::ErrorKind::NotFound => {
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            std::fs::write(path, content)
        }
        _ => Err(cause),
    });
    result.map_err(|cause| write_error(path, cause))
}
