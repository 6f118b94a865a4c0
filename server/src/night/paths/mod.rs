//! The directory tree: the only place that knows where files are and what they are called.

mod calibration;
mod job_log;

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::SiteConfig;
use crate::model::{JobId, Level, NightDate, ProdId, RunId, Subrun};

pub use job_log::{JobLog, Stream};

const RUN_SUMMARY: &str = "RunSummary_";
const ECSV: &str = ".ecsv";

/// Where one night's files are, for one production.
#[derive(Clone, Debug)]
pub struct NightPaths {
    /// The configuration they come from.
    pub config: Arc<SiteConfig>,
    /// The night.
    pub date: NightDate,
    /// The production.
    pub prod_id: ProdId,
}

impl NightPaths {
    /// The files of a night and production.
    pub fn new(config: Arc<SiteConfig>, date: NightDate, prod_id: ProdId) -> Self {
        Self { config, date, prod_id }
    }

    /// The files of another night, of the same production.
    #[must_use]
    pub fn of_night(&self, date: NightDate) -> Self {
        Self { date, ..self.clone() }
    }

    /// `R0_DIR/D`: the night's raw files.
    pub fn r0_dir(&self) -> PathBuf {
        self.config.directories.r0_dir.join(self.date.compact())
    }

    /// `R0_DIR/D/LST-1.1.RunRRRRR.SSSS.fits.fz`: the raw file of a subrun (its first stream).
    pub fn r0_file(&self, run: RunId, subrun: Subrun) -> PathBuf {
        let p = &self.config.patterns;
        self.r0_dir().join(format!("{}.Run{run}.{subrun}{}", p.r0prefix, p.r0suffix))
    }

    /// `RUN_SUMMARY_DIR/RunSummary_D.ecsv`.
    pub fn run_summary(&self) -> PathBuf {
        let name = format!("{RUN_SUMMARY}{}{ECSV}", self.date.compact());
        self.config.directories.run_summary_dir.join(name)
    }

    /// The night of a run summary of that name; `None` if it is something else.
    pub fn night_of_run_summary(name: &str) -> Option<NightDate> {
        let date = name.strip_prefix(RUN_SUMMARY)?.strip_suffix(ECSV)?;
        NightDate::from_compact(date).ok()
    }

    /// `RUN_CATALOG/RunCatalog_D.ecsv`: sources of the runs; may be missing.
    pub fn run_catalogue(&self) -> PathBuf {
        let name = format!("RunCatalog_{}{ECSV}", self.date.compact());
        self.config.directories.run_catalog.join(name)
    }

    /// `DRIVE_DIR/DrivePosition_log_D.txt`.
    pub fn drive_log(&self) -> PathBuf {
        let name = format!("DrivePosition_log_{}.txt", self.date.compact());
        self.config.directories.drive_dir.join(name)
    }

    /// `PEDESTAL_FINDER_DIR/D/pedestal_ids_RunRRRRR.SSSS.h5`: ids of interleaved pedestals; may be
    /// missing.
    pub fn pedestal_ids(&self, run: RunId, subrun: Subrun) -> PathBuf {
        self.pedestal_ids_dir().join(format!("pedestal_ids_Run{run}.{subrun}.h5"))
    }

    /// `PEDESTAL_FINDER_DIR/D`.
    pub fn pedestal_ids_dir(&self) -> PathBuf {
        self.config.directories.pedestal_finder_dir.join(self.date.compact())
    }

    /// `GAIN_SELECTION_FLAG_DIR/D/GainSelFinished.txt`: gain selection is done.
    pub fn gain_selection_finished(&self) -> PathBuf {
        self.config
            .directories
            .gain_selection_flag_dir
            .join(self.date.compact())
            .join(&self.config.flags.gain_selection_check)
    }

    /// `ANALYSIS_DIR/D/P`: scripts, histories, flags, DL1a, muons.
    pub fn analysis_dir(&self) -> PathBuf {
        self.config.directories.analysis_dir.join(self.date.compact()).join(self.prod_id.as_str())
    }

    /// The sub-production of DL1b and datacheck.
    pub fn dl1_prod_id(&self) -> &ProdId {
        self.config.dl1_prod_id.as_ref().unwrap_or(&self.prod_id)
    }

    /// The sub-production of DL2.
    pub fn dl2_prod_id(&self) -> &ProdId {
        self.config.dl2_prod_id.as_ref().unwrap_or(&self.prod_id)
    }

    /// `log/` of the analysis directory: standard output and error of jobs.
    pub fn log_dir(&self) -> PathBuf {
        self.analysis_dir().join("log")
    }

    /// `prov.log` of the analysis directory: what every stage used and made.
    pub fn provenance_log(&self) -> PathBuf {
        self.analysis_dir().join("prov.log")
    }

    /// `decisions_D.json` of the analysis directory: what people have decided about the night's runs,
    /// a copy of what our database holds.
    pub fn decisions(&self) -> PathBuf {
        self.analysis_dir().join(format!("decisions_{}.json", self.date.compact()))
    }

    /// `log/job_information.csv`: the accounting of the night's jobs.
    pub fn job_information(&self) -> PathBuf {
        self.log_dir().join("job_information.csv")
    }

    /// Directory in which a level's subrun files are while the night is processed.
    pub fn running_dir(&self, level: Level) -> PathBuf {
        match level {
            Level::Dl1 | Level::Muons | Level::Interleaved => self.analysis_dir(),
            Level::Dl1ab | Level::Datacheck => {
                self.analysis_dir().join(self.dl1_prod_id().as_str())
            }
            Level::Dl2 => self.analysis_dir().join(self.dl2_prod_id().as_str()),
        }
    }

