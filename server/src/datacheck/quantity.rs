//! The quantities by which a run is judged, and where they come from.

use serde::{Deserialize, Serialize};

use super::night::{NightData, PixelFrame};

macro_rules! quantities {
    ($($(#[$about:meta])* $variant:ident = $key:literal, $title:literal, $unit:literal, $sheet:literal / $figure:literal;)*) => {
        /// A quantity by which a run is judged.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Quantity { $($(#[$about])* #[serde(rename = $key)] $variant,)* }

        impl Quantity {
            /// All of them.
            pub const ALL: [Self; [$($key),*].len()] = [$(Self::$variant),*];

            /// Its permanent name, as in the file of thresholds.
            pub fn key(self) -> &'static str {
                match self { $(Self::$variant => $key,)* }
            }

            /// What it is.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// Its unit; empty if it has none.
            pub fn unit(self) -> &'static str {
                match self { $(Self::$variant => $unit,)* }
            }

            /// The sheet of a run's figures that shows it.
            pub fn sheet(self) -> &'static str {
                match self { $(Self::$variant => $sheet,)* }
            }

            /// The figure on that sheet.
            pub fn figure(self) -> &'static str {
                match self { $(Self::$variant => $figure,)* }
            }
        }
    };
}

quantities! {
    /// Interleaved pedestals a second.
    PedestalRate = "pedestal_rate", "Rate of interleaved pedestals", "Hz", "rates" / "rate";
    /// Interleaved flat-field events a second.
    FlatfieldRate = "flatfield_rate", "Rate of interleaved flat-field events", "Hz", "rates" / "rate";
    /// Cosmics a second.
    CosmicsRate = "cosmics_rate", "Rate of cosmics", "Hz", "rates" / "rate";
    /// Contained muon rings a second.
    MuonRate = "muon_rate", "Rate of contained muon rings", "Hz", "muon-rings" / "rate";
    /// Telescope efficiency from muons.
    MuonEfficiency = "muon_efficiency", "Telescope efficiency from muon rings", "", "muon-efficiency" / "efficiency";
    /// Width of muon rings.
    MuonWidth = "muon_width", "Width of muon rings", "deg", "muon-shapes" / "width";
    /// Light in muon rings.
    MuonIntensity = "muon_intensity", "Intensity of muon rings", "pe", "muon-shapes" / "intensity";
    /// Peak sample of the high gain in muon rings.
    MuonPeakSample = "muon_peak_sample", "Peak sample of muon rings", "", "muon-efficiency" / "peak-sample";
    /// Fraction of pedestals that survive cleaning.
    PedestalSurvival = "pedestal_survival", "Fraction of pedestals that survive cleaning", "", "rates" / "cleaning";
    /// Flat-field charge, mean over the camera.
    FlatfieldCharge = "flatfield_charge", "Flat-field charge, camera mean", "pe", "flatfield-charge" / "mean-distribution";
    /// Its standard deviation.
    FlatfieldChargeStd = "flatfield_charge_std", "Flat-field charge std dev, camera mean", "pe", "flatfield-charge" / "std-distribution";
    /// Flat-field time, mean over the camera.
    FlatfieldTime = "flatfield_time", "Flat-field time, camera mean", "ns", "flatfield-time" / "mean-distribution";
    /// Its standard deviation.
    FlatfieldTimeStd = "flatfield_time_std", "Flat-field time std dev, camera mean", "ns", "flatfield-time" / "std-distribution";
    /// Standard deviation of the relative time.
    FlatfieldRelTimeStd = "flatfield_relative_time_std", "Flat-field relative time std dev, camera mean", "ns", "flatfield-relative-time" / "std-distribution";
    /// Pulses above 30 pe a second and pixel, in cosmics.
    CosmicsRateAbove30 = "cosmics_rate_above_30", "Rate of pulses > 30 pe, camera mean", "Hz", "cosmics-pulses-by-subrun" / "above-30";
    /// Jumps of the UCTS time.
    UctsJumps = "ucts_jumps", "Jumps of the UCTS time", "", "rates" / "ucts";
    /// Pedestal charge: standard deviation.
    PixelPedestalStd = "pixel.pedestal_charge_std", "Pedestal charge std dev", "pe", "pedestal-charge" / "std-map";
    /// Flat-field charge.
    PixelFlatfieldCharge = "pixel.flatfield_charge", "Flat-field charge", "pe", "flatfield-charge" / "mean-map";
    /// Flat-field relative time.
    PixelFlatfieldRelTime = "pixel.flatfield_relative_time", "Flat-field relative time", "ns", "flatfield-relative-time" / "mean-map";
    /// Its standard deviation.
    PixelFlatfieldRelTimeStd = "pixel.flatfield_relative_time_std", "Flat-field relative time std dev", "ns", "flatfield-relative-time" / "std-map";
    /// Pulses above 30 pe a second, in cosmics.
    PixelCosmicsRateAbove30 = "pixel.cosmics_rate_above_30", "Rate of pulses > 30 pe in cosmics", "Hz", "cosmics-pulses" / "above-30-map";
}

