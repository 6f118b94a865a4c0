//! `bench OSA`: measures the program at OSA on the large demo night (40 runs × 150 subruns, 48,000
//! files) and prints the figures; `bench OSA datacheck` and `bench OSA provenance` only those of that
//! part. Nothing there passes or fails: speed is measured, never asserted. `bench OSA soak MINUTES` fails
//! if anybody was shown an error, the memory kept growing, or an update was late.

#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // figures for people

mod closing;
mod datacheck;
mod load;
mod process;
mod provenance;
mod soak;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Anything that keeps a figure from being measured.
type Res<T = ()> = Result<T, Box<dyn Error>>;

/// The night of the demo that is large.
const NIGHT: &str = "2024-11-24";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.split_first() {
        Some((first, rest)) if first == process::CHILD => return process::child(rest),
        Some((osa, [])) => run(Path::new(osa)),
        Some((osa, [part])) if part == "datacheck" => only_datacheck(Path::new(osa)),
        Some((osa, [part])) if part == "provenance" => only_provenance(Path::new(osa)),
        Some((osa, [part, minutes])) if part == "soak" => soaked(Path::new(osa), minutes),
        _ => Err("usage: bench OSA [datacheck|provenance|soak MINUTES]".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(osa: &Path) -> Res {
    let osa = osa.canonicalize()?;
    let dir = tempfile::tempdir()?;
    let demo = dir.path().join("demo");
    succeed(Command::new(&osa).arg("demo").arg(&demo).stdout(Stdio::null()))?;
    commands(&osa, &demo)?;
    let page = format!("/nights/{NIGHT}");
    served(&osa, &demo, |address, _| load::measure(address, &page))?;
    data_quality(&osa, dir.path())?;
    provenance::measure(&osa, &demo)?;
    closing::measure(&osa, &demo)
}

/// A long time under many people.
fn soaked(osa: &Path, minutes: &str) -> Res {
    let minutes = minutes.parse::<f64>()?;
    let osa = osa.canonicalize()?;
    let dir = tempfile::tempdir()?;
    let demo = dir.path().join("demo");
    soak::prepare(&osa, &demo)?;
    served(&osa, &demo, |address, server| soak::measure(&osa, &demo, address, server, minutes))
}

/// Provenance alone.
fn only_provenance(osa: &Path) -> Res {
    let osa = osa.canonicalize()?;
    let dir = tempfile::tempdir()?;
    let demo = dir.path().join("demo");
    succeed(Command::new(&osa).arg("demo").arg(&demo).stdout(Stdio::null()))?;
    provenance::measure(&osa, &demo)
}

/// The pages of data quality alone.
fn only_datacheck(osa: &Path) -> Res {
    data_quality(&osa.canonicalize()?, tempfile::tempdir()?.path())
}

fn data_quality(osa: &Path, dir: &Path) -> Res {
    let demo = dir.join("evidence");
    datacheck::prepare(osa, &demo)?;
    served(osa, &demo, datacheck::measure)
}

fn succeed(command: &mut Command) -> Res {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}

fn commands(osa: &Path, demo: &Path) -> Res {
    let compact = NIGHT.replace('-', "");
    let tree = demo.join("data/running_analysis").join(compact);
    let config = demo.join("sequencer.cfg").display().to_string();
    let osa = osa.display().to_string();
    let find = vec!["find".to_owned(), tree.display().to_string()];
    let sequencer = |more: &[&str]| -> Vec<String> {
        let words = [&osa, "sequencer", "-c", &config, "-d", NIGHT, "-s"];
        words.iter().chain(more).chain(&["LST1"]).map(|word| (*word).to_owned()).collect()
    };
    let files =
        String::from_utf8(Command::new("find").arg(&tree).args(["-type", "f"]).output()?.stdout)?;
    println!("night {NIGHT}: {} files under running_analysis", files.lines().count());
    let find = process::measure("find", &find)?;
    let table = process::measure("sequencer -s", &sequencer(&[]))?;
    let whole = process::measure("sequencer -s --json (histories read)", &sequencer(&["--json"]))?;
    println!("sequencer -s / find: {:.2} (to be at most 2)", table / find);
    println!("whole status / find: {:.2} (to be at most 5)", whole / find);
    Ok(())
}

/// Serves a demo for as long as something is measured; `measure` is told the address and the process.
fn served(osa: &Path, demo: &Path, measure: impl FnOnce(&str, u32) -> Res) -> Res {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let address = format!("127.0.0.1:{port}");
    let mut server = Command::new(osa)
        .args(["serve", "--listen", &address])
        .env("OSA_CONFIG", demo.join("sequencer.cfg"))
        .env("RUST_LOG", "warn")
        // As configs/osa.service has it.
        .env("MALLOC_ARENA_MAX", "2")
        .spawn()?;
    let result = load::wait_until_served(&address, "/api/v1/health")
        .and_then(|()| measure(&address, server.id()));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(server.id())?);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?;
    server.wait()?;
    result
}

/// The middle of some figures.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// This program itself, for the measuring child.
fn own_path() -> Res<PathBuf> {
    Ok(std::env::current_exe()?)
}
