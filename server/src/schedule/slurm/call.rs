//! Runs one of Slurm's commands: arguments as argv, a time limit, and everything it said.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// More than any sane answer: 150 bytes a line for half a million tasks.
const LONGEST_ANSWER: u64 = 64 << 20;

/// A command to run, without a shell in between.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Its name, such as `sbatch`.
    pub tool: &'static str,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Variables set on top of our own environment.
    pub environment: Vec<(String, String)>,
    /// Variables taken away: those whose names begin so.
    pub without: &'static [&'static str],
    /// How long it may take before it is killed.
    pub limit: Duration,
}

/// What came of a call.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output, bytes that are not UTF-8 shown as `�`.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// It was never started: nothing was asked.
    #[error("cannot start {tool}: {cause}")]
    NotStarted { tool: &'static str, cause: std::io::Error },
    /// It took too long and was killed: what it did meanwhile is unknown.
    #[error("{tool} gave no answer within {} s and was stopped", limit.as_secs_f32())]
    TimedOut { tool: &'static str, limit: Duration },
    /// Its output could not be read to the end.
    #[error("cannot read the answer of {tool}: {cause}")]
    Broken { tool: &'static str, cause: std::io::Error },
}

impl Call {
    /// Runs it; the tool is looked for in the directories of `path`.
    pub async fn run(self, path: &OsString) -> Result<Answer, CallError> {
        let Self { tool, limit, .. } = self;
        let mut child = self.start(path).map_err(|cause| CallError::NotStarted { tool, cause })?;
        if let Ok(answer) = tokio::time::timeout(limit, finish(&mut child)).await {
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
            let name_text = name.to_string_lossy();
            if self.without.iter().any(|prefix| name_text.starts_with(prefix)) {
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
        .ok_or_else(|| std::io::Error::new(std::io::ErrorKind::NotFound, missing(path)))
}

/// What to do about a tool that is nowhere: cron, for one, knows few directories.
fn missing(path: &OsString) -> String {
    format!(
        "it is in none of the directories of the PATH, {:?}; name the directory of Slurm's commands \
         in job_path of osa.toml (OSA_JOB_PATH), or set scheduler = \"local\" (OSA_SCHEDULER) if \
         jobs are to run on this machine",
        path.to_string_lossy()
    )
}

async fn finish(child: &mut Child) -> std::io::Result<Answer> {
    let stdout = read(child.stdout.take());
    let stderr = read(child.stderr.take());
    let (stdout, stderr) = tokio::try_join!(stdout, stderr)?;
    let status = child.wait().await?;
    Ok(Answer { status, stdout, stderr })
}

async fn read(stream: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(LONGEST_ANSWER).read_to_end(&mut bytes).await?;
    }
    if bytes.len() as u64 == LONGEST_ANSWER {
        return Err(std::io::Error::other(format!("it is longer than {LONGEST_ANSWER} bytes")));
    }
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
            without: &["CARGO_"],
            limit,
        }
    }

    #[tokio::test]
    async fn arguments_arrive_as_they_are_and_the_environment_is_ours_to_shape() {
        let (_keep, path) =
            tool("squeue", "printf '<%s>' \"$@\" \"$GREETING\" \"${CARGO_PKG_NAME-gone}\"; exit 3");
        let arguments = ["a b", "$(touch x)", "'\""];
        let answer = call(&arguments, Duration::from_secs(60)).run(&path).await.unwrap();
        assert_eq!(answer.stdout, "<a b><$(touch x)><'\"><hello><gone>");
        assert_eq!(answer.status.code(), Some(3));
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
    async fn a_missing_tool_is_told_from_one_that_did_not_answer() {
        let error = call(&[], Duration::from_secs(60)).run(&"/nowhere".into()).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("squeue") && text.contains("PATH, \"/nowhere\""), "{text}");
        assert!(text.contains("job_path") && text.contains("scheduler = \"local\""), "{text}");
        assert!(matches!(error, CallError::NotStarted { .. }));
    }
}
