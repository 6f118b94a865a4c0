//! What `calibration_pipeline` and `datasequence` share: they run the stages of one sequence.

use std::process::ExitCode;

use chrono::Utc;
use nix::sys::signal::Signal;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{ServerConfig, Settings, search_path};
use crate::internal::blocking;
use crate::model::ProdId;
use crate::process::{Children, Need, Runner, Sequence, Stopper};
use crate::provenance::capture::Surroundings;

use super::{Common, Failure, Outcome};

/// The production: that of the command line, else the site's.
pub(super) fn production(option: Option<ProdId>, settings: &Settings) -> Result<ProdId, Failure> {
    match option {
        Some(prod_id) => Ok(prod_id),
        None => Ok(settings.site.prod_id_or_version(&settings.server.job_path)?),
    }
}

/// Runs the stages of a sequence that are still to be run, or prints them with `-s`; the exit code
/// is that of the stage that failed.
pub(super) async fn run(sequence: Sequence, common: &Common, server: &ServerConfig) -> Outcome {
    if common.simulate {
        return blocking(move || simulate(&sequence)).await?;
    }
    let children = Children::default();
    pass_signals_on(&children.stopper())?;
    let mut runner = Runner {
        search_path: search_path(&server.job_path, std::env::var_os("PATH"))?,
        clock: Utc::now,
        verbose: common.verbose,
        surroundings: Surroundings::default(),
        children,
    };
    let job_path = server.job_path.clone();
    let run = move || {
        let version = sequence.paths.config.lstchain_version(&job_path);
        runner.surroundings = Surroundings::of_this_process(version, Vec::new());
        runner.run(&sequence)
    };
    let rc = blocking(run).await??;
    Ok(ExitCode::from(u8::try_from(rc).unwrap_or(1)))
}

fn simulate(sequence: &Sequence) -> Outcome {
    let todo = sequence.todo(&mut |text| eprintln!("osa: {} {text}", sequence.label()))?;
    if todo.is_empty() {
        eprintln!("osa: {} everything is there already", sequence.label());
    }
    for work in todo {
        if let Err(missing) = work.needs.iter().try_for_each(Need::check) {
            eprintln!("osa: {} {missing}", sequence.label());
        }
        println!("{}", work.command_line());
    }
    Ok(ExitCode::SUCCESS)
}

/// Passes the signals that end a job on to its stages.
fn pass_signals_on(stopper: &Stopper) -> Result<(), Failure> {
    let signals = [
        (SignalKind::terminate(), Signal::SIGTERM),
        (SignalKind::interrupt(), Signal::SIGINT),
        (SignalKind::hangup(), Signal::SIGHUP),
    ];
    for (kind, number) in signals {
        let mut received = signal(kind)?;
        let stopper = stopper.clone();
        tokio::spawn(async move {
            while received.recv().await.is_some() {
                stopper.stop(number);
            }
        });
    }
    Ok(())
}
