//! Names of files, and looking for them.

use std::path::{Path, PathBuf};

use clap::ArgMatches;

use crate::content;
use crate::failure::Failure;
use crate::rules::matches;

/// The run of a file's name: `19102.0003` of `dl1_LST-1.Run19102.0003.h5`, `19102` where there is
/// no subrun, empty where there is no run.
pub fn run_field(path: &str) -> String {
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
    let Some((_, rest)) = name.split_once("Run") else { return String::new() };
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let run = digits(rest);
    if run == 0 {
        return String::new();
    }
    let subrun = rest.get(run + 1..).map_or(0, digits);
    let end = if rest[run..].starts_with('.') && subrun > 0 { run + 1 + subrun } else { run };
    rest[..end].to_owned()
}

/// The date in a file's name: eight digits.
pub fn date_field(path: &str) -> String {
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut words = name.split(|c: char| !c.is_ascii_digit());
    words.find(|word| word.len() == 8).unwrap_or("").to_owned()
}

/// The value of an option that has one.
pub fn path(options: &ArgMatches, name: &str) -> Option<PathBuf> {
    options.get_one::<String>(name).map(PathBuf::from)
}

/// The value of an option that must have one, or has a default.
pub fn needed(options: &ArgMatches, name: &str) -> Result<PathBuf, Failure> {
    path(options, name).ok_or_else(|| Failure::python(format!("KeyError: '{name}'")))
}

/// The input file of an option, which must be there and whole.
pub fn input(options: &ArgMatches, name: &str) -> Result<PathBuf, Failure> {
    let file = needed(options, name)?;
    whole(&file)?;
    Ok(file)
}

/// A file that must be there and whole.
pub fn whole(file: &Path) -> Result<(), Failure> {
    if !file.is_file() {
        return Err(not_found(file));
    }
    content::check(file)
}

/// The words of a missing file.
pub fn not_found(file: &Path) -> Failure {
    Failure::python(format!(
        "FileNotFoundError: [Errno 2] No such file or directory: '{}'",
        file.display()
    ))
}

/// The files of a directory whose names fit a pattern, sorted.
pub fn list(dir: &Path, pattern: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let fits = |path: &PathBuf| {
        path.file_name().is_some_and(|name| matches(pattern, &name.to_string_lossy()))
    };
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(fits).collect();
    files.sort();
    files
}

/// Files that fit a pattern in every directory two levels below `base` named `level`:
/// `base/*/level/pattern`, sorted.
pub fn list_below(base: &Path, level: &str, pattern: &str) -> Vec<PathBuf> {
    list(base, "*").iter().flat_map(|dir| list(&dir.join(level), pattern)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_and_date_are_read_off_names() {
        assert_eq!(run_field("/a/dl1_LST-1.Run19102.0003.h5"), "19102.0003");
        assert_eq!(run_field("LST-1.1.Run01910.0000.fits.fz"), "01910.0000");
        assert_eq!(run_field("datacheck_dl1_LST-1.Run19102.h5"), "19102");
        assert_eq!(run_field("datacheck_dl1_LST-1.Run19102.*.h5"), "19102");
        assert_eq!(run_field("dl1.h5"), "");
        assert_eq!(run_field("Run"), "");
        assert_eq!(run_field("Run.0001"), "");
        assert_eq!(date_field("/x/20240101/DL1_datacheck_20241128.h5"), "20241128");
        assert_eq!(date_field("longterm_dl1_check.h5"), "");
    }
}
