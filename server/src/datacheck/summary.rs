//! A run's row of the night's data quality, made from the run's own files: what lstchain's long-term
//! check writes only once the night is closed, known while the night is still being processed.
//!
//! Camera averages are, as there, over pixels without subruns in which a star was near the pixel.
//! Values that are not finite are left out, and so are pixels without any.

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

use super::error::DatacheckError;
use super::geometry::PIXELS;
use super::muons::{MuonRing, read_muons};
use super::night::{Frame, NightData, PixelFrame};
use super::rows::{Binning, EventRow, EventType, Merge, PixelColumn, SubrunFacts, read_rows};
use super::run::mean;
use super::table::File;

/// Columns by pixel that the night's file has, with the types of events that they are of.
const PIXELS_OF: [(EventType, PixelColumn, &str); 11] = {
    use EventType::{Cosmics, Flatfield, Pedestals};
    use PixelColumn as P;
    [
        (Pedestals, P::ChargeMean, "ped_pix_charge_mean"),
        (Pedestals, P::ChargeStd, "ped_pix_charge_stddev"),
        (Flatfield, P::ChargeMean, "ff_pix_charge_mean"),
        (Flatfield, P::ChargeStd, "ff_pix_charge_stddev"),
        (Flatfield, P::TimeMean, "ff_pix_time_mean"),
        (Flatfield, P::TimeStd, "ff_pix_time_stddev"),
        (Flatfield, P::RelTimeMean, "ff_pix_rel_time_mean"),
        (Flatfield, P::RelTimeStd, "ff_pix_rel_time_stddev"),
        (Cosmics, P::Above10, "cosmics_pix_fraction_pulses_above10"),
        (Cosmics, P::Above30, "cosmics_pix_fraction_pulses_above30"),
        (Cosmics, P::Cog, "cosmics_cog_within_pixel"),
    ]
};

/// Averages over the camera, and the columns by pixel that they are of.
const AVERAGES: [(&str, &str); 9] = [
    ("ped_charge_mean", "ped_pix_charge_mean"),
    ("ped_charge_stddev", "ped_pix_charge_stddev"),
    ("ff_charge_mean", "ff_pix_charge_mean"),
    ("ff_charge_stddev", "ff_pix_charge_stddev"),
    ("ff_time_mean", "ff_pix_time_mean"),
    ("ff_time_stddev", "ff_pix_time_stddev"),
    ("ff_rel_time_stddev", "ff_pix_rel_time_stddev"),
    ("cosmics_fraction_pulses_above10", "cosmics_pix_fraction_pulses_above10"),
    ("cosmics_fraction_pulses_above30", "cosmics_pix_fraction_pulses_above30"),
];

/// Trigger types that events of a type may have besides 0, which is unknown: bits are 1 for a single
/// telescope, 2 for several, 4 for calibration, 32 for pedestals.
fn is_wrong(events: EventType, trigger: i64) -> bool {
    match events {
        EventType::Pedestals => trigger != 32,
        EventType::Flatfield => trigger != 4 && trigger != 5,
        EventType::Cosmics => trigger & (4 | 32) != 0,
    }
}

/// In what hurry a run is read.
#[derive(Clone, Copy)]
pub enum Pace<'a> {
    /// Somebody waits for it.
    Hurried,
    /// Nobody does: it is read on one processor, and this is called between any two rows, so that it
    /// can let others go first.
    Patient(&'a dyn Fn()),
}

impl Pace<'_> {
    fn pause(self) {
        if let Self::Patient(pause) = self {
            pause();
        }
    }
}

