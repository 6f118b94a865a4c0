//! Runs one of Slurm's commands: arguments as argv, a time limit, and everything it said.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::hint::Hint;

use super::environment::is_passed;

/// A longer line comes in pieces: it is no record.
const LONGEST_LINE: u64 = 1 << 20;

/// Of what is said beside the answer, no more is kept.
const LONGEST_ASIDE: u64 = 64 << 10;

/// A command to run, without a shell in between.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Its name, such as `sbatch`.
    pub tool: &'static str,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables set on top of those that are passed on.
    pub environment: Vec<(String, String)>,
    /// How long it may take before it is killed.
    pub limit: Duration,
}

/// A line of an answer, bytes that are not UTF-8 shown as `�`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// Its text.
    pub text: &'a str,
    /// Did it end with a line break? The answer may have been cut.
    pub whole: bool,
}

/// How a call ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// The beginning of its standard error.
    pub stderr: String,
}

/// What came of a call with a short answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// It was never started: nothing was asked.
    #[error("cannot start {tool}: {cause}")]
    NotStarted {
        tool: &'static str,
        #[source]
        cause: std::io::Error,
    },
    /// It took too long and was killed: what it did meanwhile is unknown.
    #[error("{tool} gave no answer within {} s and was stopped", limit.as_secs_f32())]
    TimedOut { tool: &'static str, limit: Duration },
    /// Its output could not be read to the end.
    #[error("cannot read the answer of {tool}: {cause}")]
    Broken {
        tool: &'static str,
        #[source]
        cause: std::io::Error,
    },
}

impl Hint for CallError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            // cron, for one, knows few directories.
            Self::NotStarted { tool, .. } => format!(
                "name the directory of {tool} in job_path of osa.toml (OSA_JOB_PATH), or set \
                 scheduler = \"local\" (OSA_SCHEDULER) if jobs are to run on this machine"
            ),
            Self::TimedOut { .. } | Self::Broken { .. } => {
                "see whether Slurm is up (scontrol ping), and try again".to_owned()
            }
        })
    }
}

