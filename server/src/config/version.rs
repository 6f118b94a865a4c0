//! The version of lstchain, which names the production where the operator names none.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::internal::{Cause, context};
use crate::model::{IdError, ProdId};

use super::ConfigError;

const PROGRAM: &str = "from importlib.metadata import version; print(version('lstchain'))";

/// Asks the `python3` of `job_path` or of the PATH; `config` is named in errors.
pub(super) fn of_lstchain(config: &Path, job_path: &[PathBuf]) -> Result<ProdId, ConfigError> {
    let error = |problem: Cause| ConfigError::Version { file: config.to_owned(), problem };
    let path = search_path(job_path, std::env::var_os("PATH"))
        .map_err(|problem| error(context("job_path", problem)))?;
    let output = Command::new("python3")
        .args(["-c", PROGRAM])
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .map_err(|cause| error(context("python3 did not start", cause)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.trim().lines().last().unwrap_or("no message");
        return Err(error(format!("python3 says: {last}").into()));
    }
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !version.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(error(format!("python3 says {version:?}, which is no version").into()));
    }
    let name = format!("v{version}").parse();
    name.map_err(|problem: IdError| error(context("python3 says", problem)))
}

/// The PATH of jobs and children: `job_path` before `inherited`.
///
/// # Errors
/// A directory whose name has a colon cannot be in a PATH.
pub fn search_path(
    job_path: &[PathBuf],
    inherited: Option<OsString>,
) -> Result<OsString, std::env::JoinPathsError> {
    let inherited = inherited.unwrap_or_default();
    let rest = std::env::split_paths(&inherited).filter(|_| !inherited.is_empty());
    std::env::join_paths(job_path.iter().cloned().chain(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::Hint;
    use crate::testing::executable;

    fn ask(body: &str) -> Result<ProdId, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        executable(&dir.path().join("python3"), body);
        of_lstchain(Path::new("/site/sequencer.cfg"), &[dir.path().to_owned()])
    }

    #[test]
    fn the_version_names_the_production() {
        let body = r#"[ "$1" = -c ] || exit 2; case "$2" in *lstchain*) echo 0.10.18;; esac"#;
        assert_eq!(ask(body).unwrap().as_str(), "v0.10.18");
    }

    #[test]
    fn without_lstchain_the_error_says_what_to_set() {
        let error = ask("echo trace >&2; echo PackageNotFoundError: lstchain >&2; exit 1");
        let error = error.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("/site/sequencer.cfg"), "{text}");
        assert!(text.contains("PackageNotFoundError: lstchain"), "{text}");
        assert!(error.hint().unwrap().contains("PROD_ID"));
    }

    #[test]
    fn an_answer_that_is_no_version_is_refused() {
        for answer in ["echo ../..", "printf '0.10\\n0.11'", "echo"] {
            assert!(ask(answer).is_err(), "{answer}");
        }
    }

    #[test]
    fn job_path_comes_before_the_path() {
        let path = search_path(&["/a".into()], Some("/b:/c".into())).unwrap();
        assert_eq!(path, "/a:/b:/c");
        assert_eq!(search_path(&["/a".into()], None).unwrap(), "/a");
        assert!(search_path(&["/a:b".into()], None).is_err());
    }
}
