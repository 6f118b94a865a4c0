//! Axes: where values go, where ticks are and how they are labelled.

use std::ops::Range;

use chrono::DateTime;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use crate::datacheck::figure::{Axis, Scale};

/// An axis with a range, as it is drawn.
#[derive(Clone, Debug)]
pub struct DrawnAxis {
    scale: Scale,
    from: f64,
    to: f64,
    ticks: Vec<f64>,
    step: f64,
}

impl DrawnAxis {
    /// The axis over its own range, else over all values that can be shown, with a margin.
    /// `ticks` is about how many are wanted.
    pub fn new(axis: &Axis, values: impl Iterator<Item = f64>, ticks: usize) -> Self {
        let log = axis.scale == Scale::Log;
        let sane = if log { 1e-100..=1e100 } else { -1e100..=1e100 };
        let shown = values.filter(|value| sane.contains(value));
        let (least, greatest) = shown
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, greatest), value| {
                (least.min(value), greatest.max(value))
            });
        let (from, to) = match axis.range {
            Some((from, to)) if from < to && sane.contains(&from) && sane.contains(&to) => {
                (from, to)
            }
            _ if least > greatest => (if log { 0.1 } else { 0.0 }, 1.0),
            _ if log && least.log10() + 1e-9 > greatest.log10() => (least / 2.0, greatest * 2.0),
            _ if log => {
                let margin = (greatest / least).powf(0.03);
                (least / margin, greatest * margin)
            }
            _ if least == 0.0 && greatest == 0.0 => (-0.05, 1.0),
            _ if least >= greatest => {
                let away = least.abs() * 0.1;
                let away = if axis.scale == Scale::Time { 600.0 } else { away };
                (least - away, least + away)
            }
            _ => {
                let margin = (greatest - least) * 0.04;
                (least - margin, greatest + margin)
            }
        };
        let (ticks, step) = match &axis.scale {
            Scale::Linear => linear_ticks(from, to, ticks),
            Scale::Whole => {
                let rough = ((to - from) / ticks.max(1) as f64).ceil();
                let (_, step) = linear_ticks(0.0, rough * 10.0, 10);
                even_ticks(from, to, step.round().max(1.0))
            }
            // Too little for powers of ten to be seen.
            Scale::Log if to / from < 4.0 => linear_ticks(from, to, ticks),
            Scale::Log => log_ticks(from, to),
            Scale::Time => time_ticks(from, to, ticks),
            Scale::Names(names) => ((0..names.len()).map(|place| place as f64).collect(), 1.0),
        };
        Self { scale: axis.scale.clone(), from, to, ticks, step }
    }

    /// Where it begins and ends.
    pub fn ends(&self) -> (f64, f64) {
        (self.from, self.to)
    }

    /// Where its ticks are.
    pub fn ticks(&self) -> &[f64] {
        &self.ticks
    }

    /// A value's place, 0 at the beginning and 1 at the end.
    pub fn place(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Log => (value / self.from).ln() / (self.to / self.from).ln(),
            _ => (value - self.from) / (self.to - self.from),
        }
    }

    /// A value within the range; on a logarithmic axis what is not positive is at its beginning.
    pub fn clamp(&self, value: f64) -> f64 {
        value.clamp(self.from.min(self.to), self.from.max(self.to))
    }

    /// Whether a value can be shown.
    pub fn shows(&self, value: f64) -> bool {
        value.is_finite() && (self.from..=self.to).contains(&value)
    }

    /// How a tick is labelled.
    pub fn label(&self, value: f64) -> String {
        match &self.scale {
            Scale::Names(names) => names.get(value.round() as usize).cloned().unwrap_or_default(),
            Scale::Log => short(value),
            Scale::Time => {
                let format = if self.step >= 86_400.0 {
                    "%Y-%m-%d"
                } else if self.step >= 60.0 {
                    "%d. %H:%M"
                } else {
                    "%H:%M:%S"
                };
                DateTime::from_timestamp(value.round() as i64, 0)
                    .map_or_else(String::new, |time| time.format(format).to_string())
            }
            Scale::Linear | Scale::Whole if value.abs() < self.step * 1e-6 => "0".into(),
            Scale::Whole => format!("{value:.0}"),
            Scale::Linear if value.abs() >= 1e6 || self.step < 1e-4 => short(value),
            Scale::Linear => {
                let digits = (-self.step.log10()).ceil().clamp(0.0, 6.0) as usize;
                let shorter = format!("{value:.digits$}");
                let longer = format!("{value:.*}", digits + 1);
                // 2.5 needs a digit more than its step's power of ten says.
                let exact = longer.parse().map_or(0.0, |long: f64| {
                    shorter.parse().map_or(0.0, |short: f64| (long - short).abs())
                });
                if exact > self.step * 1e-3 { longer } else { shorter }
            }
        }
    }
}

