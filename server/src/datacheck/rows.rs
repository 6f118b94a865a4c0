//! Rows of the tables of events: what lstchain's check of one subrun found, for one type of event.
//!
//! Columns are resolved by name in each table, since a table keeps the columns that it does not
//! fill as a scalar -1, which moves all others. A column of another type or shape is an error.

use super::error::DatacheckError;
use super::geometry::PIXELS;
use super::table::{Cell, Column, File, Row, Table};

/// A type of events; each has its table.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum EventType {
    /// Interleaved pedestals.
    Pedestals,
    /// Interleaved flat-field pulses.
    Flatfield,
    /// Showers.
    Cosmics,
}

impl EventType {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Pedestals, Self::Flatfield, Self::Cosmics];

    /// Name of its table.
    pub fn table(self) -> &'static str {
        match self {
            Self::Pedestals => "pedestals",
            Self::Flatfield => "flatfield",
            Self::Cosmics => "cosmics",
        }
    }

    /// What people call one of them.
    pub fn singular(self) -> &'static str {
        match self {
            Self::Pedestals => "Pedestal",
            Self::Flatfield => "Flat-field",
            Self::Cosmics => "Cosmics",
        }
    }

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Pedestals => "Pedestals",
            Self::Flatfield => "Flat-field",
            Self::Cosmics => "Cosmics",
        }
    }
}

/// How a pixel's values of several subruns become one of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Mean, weighted by the number of events.
    Mean,
    /// Root of the mean square, weighted by the number of events.
    Rms,
    /// Sum.
    Sum,
    /// Greatest.
    Max,
}

