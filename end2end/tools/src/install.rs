//! What the program does under its own name: make the links, and fill nights that were made ready.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, Command, value_parser};

use crate::datacheck;
use crate::tool::EXECUTABLES;

/// `lstchain-standin --install DIR`, `--fill DIR`, `--list`.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    let matches = Command::new("lstchain-standin")
        .about("Stand-ins for the lstchain executables")
        .after_help(include_str!("rules.md"))
        .arg(
            Arg::new("install")
                .long("install")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .required_unless_present_any(["list", "fill"])
                .help("Make DIR with a link to this program under the name of every executable"),
        )
        .arg(
            Arg::new("fill")
                .long("fill")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .help("Write real datacheck and muon files over all those of subruns below DIR"),
        )
        .arg(
            Arg::new("list")
                .long("list")
                .action(clap::ArgAction::SetTrue)
                .help("Print the names of the executables"),
        )
        .get_matches_from(arguments);
    if matches.get_flag("list") {
        for (name, ..) in EXECUTABLES {
            println!("{name}");
        }
    }
    if let Some(dir) = matches.get_one::<PathBuf>("fill")
        && let Err(failure) = datacheck::fill(dir)
    {
        return failure.end("lstchain-standin");
    }
    let Some(dir) = matches.get_one::<PathBuf>("install") else { return ExitCode::SUCCESS };
    match install(dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("error: cannot make the links in {}: {cause}", dir.display());
            ExitCode::FAILURE
        }
    }
}

fn install(dir: &Path) -> std::io::Result<()> {
    let program = std::env::current_exe()?.canonicalize()?;
    std::fs::create_dir_all(dir)?;
    for (name, ..) in EXECUTABLES {
        let link = dir.join(name);
        match std::fs::remove_file(&link) {
            Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(cause),
            _ => std::os::unix::fs::symlink(&program, &link)?,
        }
    }
    Ok(())
}