/// Makes a run's row from its merged datacheck file, or from those of its subruns, and its files of
/// muon rings by subrun. A file that cannot be read is named in `unreadable`.
///
/// # Errors
/// No datacheck file can be read.
pub fn summarise(
    run: i64,
    datacheck: &[PathBuf],
    muons: &BTreeMap<i64, PathBuf>,
    pace: Pace<'_>,
) -> Result<NightData, DatacheckError> {
    let mut sums = Sums::default();
    let (mut unreadable, mut last) = (Vec::new(), None);
    for file in datacheck {
        pace.pause();
        if let Err(error) = sums.add_file(file, pace) {
            unreadable.push((file.clone(), error.to_string()));
            last = Some(error);
        }
    }
    if sums.subruns.is_empty() {
        return Err(last.unwrap_or_else(|| DatacheckError::Foreign {
            file: datacheck.first().cloned().unwrap_or_default(),
            problem: "no event of any type is in it".into(),
        }));
    }
    let mut rings = Vec::new();
    for file in muons.values() {
        match read_muons(file) {
            Ok(some) => rings.extend(some.into_iter().filter(MuonRing::is_contained)),
            Err(error) => unreadable.push((file.clone(), error.to_string())),
        }
    }
    let [pixels, pixels_no_stars] =
        [Which::All, Which::NoStars].map(|which| sums.pixels(run, which));
    let mut columns = sums.columns(run);
    columns.extend(AVERAGES.map(|(name, pixel)| (name, camera_mean(&pixels_no_stars, pixel))));
    columns.extend(muon_columns(&rings, !muons.is_empty()));
    let mut night = NightData::of_runs(vec![Frame::of_row(&columns)]);
    (night.pixels, night.pixels_no_stars) = (pixels, pixels_no_stars);
    (night.sources, night.unreadable) = (datacheck.to_vec(), unreadable);
    Ok(night)
}

/// Every subrun of a pixel, or only those without a star near it.
#[derive(Clone, Copy)]
enum Which {
    All,
    NoStars,
}

/// What is added up over the subruns.
#[derive(Default)]
struct Sums {
    /// Of each subrun the facts of each type of events.
    subruns: BTreeMap<i64, [Option<SubrunFacts>; 3]>,
    /// By the place in [`PIXELS_OF`].
    columns: [Option<Columns>; PIXELS_OF.len()],
    /// Cosmics and their time by pixel.
    cosmics: Option<Columns>,
    /// Of each subrun with pedestals, stars near pixels, each for every such pixel.
    stars: Vec<f64>,
}

/// Sums by pixel, of all subruns and of those without stars.
struct Columns([PixelSum; 2]);

struct PixelSum {
    sum: Vec<f64>,
    weight: Vec<f64>,
}

impl Default for Columns {
    fn default() -> Self {
        let none = || PixelSum { sum: vec![0.0; PIXELS], weight: vec![0.0; PIXELS] };
        Self([none(), none()])
    }
}

impl Columns {
    /// Adds to pixels with a finite value: what is added to the sum, and to the weight.
    fn add(&mut self, stars: Option<&[f64]>, values: &[f64], what: impl Fn(f64) -> (f64, f64)) {
        for (pixel, &value) in values.iter().enumerate().filter(|(_, value)| value.is_finite()) {
            let (more, weight) = what(value);
            let starry = stars.and_then(|stars| stars.get(pixel)).is_some_and(|count| *count > 0.0);
            for place in self.0.iter_mut().take(if starry { 1 } else { 2 }) {
                place.sum[pixel] += more;
                place.weight[pixel] += weight;
            }
        }
    }
}

impl Sums {
    fn add_file(&mut self, file: &Path, pace: Pace<'_>) -> Result<(), DatacheckError> {
        let mut file = File::open(file)?;
        if let Pace::Patient(_) = pace {
            file = file.on_one_processor();
        }
        let binning = Binning::none();
        for events in EventType::ALL {
            read_rows(&file, events, &binning, true, |row| {
                self.add_row(events, &row);
                pace.pause();
            })?;
        }
        Ok(())
    }

