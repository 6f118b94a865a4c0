//! The stages of a subrun: argument lists exactly as the original's.

use std::path::{Path, PathBuf};

use crate::model::{Kind, Level, Stage, SubrunId};
use crate::night::NightPaths;

use super::work::{Need, Outputs, Product, Work, Written, name_of, option};
use super::{Step, Trace, chain};

/// What a subrun is calibrated with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// Baseline of the DRS4 chips.
    pub drs4: PathBuf,
    /// Charge calibration.
    pub calibration: PathBuf,
    /// Time calibration.
    pub time: PathBuf,
    /// Systematic corrections.
    pub systematics: PathBuf,
    /// Drive log, where the telescope pointed.
    pub drive_log: PathBuf,
    /// Run summary, for the reference times.
    pub run_summary: PathBuf,
    /// Ids of interleaved pedestal events, if they are known.
    pub pedestal_ids: Option<PathBuf>,
}

/// The stages of a subrun in their order; `dl2` tells whether DL2 is made.
pub fn data_works(paths: &NightPaths, id: SubrunId, inputs: &Inputs, dl2: bool) -> Vec<Work> {
    let builder = Builder { paths, id, inputs };
    chain(paths, Kind::Data, dl2).into_iter().map(|step| builder.work(step)).collect()
}

struct Builder<'a> {
    paths: &'a NightPaths,
    id: SubrunId,
    inputs: &'a Inputs,
}

/// The part of a stage that is its own.
struct Own {
    arguments: Vec<std::ffi::OsString>,
    input: PathBuf,
    config: Option<PathBuf>,
    needs: Vec<Need>,
    outputs: Vec<Product>,
}

impl Builder<'_> {
    fn work(&self, step: Step) -> Work {
        let own = match step.stage {
            Stage::Dl1ab => self.dl1ab(),
            Stage::CheckDl1 => self.check_dl1(),
            Stage::Dl1ToDl2 => self.dl1_to_dl2(),
            // The stages of the calibration are none of a subrun.
            Stage::R0ToDl1 | Stage::Drs4Baseline | Stage::ChargeCalibration => self.r0_to_dl1(),
        };
        let executables = &self.paths.config.lstchain.executables;
        let trace = Trace::subrun(step.stage, self.paths, self.id, self.inputs);
        Work {
            program: executables.get(&step.stage).cloned().unwrap_or_default(),
            step,
            arguments: own.arguments,
            input: name_of(&own.input),
            config: own.config.as_deref().and_then(name_of),
            needs: own.needs,
            outputs: Outputs::Subrun(own.outputs),
            second_chance: None,
            trace,
        }
    }

    fn file(&self, level: Level) -> PathBuf {
        let name = self.paths.product_name(level, self.id.run, Some(self.id.subrun));
        self.paths.running_dir(level).join(name)
    }

    fn product(&self, level: Level, written: Written) -> Product {
        let name = self.paths.product_name(level, self.id.run, Some(self.id.subrun));
        let closed = self.paths.final_dir(level).map(|directory| directory.join(name));
        Product { file: self.file(level), closed, written }
    }

    fn r0_to_dl1(&self) -> Own {
        let (paths, inputs) = (self.paths, self.inputs);
        let raw = paths.r0_file(self.id.run, self.id.subrun);
        let config = paths.config.lstchain.dl1a_config.clone();
        let mut arguments = vec![
            option("input-file", &raw),
            option("output-dir", paths.running_dir(Level::Dl1)),
            option("pedestal-file", &inputs.drs4),
            option("calibration-file", &inputs.calibration),
            option("time-calibration-file", &inputs.time),
            option("systematic-correction-file", &inputs.systematics),
            option("config", &config),
            option("pointing-file", &inputs.drive_log),
            option("run-summary-path", &inputs.run_summary),
        ];
        let ids = inputs.pedestal_ids.as_ref();
        arguments.extend(ids.map(|ids| option("pedestal-ids-path", ids)));
        let calibrated = "run calibration_pipeline for the night, or name another file";
        let site = "see whether the file has been copied here and the path is right";
        Own {
            needs: vec![
                need(
                    "the raw file",
                    &raw,
                    "see whether R0_DIR is right and the transfer has ended",
                ),
                need("the DRS4 baseline (--drs4-pedestal-file)", &inputs.drs4, calibrated),
                need("the charge calibration (--pedcal-file)", &inputs.calibration, calibrated),
                need("the time calibration (--time-calib-file)", &inputs.time, site),
                need(
                    "the systematic correction (--systematic-correction-file)",
                    &inputs.systematics,
                    site,
                ),
                need("the drive log (--drive-file)", &inputs.drive_log, site),
                need("the run summary (--run-summary)", &inputs.run_summary, site),
                configuration("[lstchain] dl1a_config", &config),
            ],
            arguments,
            input: raw,
            config: Some(config),
            outputs: vec![
                self.product(Level::Dl1, Written::Always),
                self.product(Level::Muons, Written::Sometimes),
                self.product(Level::Interleaved, Written::Sometimes),
            ],
        }
    }

    fn dl1ab(&self) -> Own {
        let lstchain = &self.paths.config.lstchain;
        let (input, config) = (self.file(Level::Dl1), lstchain.dl1b_config.clone());
        let mut arguments = vec![
            option("input-file", &input),
            option("output-file", self.file(Level::Dl1ab)),
            option("config", &config),
        ];
        if !lstchain.store_image_dl1ab {
            arguments.push(option("no-image", "True"));
        }
        Own {
            arguments,
            input,
            needs: vec![configuration("[lstchain] dl1b_config", &config)],
            config: Some(config),
            outputs: vec![self.product(Level::Dl1ab, Written::Always)],
        }
    }

    fn check_dl1(&self) -> Own {
        let input = self.file(Level::Dl1ab);
        Own {
            arguments: vec![
                option("input-file", &input),
                option("output-dir", self.paths.running_dir(Level::Datacheck)),
                option("muons-dir", self.paths.running_dir(Level::Muons)),
                "--omit-pdf".into(),
                "--batch".into(),
            ],
            input,
            config: None,
            needs: Vec::new(),
            outputs: vec![self.product(Level::Datacheck, Written::Always)],
        }
    }

    fn dl1_to_dl2(&self) -> Own {
        let lstchain = &self.paths.config.lstchain;
        let (input, config) = (self.file(Level::Dl1ab), lstchain.dl2_config.clone());
        Own {
            arguments: vec![
                option("input-file", &input),
                option("output-dir", self.paths.running_dir(Level::Dl2)),
                option("path-models", &lstchain.rf_models),
                option("config", &config),
            ],
            input,
            needs: vec![
                configuration("[lstchain] rf_models", &lstchain.rf_models),
                configuration("[lstchain] dl2_config", &config),
            ],
            config: Some(config),
            // lstchain writes none if no event is left after its filters, and ends well.
            outputs: vec![self.product(Level::Dl2, Written::Usually)],
        }
    }
}

