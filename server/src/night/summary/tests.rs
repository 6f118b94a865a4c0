//! Summaries as they are, and as they should not be.

use proptest::prelude::*;

use super::*;
use crate::hint::Hint;
use crate::testing::{executable, site, write};

const HEADER: &str = "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: run_id, datatype: int64}\n\
                      # - {name: n_subruns, datatype: int64}\n# - {name: run_type, datatype: string}\n\
                      # - {name: run_start, datatype: int64}\n# delimiter: ','\n\
                      run_id,n_subruns,run_type,run_start\n";

fn parse(rows: &str) -> Result<RunSummary, NightError> {
    RunSummary::parse(&format!("{HEADER}{rows}"), Path::new("/RunSummary_20241128.ecsv"))
}

/// What is wrong with the one row that is left out, or with the whole.
fn problem(rows: &str) -> String {
    match parse(rows) {
        Err(error) => format!("whole night: {error}"),
        Ok(summary) => match &summary.faulty[..] {
            [row] => row.problem.clone(),
            rows => panic!("{rows:?}"),
        },
    }
}

fn night() -> (tempfile::TempDir, NightPaths) {
    let (dir, site) = site();
    let paths = NightPaths::new(site, "2024-11-28".parse().unwrap(), "v0.1.0".parse().unwrap());
    (dir, paths)
}

#[test]
fn runs_come_in_their_order_with_type_subruns_and_start() {
    let summary = parse("19102,6,DATA,1732832400863850890\n1910,0,EDATA,0\n").unwrap();
    let [first, second] = summary.runs.as_slice() else { panic!("{summary:?}") };
    assert_eq!((first.id, first.subruns, first.start), (RunId(1910), 0, None));
    assert_eq!(first.run_type, RunType::Other("EDATA".into()));
    assert_eq!((second.id, second.subruns, second.line), (RunId(19102), 6, 10));
    assert_eq!(second.start.unwrap().to_rfc3339(), "2024-11-28T22:20:00.863850890+00:00");
    assert_eq!(summary.run(RunId(1910)), Some(first));
    assert_eq!(summary.run(RunId(1)), None);
}

#[test]
fn a_night_without_runs_is_an_empty_summary() {
    assert_eq!(parse("").unwrap().runs, []);
}

#[test]
fn ten_thousand_subruns_are_the_most_that_four_digits_can_number() {
    assert_eq!(parse("19102,10000,DATA,0\n").unwrap().runs[0].subruns, 10_000);
    assert!(problem("19102,10001,DATA,0\n").contains("column n_subruns: 10001 subruns"));
}

#[test]
fn a_run_that_is_there_twice_counts_once() {
    let summary = parse("19102,6,DATA,0\n19103,5,DATA,0\n19102,6,DATA,0\n").unwrap();
    assert_eq!(summary.runs.len(), 2);
    let [notice] = summary.notices.as_slice() else { panic!("{:?}", summary.notices) };
    assert!(notice.message.contains(":12: run 19102 is in line 10 already"), "{notice:?}");
}

#[test]
fn every_fault_names_line_and_column() {
    insta::assert_snapshot!(
        [
            problem("x,6,DATA,0\n"),
            problem("-19102,6,DATA,0\n"),
            problem("19102.0,6,DATA,0\n"),
            problem("19102,six,DATA,0\n"),
            problem("19102,-1,DATA,0\n"),
            problem("19102,,DATA,0\n"),
            problem("19102,6,,0\n"),
            problem("19102,6,DATA,today\n"),
            problem("19102,6,DATA,0\n19103,5,DA"),
            problem("19102,6,DATA,0\n19102,7,DATA,0\n"),
            problem("19102,6,DATA,0\n19102,6,DRS4,0\n"),
        ]
        .join("\n")
    );
    let other = HEADER.replace("n_subruns", "subruns");
    let error = RunSummary::parse(&other, Path::new("/s.ecsv")).unwrap_err().to_string();
    assert_eq!(error, "/s.ecsv:9: there is no column n_subruns");
}

/// A calibration of the night itself, and a good run.
const GOOD: &str = "19100,1,DRS4,0\n19101,1,PEDCALIB,0\n19102,6,DATA,0\n";

