//! Thresholds of the data quality (`configs/datacheck.toml`), each valid from a night or run on.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::internal::Cause;
use crate::model::NightDate;

use super::error::DatacheckError;
use super::geometry::PIXELS;
use super::quantity::Quantity;

/// The thresholds that the program brings along.
const SHIPPED: &str = include_str!("../../../configs/datacheck.toml");

/// Rules by which runs are judged.
#[derive(Clone, Debug)]
pub struct Thresholds {
    rules: Vec<Rule>,
}

/// How one quantity is judged.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What is judged.
    pub quantity: Quantity,
    /// The first night that it is valid for.
    #[serde(default)]
    from: Option<NightDate>,
    /// The first run that it is valid for.
    #[serde(default)]
    from_run: Option<i64>,
    /// What the value should be.
    #[serde(default)]
    expect: Option<Expect>,
    #[serde(default)]
    warn: Band,
    #[serde(default)]
    bad: Band,
    /// For a quantity a pixel: more pixels than this beyond the limits are warn, or bad.
    #[serde(default)]
    pub pixels: Option<PixelNumbers>,
    #[serde(default)]
    edge: Option<Edge>,
    #[serde(default)]
    missing: Missing,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Expect {
    constant: f64,
    cos_zenith: f64,
    pixel: f64,
    dead_time_s: f64,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Band {
    min: Option<f64>,
    max: Option<f64>,
    tolerance: Option<f64>,
}

/// Numbers of pixels.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PixelNumbers {
    /// More are a warning.
    pub warn: usize,
    /// More are bad.
    pub bad: usize,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edge {
    from_pixel: usize,
    factor: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Missing {
    Ok,
    #[default]
    Warn,
}

/// What a run is judged with besides its values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conditions {
    /// The night.
    pub night: NightDate,
    /// The run.
    pub run: i64,
    /// Cosine of the mean zenith distance.
    pub cos_zenith: f64,
    /// Rate of all events [Hz].
    pub total_rate_hz: f64,
}

/// The least and greatest value that is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Allowed {
    /// The least.
    pub min: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
}

impl Allowed {
    /// Whether a value is below or above; `None` if it is allowed.
    pub fn violation(&self, value: f64) -> Option<&'static str> {
        if self.min.is_some_and(|min| value < min) {
            Some("too low")
        } else if self.max.is_some_and(|max| value > max) {
            Some("too high")
        } else {
            None
        }
    }
}

/// How strict a limit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Beyond: a warning.
    Warn,
    /// Beyond: bad.
    Bad,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    rule: Vec<Rule>,
}

impl Thresholds {
    /// Reads a file of thresholds.
    pub fn load(file: &Path) -> Result<Self, DatacheckError> {
        let text = crate::input_file::read_toml(file)
            .map_err(|cause| DatacheckError::Read { file: file.to_owned(), cause })?;
        Self::parse(&text)
            .map_err(|problem| DatacheckError::Thresholds { file: file.to_owned(), problem })
    }

    /// The thresholds that the program brings along: those of the original's long-term check.
    pub fn shipped() -> Result<Self, DatacheckError> {
        Self::parse(SHIPPED).map_err(|problem| DatacheckError::Thresholds {
            file: PathBuf::from("configs/datacheck.toml"),
            problem,
        })
    }

    /// Reads the text of a file of thresholds; the error says what is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, Cause> {
        let document: Document = toml::from_str(text)?;
        let rules = document.rule;
        for rule in &rules {
            rule.check()?;
        }
        Ok(Self { rules })
    }

    /// Whether a quantity is judged at all.
    pub fn judges(&self, quantity: Quantity) -> bool {
        self.rules.iter().any(|rule| rule.quantity == quantity)
    }

    /// The rule for a quantity under these conditions: the one that became valid last.
    pub fn rule(&self, quantity: Quantity, at: &Conditions) -> Option<&Rule> {
        self.rules
            .iter()
            .filter(|rule| rule.quantity == quantity)
            .filter(|rule| rule.from.is_none_or(|night| night <= at.night))
            .filter(|rule| rule.from_run.is_none_or(|run| run <= at.run))
            .max_by_key(|rule| (rule.from, rule.from_run))
    }

    /// The limits of a quantity under these conditions, beyond which a warning is due.
    pub fn allowed(&self, quantity: Quantity, at: &Conditions) -> Allowed {
        self.rule(quantity, at).map_or_else(Allowed::default, |rule| rule.allowed(Level::Warn, at))
    }
}

