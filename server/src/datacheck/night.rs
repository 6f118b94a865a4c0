//! A night's data quality, from the file that lstchain writes for it (`DL1_datacheck_D.h5`): a row
//! a run or a subrun, and values a run and pixel. pandas wrote most tables; a column that a run
//! lacks is not a number.

use std::path::{Path, PathBuf};

use super::error::DatacheckError;
use super::geometry::PIXELS;
use super::table::{File, Table};

/// Tables with a row a subrun, and the spectrum's.
const FRAMES: [&str; 5] =
    ["runsummary", "cosmics", "pedestals", "flatfield", "cosmics_intensity_spectrum"];
/// Tables with a row a run and a value a pixel.
const PIXELWISE: [&str; 2] = ["pixwise_runsummary", "pixwise_runsummary_no_stars"];
/// Of several nights, at most this many rows in all.
const MAX_ROWS: usize = 1_000_000;

/// A table of single numbers: columns of the same length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// Number of rows.
    pub rows: usize,
    columns: Vec<(String, Vec<f64>)>,
}

impl Frame {
    /// A column; not a number throughout if there is none of this name.
    pub fn column(&self, name: &str) -> Vec<f64> {
        self.get(name).map_or_else(|| vec![f64::NAN; self.rows], <[f64]>::to_vec)
    }

    /// A column, if there is one of this name.
    pub fn get(&self, name: &str) -> Option<&[f64]> {
        self.columns.iter().find(|(own, _)| own == name).map(|(_, values)| values.as_slice())
    }

    /// Names of its columns.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// A single row.
    pub(super) fn of_row(columns: &[(&str, f64)]) -> Self {
        let columns = columns.iter().map(|(name, value)| ((*name).to_owned(), vec![*value]));
        Self { rows: 1, columns: columns.collect() }
    }

    fn read(table: &Table) -> Result<Self, DatacheckError> {
        let names: Vec<&str> = table
            .columns()
            .iter()
            .filter(|column| column.is_number() && column.dims.is_empty() && column.name != "index")
            .map(|column| column.name.as_str())
            .collect();
        let mut columns = vec![Vec::with_capacity(table.rows()); names.len()];
        table.read(&names, |_, row| {
            for (index, values) in columns.iter_mut().enumerate() {
                values.push(row.cell(index).first().unwrap_or(f64::NAN));
            }
            Ok(())
        })?;
        let names = names.into_iter().map(ToOwned::to_owned);
        Ok(Self { rows: table.rows(), columns: names.zip(columns).collect() })
    }

    /// The rows of runs in a night's file, and nothing else of it.
    ///
    /// # Errors
    /// The file cannot be read, or is no night's.
    pub fn read_runs(path: &Path) -> Result<Self, DatacheckError> {
        let file = File::open(path)?;
        let table = file.table(&format!("/{}/table", FRAMES[0]))?;
        let runs = Self::read(&table.ok_or_else(|| no_night(path))?)?;
        if runs.get("runnumber").is_none() || runs.get("time").is_none() {
            return Err(no_numbers(path));
        }
        Ok(runs)
    }

    /// Numbers of runs, by row.
    pub fn run_numbers(&self) -> Vec<i64> {
        self.column("runnumber").into_iter().map(|number| number as i64).collect()
    }

    /// Some of its rows.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let pick =
            |values: &[f64]| rows.iter().filter_map(|&row| values.get(row).copied()).collect();
        let columns = self.columns.iter().map(|(name, values)| (name.clone(), pick(values)));
        Self { rows: rows.len(), columns: columns.collect() }
    }

    /// Roughly what it takes in memory [bytes].
    pub fn memory(&self) -> usize {
        let names: usize = self.columns.iter().map(|(name, _)| name.len() + 48).sum();
        names + self.rows * self.columns.len() * 8
    }

    /// Adds the rows of another night.
    fn append(&mut self, other: Self) {
        for (name, values) in &mut self.columns {
            values.extend(other.column(name));
        }
        for (name, values) in other.columns {
            if self.get(&name).is_none() {
                let mut padded = vec![f64::NAN; self.rows];
                padded.extend(values);
                self.columns.push((name, padded));
            }
        }
        self.rows += other.rows;
    }
}

/// Values a run and pixel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PixelFrame {
    /// The runs, by row.
    pub runs: Vec<i64>,
    columns: Vec<(String, Vec<Vec<f32>>)>,
}

