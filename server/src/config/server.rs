//! `osa.toml`: settings of the server and of everything that the original did not have.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Which scheduler runs the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchedulerKind {
    /// Slurm.
    Slurm,
    /// Processes on this machine.
    Local,
}

/// Settings of `osa.toml`, each overridable by an `OSA_…` variable.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Address to listen on (`listen`, `OSA_LISTEN`).
    pub listen: SocketAddr,
    /// Path prefix behind a reverse proxy (`prefix`, `OSA_PREFIX`): empty, or `/osa`.
    pub prefix: String,
    /// Our SQLite file (`database`, `OSA_DATABASE`); unset: `osa.sqlite` in `OSA_DIR`.
    pub database: Option<PathBuf>,
    /// The scheduler (`scheduler`, `OSA_SCHEDULER`); unset: Slurm if `sbatch` is on the PATH.
    pub scheduler: Option<SchedulerKind>,
    /// How often directories and scheduler are looked at (`poll_seconds`, `OSA_POLL_SECONDS`).
    pub poll: Duration,
    /// The analysis configuration (`analysis_config`, `OSA_CONFIG`).
    pub analysis_config: Option<PathBuf>,
    /// Directories put before the PATH of jobs (`job_path`, `OSA_JOB_PATH`).
    pub job_path: Vec<PathBuf>,
    /// Processors that the local scheduler uses at once (`local_cpus`, `OSA_LOCAL_CPUS`).
    pub local_cpus: usize,
    /// Directory of the site's WebAssembly, style and icons (`site`, `OSA_SITE`).
    pub site: Option<PathBuf>,
}
