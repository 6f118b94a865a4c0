//! The figures of a run, by sheets. Each sheet is a page of the original's PDF, and says which.

use std::collections::BTreeMap;

use chrono::DateTime;

use crate::datacheck::rows::{EventType, Extent, HistColumn, PixelColumn, SubrunFacts};
use crate::datacheck::run::{EventTable, RunData, SubrunRow};

use super::pixels::{PixelValues, left_out, or_missing, stars};
use super::rings::{self, SubrunRings};
use super::showers;
use super::{Axis, Figure, Mark, Scale, Series, Sheet};

/// A sheet of figures of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunSheet {
    /// Events by trigger type, rates, cleaning (page 2; the title page's time is in its notes).
    Rates,
    /// Times and pointing (page 3).
    Pointing,
    /// Pedestals: charge (page 4).
    PedestalCharge,
    /// Flat-field: charge (page 5).
    FlatfieldCharge,
    /// Cosmics: charge (not in the original).
    CosmicsCharge,
    /// Charge of all types, side by side (not in the original).
    Charges,
    /// Spectra of all events (page 6).
    Spectra,
    /// Pedestals: pulses above charges (page 7).
    PedestalPulses,
    /// The same, by subrun (page 8).
    PedestalPulsesBySubrun,
    /// Cosmics: pulses above charges (page 9).
    CosmicsPulses,
    /// The same, by subrun (page 10).
    CosmicsPulsesBySubrun,
    /// Flat-field: time (page 11).
    FlatfieldTime,
    /// Flat-field: relative time (page 12).
    FlatfieldRelativeTime,
    /// Cosmics: time (page 13).
    CosmicsTime,
    /// Cosmics: centre of gravity (page 14).
    CentreOfGravity,
    /// Cosmics: radial distribution, width, length (page 15).
    ImageParameters,
    /// Cosmics: skewness, times (page 16).
    ImageTimes,
    /// Muon rings (page 17).
    MuonRings,
    /// Contained muon rings: shapes (page 18).
    MuonShapes,
    /// Contained muon rings: efficiency (page 19).
    MuonEfficiency,
}

impl RunSheet {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 20] = [
        Self::Rates,
        Self::Pointing,
        Self::PedestalCharge,
        Self::FlatfieldCharge,
        Self::CosmicsCharge,
        Self::Charges,
        Self::Spectra,
        Self::PedestalPulses,
        Self::PedestalPulsesBySubrun,
        Self::CosmicsPulses,
        Self::CosmicsPulsesBySubrun,
        Self::FlatfieldTime,
        Self::FlatfieldRelativeTime,
        Self::CosmicsTime,
        Self::CentreOfGravity,
        Self::ImageParameters,
        Self::ImageTimes,
        Self::MuonRings,
        Self::MuonShapes,
        Self::MuonEfficiency,
    ];

    /// Those with maps, which can be compared pixel by pixel.
    pub const MAPPED: [Self; 10] = [
        Self::PedestalCharge,
        Self::FlatfieldCharge,
        Self::CosmicsCharge,
        Self::Charges,
        Self::PedestalPulses,
        Self::CosmicsPulses,
        Self::FlatfieldTime,
        Self::FlatfieldRelativeTime,
        Self::CosmicsTime,
        Self::CentreOfGravity,
    ];

    /// Whether it shows muon rings, which have files of their own.
    pub fn needs_rings(self) -> bool {
        matches!(self, Self::MuonRings | Self::MuonShapes | Self::MuonEfficiency)
    }

    /// What of a run it shows.
    pub fn extent(self) -> Extent {
        match self {
            Self::Rates | Self::MuonRings | Self::MuonShapes | Self::MuonEfficiency => {
                Extent::FACTS
            }
            Self::Charges | Self::Spectra => Extent::ALL,
            Self::PedestalCharge | Self::PedestalPulses | Self::PedestalPulsesBySubrun => {
                Extent::of(EventType::Pedestals)
            }
            Self::FlatfieldCharge | Self::FlatfieldTime | Self::FlatfieldRelativeTime => {
                Extent::of(EventType::Flatfield)
            }
            Self::Pointing
            | Self::CosmicsCharge
            | Self::CosmicsPulses
            | Self::CosmicsPulsesBySubrun
            | Self::CosmicsTime
            | Self::CentreOfGravity
            | Self::ImageParameters
            | Self::ImageTimes => Extent::of(EventType::Cosmics),
        }
    }

    /// Its permanent name, and its title.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Rates => ("rates", "Triggers and rates"),
            Self::Pointing => ("pointing", "Times and pointing"),
            Self::PedestalCharge => ("pedestal-charge", "Pedestals: charge"),
            Self::FlatfieldCharge => ("flatfield-charge", "Flat-field: charge"),
            Self::CosmicsCharge => ("cosmics-charge", "Cosmics: charge"),
            Self::Charges => ("charges", "Charge of all types, side by side"),
            Self::Spectra => ("spectra", "Spectra"),
            Self::PedestalPulses => ("pedestal-pulses", "Pedestals: pulses above a charge"),
            Self::PedestalPulsesBySubrun => {
                ("pedestal-pulses-by-subrun", "Pedestals: pulses above a charge, by subrun")
            }
            Self::CosmicsPulses => ("cosmics-pulses", "Cosmics: pulses above a charge"),
            Self::CosmicsPulsesBySubrun => {
                ("cosmics-pulses-by-subrun", "Cosmics: pulses above a charge, by subrun")
            }
            Self::FlatfieldTime => ("flatfield-time", "Flat-field: time"),
            Self::FlatfieldRelativeTime => ("flatfield-relative-time", "Flat-field: relative time"),
            Self::CosmicsTime => ("cosmics-time", "Cosmics: time of pulses above 1 pe"),
            Self::CentreOfGravity => ("centre-of-gravity", "Cosmics: centre of gravity"),
            Self::ImageParameters => ("image-parameters", "Cosmics: position, width, length"),
            Self::ImageTimes => ("image-times", "Cosmics: skewness and times"),
            Self::MuonRings => ("muon-rings", "Muon rings"),
            Self::MuonShapes => ("muon-shapes", "Contained muon rings: shapes"),
            Self::MuonEfficiency => ("muon-efficiency", "Contained muon rings: efficiency"),
        }
    }

    /// The sheet of this permanent name.
    pub fn by_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sheet| sheet.names().0 == key)
    }
}

