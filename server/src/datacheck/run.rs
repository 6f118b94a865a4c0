//! A run's data quality: its subruns' rows, merged. From the merged file, or from the subruns'
//! files while the run is still being processed; both give the same.
//!
//! Where a subrun has no finite value for a pixel, it is left out of that pixel's run mean with
//! its weight, and said so. A pixel without any value has none: it is not zero.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::internal::activity::Activity;

use super::error::DatacheckError;
use super::geometry::PIXELS;
use super::rows::{
    Binning, EventRow, EventType, Extent, HistColumn, Merge, PixelColumn, SubrunFacts, read_rows,
    subruns_of,
};
use super::table::File;

/// Columns whose values are kept for each subrun and pixel, for a pixel's history.
pub const HISTORY: [PixelColumn; 6] = [
    PixelColumn::ChargeMean,
    PixelColumn::ChargeStd,
    PixelColumn::TimeMean,
    PixelColumn::RelTimeMean,
    PixelColumn::Above10,
    PixelColumn::Above30,
];

/// Of pixels left out of means, at most this many are named.
const MAX_LEFT_OUT: usize = 1000;

/// Files that are read at once. The library opens one at a time; the others are unpacked and added up
/// meanwhile.
const AT_ONCE: usize = 4;

/// A run, merged from its subruns.
#[derive(Clone, Debug)]
pub struct RunData {
    /// The files it was read from.
    pub sources: Vec<PathBuf>,
    /// Files that could not be read, and why; the others are shown nevertheless.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Which trigger tag told the events' types.
    pub used_trigger_tag: Option<String>,
    /// Bins of the histograms.
    pub binning: Binning,
    tables: [Option<EventTable>; 3],
    /// Subruns of tables that were not read.
    others: BTreeSet<i64>,
}

/// What a run has of one type of events.
#[derive(Clone, Debug)]
pub struct EventTable {
    /// Its subruns, by number.
    pub subruns: Vec<SubrunRow>,
    /// Pixels of subruns left out of a mean because their value is not finite; the first thousand.
    pub left_out: Vec<LeftOut>,
    pixels: Vec<Option<PixelSums>>,
    hists: Vec<Option<Vec<f64>>>,
}

/// A subrun of a run.
#[derive(Clone, Debug)]
pub struct SubrunRow {
    /// What its row says besides pixels and histograms.
    pub facts: SubrunFacts,
    /// Mean over the camera's pixels with a finite value, by column.
    camera_mean: [f32; PixelColumn::ALL.len()],
    /// Each pixel's value of the columns of [`HISTORY`].
    history: [Option<Box<[f32]>>; HISTORY.len()],
    /// Pixels with a star nearby.
    pub star_pixels: usize,
}

/// A value that a mean leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The subrun.
    pub subrun: i64,
    /// The pixel.
    pub pixel: usize,
    /// The column.
    pub column: PixelColumn,
}

#[derive(Clone, Debug)]
struct PixelSums {
    sum: Vec<f64>,
    weight: Vec<f64>,
}

impl RunData {
    /// Reads a run from its merged file, or from the files of its subruns. A file that cannot be
    /// read is named in `unreadable`; if none can, that is the error.
    pub fn read(files: &[PathBuf]) -> Result<Self, DatacheckError> {
        Self::read_part(files, Extent::ALL)
    }

    /// The same for a part of each file. Of what is not read only the subruns are known.
    pub fn read_part(files: &[PathBuf], extent: Extent) -> Result<Self, DatacheckError> {
        let mut run: Option<Self> = None;
        let (mut unreadable, mut last) = (Vec::new(), None);
        for some in files.chunks(AT_ONCE) {
            let alone = files.len() == 1;
            let parts = at_once(some, |file: &PathBuf| Self::read_one(file, extent, alone));
            for (file, part) in some.iter().zip(parts) {
                let absorbed = part.and_then(|part| match &mut run {
                    None => {
                        run = Some(part);
                        Ok(())
                    }
                    Some(run) => run.absorb(part),
                });
                if let Err(error) = absorbed {
                    unreadable.push((file.clone(), error.to_string()));
                    last = Some(error);
                }
            }
        }
        match (run, last) {
            (Some(mut run), _) => {
                run.unreadable = unreadable;
                run.sort();
                Ok(run)
            }
            (None, Some(error)) => Err(error),
            (None, None) => Err(DatacheckError::Foreign {
                file: PathBuf::new(),
                problem: "no datacheck file was given".into(),
            }),
        }
    }

