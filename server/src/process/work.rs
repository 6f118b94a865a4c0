//! One stage of one sequence, ready to be run.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::calibration::CalibrationFile;
use super::{ProcessError, Step, Trace};
use crate::input_file::is_readable;

/// A stage with its command line and its files.
#[derive(Clone, Debug)]
pub struct Work {
    /// The stage as its history lines name it.
    pub step: Step,
    /// The executable as the configuration has it: a name to look for on the PATH, or a path.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Name of its input file, for the history.
    pub input: Option<String>,
    /// Name of its configuration file, for the history.
    pub config: Option<String>,
    /// What must be there before it, apart from what earlier stages make.
    pub needs: Vec<Need>,
    /// What it writes.
    pub outputs: Outputs,
    /// An argument with which it is tried once more when it has failed for good.
    pub second_chance: Option<&'static str>,
    /// What its provenance names.
    pub trace: Trace,
}

/// A file or directory that a stage needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// What it is, by its option or key.
    pub what: &'static str,
    /// Where it is.
    pub file: PathBuf,
    /// What to do if it is missing.
    pub hint: &'static str,
}

impl Need {
    /// Fails if it is not there.
    pub fn check(&self) -> Result<(), ProcessError> {
        match self.file.try_exists() {
            Ok(true) => Ok(()),
            Ok(false) => Err(ProcessError::Missing {
                what: self.what.to_owned(),
                file: self.file.clone(),
                hint: self.hint,
            }),
            Err(cause) => Err(ProcessError::file("read", &self.file)(cause)),
        }
    }
}

/// What a stage writes, and how it is known to be there.
#[derive(Clone, Debug)]
pub enum Outputs {
    /// Files of the subrun alone, at places known beforehand. Whatever is there belongs to the
    /// stage: it is removed unless the history says that the stage has ended well.
    Subrun(Vec<Product>),
    /// A calibration file, which the tool puts into the directory of its own version, beside those
    /// of other productions. One that is there is good, unless a try of ours was killed over it.
    Calibration(CalibrationFile),
}

/// A file of a subrun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Where the stage writes it.
    pub file: PathBuf,
    /// Where closing the night moves it to, if it does.
    pub closed: Option<PathBuf>,
    /// When it is there after a stage that ended well.
    pub written: Written,
}

/// When a stage that ended well has written a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Written {
    /// Sometimes; nobody misses it.
    Sometimes,
    /// Nearly always: if it is not there later, the stage is run again to be sure.
    Usually,
    /// Always: without it the stage did not end well, whatever it says.
    Always,
}

impl Product {
    fn is_there(&self) -> bool {
        is_product(&self.file) || self.closed.as_deref().is_some_and(is_product)
    }
}

/// Whether there is a readable file with anything in it.
pub(super) fn is_product(file: &Path) -> bool {
    file.metadata().is_ok_and(|found| found.is_file() && found.len() > 0) && is_readable(file)
}

impl Outputs {
    /// The first file that is written this often and is not there; `None` if all are.
    pub fn missing(&self, written: Written) -> Result<Option<PathBuf>, ProcessError> {
        match self {
            Self::Subrun(products) => {
                let missing = products.iter().find(|p| p.written >= written && !p.is_there());
                Ok(missing.map(|product| product.file.clone()))
            }
            Self::Calibration(file) => file.missing(),
        }
    }

    /// Everything that the stage, or another production's, has written and that is there.
    pub fn present(&self) -> Result<Vec<PathBuf>, ProcessError> {
        match self {
            Self::Subrun(products) => {
                let there = |product: &&Product| product.file.symlink_metadata().is_ok();
                Ok(products.iter().filter(there).map(|product| product.file.clone()).collect())
            }
            Self::Calibration(file) => file.present(),
        }
    }

    /// Makes the directories into which the stage writes.
    pub fn make_directories(&self) -> Result<(), ProcessError> {
        let Self::Subrun(products) = self else { return Ok(()) };
        for directory in products.iter().filter_map(|product| product.file.parent()) {
            std::fs::create_dir_all(directory).map_err(ProcessError::file("make", directory))?;
        }
        Ok(())
    }
}

/// `--name=value`.
pub(super) fn option(name: &str, value: impl AsRef<OsStr>) -> OsString {
    let mut option = OsString::from(format!("--{name}="));
    option.push(value);
    option
}

/// The file name of a path, for the history.
pub(super) fn name_of(path: &Path) -> Option<String> {
    path.file_name().map(|name| name.to_string_lossy().into_owned())
}

impl Work {
    /// The command line as one would type it.
    pub fn command_line(&self) -> String {
        let program = std::iter::once(quoted(&self.program));
        let arguments = self.arguments.iter().map(|argument| quoted(&argument.to_string_lossy()));
        program.chain(arguments).collect::<Vec<_>>().join(" ")
    }
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_split_them() {
        assert_eq!(quoted("--output-dir=/a/b-1.2"), "--output-dir=/a/b-1.2");
        assert_eq!(quoted("BL Lac"), "'BL Lac'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