macro_rules! columns {
    ($(#[$doc:meta])* $type:ident { $($(#[$about:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type { $($(#[$about])* $variant,)* }

        impl $type {
            /// All of them; a variant's place here is its number.
            pub const ALL: [Self; [$(Self::$variant),*].len()] = [$(Self::$variant),*];

            /// Its name in the files.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

columns! {
    /// A column with a value a pixel.
    PixelColumn {
        /// Mean charge [pe].
        ChargeMean = "charge_mean",
        /// Standard deviation of the charge [pe].
        ChargeStd = "charge_stddev",
        /// Mean time of pulses above 1 pe [ns].
        TimeMean = "time_mean",
        /// Standard deviation of that time [ns].
        TimeStd = "time_stddev",
        /// Mean time relative to the event's median [ns].
        RelTimeMean = "relative_time_mean",
        /// Standard deviation of that time [ns].
        RelTimeStd = "relative_time_stddev",
        /// Events with a pulse above 10 pe.
        Above10 = "num_pulses_above_0010_pe",
        /// Events with a pulse above 30 pe.
        Above30 = "num_pulses_above_0030_pe",
        /// Events with a pulse above 100 pe.
        Above100 = "num_pulses_above_0100_pe",
        /// Events with a pulse above 300 pe.
        Above300 = "num_pulses_above_0300_pe",
        /// Events with a pulse above 1000 pe.
        Above1000 = "num_pulses_above_1000_pe",
        /// Images with their centre of gravity in the pixel.
        Cog = "cog_within_pixel",
        /// The same, of images above 200 pe.
        CogAbove200 = "cog_within_pixel_intensity_gt_200",
        /// Stars brighter than magnitude 8 within 0.25 degrees.
        Stars = "num_nearby_stars",
    }
}

impl PixelColumn {
    /// How subruns become a run.
    pub fn merge(self) -> Merge {
        match self {
            Self::ChargeMean | Self::TimeMean | Self::RelTimeMean => Merge::Mean,
            Self::ChargeStd | Self::TimeStd | Self::RelTimeStd => Merge::Rms,
            Self::Stars => Merge::Max,
            _ => Merge::Sum,
        }
    }

    /// The columns of pulses above a charge, with the charge [pe].
    pub const PULSES: [(Self, f64); 5] = [
        (Self::Above10, 10.0),
        (Self::Above30, 30.0),
        (Self::Above100, 100.0),
        (Self::Above300, 300.0),
        (Self::Above1000, 1000.0),
    ];
}

columns! {
    /// A column with a histogram; its bins are in the table `histogram_binning`.
    HistColumn {
        /// Time between events [ms].
        DeltaT = "hist_delta_t",
        /// Charge of pixels [pe].
        PixelCharge = "hist_pixelchargespectrum",
        /// Intensity of images [pe].
        Intensity = "hist_intensity",
        /// Pixels in images.
        Pixels = "hist_npixels",
        /// Islands in images.
        Islands = "hist_nislands",
        /// Distance of the centre of gravity from the camera's centre [deg].
        Dist0 = "hist_dist0",
        /// The same, of images above 200 pe.
        Dist0Above200 = "hist_dist0_intensity_gt_200",
        /// Width [deg] against intensity.
        Width = "hist_width",
        /// Length [deg] against intensity.
        Length = "hist_length",
        /// Skewness against intensity.
        Skewness = "hist_skewness",
        /// Fitted time at the centre of gravity [ns] against intensity.
        Intercept = "hist_intercept",
        /// Time gradient [ns/deg] against length [deg].
        Gradient = "hist_tgrad_vs_length",
        /// The same, of images above 200 pe.
        GradientAbove200 = "hist_tgrad_vs_length_intensity_gt_200",
    }
}

impl HistColumn {
    /// Whether it has two dimensions.
    pub fn is_2d(self) -> bool {
        matches!(
            self,
            Self::Width
                | Self::Length
                | Self::Skewness
                | Self::Intercept
                | Self::Gradient
                | Self::GradientAbove200
        )
    }
}

/// Bin edges of the histograms.
#[derive(Clone, Debug, PartialEq)]
pub struct Binning(Vec<Option<Bins>>);

/// Edges of a histogram's bins, n + 1 for n bins.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    /// Along x.
    pub x: Vec<f64>,
    /// Along y; empty for one dimension.
    pub y: Vec<f64>,
}

impl Binning {
    const TABLE: &str = "/dl1datacheck/histogram_binning";

    /// Reads the table of bin edges.
    pub fn read(file: &File) -> Result<Self, DatacheckError> {
        let wrong = |problem: &str| DatacheckError::Table {
            file: file.path().to_owned(),
            table: Self::TABLE.into(),
            problem: problem.into(),
        };
        let table = file.table(Self::TABLE)?.ok_or_else(|| wrong("missing"))?;
        let mut found = Vec::new();
        for column in HistColumn::ALL {
            let Some(edges) = table.column(column.name()) else { continue };
            let shaped = match edges.dims.as_slice() {
                [edges] => !column.is_2d() && *edges > 1,
                [2, edges] => column.is_2d() && *edges > 1,
                _ => false,
            };
            if !shaped || !edges.is_number() {
                let problem = format!("{} of shape {:?}: no bin edges", edges.dtype(), edges.dims);
                return Err(in_column(file, Self::TABLE, column.name(), &problem));
            }
            found.push(column);
        }
        let mut bins = vec![None; HistColumn::ALL.len()];
        let names: Vec<&str> = found.iter().map(|column| column.name()).collect();
        table.read(&names, |_, row| {
            for (index, column) in found.iter().enumerate() {
                let mut x: Vec<f64> = row.cell(index).numbers();
                let y = if column.is_2d() { x.split_off(x.len() / 2) } else { Vec::new() };
                bins[*column as usize] = Some(Bins { x, y });
            }
            Ok(())
        })?;
        let rising = |edges: &[f64]| edges.windows(2).all(|pair| pair[0] < pair[1]);
        for column in found {
            let own = bins[column as usize].as_ref();
            if own.is_some_and(|bins| !rising(&bins.x) || !rising(&bins.y)) {
                return Err(in_column(file, Self::TABLE, column.name(), "edges do not rise"));
            }
        }
        Ok(Self(bins))
    }

    /// No bins: rows are then read without their histograms.
    pub fn none() -> Self {
        Self(vec![None; HistColumn::ALL.len()])
    }

    /// The bins of a histogram, if the file has them.
    pub fn of(&self, column: HistColumn) -> Option<&Bins> {
        self.0[column as usize].as_ref()
    }
}

/// What a row says besides pixels and histograms. What an older file lacks is not a number.
#[derive(Clone, Debug, PartialEq)]
pub struct SubrunFacts {
    /// The subrun.
    pub subrun: i64,
    /// Time from its first to its last event of any type [s].
    pub elapsed_s: f64,
    /// Events of this type.
    pub events: i64,
    /// Of those, the ones with a finite intensity after cleaning.
    pub cleaned: f64,
    /// Trigger type and number of events (TIB).
    pub tib_types: Vec<(i64, i64)>,
    /// Trigger type and number of events (UCTS).
    pub ucts_types: Vec<(i64, i64)>,
    /// Jumps of the UCTS time.
    pub ucts_jumps: f64,
    /// Altitude at the middle event [rad].
    pub altitude_rad: f64,
    /// Azimuth at the middle event [rad].
    pub azimuth_rad: f64,
    /// Right ascension of the pointing (ICRS) [deg].
    pub ra_deg: f64,
    /// Declination of the pointing (ICRS) [deg].
    pub dec_deg: f64,
    /// Identifiers of sampled events.
    pub event_ids: Vec<i64>,
    /// Their times [s since 1970, UTC].
    pub times_s: Vec<f64>,
}

/// A row of a table of events.
pub struct EventRow<'a> {
    /// What it says besides pixels and histograms.
    pub facts: SubrunFacts,
    plan: &'a Plan,
    row: &'a Row<'a>,
}

impl EventRow<'_> {
    /// The column's value of each pixel; `None` if the table does not fill it.
    pub fn pixels(&self, column: PixelColumn) -> Option<Vec<f64>> {
        Some(self.row.cell(self.plan.pixels[column as usize]?).numbers())
    }

    /// The histogram's counts, in C order.
    pub fn histogram(&self, column: HistColumn) -> Option<Cell<'_>> {
        Some(self.row.cell(self.plan.hists[column as usize]?))
    }
}