impl Call {
    /// Runs it, and keeps its whole answer.
    pub async fn run(self, path: &OsString) -> Result<Answer, CallError> {
        let mut stdout = String::new();
        let ended = self
            .lines(path, &mut |line: Line<'_>| {
                stdout.push_str(line.text);
                if line.whole {
                    stdout.push('\n');
                }
            })
            .await?;
        Ok(Answer { status: ended.status, stdout, stderr: ended.stderr })
    }

    /// Runs it, and hands on each line of its answer as it arrives, so that a long answer need not
    /// be kept. The tool is looked for in the directories of `path`.
    pub async fn lines(
        self,
        path: &OsString,
        each: &mut (dyn FnMut(Line<'_>) + Send),
    ) -> Result<Ended, CallError> {
        let Self { tool, limit, .. } = self;
        let mut child = self.start(path).map_err(|cause| CallError::NotStarted { tool, cause })?;
        if let Ok(answer) = tokio::time::timeout(limit, finish(&mut child, each)).await {
            return answer.map_err(|cause| CallError::Broken { tool, cause });
        }
        kill_group(&child);
        // Its exit status says nothing that the time limit does not.
        let _ = child.wait().await;
        Err(CallError::TimedOut { tool, limit })
    }

    fn start(self, path: &OsString) -> std::io::Result<Child> {
        let mut command = Command::new(find(self.tool, path)?);
        for (name, _) in std::env::vars_os() {
            if !is_passed(&name.to_string_lossy()) {
                command.env_remove(&name);
            }
        }
        command
            .args(self.arguments)
            .envs(self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, so that a wrapper script's children are stopped with it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }
}

/// Where a tool is. The child's PATH may be another than the one that is searched.
fn find(tool: &str, path: &OsString) -> std::io::Result<PathBuf> {
    std::env::split_paths(path)
        .map(|directory| directory.join(tool))
        .find(|file| {
            file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
        })
        .ok_or_else(|| {
            let path = path.to_string_lossy();
            let text = format!("it is in none of the directories of the PATH, {path:?}");
            std::io::Error::new(std::io::ErrorKind::NotFound, text)
        })
}

async fn finish(
    child: &mut Child,
    each: &mut (dyn FnMut(Line<'_>) + Send),
) -> std::io::Result<Ended> {
    let stdout = read_lines(child.stdout.take(), each);
    let stderr = read_aside(child.stderr.take());
    let ((), stderr) = tokio::try_join!(stdout, stderr)?;
    let status = child.wait().await?;
    Ok(Ended { status, stderr })
}

async fn read_lines(
    stream: Option<impl AsyncRead + Unpin>,
    each: &mut (dyn FnMut(Line<'_>) + Send),
) -> std::io::Result<()> {
    let Some(stream) = stream else { return Ok(()) };
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line).await? > 0 {
        let whole = line.last() == Some(&b'\n');
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        each(Line { text: &String::from_utf8_lossy(text), whole });
        line.clear();
    }
    Ok(())
}

async fn read_aside(stream: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let Some(mut stream) = stream else { return Ok(String::new()) };
    let mut bytes = Vec::new();
    (&mut stream).take(LONGEST_ASIDE).read_to_end(&mut bytes).await?;
    // The rest is read too, or the tool would wait forever.
    tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Stops a tool and whatever it started. A child that has not been waited for still has its
/// number, which then names this group and no other.
fn kill_group(child: &Child) {
    if let Some(leader) = child.id().and_then(|id| i32::try_from(id).ok()) {
        // It may have ended just now, which is what we want.
        let _ = killpg(Pid::from_raw(leader), Signal::SIGKILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    /// A directory with one executable script in it. Another process writes it: were it ours, a
    /// child forked by a neighbouring test could hold it open, and starting it would fail.
    fn tool(name: &str, body: &str) -> (tempfile::TempDir, OsString) {
        let directory = tempfile::tempdir().unwrap();
        let write = "printf '#!/bin/bash\n%s\n' \"$1\" >\"$2\" && chmod 755 \"$2\"";
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", write, "sh", body]).arg(directory.path().join(name));
        assert!(shell.status().unwrap().success());
        let path = directory.path().as_os_str().to_owned();
        (directory, path)
    }

    fn call(arguments: &[&str], limit: Duration) -> Call {
        Call {
            tool: "squeue",
            arguments: arguments.iter().map(OsString::from).collect(),
            environment: vec![("GREETING".into(), "hello".into())],
            limit,
        }
    }

    #[tokio::test]
    async fn arguments_arrive_as_they_are_and_the_environment_is_ours_to_shape() {
        let (_keep, path) = tool("squeue", "printf '<%s>' \"$@\" \"$GREETING\"; exit 3");
        let arguments = ["a b", "$(touch x)", "'\""];
        let answer = call(&arguments, Duration::from_secs(60)).run(&path).await.unwrap();
        assert_eq!(answer.stdout, "<a b><$(touch x)><'\"><hello>");
        assert_eq!(answer.status.code(), Some(3));
    }

    #[tokio::test]
    async fn lines_are_handed_on_as_they_come_however_many() {
        let body =
            "yes 0123456789 | head -n 300000; printf 'no end'; yes error | head -c 300000 >&2";
        let (_keep, path) = tool("squeue", body);
        let (mut number, mut last) = (0, String::new());
        let mut each = |line: Line<'_>| {
            number += usize::from(line.whole);
            line.text.clone_into(&mut last);
        };
        let ended = call(&[], Duration::from_secs(60)).lines(&path, &mut each).await.unwrap();
        assert!(ended.status.success());
        assert_eq!((number, last.as_str()), (300_000, "no end"));
        assert_eq!(ended.stderr.len() as u64, LONGEST_ASIDE);
    }

    #[tokio::test]
    async fn a_tool_that_hangs_is_stopped_with_its_children() {
        let (keep, path) = tool("squeue", "sleep 1000 & echo $! >\"$1\"; wait");
        let pid_file = keep.path().join("pid");
        let name = pid_file.to_str().unwrap();
        let begun = Instant::now();
        // Long enough for bash to write the number also on a busy machine.
        let error = call(&[name], Duration::from_secs(3)).run(&path).await.unwrap_err();
        assert!(matches!(error, CallError::TimedOut { .. }), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(500));
        let child = std::fs::read_to_string(pid_file).unwrap();
        let state = || std::fs::read_to_string(format!("/proc/{}/stat", child.trim()));
        let deadline = Instant::now() + Duration::from_secs(60);
        while state().is_ok_and(|s| !s.contains(") Z ")) {
            assert!(Instant::now() < deadline, "the tool's child lives on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn a_missing_tool_is_distinguished_from_one_that_did_not_answer() {
        let error = call(&[], Duration::from_secs(60)).run(&"/nowhere".into()).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("squeue") && text.contains("PATH, \"/nowhere\""), "{text}");
        let hint = error.hint().unwrap();
        assert!(hint.contains("job_path") && hint.contains("scheduler = \"local\""), "{hint}");
        assert!(matches!(error, CallError::NotStarted { .. }));
    }
}
