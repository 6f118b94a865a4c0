//! The stages of a night's calibration, and where its files end up.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::model::{CalibrationRuns, Kind, NightDate, RunId, Stage, Subrun};
use crate::night::{NightPaths, charge_file, drs4_file};

use super::work::{Need, Outputs, Work, is_product};
use super::{ProcessError, Step, Trace, chain};

/// The argument with which a charge calibration that failed for good is tried once more: the
/// database of filter wheel positions is then not asked.
const USUAL_FILTERS: &str = "--filters=52";

/// The nights in which the calibration runs were taken; their files are filed under these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalibrationNights {
    /// That of the `DRS4` run.
    pub drs4: NightDate,
    /// That of the `PEDCALIB` run.
    pub pedcal: NightDate,
}

/// The two stages of the calibration, in their order.
///
/// # Errors
/// [`ProcessError::Config`] if `BASE` is not set, under which the tools work.
pub fn calibration_works(
    paths: &NightPaths,
    runs: CalibrationRuns,
    nights: CalibrationNights,
) -> Result<Vec<Work>, ProcessError> {
    let ini = &paths.config.ini;
    let base = ini.get("LST1", "BASE")?.ok_or_else(|| {
        let problem = "is missing; the calibration tools find their way from it";
        ini.key_error("LST1", "BASE", problem)
    })?;
    let common =
        ["-b".into(), base.into(), super::work::option("r0-dir", &paths.config.directories.r0_dir)];
    let works = chain(paths, Kind::Calibration, false).into_iter();
    Ok(works.map(|step| work(paths, step, runs, nights, &common)).collect())
}

fn work(
    paths: &NightPaths,
    step: Step,
    runs: CalibrationRuns,
    nights: CalibrationNights,
    common: &[OsString; 3],
) -> Work {
    let baseline = step.stage == Stage::Drs4Baseline;
    let (run, night) =
        if baseline { (runs.drs4, nights.drs4) } else { (runs.pedcal, nights.pedcal) };
    let mut arguments: Vec<OsString> = if baseline {
        vec!["-r".into(), run.to_string().into()]
    } else {
        vec!["-p".into(), runs.drs4.to_string().into(), "-r".into(), run.to_string().into()]
    };
    arguments.extend_from_slice(common);
    if baseline {
        arguments.push("--no-progress".into());
    } else if paths.config.lstchain.use_ff_heuristic_id {
        arguments.push("--flatfield-heuristic".into());
    }
    let raw = paths.of_night(night).r0_file(run, Subrun(0));
    Work {
        program: paths.config.lstchain.executables.get(&step.stage).cloned().unwrap_or_default(),
        arguments,
        input: None,
        config: None,
        needs: vec![Need {
            what: "the raw file of the calibration run",
            file: raw.clone(),
            hint: "see whether R0_DIR is right and the transfer has ended",
        }],
        outputs: Outputs::Calibration(CalibrationFile {
            paths: paths.clone(),
            stage: step.stage,
            run,
            night,
        }),
        second_chance: (!baseline).then_some(USUAL_FILTERS),
        trace: Trace::calibration(step.stage, paths, runs, nights, raw),
        step,
    }
}

/// A calibration file of a run: in whichever production it is, with whatever filters.
#[derive(Clone, Debug)]
pub struct CalibrationFile {
    paths: NightPaths,
    stage: Stage,
    run: RunId,
    night: NightDate,
}

impl CalibrationFile {
    /// Where the reduction would look for it, if it is not there.
    pub(super) fn missing(&self) -> Result<Option<PathBuf>, ProcessError> {
        let file = match self.stage {
            Stage::Drs4Baseline => drs4_file(&self.paths, self.run, self.night)?,
            _ => charge_file(&self.paths, self.run, self.night)?,
        };
        Ok((!is_product(&file)).then_some(file))
    }

    /// The files and check plots from this run, in all productions.
    pub(super) fn present(&self) -> Result<Vec<PathBuf>, ProcessError> {
        let night = match self.stage {
            Stage::Drs4Baseline => self.paths.drs4_dir(self.night),
            _ => self.paths.charge_dir(self.night),
        };
        let mut files = Vec::new();
        for production in entries(&night)? {
            // `pro` is a link to one of the others.
            if production.is_symlink() {
                continue;
            }
            let log = production.join("log");
            for file in entries(&production)?.into_iter().chain(entries(&log)?) {
                if file.file_name().is_some_and(|name| self.is_named(name)) {
                    files.push(file);
                }
            }
        }
        files.sort();
        Ok(files)
    }

