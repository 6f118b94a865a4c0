//! Whether a run is ok, and if not, why.

use chrono::{DateTime, Duration};
use serde::{Deserialize, Serialize};

use crate::model::{NightDate, QualityFinding, RunQuality, Verdict};

use super::night::NightData;
use super::quantity::Quantity;
use super::thresholds::{Conditions, Level, Rule, Thresholds};
use super::zero::without_sign_of_zero;

/// What is thought of one quantity of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The quantity.
    pub quantity: Quantity,
    /// The verdict.
    pub verdict: Verdict,
    /// Its value, for the camera as a whole.
    pub value: Option<f64>,
    /// Why it is not ok, in words; empty if it is.
    pub reason: String,
    /// Pixels beyond the limits, for a quantity a pixel.
    pub pixels: Vec<PixelFinding>,
}

/// A pixel beyond the limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PixelFinding {
    /// The pixel.
    pub pixel: u16,
    /// Its value.
    pub value: f64,
    /// Whether it is too high, else too low.
    pub high: bool,
}

/// What is thought of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunJudgement {
    /// The run.
    pub run: i64,
    /// The worst of its findings.
    pub verdict: Verdict,
    /// One for each quantity that has a rule.
    pub findings: Vec<Finding>,
}

impl RunJudgement {
    /// What is reported of it: all that is not ok, the worst first.
    pub fn quality(&self) -> RunQuality {
        let told = |finding: &Finding| QualityFinding {
            verdict: finding.verdict,
            quantity: finding.quantity.key().to_owned(),
            reason: finding.reason.clone(),
            sheet: finding.quantity.sheet().to_owned(),
            figure: finding.quantity.figure().to_owned(),
        };
        let wrong = self.findings.iter().filter(|finding| finding.verdict != Verdict::Ok);
        let mut findings: Vec<QualityFinding> = wrong.map(told).collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
        let judged = self.findings.len();
        RunQuality { verdict: Some(self.verdict), findings, judged, ..RunQuality::default() }
    }
}

/// The conditions of each run of a night.
pub fn conditions(night: &NightData) -> Vec<Option<Conditions>> {
    let column = |name: &str| night.runs.column(name);
    let (times, altitudes) = (column("time"), column("mean_altitude"));
    let elapsed = column("elapsed_time");
    let [pedestals, flatfield, cosmics] =
        ["num_pedestals", "num_flatfield", "num_cosmics"].map(column);
    let number = |value: f64| if value.is_finite() { value } else { 0.0 };
    night
        .run_numbers()
        .into_iter()
        .enumerate()
        .map(|(row, run)| {
            // A night's data are from after noon to noon.
            let noon = Duration::hours(12);
            let time = DateTime::from_timestamp(times[row] as i64, 0)?.checked_sub_signed(noon)?;
            let events = number(pedestals[row]) + number(flatfield[row]) + number(cosmics[row]);
            Some(Conditions {
                night: NightDate::new(time.date_naive()),
                run,
                cos_zenith: altitudes[row].sin(),
                total_rate_hz: number(events / elapsed[row]),
            })
        })
        .collect()
}

/// Judges each run of a night. Quantities a pixel are judged without subruns in which a star was
/// near the pixel.
pub fn judge(night: &NightData, thresholds: &Thresholds) -> Vec<RunJudgement> {
    let conditions = conditions(night);
    let values: Vec<(Quantity, Vec<f64>)> =
        Quantity::ALL.into_iter().map(|quantity| (quantity, quantity.of_runs(night))).collect();
    let judge_run = |(row, run): (usize, i64)| {
        let mut findings = Vec::new();
        let at = conditions[row].as_ref()?;
        for (quantity, values) in &values {
            let Some(rule) = thresholds.rule(*quantity, at) else { continue };
            if quantity.is_by_pixel() {
                let place = night.pixels_no_stars.runs.iter().position(|other| *other == run);
                let pixels =
                    place.and_then(|place| quantity.of_pixels(&night.pixels_no_stars, place));
                findings.push(judge_pixels(rule, at, pixels.as_deref()));
            } else {
                findings.push(judge_value(rule, at, values[row]));
            }
        }
        let verdict = findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok);
        Some(RunJudgement { run, verdict, findings })
    };
    night.run_numbers().into_iter().enumerate().filter_map(judge_run).collect()
}

fn judge_value(rule: &Rule, at: &Conditions, value: f64) -> Finding {
    let quantity = rule.quantity;
    if !value.is_finite() {
        return no_value(rule);
    }
    for (level, verdict) in [(Level::Bad, Verdict::Bad), (Level::Warn, Verdict::Warn)] {
        let allowed = rule.allowed(level, at);
        let Some(how) = allowed.violation(value) else { continue };
        let limit = if how == "too low" { allowed.min } else { allowed.max }.unwrap_or(f64::NAN);
        let unit = quantity.unit();
        let reason = format!(
            "{} {how}: {}, limit {}",
            quantity.title(),
            with_unit(value, unit),
            with_unit(limit, unit)
        );
        return Finding { quantity, verdict, value: Some(value), reason, pixels: Vec::new() };
    }
    let (verdict, reason) = (Verdict::Ok, String::new());
    Finding { quantity, verdict, value: Some(value), reason, pixels: Vec::new() }
}

fn judge_pixels(rule: &Rule, at: &Conditions, values: Option<&[f64]>) -> Finding {
    let (Some(values), Some(numbers)) = (values, rule.pixels) else { return no_value(rule) };
    let pixels: Vec<PixelFinding> = (0u16..)
        .zip(values)
        .filter_map(|(pixel, &value)| {
            let how = rule.allowed_for_pixel(at, pixel.into()).violation(value)?;
            Some(PixelFinding { pixel, value, high: how == "too high" })
        })
        .collect();
    let number = pixels.len();
    let verdict = match number {
        _ if number > numbers.bad => Verdict::Bad,
        _ if number > numbers.warn => Verdict::Warn,
        _ => Verdict::Ok,
    };
    let quantity = rule.quantity;
    let reason = match verdict {
        Verdict::Ok => String::new(),
        _ => format!("{}: {number} pixels beyond the limits", quantity.title()),
    };
    Finding { quantity, verdict, value: None, reason, pixels }
}

fn no_value(rule: &Rule) -> Finding {
    let quantity = rule.quantity;
    let (verdict, reason) = if rule.warns_if_missing() {
        (Verdict::Warn, format!("{}: no value", quantity.title()))
    } else {
        (Verdict::Ok, String::new())
    };
    Finding { quantity, verdict, value: None, reason, pixels: Vec::new() }
}

/// A value with four digits and its unit.
fn with_unit(value: f64, unit: &str) -> String {
    let digits = if value == 0.0 { 0 } else { 3 - value.abs().log10().floor() as i32 };
    let number = format!("{value:.*}", digits.clamp(0, 8).unsigned_abs() as usize);
    let number = without_sign_of_zero(number);
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}
