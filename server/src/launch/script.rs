//! Job scripts: bash, with `#SBATCH` directives that both engines read.
//!
//! A script runs one command and ends with its exit status. It gives it the site's cache variables
//! and a `NUMBA_CACHE_DIR` of its own, removed at the end, and passes SIGTERM on to it, so that a
//! job that is cancelled or out of time can still write down what happened.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::config::SiteConfig;
use crate::hint::Hint;
use crate::model::{CalibrationRuns, RunId, Sequence, Subrun};
use crate::night::{CalibrationFiles, NightPaths, Resources, Stream};

/// Why a job script cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// A value would end the comment line of its directive.
    #[error("the job script's directive --{directive} cannot hold a line break: {value:?}")]
    LineBreak {
        /// The directive.
        directive: &'static str,
        /// Its value.
        value: String,
    },
    /// The night's directory cannot be made.
    #[error("cannot make the directory {}: {cause}", directory.display())]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// It cannot be written.
    #[error("cannot write the job script {}: {cause}", file.display())]
    Write {
        /// The script.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
}

impl Hint for ScriptError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::LineBreak { directive, .. } => {
                Some(format!("take the line break out of the value for --{directive}"))
            }
            Self::Directory { cause, .. } | Self::Write { cause, .. } => cause.hint(),
        }
    }
}

/// What all scripts of a launch have in common.
#[derive(Clone, Debug)]
pub struct ScriptOptions {
    /// This program, absolute.
    pub program: PathBuf,
    /// Directories put before the PATH of the job.
    pub job_path: Vec<PathBuf>,
    /// No DL2.
    pub no_dl2: bool,
    /// Jobs say more.
    pub verbose: bool,
}

/// What a job does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// `calibration_pipeline`.
    Calibration(CalibrationRuns),
    /// `datasequence`, one task a subrun.
    Data {
        /// What the run is calibrated with.
        calibration: CalibrationFiles,
        /// Whether there are files of interleaved pedestals for the run.
        pedestal_ids: bool,
        /// Its subruns that are not vetoed, in order; at least one.
        subruns: Vec<Subrun>,
    },
}

/// The text of a sequence's job script, with memory and time as the configuration says.
pub fn job_script(
    night: &NightPaths,
    sequence: &Sequence,
    work: &Work,
    options: &ScriptOptions,
) -> Result<String, ScriptError> {
    job_script_with(night, sequence, work, options, &Resources::default())
}

/// The text of a sequence's job script, with memory and time as people have decided.
pub fn job_script_with(
    night: &NightPaths,
    sequence: &Sequence,
    work: &Work,
    options: &ScriptOptions,
    resources: &Resources,
) -> Result<String, ScriptError> {
    let directives = directives(night, sequence, work, resources);
    let mut script = head(&night.config, options, directives)?;
    if matches!(work, Work::Data { .. }) {
        script.push_str(SUBRUN);
    }
    script.push_str(BEFORE);
    script.push_str(&command(night, sequence, work, options).join(" \\\n    "));
    script.push_str(AFTER);
    Ok(script)
}

/// The text of a script that runs one command, after it has removed what an earlier run of it may
/// have left. Directives without a value are left out.
///
/// # Errors
/// A value would end the line of its directive.
pub fn command_script(
    config: &SiteConfig,
    options: &ScriptOptions,
    mut directives: Vec<(&'static str, String)>,
    leftovers: &[PathBuf],
    argv: &[String],
) -> Result<String, ScriptError> {
    directives.retain(|(_, value)| !value.is_empty());
    let mut script = head(config, options, directives)?;
    for file in leftovers {
        let _ = writeln!(script, "rm -f -- {} || exit 1", quoted(&file.display().to_string()));
    }
    script.push_str(BEFORE);
    script.push_str(&argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" \\\n    "));
    script.push_str(AFTER);
    Ok(script)
}

/// The first line, the directives and the environment.
fn head(
    config: &SiteConfig,
    options: &ScriptOptions,
    directives: Vec<(&'static str, String)>,
) -> Result<String, ScriptError> {
    let mut script = String::from("#!/bin/bash\n\n");
    for (directive, value) in directives {
        if value.contains(['\n', '\r']) {
            return Err(ScriptError::LineBreak { directive, value });
        }
        let _ = writeln!(script, "#SBATCH --{directive}={}", directive_value(&value));
    }
    script.push('\n');
    script.push_str(&environment(config, options));
    Ok(script)
}

/// Writes a script beside its place and moves it there, executable: nobody sees half of it.
pub fn write(file: &Path, text: &str) -> Result<(), ScriptError> {
    write_beside(file, text).map_err(|cause| ScriptError::Write { file: file.to_owned(), cause })
}

fn write_beside(file: &Path, text: &str) -> std::io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("."));
    let mut beside = tempfile::Builder::new().prefix(".sequence").tempfile_in(directory)?;
    beside.write_all(text.as_bytes())?;
    beside.as_file().set_permissions(std::fs::Permissions::from_mode(0o755))?;
    beside.as_file().sync_all()?;
    beside.persist(file)?;
    std::fs::File::open(directory)?.sync_all()
}

