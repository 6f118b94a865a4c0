//! `osa why`, `osa decide` and `osa resubmit`: what stands in the way is told, and what is offered
//! helps.

mod remedies;
mod slurm;

use std::process::Command;

use serde_json::Value;

/// Runs a command that must end well, and gives its standard output.
#[track_caller]
pub fn well(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (out, err) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{command:?}\n{out}{err}");
    out
}

/// As [`well`], and reads the JSON.
#[track_caller]
pub fn json(command: &mut Command) -> Value {
    serde_json::from_str(&well(command)).unwrap()
}
