//! Datacheck files in the real format: tables that lstchain itself wrote once, with the numbers of
//! another run. Each run and subrun has its own weather, and always the same, so that a file made
//! again is the same to the byte.

mod frame;
mod muons;
mod night;
mod run;
mod sky;

pub use muons::muons;
pub use night::{night, spectrum};
pub use run::run;

use std::path::Path;

use crate::failure::Failure;

/// A run and some of its subruns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subruns {
    /// Number of the run.
    pub run: u32,
    /// Numbers of the subruns, rising.
    pub numbers: Vec<u32>,
    /// Night in which it was taken, `YYYYMMDD`.
    pub date: u32,
}

impl Subruns {
    /// What a path names: `Run19102.0003` is one subrun; the night is a directory's name. A run
    /// alone has no subruns.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let field = crate::jobs::run_field(name);
        let (run, numbers) = match field.split_once('.') {
            Some((run, subrun)) => (run, vec![subrun.parse().ok()?]),
            None => (field.as_str(), Vec::new()),
        };
        let parts = path.iter().filter_map(|part| part.to_str());
        let date = parts.filter(|part| part.len() == 8).find_map(|part| part.parse().ok());
        Some(Self { run: run.parse().ok()?, numbers, date: date.unwrap_or(20_241_128) })
    }

    /// When a subrun begins [s since 1970, UTC]: runs of a night begin every twenty minutes from
    /// 20:00 on, subruns every ten seconds.
    fn begin_s(&self, subrun: u32) -> f64 {
        let days = days_since_1970(self.date);
        f64::from(days * 86_400 + 72_000 + (self.run % 25) * 1200 + subrun * 10)
    }
}

/// Writes real files over all datacheck and muon files of subruns below a directory.
pub fn fill(dir: &Path) -> Result<(), Failure> {
    let mut entries: Vec<_> = std::fs::read_dir(dir)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if entry.file_type()?.is_dir() {
            fill(&path)?;
            continue;
        }
        match Subruns::of(&path).filter(|of| !of.numbers.is_empty()) {
            Some(of) if name.starts_with("datacheck_dl1_") => run(&path, &of)?,
            Some(of) if name.starts_with("muons_") => std::fs::write(&path, muons(&of))?,
            _ => {}
        }
    }
    Ok(())
}

/// Days from 1970-01-01 to a date (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn days_since_1970(date: u32) -> u32 {
    let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era_year = year % 400;
    let day_of_year = (153 * month + 2) / 5 + day.saturating_sub(1);
    let day_of_era = era_year * 365 + era_year / 4 - era_year / 100 + day_of_year;
    (year / 400 * 146_097 + day_of_era).saturating_sub(719_468)
}

/// What HDF5 says of itself, as the tools fail.
fn failed(problem: impl std::fmt::Display) -> Failure {
    Failure::usage(&format!("cannot write a datacheck file: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_run_subrun_and_night() {
        let of = |path: &str| Subruns::of(Path::new(path));
        let one = of("/a/20241126/v0.10.18/tailcut84/dl1_LST-1.Run19052.0003.h5").unwrap();
        assert_eq!(one, Subruns { run: 19_052, numbers: vec![3], date: 20_241_126 });
        assert_eq!(of("datacheck_dl1_LST-1.Run19052.h5").unwrap().numbers, Vec::<u32>::new());
        assert_eq!(of("elsewhere.h5"), None);
    }

    #[test]
    fn days_are_counted_from_1970() {
        assert_eq!(days_since_1970(19_700_101), 0);
        assert_eq!(days_since_1970(20_000_301), 11_017);
        assert_eq!(days_since_1970(20_241_128), 20_055);
    }
}