impl Rule {
    fn check(&self) -> Result<(), String> {
        let wrong = |problem: &str| Err(format!("rule for {}: {problem}", self.quantity.key()));
        let tolerant = self.warn.tolerance.or(self.bad.tolerance);
        if tolerant.is_some() && self.expect.is_none() {
            return wrong("a tolerance needs what to expect (expect = { constant = … })");
        }
        if tolerant.is_some_and(|tolerance| tolerance < 0.0) {
            return wrong("tolerance is negative");
        }
        if self.quantity.is_by_pixel() != self.pixels.is_some() {
            return wrong("`pixels` belongs to quantities a pixel, and to all of them");
        }
        for band in [self.warn, self.bad] {
            if let (Some(min), Some(max)) = (band.min, band.max)
                && min > max
            {
                return wrong("min is above max");
            }
        }
        Ok(())
    }

    /// What is allowed for the camera as a whole.
    pub fn allowed(&self, level: Level, at: &Conditions) -> Allowed {
        // Linear in the pixel's number: its mean over the camera is its value in the middle.
        self.limits(level, at, (PIXELS as f64 - 1.0) / 2.0, 1.0)
    }

    /// What is allowed for a pixel.
    pub fn allowed_for_pixel(&self, at: &Conditions, pixel: usize) -> Allowed {
        let edge = self.edge.filter(|edge| pixel >= edge.from_pixel);
        self.limits(Level::Warn, at, pixel as f64, edge.map_or(1.0, |edge| edge.factor))
    }

    fn limits(&self, level: Level, at: &Conditions, pixel: f64, lower: f64) -> Allowed {
        let band = if level == Level::Warn { self.warn } else { self.bad };
        let expect = self.expect.unwrap_or_default();
        let value = expect.constant + expect.cos_zenith * at.cos_zenith + expect.pixel * pixel;
        let value = value * (1.0 - expect.dead_time_s * at.total_rate_hz);
        let away = band.tolerance.map(|tolerance| tolerance * value.abs());
        Allowed {
            min: band.min.or(away.map(|away| value - away)).map(|min| min * lower),
            max: band.max.or(away.map(|away| value + away)),
        }
    }

    /// Whether a missing value is worth a warning.
    pub fn warns_if_missing(&self) -> bool {
        self.missing == Missing::Warn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(night: &str, run: i64) -> Conditions {
        let night = night.parse().unwrap();
        Conditions { night, run, cos_zenith: 1.0, total_rate_hz: 0.0 }
    }

    #[test]
    fn the_most_recent_valid_rule_counts() {
        let text = "[[rule]]\nquantity = \"muon_efficiency\"\nwarn = { min = 0.1 }\n\
             [[rule]]\nquantity = \"muon_efficiency\"\nfrom = \"2024-06-01\"\nwarn = { min = 0.2 }\n";
        let thresholds = Thresholds::parse(text).unwrap();
        let min = |night: &str| thresholds.allowed(Quantity::MuonEfficiency, &at(night, 1)).min;
        assert_eq!(min("2024-05-31"), Some(0.1));
        assert_eq!(min("2024-06-01"), Some(0.2));
    }

    #[test]
    fn the_interleaved_rate_changed_with_a_run() {
        let thresholds = Thresholds::shipped().unwrap();
        let max = |run| thresholds.allowed(Quantity::PedestalRate, &at("2020-01-01", run)).max;
        assert_eq!(max(2708), Some(52.5));
        assert_eq!(max(2709), Some(105.0));
    }

    #[test]
    fn wrong_rules_are_reported_with_their_quantity() {
        let wrong = |text: &str| Thresholds::parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(
            [
                wrong("[[rule]]\nquantity = \"muon_rate\"\nwarn = { tolerance = 0.1 }"),
                wrong("[[rule]]\nquantity = \"muon_rate\"\nfrom = \"June\""),
                wrong("[[rule]]\nquantity = \"muon_rate\"\nwarn = { min = 2, max = 1 }"),
                wrong("[[rule]]\nquantity = \"pixel.flatfield_charge\"\nwarn = { min = 2 }"),
                wrong("[[rule]]\nquantity = \"muon_rat\""),
                wrong("[[rule]]\nquantity = \"muon_rate\"\nwran = { min = 2 }"),
            ]
            .join("\n---\n")
        );
    }
}