    fn add_row(&mut self, events: EventType, row: &EventRow<'_>) {
        let facts = row.facts.clone();
        let number = facts.events as f64;
        let stars = row.pixels(PixelColumn::Stars);
        for (index, (_, column, _)) in
            PIXELS_OF.into_iter().enumerate().filter(|(_, of)| of.0 == events)
        {
            let Some(values) = row.pixels(column) else { continue };
            let sums = self.columns[index].get_or_insert_default();
            sums.add(stars.as_deref(), &values, |value| match column.merge() {
                Merge::Rms => (value * value * number, number),
                Merge::Mean => (value * number, number),
                _ => (value, number),
            });
        }
        if events == EventType::Cosmics {
            let all = vec![number; PIXELS];
            let sums = self.cosmics.get_or_insert_default();
            sums.add(stars.as_deref(), &all, |events| (events, facts.elapsed_s));
        }
        if let (EventType::Pedestals, Some(stars)) = (events, &stars) {
            self.stars.push(stars.iter().sum());
        }
        let subrun = self.subruns.entry(facts.subrun).or_default();
        subrun[events as usize] = Some(facts);
    }

    fn of(&self, events: EventType) -> impl Iterator<Item = &SubrunFacts> {
        self.subruns.values().filter_map(move |facts| facts[events as usize].as_ref())
    }

    /// One row of each subrun: of cosmics, if there is one.
    fn any(&self) -> impl Iterator<Item = &SubrunFacts> {
        self.subruns.values().filter_map(|facts| facts.iter().rev().flatten().next())
    }

    fn columns(&self, run: i64) -> Vec<(&'static str, f64)> {
        let average = |of: fn(&SubrunFacts) -> f64| mean(&self.any().map(of).collect::<Vec<_>>());
        let events = |events| self.of(events).map(|facts| facts.events as f64).sum::<f64>();
        let cleaned = self.of(EventType::Pedestals).map(|facts| facts.cleaned).sum();
        let angle = |of: fn(f64) -> f64| average_of(self.any().map(|facts| of(facts.azimuth_rad)));
        vec![
            ("runnumber", run as f64),
            ("time", average(|facts| mean(&facts.times_s))),
            (
                "elapsed_time",
                self.any().map(|facts| facts.elapsed_s).filter(|s| s.is_finite()).sum(),
            ),
            ("mean_altitude", average(|facts| facts.altitude_rad)),
            ("mean_azimuth", angle(f64::sin).atan2(angle(f64::cos)).rem_euclid(TAU)),
            ("mean_ra", average(|facts| facts.ra_deg)),
            ("mean_dec", average(|facts| facts.dec_deg)),
            ("num_cosmics", events(EventType::Cosmics)),
            ("num_pedestals", events(EventType::Pedestals)),
            ("num_flatfield", events(EventType::Flatfield)),
            ("num_pedestals_after_cleaning", cleaned),
            ("num_ucts_jumps", self.any().map(|facts| facts.ucts_jumps).sum()),
            ("num_unknown_ucts_trigger_tags", self.unknown(|facts| &facts.ucts_types)),
            ("num_unknown_tib_trigger_tags", self.unknown(|facts| &facts.tib_types)),
            ("num_wrong_ucts_tags_in_cosmics", self.wrong(EventType::Cosmics, |f| &f.ucts_types)),
            (
                "num_wrong_ucts_tags_in_pedestals",
                self.wrong(EventType::Pedestals, |f| &f.ucts_types),
            ),
            (
                "num_wrong_ucts_tags_in_flatfield",
                self.wrong(EventType::Flatfield, |f| &f.ucts_types),
            ),
            ("num_wrong_tib_tags_in_cosmics", self.wrong(EventType::Cosmics, |f| &f.tib_types)),
            ("num_wrong_tib_tags_in_pedestals", self.wrong(EventType::Pedestals, |f| &f.tib_types)),
            ("num_wrong_tib_tags_in_flatfield", self.wrong(EventType::Flatfield, |f| &f.tib_types)),
            ("mean_number_of_pixels_nearby_stars", mean(&self.stars)),
        ]
    }

