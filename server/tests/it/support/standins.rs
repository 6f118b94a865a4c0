//! The stand-ins for the lstchain executables, which another crate of the workspace makes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{OSA, contents};

/// Makes a directory with a link under the name of every lstchain executable.
pub fn install(directory: &Path) {
    let status = Command::new(program()).arg("--install").arg(directory).status();
    assert!(status.unwrap().success());
}

/// The program behind the links, in the directory of our own; built if it is missing or old.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let directory = Path::new(OSA).parent().unwrap();
        let program = directory.join("lstchain-standin");
        if !is_up_to_date(&program) {
            build(directory);
        }
        assert!(program.is_file(), "{} is not there: cargo build -p standins", program.display());
        program
    })
}

/// Whether it is newer than its sources: then nobody need wait for cargo to find that out.
fn is_up_to_date(program: &Path) -> bool {
    let changed = |file: &Path| file.metadata().and_then(|found| found.modified()).ok();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../end2end/tools/src");
    let built = changed(program);
    built.is_some() && contents(&sources).keys().all(|source| changed(source) <= built)
}

fn build(directory: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let profile = match directory.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        other => other,
    };
    let output = Command::new(cargo)
        .args(["build", "--quiet", "--package", "standins", "--profile", profile, "--target-dir"])
        .arg(directory.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    // Without cargo, what is there must do.
    if let Ok(output) = output {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
