//! The tree of calibration files.

use std::path::{Path, PathBuf};

use crate::model::{NightDate, ProdId, RunId};

use super::NightPaths;

const CALIBRATION: &str = "calibration_filters_";
const TIME: &str = "time_calibration.Run";

/// End of the name of all calibration files: they are made of a run's first subrun.
const FIRST_SUBRUN: &str = ".0000.h5";

impl NightPaths {
    /// `PEDESTAL_DIR/D`: one directory a production, and `pro`, a link to one of them.
    pub fn drs4_dir(&self, night: NightDate) -> PathBuf {
        self.config.directories.pedestal_dir.join(night.compact())
    }

    /// `drs4_pedestal.RunRRRRR.0000.h5`: the DRS4 baseline from a run.
    pub fn drs4_name(run: RunId) -> String {
        format!("drs4_pedestal.Run{run}{FIRST_SUBRUN}")
    }

    /// Check plot of the DRS4 baseline of a run of `night`.
    pub fn drs4_check_plot(&self, night: NightDate, production: &ProdId, run: RunId) -> PathBuf {
        let log = self.drs4_dir(night).join(production.as_str()).join("log");
        log.join(format!("drs4_pedestal.Run{run}.0000.pdf"))
    }

    /// `CALIB_DIR/D`: one directory a production, and `pro`, a link to one of them.
    pub fn charge_dir(&self, night: NightDate) -> PathBuf {
        self.config.directories.calib_dir.join(night.compact())
    }

    /// `calibration_filters_FF.RunRRRRR.0000.h5`: the charge calibration from a run, taken with
    /// the filter wheels in these positions.
    pub fn charge_name(run: RunId, filters: &str) -> String {
        format!("{CALIBRATION}{filters}.Run{run}{FIRST_SUBRUN}")
    }

    /// The filter wheels' positions in the name of a charge calibration file of that run.
    pub fn filters_of(name: &str, run: RunId) -> Option<&str> {
        let end = format!(".Run{run}{FIRST_SUBRUN}");
        name.strip_prefix(CALIBRATION)?.strip_suffix(end.as_str())
    }

    /// Check plot of the charge calibration of a run of `night`.
    pub fn charge_check_plot(
        &self,
        night: NightDate,
        production: &ProdId,
        run: RunId,
        filters: &str,
    ) -> PathBuf {
        let log = self.charge_dir(night).join(production.as_str()).join("log");
        log.join(format!("{CALIBRATION}{filters}.Run{run}.0000.pdf"))
    }

    /// `CALIB_BASE_DIR/drs4_time_sampling_from_FF`: time calibrations, a directory a night.
    pub fn time_calibrations(&self) -> PathBuf {
        self.config.directories.calib_base_dir.join("drs4_time_sampling_from_FF")
    }

    /// The run of a time calibration file of that name.
    pub fn run_of_time_calibration(name: &str) -> Option<RunId> {
        name.strip_prefix(TIME)?.strip_suffix(FIRST_SUBRUN)?.parse().ok()
    }

    /// `CALIB_BASE_DIR/ffactor_systematics`: systematic corrections, a directory a night.
    pub fn systematics(&self) -> PathBuf {
        self.config.directories.calib_base_dir.join("ffactor_systematics")
    }

    /// `D/pro/ffactor_systematics_D.h5` in [`systematics`](Self::systematics).
    pub fn systematics_file(&self, night: NightDate) -> PathBuf {
        let date = night.compact();
        Self::in_use(&self.systematics().join(&date)).join(format!("ffactor_systematics_{date}.h5"))
    }

    /// `pro`: the production in use, of those in a calibration's directory.
    pub fn in_use(directory: &Path) -> PathBuf {
        directory.join("pro")
    }
}
