//! What the stages leave in `prov.log`.

use std::fs::{self, File};

use server::model::Level;
use server::provenance::record::{Kind, Record};
use server::provenance::scan::scan;

use super::site::site;
use crate::support::{PROD_ID, TestSite};

/// Every record of the night's log, in order; none may be bad.
fn records(site: &TestSite) -> Vec<Record> {
    let log = site.paths().provenance_log();
    let mut records = Vec::new();
    let scan = scan(File::open(&log).unwrap(), |line| {
        records.push(Record::parse(line.body).map_err(|error| (1, error.to_string()))?);
        Ok(())
    });
    assert_eq!(scan.unwrap().bad, []);
    records
}

/// The activities that have ended, by their tags.
fn ended(site: &TestSite) -> Vec<String> {
    let ends = records(site).into_iter().filter(|record| record.kind == Kind::End);
    ends.map(|record| record.text("session_tag").to_owned()).collect()
}

#[test]
fn every_stage_that_ended_well_has_its_activity_once() {
    let site = site();
    // The golden night has products and a log of its own.
    let before = site.paths().provenance_log();
    if before.exists() {
        fs::remove_file(&before).unwrap();
    }
    site.rules("dl1ab 19103.0001 fail=locking times=1");
    site.datasequence(&[]).run().succeeds();
    let stages = ["r0_to_dl1", "dl1ab", "dl1_datacheck", "dl1_to_dl2"];
    let expected = stages.map(|stage| format!("{stage}:19103"));
    assert_eq!(ended(&site), expected);
    let hashed = records(&site)
        .iter()
        .filter(|record| record.text("filepath").ends_with("dl2_LST-1.Run19103.0001.h5"))
        .map(|record| record.text("content_hash").len())
        .collect::<Vec<_>>();
    assert_eq!(hashed, [64], "the product was at hand");

    site.datasequence(&[]).run().succeeds();
    assert_eq!(ended(&site), expected, "nothing was done again, and nothing is told again");
}

#[test]
fn a_stage_that_fails_leaves_no_activity() {
    let site = site();
    let _ = fs::remove_file(site.paths().provenance_log());
    site.rules("dl1ab * fail=locking");
    assert_ne!(site.datasequence(&[]).run().code, Some(0));
    assert_eq!(ended(&site), ["r0_to_dl1:19103"]);
}

#[test]
fn what_was_captured_is_folded_by_provprocess() {
    let site = site();
    let _ = fs::remove_file(site.paths().provenance_log());
    for directory in ["calibration", "drs4_baseline"] {
        let directory = format!("monitoring/PixelCalibration/Cat-A/{directory}/20241128");
        fs::remove_dir_all(site.path(&directory)).unwrap();
    }
    site.calibration().run().succeeds();
    site.datasequence(&[]).run().succeeds();
    let calibration = ["drs4_pedestal:19100-19101", "calibrate_charge:19100-19101"];
    assert_eq!(ended(&site)[..2], calibration);

    site.command(["provprocess", "-c"])
        .args([site.config()])
        .args(["19100", "19101", "19103", "20241128", PROD_ID])
        .current_dir(&site.analysis())
        .run()
        .succeeds();
    let made = site.final_dir(Level::Dl2).join("log/calibration_to_dl2_19103_prov.json");
    let document: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&made).unwrap()).unwrap();
    let activities = document["activity"].as_object().unwrap().len();
    assert_eq!(activities, 6, "{document:#}");
}

#[test]
fn provenance_that_cannot_be_written_is_reported_and_stops_nothing() {
    let site = site();
    let log = site.paths().provenance_log();
    let _ = fs::remove_file(&log);
    fs::create_dir_all(&log).unwrap();
    site.datasequence(&[]).run().succeeds().says("the provenance of this stage is not written");
    site.assert_products_are_whole();
}
