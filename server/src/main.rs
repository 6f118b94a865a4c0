//! The program `osa`: every command of the on-site analysis, and its web server.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::commands::main(std::env::args_os().collect())
}
