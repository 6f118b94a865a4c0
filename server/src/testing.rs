//! Helpers of the unit tests.

use std::path::Path;
use std::process::Command;

/// Makes an executable shell script.
///
/// Another process writes it: were it ours, a child forked by a neighbouring test could hold it
/// open for writing, and starting it would fail with "text file busy".
pub fn executable(file: &Path, body: &str) {
    let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod 755 \"$2\"";
    let status = Command::new("/bin/sh").args(["-c", write, "sh", body]).arg(file).status();
    assert!(status.unwrap().success());
}