fn directives(
    night: &NightPaths,
    sequence: &Sequence,
    work: &Work,
    resources: &Resources,
) -> Vec<(&'static str, String)> {
    let slurm = &night.config.slurm;
    let decided = resources.clone();
    let walltime = decided.walltime.unwrap_or_else(|| slurm.walltime.clone());
    let memory = decided.memory.unwrap_or_else(|| slurm.memory(sequence.kind).to_owned());
    let log = |stream| NightPaths::job_log_pattern(sequence.run, stream);
    let mut directives = vec![
        ("job-name", sequence.job_name()),
        ("time", walltime),
        ("chdir", night.analysis_dir().display().to_string()),
        ("output", log(Stream::Output)),
        ("error", log(Stream::Error)),
    ];
    if let Work::Data { subruns, .. } = work {
        directives.push(("array", array(subruns)));
    }
    directives.push(("partition", slurm.partition(sequence.kind)));
    directives.push(("mem-per-cpu", memory));
    directives.push(("account", slurm.account.clone().unwrap_or_default()));
    directives.retain(|(_, value)| !value.is_empty());
    directives
}

/// Subruns as the indices of an array, `0-5` or `0-2,4,6-9`; a single one is `0-0`, as in the
/// original.
fn array(subruns: &[Subrun]) -> String {
    let mut spans: Vec<(u32, u32)> = Vec::new();
    for Subrun(subrun) in subruns {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == *subrun => *last = *subrun,
            _ => spans.push((*subrun, *subrun)),
        }
    }
    let span = |(first, last): &(u32, u32)| match first == last && spans.len() > 1 {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    spans.iter().map(span).collect::<Vec<_>>().join(",")
}

/// A directive's value as `sbatch` reads it: in double quotes where a blank or `#` would end it.
fn directive_value(value: &str) -> String {
    if value.chars().all(|c| c.is_alphanumeric() || "/._-+:,@%=".contains(c)) {
        value.to_owned()
    } else {
        format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

fn environment(config: &SiteConfig, options: &ScriptOptions) -> String {
    let mut text = String::new();
    for (name, value) in &config.cache.0 {
        let _ = writeln!(text, "export {name}={}", quoted(value));
    }
    if !options.job_path.is_empty() {
        let first: Vec<String> = options.job_path.iter().map(|p| p.display().to_string()).collect();
        let _ = writeln!(text, "export PATH={}:\"$PATH\"", quoted(&first.join(":")));
    }
    text
}

const SUBRUN: &str = r#"task=${SLURM_ARRAY_TASK_ID:?is not set: submit this script, or set it to the subrun}
subrun=$(printf %04d "$task")
"#;

const BEFORE: &str = r#"
NUMBA_CACHE_DIR=$(mktemp -d) || exit 1
export NUMBA_CACHE_DIR
trap 'rm -rf -- "$NUMBA_CACHE_DIR"' EXIT
stopped=no
trap 'stopped=yes; kill -TERM $(jobs -p) 2> /dev/null' TERM INT

"#;

/// Bash's `wait` returns at once when a signal comes; only a second one brings the child's status.
const AFTER: &str = r#" &
child=$!
[ "$stopped" = no ] || kill -TERM "$child"
wait "$child"
status=$?
while [ "$stopped" = yes ]; do
    stopped=no
    wait "$child" 2> /dev/null
    again=$?
    [ "$again" -eq 127 ] || status=$again
done
exit "$status"
"#;

/// The command as words of the shell.
fn command(
    night: &NightPaths,
    sequence: &Sequence,
    work: &Work,
    options: &ScriptOptions,
) -> Vec<String> {
    let name = match work {
        Work::Calibration(_) => "calibration_pipeline",
        Work::Data { .. } => "datasequence",
    };
    let mut words = vec![quoted(&options.program.display().to_string()), quoted(name)];
    if options.verbose {
        words.push(quoted("-v"));
    }
    words.push(quoted("--config"));
    words.push(quoted(&night.config.file.display().to_string()));
    if options.no_dl2 && matches!(work, Work::Data { .. }) {
        words.push(quoted("--no-dl2"));
    }
    words.push(quoted(&format!("--date={}", night.date)));
    match work {
        Work::Calibration(runs) => {
            words.push(quoted(&format!("--drs4-pedestal-run={}", runs.drs4)));
            words.push(quoted(&format!("--pedcal-run={}", runs.pedcal)));
        }
        Work::Data { calibration, pedestal_ids, .. } => {
            words.extend(data_words(night, sequence.run, calibration, *pedestal_ids));
        }
    }
    words.push(quoted("LST1"));
    words
}

fn data_words(
    night: &NightPaths,
    run: RunId,
    calibration: &CalibrationFiles,
    pedestal_ids: bool,
) -> Vec<String> {
    let file = |option: &str, file: &Path| quoted(&format!("--{option}={}", file.display()));
    let mut words = vec![
        quoted(&format!("--prod-id={}", night.prod_id)),
        file("drs4-pedestal-file", &calibration.drs4),
        file("time-calib-file", &calibration.time),
        file("pedcal-file", &calibration.calibration),
        file("systematic-correction-file", &calibration.systematics),
        file("drive-file", &night.drive_log()),
        file("run-summary", &night.run_summary()),
    ];
    if pedestal_ids {
        let first = night.pedestal_ids(run, Subrun(0)).display().to_string();
        let (before, after) = first.rsplit_once("0000").unwrap_or((&first, ""));
        words.push(format!(
            "{}\"$subrun\"{}",
            quoted(&format!("--pedestal-ids-file={before}")),
            quoted(after)
        ));
    }
    words.push(format!("{}\"$subrun\"", quoted(&format!("{run}."))));
    words
}

/// A text as one word of the shell, in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
