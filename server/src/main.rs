//! The program `osa`: every command of the on-site analysis, and its web server.

use std::process::ExitCode;

/// Gives back what threads that read large files have used; the system's own keeps most of it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    server::commands::main(std::env::args_os().collect())
}