    /// Reads a file; its tables at once if it is `alone`.
    fn read_one(file: &Path, extent: Extent, alone: bool) -> Result<Self, DatacheckError> {
        let opened = File::open(file)?;
        let binning = Binning::read(&opened)?;
        let table =
            |events: &EventType| EventTable::read(&opened, *events, &binning, extent.values);
        let mut tables = [const { None }; 3];
        let read = match alone {
            true => at_once(extent.events, table),
            false => extent.events.iter().map(table).collect(),
        };
        for (events, table) in extent.events.iter().zip(read) {
            tables[*events as usize] = table?;
        }
        let known = tables.iter().flatten().next().map_or_else(Vec::new, EventTable::numbers);
        let mut others = BTreeSet::new();
        for events in EventType::ALL.iter().filter(|events| !extent.events.contains(events)) {
            match subrun_number(file) {
                // Of one subrun, which need not be read again to be known.
                Some(named) => {
                    let here = opened.has(&format!("/dl1datacheck/{}", events.table()));
                    others.extend(here.then(|| known.first().copied().unwrap_or(named)));
                }
                None => others.extend(subruns_of(&opened, *events, &known)?),
            }
        }
        let used_trigger_tag = opened.text("/dl1datacheck/used_trigger_tag");
        let (sources, unreadable) = (vec![file.to_owned()], Vec::new());
        Ok(Self { sources, unreadable, used_trigger_tag, binning, tables, others })
    }

    /// What the run has of a type of events; `None` if no subrun has a table of them.
    pub fn table(&self, events: EventType) -> Option<&EventTable> {
        self.tables[events as usize].as_ref()
    }

    /// Subruns that have a table of some type of events, by number.
    pub fn subruns(&self) -> Vec<i64> {
        let tables = self.tables.iter().flatten();
        let mut all: Vec<i64> =
            tables.flat_map(|table| &table.subruns).map(|row| row.facts.subrun).collect();
        all.extend(&self.others);
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Subruns without a table of these events, although another table has them.
    pub fn missing(&self, events: EventType) -> Vec<i64> {
        let here: Vec<i64> = self.table(events).map_or_else(Vec::new, EventTable::numbers);
        self.subruns().into_iter().filter(|subrun| !here.contains(subrun)).collect()
    }

    /// A value of each subrun for one type of events: numbers of the run's subruns, and values, not
    /// a number where the subrun has no such table.
    pub fn by_subrun(
        &self,
        events: EventType,
        value: impl Fn(&SubrunRow) -> f64,
    ) -> Option<(Vec<f64>, Vec<f64>)> {
        let rows = &self.table(events)?.subruns;
        let of = |subrun: i64| rows.iter().find(|row| row.facts.subrun == subrun);
        let all = self.subruns().into_iter();
        Some(all.map(|subrun| (subrun as f64, of(subrun).map_or(f64::NAN, &value))).unzip())
    }

    /// Duration of the run's subruns, each counted once [s].
    pub fn elapsed_s(&self) -> f64 {
        let mut seen = std::collections::BTreeMap::new();
        for row in self.tables.iter().flatten().flat_map(|table| &table.subruns) {
            seen.insert(row.facts.subrun, row.facts.elapsed_s);
        }
        seen.values().filter(|seconds| seconds.is_finite()).sum()
    }

    /// Roughly what this takes in memory [bytes].
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.tables.iter().flatten().map(EventTable::memory).sum::<usize>()
    }

    fn absorb(&mut self, part: Self) -> Result<(), DatacheckError> {
        if self.binning != part.binning {
            let problem = "its histograms have other bins than the run's other files".into();
            let file = part.sources.into_iter().next().unwrap_or_default();
            return Err(DatacheckError::Foreign { file, problem });
        }
        self.sources.extend(part.sources);
        self.others.extend(part.others);
        for (mine, other) in self.tables.iter_mut().zip(part.tables) {
            match (mine, other) {
                (Some(mine), Some(other)) => mine.absorb(other),
                (mine @ None, other) => *mine = other,
                (Some(_), None) => {}
            }
        }
        Ok(())
    }

