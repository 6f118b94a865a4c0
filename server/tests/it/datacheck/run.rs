//! Runs merged from their subruns have the known values, except where the original is wrong.

use std::path::PathBuf;

use serde_json::Value;
use server::datacheck::figure::{RunSheet, run_sheet};
use server::datacheck::{EventType, HistColumn, PixelColumn, RunData};

use super::{fixture, golden};

fn run(name: &str) -> RunData {
    RunData::read(&[fixture(name)]).unwrap()
}

fn near(known: &Value, ours: f64) -> bool {
    let known = known.as_f64().unwrap();
    (known - ours).abs() <= 1e-9 * known.abs().max(1e-12)
}

#[test]
fn merged_runs_have_the_known_values() {
    let golden = golden();
    for (name, known) in golden["run_files"].as_object().unwrap() {
        let run = run(name);
        for events in EventType::ALL {
            let known = &known["summary"][events.table()];
            let table = run.table(events).unwrap();
            assert_eq!(known["num_events_total"], table.events());
            assert!(near(&known["elapsed_total_s"], table.elapsed_s()));
            for column in HistColumn::ALL {
                let known = &known["histograms_summed"][column.name()];
                let counts = table.histogram(column).unwrap();
                assert!(near(&known["total"], counts.iter().sum()), "{name} {}", column.name());
                assert!(near(&known["max"], counts.iter().copied().fold(0.0, f64::max)));
            }
            let cog: f64 = table.pixels(PixelColumn::Cog).unwrap().iter().sum();
            assert!(near(&known["cog_within_pixel_total"], cog));
            for (column, charge) in PixelColumn::PULSES {
                let key = format!("fraction_above_{charge:04}_pe");
                let fractions = table.fractions(column).unwrap();
                for (pixel, value) in known[&key]["pixels"].as_object().unwrap() {
                    assert!(near(value, fractions[pixel.parse::<usize>().unwrap()]));
                }
            }
            for (row, stars) in table
                .subruns
                .iter()
                .zip(known["star_affected_pixels_per_subrun"].as_array().unwrap())
            {
                assert_eq!(*stars, row.star_pixels);
            }
        }
    }
}

#[test]
fn run_means_are_the_known_ones_and_right_where_the_original_is_wrong() {
    let columns = [
        (PixelColumn::ChargeMean, "run_charge_mean"),
        (PixelColumn::ChargeStd, "run_charge_stddev"),
        (PixelColumn::TimeMean, "run_time_mean"),
        (PixelColumn::RelTimeStd, "run_relative_time_stddev"),
    ];
    let golden = golden();
    let mut compared = 0;
    for (name, known) in golden["run_files"].as_object().unwrap() {
        let run = run(name);
        for events in EventType::ALL {
            let table = run.table(events).unwrap();
            for (column, key) in columns {
                let Some(known) = known["summary"][events.table()][key]["pixels"].as_object()
                else {
                    assert!(events != EventType::Flatfield && !key.contains("charge"), "{key}");
                    continue;
                };
                let values = table.pixels(column).unwrap();
                for (pixel, value) in known {
                    let ours = values[pixel.parse::<usize>().unwrap()];
                    let damaged = name.contains("20603") && matches!(pixel.as_str(), "333" | "600");
                    if pixel == "432" && !key.contains("charge") {
                        assert!(ours.is_nan(), "a dead pixel has no time, not time 0");
                    } else if !damaged {
                        assert!(near(value, ours), "{name} {key} {pixel}: {value} {ours}");
                        compared += 1;
                    }
                }
            }
        }
    }
    assert!(compared > 100, "{compared}");
    let run = run("datacheck_dl1_LST-1.Run20603.h5");
    let pedestals = run.table(EventType::Pedestals).unwrap();
    let mean = pedestals.pixels(PixelColumn::ChargeMean).unwrap()[333];
    assert!((2.4..2.8).contains(&mean), "zeroed subruns would give 1.319, not {mean}");
    let out = pedestals.left_out.iter().find(|out| out.pixel == 333).unwrap();
    assert_eq!((out.subrun, out.column), (0, PixelColumn::ChargeMean));
    assert_eq!(run.missing(EventType::Flatfield), [1]);
    assert_eq!(run.missing(EventType::Pedestals), [2]);
}

#[test]
fn subruns_not_yet_merged_give_the_same_figures() {
    let parts: Vec<PathBuf> =
        (0..3).map(|s| fixture(&format!("datacheck_dl1_LST-1.Run20603.000{s}.h5"))).collect();
    let (parts, merged) = (RunData::read(&parts).unwrap(), run("datacheck_dl1_LST-1.Run20603.h5"));
    for sheet in RunSheet::ALL {
        let text = |run| serde_json::to_string(&run_sheet(run, &[], sheet)).unwrap();
        assert_eq!(text(&parts), text(&merged), "{sheet:?}");
    }
}

#[test]
fn a_file_still_being_written_does_not_hide_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let cut = dir.path().join("datacheck_dl1_LST-1.Run20603.0001.h5");
    let whole = fixture("datacheck_dl1_LST-1.Run20603.0000.h5");
    std::fs::write(&cut, &std::fs::read(&whole).unwrap()[..50_000]).unwrap();
    let run = RunData::read(&[whole, cut.clone()]).unwrap();
    assert_eq!(run.subruns(), [0]);
    assert_eq!(run.unreadable[0].0, cut);
    assert!(run.unreadable[0].1.contains("truncated"), "{}", run.unreadable[0].1);
    assert!(RunData::read(&[cut]).is_err());
}

#[test]
fn each_sheet_is_the_same_from_the_part_of_the_files_that_it_needs() {
    let subruns = |run: u32, number: u32| -> Vec<PathBuf> {
        (0..number)
            .map(|subrun| fixture(&format!("datacheck_dl1_LST-1.Run{run}.{subrun:04}.h5")))
            .collect()
    };
    for files in [
        vec![fixture("datacheck_dl1_LST-1.Run20601.h5")],
        vec![fixture("datacheck_dl1_LST-1.Run20603.h5")],
        subruns(20603, 3),
        // It has no flat-field at all.
        vec![fixture("datacheck_dl1_LST-1.Run20603.0001.h5")],
    ] {
        let whole = RunData::read(&files).unwrap();
        for sheet in RunSheet::ALL {
            let part = RunData::read_part(&files, sheet.extent()).unwrap();
            assert_eq!(part.subruns(), whole.subruns(), "{files:?}");
            assert!(part.memory() <= whole.memory());
            let [ours, known] = [&part, &whole]
                .map(|run| serde_json::to_string(&run_sheet(run, &[], sheet)).unwrap());
            assert_eq!(ours, known, "{} of {files:?}", sheet.names().0);
        }
    }
}
