//! `osa.toml`: settings of the server and of everything that the original did not have.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::server_file::Sources;
use super::version::search_path;
use super::{AccessConfig, ConfigError, ConnectionConfig, LogFormat, SiteConfig};

/// The settings, each with the variable that overrides it.
pub(super) const KEYS: [(&str, &str); 36] = [
    ("listen", "OSA_LISTEN"),
    ("prefix", "OSA_PREFIX"),
    ("database", "OSA_DATABASE"),
    ("scheduler", "OSA_SCHEDULER"),
    ("slurm_cluster", "OSA_SLURM_CLUSTER"),
    ("squeue_seconds", "OSA_SQUEUE_SECONDS"),
    ("sacct_seconds", "OSA_SACCT_SECONDS"),
    ("poll_seconds", "OSA_POLL_SECONDS"),
    ("lost_after_seconds", "OSA_LOST_AFTER_SECONDS"),
    ("known_errors", "OSA_KNOWN_ERRORS"),
    ("datacheck_thresholds", "OSA_DATACHECK_THRESHOLDS"),
    ("analysis_config", "OSA_CONFIG"),
    ("job_path", "OSA_JOB_PATH"),
    ("local_cpus", "OSA_LOCAL_CPUS"),
    ("site", "OSA_SITE"),
    ("log_format", "OSA_LOG_FORMAT"),
    ("mail_host", "OSA_MAIL_HOST"),
    ("mail_from", "OSA_MAIL_FROM"),
    ("mail_to", "OSA_MAIL_TO"),
    ("autoclose", "OSA_AUTOCLOSE"),
    ("reading", "OSA_READING"),
    ("origin", "OSA_ORIGIN"),
    ("trusted_proxies", "OSA_TRUSTED_PROXIES"),
    ("session_idle_hours", "OSA_SESSION_IDLE_HOURS"),
    ("session_days", "OSA_SESSION_DAYS"),
    ("demo", "OSA_DEMO"),
    ("demo_public", "OSA_DEMO_PUBLIC"),
    ("hosts", "OSA_HOSTS"),
    ("cors_origins", "OSA_CORS_ORIGINS"),
    ("hsts_days", "OSA_HSTS_DAYS"),
    ("least_free_mb", "OSA_LEAST_FREE_MB"),
    ("request_head_seconds", "OSA_REQUEST_HEAD_SECONDS"),
    ("request_body_seconds", "OSA_REQUEST_BODY_SECONDS"),
    ("idle_connection_seconds", "OSA_IDLE_CONNECTION_SECONDS"),
    ("pending_connections", "OSA_PENDING_CONNECTIONS"),
    ("pending_connections_per_client", "OSA_PENDING_CONNECTIONS_PER_CLIENT"),
];

/// Which scheduler runs the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchedulerKind {
    /// Slurm.
    Slurm,
    /// Processes on this machine.
    Local,
}

impl SchedulerKind {
    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slurm => "slurm",
            Self::Local => "local",
        }
    }
}

