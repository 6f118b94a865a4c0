//! Random input for every parser, on stable Rust: `fuzz MINUTES [TARGET...]`.
//!
//! Inputs are real files, changed at random. The time is shared out among the targets, as many at once
//! as there are processors. An input that makes a target panic is made as small as possible, written to
//! `fuzz/artifacts`, and the exit code is 1. One that makes the process die (a stack overflow) is left there.

mod mutation;
mod targets;

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, TestError, TestRunner};

use targets::Target;

/// Inputs between two looks at the clock.
const BATCH: u32 = 500;

/// What came of a target.
struct Tally {
    name: &'static str,
    inputs: u64,
    /// The longest that one input took.
    slowest: Duration,
    failure: Option<Failure>,
}

/// A panic, and the smallest input that causes it.
struct Failure {
    message: String,
    input: Vec<u8>,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let minutes = arguments.next().and_then(|minutes| minutes.parse::<f64>().ok());
    let names: Vec<String> = arguments.collect();
    let mut chosen = targets::all();
    chosen.retain(|target| names.is_empty() || names.iter().any(|name| name == target.name));
    let Some(minutes) = minutes.filter(|minutes| *minutes > 0.0 && !chosen.is_empty()) else {
        let names: Vec<&str> = targets::all().iter().map(|target| target.name).collect();
        eprintln!("usage: fuzz MINUTES [TARGET...]\ntargets: {}", names.join(", "));
        return ExitCode::from(2);
    };
    // Each panic while an input is made smaller would print a line.
    std::panic::set_hook(Box::new(|_| {}));
    let tallies = run(chosen, Duration::from_secs_f64(minutes * 60.0));
    report(&tallies)
}

/// Runs all targets within `time`, side by side.
fn run(chosen: Vec<Target>, time: Duration) -> Vec<Tally> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(chosen.len());
    let rounds = chosen.len().div_ceil(threads);
    let share = time / u32::try_from(rounds).unwrap_or(u32::MAX);
    let waiting = Mutex::new(VecDeque::from(chosen));
    let done = Mutex::new(Vec::new());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(target) = next() {
                    let tally = fuzz(&target, share);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push(tally);
                }
            });
        }
    });
    let mut tallies = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    tallies.sort_by_key(|tally| tally.name);
    tallies
}

fn fuzz(target: &Target, time: Duration) -> Tally {
    let mut tally = Tally { name: target.name, inputs: 0, slowest: Duration::ZERO, failure: None };
    let strategy = mutation::of(target.seeds.clone());
    let config = Config { cases: BATCH, failure_persistence: None, ..Config::default() };
    let began = Instant::now();
    while began.elapsed() < time && tally.failure.is_none() {
        let seen = Mutex::new((0, Duration::ZERO));
        // A runner counts the cases of all its runs, and stops when there were enough.
        let result = TestRunner::new(config.clone()).run(&strategy, |input| {
            // For an input after which there is nobody left to write it.
            let _ = keep(target.name, &input);
            let began = Instant::now();
            (target.parse)(&input);
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            *seen = (seen.0 + 1, seen.1.max(began.elapsed()));
            Ok(())
        });
        let (inputs, slowest) = seen.into_inner().unwrap_or_default();
        let _ = fs::remove_file(artifact(target.name));
        tally.inputs += inputs;
        tally.slowest = tally.slowest.max(slowest);
        tally.failure = match result {
            Ok(()) => None,
            Err(TestError::Fail(reason, input)) => {
                Some(Failure { message: reason.message().to_owned(), input })
            }
            Err(TestError::Abort(reason)) => {
                Some(Failure { message: reason.message().to_owned(), input: Vec::new() })
            }
        };
    }
    tally
}

fn report(tallies: &[Tally]) -> ExitCode {
    println!("{:<16} {:>12} {:>12}", "target", "inputs", "slowest");
    for tally in tallies {
        let slowest = format!("{:.1} ms", tally.slowest.as_secs_f64() * 1e3);
        println!("{:<16} {:>12} {slowest:>12}", tally.name, tally.inputs);
    }
    println!("{:<16} {:>12}", "total", tallies.iter().map(|tally| tally.inputs).sum::<u64>());
    let mut code = ExitCode::SUCCESS;
    for (tally, failure) in
        tallies.iter().filter_map(|tally| Some((tally, tally.failure.as_ref()?)))
    {
        code = ExitCode::FAILURE;
        eprintln!("{}: {}", tally.name, failure.message);
        match keep(tally.name, &failure.input) {
            Ok(file) => eprintln!("{}: the input is {}", tally.name, file.display()),
            Err(error) => eprintln!("{}: the input cannot be written: {error}", tally.name),
        }
    }
    code
}

/// Where the input of a target that fails is kept.
fn artifact(name: &str) -> PathBuf {
    Path::new("fuzz/artifacts").join(name)
}

fn keep(name: &str, input: &[u8]) -> std::io::Result<PathBuf> {
    let file = artifact(name);
    fs::create_dir_all("fuzz/artifacts")?;
    fs::write(&file, input)?;
    Ok(file)
}
