//! What each stage uses and makes: names, roles and content types as the original has them.

use std::path::{Path, PathBuf};

use crate::model::{Level, SubrunId};
use crate::night::NightPaths;

use super::super::literal::Literal;
use super::Parameter;

const FITS: &str = "application/fits";
const HDF: &str = "application/x-hdf";
const HDF5: &str = "application/hdf5";
const PDF: &str = "application/pdf";
const MODEL: &str = "application/x-spss-sav";

/// A file that was used or made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// Name of the entity.
    pub name: &'static str,
    /// The part it plays.
    pub role: &'static str,
    /// Media type.
    pub content_type: &'static str,
    /// Its path as the original has it: where the file is once the night is closed.
    pub path: PathBuf,
    /// Where it really is once the night is closed, if that is another place.
    pub actual: Option<PathBuf>,
    /// Where it is now, if that is yet another place.
    pub now: Option<PathBuf>,
}

impl FileRecord {
    fn new(
        name: &'static str,
        role: &'static str,
        content_type: &'static str,
        path: &Path,
    ) -> Self {
        Self { name, role, content_type, path: path.to_owned(), actual: None, now: None }
    }

    fn now(self, now: PathBuf) -> Self {
        Self { now: Some(now), ..self }
    }

    fn actual(self, actual: PathBuf) -> Self {
        Self { actual: Some(actual), ..self }
    }

    /// Where it can be read now.
    pub fn at_hand(&self) -> &Path {
        self.now.as_ref().or(self.actual.as_ref()).unwrap_or(&self.path)
    }
}

/// Everything that a stage used and made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Files {
    /// Settings other than files.
    pub parameters: Vec<Parameter>,
    /// Files used, in order.
    pub used: Vec<FileRecord>,
    /// Files made, in order.
    pub generated: Vec<FileRecord>,
}

/// A stage of the calibration: its raw file, its product and the check plot.
#[derive(Clone, Copy, Debug)]
pub struct CalibrationRun<'a> {
    /// First subrun of the run.
    pub raw: &'a Path,
    /// The DRS4 baseline: made by the first stage, used by the second.
    pub drs4: &'a Path,
    /// What the stage makes; for the first stage the DRS4 baseline itself.
    pub product: &'a Path,
    /// The plot to check it by.
    pub check_plot: &'a Path,
}

/// Files that the reduction of raw data uses besides them.
#[derive(Clone, Debug)]
pub struct DataInputs<'a> {
    /// DRS4 baseline.
    pub drs4: &'a Path,
    /// Charge calibration.
    pub calibration: &'a Path,
    /// Time calibration.
    pub time: &'a Path,
    /// Systematic corrections.
    pub systematics: &'a Path,
    /// Pointing of the telescope.
    pub drive_log: &'a Path,
    /// The night's run summary.
    pub run_summary: &'a Path,
    /// Ids of interleaved pedestal events, if there are any.
    pub pedestal_ids: Option<&'a Path>,
}

impl Files {
    /// The DRS4 baseline.
    pub fn drs4_pedestal(run: CalibrationRun<'_>) -> Self {
        Self {
            parameters: Vec::new(),
            used: vec![raw("Subrun for pedestal", run.raw)],
            generated: vec![
                FileRecord::new("PedestalFile", "Pedestal", HDF, run.product),
                FileRecord::new(
                    "PedestalCheckPlot",
                    "Check plot for pedestal",
                    PDF,
                    run.check_plot,
                ),
            ],
        }
    }

    /// The charge calibration.
    pub fn calibrate_charge(run: CalibrationRun<'_>) -> Self {
        let (name, role) = ("CoefficientsCalibrationFile", "Coefficients calibration file");
        let (plot, plot_role) = ("CalibrationCheckPlot", "Check plot for calibration");
        Self {
            parameters: Vec::new(),
            used: vec![
                raw("Subrun for calibration", run.raw),
                FileRecord::new("PedestalFile", "Pedestal file", HDF, run.drs4),
            ],
            generated: vec![
                FileRecord::new(name, role, HDF, run.product),
                FileRecord::new(plot, plot_role, PDF, run.check_plot),
            ],
        }
    }

    /// Raw data to DL1a and muons. The original names a muon file even where lstchain wrote none.
    pub fn r0_to_dl1(paths: &NightPaths, id: SubrunId, inputs: &DataInputs<'_>) -> Self {
        let file = |name, role, path| FileRecord::new(name, role, HDF, path);
        let raw = paths.r0_file(id.run, id.subrun);
        let mut used = vec![
            FileRecord::new("R0SubrunDataset", "Observation subrun", FITS, &raw),
            file("PedestalFile", "Pedestal file", inputs.drs4),
            file(
                "CoefficientsCalibrationFile",
                "Coefficients calibration file",
                inputs.calibration,
            ),
            file("TimeCalibrationFile", "Time calibration file", inputs.time),
            file(
                "SystematicCorrectionFile",
                "Systematic correction factor file",
                inputs.systematics,
            ),
            FileRecord::new("PointingFile", "Pointing file", "text/plain", inputs.drive_log),
        ];
        let (name, role) = ("InterleavedPedestalEventsFile", "Interleaved pedestal events file");
        used.extend(inputs.pedestal_ids.map(|ids| file(name, role, ids)));
        let summary = inputs.run_summary;
        used.push(FileRecord::new("RunSummaryFile", "Run summary", "application/ecsv", summary));
        let generated = vec![dl1a(paths, id, "DL1 subrun dataset"), muons(paths, id)];
        Self { parameters: Vec::new(), used, generated }
    }

