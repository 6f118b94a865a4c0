//! The session record: which program did it, where, and how it was called.

use std::env;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::super::digest::{md5_hex, sha256_of_file};
use super::super::literal::{Dict, Literal};
use super::super::record::Subject;
use super::{ActivityRun, HASHED_UP_TO, format_time};

/// Variables that change what a stage does, or tell where it ran. No others are written: an
/// environment may hold secrets.
const VARIABLES: [&str; 24] = [
    "CONDA_DEFAULT_ENV",
    "CONDA_PREFIX",
    "CTAPIPE_CACHE",
    "CTAPIPE_SVC_PATH",
    "HDF5_USE_FILE_LOCKING",
    "HOME",
    "LD_LIBRARY_PATH",
    "MPLBACKEND",
    "MPLCONFIGDIR",
    "NUMBA_CACHE_DIR",
    "OMP_NUM_THREADS",
    "PATH",
    "PYTHONPATH",
    "SHELL",
    "SLURM_ARRAY_JOB_ID",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_CPUS_PER_TASK",
    "SLURM_JOB_ID",
    "SLURM_JOB_NAME",
    "SLURM_JOB_NODELIST",
    "SLURM_JOB_PARTITION",
    "SLURM_MEM_PER_CPU",
    "USER",
    "VIRTUAL_ENV",
];

/// What this program knows about itself and its machine. Ask once a job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surroundings {
    /// Path of this program.
    pub executable: String,
    /// The command as it was called: the link of the original's name, or the program.
    pub script: String,
    /// Version and target of this program.
    pub program_version: String,
    /// All arguments, the program first.
    pub arguments: Vec<String>,
    /// Who runs it.
    pub user: String,
    /// Name of the machine.
    pub host: String,
    /// Operating system, release and machine type.
    pub platform: [String; 3],
    /// The variables in [`VARIABLES`] that are set.
    pub environment: Vec<(String, String)>,
    /// Version of lstchain (`v0.10.18`), if it was asked.
    pub software_version: Option<String>,
    /// Versions of the executables, by name, of those that were asked.
    pub tools: Vec<(String, String)>,
}

impl Surroundings {
    /// Those of this process. `software_version`: of lstchain, if known; `tools`: versions of the
    /// executables, by name.
    pub fn of_this_process(software_version: Option<String>, tools: Vec<(String, String)>) -> Self {
        let text = |os: std::ffi::OsString| os.to_string_lossy().into_owned();
        let arguments: Vec<_> = env::args_os().map(text).collect();
        let executable = env::current_exe().map(|path| text(path.into())).unwrap_or_default();
        let called = arguments.first().map(Path::new).filter(|called| called.is_absolute());
        let script =
            called.map_or_else(|| executable.clone(), |called| called.display().to_string());
        let uid = nix::unistd::Uid::effective();
        let user = nix::unistd::User::from_uid(uid).ok().flatten().map(|user| user.name);
        let uname = nix::sys::utsname::uname().ok();
        let platform = uname.as_ref().map(|name| {
            [name.sysname(), name.release(), name.machine()].map(|part| text(part.to_owned()))
        });
        Self {
            script,
            executable,
            program_version: program_version(),
            arguments,
            user: user.unwrap_or_else(|| uid.to_string()),
            host: uname.map(|name| text(name.nodename().to_owned())).unwrap_or_default(),
            platform: platform.unwrap_or_default(),
            environment: VARIABLES
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), text(env::var_os(name)?))))
                .collect(),
            software_version,
            tools,
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        let found = self.environment.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.clone())
    }

    /// The scheduler's job, if this is one: the array's number and the task's, or the job's.
    fn job(&self) -> Option<String> {
        let array = self.variable("SLURM_ARRAY_JOB_ID").zip(self.variable("SLURM_ARRAY_TASK_ID"));
        array.map(|(job, task)| format!("{job}_{task}")).or_else(|| self.variable("SLURM_JOB_ID"))
    }

    fn record(&self, now: DateTime<Utc>) -> Dict {
        let [system, release, machine] = &self.platform;
        let texts = |pairs: &[(String, String)]| {
            pairs.iter().fold(Dict::default(), |all, (key, value)| all.with(key, value.as_str()))
        };
        let platform = Dict::default()
            .with("system", system.as_str())
            .with("release", release.as_str())
            .with("machine", machine.as_str())
            .with("node", self.host.as_str());
        let program =
            Dict::default().with("name", "osa").with("version", self.program_version.as_str());
        let arguments = self.arguments.iter().map(|text| Literal::from(text.as_str())).collect();
        Dict::default()
            .with("executable", self.executable.as_str())
            .with("program", program)
            .with("platform", platform)
            .with("job_id", Literal::from(self.job()))
            .with("tools", texts(&self.tools))
            .with("environment", texts(&self.environment))
            .with("arguments", Literal::List(arguments))
            .with("start_time_utc", format_time(now))
    }
}

/// Version, build and target of this program.
fn program_version() -> String {
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let (version, system) = (env!("CARGO_PKG_VERSION"), env::consts::OS);
    format!("{version} ({build}, {}-{system})", env::consts::ARCH)
}

/// The session record of a stage; its keys are the original's.
pub(super) fn record(run: &ActivityRun<'_>) -> Dict {
    let date = run.paths.date.compact();
    let config = run.paths.config.file.to_string_lossy();
    let (id, name) = match run.tag.subject {
        Subject::Run(run) => (format!("{date}{run}"), run.to_string()),
        Subject::Calibration { drs4, pedcal } => {
            (format!("{drs4}{pedcal}"), format!("{drs4}-{pedcal}"))
        }
    };
    let version = Literal::from(run.surroundings.software_version.clone());
    let mut record = Dict::default()
        .with("session_id", id)
        .with("name", name)
        .with("startTime", format_time(run.started))
        .with("system", run.surroundings.record(run.started))
        .with("observation_date", date)
        .with("software_version", version)
        .with("config_file", config.as_ref())
        .with("config_file_hash", md5_hex(config.as_bytes()))
        .with("config_file_hash_type", "md5");
    if let Ok(Some(hash)) = sha256_of_file(&run.paths.config.file, HASHED_UP_TO) {
        record.set("config_file_content_hash", hash);
        record.set("config_file_content_hash_type", "sha256");
    }
    match run.tag.subject {
        Subject::Run(run) => record.set("observation_run", run.to_string()),
        Subject::Calibration { drs4, pedcal } => {
            record.set("pedestal_run", drs4.to_string());
            record.set("calibration_run", pedcal.to_string());
        }
    }
    record
}
