//! Places at which the tests make things go wrong. Without the variables below it does nothing.
//!
//! - `OSA_FAULT_KILL=N`: the program kills itself, as `kill -9` does, at the Nth place it passes.
//! - `OSA_FAULT_POINTS=FILE`: the names of the places that are passed are added to this file.
//! - `OSA_FAULT_EXDEV=1`: every final directory is taken to be on another file system.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

struct Faults {
    kill: Option<u64>,
    log: Option<std::ffi::OsString>,
    exdev: bool,
}

fn faults() -> &'static Faults {
    static FAULTS: OnceLock<Faults> = OnceLock::new();
    FAULTS.get_or_init(|| Faults {
        kill: std::env::var("OSA_FAULT_KILL").ok().and_then(|text| text.parse().ok()),
        log: std::env::var_os("OSA_FAULT_POINTS"),
        exdev: std::env::var_os("OSA_FAULT_EXDEV").is_some(),
    })
}

/// A place between two effects.
pub(super) fn point(name: &str) {
    static PASSED: AtomicU64 = AtomicU64::new(0);
    let faults = faults();
    if faults.kill.is_none() && faults.log.is_none() {
        return;
    }
    let number = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
    if let Some(log) = &faults.log {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(log);
        // A test that misses a line fails by itself.
        let _ = file.and_then(|mut file| writeln!(file, "{name}"));
    }
    if faults.kill == Some(number) {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
        // The signal may take a moment to come.
        std::thread::sleep(std::time::Duration::from_secs(60));
    }
}

/// Whether a rename into a final directory is to fail as across file systems.
pub(super) fn exdev() -> bool {
    faults().exdev
}
