//! Wall time and peak memory of whole processes.

use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};

use crate::{Res, median, own_path};

/// First argument that makes this program the measuring child.
pub const CHILD: &str = "--measure-child";

const RUNS: usize = 9;

/// Runs `command` a few times after a warm-up, prints a line and gives the median wall seconds.
///
/// Each run has a measuring process of its own, since the kernel only tells the peak memory of the
/// largest of all children that a process has had.
pub fn measure(title: &str, command: &[String]) -> Res<f64> {
    let mut seconds = Vec::new();
    let mut peak = Vec::new();
    for run in 0..=RUNS {
        let output = Command::new(own_path()?).arg(CHILD).args(command).output()?;
        let text = String::from_utf8(output.stdout)?;
        let (wall, memory) = text.trim().split_once(' ').ok_or_else(|| {
            format!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr))
        })?;
        if run > 0 {
            seconds.push(wall.parse::<f64>()?);
            peak.push(memory.parse::<f64>()?);
        }
    }
    let fastest = seconds.iter().copied().fold(f64::INFINITY, f64::min);
    let slowest = seconds.iter().copied().fold(0.0, f64::max);
    let (wall, memory) = (median(seconds), median(peak));
    println!(
        "{title}: median {:.1} ms ({:.1} to {:.1}), peak memory {:.1} MB",
        wall * 1e3,
        fastest * 1e3,
        slowest * 1e3,
        memory / 1e3
    );
    Ok(wall)
}

/// Runs a command and prints its wall seconds and peak memory in kB.
pub fn child(command: &[String]) -> ExitCode {
    let Some((program, arguments)) = command.split_first() else { return ExitCode::FAILURE };
    let begin = Instant::now();
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status();
    let wall = begin.elapsed().as_secs_f64();
    match (status, getrusage(UsageWho::RUSAGE_CHILDREN)) {
        (Ok(status), Ok(usage)) if status.success() => {
            println!("{wall} {}", usage.max_rss());
            ExitCode::SUCCESS
        }
        (status, _) => {
            eprintln!("{program}: {status:?}");
            ExitCode::FAILURE
        }
    }
}
