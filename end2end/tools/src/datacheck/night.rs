//! `DL1_datacheck_D.h5`: a row a run or a subrun, and values a run and pixel, as pandas and
//! PyTables write them.

use std::io::Read;
use std::path::Path;

use super::frame::{Cells, Frame, Template, create};
use super::sky::{Chance, Sky};
use super::{Subruns, failed};
use crate::failure::Failure;

/// A night of three runs as lstchain checked it.
const TEMPLATE: &[u8] =
    include_bytes!("../../../../server/tests/datacheck/DL1_datacheck_20250131.h5.gz");

/// Tables with a row a subrun.
const BY_SUBRUN: [&str; 3] = ["cosmics", "flatfield", "pedestals"];
/// The table of that kind which another tool adds later.
const SPECTRUM: &str = "cosmics_intensity_spectrum";
/// Tables with a row a run and a value a pixel.
const BY_PIXEL: [&str; 2] = ["pixwise_runsummary", "pixwise_runsummary_no_stars"];
/// The rows of the template that are of healthy runs.
const HEALTHY: usize = 2;
/// Numbers that say which row it is, and those that do not vary with the weather.
const FIXED: [&str; 9] = [
    "index",
    "runnumber",
    "subrun",
    "time",
    "yyyymmdd",
    "elapsed_time",
    "azimuth",
    "altitude",
    "anomalous_low_intensity_peak",
];
/// Numbers of events, and rates of showers.
const NUMBERS: [&str; 8] = [
    "events",
    "num_cosmics",
    "num_contained_mu_rings",
    "cosmics_rate",
    "cosmics_cleaned_rate",
    "cosmics_peak_rate",
    "cosmics_rate_at_422_pe",
    "ZD_corrected_cosmics_rate_at_422_pe",
];

/// Writes the datacheck file of a night's runs.
pub fn night(path: &Path, runs: &[Subruns]) -> Result<(), Failure> {
    let template = template()?;
    let file = create(path)?;
    let summary = template.frame("/runsummary/table")?;
    let rows = runs.iter().zip(0u32..).map(|(run, index)| run_row(&summary, run, index));
    file.create_group("/runsummary").map_err(failed)?;
    summary.with(rows.collect()).write(&file, "/runsummary/table", false)?;
    for (part, name) in (0u32..).zip(BY_SUBRUN) {
        by_subrun(&template, &file, name, runs, part)?;
    }
    for name in BY_PIXEL {
        let frame = template.frame(&format!("/{name}"))?;
        let rows = runs.iter().map(|run| pixel_row(&frame, run)).collect();
        frame.with(rows).write(&file, &format!("/{name}"), true)?;
    }
    Ok(())
}

/// Adds the table of spectra to a night's file, or puts it in the place of one that is there.
pub fn spectrum(path: &Path, runs: &[Subruns]) -> Result<(), Failure> {
    let file = hdf5::File::append(path).map_err(failed)?;
    if file.link_exists(SPECTRUM) {
        file.unlink(SPECTRUM).map_err(failed)?;
    }
    by_subrun(&template()?, &file, SPECTRUM, runs, 9)
}

fn template() -> Result<Template, Failure> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(TEMPLATE).read_to_end(&mut bytes)?;
    Template::open(&bytes)
}

fn by_subrun(
    template: &Template,
    file: &hdf5::File,
    name: &str,
    runs: &[Subruns],
    part: u32,
) -> Result<(), Failure> {
    let frame = template.frame(&format!("/{name}/table"))?;
    let mut rows = Vec::new();
    for run in runs {
        for &subrun in &run.numbers {
            let index = u32::try_from(rows.len()).unwrap_or(u32::MAX);
            rows.push(subrun_row(&frame, run, subrun, index, part));
        }
    }
    file.create_group(&format!("/{name}")).map_err(failed)?;
    frame.with(rows).write(file, &format!("/{name}/table"), false)
}

