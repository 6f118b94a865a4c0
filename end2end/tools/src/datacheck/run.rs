//! `datacheck_dl1_LST-1.RunR[.S].h5`: a row a subrun in each of three tables of events, and one of
//! bin edges.

use std::path::Path;
use std::sync::OnceLock;

use super::frame::{Cells, Frame, Template, create};
use super::sky::{Chance, Sky};
use super::{Subruns, failed};
use crate::failure::Failure;

/// A run of three subruns as lstchain checked and merged it.
const TEMPLATE: &[u8] =
    include_bytes!("../../../../server/tests/datacheck/datacheck_dl1_LST-1.Run20601.h5");

const GROUP: &str = "/dl1datacheck";

/// Columns with a value a pixel that a broken module does not fill.
const CHARGES: [&str; 2] = ["charge_mean", "charge_stddev"];
const TIMES: [&str; 6] = [
    "time_mean",
    "time_stddev",
    "time_mean_above_030_pe",
    "time_stddev_above_030_pe",
    "relative_time_mean",
    "relative_time_stddev",
];
const COUNTS: [&str; 7] = [
    "num_pulses_above_0010_pe",
    "num_pulses_above_0030_pe",
    "num_pulses_above_0100_pe",
    "num_pulses_above_0300_pe",
    "num_pulses_above_1000_pe",
    "cog_within_pixel",
    "cog_within_pixel_intensity_gt_200",
];

/// The types of events, and the table of bin edges.
const TABLES: [&str; 4] = ["cosmics", "flatfield", "pedestals", "histogram_binning"];

/// The template's tables: read once, since a night is filled file by file.
fn frames() -> Result<&'static [Frame], Failure> {
    static FRAMES: OnceLock<Vec<Frame>> = OnceLock::new();
    if let Some(frames) = FRAMES.get() {
        return Ok(frames);
    }
    let template = Template::open(TEMPLATE)?;
    let frames = TABLES.iter().map(|name| template.frame(&format!("{GROUP}/{name}")));
    let frames = frames.collect::<Result<_, _>>()?;
    Ok(FRAMES.get_or_init(|| frames))
}

/// Writes the datacheck file of subruns.
pub fn run(path: &Path, subruns: &Subruns) -> Result<(), Failure> {
    let frames = frames()?;
    let file = create(path)?;
    file.create_group(GROUP).map_err(failed)?;
    let sky = Sky::of(subruns.run);
    for ((part, name), frame) in (0u32..).zip(TABLES).zip(frames) {
        let path = format!("{GROUP}/{name}");
        if name == "histogram_binning" {
            frame.write(&file, &path, true)?;
            continue;
        }
        let rows = subruns.numbers.iter();
        let rows = rows.map(|&subrun| row(frame, subruns, subrun, &sky, (part, name))).collect();
        frame.with(rows).write(&file, &path, true)?;
    }
    Ok(())
}

/// A row of the template as that of another subrun.
fn row(frame: &Frame, of: &Subruns, subrun: u32, sky: &Sky, (part, name): (u32, &str)) -> Cells {
    let mut row = frame.rows[subrun as usize % frame.rows.len()].clone();
    let mut chance = Chance::of(of.run, subrun, part);
    let clear = if name == "pedestals" { 1.0 } else { sky.clear(subrun) };
    let number = if name == "cosmics" { clear * chance.around(0.005) } else { 1.0 };
    frame.set(&mut row, "subrun_index", f64::from(subrun));
    let begin = of.begin_s(subrun);
    frame.change(&mut row, "dragon_time", |times| {
        let shift = begin - times.first().copied().unwrap_or_default();
        for time in times.iter_mut() {
            *time += shift;
        }
    });
    let mut scale = |names: &[&str], by: f64| {
        for name in names {
            frame.change(&mut row, name, |cell| {
                for count in cell.iter_mut().filter(|count| **count > 0.0) {
                    *count = (*count * by).round();
                }
            });
        }
    };
    scale(&["num_events", "num_cleaned_events"], number);
    let hists = frame.columns.iter().map(|column| column.name.as_str());
    let hists: Vec<&str> = hists.filter(|name| name.starts_with("hist_")).collect();
    scale(&hists, number);
    scale(&COUNTS, number);
    // The flat-field's light does not come through the clouds, the showers' does.
    let light = sky.gain * if name == "cosmics" { clear.sqrt() } else { 1.0 };
    for column in CHARGES {
        frame.change(&mut row, column, |cell| {
            for charge in cell.iter_mut() {
                *charge *= light * chance.around(0.004);
            }
        });
    }
    pixels(frame, &mut row, sky, name);
    row
}

