//! One file a command, named as in the original. The program answers as `osa COMMAND …` and,
//! through links made by `osa link`, as plain `COMMAND …`.

mod act;
mod audit;
mod autocloser;
mod backup;
mod calibration_pipeline;
mod cancel;
mod closer;
mod common;
mod config;
mod copy_datacheck;
mod datacheck;
mod datasequence;
mod decide;
mod demo;
mod failure;
mod link;
mod local_scheduler;
mod local_task;
mod logging;
mod move_database;
mod provenance;
mod provprocess;
mod release;
mod restore;
mod resubmit;
mod sequencer;
mod serve;
mod simulate_processing;
mod stages;
mod token;
mod user;
mod why;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tokio::runtime::Builder;

pub use common::Common;
use common::{warn, warn_of_database};
pub use failure::{Failure, Outcome};

/// On-site analysis of LST-1.
#[derive(Debug, Parser)]
#[command(name = "osa", version, disable_help_subcommand = true)]
struct Osa {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Autocloser(autocloser::Autocloser),
    #[command(name = "calibration_pipeline")]
    CalibrationPipeline(calibration_pipeline::CalibrationPipeline),
    Closer(closer::Closer),
    Datasequence(datasequence::Datasequence),
    Provprocess(provprocess::ProvprocessArgs),
    Sequencer(sequencer::Sequencer),
    #[command(name = "simulate_processing")]
    SimulateProcessing(simulate_processing::SimulateProcessing),
    Audit(audit::Audit),
    Backup(backup::Backup),
    Cancel(cancel::Cancel),
    Config(config::ConfigArgs),
    #[command(name = "copy_datacheck")]
    CopyDatacheck(copy_datacheck::CopyDatacheck),
    Datacheck(datacheck::Datacheck),
    Decide(decide::Decide),
    Demo(demo::Demo),
    Link(link::Link),
    Release(release::Release),
    Restore(restore::Restore),
    Resubmit(resubmit::Resubmit),
    /// Look after the local scheduler's queue; started on demand
    #[command(hide = true)]
    LocalScheduler(local_scheduler::LocalScheduler),
    /// Run one task of the local scheduler's queue; started by its supervisor
    #[command(hide = true)]
    LocalTask(local_task::LocalTask),
    MoveDatabase(move_database::MoveDatabase),
    Provenance(provenance::ProvenanceArgs),
    Serve(serve::Serve),
    Token(token::TokenArgs),
    User(user::UserArgs),
    Why(why::Why),
}

/// Names under which a link to this program is a command of its own.
pub const DROP_IN: [&str; 8] = [
    "sequencer",
    "calibration_pipeline",
    "datasequence",
    "closer",
    "autocloser",
    "provprocess",
    "copy_datacheck",
    "simulate_processing",
];

/// Runs the command that `arguments` name; the first is the program, possibly a link.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    let osa = parse(with_command_first(arguments));
    let mut runtime = match osa.command {
        // One a task and long-lived: as small as can be.
        Command::LocalScheduler(_) | Command::LocalTask(_) => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    let runtime = match runtime.enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => {
            return Failure::new(format!("cannot start the program's threads: {cause}")).report();
        }
    };
    let outcome = runtime.block_on(run(osa.command));
    // A look at a file system that hangs must not keep the program from ending.
    runtime.shutdown_timeout(Duration::from_secs(1));
    match outcome {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

fn parse(arguments: Vec<OsString>) -> Osa {
    let matches = Osa::command().get_matches_from(arguments);
    Osa::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Turns `sequencer …` and `sequencer.py …` into `osa sequencer …`.
fn with_command_first(arguments: Vec<OsString>) -> Vec<OsString> {
    let called = arguments.first().and_then(|program| Path::new(program).file_name()?.to_str());
    let called = called.map(|name| name.trim_end_matches(".py").to_owned());
    match called.filter(|name| DROP_IN.contains(&name.as_str())) {
        Some(name) => {
            ["osa".into(), name.into()].into_iter().chain(arguments.into_iter().skip(1)).collect()
        }
        None => arguments,
    }
}

async fn run(command: Command) -> Outcome {
    match command {
        // They start logs of their own.
        Command::Serve(_) | Command::LocalScheduler(_) | Command::LocalTask(_) => {}
        _ => logging::start_if_asked()?,
    }
    match command {
        Command::Autocloser(args) => autocloser::run(args).await,
        Command::CalibrationPipeline(args) => calibration_pipeline::run(args).await,
        Command::Closer(args) => closer::run(args).await,
        Command::Datasequence(args) => datasequence::run(args).await,
        Command::Provprocess(args) => provprocess::run(args).await,
        Command::Sequencer(args) => sequencer::run(args).await,
        Command::SimulateProcessing(args) => simulate_processing::run(args).await,
        Command::Backup(args) => backup::run(args).await,
        Command::Cancel(args) => cancel::run(args).await,
        Command::Config(args) => config::run(args).await,
        Command::CopyDatacheck(args) => copy_datacheck::run(args).await,
        Command::Datacheck(arguments) => datacheck::run(arguments).await,
        Command::Decide(arguments) => decide::run(arguments).await,
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Release(arguments) => release::run(arguments).await,
        Command::Restore(args) => restore::run(args).await,
        Command::Resubmit(arguments) => resubmit::run(arguments).await,
        Command::Link(arguments) => link::run(&arguments),
        Command::LocalScheduler(arguments) => local_scheduler::run(arguments).await,
        Command::LocalTask(arguments) => local_task::run(arguments).await,
        Command::Audit(arguments) => audit::run(arguments).await,
        Command::MoveDatabase(args) => move_database::run(args).await,
        Command::Provenance(args) => provenance::run(args).await,
        Command::Serve(arguments) => Box::pin(serve::run(arguments)).await,
        Command::Token(args) => token::run(args).await,
        Command::User(args) => user::run(args).await,
        Command::Why(arguments) => why::run(arguments).await,
    }
}