    fn sort(&mut self) {
        for table in self.tables.iter_mut().flatten() {
            table.subruns.sort_by_key(|row| row.facts.subrun);
        }
    }
}

impl EventTable {
    fn read(
        file: &File,
        events: EventType,
        binning: &Binning,
        values: bool,
    ) -> Result<Option<Self>, DatacheckError> {
        let mut table = Self {
            subruns: Vec::new(),
            left_out: Vec::new(),
            pixels: vec![None; PixelColumn::ALL.len()],
            hists: vec![None; HistColumn::ALL.len()],
        };
        let found = read_rows(file, events, binning, values, |row| table.add(row))?;
        Ok((found && !table.subruns.is_empty()).then_some(table))
    }

    fn add(&mut self, row: EventRow<'_>) {
        for column in HistColumn::ALL {
            let Some(counts) = row.histogram(column) else { continue };
            match &mut self.hists[column as usize] {
                Some(sums) => {
                    let mut sums = sums.iter_mut();
                    counts.for_each(|count| sums.next().into_iter().for_each(|sum| *sum += count));
                }
                empty => *empty = Some(counts.numbers()),
            }
        }
        let mut camera_mean = [f32::NAN; PixelColumn::ALL.len()];
        let mut history = [const { None }; HISTORY.len()];
        let mut star_pixels = 0;
        for column in PixelColumn::ALL {
            let Some(values) = row.pixels(column) else { continue };
            camera_mean[column as usize] = mean(&values) as f32;
            if let Some(place) = HISTORY.iter().position(|kept| *kept == column) {
                history[place] = Some(values.iter().map(|value| *value as f32).collect());
            }
            if column == PixelColumn::Stars {
                star_pixels = values.iter().filter(|count| **count > 0.0).count();
            }
            self.add_pixels(column, &values, &row.facts);
        }
        self.subruns.push(SubrunRow { facts: row.facts, camera_mean, history, star_pixels });
    }

    fn add_pixels(&mut self, column: PixelColumn, values: &[f64], facts: &SubrunFacts) {
        let sums = self.pixels[column as usize]
            .get_or_insert_with(|| PixelSums { sum: vec![0.0; PIXELS], weight: vec![0.0; PIXELS] });
        let events = facts.events as f64;
        for (pixel, &value) in values.iter().enumerate() {
            if !value.is_finite() {
                let charge = matches!(column, PixelColumn::ChargeMean | PixelColumn::ChargeStd);
                if charge && self.left_out.len() < MAX_LEFT_OUT {
                    self.left_out.push(LeftOut { subrun: facts.subrun, pixel, column });
                }
                continue; // times have none where no pulse was seen
            }
            match column.merge() {
                Merge::Mean => sums.sum[pixel] += value * events,
                Merge::Rms => sums.sum[pixel] += value * value * events,
                Merge::Sum => sums.sum[pixel] += value,
                Merge::Max => sums.sum[pixel] = sums.sum[pixel].max(value),
            }
            sums.weight[pixel] += events;
        }
    }

    fn absorb(&mut self, other: Self) {
        self.subruns.extend(other.subruns);
        self.left_out.extend(other.left_out);
        self.left_out.truncate(MAX_LEFT_OUT);
        for (column, (mine, other)) in
            PixelColumn::ALL.into_iter().zip(self.pixels.iter_mut().zip(other.pixels))
        {
            match (mine, other) {
                (Some(mine), Some(other)) => {
                    for (sum, value) in mine.sum.iter_mut().zip(&other.sum) {
                        *sum = if column.merge() == Merge::Max {
                            sum.max(*value)
                        } else {
                            *sum + value
                        };
                    }
                    mine.weight.iter_mut().zip(&other.weight).for_each(|(sum, more)| *sum += more);
                }
                (mine @ None, other) => *mine = other,
                (Some(_), None) => {}
            }
        }
        for (mine, other) in self.hists.iter_mut().zip(other.hists) {
            match (mine, other) {
                (Some(mine), Some(other)) => {
                    mine.iter_mut().zip(&other).for_each(|(sum, count)| *sum += count);
                }
                (mine @ None, other) => *mine = other,
                (Some(_), None) => {}
            }
        }
    }

