//! A night as a whole, where something is amiss.

use super::*;
use crate::model::{Kind, RunId};
use crate::testing::{executable, site, write};

const HEADER: &str = "# %ECSV 1.0\n# ---\n# delimiter: ','\nrun_id,n_subruns,run_type\n";
const RUNS: &str = "100,4,DRS4\n101,4,PEDCALIB\n102,6,DATA\n103,0,DATA\n104,1,EDATA\n105,2,DATA\n";

fn night(rows: Option<&str>) -> (tempfile::TempDir, NightPaths) {
    let (dir, site) = site();
    let paths = NightPaths::new(site, "2024-11-28".parse().unwrap(), "v0.1.0".parse().unwrap());
    if let Some(rows) = rows {
        write(&paths.run_summary(), &format!("{HEADER}{rows}"));
        let table = "# %ECSV 1.0\n# ---\n# delimiter: ','\nrun_id,source_name\n1,Crab\n";
        write(&paths.run_catalogue(), table);
    }
    (dir, paths)
}

fn read(paths: &NightPaths) -> Observation {
    Observation::read(paths, MissingSummary::Fail).unwrap()
}

fn rows(observation: &Observation) -> Vec<(u32, Option<u32>, u32, Option<&str>)> {
    let sequences = observation.sequences.iter();
    sequences.map(|s| (s.number, s.parent, s.run.0, s.source.as_deref())).collect()
}

#[test]
fn a_run_without_subruns_is_left_out_and_reported() {
    let (_dir, paths) = night(Some(RUNS));
    let observation = read(&paths);
    let expected = [(1, None, 101, None), (2, Some(1), 102, None), (3, Some(1), 105, None)];
    assert_eq!(rows(&observation), expected);
    assert_eq!(observation.runs.len(), 6);
    let [notice] = observation.notices.as_slice() else { panic!("{:?}", observation.notices) };
    assert!(notice.message.contains("run 00103 has no subruns"), "{notice:?}");
}

#[test]
fn sources_with_blanks_stay_whole_and_a_bad_catalogue_is_a_notice() {
    let (_dir, paths) = night(Some(RUNS));
    let table = "# %ECSV 1.0\n# ---\n# delimiter: ','\nrun_id,source_name\n";
    write(&paths.run_catalogue(), &format!("{table}102,BL Lac\n101,Crab\n"));
    assert_eq!(rows(&read(&paths))[..2], [(1, None, 101, None), (2, Some(1), 102, Some("BL Lac"))]);

    write(&paths.run_catalogue(), &format!("{table}102\n"));
    let told = |beginning: &str| {
        let observation = read(&paths);
        assert_eq!(observation.sequences.len(), 3);
        let messages: Vec<_> = observation.notices.iter().map(|n| n.message.as_str()).collect();
        assert!(messages.iter().any(|m| m.starts_with(beginning)), "{messages:?}");
    };
    told("the source of a run is unknown: ");
    write(&paths.run_catalogue(), "no table\n");
    told("sources are unknown: ");
    write(&paths.run_catalogue(), table);
    told("sources are unknown: ");
    write(&paths.run_catalogue(), "");
    told("sources are unknown: ");
    std::fs::remove_file(paths.run_catalogue()).unwrap();
    told("sources are unknown: ");
}

#[test]
fn data_without_calibration_runs_keep_their_numbers_and_their_parent() {
    let (_dir, paths) = night(Some("102,6,DATA\n"));
    let observation = read(&paths);
    assert_eq!(rows(&observation), [(2, Some(1), 102, None)]);
    assert_eq!(observation.calibration, None);
    assert_eq!(observation.notices.len(), 2);
}

#[test]
fn the_calibration_of_an_earlier_night_is_sequence_one_all_the_same() {
    let (_dir, paths) = night(Some("102,6,DATA\n"));
    let earlier = paths.of_night(paths.date.days_before(2));
    write(&earlier.run_summary(), &format!("{HEADER}90,4,DRS4\n91,5,PEDCALIB\n92,1,DATA\n"));
    let observation = read(&paths);
    assert_eq!(rows(&observation), [(1, None, 91, None), (2, Some(1), 102, None)]);
    assert_eq!(
        (observation.sequences[0].kind, observation.sequences[0].subruns),
        (Kind::Calibration, 5)
    );
    let runs = CalibrationRuns { drs4: RunId(90), pedcal: RunId(91) };
    assert_eq!(observation.calibration, Some(runs));
}

#[test]
fn a_night_with_nothing_to_process_has_no_sequences_and_borrows_no_calibration() {
    for runs in ["", "100,4,DRS4\n", "104,1,EDATA\n"] {
        let (_dir, paths) = night(Some(runs));
        let earlier = paths.of_night(paths.date.days_before(1));
        write(&earlier.run_summary(), &format!("{HEADER}90,4,DRS4\n91,5,PEDCALIB\n"));
        let observation = read(&paths);
        assert_eq!((observation.sequences, observation.notices), (vec![], vec![]), "{runs:?}");
    }
}

#[test]
fn a_missing_summary_is_made_only_where_that_is_allowed() {
    let (dir, paths) = night(None);
    let bin = dir.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let made = dir.path().join("made.ecsv");
    write(&made, &format!("{HEADER}{RUNS}"));
    let summary = paths.run_summary();
    std::fs::create_dir_all(summary.parent().unwrap()).unwrap();
    let body = format!("cp '{}' '{}'", made.display(), summary.display());
    executable(&bin.join("lstchain_create_run_summary"), &body);

    let refused = Observation::read(&paths, MissingSummary::Fail).unwrap_err();
    assert!(matches!(refused, NightError::NoSummary { .. }));
    assert!(!summary.exists());
    let observation = Observation::read(&paths, MissingSummary::Make(&[bin])).unwrap();
    assert_eq!(observation.sequences.len(), 3);
}

#[test]
fn nights_are_listed_newest_first_and_a_missing_directory_is_an_error() {
    let (_dir, paths) = night(None);
    let error = list(&paths.config).unwrap_err().to_string();
    assert!(error.contains("monitoring/RunSummary"), "{error}");
    for date in ["2024-11-27", "2025-01-01", "2024-11-28"] {
        write(&paths.of_night(date.parse().unwrap()).run_summary(), "");
    }
    let nights: Vec<_> = list(&paths.config).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(nights, ["2025-01-01", "2024-11-28", "2024-11-27"]);
}