    /// Directory in which a level's files are once the night is closed; DL1a files have none.
    pub fn final_dir(&self, level: Level) -> Option<PathBuf> {
        let base = |root: &PathBuf| root.join(self.date.compact()).join(self.prod_id.as_str());
        let dl1 = base(&self.config.directories.dl1_dir);
        match level {
            Level::Dl1 => None,
            Level::Muons => Some(dl1.join("muons")),
            Level::Interleaved => Some(dl1.join("interleaved")),
            Level::Dl1ab => Some(dl1.join(self.dl1_prod_id().as_str())),
            Level::Datacheck => Some(dl1.join(self.dl1_prod_id().as_str()).join("datacheck")),
            Level::Dl2 => {
                Some(base(&self.config.directories.dl2_dir).join(self.dl2_prod_id().as_str()))
            }
        }
    }

    /// Directory of a level's run-wise provenance once the night is closed: `log/` beside the final
    /// DL1b or DL2 files.
    pub fn final_log_dir(&self, level: Level) -> Option<PathBuf> {
        match level {
            Level::Dl1ab | Level::Dl2 => self.final_dir(level).map(|dir| dir.join("log")),
            Level::Dl1 | Level::Muons | Level::Interleaved | Level::Datacheck => None,
        }
    }

    /// `LONGTERM_DIR/P/D`: the night's long-term datacheck.
    pub fn longterm_dir(&self) -> PathBuf {
        let root = &self.config.directories.longterm_dir;
        root.join(self.prod_id.as_str()).join(self.date.compact())
    }

    /// `LONGTERM_DIR/P/D/DL1_datacheck_D.EXTENSION` (`h5`, `html` or `log`).
    pub fn longterm_file(&self, extension: &str) -> PathBuf {
        self.longterm_dir().join(format!("DL1_datacheck_{}.{extension}", self.date.compact()))
    }

    /// `LONGTERM_DIR/night_wise/all/DL1_datacheck_D.h5`: link to the newest version.
    pub fn longterm_link(&self) -> PathBuf {
        let name = format!("DL1_datacheck_{}.h5", self.date.compact());
        self.config.directories.longterm_dir.join("night_wise/all").join(name)
    }

    /// Name of a level's file for a subrun, or of the run-wise one.
    pub fn product_name(&self, level: Level, run: RunId, subrun: Option<Subrun>) -> String {
        let (prefix, suffix) = self.product_affixes(level);
        match subrun {
            Some(subrun) => format!("{prefix}.Run{run}.{subrun}{suffix}"),
            None => format!("{prefix}.Run{run}{suffix}"),
        }
    }

    /// What stands before and after run and subrun in the names of a level's files.
    pub fn product_affixes(&self, level: Level) -> (&str, &str) {
        let p = &self.config.patterns;
        match level {
            Level::Dl1 => (&p.dl1prefix, &p.dl1suffix),
            Level::Muons => (&p.muonprefix, &p.muonsuffix),
            Level::Interleaved => (&p.interleavedprefix, &p.interleavedsuffix),
            Level::Dl1ab => (&p.dl1abprefix, &p.dl1absuffix),
            Level::Datacheck => (&p.datacheckprefix, &p.datachecksuffix),
            Level::Dl2 => (&p.dl2prefix, &p.dl2suffix),
        }
    }

    /// `sequence_LST1_RRRRR.sh`: the job script.
    pub fn script(&self, run: RunId) -> PathBuf {
        self.analysis_dir().join(format!("sequence_LST1_{run}.sh"))
    }

    /// History of the calibration (`subrun` `None`) or of a subrun.
    pub fn history(&self, run: RunId, subrun: Option<Subrun>) -> PathBuf {
        self.sequence_file(run, subrun, "history")
    }

    /// `.veto`, `.closed` or `.history` of a sequence or subrun.
    pub fn sequence_file(&self, run: RunId, subrun: Option<Subrun>, suffix: &str) -> PathBuf {
        let name = match subrun {
            Some(subrun) => format!("sequence_LST1_{run}.{subrun}.{suffix}"),
            None => format!("sequence_LST1_{run}.{suffix}"),
        };
        self.analysis_dir().join(name)
    }

    /// `CLOSER_DIR/D/P/NightFinished.txt`.
    pub fn night_finished(&self) -> PathBuf {
        self.config
            .directories
            .closer_dir
            .join(self.date.compact())
            .join(self.prod_id.as_str())
            .join(&self.config.flags.end_of_activity)
    }

    /// `Manifest_D.json` beside the night's flag: every file that was put in its place.
    pub fn manifest(&self) -> PathBuf {
        self.night_finished().with_file_name(format!("Manifest_{}.json", self.date.compact()))
    }

    /// `NAME.sh` in the analysis directory: the script of a closing's job.
    pub fn closing_script(&self, name: &str) -> PathBuf {
        self.analysis_dir().join(format!("{name}.sh"))
    }

    /// The pattern that tells the scheduler the log file's name of a closing's job, relative to the
    /// analysis directory.
    pub fn closing_log_pattern(name: &str, extension: &str) -> String {
        format!("log/{name}_jobid_%A.{extension}")
    }

    /// Name of the log of a closing's job, without directory and extension.
    pub fn closing_log_name(name: &str, job: JobId) -> String {
        format!("{name}_jobid_{job}")
    }

    /// The log of a closing's job, without extension (`.out`, `.err`).
    pub fn closing_log(&self, name: &str, job: JobId) -> PathBuf {
        self.log_dir().join(Self::closing_log_name(name, job))
    }
}
