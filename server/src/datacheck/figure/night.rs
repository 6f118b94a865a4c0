//! The figures of a night or of many, by sheets: a point a run against time, limits dashed. Each
//! sheet is a tab of the original's long-term page, and says which.

use crate::datacheck::judge::conditions;
use crate::datacheck::night::NightData;
use crate::datacheck::quantity::{Quantity, cosmics_rate};
use crate::datacheck::thresholds::{Conditions, Thresholds};

use super::pixels::PixelValues;
use super::{Axis, Figure, Mark, Series, Sheet};

/// A sheet of figures of a night.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NightSheet {
    /// Event rates (tab 0).
    Rates,
    /// Unknown trigger tags, jumps of the UCTS time (tab 1).
    UnknownTags,
    /// Wrong trigger tags (tab 2).
    WrongTags,
    /// Pointing (tab 3).
    Pointing,
    /// Pedestal charge by pixel (tab 4).
    PedestalCharge,
    /// Flat-field charge by pixel (tab 5).
    FlatfieldCharge,
    /// Flat-field relative time by pixel (tab 6).
    FlatfieldRelativeTime,
    /// Rate of pulses in cosmics by pixel (tab 7).
    CosmicsPulses,
    /// Rate of centres of gravity by pixel (tab 8).
    CentreOfGravity,
    /// How often pixels are beyond limits (tab 9).
    PixelProblems,
    /// Muon rings (tab 10).
    Muons,
    /// Pedestals, camera averages (tab 11).
    PedestalAverages,
    /// Flat-field, camera averages (tab 12).
    FlatfieldAverages,
    /// Cosmics, camera averages (tab 13).
    CosmicsAverages,
}

impl NightSheet {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 14] = [
        Self::Rates,
        Self::UnknownTags,
        Self::WrongTags,
        Self::Pointing,
        Self::PedestalCharge,
        Self::FlatfieldCharge,
        Self::FlatfieldRelativeTime,
        Self::CosmicsPulses,
        Self::CentreOfGravity,
        Self::PixelProblems,
        Self::Muons,
        Self::PedestalAverages,
        Self::FlatfieldAverages,
        Self::CosmicsAverages,
    ];

    /// Those with a point a run, which can be shown of many nights.
    pub const LINES: [Self; 8] = [
        Self::Rates,
        Self::UnknownTags,
        Self::WrongTags,
        Self::Pointing,
        Self::Muons,
        Self::PedestalAverages,
        Self::FlatfieldAverages,
        Self::CosmicsAverages,
    ];

    /// Whether it shows the pixels of one run.
    pub fn is_by_run(self) -> bool {
        self != Self::PixelProblems && !Self::LINES.contains(&self)
    }

    /// Its permanent name, and its title.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Rates => ("rates", "Event rates"),
            Self::UnknownTags => ("unknown-tags", "Unknown trigger tags"),
            Self::WrongTags => ("wrong-tags", "Wrong trigger tags"),
            Self::Pointing => ("pointing", "Pointing"),
            Self::PedestalCharge => ("pedestal-charge", "Pedestals: charge"),
            Self::FlatfieldCharge => ("flatfield-charge", "Flat-field: charge"),
            Self::FlatfieldRelativeTime => ("flatfield-relative-time", "Flat-field: relative time"),
            Self::CosmicsPulses => ("cosmics-pulses", "Cosmics: rate of pulses"),
            Self::CentreOfGravity => ("centre-of-gravity", "Cosmics: rate of centres of gravity"),
            Self::PixelProblems => ("pixel-problems", "Pixel problems"),
            Self::Muons => ("muons", "Muon rings"),
            Self::PedestalAverages => ("pedestal-averages", "Pedestals: camera averages"),
            Self::FlatfieldAverages => ("flatfield-averages", "Flat-field: camera averages"),
            Self::CosmicsAverages => ("cosmics-averages", "Cosmics: camera averages"),
        }
    }

    /// The sheet of this permanent name.
    pub fn by_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sheet| sheet.names().0 == key)
    }
}