/// A sheet of a run's figures. `rings` are the muon rings of its subruns.
pub fn run_sheet(run: &RunData, rings: &[SubrunRings], sheet: RunSheet) -> Sheet {
    use EventType::{Cosmics, Flatfield, Pedestals};
    use PixelColumn as P;
    let figures = match sheet {
        RunSheet::Rates => rates(run),
        RunSheet::Pointing => pointing(run),
        RunSheet::PedestalCharge => {
            six(run, Pedestals, [P::ChargeMean, P::ChargeStd], "charge", "pe")
        }
        RunSheet::FlatfieldCharge => {
            six(run, Flatfield, [P::ChargeMean, P::ChargeStd], "charge", "pe")
        }
        RunSheet::CosmicsCharge => six(run, Cosmics, [P::ChargeMean, P::ChargeStd], "charge", "pe"),
        RunSheet::Charges => charges(run),
        RunSheet::Spectra => spectra(run),
        RunSheet::PedestalPulses => pulses(run, Pedestals),
        RunSheet::PedestalPulsesBySubrun => pulses_by_subrun(run, Pedestals),
        RunSheet::CosmicsPulses => pulses(run, Cosmics),
        RunSheet::CosmicsPulsesBySubrun => pulses_by_subrun(run, Cosmics),
        RunSheet::FlatfieldTime => six(run, Flatfield, [P::TimeMean, P::TimeStd], "time", "ns"),
        RunSheet::FlatfieldRelativeTime => {
            six(run, Flatfield, [P::RelTimeMean, P::RelTimeStd], "relative time", "ns")
        }
        RunSheet::CosmicsTime => six(run, Cosmics, [P::TimeMean, P::TimeStd], "time", "ns"),
        RunSheet::CentreOfGravity => with_table(run, Cosmics, showers::centre_of_gravity),
        RunSheet::ImageParameters => showers::image_parameters(run),
        RunSheet::ImageTimes => showers::image_times(run),
        RunSheet::MuonRings => rings::counts(run, rings),
        RunSheet::MuonShapes => rings::shapes(rings),
        RunSheet::MuonEfficiency => rings::efficiency(rings),
    };
    let (key, title) = sheet.names();
    Sheet { key: key.into(), title: title.into(), figures }
}

/// Figures of a table, or one that says why there are none.
fn with_table(
    run: &RunData,
    events: EventType,
    figures: impl FnOnce(&EventTable) -> Vec<Figure>,
) -> Vec<Figure> {
    run.table(events).map_or_else(|| vec![nothing(events)], figures)
}

