//! What stands in the files: a few lines of text, whatever the suffix, but for the datacheck, whose
//! files are real.

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::datacheck::{self, Subruns};
use crate::failure::Failure;
use server::demo::plot;

/// First line of every file of ours.
const HEAD: &str = "stand-in product\n";
/// Last line of a file that is whole.
const TAIL: &str = "complete\n";

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub content: Content,
    /// Whether to extend a file that is there.
    pub append: bool,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A few lines that say whose it is.
    Placeholder,
    /// A text.
    Text(String),
    /// Muon rings of a subrun.
    Muons(Subruns),
    /// Datacheck of a subrun or a run.
    Run(Subruns),
    /// Datacheck of a night.
    Night(Vec<Subruns>),
    /// The spectra of a night's showers, for the file that is there.
    Spectrum(Vec<Subruns>),
}

impl Product {
    /// A placeholder.
    pub fn new(path: PathBuf) -> Self {
        Self { path, content: Content::Placeholder, append: false }
    }

    /// A check plot, named after its subject.
    pub fn plot(path: PathBuf) -> Self {
        let text = plot(&path.file_stem().unwrap_or_default().to_string_lossy());
        Self { path, content: Content::Text(text), append: false }
    }
}

/// Opens the file as the real tools do when they begin: from now on a part of it is there.
pub fn begin(product: &Product, tool: &str, subject: &str, bytes: usize) -> Result<(), Failure> {
    if product.append {
        return Ok(());
    }
    let mut file = std::fs::File::create(&product.path)?;
    if !matches!(product.content, Content::Text(_)) {
        file.write_all(head(tool, subject).as_bytes())?;
        file.write_all(&padding(bytes / 2))?;
    }
    Ok(file.flush()?)
}

/// Writes the rest of it.
pub fn finish(product: &Product, bytes: usize) -> Result<(), Failure> {
    match &product.content {
        Content::Text(text) => Ok(std::fs::write(&product.path, text)?),
        Content::Muons(of) => Ok(std::fs::write(&product.path, datacheck::muons(of))?),
        Content::Run(of) => datacheck::run(&product.path, of),
        Content::Night(runs) => datacheck::night(&product.path, runs),
        Content::Spectrum(runs) => datacheck::spectrum(&product.path, runs),
        Content::Placeholder => {
            let mut file = OpenOptions::new().append(true).open(&product.path)?;
            file.write_all(&padding(bytes - bytes / 2))?;
            file.write_all(TAIL.as_bytes())?;
            Ok(file.flush()?)
        }
    }
}

fn head(tool: &str, subject: &str) -> String {
    format!("{HEAD}{tool} {subject}\n")
}

fn padding(bytes: usize) -> Vec<u8> {
    let mut padding = vec![b'.'; bytes];
    if let Some(last) = padding.last_mut() {
        *last = b'\n';
    }
    padding
}

/// Refuses a file of ours that is not whole, as HDF5 does; files of others are taken as they are.
pub fn check(path: &Path) -> Result<(), Failure> {
    let mut file = std::fs::File::open(path)?;
    let mut head = [0; HEAD.len()];
    if file.read_exact(&mut head).is_err() || head != *HEAD.as_bytes() {
        return Ok(());
    }
    let mut tail = [0; TAIL.len()];
    let back = i64::try_from(TAIL.len()).unwrap_or(0);
    file.seek(SeekFrom::End(-back))?;
    file.read_exact(&mut tail)?;
    if tail == *TAIL.as_bytes() {
        return Ok(());
    }
    Err(Failure::python(format!(
        "OSError: Unable to open file (truncated file: {})",
        path.display()
    )))
}