#[test]
fn a_row_that_cannot_be_used_leaves_out_its_run_alone() {
    for (row, run) in [
        ("19103,six,DATA,0\n", Some(19103)),
        ("19103,6\n", Some(19103)),
        ("19103,6,DATA,0,9\n", Some(19103)),
        ("x,6,DATA,0\n", None),
        ("19103,6,\"DATA,0\n", Some(19103)),
        ("19103,6,PEDCALIB,today\n", Some(19103)),
        ("19103,6,DATA,0\n19103,7,DATA,0\n", Some(19103)),
    ] {
        for rows in [format!("{GOOD}{row}"), format!("{row}{GOOD}")] {
            let summary = parse(&rows).unwrap();
            let runs: Vec<_> = summary.runs.iter().map(|run| run.id.0).collect();
            assert_eq!(runs, [19100, 19101, 19102], "{rows}");
            let [faulty] = &summary.faulty[..] else { panic!("{rows}: {:?}", summary.faulty) };
            assert_eq!(faulty.run, run.map(RunId), "{rows}");
            assert!(faulty.problem.starts_with("/RunSummary_20241128.ecsv:"), "{faulty:?}");
        }
    }
}

#[test]
fn no_calibration_of_another_night_takes_the_place_of_a_row_that_cannot_be_read() {
    for row in ["19101,one,PEDCALIB,0\n", "19101,1\n", "19101,1,PEDCALIB,0\n19101,2,PEDCALIB,0\n"] {
        assert!(parse(&format!("19100,1,DRS4,0\n{row}19102,6,DATA,0\n")).is_err(), "{row}");
    }
    let data = parse("19100,1,DRS4,0\n19102,six,DATA,0\n19103,6,DATA,0\n").unwrap();
    assert_eq!((data.runs.len(), data.faulty.len()), (2, 1), "data calibrate nothing");
}

#[test]
fn a_file_that_is_cut_off_is_no_summary() {
    let error = parse(&format!("{GOOD}19103,6")).unwrap_err().to_string();
    assert!(error.contains("cut off"), "{error}");
}

#[test]
fn a_missing_summary_is_distinguished_from_an_unreadable_one() {
    let (_dir, paths) = night();
    let error = RunSummary::read(&paths).unwrap_err();
    assert!(matches!(error, NightError::NoSummary { .. }), "{error}");
    assert!(error.hint().unwrap().contains("lstchain_create_run_summary"));

    std::fs::create_dir_all(paths.run_summary()).unwrap();
    assert!(matches!(RunSummary::read(&paths), Err(NightError::Read { .. })));
}

#[test]
fn bytes_that_are_no_text_are_an_error_with_their_line() {
    let (_dir, paths) = night();
    write(&paths.run_summary(), "");
    std::fs::write(paths.run_summary(), [HEADER.as_bytes(), b"1,1,DATA,0\n2,\xff"].concat())
        .unwrap();
    let error = RunSummary::read(&paths).unwrap_err().to_string();
    assert!(error.contains("RunSummary_20241128.ecsv:11: there are bytes"), "{error}");
}

#[test]
fn lstchain_makes_a_missing_summary_and_gets_each_argument_as_one() {
    let (dir, paths) = night();
    std::fs::create_dir_all(&paths.config.directories.run_summary_dir).unwrap();
    let bin = dir.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let summary = paths.run_summary();
    let body = format!("printf '%s|' \"$@\" > '{}'", summary.display());
    executable(&bin.join(MAKER), &body);
    make(&paths, std::slice::from_ref(&bin)).unwrap();
    let base = dir.path().display();
    assert_eq!(
        std::fs::read_to_string(summary).unwrap(),
        format!("--date=20241128|--r0-path={base}/R0|--output-dir={base}/monitoring/RunSummary|")
    );
}

#[test]
fn a_maker_that_fails_or_leaves_nothing_is_an_error_with_its_output() {
    let (dir, paths) = night();
    let make_with = |body: &str| {
        executable(&dir.path().join(MAKER), body);
        make(&paths, &[dir.path().to_owned()]).unwrap_err().to_string()
    };
    let failed = make_with("echo first >&2; echo no such night >&2; exit 3");
    assert!(failed.contains("exit status: 3, it says: no such night"), "{failed}");
    let nothing = make_with("exit 0");
    assert!(nothing.contains("RunSummary_20241128.ecsv is missing"), "{nothing}");
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        runs in proptest::collection::btree_map(
            0u32..1_000_000,
            (0u32..=MAX_SUBRUNS, "DRS4|PEDCALIB|DATA|UNKN"),
            0..20,
        )
    ) {
        let rows: Vec<String> =
            runs.iter().rev().map(|(id, (n, kind))| format!("{id},{n},{kind},0")).collect();
        let read = parse(&rows.join("\n")).unwrap().runs;
        let read: Vec<_> = read.iter().map(|r| (r.id.0, (r.subruns, r.run_type.to_string()))).collect();
        prop_assert_eq!(read, runs.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn no_rows_make_it_panic(rows in "[0-9,DATRS4\n\"# -]{0,80}\\PC{0,20}") {
        let _ = parse(&rows);
        let _ = RunSummary::parse(&rows, Path::new("/s.ecsv"));
    }
}
