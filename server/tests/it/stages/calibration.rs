//! `calibration_pipeline`.

use std::fs;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use server::model::RunId;

use super::site::{lines, site, tries};
use crate::support::{TestSite, until};

const DRS4: &str = "lstcam_calib_onsite_create_drs4_pedestal_file";
const CHARGE: &str = "lstcam_calib_onsite_create_calibration_file";

const DRS4_FILE: &str = "monitoring/PixelCalibration/Cat-A/drs4_baseline/20241128/v0.1.0/drs4_pedestal.Run19100.0000.h5";
const CHARGE_FILE: &str = "monitoring/PixelCalibration/Cat-A/calibration/20241128/v0.1.0/\
                           calibration_filters_52.Run19101.0000.h5";

/// A site whose night is not calibrated yet.
fn uncalibrated() -> TestSite {
    let site = site();
    for file in [DRS4_FILE, CHARGE_FILE] {
        fs::remove_file(site.path(file)).unwrap();
    }
    site
}

fn history(site: &TestSite) -> PathBuf {
    site.paths().history(RunId(19101), None)
}

fn assert_whole(site: &TestSite, file: &str) {
    let text = fs::read_to_string(site.path(file)).unwrap_or_default();
    assert!(text.ends_with("complete\n"), "{file} is not whole: {text:?}");
}

#[test]
fn a_night_is_calibrated_once() {
    let site = uncalibrated();
    site.calibration().run().succeeds();
    assert_eq!(lines(&history(&site)), tries(&[(DRS4, 0), (CHARGE, 0)]));
    assert_whole(&site, DRS4_FILE);
    assert_whole(&site, CHARGE_FILE);
    let text = fs::read_to_string(history(&site)).unwrap();
    for line in text.lines() {
        assert!(line.starts_with("19101 lstcam_calib_onsite_"), "{line}");
        assert!(line.ends_with(" None None 0"), "{line}");
    }
    site.calibration().run().says("everything is there already");
    assert_eq!(lines(&history(&site)).len(), 2);
}

#[test]
fn files_that_are_there_are_good_and_nothing_is_written() {
    let site = site();
    site.rules("* * fail=error");
    let before = site.everything();
    site.calibration().run().succeeds();
    assert_eq!(site.everything(), before);
}

#[test]
fn without_run_numbers_the_nights_own_are_taken() {
    let site = uncalibrated();
    let ended = site.run(["calibration_pipeline", "-s", "--date=2024-11-28", "LST1"]).succeeds();
    let base = site.base().display().to_string();
    let expected = format!(
        "{DRS4} -r 19100 -b {base} --r0-dir={base}/R0 --no-progress\n\
         {CHARGE} -p 19100 -r 19101 -b {base} --r0-dir={base}/R0\n"
    );
    assert_eq!(ended.out, expected);
}

#[test]
fn the_charge_calibration_is_tried_once_more_with_the_usual_filters() {
    let site = uncalibrated();
    site.rules("charge_calibration 19101 fail=filters");
    site.calibration().run().succeeds();
    let expected = [(DRS4, 0), (CHARGE, 1), (CHARGE, 1), (CHARGE, 1), (CHARGE, 0)];
    assert_eq!(lines(&history(&site)), tries(&expected));
    assert_whole(&site, CHARGE_FILE);
    assert!(!site.paths().sequence_file(RunId(19101), None, "veto").exists());
}

#[test]
fn a_calibration_that_fails_twice_alike_is_vetoed_and_leaves_nothing() {
    let site = uncalibrated();
    site.rules("drs4_baseline 19100 fail=exists");
    site.calibration().run().fails();
    assert_eq!(lines(&history(&site)), tries(&[(DRS4, 1), (DRS4, 1), (DRS4, 1)]));
    assert!(!site.path(DRS4_FILE).exists());
    assert!(site.paths().sequence_file(RunId(19101), None, "veto").exists());
}

#[test]
fn after_kill_9_the_half_written_file_is_not_taken_for_good() {
    let site = uncalibrated();
    let other = DRS4_FILE.replace("v0.1.0", "v0.9.1");
    site.write(&other, "of another production");
    site.rules("drs4_baseline 19100 hang times=1");
    let child = site.calibration().start();
    until("the file is begun", || site.path(DRS4_FILE).exists());
    child.send(Signal::SIGKILL);
    child.wait().ends_killed();
    assert!(site.path(DRS4_FILE).exists(), "the killed try leaves half a file");
    assert_eq!(lines(&history(&site)), []);

    site.calibration().run().succeeds().says("an earlier try was killed");
    assert_eq!(lines(&history(&site)), tries(&[(DRS4, 0), (CHARGE, 0)]));
    assert_whole(&site, DRS4_FILE);
    assert!(site.processes().is_empty());
    let kept = fs::read_to_string(site.path(&other)).unwrap();
    assert_eq!(kept, "of another production");
}

#[test]
fn sigterm_is_written_down_and_leaves_nothing() {
    let site = uncalibrated();
    site.rules("charge_calibration * hang times=1");
    let child = site.calibration().start();
    until("the file is begun", || site.path(CHARGE_FILE).exists());
    child.send(Signal::SIGTERM);
    child.wait().exits(143);
    assert_eq!(lines(&history(&site)), tries(&[(DRS4, 0), (CHARGE, 143)]));
    assert!(!site.path(CHARGE_FILE).exists());
    site.calibration().run().succeeds();
    assert_whole(&site, CHARGE_FILE);
}

#[test]
fn a_tool_of_another_version_is_found_out() {
    let site = uncalibrated();
    let command = site.calibration().env("STANDIN_VERSION", "v0.11.2");
    let ended = command.run().exits(70);
    ended.says("v0.11.2/drs4_pedestal.Run19100.0000.h5: is PROD_ID right?");
}