/// Where a setting comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// It is not set anywhere.
    #[default]
    Default,
    /// A file.
    File {
        /// The file.
        file: PathBuf,
        /// Its line, from 1.
        line: usize,
    },
    /// An option on the command line.
    Option,
    /// A variable of the environment.
    Variable(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line } => write!(f, "{}:{line}", file.display()),
            Self::Option => f.write_str("command line"),
            Self::Variable(name) => f.write_str(name),
        }
    }
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
    /// The scheduler (`scheduler`, `OSA_SCHEDULER`); unset: Slurm. It is never guessed from what is
    /// installed, since a night must not be processed by two of them.
    pub scheduler: SchedulerKind,
    /// Slurm's cluster, where a site has several (`slurm_cluster`, `OSA_SLURM_CLUSTER`); unset: the
    /// one that Slurm's own configuration names.
    pub slurm_cluster: Option<String>,
    /// How often the server asks for Slurm's queue (`squeue_seconds`, `OSA_SQUEUE_SECONDS`).
    pub squeue: Duration,
    /// How often the server asks Slurm's accounting (`sacct_seconds`, `OSA_SACCT_SECONDS`).
    pub sacct: Duration,
    /// How often directories and the local scheduler are looked at (`poll_seconds`,
    /// `OSA_POLL_SECONDS`).
    pub poll: Duration,
    /// How long a submitted job must be missing from the scheduler's answers before it is given up
    /// and another may take its place (`lost_after_seconds`, `OSA_LOST_AFTER_SECONDS`).
    pub lost_after: Duration,
    /// The errors that shifters know (`known_errors`, `OSA_KNOWN_ERRORS`); unset: those that the
    /// program brings along.
    pub known_errors: Option<PathBuf>,
    /// Limits of the data quality (`datacheck_thresholds`, `OSA_DATACHECK_THRESHOLDS`); unset: those
    /// that the program brings along.
    pub datacheck_thresholds: Option<PathBuf>,
    /// The analysis configuration (`analysis_config`, `OSA_CONFIG`).
    pub analysis_config: Option<PathBuf>,
    /// Directories put before the PATH of jobs (`job_path`, `OSA_JOB_PATH`).
    pub job_path: Vec<PathBuf>,
    /// Processors that the local scheduler uses at once (`local_cpus`, `OSA_LOCAL_CPUS`).
    pub local_cpus: usize,
    /// Directory of the site's WebAssembly, style and icons (`site`, `OSA_SITE`).
    pub site: Option<PathBuf>,
    /// How log records are written to standard error (`log_format`, `OSA_LOG_FORMAT`).
    pub log_format: LogFormat,
    /// Mail server, host and port, that takes warnings (`mail_host`, `OSA_MAIL_HOST`); unset: no
    /// mail is sent.
    pub mail_host: Option<(String, u16)>,
    /// Sender of warnings (`mail_from`, `OSA_MAIL_FROM`); unset: `osa@` this machine.
    pub mail_from: Option<String>,
    /// Who is warned (`mail_to`, `OSA_MAIL_TO`); unset: `[mail] recipient` of `sequencer.cfg`.
    pub mail_to: Option<String>,
    /// Whether the server closes last night by itself once it is ready (`autoclose`,
    /// `OSA_AUTOCLOSE`).
    pub autoclose: bool,
    /// Free space, in MB, without which the server says that it is not well (`least_free_mb`,
    /// `OSA_LEAST_FREE_MB`).
    pub least_free_mb: u64,
    /// Who may use the web server, and how.
    pub access: AccessConfig,
    /// How many connections to the web server there may be, and how long each may keep it waiting.
    pub connections: ConnectionConfig,
    /// The file that was read; `None` if there was none.
    pub file: Option<PathBuf>,
    /// Where each setting comes from, by its key.
    pub origins: BTreeMap<&'static str, Origin>,
}

impl ServerConfig {
    /// Reads the settings that go with a `sequencer.cfg`: the file that `$OSA_TOML` names, else
    /// `osa.toml` beside `analysis_config` if there is one, overridden by the process' `OSA_…`
    /// variables.
    ///
    /// # Errors
    /// See [`ConfigError`]: an unknown key, or a value that is not what it should be, with file
    /// and line or variable.
    pub fn load(analysis_config: &Path) -> Result<Self, ConfigError> {
        let environment = |name: &str| std::env::var_os(name);
        let named = environment("OSA_TOML").filter(|file| !file.is_empty()).map(PathBuf::from);
        let beside = || Some(analysis_config.with_file_name("osa.toml")).filter(|f| f.is_file());
        Self::read(named.or_else(beside).as_deref(), &environment)
    }