impl PixelFrame {
    /// The pixels' values of a column in a row.
    pub fn pixels(&self, name: &str, row: usize) -> Option<&[f32]> {
        let (_, rows) = self.columns.iter().find(|(own, _)| own == name)?;
        rows.get(row).map(Vec::as_slice)
    }

    /// A single run.
    pub(super) fn of_run(run: i64, columns: Vec<(String, Vec<f32>)>) -> Self {
        let columns = columns.into_iter().map(|(name, values)| (name, vec![values]));
        Self { runs: vec![run], columns: columns.collect() }
    }

    fn read(table: &Table, file: &Path, path: &str) -> Result<Self, DatacheckError> {
        let wrong = |column: &str, problem: &str| DatacheckError::Column {
            file: file.to_owned(),
            table: path.to_owned(),
            column: column.to_owned(),
            problem: problem.to_owned(),
        };
        let names: Vec<&str> = table
            .columns()
            .iter()
            .filter(|column| column.is_number() && column.dims.len() == 1)
            .map(|column| column.name.as_str())
            .collect();
        if let Some(odd) = names
            .iter()
            .find(|name| table.column(name).is_some_and(|column| column.dims != [PIXELS]))
        {
            return Err(wrong(odd, "not a number a pixel (shape [1855])"));
        }
        if table.rows() > 100_000 {
            return Err(wrong("runnumber", "more rows than a night has runs"));
        }
        let mut wanted = vec!["runnumber"];
        wanted.extend(&names);
        let mut runs = Vec::new();
        let mut columns = vec![Vec::with_capacity(table.rows()); names.len()];
        table.read(&wanted, |_, row| {
            runs.extend(row.cell(0).integers().next());
            for (index, rows) in columns.iter_mut().enumerate() {
                let mut values = Vec::with_capacity(PIXELS);
                row.cell(index + 1).for_each(|value| values.push(value as f32));
                rows.push(values);
            }
            Ok(())
        })?;
        let names = names.into_iter().map(ToOwned::to_owned);
        Ok(Self { runs, columns: names.zip(columns).collect() })
    }

    /// Adds the rows of others; a column that one of them lacks is not a number there.
    fn append(&mut self, other: Self) {
        let none = |rows: usize| vec![vec![f32::NAN; PIXELS]; rows];
        let (own, more) = (self.runs.len(), other.runs.len());
        self.runs.extend(other.runs);
        for (name, rows) in other.columns {
            match self.columns.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.extend(rows),
                None => self.columns.push((name, none(own).into_iter().chain(rows).collect())),
            }
        }
        for (_, values) in &mut self.columns {
            values.extend(none((own + more).saturating_sub(values.len())));
        }
    }
}

/// A night, or several.
#[derive(Clone, Debug)]
pub struct NightData {
    /// The files it was read from.
    pub sources: Vec<PathBuf>,
    /// Files that could not be read, and why.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Tables that no file has.
    pub missing: Vec<String>,
    /// A row a run.
    pub runs: Frame,
    /// A row a subrun: cosmics.
    pub cosmics: Frame,
    /// A row a subrun: pedestals.
    pub pedestals: Frame,
    /// A row a subrun: flat-field.
    pub flatfield: Frame,
    /// A row a subrun: spectrum of cosmics, light yield.
    pub spectrum: Frame,
    /// A row a run with a value a pixel.
    pub pixels: PixelFrame,
    /// The same, without subruns in which a star was near the pixel.
    pub pixels_no_stars: PixelFrame,
}

impl NightData {
    /// Reads the files of one night or more. A file that cannot be read is named in `unreadable`;
    /// if none can, that is the error. `with_pixels` reads the values a pixel, too (1.4 MB a
    /// night of ten runs).
    pub fn read(files: &[PathBuf], with_pixels: bool) -> Result<Self, DatacheckError> {
        let mut all: Option<Self> = None;
        let (mut unreadable, mut last) = (Vec::new(), None);
        for file in files {
            match Self::read_one(file, with_pixels) {
                Ok(night) => match &mut all {
                    None => all = Some(night),
                    Some(all) if all.runs.rows + night.runs.rows > MAX_ROWS => {
                        unreadable.push((file.clone(), "left out: too many runs".into()));
                    }
                    Some(all) => all.append(night),
                },
                Err(error) => {
                    unreadable.push((file.clone(), error.to_string()));
                    last = Some(error);
                }
            }
        }
        match (all, last) {
            (Some(mut all), _) => {
                all.unreadable = unreadable;
                Ok(all)
            }
            (None, Some(error)) => Err(error),
            (None, None) => Err(DatacheckError::Foreign {
                file: PathBuf::new(),
                problem: "no night's datacheck file was given".into(),
            }),
        }
    }