fn nothing(events: EventType) -> Figure {
    let why = format!("no subrun has a table of {}", events.table());
    Figure::missing("table", events.label(), why)
}

/// Subruns that lack a table of these events.
fn absent(run: &RunData, events: EventType) -> Vec<String> {
    let missing = run.missing(events);
    if missing.is_empty() {
        return Vec::new();
    }
    let list: Vec<String> = missing.iter().map(ToString::to_string).collect();
    vec![format!("{}: no table in subruns {}", events.label(), list.join(", "))]
}

/// Mean and standard deviation, each as map, by pixel and distribution.
fn six(
    run: &RunData,
    events: EventType,
    columns: [PixelColumn; 2],
    what: &str,
    unit: &'static str,
) -> Vec<Figure> {
    with_table(run, events, |_| {
        let name = events.singular();
        let kinds = [
            ("mean", format!("{name}: mean {what}")),
            ("std", format!("{name}: std dev of {what}")),
        ];
        let both = columns.into_iter().zip(kinds);
        let figures = both.flat_map(|(column, (id, label))| {
            pixel_values(run, (events, column), id, label.clone(), unit).map_or_else(
                || vec![Figure::missing(id, label, "not filled for these events")],
                |values| values.three_panels(),
            )
        });
        figures.collect()
    })
}

/// A column of a run by pixel, if it has it.
fn pixel_values(
    run: &RunData,
    (events, column): (EventType, PixelColumn),
    id: &'static str,
    label: String,
    unit: &'static str,
) -> Option<PixelValues> {
    let table = run.table(events)?;
    let values = table.pixels(column)?;
    let mut notes = absent(run, events);
    notes.extend(left_out(table, column));
    let (log, stars) = (events == EventType::Pedestals, stars(table));
    Some(PixelValues { id, label, unit, values, log, stars, limits: [None, None], notes })
}

/// Maps of the charge of pedestals, flat-field and cosmics.
fn charges(run: &RunData) -> Vec<Figure> {
    use EventType::{Cosmics, Flatfield, Pedestals};
    let kinds = [
        (
            PixelColumn::ChargeMean,
            "mean charge",
            ["pedestals-mean", "flatfield-mean", "cosmics-mean"],
        ),
        (
            PixelColumn::ChargeStd,
            "std dev of charge",
            ["pedestals-std", "flatfield-std", "cosmics-std"],
        ),
    ];
    let maps = kinds.into_iter().flat_map(|(column, what, ids)| {
        [Pedestals, Flatfield, Cosmics].into_iter().zip(ids).map(move |(events, id)| {
            let label = format!("{}: {what}", events.singular());
            let values = pixel_values(run, (events, column), id, label.clone(), "pe");
            values.map_or_else(
                || {
                    let why = format!("no subrun has a table of {}", events.table());
                    Figure::missing(&format!("{id}-map"), label, why)
                },
                |values| values.map(),
            )
        })
    });
    maps.collect()
}

/// Events by trigger type; by subrun, rates and what survives cleaning.
fn rates(run: &RunData) -> Vec<Figure> {
    type Tags = fn(&SubrunFacts) -> &[(i64, i64)];
    let kinds: [(&str, &str, Tags); 2] = [
        ("ucts", "Events by UCTS trigger type", |facts| &facts.ucts_types),
        ("tib", "Events by TIB trigger type", |facts| &facts.tib_types),
    ];
    let mut figures: Vec<Figure> = kinds
        .into_iter()
        .map(|(id, title, pick)| {
            let mut totals: BTreeMap<i64, f64> = BTreeMap::new();
            for table in EventType::ALL.into_iter().filter_map(|events| run.table(events)) {
                for (kind, count) in table.subruns.iter().flat_map(|row| pick(&row.facts)) {
                    *totals.entry(*kind).or_default() += *count as f64;
                }
            }
            let names = totals.keys().map(ToString::to_string).collect();
            let x = Axis { scale: Scale::Names(names), ..Axis::new("Trigger type", "") };
            let places = (0..totals.len()).map(|place| place as f64).collect();
            let bars = Series::new("events", Mark::Bar, places, totals.into_values().collect());
            or_missing(
                Figure::chart(id, title, x, Axis::new("Events", "").log(), vec![bars]),
                "no event has such a tag",
            )
        })
        .collect();
    let by_subrun = |value: &dyn Fn(&SubrunFacts) -> f64| -> Vec<Series> {
        EventType::ALL
            .into_iter()
            .filter_map(|events| {
                let (x, y) = run.by_subrun(events, |row| value(&row.facts))?;
                Some(Series::new(events.label(), Mark::Line, x, y))
            })
            .collect()
    };
    let notes: Vec<String> =
        EventType::ALL.into_iter().flat_map(|events| absent(run, events)).collect();
    figures.push(
        Figure::chart(
            "rate",
            "Event rate",
            Axis::whole("Subrun"),
            Axis::new("Rate", "Hz").log(),
            by_subrun(&|facts| facts.events as f64 / facts.elapsed_s),
        )
        .with_notes(notes),
    );
    figures.push(Figure::chart(
        "cleaning",
        "Events that survive cleaning",
        Axis::whole("Subrun"),
        Axis::new("Fraction", "").over(-0.05, 1.05),
        by_subrun(&|facts| facts.cleaned / facts.events as f64),
    ));
    if let (Some(first), Some(figure)) = (first_event(run), figures.first_mut()) {
        figure.notes.push(format!("first shower event: {first} UTC"));
    }
    figures
}