    /// DL1a to DL1b.
    pub fn dl1ab(paths: &NightPaths, id: SubrunId) -> Self {
        let lstchain = &paths.config.lstchain;
        Self {
            parameters: vec![("StoreImage", Literal::Bool(lstchain.store_image_dl1ab))],
            used: vec![dl1a(paths, id, "DL1 subrun dataset"), configuration(&lstchain.dl1b_config)],
            generated: vec![dl1b(paths, id, "DL1AB subrun dataset")],
        }
    }

    /// Datacheck of DL1b. The original also names the run-wise files, which are merged later.
    pub fn dl1_datacheck(paths: &NightPaths, id: SubrunId) -> Self {
        let check = |name, role, content_type, file_name: &str| {
            let level = Level::Dl1ab;
            let file = FileRecord::new(name, role, content_type, &closed(paths, level, file_name));
            file.actual(closed(paths, Level::Datacheck, file_name))
        };
        let merged = paths.product_name(Level::Datacheck, id.run, None);
        let plots = Path::new(&merged).with_extension("pdf").to_string_lossy().into_owned();
        let own = paths.product_name(Level::Datacheck, id.run, Some(id.subrun));
        let now = paths.running_dir(Level::Datacheck).join(&own);
        let (name, role) = ("DL1CheckSubrunDataset", "DL1Check subrun dataset");
        Self {
            parameters: Vec::new(),
            used: vec![dl1b(paths, id, "DL1AB subrun dataset"), muons(paths, id)],
            generated: vec![
                check("DL1CheckHDF5File", "DL1Check HDF5 file", HDF5, &merged),
                check("DL1CheckPDFFile", "DL1Check PDF file", PDF, &plots),
                check(name, role, HDF, &own).now(now),
            ],
        }
    }

    /// DL1b to DL2. The original also names the run-wise file, which is merged later.
    pub fn dl1_to_dl2(paths: &NightPaths, id: SubrunId) -> Self {
        const MODELS: [(&str, &str); 4] = [
            ("RFModelEnergyFile", "reg_energy.sav"),
            ("RFModelDispNormFile", "reg_disp_norm.sav"),
            ("RFModelDispSignFile", "reg_disp_sign.sav"),
            ("RFModelGammanessFile", "cls_gh.sav"),
        ];
        let lstchain = &paths.config.lstchain;
        let models = MODELS
            .map(|(name, file)| FileRecord::new(name, name, MODEL, &lstchain.rf_models.join(file)));
        let merged = closed(paths, Level::Dl2, &paths.product_name(Level::Dl2, id.run, None));
        let own = product(paths, Level::Dl2, id, "DL2SubrunDataset", "DL2 subrun dataset", HDF);
        let mut used = vec![dl1b(paths, id, "DL1 subrun dataset")];
        used.extend(models);
        used.push(configuration(&lstchain.dl2_config));
        let merged = FileRecord::new("DL2MergedFile", "DL2 merged file", HDF5, &merged);
        Self { parameters: Vec::new(), used, generated: vec![merged, own] }
    }
}

/// A raw file of the calibration. The original names it without its subrun.
fn raw(role: &'static str, file: &Path) -> FileRecord {
    let name = file.file_name().map(|name| name.to_string_lossy().replacen(".0000.", ".", 1));
    let path = name.map_or_else(|| file.to_owned(), |name| file.with_file_name(name));
    FileRecord::new("RawObservationFile", role, FITS, &path).actual(file.to_owned())
}

fn configuration(file: &Path) -> FileRecord {
    let role = "Analysis configuration file";
    FileRecord::new("AnalysisConfigFile", role, "application/json", file)
}

/// A file of a level's final directory.
fn closed(paths: &NightPaths, level: Level, name: &str) -> PathBuf {
    paths.final_dir(level).unwrap_or_else(|| paths.running_dir(level)).join(name)
}

/// A level's file of a subrun.
fn product(
    paths: &NightPaths,
    level: Level,
    id: SubrunId,
    name: &'static str,
    role: &'static str,
    content_type: &'static str,
) -> FileRecord {
    let file = paths.product_name(level, id.run, Some(id.subrun));
    let now = paths.running_dir(level).join(&file);
    FileRecord::new(name, role, content_type, &closed(paths, level, &file)).now(now)
}

/// DL1a and DL1b bear the same name and, to the original, the same path: the final one of DL1b.
fn dl1a(paths: &NightPaths, id: SubrunId, role: &'static str) -> FileRecord {
    let file = paths.product_name(Level::Dl1, id.run, Some(id.subrun));
    let path = closed(paths, Level::Dl1ab, &file);
    let now = paths.running_dir(Level::Dl1).join(&file);
    FileRecord::new("DL1SubrunDataset", role, HDF, &path).now(now)
}

fn dl1b(paths: &NightPaths, id: SubrunId, role: &'static str) -> FileRecord {
    product(paths, Level::Dl1ab, id, "DL1SubrunDataset", role, HDF)
}

fn muons(paths: &NightPaths, id: SubrunId) -> FileRecord {
    let (name, role) = ("MuonsSubrunDataset", "Muons subrun dataset");
    product(paths, Level::Muons, id, name, role, FITS)
}