/// A sheet of a night's figures. Sheets of pixels show the run in `row` of the night's table of
/// runs.
pub fn night_sheet(
    night: &NightData,
    thresholds: &Thresholds,
    sheet: NightSheet,
    row: usize,
) -> Sheet {
    use Quantity as Q;
    let lines = Lines { night, thresholds, conditions: conditions(night) };
    let figures = match sheet {
        NightSheet::Rates => vec![
            lines.of(Q::PedestalRate, Some(lines.rate_error("num_pedestals"))),
            lines.of(Q::FlatfieldRate, Some(lines.rate_error("num_flatfield"))),
            lines.of(Q::CosmicsRate, Some(lines.rate_error("num_cosmics"))),
            lines.of(Q::MuonRate, Some(lines.rate_error("num_contained_mu_rings"))),
        ],
        NightSheet::UnknownTags => vec![
            lines.part(
                "unknown-ucts",
                "Events with an unknown UCTS tag",
                "num_unknown_ucts_trigger_tags",
                None,
            ),
            lines.of(Q::UctsJumps, None),
            lines.part(
                "unknown-tib",
                "Events with an unknown TIB tag",
                "num_unknown_tib_trigger_tags",
                None,
            ),
        ],
        NightSheet::WrongTags => wrong_tags(&lines),
        NightSheet::Pointing => pointing(&lines),
        NightSheet::PixelProblems => problems(&lines),
        NightSheet::Muons => vec![
            lines.of(Q::MuonEfficiency, Some(lines.column("mu_effi_stddev"))),
            lines.of(Q::MuonWidth, Some(lines.column("mu_width_stddev"))),
            lines.of(Q::MuonIntensity, None),
            lines.of(Q::MuonPeakSample, Some(lines.column("mu_hg_peak_sample_stddev"))),
        ],
        NightSheet::PedestalAverages => vec![
            lines.plain("pedestal-charge", "Pedestal charge, camera mean", "pe", "ped_charge_mean"),
            lines.plain(
                "pedestal-charge-std",
                "Pedestal charge std dev, camera mean",
                "pe",
                "ped_charge_stddev",
            ),
            lines.of(Q::PedestalSurvival, None),
            lines.plain(
                "star-pixels",
                "Pixels near stars",
                "",
                "mean_number_of_pixels_nearby_stars",
            ),
        ],
        NightSheet::FlatfieldAverages => vec![
            lines.of(Q::FlatfieldCharge, Some(lines.column("ff_charge_mean_err"))),
            lines.of(Q::FlatfieldChargeStd, None),
            lines.of(Q::FlatfieldTime, Some(lines.column("ff_time_mean_err"))),
            lines.of(Q::FlatfieldTimeStd, None),
            lines.of(Q::FlatfieldRelTimeStd, None),
        ],
        NightSheet::CosmicsAverages => {
            let rate = Q::CosmicsRate.of_runs(night);
            let fraction = lines.column("cosmics_fraction_pulses_above10");
            let values =
                rate.iter().zip(fraction).map(|(rate, fraction)| rate * fraction).collect();
            let title = "Rate of pulses > 10 pe, camera mean";
            vec![
                lines.figure("cosmics-rate-above-10", title, "Hz", values, None, [None, None]),
                lines.of(Q::CosmicsRateAbove30, None),
            ]
        }
        _ => lines.pixels(sheet, row),
    };
    let (key, title) = sheet.names();
    Sheet { key: key.into(), title: title.into(), figures }
}

/// What all figures of a night need.
struct Lines<'a> {
    night: &'a NightData,
    thresholds: &'a Thresholds,
    conditions: Vec<Option<Conditions>>,
}

