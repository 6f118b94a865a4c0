//! Tables of any type and shape, and files cut or changed anywhere: an error, never a panic.

use std::path::Path;

use hdf5::plist::DatasetCreate;
use proptest::prelude::*;
use server::datacheck::draw::{Hover, svg};
use server::datacheck::figure::{RunSheet, run_sheet};
use server::datacheck::table::{Column, Kind, write};
use server::datacheck::{RunData, inspect};

use super::fixture;
use crate::support::{TestCommand, contents};

/// A file with one table of events, and one of bin edges.
fn event_file(path: &Path, columns: &[Column], rows: usize) {
    let file = hdf5::File::create(path).unwrap();
    file.create_group("dl1datacheck").unwrap();
    let width: usize = columns.iter().map(Column::bytes).sum();
    let bytes: Vec<u8> =
        (0..width * rows).map(|index| u8::try_from(index % 251).unwrap()).collect();
    write(&file, "/dl1datacheck/cosmics", columns, &bytes, &chunked()).unwrap();
    let edges = Column {
        name: "hist_width".into(),
        kind: Kind::Float,
        size: 8,
        big_endian: false,
        dims: vec![2, 3],
    };
    let numbers: Vec<u8> =
        [0.0, 1.0, 2.0, 5.0, 6.0, 7.0f64].into_iter().flat_map(f64::to_le_bytes).collect();
    write(&file, "/dl1datacheck/histogram_binning", &[edges], &numbers, &chunked()).unwrap();
}

/// One row a chunk, as PyTables does.
fn chunked() -> DatasetCreate {
    DatasetCreate::build().chunk([1]).finish().unwrap()
}

fn any_column() -> impl Strategy<Value = Column> {
    let names = [
        "subrun_index",
        "num_events",
        "elapsed_time",
        "charge_mean",
        "hist_width",
        "trigger_type",
        "num_nearby_stars",
        "dragon_time",
        "tel_ra",
    ];
    let storage = prop_oneof![
        Just((Kind::Int, 8)),
        Just((Kind::Int, 4)),
        Just((Kind::Int, 1)),
        Just((Kind::Uint, 2)),
        Just((Kind::Float, 4)),
        Just((Kind::Float, 8)),
        Just((Kind::Bool, 1)),
        Just((Kind::Text, 7)),
    ];
    let dims = prop_oneof![
        Just(vec![]),
        Just(vec![1855]),
        Just(vec![3]),
        Just(vec![10, 2]),
        Just(vec![2, 3, 2]),
    ];
    (prop::sample::select(names.to_vec()), storage, dims).prop_map(|(name, (kind, size), dims)| {
        Column { name: name.to_owned(), kind, size, big_endian: false, dims }
    })
}

fn any_columns() -> impl Strategy<Value = Vec<Column>> {
    prop::collection::vec(any_column(), 1..8).prop_map(|mut columns| {
        columns.sort_by(|a, b| a.name.cmp(&b.name));
        columns.dedup_by(|a, b| a.name == b.name);
        columns
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn tables_of_any_shape_are_inspected(columns in any_columns(), rows in 0usize..4) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("datacheck.h5");
        event_file(&path, &columns, rows);
        let inspection = inspect(&path).unwrap();
        let table = inspection.tables["cosmics"].as_ref().unwrap();
        prop_assert_eq!(table.nrows, rows);
        for column in &columns {
            let seen = &table.columns[&column.name];
            prop_assert_eq!(&seen.dtype, &column.dtype());
            prop_assert_eq!(&seen.shape[1..], column.dims.as_slice());
            if let Some(numbers) = seen.numbers.as_ref().filter(|_| rows == 0) {
                prop_assert!(numbers.min.is_none() && numbers.first.is_none());
            }
        }
    }

    #[test]
    fn a_run_is_read_or_its_wrong_column_named(columns in any_columns(), rows in 0usize..4) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("datacheck.h5");
        event_file(&path, &columns, rows);
        match RunData::read(std::slice::from_ref(&path)) {
            Ok(run) => {
                let scalars = ["subrun_index", "num_events", "elapsed_time"];
                let there = |name: &&str| columns.iter().any(|c| c.name == **name && c.dims.is_empty());
                prop_assert!(scalars.iter().all(there));
                for sheet in RunSheet::ALL {
                    for figure in run_sheet(&run, &[], sheet).figures {
                        prop_assert!(svg(&figure, Hover::Silent).is_ok());
                    }
                }
            }
            Err(error) => {
                let text = error.to_string();
                prop_assert!(text.contains("datacheck.h5: table /dl1datacheck/cosmics, column"), "{}", text);
            }
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error_that_names_it(cut in 0usize..143_000) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cut.h5");
        let whole = std::fs::read(fixture("datacheck_dl1_LST-1.Run20603.0001.h5")).unwrap();
        std::fs::write(&path, &whole[..cut]).unwrap();
        let error = inspect(&path).unwrap_err().to_string();
        prop_assert!(error.contains("cut.h5"), "{}", error);
    }
}

#[test]
fn damaged_data_are_noticed_by_their_checksum() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("damaged.h5");
    let mut bytes = std::fs::read(fixture("datacheck_dl1_LST-1.Run20603.0001.h5")).unwrap();
    let middle = bytes.len() / 2; // within a chunk: these fill nearly all of the file
    bytes[middle..middle + 16].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    let error = inspect(&path).unwrap_err().to_string();
    assert!(error.contains("damaged.h5") && error.contains("row 0"), "{error}");
}

#[test]
fn without_one_file_of_muon_rings_all_other_figures_are_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let muons = "muons_LST-1.Run20601.0001.fits";
    let broken = dir.path().join(muons);
    let whole = std::fs::read(fixture(muons)).unwrap();
    std::fs::write(&broken, &whole[..whole.len() / 2]).unwrap();
    let draw = |name: &str, rings: &Path| {
        let command = TestCommand::osa().args(["datacheck", "figures", "-f", "csv", "-o"]);
        let files = [fixture("datacheck_dl1_LST-1.Run20601.h5"), rings.to_owned()];
        let said = command.args([dir.path().join(name)]).args(files).run().succeeds();
        (said, contents(&dir.path().join(name)).len())
    };
    let (said, all) = draw("whole", &fixture(muons));
    assert!(!said.err.contains("warning"), "{}", said.err);
    let (said, without) = draw("broken", &broken);
    said.says("warning: left out: ").says(muons);
    assert!(without > all / 2 && without <= all, "{without} of {all}");
}
