//! Helpers of the unit tests.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use crate::config::SiteConfig;

/// Makes an executable shell script.
///
/// Another process writes it: were it ours, a child forked by a neighbouring test could hold it
/// open for writing, and starting it would fail with "text file busy".
pub fn executable(file: &Path, body: &str) {
    let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod 755 \"$2\"";
    let status = Command::new("/bin/sh").args(["-c", write, "sh", body]).arg(file).status();
    assert!(status.unwrap().success());
}

/// A site over an empty tree of its own, configured as the original's example, and its directory.
pub fn site() -> (tempfile::TempDir, Arc<SiteConfig>) {
    let dir = tempfile::tempdir().unwrap();
    let golden = include_str!("../tests/golden/sequencer.cfg");
    let text = golden.replace("/fefs/aswg/data/real", dir.path().to_str().unwrap());
    let file = dir.path().join("sequencer.cfg");
    std::fs::write(&file, text).unwrap();
    let site = SiteConfig::load(&file).unwrap();
    (dir, Arc::new(site))
}

/// A file with its directories.
pub fn write(file: &Path, content: &str) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, content).unwrap();
}