fn need(what: &'static str, file: &Path, hint: &'static str) -> Need {
    Need { what, file: file.to_owned(), hint }
}

fn configuration(what: &'static str, file: &Path) -> Need {
    need(what, file, "correct the key in sequencer.cfg, or put the file there")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SiteConfig;

    /// The golden site, its configuration changed as wanted.
    fn paths(change: impl FnOnce(&mut SiteConfig)) -> NightPaths {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/sequencer.cfg");
        let mut config = SiteConfig::load(Path::new(file)).unwrap();
        change(&mut config);
        let (date, prod_id) = ("2024-11-28".parse().unwrap(), "v0.1.0".parse().unwrap());
        NightPaths::new(config.into(), date, prod_id)
    }

    fn works(paths: &NightPaths, pedestal_ids: Option<PathBuf>, dl2: bool) -> Vec<Work> {
        let inputs = Inputs {
            drs4: "/calib/drs4_pedestal.Run19100.0000.h5".into(),
            calibration: "/calib/calibration_filters_52.Run19101.0000.h5".into(),
            time: "/calib/time_calibration.Run04211.0000.h5".into(),
            systematics: "/calib/ffactor_systematics_20240201.h5".into(),
            drive_log: paths.drive_log(),
            run_summary: paths.run_summary(),
            pedestal_ids,
        };
        data_works(paths, "19102.0003".parse().unwrap(), &inputs, dl2)
    }

    fn command_lines(works: &[Work]) -> String {
        let line = |work: &Work| work.command_line().replace(" -", "\n  -");
        works.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn arguments_are_the_originals() {
        let works = works(&paths(|_| ()), Some("/ids/pedestal_ids_Run19102.0003.h5".into()), true);
        insta::assert_snapshot!(command_lines(&works));
    }

    #[test]
    fn without_images_there_is_no_datacheck() {
        let paths = paths(|config| config.lstchain.store_image_dl1ab = false);
        let works = works(&paths, None, true);
        let stages: Vec<_> = works.iter().map(|work| work.step.stage).collect();
        assert_eq!(stages, [Stage::R0ToDl1, Stage::Dl1ab, Stage::Dl1ToDl2]);
        assert_eq!(works[1].arguments.last().unwrap(), "--no-image=True");
        assert!(!command_lines(&works).contains("pedestal-ids"));
    }

    #[test]
    fn without_dl2_the_datacheck_is_the_last() {
        let works = works(&paths(|_| ()), None, false);
        assert_eq!(works.last().unwrap().step.stage, Stage::CheckDl1);
    }

    #[test]
    fn sub_productions_have_their_own_directories_and_names_in_the_history() {
        let found: Vec<_> = works(&paths(|_| ()), None, true)
            .into_iter()
            .map(|work| {
                let Outputs::Subrun(products) = work.outputs else { panic!("no subrun's outputs") };
                let files: Vec<_> = products.iter().map(|p| p.file.display().to_string()).collect();
                (work.step.prod_id.to_string(), work.input, work.config, files)
            })
            .collect();
        insta::assert_debug_snapshot!(found);
    }
}