const SCALARS: [&str; 9] = [
    "subrun_index",
    "num_events",
    "elapsed_time",
    "num_cleaned_events",
    "num_ucts_jumps",
    "mean_alt_tel",
    "mean_az_tel",
    "tel_ra",
    "tel_dec",
];
const TRIGGERS: [&str; 2] = ["trigger_type", "ucts_trigger_type"];
const SAMPLES: [&str; 2] = ["sampled_event_ids", "dragon_time"];
/// A run has at most this many subruns.
const MAX_SUBRUNS: usize = 10_000;

/// Which columns of a table are read, and where they are among those read.
struct Plan {
    names: Vec<&'static str>,
    scalars: [Option<usize>; SCALARS.len()],
    triggers: [Option<usize>; TRIGGERS.len()],
    samples: [Option<usize>; SAMPLES.len()],
    pixels: [Option<usize>; PixelColumn::ALL.len()],
    hists: [Option<usize>; HistColumn::ALL.len()],
}

impl Plan {
    fn new(table: &Table, binning: &Binning, values: bool) -> Result<Self, (&'static str, String)> {
        let mut names = Vec::new();
        let mut wanted = |name: &'static str, fits: &dyn Fn(&Column) -> Fit| {
            let Some(column) = table.column(name) else { return Ok(None) };
            let fit = if column.is_number() { fits(column) } else { Fit::Wrong("a number") };
            match fit {
                Fit::Unfilled => Ok(None),
                Fit::Good => {
                    names.push(name);
                    Ok(Some(names.len() - 1))
                }
                Fit::Wrong(expected) => {
                    let found = format!("{} of shape {:?}", column.dtype(), column.dims);
                    Err((name, format!("it is {found}, and should be {expected}")))
                }
            }
        };
        let scalar = |column: &Column| Fit::when(column.dims.is_empty(), "a single number");
        let pairs = |column: &Column| {
            Fit::when(column.dims.len() == 2 && column.dims[1] == 2, "pairs (shape [n, 2])")
        };
        let list = |column: &Column| Fit::when(column.dims.len() == 1, "a list");
        let pixel = |column: &Column| match column.dims.as_slice() {
            [] => Fit::Unfilled,
            dims => Fit::when(*dims == [PIXELS], "a number a pixel (shape [1855])"),
        };
        let mut plan = Self {
            names: Vec::new(),
            scalars: [None; SCALARS.len()],
            triggers: [None; TRIGGERS.len()],
            samples: [None; SAMPLES.len()],
            pixels: [None; PixelColumn::ALL.len()],
            hists: [None; HistColumn::ALL.len()],
        };
        for (place, name) in plan.scalars.iter_mut().zip(SCALARS) {
            *place = wanted(name, &scalar)?;
        }
        for (index, name) in SCALARS.into_iter().enumerate().take(3) {
            plan.scalars[index].ok_or_else(|| (name, "missing".to_owned()))?;
        }
        for (place, name) in plan.triggers.iter_mut().zip(TRIGGERS) {
            *place = wanted(name, &pairs)?;
        }
        for (place, name) in plan.samples.iter_mut().zip(SAMPLES) {
            *place = wanted(name, &list)?;
        }
        for column in PixelColumn::ALL.into_iter().filter(|_| values) {
            plan.pixels[column as usize] = wanted(column.name(), &pixel)?;
        }
        for column in HistColumn::ALL.into_iter().filter(|_| values) {
            let Some(bins) = binning.of(column) else { continue };
            let expected = match bins.y.len() {
                0 => vec![bins.x.len() - 1],
                edges => vec![bins.x.len() - 1, edges - 1],
            };
            let hist = |column: &Column| match column.dims.as_slice() {
                [] => Fit::Unfilled,
                dims => Fit::when(dims == expected, "as many counts as histogram_binning has bins"),
            };
            plan.hists[column as usize] = wanted(column.name(), &hist)?;
        }
        plan.names = names;
        Ok(plan)
    }

    fn facts(&self, row: &Row<'_>) -> SubrunFacts {
        let number = |index: usize| {
            self.scalars[index].and_then(|at| row.cell(at).first()).unwrap_or(f64::NAN)
        };
        let integer = |index: usize| {
            self.scalars[index].and_then(|at| row.cell(at).integers().next()).unwrap_or(0)
        };
        let pairs =
            |index: usize| self.triggers[index].map_or_else(Vec::new, |at| pairs(row.cell(at)));
        SubrunFacts {
            subrun: integer(0),
            events: integer(1).max(0),
            elapsed_s: number(2),
            cleaned: number(3),
            ucts_jumps: number(4),
            altitude_rad: number(5),
            azimuth_rad: number(6),
            ra_deg: number(7),
            dec_deg: number(8),
            tib_types: pairs(0),
            ucts_types: pairs(1),
            event_ids: self.samples[0]
                .map_or_else(Vec::new, |at| row.cell(at).integers().collect()),
            times_s: self.samples[1].map_or_else(Vec::new, |at| row.cell(at).numbers()),
        }
    }
}