impl Quantity {
    /// Whether it has a value a pixel.
    pub fn is_by_pixel(self) -> bool {
        self.key().starts_with("pixel.")
    }

    /// The quantity of this permanent name.
    pub fn by_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|quantity| quantity.key() == key)
    }

    /// The sheet of a night's figures that shows it, and the figure on it.
    pub fn of_night(self) -> (&'static str, String) {
        let sheet = match self {
            Self::PedestalRate | Self::FlatfieldRate | Self::CosmicsRate | Self::MuonRate => {
                "rates"
            }
            Self::UctsJumps => "unknown-tags",
            Self::MuonEfficiency | Self::MuonWidth | Self::MuonIntensity | Self::MuonPeakSample => {
                "muons"
            }
            Self::PedestalSurvival => "pedestal-averages",
            Self::FlatfieldCharge
            | Self::FlatfieldChargeStd
            | Self::FlatfieldTime
            | Self::FlatfieldTimeStd
            | Self::FlatfieldRelTimeStd => "flatfield-averages",
            Self::CosmicsRateAbove30 => "cosmics-averages",
            // Pixels are shown as those of a run are.
            _ => return (self.sheet(), self.figure().to_owned()),
        };
        (sheet, self.key().replace('_', "-"))
    }

    /// Its value for each run of a night; not a number where there is none.
    pub fn of_runs(self, night: &NightData) -> Vec<f64> {
        let column = |name: &str| night.runs.column(name);
        let ratio = |a: &str, b: &str| -> Vec<f64> {
            column(a).into_iter().zip(column(b)).map(|(a, b)| a / b).collect()
        };
        match self {
            Self::PedestalRate => ratio("num_pedestals", "elapsed_time"),
            Self::FlatfieldRate => ratio("num_flatfield", "elapsed_time"),
            Self::CosmicsRate => ratio("num_cosmics", "elapsed_time"),
            Self::MuonRate => ratio("num_contained_mu_rings", "elapsed_time"),
            Self::MuonEfficiency => column("mu_effi_mean"),
            Self::MuonWidth => column("mu_width_mean"),
            Self::MuonIntensity => column("mu_intensity_mean"),
            Self::MuonPeakSample => column("mu_hg_peak_sample_mean"),
            Self::PedestalSurvival => ratio("num_pedestals_after_cleaning", "num_pedestals"),
            Self::FlatfieldCharge => column("ff_charge_mean"),
            Self::FlatfieldChargeStd => column("ff_charge_stddev"),
            Self::FlatfieldTime => column("ff_time_mean"),
            Self::FlatfieldTimeStd => column("ff_time_stddev"),
            Self::FlatfieldRelTimeStd => column("ff_rel_time_stddev"),
            Self::CosmicsRateAbove30 => ratio("num_cosmics", "elapsed_time")
                .into_iter()
                .zip(column("cosmics_fraction_pulses_above30"))
                .map(|(rate, fraction)| rate * fraction)
                .collect(),
            Self::UctsJumps => column("num_ucts_jumps"),
            _ => vec![f64::NAN; night.runs.rows],
        }
    }

    /// Its value for each pixel of a run (a row of the night's pixel table).
    pub fn of_pixels(self, pixels: &PixelFrame, row: usize) -> Option<Vec<f64>> {
        let plain = |name: &str| -> Option<Vec<f64>> {
            Some(pixels.pixels(name, row)?.iter().map(|value| f64::from(*value)).collect())
        };
        match self {
            Self::PixelPedestalStd => plain("ped_pix_charge_stddev"),
            Self::PixelFlatfieldCharge => plain("ff_pix_charge_mean"),
            Self::PixelFlatfieldRelTime => plain("ff_pix_rel_time_mean"),
            Self::PixelFlatfieldRelTimeStd => plain("ff_pix_rel_time_stddev"),
            Self::PixelCosmicsRateAbove30 => {
                cosmics_rate(pixels, "cosmics_pix_fraction_pulses_above30", row)
            }
            _ => None,
        }
    }
}

/// Rate of what a column gives as a fraction of cosmics [Hz].
pub(super) fn cosmics_rate(pixels: &PixelFrame, column: &str, row: usize) -> Option<Vec<f64>> {
    let fraction = pixels.pixels(column, row)?;
    let events = pixels.pixels("ncosmics_per_pix", row)?;
    let elapsed = pixels.pixels("elapsed_time_per_pix", row)?;
    let rates = fraction.iter().zip(events).zip(elapsed).map(|((fraction, events), elapsed)| {
        f64::from(*fraction) * f64::from(*events) / f64::from(*elapsed)
    });
    Some(rates.collect())
}
