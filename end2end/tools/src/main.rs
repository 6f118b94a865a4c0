//! Stand-ins for the `lstchain_*` executables, for a machine that has neither lstchain nor data.
//!
//! One program that answers under the name it is called by, with the real options and the real
//! file names. `lstchain-standin --install DIR` makes a directory with a link for every name; put
//! it on the PATH, or into the configuration. How long a tool takes and whether it fails is told by
//! a file `standin.rules` in that directory (or by `$STANDIN_RULES`), described in [`rules`].

mod behaviour;
mod content;
mod datacheck;
mod failure;
mod install;
mod jobs;
mod options;
mod rules;
mod tool;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use behaviour::Behaviour;
use failure::Failure;
use rules::Rules;
use tool::Tool;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let called = PathBuf::from(arguments.first().cloned().unwrap_or_default());
    let name = called.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Some((tool, name)) = Tool::of(&name) else { return install::main(arguments) };
    match run(tool, name, &called, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.end(name),
    }
}

fn run(
    tool: Tool,
    name: &'static str,
    called: &Path,
    arguments: Vec<OsString>,
) -> Result<(), Failure> {
    let options = options::of(tool, name).get_matches_from(arguments);
    let subject = jobs::subject(tool, &options);
    let rules = Rules::find(called).map_err(|problem| Failure::usage(&problem))?;
    let behaviour = rules.behaviour(tool, &subject).map_err(|problem| Failure::usage(&problem))?;
    if let Some(failure) = behaviour.early_failure(&options) {
        return Err(failure);
    }
    let job = jobs::prepare(tool, &options, &behaviour)?;
    perform(&job, &behaviour, name, &subject)
}

/// Begins the products, takes its time, and ends them or fails half-way, as the real tools do.
fn perform(
    job: &jobs::Job,
    behaviour: &Behaviour,
    name: &str,
    subject: &str,
) -> Result<(), Failure> {
    for product in &job.products {
        content::begin(product, name, subject, behaviour.bytes)?;
    }
    behaviour.take_time();
    if let Some(failure) = behaviour.late_failure() {
        return Err(failure);
    }
    for product in &job.products {
        content::finish(product, behaviour.bytes)?;
    }
    println!("{name}: done with {subject}");
    Ok(())
}
