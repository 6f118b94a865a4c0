//! A night as the original wrote it is understood as the original understood it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use server::model::{CalibrationRuns, Level, RunId};
use server::night::{MissingSummary, NightPaths, Observation, calibration_files, list};

use crate::support::{DATE, TestSite};

fn observe(site: &TestSite) -> Observation {
    Observation::read(&site.paths(), MissingSummary::Fail).unwrap()
}

/// The first seven columns of the golden table: telescope, number, parent, type, run, subruns,
/// source.
fn golden_rows() -> Vec<Vec<String>> {
    let table = include_str!("../golden/table-simulate-test.txt");
    let rows = table.lines().skip(2);
    rows.map(|row| row.split_whitespace().take(7).map(str::to_owned).collect()).collect()
}

#[test]
fn the_sequences_are_those_of_the_golden_table() {
    let observation = observe(&TestSite::golden());
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "None".to_owned());
    let rows = observation.sequences.iter().map(|sequence| {
        vec![
            "LST1".to_owned(),
            sequence.number.to_string(),
            or_none(sequence.parent.map(|parent| parent.to_string())),
            sequence.kind.to_string(),
            sequence.run.to_string(),
            sequence.subruns.to_string(),
            or_none(sequence.source.clone()),
        ]
    });
    assert_eq!(rows.collect::<Vec<_>>(), golden_rows());
    assert_eq!(observation.notices, []);
    assert_eq!(observation.runs.len(), 7);
}

#[test]
fn calibration_runs_and_files_are_those_of_the_golden_scripts() {
    let site = TestSite::golden();
    let runs = observe(&site).calibration.unwrap();
    assert_eq!(runs, CalibrationRuns { drs4: RunId(19100), pedcal: RunId(19101) });

    let paths = site.paths();
    let files = calibration_files(&paths, runs).unwrap();
    let script = include_str!("../golden/scripts/sequence_LST1_19102.py");
    let subrun = "0000".parse().unwrap();
    let pedestal_ids = paths.pedestal_ids(RunId(19102), subrun);
    for (option, file) in [
        ("--drs4-pedestal-file", &files.drs4),
        ("--time-calib-file", &files.time),
        ("--pedcal-file", &files.calibration),
        ("--systematic-correction-file", &files.systematics),
        ("--drive-file", &paths.drive_log()),
        ("--run-summary", &paths.run_summary()),
        ("--pedestal-ids-file", &pedestal_ids),
    ] {
        let ours = site.as_original(&format!("'{option}={}'", file.display()));
        let ours = ours.replace(".0000.h5'", ".{subruns:04d}.h5'");
        let golden = script.replace(".0000.h5'", ".{subruns:04d}.h5'");
        assert!(golden.contains(&ours), "{ours} is not in the golden script");
    }
    assert!(pedestal_ids.is_file());
}

#[test]
fn the_nights_with_a_run_summary_are_listed_newest_first() {
    let site = TestSite::golden();
    site.write("monitoring/RunSummary/RunSummary_20241301.ecsv", "no such month");
    site.write("monitoring/RunSummary/RunSummary_20241129.ecsv.tmp", "half written");
    let nights: Vec<String> =
        list(&site.site_config()).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(nights, ["2024-11-28", "2024-11-27"]);
}

/// Every file that a night may have, as far as its name follows from runs and subruns alone.
fn names_of_files(paths: &NightPaths, observation: &Observation) -> Vec<PathBuf> {
    let mut files = vec![
        paths.run_summary(),
        paths.run_catalogue(),
        paths.drive_log(),
        paths.gain_selection_finished(),
        paths.config.directories.merged_summary.clone(),
    ];
    for run in &observation.runs {
        files.push(paths.sequence_file(run.id, None, "closed"));
        files.push(paths.sequence_file(run.id, None, "veto"));
        for subrun in (0..run.subruns).map(server::model::Subrun) {
            files.push(paths.r0_file(run.id, subrun));
            files.push(paths.pedestal_ids(run.id, subrun));
            files.extend(Level::ALL.map(|level| {
                paths.running_dir(level).join(paths.product_name(level, run.id, Some(subrun)))
            }));
        }
    }
    files
}

#[test]
fn every_file_of_the_golden_tree_is_where_the_paths_say() {
    let site = TestSite::golden();
    let mut known = BTreeSet::new();
    for date in [DATE, "2024-11-27"] {
        let paths = site.paths_of(date);
        let observation = Observation::read(&paths, MissingSummary::Fail).unwrap();
        known.extend(names_of_files(&paths, &observation));
        let runs = observation.calibration.unwrap();
        let files = calibration_files(&paths, runs).unwrap();
        known.extend([files.drs4, files.calibration, files.time, files.systematics]);
    }
    let tree: BTreeMap<String, String> =
        serde_json::from_str(include_str!("../golden/tree.json")).unwrap();
    let unknown: Vec<&String> =
        tree.keys().filter(|path| !known.contains(&site.path(path))).collect();
    // These two are what the later ones of their kind have replaced.
    assert_eq!(
        unknown,
        [
            "monitoring/PixelCalibration/Cat-A/drs4_time_sampling_from_FF/20191124/pro/\
             time_calibration.Run01625.0000.h5",
            "monitoring/PixelCalibration/Cat-A/ffactor_systematics/20200725/pro/\
             ffactor_systematics_20200725.h5",
        ]
    );
}