/// A number in few characters: `0.05`, `200`, `3e-5`.
fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let power = value.abs().log10().floor();
    if (-3.0..4.0).contains(&power) {
        let rounded = format!("{value:.*}", (2.0 - power).clamp(0.0, 5.0) as usize);
        if rounded.contains('.') {
            return rounded.trim_end_matches('0').trim_end_matches('.').to_owned();
        }
        return rounded;
    }
    let mantissa = value / 10f64.powf(power);
    let digits = format!("{mantissa:.2}");
    format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'))
}

/// Ticks at 1, 2 or 5 times a power of ten, and their distance.
fn linear_ticks(from: f64, to: f64, wanted: usize) -> (Vec<f64>, f64) {
    let rough = (to - from) / wanted.max(1) as f64;
    if !rough.is_finite() || rough <= 0.0 {
        return (vec![from], 1.0);
    }
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough * 0.999);
    even_ticks(from, to, factor.unwrap_or(10.0) * power)
}

fn even_ticks(from: f64, to: f64, step: f64) -> (Vec<f64>, f64) {
    let first = (from / step).ceil();
    let number = ((to / step).floor() - first).clamp(0.0, 100.0) as u32;
    (
        (0..=number)
            .map(|index| (first + f64::from(index)) * step)
            .filter(|tick| *tick <= to)
            .collect(),
        step,
    )
}

/// Ticks at powers of ten; at 2 and 5 times them, too, if there are few.
fn log_ticks(from: f64, to: f64) -> (Vec<f64>, f64) {
    let decades = (to / from).log10();
    let every = (decades / 8.0).ceil().max(1.0) as i32;
    let factors: &[f64] = match decades {
        d if d < 0.7 => &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
        d if d < 2.5 => &[1.0, 2.0, 5.0],
        _ => &[1.0],
    };
    let powers = from.log10().floor() as i32..=to.log10().ceil() as i32;
    let ticks = powers
        .filter(|power| power.rem_euclid(every) == 0)
        .flat_map(|power| factors.iter().map(move |factor| factor * 10f64.powi(power)))
        .filter(|tick| (from..=to).contains(tick))
        .collect();
    (ticks, 1.0)
}

/// Ticks at round times.
fn time_ticks(from: f64, to: f64, wanted: usize) -> (Vec<f64>, f64) {
    const STEPS: [f64; 18] = [
        1.0,
        5.0,
        10.0,
        30.0,
        60.0,
        120.0,
        300.0,
        600.0,
        1200.0,
        1800.0,
        3600.0,
        7200.0,
        14400.0,
        21600.0,
        43200.0,
        86400.0,
        604_800.0,
        2_592_000.0,
    ];
    let rough = (to - from) / wanted.max(1) as f64;
    match STEPS.into_iter().find(|step| *step >= rough) {
        Some(step) => even_ticks(from, to, step),
        None => even_ticks(from, to, (rough / 2_592_000.0).ceil() * 2_592_000.0),
    }
}

impl Ranged for DrawnAxis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (start, end): (i32, i32)) -> i32 {
        let place = self.place(*value);
        let place = if place.is_finite() { place.clamp(-1.0, 2.0) } else { 0.0 };
        start + (f64::from(end - start) * place).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for DrawnAxis {
    fn format_ext(&self, value: &f64) -> String {
        self.label(*value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(axis: Axis, values: &[f64]) -> Vec<String> {
        let drawn = DrawnAxis::new(&axis, values.iter().copied(), 5);
        drawn.ticks().iter().map(|tick| drawn.label(*tick)).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(labels(Axis::new("", ""), &[0.0, 2.0]), ["0", "0.5", "1.0", "1.5", "2.0"]);
        assert_eq!(labels(Axis::whole(""), &[0.0, 2.0]), ["0", "1", "2"]);
        assert_eq!(labels(Axis::whole(""), &[0.0, 119.0]), ["0", "50", "100"]);
        assert_eq!(labels(Axis::new("", "").log(), &[1.0, 1e4]), ["1", "10", "100", "1000", "1e4"]);
        let night = [1_738_357_500.0, 1_738_387_500.0];
        assert_eq!(
            labels(Axis::time(), &night),
            ["31. 22:00", "01. 00:00", "01. 02:00", "01. 04:00"]
        );
    }

    proptest! {
        #[test]
        fn any_values_give_a_drawable_axis(values in prop::collection::vec(any::<f64>(), 0..9), log: bool) {
            let axis = Axis::new("", "");
            let axis = if log { axis.log() } else { axis };
            let drawn = DrawnAxis::new(&axis, values.into_iter(), 6);
            prop_assert!(drawn.ticks().len() <= 400);
            for tick in drawn.ticks() {
                prop_assert!((0..=100).contains(&drawn.map(tick, (0, 100))));
            }
        }
    }
}
