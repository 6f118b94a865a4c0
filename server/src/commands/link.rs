//! `osa link DIR`: the original's command names as links to this program.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::{DROP_IN, Failure, Outcome};
use crate::internal::{InternalError, executable};

/// Make links so that plain `sequencer …` runs this program.
#[derive(Debug, Args)]
pub struct Link {
    /// Directory for the links; made if it is missing. Put it on the PATH
    dir: PathBuf,
}

/// Makes a link for each drop-in command. What is already there and is not such a link is left
/// alone and named.
pub fn run(arguments: &Link) -> Outcome {
    let program = executable()?.canonicalize().map_err(InternalError::Executable)?;
    link_into(&arguments.dir, &program)?;
    eprintln!("linked {} in {}", DROP_IN.join(", "), arguments.dir.display());
    Ok(ExitCode::SUCCESS)
}

/// Links every drop-in name in `dir` to `program`.
pub fn link_into(dir: &Path, program: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(dir)
        .map_err(|cause| Failure::new(format!("cannot make {}: {cause}", dir.display())))?;
    for name in DROP_IN {
        let link = dir.join(name);
        let result = match std::fs::read_link(&link) {
            Ok(target) if target == program => Ok(()),
            Ok(_) => replace(&link, program),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                std::os::unix::fs::symlink(program, &link)
            }
            Err(_) => {
                return Err(Failure::new(format!("{} is there and is no link", link.display()))
                    .hint("remove it, or give another directory"));
            }
        };
        result.map_err(|cause| Failure::new(format!("cannot link {}: {cause}", link.display())))?;
    }
    Ok(())
}

/// Points an existing link elsewhere, without a moment in which there is none.
fn replace(link: &Path, program: &Path) -> io::Result<()> {
    let beside = link.with_extension(format!("new-{}", std::process::id()));
    std::os::unix::fs::symlink(program, &beside)?;
    std::fs::rename(&beside, link)
}