fn run_row(frame: &Frame, run: &Subruns, index: u32) -> Cells {
    let mut row = frame.rows[run.run as usize % HEALTHY].clone();
    let sky = Sky::of(run.run);
    let clear = run.numbers.iter().map(|&subrun| sky.clear(subrun)).sum::<f64>()
        / f64::from(u32::try_from(run.numbers.len().max(1)).unwrap_or(1));
    vary(frame, &mut row, clear, &mut Chance::of(run.run, u32::MAX, 1));
    let middle = run.numbers.len() / 2;
    let begin = run.begin_s(run.numbers.get(middle).copied().unwrap_or(0));
    let seconds = f64::from(u32::try_from(run.numbers.len()).unwrap_or(0)) * 8.0;
    // Three subruns of eight seconds are in the template.
    for name in ["num_cosmics", "num_pedestals", "num_flatfield", "num_contained_mu_rings"] {
        frame.change(&mut row, name, |cell| {
            for count in cell.iter_mut() {
                *count = (*count * seconds / 24.0).round();
            }
        });
    }
    frame.set(&mut row, "index", f64::from(index));
    frame.set(&mut row, "runnumber", f64::from(run.run));
    frame.set(&mut row, "time", begin);
    frame.set(&mut row, "elapsed_time", seconds);
    row
}

fn subrun_row(frame: &Frame, run: &Subruns, subrun: u32, index: u32, part: u32) -> Cells {
    let healthy = frame.rows.len() * HEALTHY / 3;
    let mut row = frame.rows[subrun as usize % healthy.max(1)].clone();
    let clear = Sky::of(run.run).clear(subrun);
    vary(frame, &mut row, clear, &mut Chance::of(run.run, subrun, 20 + part));
    frame.set(&mut row, "index", f64::from(index));
    frame.set(&mut row, "runnumber", f64::from(run.run));
    frame.set(&mut row, "subrun", f64::from(subrun));
    frame.set(&mut row, "yyyymmdd", f64::from(run.date));
    frame.set(&mut row, "time", run.begin_s(subrun));
    row
}

fn pixel_row(frame: &Frame, run: &Subruns) -> Cells {
    let mut row = frame.rows[run.run as usize % HEALTHY].clone();
    let sky = Sky::of(run.run);
    let mut chance = Chance::of(run.run, u32::MAX, 2);
    for (column, cell) in frame.columns.iter().zip(&mut row) {
        if column.dims.is_empty() {
            continue;
        }
        let charge = column.name.contains("charge");
        for value in cell.iter_mut() {
            *value *= if charge { sky.gain } else { 1.0 };
        }
        for value in cell.iter_mut() {
            *value *= chance.around(0.003);
        }
        if column.name != "elapsed_time_per_pix" && column.name != "ncosmics_per_pix" {
            for &pixel in &sky.broken {
                cell[pixel] = 0.0;
            }
        }
    }
    frame.set(&mut row, "runnumber", f64::from(run.run));
    frame.set(&mut row, "time", run.begin_s(0));
    row
}

/// Another run's weather: numbers of events follow the clouds, all else varies a little.
fn vary(frame: &Frame, row: &mut Cells, clear: f64, chance: &mut Chance) {
    for (column, cell) in frame.columns.iter().zip(row.iter_mut()) {
        let name = column.name.as_str();
        if FIXED.contains(&name) || name.contains("azimuth") || name.contains("altitude") {
            continue;
        }
        let follows = if NUMBERS.contains(&name) { clear } else { 1.0 };
        let light = if name == "light_yield" { clear.sqrt() } else { 1.0 };
        let by = follows * light * chance.around(0.006);
        for value in cell.iter_mut() {
            *value *= by;
        }
    }
}

#[cfg(test)]
mod tests {
    use server::datacheck::NightData;

    use super::*;

    #[test]
    fn the_reader_finds_the_runs_and_a_file_made_again_is_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("DL1_datacheck_20241128.h5");
        let of = |run| Subruns { run, numbers: (0..12).collect(), date: 20_241_128 };
        let runs = [of(19_102), of(19_103), of(19_104)];
        let make = || {
            night(&path, &runs).unwrap();
            spectrum(&path, &runs).unwrap();
        };
        make();
        let first = std::fs::read(&path).unwrap();
        make();
        assert!(first == std::fs::read(&path).unwrap());
        spectrum(&path, &runs).unwrap();
        let data = NightData::read(&[path], true).unwrap();
        assert_eq!(data.run_numbers(), [19_102, 19_103, 19_104]);
        assert_eq!((data.cosmics.rows, data.missing.len()), (36, 0));
        let dead = Sky::of(19_102).broken[0];
        assert!(data.pixels.pixels("ff_pix_charge_mean", 0).unwrap()[dead].abs() < 1e-6);
    }
}