impl Lines<'_> {
    fn column(&self, name: &str) -> Vec<f64> {
        self.night.runs.column(name)
    }

    /// A quantity with its limits.
    fn of(&self, quantity: Quantity, error: Option<Vec<f64>>) -> Figure {
        let allowed: Vec<_> = self
            .conditions
            .iter()
            .map(|at| {
                at.as_ref().map(|at| self.thresholds.allowed(quantity, at)).unwrap_or_default()
            })
            .collect();
        let line = |pick: fn(&crate::datacheck::Allowed) -> Option<f64>| {
            let values: Vec<f64> =
                allowed.iter().map(|allowed| pick(allowed).unwrap_or(f64::NAN)).collect();
            values.iter().any(|value| value.is_finite()).then_some(values)
        };
        let limits = [line(|allowed| allowed.min), line(|allowed| allowed.max)];
        let id = quantity.key().replace('_', "-");
        self.figure(
            &id,
            quantity.title(),
            quantity.unit(),
            quantity.of_runs(self.night),
            error,
            limits,
        )
    }

    fn plain(&self, id: &str, title: &str, unit: &str, column: &str) -> Figure {
        self.figure(id, title, unit, self.column(column), None, [None, None])
    }

    /// A number of events as a fraction of all, or of those that a column counts.
    fn part(&self, id: &str, title: &str, column: &str, of: Option<&str>) -> Figure {
        let finite = |value: f64| if value.is_finite() { value } else { 0.0 };
        let all: Vec<f64> = if let Some(of) = of {
            self.column(of)
        } else {
            let counts =
                ["num_pedestals", "num_flatfield", "num_cosmics"].map(|name| self.column(name));
            (0..self.night.runs.rows)
                .map(|row| counts.iter().map(|count| finite(count[row])).sum())
                .collect()
        };
        let values = self.column(column).iter().zip(all).map(|(part, all)| part / all).collect();
        self.figure(id, title, "fraction", values, None, [None, None])
    }

    /// Statistical error of a rate.
    fn rate_error(&self, column: &str) -> Vec<f64> {
        let elapsed = self.column("elapsed_time");
        self.column(column).iter().zip(elapsed).map(|(number, time)| number.sqrt() / time).collect()
    }

    fn figure(
        &self,
        id: &str,
        title: &str,
        unit: &str,
        values: Vec<f64>,
        error: Option<Vec<f64>>,
        limits: [Option<Vec<f64>>; 2],
    ) -> Figure {
        let times = self.column("time");
        if !values.iter().any(|value| value.is_finite()) {
            return Figure::missing(id, title, "no run has a value");
        }
        let runs = Series::new("runs", Mark::Point, times.clone(), values);
        let mut series = vec![runs.with_error(error.unwrap_or_default())];
        for (name, limit) in ["lower limit", "upper limit"].into_iter().zip(limits) {
            let Some(limit) = limit else { continue };
            series.push(Series::new(name, Mark::Limit, times.clone(), limit));
        }
        Figure::chart(id, title, Axis::time(), Axis::new(title, unit), series)
    }

    /// Two quantities by pixel, of one run.
    fn pixels(&self, sheet: NightSheet, row: usize) -> Vec<Figure> {
        use Quantity as Q;
        let numbers = self.night.run_numbers();
        let Some(run) = numbers.get(row) else {
            return vec![Figure::missing("pixels", sheet.names().1, "there is no such run")];
        };
        let frame = &self.night.pixels;
        let Some(place) = frame.runs.iter().position(|other| other == run) else {
            let why = "the file has no values by pixel for this run";
            return vec![Figure::missing("pixels", sheet.names().1, why)];
        };
        let both: [(&str, &str, &str, Option<Q>); 2] = match sheet {
            NightSheet::PedestalCharge => [
                ("mean", "Pedestal charge", "ped_pix_charge_mean", None),
                (
                    "std",
                    "Pedestal charge std dev",
                    "ped_pix_charge_stddev",
                    Some(Q::PixelPedestalStd),
                ),
            ],
            NightSheet::FlatfieldCharge => [
                ("mean", "Flat-field charge", "ff_pix_charge_mean", Some(Q::PixelFlatfieldCharge)),
                ("std", "Flat-field charge std dev", "ff_pix_charge_stddev", None),
            ],
            NightSheet::FlatfieldRelativeTime => [
                (
                    "mean",
                    "Flat-field relative time",
                    "ff_pix_rel_time_mean",
                    Some(Q::PixelFlatfieldRelTime),
                ),
                (
                    "std",
                    "Flat-field relative time std dev",
                    "ff_pix_rel_time_stddev",
                    Some(Q::PixelFlatfieldRelTimeStd),
                ),
            ],
            NightSheet::CosmicsPulses => [
                ("above-10", "Rate of pulses > 10 pe", "cosmics_pix_fraction_pulses_above10", None),
                (
                    "above-30",
                    "Rate of pulses > 30 pe",
                    "cosmics_pix_fraction_pulses_above30",
                    Some(Q::PixelCosmicsRateAbove30),
                ),
            ],
            _ => [
                ("all", "Rate of images centred in the pixel", "cosmics_cog_within_pixel", None),
                (
                    "above-200",
                    "Rate of images > 200 pe centred in the pixel",
                    "cosmics_cog_within_pixel_intensity_gt_200",
                    None,
                ),
            ],
        };
        let unit = match sheet {
            NightSheet::PedestalCharge | NightSheet::FlatfieldCharge => "pe",
            NightSheet::FlatfieldRelativeTime => "ns",
            _ => "Hz",
        };
        let figures = both.into_iter().flat_map(|(id, label, column, quantity)| {
            let values = match sheet {
                NightSheet::CosmicsPulses => cosmics_rate(frame, column, place),
                NightSheet::CentreOfGravity => per_second(frame, column, place),
                _ => frame
                    .pixels(column, place)
                    .map(|row| row.iter().map(|value| f64::from(*value)).collect()),
            };
            let label = format!("Run {run}: {}", label.to_lowercase());
            let Some(values) = values else {
                return vec![Figure::missing(id, label, "the file does not tell")];
            };
            let limits = self.pixel_limits(quantity, row, values.len());
            let log = sheet == NightSheet::CosmicsPulses;
            let shown = PixelValues {
                id,
                label,
                unit,
                values,
                log,
                stars: Vec::new(),
                limits,
                notes: Vec::new(),
            };
            shown.three_panels()
        });
        figures.collect()
    }

    fn pixel_limits(
        &self,
        quantity: Option<Quantity>,
        row: usize,
        pixels: usize,
    ) -> [Option<Vec<f64>>; 2] {
        let rule = quantity
            .zip(self.conditions[row].as_ref())
            .and_then(|(quantity, at)| Some((self.thresholds.rule(quantity, at)?, at)));
        let Some((rule, at)) = rule else { return [None, None] };
        let allowed: Vec<_> = (0..pixels).map(|pixel| rule.allowed_for_pixel(at, pixel)).collect();
        let line = |values: Vec<Option<f64>>| values.into_iter().collect::<Option<Vec<f64>>>();
        [
            line(allowed.iter().map(|allowed| allowed.min).collect()),
            line(allowed.iter().map(|allowed| allowed.max).collect()),
        ]
    }
}