    fn read_one(path: &Path, with_pixels: bool) -> Result<Self, DatacheckError> {
        let file = File::open(path)?;
        if !file.has("/runsummary") {
            return Err(no_night(path));
        }
        let mut missing = Vec::new();
        let [runs, cosmics, pedestals, flatfield, spectrum] = FRAMES.map(|name| {
            let table = file.table(&format!("/{name}/table"))?;
            if table.is_none() {
                missing.push(name.to_owned());
            }
            table.map_or_else(|| Ok(Frame::default()), |table| Frame::read(&table))
        });
        let [pixels, pixels_no_stars] = PIXELWISE.map(|name| {
            if !with_pixels {
                return Ok(PixelFrame::default());
            }
            let path = format!("/{name}");
            let Some(table) = file.table(&path)? else {
                missing.push(name.to_owned());
                return Ok(PixelFrame::default());
            };
            PixelFrame::read(&table, file.path(), &path)
        });
        let runs = runs?;
        if runs.get("runnumber").is_none() || runs.get("time").is_none() {
            return Err(no_numbers(path));
        }
        Ok(Self {
            sources: vec![path.to_owned()],
            unreadable: Vec::new(),
            missing,
            runs,
            cosmics: cosmics?,
            pedestals: pedestals?,
            flatfield: flatfield?,
            spectrum: spectrum?,
            pixels: pixels?,
            pixels_no_stars: pixels_no_stars?,
        })
    }

    /// Nights or runs put together; nothing if there is none.
    pub fn of_nights(nights: Vec<Self>) -> Option<Self> {
        nights.into_iter().reduce(|mut all, night| {
            all.unreadable.extend(night.unreadable.iter().cloned());
            all.append(night);
            all
        })
    }

    /// Runs of many nights, without anything else.
    pub fn of_runs(frames: Vec<Frame>) -> Self {
        let mut runs = Frame::default();
        for frame in frames {
            runs.append(frame);
        }
        Self {
            sources: Vec::new(),
            unreadable: Vec::new(),
            missing: Vec::new(),
            runs,
            cosmics: Frame::default(),
            pedestals: Frame::default(),
            flatfield: Frame::default(),
            spectrum: Frame::default(),
            pixels: PixelFrame::default(),
            pixels_no_stars: PixelFrame::default(),
        }
    }

    fn append(&mut self, other: Self) {
        self.sources.extend(other.sources);
        self.missing.retain(|name| other.missing.contains(name));
        self.runs.append(other.runs);
        self.cosmics.append(other.cosmics);
        self.pedestals.append(other.pedestals);
        self.flatfield.append(other.flatfield);
        self.spectrum.append(other.spectrum);
        self.pixels.append(other.pixels);
        self.pixels_no_stars.append(other.pixels_no_stars);
    }

    /// Numbers of its runs, by row.
    pub fn run_numbers(&self) -> Vec<i64> {
        self.runs.run_numbers()
    }

    /// Roughly what this takes in memory [bytes].
    pub fn memory(&self) -> usize {
        let frames = [&self.runs, &self.cosmics, &self.pedestals, &self.flatfield, &self.spectrum];
        let numbers: usize = frames.iter().map(|frame| frame.rows * frame.columns.len() * 8).sum();
        let pixels: usize = [&self.pixels, &self.pixels_no_stars]
            .iter()
            .map(|frame| frame.runs.len() * frame.columns.len() * PIXELS * 4)
            .sum();
        size_of::<Self>() + numbers + pixels
    }
}

fn no_night(path: &Path) -> DatacheckError {
    let problem = "no night's datacheck file: /runsummary is not in it".into();
    DatacheckError::Foreign { file: path.to_owned(), problem }
}

fn no_numbers(path: &Path) -> DatacheckError {
    DatacheckError::Column {
        file: path.to_owned(),
        table: "/runsummary/table".into(),
        column: "runnumber, time".into(),
        problem: "missing".into(),
    }
}