    /// The run's value of each pixel, not a number where there is none; `None` if no subrun fills
    /// the column.
    pub fn pixels(&self, column: PixelColumn) -> Option<Vec<f64>> {
        let sums = self.pixels[column as usize].as_ref()?;
        let values =
            sums.sum.iter().zip(&sums.weight).map(|(&sum, &weight)| match column.merge() {
                _ if weight <= 0.0 => f64::NAN,
                Merge::Mean => sum / weight,
                Merge::Rms => (sum / weight).sqrt(),
                Merge::Sum | Merge::Max => sum,
            });
        Some(values.collect())
    }

    /// The fraction of events that a pixel's count is of, for columns of counts.
    pub fn fractions(&self, column: PixelColumn) -> Option<Vec<f64>> {
        let events = self.events() as f64;
        Some(self.pixels(column)?.into_iter().map(|count| count / events).collect())
    }

    /// The histogram of all subruns, in C order.
    pub fn histogram(&self, column: HistColumn) -> Option<&[f64]> {
        self.hists[column as usize].as_deref()
    }

    /// All events of this type.
    pub fn events(&self) -> i64 {
        self.subruns.iter().map(|row| row.facts.events).sum()
    }

    /// Duration of the subruns with such events [s].
    pub fn elapsed_s(&self) -> f64 {
        self.subruns.iter().map(|row| row.facts.elapsed_s).filter(|time| time.is_finite()).sum()
    }

    /// Numbers of its subruns.
    pub fn numbers(&self) -> Vec<i64> {
        self.subruns.iter().map(|row| row.facts.subrun).collect()
    }

    fn memory(&self) -> usize {
        let history: usize = self
            .subruns
            .iter()
            .flat_map(|row| &row.history)
            .flatten()
            .map(|row| row.len() * 4)
            .sum();
        let facts: usize = self
            .subruns
            .iter()
            .map(|row| {
                size_of::<SubrunRow>()
                    + 8 * (row.facts.event_ids.len() + row.facts.times_s.len())
                    + 320
            })
            .sum();
        let sums = self.pixels.iter().flatten().count() * PIXELS * 16;
        let hists: usize = self.hists.iter().flatten().map(|counts| counts.len() * 8).sum();
        history + facts + sums + hists
    }
}

impl SubrunRow {
    /// Mean over the camera's pixels with a finite value; not a number if there is none.
    pub fn camera_mean(&self, column: PixelColumn) -> f64 {
        self.camera_mean[column as usize].into()
    }

    /// A pixel's value in this subrun, for the columns of [`HISTORY`].
    pub fn pixel(&self, column: PixelColumn, pixel: usize) -> Option<f64> {
        let place = HISTORY.iter().position(|kept| *kept == column)?;
        self.history[place].as_ref()?.get(pixel).map(|value| (*value).into())
    }

    /// Time of the middle of the sampled events [s since 1970, UTC].
    pub fn time_s(&self) -> f64 {
        mean(&self.facts.times_s)
    }
}

/// Works on all of some things at once, in threads of their own; results are in their order.
fn at_once<I: Sync, O: Send>(things: &[I], work: impl Fn(&I) -> O + Sync) -> Vec<O> {
    let activity = Activity::current();
    let work = |thing| {
        let _entered = activity.as_ref().map(Activity::enter);
        work(thing)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = things.iter().map(|thing| scope.spawn(|| work(thing))).collect();
        let joined = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        joined.collect()
    })
}

/// Mean of the finite values; not a number if there is none.
pub fn mean(values: &[f64]) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values.iter().filter(|value| value.is_finite()) {
        sum += value;
        count += 1.0;
    }
    sum / count
}

/// The run that a file's name tells, as in `datacheck_dl1_LST-1.Run20601.0000.h5`.
pub fn run_number(file: &Path) -> Option<i64> {
    numbers(file).next()?.parse().ok()
}

/// The subrun that a file's name tells.
pub fn subrun_number(file: &Path) -> Option<i64> {
    numbers(file).nth(1)?.parse().ok()
}

fn numbers(file: &Path) -> impl Iterator<Item = &str> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.split_once(".Run").map_or("", |(_, rest)| rest).split('.')
}