    /// Whether a name is that of the file, or of its check plot.
    fn is_named(&self, name: &OsStr) -> bool {
        let Some(name) = name.to_str() else { return false };
        let name = name.strip_suffix(".pdf").map_or(name.to_owned(), |stem| format!("{stem}.h5"));
        match self.stage {
            Stage::Drs4Baseline => name == NightPaths::drs4_name(self.run),
            _ => NightPaths::filters_of(&name, self.run).is_some(),
        }
    }
}

/// What is in a directory; nothing if it does not exist or is none.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, ProcessError> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    let wrap = ProcessError::file("read", directory);
    match std::fs::read_dir(directory) {
        Err(cause) if matches!(cause.kind(), NotFound | NotADirectory) => Ok(Vec::new()),
        entries => entries
            .map_err(&wrap)?
            .map(|entry| entry.map(|entry| entry.path()).map_err(&wrap))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SiteConfig;
    use std::fs;

    fn paths(root: &Path, heuristic: bool) -> NightPaths {
        let text = include_str!("../../tests/golden/sequencer.cfg");
        let base = format!("BASE: {}", root.display());
        let mut text = text.replace("BASE: /fefs/aswg/data/real", &base);
        if heuristic {
            text = text.replace("use_ff_heuristic_id: False", "use_ff_heuristic_id: True");
        }
        let file = root.join("sequencer.cfg");
        fs::write(&file, text).unwrap();
        let config = SiteConfig::load(&file).unwrap();
        let (date, prod_id) = ("2024-11-28".parse().unwrap(), "v0.10.18".parse().unwrap());
        NightPaths::new(config.into(), date, prod_id)
    }

    fn works(paths: &NightPaths) -> Vec<Work> {
        let runs = CalibrationRuns { drs4: RunId(1900), pedcal: RunId(19101) };
        let nights = CalibrationNights { drs4: paths.date.days_before(1), pedcal: paths.date };
        calibration_works(paths, runs, nights).unwrap()
    }

    #[test]
    fn arguments_are_the_originals() {
        let dir = tempfile::tempdir().unwrap();
        let lines: Vec<_> = [false, true]
            .iter()
            .flat_map(|heuristic| works(&paths(dir.path(), *heuristic)))
            .map(|w| w.command_line().replace(dir.path().to_str().unwrap(), "BASE"))
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn only_the_charge_calibration_has_a_second_chance() {
        let dir = tempfile::tempdir().unwrap();
        let chances: Vec<_> =
            works(&paths(dir.path(), false)).iter().map(|w| w.second_chance).collect();
        assert_eq!(chances, [None, Some("--filters=52")]);
    }

    #[test]
    fn a_file_counts_in_any_production_of_the_same_version_and_with_any_filters() {
        let dir = tempfile::tempdir().unwrap();
        let paths = paths(dir.path(), false);
        let works = works(&paths);
        let [baseline, charge] = works.as_slice() else { panic!("two stages") };
        let missing = |work: &Work| work.outputs.missing(super::super::Written::Always).unwrap();
        let night = paths.drs4_dir(paths.date.days_before(1));
        assert_eq!(
            missing(baseline).unwrap(),
            night.join("v0.10.18/drs4_pedestal.Run01900.0000.h5")
        );
        let write = |file: PathBuf, text: &str| {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        write(night.join("v0.10.4/drs4_pedestal.Run01900.0000.h5"), "");
        assert!(missing(baseline).is_some(), "an empty file is none");
        write(night.join("v0.10.4/drs4_pedestal.Run01900.0000.h5"), "x");
        assert_eq!(missing(baseline), None);

        let charges = paths.charge_dir(paths.date);
        write(charges.join("v0.9.1/calibration_filters_52.Run19101.0000.h5"), "x");
        assert!(missing(charge).is_some(), "another version is none");
        write(charges.join("v0.10.18/calibration_filters_00.Run19101.0000.h5"), "x");
        assert_eq!(missing(charge), None);
        write(charges.join("v0.10.18/log/calibration_filters_00.Run19101.0000.pdf"), "x");
        write(charges.join("v0.10.18/calibration_filters_00.Run19102.0000.h5"), "x");
        std::os::unix::fs::symlink("v0.10.18", charges.join("pro")).unwrap();
        let present: Vec<_> = charge.outputs.present().unwrap();
        let names: Vec<_> = present.iter().map(|f| f.strip_prefix(&charges).unwrap()).collect();
        assert_eq!(
            names,
            [
                Path::new("v0.10.18/calibration_filters_00.Run19101.0000.h5"),
                Path::new("v0.10.18/log/calibration_filters_00.Run19101.0000.pdf"),
                Path::new("v0.9.1/calibration_filters_52.Run19101.0000.h5"),
            ]
        );
    }
}
