//! The choice of calibration runs, and the night of a run.

use super::*;
use crate::testing::{site, write};

const HEADER: &str = "# %ECSV 1.0\n# ---\n# delimiter: ','\nrun_id,n_subruns,run_type\n";

struct Nights {
    _dir: tempfile::TempDir,
    paths: NightPaths,
}

/// The night 2024-11-28 and others, by their distance to it in days, each with its rows.
fn nights(rows: &[(u32, &str)]) -> Nights {
    let (dir, site) = site();
    let paths = NightPaths::new(site, "2024-11-28".parse().unwrap(), "v0.1.0".parse().unwrap());
    for (back, rows) in rows {
        let night = paths.of_night(paths.date.days_before(*back));
        write(&night.run_summary(), &format!("{HEADER}{rows}"));
    }
    Nights { _dir: dir, paths }
}

impl Nights {
    fn choose(&self) -> (Option<u32>, Option<u32>, Vec<Notice>) {
        let choice = choose(&self.paths, &RunSummary::read(&self.paths).unwrap());
        (choice.drs4.map(|run| run.0), choice.pedcal.map(|run| run.id.0), choice.notices)
    }

    fn merged(&self, rows: &str) {
        let header = "# %ECSV 1.0\n# ---\n# schema: astropy-2.0\ndate run_id run_type\n";
        write(&self.paths.config.directories.merged_summary, &format!("{header}{rows}"));
    }

    fn night_of(&self, run: u32) -> Result<String, String> {
        night_of(RunId(run), &self.paths).map(|n| n.to_string()).map_err(|e| e.to_string())
    }
}

#[test]
fn the_last_run_of_each_type_is_chosen_whatever_the_order_of_the_file() {
    let rows = "105,1,PEDCALIB\n104,1,DRS4\n101,1,DRS4\n102,1,PEDCALIB\n103,2,DATA\n";
    assert_eq!(nights(&[(0, rows)]).choose(), (Some(104), Some(105), vec![]));
}

#[test]
fn runs_of_error_types_and_runs_without_data_are_not_chosen() {
    let rows = "101,1,DRS4\n102,1,PEDCALIB\n103,1,ERRPEDCALIB\n104,0,PEDCALIB\n105,0,DRS4\n";
    assert_eq!(nights(&[(0, rows)]).choose(), (Some(101), Some(102), vec![]));
}

#[test]
fn each_type_is_searched_up_to_four_nights_back_on_its_own() {
    let night = nights(&[
        (0, "150,1,DRS4\n151,2,DATA\n"),
        (2, "130,1,DRS4\n"),
        (4, "110,1,DRS4\n111,1,PEDCALIB\n"),
    ]);
    let (drs4, pedcal, notices) = night.choose();
    assert_eq!((drs4, pedcal), (Some(150), Some(111)));
    let [notice] = notices.as_slice() else { panic!("{notices:?}") };
    assert_eq!(notice.severity, Severity::Info);
    assert_eq!(notice.message, "the PEDCALIB run 00111 is of an earlier night, 2024-11-24");
}

#[test]
fn the_nearest_night_lends_its_run() {
    let rows = [(0, "150,2,DATA\n"), (1, "140,1,PEDCALIB\n"), (2, "130,1,PEDCALIB\n131,1,DRS4\n")];
    let (drs4, pedcal, notices) = nights(&rows).choose();
    assert_eq!((drs4, pedcal, notices.len()), (Some(131), Some(140), 2));
}

#[test]
fn five_nights_back_is_too_far_and_it_says_so() {
    let night = nights(&[(0, "150,2,DATA\n"), (5, "100,1,DRS4\n101,1,PEDCALIB\n")]);
    let (drs4, pedcal, notices) = night.choose();
    assert_eq!((drs4, pedcal), (None, None));
    let errors: Vec<_> = notices.iter().map(|n| (n.severity, n.message.as_str())).collect();
    assert_eq!(
        errors,
        [
            (
                Severity::Error,
                "there is no DRS4 run in the night 2024-11-28 nor in the 4 nights before"
            ),
            (
                Severity::Error,
                "there is no PEDCALIB run in the night 2024-11-28 nor in the 4 nights before"
            ),
        ]
    );
}

#[test]
fn an_earlier_summary_that_cannot_be_read_is_reported_and_skipped() {
    let night =
        nights(&[(0, "150,2,DATA\n"), (1, "x,1,DRS4\n"), (2, "130,1,DRS4\n131,1,PEDCALIB\n")]);
    let (drs4, pedcal, notices) = night.choose();
    assert_eq!((drs4, pedcal), (Some(130), Some(131)));
    assert!(
        notices[0].message.contains("RunSummary_20241127.ecsv:5: column run_id"),
        "{notices:?}"
    );
    assert_eq!(notices[0].severity, Severity::Warning);
}

#[test]
fn the_night_of_a_run_is_in_the_summaries_within_reach_or_in_the_merged_one() {
    let night = nights(&[(0, "150,2,DATA\n"), (3, "120,1,DRS4\n"), (5, "100,1,DRS4\n")]);
    assert_eq!(night.night_of(150).unwrap(), "2024-11-28");
    assert_eq!(night.night_of(120).unwrap(), "2024-11-25");

    let unknown = night.night_of(100).unwrap_err();
    assert!(
        unknown.contains("neither in the run summaries of 2024-11-24 to 2024-11-28"),
        "{unknown}"
    );
    assert!(unknown.contains("merged_RunSummary.ecsv"), "{unknown}");

    night.merged("2024-11-23 100 DRS4\n2019-11-24 1625 \"CALI x\"\n");
    assert_eq!(night.night_of(100).unwrap(), "2024-11-23");
    assert_eq!(night.night_of(1625).unwrap(), "2019-11-24");
    assert!(night.night_of(7).unwrap_err().contains("run 00007"));

    night.merged("yesterday 100 DRS4\n");
    let wrong = night.night_of(100).unwrap_err();
    assert!(wrong.contains("merged_RunSummary.ecsv:5: column date: \"yesterday\""), "{wrong}");
}

#[test]
fn an_unreadable_summary_on_the_way_does_not_hide_the_merged_one() {
    let night = nights(&[(0, "broken\n")]);
    night.merged("2024-11-23 100 DRS4\n");
    assert_eq!(night.night_of(100).unwrap(), "2024-11-23");
}