/// Pairs of trigger type and count; the padding has a count of 0.
fn pairs(cell: Cell<'_>) -> Vec<(i64, i64)> {
    let numbers: Vec<i64> = cell.integers().collect();
    numbers.chunks_exact(2).filter(|pair| pair[1] > 0).map(|pair| (pair[0], pair[1])).collect()
}

enum Fit {
    Good,
    Unfilled,
    Wrong(&'static str),
}

impl Fit {
    fn when(good: bool, expected: &'static str) -> Self {
        if good { Self::Good } else { Self::Wrong(expected) }
    }
}

/// What of a run is read: everything of a table is compressed together, so that reading fewer tables
/// saves time, and keeping fewer columns memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// The types of events.
    pub events: &'static [EventType],
    /// Whether values of pixels and histograms are read, or only what else a row says.
    pub values: bool,
}

impl Extent {
    /// Everything.
    pub const ALL: Self = Self { events: &EventType::ALL, values: true };
    /// Of all events what is no value of a pixel and no histogram.
    pub const FACTS: Self = Self { events: &EventType::ALL, values: false };

    /// Everything of one type of events.
    pub fn of(events: EventType) -> Self {
        let events: &'static [EventType] = match events {
            EventType::Pedestals => &[EventType::Pedestals],
            EventType::Flatfield => &[EventType::Flatfield],
            EventType::Cosmics => &[EventType::Cosmics],
        };
        Self { events, values: true }
    }

    /// A name that tells it from others.
    pub fn key(self) -> String {
        let names: Vec<&str> = self.events.iter().map(|events| events.table()).collect();
        format!("{}{}", names.join("+"), if self.values { "" } else { " facts" })
    }
}

