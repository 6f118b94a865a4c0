//! The typed view of `sequencer.cfg`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::model::{Kind, ProdId, Stage};

use super::effective::{self, EffectiveKey};
use super::{ConfigError, Ini, load, locate, version};

/// Everything this program takes from `sequencer.cfg`.
#[derive(Clone, Debug)]
pub struct SiteConfig {
    /// The file, absolute: job scripts name it.
    pub file: PathBuf,
    /// The file as it was parsed, for `osa config`.
    pub ini: Ini,
    /// Section `LST1`: where everything is.
    pub directories: Directories,
    /// `PROD_ID`; unset means the version of lstchain.
    pub prod_id: Option<ProdId>,
    /// `DL1_PROD_ID`; unset means the production itself.
    pub dl1_prod_id: Option<ProdId>,
    /// `DL2_PROD_ID`; unset means the production itself.
    pub dl2_prod_id: Option<ProdId>,
    /// Section `lstchain`.
    pub lstchain: Lstchain,
    /// Section `SLURM`.
    pub slurm: Slurm,
    /// Section `WEBSERVER`.
    pub webserver: Webserver,
    /// Section `CACHE`.
    pub cache: Cache,
    /// `[database] path`: the original's SQLite file, if set.
    pub database: Option<PathBuf>,
    /// Section `mail`.
    pub mail: Mail,
    /// Section `PATTERN`.
    pub patterns: Patterns,
    /// Section `LSTOSA`.
    pub flags: Flags,
    /// Section `OUTPUT`.
    pub output: Output,
    /// What lstchain answered, once it was asked.
    pub(super) version: Arc<OnceLock<ProdId>>,
}

impl SiteConfig {
    /// Reads `file` and checks every key that the program needs.
    ///
    /// # Errors
    /// See [`ConfigError`]: the file cannot be read or understood, a needed key is missing or
    /// empty, or a value is not what it should be.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        load::load(file)
    }

    /// The file to use: `-c`, else `$OSA_CONFIG`, else `sequencer.cfg` in the working directory,
    /// else the one in `configs/` of the program's installation.
    pub fn locate(option: Option<&Path>) -> PathBuf {
        locate::sequencer_cfg(option)
    }

    /// Every key of the file with its interpolated value, or as written where it cannot be
    /// interpolated (sections that other programs read), and then the keys with a default that
    /// the file does not set. In the order of the file; keys in its letters.
    pub fn effective(&self) -> Vec<EffectiveKey> {
        effective::keys(&self.ini)
    }

    /// The production to use where the command line names none: `PROD_ID`, else the version of
    /// lstchain with a `v` before it, asked of `python3` once and remembered.
    ///
    /// `job_path`: directories put before the PATH in which `python3` is looked for. Blocks while
    /// Python runs.
    ///
    /// # Errors
    /// [`ConfigError::Version`] if Python or lstchain is not there.
    pub fn prod_id_or_version(&self, job_path: &[PathBuf]) -> Result<ProdId, ConfigError> {
        if let Some(prod_id) = self.prod_id.as_ref().or_else(|| self.version.get()) {
            return Ok(prod_id.clone());
        }
        let version = version::of_lstchain(&self.file, job_path)?;
        Ok(self.version.get_or_init(|| version).clone())
    }

    /// The version of lstchain (`v0.10.18`), asked once; `None` if Python or lstchain is not there.
    pub fn lstchain_version(&self, job_path: &[PathBuf]) -> Option<String> {
        let ask = || version::of_lstchain(&self.file, job_path).ok();
        let known = self.version.get().cloned().or_else(ask)?;
        Some(self.version.get_or_init(|| known).to_string())
    }
}

/// The site's directories, keys of section `LST1`.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // each field is the key of that name, in lower case
pub struct Directories {
    pub r0_dir: PathBuf,
    pub drive_dir: PathBuf,
    pub run_summary_dir: PathBuf,
    pub run_catalog: PathBuf,
    pub pedestal_finder_dir: PathBuf,
    pub analysis_dir: PathBuf,
    pub calib_base_dir: PathBuf,
    pub calib_dir: PathBuf,
    pub pedestal_dir: PathBuf,
    pub dl1_dir: PathBuf,
    pub dl2_dir: PathBuf,
    pub osa_dir: PathBuf,
    pub closer_dir: PathBuf,
    pub longterm_dir: PathBuf,
    pub merged_summary: PathBuf,
    pub gain_selection_flag_dir: PathBuf,
}

