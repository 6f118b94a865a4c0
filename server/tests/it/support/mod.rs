//! What integration tests share: a site of their own, our program run on it, and what came of it.
//!
//! A test reads as a sentence: `TestSite::fresh().with_slurm(FakeSlurm::holding())` is a night of
//! which nothing is done, on a Slurm that runs nothing; `site.sequencer(&["-s"]).succeeds()` is
//! what the command said.

mod case;
mod command;
mod database;
mod fake_slurm;
mod jobs;
mod night;
mod output;
mod server;
mod site;
pub mod standins;
mod tree;
mod wait;

pub use case::{Case, at_once};
pub use command::TestCommand;
pub use database::{database, lock, unlock};
pub use fake_slurm::FakeSlurm;
pub use night::{DATE, PROD_ID, SUMMARY};
pub use output::CommandOutput;
pub use server::TestServer;
pub use site::{ORIGINAL_BASE, TestSite};
pub use tree::contents;
pub use wait::{PATIENCE, block_on, until};

use std::path::Path;
use std::process::Command;

/// Our program, as it was built for these tests.
pub const OSA: &str = env!("CARGO_BIN_EXE_osa");

/// Makes an executable shell script of the lines in `body`.
///
/// Another process writes it: were it ours, a child forked by a neighbouring test could hold it
/// open for writing, and starting it would fail with "text file busy".
pub fn executable(file: &Path, body: &str) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod 755 \"$2\"";
    let status = Command::new("/bin/sh").args(["-c", write, "sh", body]).arg(file).status();
    assert!(status.unwrap().success());
}