/// What is wrong with single pixels.
fn pixels(frame: &Frame, row: &mut Cells, sky: &Sky, name: &str) {
    let mut each = |columns: &[&str], pixels: &[usize], change: &dyn Fn(f64) -> f64| {
        for column in columns {
            frame.change(row, column, |cell| {
                for &pixel in pixels {
                    if let Some(value) = cell.get_mut(pixel) {
                        *value = change(*value);
                    }
                }
            });
        }
    };
    each(&CHARGES, &sky.broken, &|_| 0.0);
    each(&COUNTS, &sky.broken, &|_| 0.0);
    each(&TIMES, &sky.broken, &|_| f64::NAN);
    each(&["num_nearby_stars"], &sky.starry, &|stars| stars + 1.0);
    if name == "pedestals" {
        each(&["charge_stddev"], &sky.starry, &|spread| spread * 1.7);
        each(&["num_pulses_above_0010_pe"], &sky.starry, &|count| count * 4.0 + 3.0);
    }
}

#[cfg(test)]
mod tests {
    use server::datacheck::{EventType, PixelColumn, RunData};

    use super::*;

    fn made(name: &str, subruns: &Subruns, dir: &Path) -> std::path::PathBuf {
        let path = dir.join(name);
        run(&path, subruns).unwrap();
        path
    }

    #[test]
    fn a_file_made_again_is_the_same_to_the_byte() {
        let dir = tempfile::tempdir().unwrap();
        let subruns = Subruns { run: 19_104, numbers: vec![0, 4, 7], date: 20_241_128 };
        let one = made("datacheck_dl1_LST-1.Run19104.h5", &subruns, dir.path());
        let first = std::fs::read(&one).unwrap();
        std::fs::write(&one, "what was there before").unwrap();
        run(&one, &subruns).unwrap();
        assert!(first == std::fs::read(&one).unwrap());
    }

    #[test]
    fn the_reader_finds_subruns_a_cloud_and_a_broken_module() {
        let dir = tempfile::tempdir().unwrap();
        let cloudy = Subruns { run: 19_104, numbers: vec![0, 6, 30], date: 20_241_128 };
        let file = made("datacheck_dl1_LST-1.Run19104.h5", &cloudy, dir.path());
        let data = RunData::read(&[file]).unwrap();
        assert_eq!(data.subruns(), [0, 6, 30]);
        let cosmics = data.table(EventType::Cosmics).unwrap();
        let events: Vec<i64> = cosmics.subruns.iter().map(|row| row.facts.events).collect();
        assert!(events[1] * 2 < events[2], "{events:?}");
        let broken = Subruns { run: 19_102, numbers: vec![0, 1], date: 20_241_128 };
        let file = made("datacheck_dl1_LST-1.Run19102.h5", &broken, dir.path());
        let data = RunData::read(&[file]).unwrap();
        let flatfield = data.table(EventType::Flatfield).unwrap();
        let charge = flatfield.pixels(PixelColumn::ChargeMean).unwrap();
        let dead = Sky::of(19_102).broken;
        assert!(dead.iter().all(|&pixel| charge[pixel].abs() < 1e-6));
    }
}