/// Executables and their settings.
#[derive(Clone, Debug)]
pub struct Lstchain {
    /// Executable of each stage, as named in the configuration.
    pub executables: std::collections::BTreeMap<Stage, String>,
    /// `dl1a_config`.
    pub dl1a_config: PathBuf,
    /// `dl1b_config`.
    pub dl1b_config: PathBuf,
    /// `dl2_config`.
    pub dl2_config: PathBuf,
    /// `rf_models`: directory of the trained models.
    pub rf_models: PathBuf,
    /// `store_image_dl1ab`; without images there is no datacheck.
    pub store_image_dl1ab: bool,
    /// `merge_dl1_datacheck`.
    pub merge_dl1_datacheck: bool,
    /// `use_ff_heuristic_id`: pass `--flatfield-heuristic` to the charge calibration.
    pub use_ff_heuristic_id: bool,
    /// `use_ff_heuristic_gain_selection`: pass it to r0_to_dl1.
    pub use_ff_heuristic_gain_selection: bool,
    /// `max_tries` of a stage, at least 1.
    pub max_tries: u32,
}

/// What is asked of the scheduler.
#[derive(Clone, Debug)]
pub struct Slurm {
    /// `PARTITION_PEDCALIB` as written.
    pub partition_pedcalib: String,
    /// `PARTITION_DATA` as written.
    pub partition_data: String,
    /// `MEMSIZE_PEDCALIB`, such as `3GB`.
    pub memsize_pedcalib: String,
    /// `MEMSIZE_DATA`.
    pub memsize_data: String,
    /// `WALLTIME`, such as `1:15:00`.
    pub walltime: String,
    /// `ACCOUNT`, if set.
    pub account: Option<String>,
    /// `STARTTIME_DAYS_SACCT`: days of accounting to ask for, if set.
    pub starttime_days_sacct: Option<u32>,
}

impl Slurm {
    /// The partitions for a kind of sequence as Slurm takes them: `short, long` becomes
    /// `short,long`.
    pub fn partition(&self, kind: Kind) -> String {
        let written = match kind {
            Kind::Calibration => &self.partition_pedcalib,
            Kind::Data => &self.partition_data,
        };
        let names = written.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.collect::<Vec<_>>().join(",")
    }

    /// The memory for a kind of sequence, per processor, such as `6GB`.
    pub fn memory(&self, kind: Kind) -> &str {
        match kind {
            Kind::Calibration => &self.memsize_pedcalib,
            Kind::Data => &self.memsize_data,
        }
    }
}

/// Where datacheck files are published.
#[derive(Clone, Debug)]
pub struct Webserver {
    /// `HOST`, if set.
    pub host: Option<String>,
    /// `DATACHECK`, if set.
    pub datacheck: Option<PathBuf>,
}

/// Variables given to jobs, those that are set, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Cache(pub Vec<(String, String)>);

/// Who is written to.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    /// `recipient`, if set.
    pub recipient: Option<String>,
}

/// Prefixes and suffixes of file names.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // each field is the key of that name, in lower case
pub struct Patterns {
    pub r0prefix: String,
    pub r0suffix: String,
    pub dl1prefix: String,
    pub dl1suffix: String,
    pub dl1abprefix: String,
    pub dl1absuffix: String,
    pub datacheckprefix: String,
    pub datachecksuffix: String,
    pub muonprefix: String,
    pub muonsuffix: String,
    pub dl2prefix: String,
    pub dl2suffix: String,
    pub interleavedprefix: String,
    pub interleavedsuffix: String,
}

/// Names of flag files.
#[derive(Clone, Debug)]
pub struct Flags {
    /// `end_of_activity`: the night is closed.
    pub end_of_activity: String,
    /// `gain_selection_check`: gain selection is done.
    pub gain_selection_check: String,
}

/// The text table.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// `REPORTWIDTH`: characters of the heading frame.
    pub report_width: usize,
    /// `PADDING`: blanks after each column.
    pub padding: usize,
}