/// Images centred in a pixel, a second. The column counts them as a fraction of no events.
fn per_second(frame: &crate::datacheck::PixelFrame, column: &str, row: usize) -> Option<Vec<f64>> {
    let counts = frame.pixels(column, row)?;
    let elapsed = frame.pixels("elapsed_time_per_pix", row)?;
    let rates =
        counts.iter().zip(elapsed).map(|(count, time)| f64::from(*count) / f64::from(*time));
    Some(rates.collect())
}

fn wrong_tags(lines: &Lines<'_>) -> Vec<Figure> {
    let tags = [("ucts", "UCTS"), ("tib", "TIB")];
    let events = [
        ("pedestals", "Pedestals", "num_pedestals"),
        ("flatfield", "Flat-field events", "num_flatfield"),
        ("cosmics", "Cosmics", "num_cosmics"),
    ];
    tags.into_iter()
        .flat_map(|(tag, name)| events.map(|(table, label, all)| (tag, name, table, label, all)))
        .map(|(tag, name, table, label, all)| {
            let title = format!("{label} with a wrong {name} tag");
            lines.part(
                &format!("{table}-{tag}"),
                &title,
                &format!("num_wrong_{tag}_tags_in_{table}"),
                Some(all),
            )
        })
        .collect()
}

/// Mean values only: the least and greatest azimuth in the file mean nothing across north.
fn pointing(lines: &Lines<'_>) -> Vec<Figure> {
    let degrees = |column: &str| -> Vec<f64> {
        lines.column(column).iter().map(|angle| angle.to_degrees()).collect()
    };
    let angle = |id, title, values| lines.figure(id, title, "deg", values, None, [None, None]);
    let azimuth = degrees("mean_azimuth").iter().map(|azimuth| azimuth.rem_euclid(360.0)).collect();
    vec![
        angle("altitude", "Altitude, mean of the run", degrees("mean_altitude")),
        angle("azimuth", "Azimuth, mean of the run", azimuth),
        angle("right-ascension", "Right ascension", lines.column("mean_ra")),
        angle("declination", "Declination", lines.column("mean_dec")),
    ]
}

