//! The directory tree: the only place that knows where files are and what they are called.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::SiteConfig;
use crate::model::{Level, NightDate, ProdId, RunId, Subrun};

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

    /// Name of a level's file for a subrun, or of the run-wise one.
    pub fn product_name(&self, level: Level, run: RunId, subrun: Option<Subrun>) -> String {
        let p = &self.config.patterns;
        let (prefix, suffix) = match level {
            Level::Dl1 => (&p.dl1prefix, &p.dl1suffix),
            Level::Muons => (&p.muonprefix, &p.muonsuffix),
            Level::Interleaved => (&p.interleavedprefix, &p.interleavedsuffix),
            Level::Dl1ab => (&p.dl1abprefix, &p.dl1absuffix),
            Level::Datacheck => (&p.datacheckprefix, &p.datachecksuffix),
            Level::Dl2 => (&p.dl2prefix, &p.dl2suffix),
        };
        match subrun {
            Some(subrun) => format!("{prefix}.Run{run}.{subrun}{suffix}"),
            None => format!("{prefix}.Run{run}{suffix}"),
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
}