    /// Reads the settings from a file and an environment.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn read(
        file: Option<&Path>,
        environment: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConfigError> {
        let sources = Sources::read(file, environment)?;
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 8750));
        let processors = || std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            listen: sources.value("listen", listen)?.unwrap_or(here),
            prefix: sources.value("prefix", prefix)?.unwrap_or_default(),
            database: sources.path("database")?,
            scheduler: sources.value("scheduler", scheduler)?.unwrap_or(SchedulerKind::Slurm),
            slurm_cluster: sources.value("slurm_cluster", cluster)?,
            squeue: sources.value("squeue_seconds", poll)?.unwrap_or(Duration::from_secs(5)),
            sacct: sources.value("sacct_seconds", poll)?.unwrap_or(Duration::from_secs(30)),
            poll: sources.value("poll_seconds", poll)?.unwrap_or(Duration::from_secs(1)),
            lost_after: sources
                .value("lost_after_seconds", lost_after)?
                .unwrap_or(Duration::from_secs(60)),
            known_errors: sources.path("known_errors")?,
            datacheck_thresholds: sources.path("datacheck_thresholds")?,
            analysis_config: sources.path("analysis_config")?,
            job_path: sources.paths("job_path")?,
            local_cpus: sources.value("local_cpus", processor_count)?.unwrap_or_else(processors),
            site: sources.path("site")?,
            log_format: sources.value("log_format", LogFormat::parse)?.unwrap_or_default(),
            mail_host: sources.value("mail_host", mail_host)?,
            mail_from: sources.value("mail_from", address)?,
            mail_to: sources.value("mail_to", address)?,
            autoclose: sources.value("autoclose", switch)?.unwrap_or(false),
            least_free_mb: sources.value("least_free_mb", megabytes)?.unwrap_or(1000),
            access: AccessConfig::read(&sources)?,
            connections: ConnectionConfig::read(&sources)?,
            origins: KEYS.into_iter().map(|(key, _)| (key, sources.origin(key))).collect(),
            file: sources.file,
        })
    }

    /// Our SQLite file: the one that is set, else `osa.sqlite` in the site's `OSA_DIR`.
    pub fn database_file(&self, site: &SiteConfig) -> PathBuf {
        self.database.clone().unwrap_or_else(|| site.directories.osa_dir.join("osa.sqlite"))
    }

    /// The PATH of jobs and children: `job_path`, then our own.
    pub fn child_path(&self) -> OsString {
        // Directories with a colon, the only thing that can fail, were refused on reading.
        search_path(&self.job_path, std::env::var_os("PATH")).unwrap_or_default()
    }
}

fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("{text:?} is not an address such as 127.0.0.1:8750"))
}

fn prefix(text: &str) -> Result<String, String> {
    let trimmed = text.trim_end_matches('/');
    let good = |part: &str| {
        !part.is_empty()
            && !part.chars().all(|c| c == '.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.~".contains(c))
    };
    match trimmed.strip_prefix('/') {
        None if trimmed.is_empty() => Ok(String::new()),
        Some(path) if path.split('/').all(good) => Ok(trimmed.to_owned()),
        _ => Err(format!("{text:?} is not a path such as /osa")),
    }
}

fn scheduler(text: &str) -> Result<SchedulerKind, String> {
    match text {
        "slurm" => Ok(SchedulerKind::Slurm),
        "local" => Ok(SchedulerKind::Local),
        "auto" => Err("\"auto\" is no longer accepted, since a night could be processed by two \
                       schedulers; write \"slurm\", or \"local\" to run jobs on this machine"
            .to_owned()),
        _ => Err(format!("{text:?} is neither slurm nor local")),
    }
}

fn cluster(text: &str) -> Result<String, String> {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match !text.is_empty() && text.chars().all(good) {
        true => Ok(text.to_owned()),
        false => Err(format!("{text:?} is not the name of one cluster")),
    }
}

/// `mail.example.org`, or with a port `localhost:2525`.
fn mail_host(text: &str) -> Result<(String, u16), String> {
    let wrong = || format!("{text:?} is not a mail server such as localhost or localhost:25");
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().map_err(|_| wrong())?),
        None => (text, 25),
    };
    let good = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let named = !host.is_empty() && host.chars().all(good);
    named.then(|| (host.to_owned(), port)).ok_or_else(wrong)
}

fn address(text: &str) -> Result<String, String> {
    match text.split_once('@') {
        Some((name, host)) if !name.is_empty() && !host.is_empty() => Ok(text.to_owned()),
        _ => Err(format!("{text:?} is not an address such as osa@example.org")),
    }
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(format!("{text:?} is neither true nor false")),
    }
}

fn poll(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=3600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("{text:?} is not a number of seconds from 0.1 to 3600")),
    }
}

fn lost_after(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=86_400.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("{text:?} is not a number of seconds from 0.1 to 86400")),
    }
}

fn megabytes(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text:?} is not a number of megabytes"))
}

fn processor_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count >= 1 => Ok(count),
        _ => Err(format!("{text:?} is not a number of processors of at least 1")),
    }
}

#[cfg(test)]
mod tests;
