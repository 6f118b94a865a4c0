//! `-t`: subrun 0 of every sequence with data, in the foreground, without any scheduler.

use std::os::fd::AsFd;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use crate::commands::Failure;
use crate::launch::LaunchPlan;
use crate::model::{Kind, NightStatus, Subrun};
use crate::night::NightPaths;

/// Runs subrun 0 of each planned `DATA` job, one after another; returns how many failed. What they
/// print goes to standard error: standard output is for the table.
pub(super) async fn run(
    paths: &NightPaths,
    status: &NightStatus,
    plan: &LaunchPlan,
) -> Result<u32, Failure> {
    let mut failed = 0;
    for sequence in status.sequences.iter().map(|status| &status.sequence) {
        let name = sequence.job_name();
        let planned = plan.jobs.iter().find(|job| job.name == name);
        let Some(job) = planned.filter(|_| sequence.kind == Kind::Data) else { continue };
        if paths.sequence_file(sequence.run, Some(Subrun(0)), "veto").exists() {
            eprintln!("{name}: subrun 0 is vetoed and is not tried");
            continue;
        }
        eprintln!("{name}: trying subrun 0");
        let status = first_subrun(&job.script, &paths.analysis_dir()).await?;
        if !status.success() {
            eprintln!("error: {name}: subrun 0 failed: {status}");
            failed += 1;
        }
    }
    Ok(failed)
}

async fn first_subrun(script: &Path, directory: &Path) -> Result<ExitStatus, Failure> {
    let output = std::io::stderr().as_fd().try_clone_to_owned()?;
    let status = tokio::process::Command::new("/bin/bash")
        .arg(script)
        .current_dir(directory)
        .env("SLURM_ARRAY_TASK_ID", "0")
        .env("MPLBACKEND", "Agg")
        .stdin(Stdio::null())
        .stdout(Stdio::from(output))
        .status()
        .await;
    status.map_err(|cause| {
        Failure::new(format!("cannot start {} with /bin/bash: {cause}", script.display()))
    })
}
