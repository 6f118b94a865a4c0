//! From what is on the disk and in the scheduler's records to a plan, and its scripts to the disk.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::model::NightStatus;
use crate::night::{NightPaths, Observation};
use crate::status::{self, Depth, Jobs, NightInput, StatusCache};

use super::gates::{self, Gate};
use super::plan::{Grounds, LaunchPlan};
use super::script::{ScriptError, ScriptOptions, write};
use super::{LaunchOptions, ground};

/// Where the night stands, and what launching it would do.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Where it stands, with histories.
    pub status: NightStatus,
    /// What launching would do.
    pub plan: LaunchPlan,
}

/// Looks at a night and plans its launch. Blocks on the disk, and writes nothing.
///
/// # Errors
/// A job script cannot be made.
pub fn prepare(
    paths: &NightPaths,
    observation: &Observation,
    jobs: &Jobs<'_>,
    options: &LaunchOptions,
    script: &ScriptOptions,
    now: DateTime<Utc>,
) -> Result<Prepared, ScriptError> {
    let dl2 = Some(!options.no_dl2);
    let input = NightInput { paths, observation, jobs, depth: Depth::Full, dl2, now };
    let seen = status::assess(&input, &StatusCache::default());
    let disk = ground::inspect(paths, observation, &seen);
    let status = &seen.status;
    let plan = Grounds { paths, observation, status, disk: &disk, options, script }.plan()?;
    Ok(Prepared { status: seen.status, plan })
}

/// The first gate that is shut, of those that no job has a hand in. Blocks on the disk, a little.
pub fn gate_without_jobs(
    paths: &NightPaths,
    observation: &Observation,
    options: LaunchOptions,
) -> Option<Gate> {
    gates::without_jobs(
        paths.date,
        observation.sequences.is_empty(),
        &ground::Flags::of(paths),
        options,
    )
}

/// Makes the night's directories and writes the plan's job scripts. Blocks on the disk.
///
/// # Errors
/// A directory cannot be made, or a script not be written; the others may have been.
pub fn write_scripts(paths: &NightPaths, plan: &LaunchPlan) -> Result<(), ScriptError> {
    make_directory(&paths.log_dir())?;
    for script in &plan.scripts {
        write(&script.file, &script.text)?;
    }
    Ok(())
}

fn make_directory(directory: &Path) -> Result<(), ScriptError> {
    std::fs::create_dir_all(directory)
        .map_err(|cause| ScriptError::Directory { directory: PathBuf::from(directory), cause })
}