/// In which fraction of runs each pixel is beyond its limits, for eight kinds of problem.
fn problems(lines: &Lines<'_>) -> Vec<Figure> {
    use Quantity as Q;
    let kinds = [
        ("pedestal-std-high", "Pedestal std dev too high", Q::PixelPedestalStd, true),
        ("flatfield-charge-low", "Flat-field charge too low", Q::PixelFlatfieldCharge, false),
        ("flatfield-charge-high", "Flat-field charge too high", Q::PixelFlatfieldCharge, true),
        ("flatfield-time-low", "Flat-field relative time too low", Q::PixelFlatfieldRelTime, false),
        (
            "flatfield-time-high",
            "Flat-field relative time too high",
            Q::PixelFlatfieldRelTime,
            true,
        ),
        (
            "flatfield-time-std-high",
            "Flat-field relative time std dev too high",
            Q::PixelFlatfieldRelTimeStd,
            true,
        ),
        ("cosmics-low", "Rate of pulses > 30 pe too low", Q::PixelCosmicsRateAbove30, false),
        ("cosmics-high", "Rate of pulses > 30 pe too high", Q::PixelCosmicsRateAbove30, true),
    ];
    let judgements = crate::datacheck::judge(lines.night, lines.thresholds);
    kinds
        .into_iter()
        .flat_map(|(id, label, quantity, high)| {
            let mut fraction = vec![0.0; crate::datacheck::geometry::PIXELS];
            let share = 1.0 / judgements.len().max(1) as f64;
            let findings = judgements.iter().flat_map(|run| &run.findings);
            for finding in findings.filter(|finding| finding.quantity == quantity) {
                for pixel in finding.pixels.iter().filter(|pixel| pixel.high == high) {
                    fraction[usize::from(pixel.pixel)] += share;
                }
            }
            let label = format!("{label}: fraction of runs");
            let mut figures = PixelValues {
                id,
                label,
                unit: "",
                values: fraction,
                log: false,
                stars: Vec::new(),
                limits: [None, None],
                notes: Vec::new(),
            }
            .three_panels();
            for figure in &mut figures {
                if let super::Panel::Camera(camera) = &mut figure.panel {
                    camera.limits = super::Limits::Fixed(0.0, 1.0);
                }
            }
            figures
        })
        .collect()
}