/// When the first sampled shower was, as the original's title page says.
fn first_event(run: &RunData) -> Option<String> {
    let row = run.table(EventType::Cosmics)?.subruns.first()?;
    let micros = (row.facts.times_s.first()? * 1e6).round();
    let time = DateTime::from_timestamp_micros(micros as i64).filter(|_| micros.is_finite())?;
    Some(time.format("%Y-%m-%d %H:%M:%S%.6f").to_string())
}

/// Cosmics: time of sampled events, time between events, pointing.
fn pointing(run: &RunData) -> Vec<Figure> {
    with_table(run, EventType::Cosmics, |table| {
        let rows = &table.subruns;
        let ids = rows.iter().flat_map(|row| &row.facts.event_ids).map(|id| *id as f64).collect();
        let times = rows.iter().flat_map(|row| row.facts.times_s.clone()).collect();
        let altitude: Vec<f64> =
            rows.iter().map(|row| row.facts.altitude_rad.to_degrees()).collect();
        let azimuth =
            unwrapped(rows.iter().map(|row| row.facts.azimuth_rad.to_degrees()).collect());
        let moments: Vec<f64> = rows.iter().map(SubrunRow::time_s).collect();
        let line = |name: &str, x: &[f64], y: &[f64]| {
            vec![Series::new(name, Mark::Line, x.to_vec(), y.to_vec())]
        };
        let up = || Axis::new("Altitude", "deg");
        vec![
            Figure::chart(
                "time-by-event",
                "Time of sampled events",
                Axis::new("Event", ""),
                Axis { label: "Time (UTC)".into(), ..Axis::time() },
                vec![Series::new("Dragon time", Mark::Line, ids, times)],
            ),
            intervals(run, table),
            Figure::chart(
                "altitude-azimuth",
                "Pointing",
                Axis::new("Azimuth", "deg"),
                up(),
                line("pointing", &azimuth, &altitude),
            ),
            Figure::chart(
                "altitude",
                "Altitude",
                Axis::time(),
                up(),
                line("altitude", &moments, &altitude),
            ),
        ]
    })
}

fn intervals(run: &RunData, table: &EventTable) -> Figure {
    let (id, title) = ("delta-t", "Time between events (all types)");
    let (Some(counts), Some(bins)) =
        (table.histogram(HistColumn::DeltaT), run.binning.of(HistColumn::DeltaT))
    else {
        return Figure::missing(id, title, "the file does not tell");
    };
    let series = Series::new("events", Mark::Step, bins.x.clone(), counts.to_vec());
    Figure::chart(
        id,
        title,
        Axis::new("Time between events", "ms"),
        Axis::new("Events", "").log(),
        vec![series],
    )
}

/// Azimuths without jumps of 360 degrees, so that a source that culminates north is one curve.
fn unwrapped(mut azimuths: Vec<f64>) -> Vec<f64> {
    for index in 1..azimuths.len() {
        let turns = ((azimuths[index] - azimuths[index - 1]) / 360.0).round();
        if turns.is_finite() {
            azimuths[index] -= 360.0 * turns;
        }
    }
    azimuths
}

