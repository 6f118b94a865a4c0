//! `osa datacheck inspect` gives every known value of every column.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{fixture, golden, night_file, same};
use crate::support::{CommandOutput, TestCommand};

fn inspect(file: &Path, flags: &[&str]) -> CommandOutput {
    TestCommand::osa().args(["datacheck", "inspect"]).args([file]).args(flags).run()
}

fn inspected(file: &Path) -> Value {
    inspect(file, &["--json"]).succeeds().json()
}

/// Compares the known statistics of all columns of a table; returns how many values agreed.
fn compare_table(known: &Value, ours: &Value, what: &str) -> usize {
    assert_eq!(known["nrows"], ours["nrows"], "{what}");
    let mut compared = 0;
    for (column, values) in known["columns"].as_object().unwrap() {
        let values = known_statistics(values, &known["dtypes"][column.as_str()]);
        for (key, value) in values {
            let found = &ours["columns"][column.as_str()][&key];
            assert!(same(&value, found), "{what} {column} {key}: known {value}, ours {found}");
            compared += 1;
        }
    }
    compared
}

/// What is known of a column: as it stands, or from the list of its values.
fn known_statistics(known: &Value, dtype: &Value) -> Map<String, Value> {
    let Some(list) = known.as_array() else { return known.as_object().unwrap().clone() };
    let number = |value: &Value| match value {
        Value::Bool(flag) => json!(u8::from(*flag)),
        other => other.clone(),
    };
    let list: Vec<Value> = list.iter().map(number).collect();
    let finite: Vec<f64> = list.iter().filter_map(Value::as_f64).collect();
    let dtype = match dtype.as_str().unwrap() {
        "int64" => "<i8",
        "float64" => "<f8",
        "float32" => "<f4",
        "bool" => "|b1",
        other => panic!("{other}"),
    };
    let least = finite.iter().copied().reduce(f64::min);
    let greatest = finite.iter().copied().reduce(f64::max);
    let statistics = json!({
        "dtype": dtype, "shape": [list.len()], "sum_finite": finite.iter().sum::<f64>(),
        "min": least, "max": greatest, "first": list.first(), "last": list.last(),
        "n_nan": list.iter().filter(|value| *value == "NaN").count(),
    });
    statistics.as_object().unwrap().clone()
}

#[test]
fn every_known_value_of_run_and_subrun_files_is_met() {
    let golden = golden();
    let mut compared = 0;
    for group in ["subrun_files", "run_files"] {
        for (name, known) in golden[group].as_object().unwrap() {
            let ours = inspected(&fixture(name));
            assert_eq!(ours["used_trigger_tag"], known["used_trigger_tag"]);
            assert_eq!(ours["nodes"], known["nodes"]);
            for (table, known) in known["tables"].as_object().unwrap() {
                let ours = &ours["tables"][table.as_str()];
                if known.is_null() {
                    assert!(ours.is_null() && ours != "absent", "{name} {table}");
                } else {
                    compared += compare_table(known, ours, &format!("{name} {table}"));
                }
            }
        }
    }
    assert!(compared > 5000, "only {compared} values were compared");
}

#[test]
fn every_known_value_of_the_night_file_is_met() {
    let dir = tempfile::tempdir().unwrap();
    let ours = inspected(&night_file(dir.path()));
    let golden = golden();
    let known = golden["longterm"]["DL1_datacheck_20250131.h5"].as_object().unwrap();
    let compared: usize = known
        .iter()
        .map(|(table, known)| compare_table(known, &ours["tables"][table.as_str()], table))
        .sum();
    assert!(compared > 1000, "only {compared} values were compared");
}

#[test]
fn muon_files_are_understood_with_and_without_rows() {
    for (name, known) in golden()["muons"].as_object().unwrap() {
        let ours = inspected(&fixture(name));
        let muons = &ours["tables"]["muons"];
        assert_eq!(muons["nrows"], known["nrows"], "{name}");
        if known["nrows"] != 0 {
            assert_eq!(
                muons["columns"]["event_id"]["first"].as_f64(),
                known["first_event_id"].as_f64()
            );
            assert!(same(&known["first_event_time"], &muons["columns"]["event_time"]["first"]));
        }
    }
}

#[test]
fn units_and_descriptions_come_from_the_file() {
    let ours = inspected(&fixture("datacheck_dl1_LST-1.Run20601.h5"));
    let cosmics = &ours["tables"]["cosmics"]["columns"];
    assert_eq!(cosmics["tel_dec"]["unit"], "deg");
    assert_eq!(cosmics["tel_dec"]["description"], "Telescope pointing declination");
    assert_eq!(cosmics["num_events"].get("unit"), None);
}

#[test]
fn the_table_for_people_tells_what_is_missing() {
    let said = inspect(&fixture("datacheck_dl1_LST-1.Run20603.0001.h5"), &[]);
    insta::assert_snapshot!(said.prints("flatfield: not in this file").out);
}

#[test]
fn errors_name_the_file_and_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("empty.h5"), "").unwrap();
    std::fs::write(path("text.h5"), "subrun_index,num_events\n").unwrap();
    let whole = std::fs::read(fixture("datacheck_dl1_LST-1.Run20603.0001.h5")).unwrap();
    std::fs::write(path("cut.h5"), &whole[..whole.len() / 2]).unwrap();
    hdf5::File::create(path("other.h5")).unwrap();
    let mut messages = Vec::new();
    for name in ["missing.h5", "empty.h5", "text.h5", "cut.h5", "other.h5", "cut.fits", "."] {
        let said = inspect(&path(name), &["--json"]).fails().prints_nothing();
        messages.push(said.err.replace(&dir.path().display().to_string(), "DIR"));
    }
    insta::assert_snapshot!(messages.concat());
}

#[test]
fn contained_muon_rings_have_the_known_means() {
    for (name, known) in golden()["muons"].as_object().unwrap() {
        let rings = server::datacheck::read_muons(&fixture(name)).unwrap();
        if known["nrows"] == 0 {
            assert!(rings.is_empty());
            continue;
        }
        let contained: Vec<_> = rings.iter().filter(|ring| ring.is_contained()).collect();
        assert_eq!(json!(contained.len()), known["contained"], "{name}");
        let mean = |values: Vec<f64>| {
            json!(values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap()))
        };
        let sizes = mean(contained.iter().map(|ring| ring.size_pe).collect());
        let good = || contained.iter().filter(|ring| ring.efficiency < 1.0);
        assert!(same(&known["mean_size"], &sizes), "{name} {sizes}");
        assert!(same(&known["mean_width"], &mean(good().map(|ring| ring.width_deg).collect())));
        let efficiency = mean(good().map(|ring| ring.efficiency).collect());
        assert!(same(&known["mean_efficiency"], &efficiency), "{name} {efficiency}");
    }
}