/// The subruns of a table that is not read otherwise. Where as many rows as in another table, whose
/// subruns `known` are without a gap, begin and end with the same ones, they are those.
pub fn subruns_of(
    file: &File,
    events: EventType,
    known: &[i64],
) -> Result<Vec<i64>, DatacheckError> {
    const SUBRUN: [&str; 1] = [SCALARS[0]];
    let Some(table) = file.table(&format!("/dl1datacheck/{}", events.table()))? else {
        return Ok(Vec::new());
    };
    let number = |row: Row<'_>| row.cell(0).integers().next().unwrap_or(0);
    let unbroken = known.windows(2).all(|pair| pair[0] + 1 == pair[1]);
    if let (Some(first), Some(last)) = (known.first(), known.last())
        && unbroken
        && known.len() == table.rows()
    {
        let mut ends = Vec::new();
        for row in [0, table.rows() - 1] {
            table.read_rows(&SUBRUN, row..row + 1, |_, row| {
                ends.push(number(row));
                Ok(())
            })?;
        }
        if ends == [*first, *last] {
            return Ok(known.to_vec());
        }
    }
    let mut subruns = Vec::new();
    table.read(&SUBRUN, |_, row| {
        subruns.push(number(row));
        Ok(())
    })?;
    Ok(subruns)
}

/// Calls `visit` with each row of a type of events; `false` if the file has no such table, because
/// no more than one such event was there. Without `values` rows have no pixels and no histograms.
pub fn read_rows(
    file: &File,
    events: EventType,
    binning: &Binning,
    values: bool,
    mut visit: impl FnMut(EventRow<'_>),
) -> Result<bool, DatacheckError> {
    let path = format!("/dl1datacheck/{}", events.table());
    let Some(table) = file.table(&path)? else { return Ok(false) };
    if table.rows() > MAX_SUBRUNS {
        return Err(DatacheckError::Table {
            file: file.path().to_owned(),
            table: path,
            problem: format!("{} rows: more than a run has subruns", table.rows()).into(),
        });
    }
    let plan = Plan::new(&table, binning, values)
        .map_err(|(column, problem)| in_column(file, &path, column, &problem))?;
    table.read(&plan.names, |_, row| {
        visit(EventRow { facts: plan.facts(&row), plan: &plan, row: &row });
        Ok(())
    })?;
    Ok(true)
}

fn in_column(file: &File, table: &str, column: &str, problem: &str) -> DatacheckError {
    DatacheckError::Column {
        file: file.path().to_owned(),
        table: table.to_owned(),
        column: column.to_owned(),
        problem: problem.to_owned(),
    }
}