    fn unknown(&self, types: fn(&SubrunFacts) -> &Vec<(i64, i64)>) -> f64 {
        let all = EventType::ALL.into_iter().flat_map(|events| self.of(events)).flat_map(types);
        total(all.filter(|(trigger, _)| *trigger == 0))
    }

    fn wrong(&self, events: EventType, types: fn(&SubrunFacts) -> &Vec<(i64, i64)>) -> f64 {
        let all = self.of(events).flat_map(types);
        total(all.filter(|(trigger, _)| *trigger != 0 && is_wrong(events, *trigger)))
    }

    fn pixels(&self, run: i64, which: Which) -> PixelFrame {
        let mut columns = Vec::new();
        for ((_, column, name), sums) in PIXELS_OF.iter().zip(&self.columns) {
            let Some(Columns(sums)) = sums else { continue };
            let PixelSum { sum, weight } = &sums[which as usize];
            let values = sum.iter().zip(weight).map(|(&sum, &weight)| match column.merge() {
                _ if *column == PixelColumn::Cog => sum,
                _ if weight <= 0.0 => f64::NAN,
                Merge::Rms => (sum / weight).sqrt(),
                _ => sum / weight,
            });
            columns.push(((*name).to_owned(), values.map(|value| value as f32).collect()));
        }
        if let Some(Columns(sums)) = &self.cosmics {
            let PixelSum { sum, weight } = &sums[which as usize];
            let narrow = |values: &[f64]| values.iter().map(|value| *value as f32).collect();
            columns.push(("ncosmics_per_pix".to_owned(), narrow(sum)));
            columns.push(("elapsed_time_per_pix".to_owned(), narrow(weight)));
        }
        PixelFrame::of_run(run, columns)
    }
}

/// All events of some trigger types.
fn total<'a>(types: impl Iterator<Item = &'a (i64, i64)>) -> f64 {
    types.map(|(_, count)| count).sum::<i64>() as f64
}

fn average_of(values: impl Iterator<Item = f64>) -> f64 {
    mean(&values.collect::<Vec<_>>())
}

fn camera_mean(pixels: &PixelFrame, column: &str) -> f64 {
    let values = pixels.pixels(column, 0).unwrap_or_default();
    mean(&values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>())
}

/// Averages over contained rings; no number of them where there is no file of rings.
fn muon_columns(rings: &[MuonRing], known: bool) -> Vec<(&'static str, f64)> {
    let values = |of: fn(&MuonRing) -> f64| rings.iter().map(of).collect::<Vec<f64>>();
    let number = if known { rings.len() as f64 } else { f64::NAN };
    let (efficiency, width) = (values(|ring| ring.efficiency), values(|ring| ring.width_deg));
    let peak = values(|ring| ring.hg_peak_sample);
    vec![
        ("num_contained_mu_rings", number),
        ("mu_effi_mean", mean(&efficiency)),
        ("mu_effi_stddev", deviation(&efficiency)),
        ("mu_width_mean", mean(&width)),
        ("mu_width_stddev", deviation(&width)),
        ("mu_hg_peak_sample_mean", mean(&peak)),
        ("mu_hg_peak_sample_stddev", deviation(&peak)),
        ("mu_intensity_mean", mean(&values(|ring| ring.size_pe))),
    ]
}

/// Standard deviation of a sample; not a number for fewer than two values.
fn deviation(values: &[f64]) -> f64 {
    let centre = mean(values);
    let squares = values.iter().map(|value| (value - centre).powi(2)).filter(|v| v.is_finite());
    let (sum, count) = squares.fold((0.0, 0.0), |(sum, count), square| (sum + square, count + 1.0));
    if count > 1.0 { (sum / (count - 1.0)).sqrt() } else { f64::NAN }
}