/// Normalised spectra of the three types of events.
fn spectra(run: &RunData) -> Vec<Figure> {
    let kinds = [
        (HistColumn::PixelCharge, "pixel-charge", "Pixel charge", "pe", "Fraction of pixels"),
        (HistColumn::Intensity, "intensity", "Image intensity", "pe", "Fraction of events"),
        (HistColumn::Pixels, "pixels", "Pixels in image", "", "Fraction of events"),
        (HistColumn::Islands, "islands", "Islands in image", "", "Fraction of events"),
    ];
    kinds
        .into_iter()
        .map(|(column, id, title, unit, share)| {
            let series = EventType::ALL
                .into_iter()
                .filter_map(|events| {
                    let counts = run.table(events)?.histogram(column)?;
                    let total = counts.iter().sum::<f64>();
                    let edges = run.binning.of(column)?.x.clone();
                    let shares = counts.iter().map(|count| count / total).collect();
                    (total > 0.0).then(|| Series::new(events.label(), Mark::Step, edges, shares))
                })
                .collect();
            // Islands are few: even numbers show them better than powers of ten.
            let x = Axis::new(title, unit);
            let x = if column == HistColumn::Islands { x.over(-0.5, 10.5) } else { x.log() };
            or_missing(Figure::chart(id, title, x, Axis::new(share, "").log(), series), "no event")
        })
        .collect()
}

/// Maps of the fraction of events with a pulse above a charge, and curves of all pixels.
fn pulses(run: &RunData, events: EventType) -> Vec<Figure> {
    with_table(run, events, |table| {
        let ids = ["above-10", "above-30", "above-100", "above-300", "above-1000"];
        let all: Vec<(f64, Option<Vec<f64>>)> = PixelColumn::PULSES
            .into_iter()
            .map(|(column, charge)| (charge, table.fractions(column)))
            .collect();
        let mut figures: Vec<Figure> = all
            .iter()
            .zip(ids)
            .map(|((charge, values), id)| {
                let label = format!("{} with a pulse > {charge} pe", events.label());
                let Some(values) = values else {
                    return Figure::missing(id, label, "the file does not tell");
                };
                let some = values.iter().filter(|value| **value > 0.0).count();
                let map = PixelValues {
                    id,
                    label: label.clone(),
                    unit: "fraction",
                    values: values.clone(),
                    log: some > values.len() / 2,
                    stars: stars(table),
                    limits: [None, None],
                    notes: absent(run, events),
                }
                .map();
                if some == 0 { Figure::missing(&map.id, label, "no such pulse") } else { map }
            })
            .collect();
        figures.push(pulse_curves(events, &all));
        figures
    })
}

/// The fraction against charge: the spread over pixels, since 1855 curves cannot be distinguished.
fn pulse_curves(events: EventType, all: &[(f64, Option<Vec<f64>>)]) -> Figure {
    let levels = [
        ("highest pixel", 1.0),
        ("90 % of pixels below", 0.9),
        ("median pixel", 0.5),
        ("10 % of pixels below", 0.1),
    ];
    let charges: Vec<f64> = all.iter().map(|(charge, _)| *charge).collect();
    let series = levels.into_iter().map(|(name, level)| {
        let at = |values: &Option<Vec<f64>>| {
            let mut sorted = values.clone().unwrap_or_default();
            sorted.retain(|value| value.is_finite());
            sorted.sort_by(f64::total_cmp);
            let place = (sorted.len().saturating_sub(1)) as f64 * level;
            sorted.get(place.round() as usize).copied().unwrap_or(f64::NAN)
        };
        let y = all.iter().map(|(_, values)| at(values)).collect();
        Series::new(name, Mark::Line, charges.clone(), y)
    });
    Figure::chart(
        "curves",
        format!("{}: fraction of events against charge", events.label()),
        Axis::new("Pixel charge", "pe").log(),
        Axis::new("Fraction of events above", "").log(),
        series.collect(),
    )
}

/// Camera average of the fraction of events with a pulse above 10 and 30 pe.
fn pulses_by_subrun(run: &RunData, events: EventType) -> Vec<Figure> {
    with_table(run, events, |_| {
        let kinds =
            [(PixelColumn::Above10, "above-10", 10), (PixelColumn::Above30, "above-30", 30)];
        let figures = kinds.into_iter().map(|(column, id, charge)| {
            let share = |row: &SubrunRow| row.camera_mean(column) / row.facts.events as f64;
            let (x, y) = run.by_subrun(events, share).unwrap_or_default();
            let title = format!("{} with a pulse > {charge} pe, camera mean", events.label());
            let series = vec![Series::new(events.label(), Mark::Line, x, y)];
            let y = Axis::new("Fraction of events", "").log();
            let figure = Figure::chart(id, title, Axis::whole("Subrun"), y, series);
            or_missing(figure.with_notes(absent(run, events)), "no such pulse")
        });
        figures.collect()
    })
}
