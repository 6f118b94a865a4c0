//! Muon rings of a subrun.

use std::path::Path;

use super::error::DatacheckError;
use super::fits::BinTable;

/// A ring is contained if its containment is above this.
const CONTAINED: f64 = 0.999;

/// A muon ring, as `muons_LST-1.RunR.S.fits` has it; what the file lacks is not a number.
#[derive(Clone, Debug, PartialEq)]
pub struct MuonRing {
    /// Fraction of the ring inside the camera.
    pub containment: f64,
    /// Fraction of the ring's circumference that is lit.
    pub completeness: f64,
    /// Centre of the ring in the camera, x [m].
    pub center_x_m: f64,
    /// Centre of the ring in the camera, y [m].
    pub center_y_m: f64,
    /// Radius [deg].
    pub radius_deg: f64,
    /// Width [deg].
    pub width_deg: f64,
    /// Light in the ring [pe].
    pub size_pe: f64,
    /// Estimated efficiency of the telescope for muons.
    pub efficiency: f64,
    /// Reconstructed impact parameter [m].
    pub impact_m: f64,
    /// Sample of the high-gain waveform's peak.
    pub hg_peak_sample: f64,
}

impl MuonRing {
    /// Whether the ring lies in the camera as a whole.
    pub fn is_contained(&self) -> bool {
        self.containment > CONTAINED
    }
}

/// Reads the rings of a file; it may have none.
pub fn read_muons(file: &Path) -> Result<Vec<MuonRing>, DatacheckError> {
    let table = BinTable::read(file)?;
    let missing = vec![f64::NAN; table.rows()];
    let column = |name: &str| table.numbers(name).unwrap_or_else(|| missing.clone());
    let containment = table.numbers("ring_containment").ok_or_else(|| DatacheckError::Column {
        file: file.to_owned(),
        table: "muons".into(),
        column: "ring_containment".into(),
        problem: "missing: this is no file of muon rings".into(),
    })?;
    let (completeness, radius) = (column("ring_completeness"), column("ring_radius"));
    let (x, y) = (column("ring_center_x"), column("ring_center_y"));
    let (width, size) = (column("ring_width"), column("ring_size"));
    let (efficiency, impact) = (column("muon_efficiency"), column("impact_parameter"));
    let peak = column("hg_peak_sample");
    let ring = |row: usize| MuonRing {
        containment: containment[row],
        completeness: completeness[row],
        center_x_m: x[row],
        center_y_m: y[row],
        radius_deg: radius[row],
        width_deg: width[row],
        size_pe: size[row],
        efficiency: efficiency[row],
        impact_m: impact[row],
        hg_peak_sample: peak[row],
    };
    Ok((0..table.rows()).map(ring).collect())
}
