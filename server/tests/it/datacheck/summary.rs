//! A run's own files say of the run what the night's file does.

use std::collections::BTreeMap;
use std::path::PathBuf;

use server::datacheck::{
    NightData, Pace, Quantity, RunJudgement, Thresholds, Verdict, judge, summarise,
};

use super::{fixture, golden, night_file};

const RUNS: [(i64, usize, i64); 2] = [(20601, 0, 3), (20603, 2, 2)];

fn muons(run: i64, number: i64) -> BTreeMap<i64, PathBuf> {
    let name = |subrun| format!("muons_LST-1.Run{run}.{subrun:04}.fits");
    (0..number).map(|subrun| (subrun, fixture(&name(subrun)))).collect()
}

fn summary(run: i64, number: i64) -> NightData {
    let merged = fixture(&format!("datacheck_dl1_LST-1.Run{run}.h5"));
    summarise(run, &[merged], &muons(run, number), Pace::Hurried).unwrap()
}

#[test]
fn a_runs_row_is_that_of_the_nights_file() {
    // The original gives a dead pixel the time 0, counts what is not finite as 0, and averages fractions
    // in another order.
    let wrong_there = [
        "ff_time_mean",
        "ff_time_stddev",
        "ff_rel_time_stddev",
        "ped_charge_mean",
        "ped_charge_stddev",
        "cosmics_fraction_pulses_above10",
        "cosmics_fraction_pulses_above30",
    ];
    let golden = golden();
    let known = &golden["longterm"]["DL1_datacheck_20250131.h5"]["runsummary"]["columns"];
    for (run, row, subruns) in RUNS {
        let night = summary(run, subruns);
        assert!(night.runs.names().count() > 30);
        for name in night.runs.names() {
            let (ours, known) = (night.runs.column(name)[0], known[name][row].as_f64().unwrap());
            let allowed = if wrong_there.contains(&name) { 3e-3 } else { 1e-6 };
            let off = (ours - known).abs();
            assert!(off <= allowed * known.abs(), "run {run} {name}: {ours}, known {known}");
        }
    }
}

fn verdicts(judgement: &RunJudgement) -> Vec<(Quantity, Verdict)> {
    judgement.findings.iter().map(|finding| (finding.quantity, finding.verdict)).collect()
}

#[test]
fn a_run_is_judged_from_its_own_files_as_from_the_nights() {
    let dir = tempfile::tempdir().unwrap();
    let night = NightData::read(&[night_file(dir.path())], true).unwrap();
    let thresholds = Thresholds::shipped().unwrap();
    let known = judge(&night, &thresholds);
    for (run, row, subruns) in RUNS {
        let ours = judge(&summary(run, subruns), &thresholds);
        assert_eq!(verdicts(&ours[0]), verdicts(&known[row]), "run {run}");
    }
}

#[test]
fn subruns_make_the_same_row_as_their_merged_file() {
    let files: Vec<PathBuf> = (0..3)
        .map(|subrun| fixture(&format!("datacheck_dl1_LST-1.Run20603.{subrun:04}.h5")))
        .collect();
    let single = summarise(20603, &files, &muons(20603, 2), Pace::Hurried).unwrap();
    let merged = summary(20603, 2);
    assert_eq!(single.runs, merged.runs);
    assert_eq!(single.pixels_no_stars.runs, [20603]);
    let pixels = |night: &NightData| {
        Quantity::PixelPedestalStd.of_pixels(&night.pixels_no_stars, 0).unwrap()
    };
    let same = |(a, b): (f64, f64)| a.to_bits() == b.to_bits();
    assert!(pixels(&single).into_iter().zip(pixels(&merged)).all(same));
}

#[test]
fn nights_are_put_together_from_runs_that_lack_a_table() {
    let [flatfield_missing, whole] = ["20603.0001", "20603.0000"]
        .map(|name| fixture(&format!("datacheck_dl1_LST-1.Run{name}.h5")));
    let first = summarise(1, &[flatfield_missing], &BTreeMap::new(), Pace::Hurried).unwrap();
    let second = summarise(2, &[whole], &BTreeMap::new(), Pace::Hurried).unwrap();
    let night = NightData::of_nights(vec![first, second]).unwrap();
    assert_eq!(night.run_numbers(), [1, 2]);
    let charge =
        |row| Quantity::PixelFlatfieldCharge.of_pixels(&night.pixels_no_stars, row).unwrap();
    assert!(charge(0).iter().all(|value| value.is_nan()));
    assert!(charge(1)[0] > 60.0);
    assert!(Quantity::MuonRate.of_runs(&night).iter().all(|rate| rate.is_nan()));
}

#[test]
fn what_cannot_be_read_is_named() {
    let none = summarise(1, &[PathBuf::from("/nowhere/a.h5")], &BTreeMap::new(), Pace::Hurried)
        .unwrap_err();
    assert!(none.to_string().contains("/nowhere/a.h5"));
    let night = summarise(
        20601,
        &[fixture("datacheck_dl1_LST-1.Run20601.h5")],
        &BTreeMap::from([(0, PathBuf::from("/nowhere/m.fits"))]),
        Pace::Hurried,
    );
    let night = night.unwrap();
    assert_eq!(night.unreadable.len(), 1);
    assert!(night.unreadable[0].1.contains("/nowhere/m.fits"));
}
