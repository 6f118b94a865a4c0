//! `calibration_pipeline`.

use std::fs;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use server::model::RunId;

use super::site::{Site, end, files, lines, start, tries, until};

const DRS4: &str = "lstcam_calib_onsite_create_drs4_pedestal_file";
const CHARGE: &str = "lstcam_calib_onsite_create_calibration_file";

const DRS4_FILE: &str = "monitoring/PixelCalibration/Cat-A/drs4_baseline/20241128/v0.1.0/drs4_pedestal.Run19100.0000.h5";
const CHARGE_FILE: &str = "monitoring/PixelCalibration/Cat-A/calibration/20241128/v0.1.0/\
                           calibration_filters_52.Run19101.0000.h5";

/// A site whose night is not calibrated yet.
fn uncalibrated() -> Site {
    let site = Site::new();
    for file in [DRS4_FILE, CHARGE_FILE] {
        fs::remove_file(site.night.path(file)).unwrap();
    }
    site
}

fn history(site: &Site) -> PathBuf {
    site.paths().history(RunId(19101), None)
}

fn assert_whole(site: &Site, file: &str) {
    let text = fs::read_to_string(site.night.path(file)).unwrap_or_default();
    assert!(text.ends_with("complete\n"), "{file} is not whole: {text:?}");
}

#[test]
fn a_night_is_calibrated_once() {
    let site = uncalibrated();
    let ended = end(site.calibration(&[]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(lines(&history(&site)), tries(&[(DRS4, 0), (CHARGE, 0)]));
    assert_whole(&site, DRS4_FILE);
    assert_whole(&site, CHARGE_FILE);
    let text = fs::read_to_string(history(&site)).unwrap();
    for line in text.lines() {
        assert!(line.starts_with("19101 lstcam_calib_onsite_"), "{line}");
        assert!(line.ends_with(" None None 0"), "{line}");
    }
    let again = end(site.calibration(&[]));
    assert!(again.stderr.contains("everything is there already"), "{}", again.stderr);
    assert_eq!(lines(&history(&site)).len(), 2);
}

#[test]
fn files_that_are_there_are_good_and_nothing_is_written() {
    let site = Site::new();
    site.rules("* * fail=error");
    let before = files(site.night.dir.path());
    assert_eq!(end(site.calibration(&[])).code, Some(0));
    assert_eq!(files(site.night.dir.path()), before);
}

#[test]
fn without_run_numbers_the_nights_own_are_taken() {
    let site = uncalibrated();
    let mut command = site.night.osa();
    command.args(["calibration_pipeline", "-s", "--date=2024-11-28", "LST1"]);
    let ended = end(command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let base = site.night.base().display().to_string();
    let expected = format!(
        "{DRS4} -r 19100 -b {base} --r0-dir={base}/R0 --no-progress\n\
         {CHARGE} -p 19100 -r 19101 -b {base} --r0-dir={base}/R0\n"
    );
    assert_eq!(ended.stdout, expected);
}

#[test]
fn the_charge_calibration_is_tried_once_more_with_the_usual_filters() {
    let site = uncalibrated();
    site.rules("charge_calibration 19101 fail=filters");
    let ended = end(site.calibration(&[]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let expected = [(DRS4, 0), (CHARGE, 1), (CHARGE, 1), (CHARGE, 1), (CHARGE, 0)];
    assert_eq!(lines(&history(&site)), tries(&expected));
    assert_whole(&site, CHARGE_FILE);
    assert!(!site.paths().sequence_file(RunId(19101), None, "veto").exists());
}

#[test]
fn a_calibration_that_fails_twice_alike_is_vetoed_and_leaves_nothing() {
    let site = uncalibrated();
    site.rules("drs4_baseline 19100 fail=exists");
    assert_eq!(end(site.calibration(&[])).code, Some(1));
    assert_eq!(lines(&history(&site)), tries(&[(DRS4, 1), (DRS4, 1), (DRS4, 1)]));
    assert!(!site.night.path(DRS4_FILE).exists());
    assert!(site.paths().sequence_file(RunId(19101), None, "veto").exists());
}

#[test]
fn after_kill_9_the_half_written_file_is_not_taken_for_good() {
    let site = uncalibrated();
    let other = DRS4_FILE.replace("v0.1.0", "v0.9.1");
    site.night.write(&other, "of another production");
    site.rules("drs4_baseline 19100 hang times=1");
    let child = start(site.calibration(&[]));
    until("the file is begun", || site.night.path(DRS4_FILE).exists());
    child.send(Signal::SIGKILL);
    assert_eq!(child.wait().code, None);
    assert!(site.night.path(DRS4_FILE).exists(), "the killed try leaves half a file");
    assert_eq!(lines(&history(&site)), []);

    let ended = end(site.calibration(&[]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("an earlier try was killed"), "{}", ended.stderr);
    assert_eq!(lines(&history(&site)), tries(&[(DRS4, 0), (CHARGE, 0)]));
    assert_whole(&site, DRS4_FILE);
    assert!(site.processes().is_empty());
    let kept = fs::read_to_string(site.night.path(&other)).unwrap();
    assert_eq!(kept, "of another production");
}

#[test]
fn sigterm_is_written_down_and_leaves_nothing() {
    let site = uncalibrated();
    site.rules("charge_calibration * hang times=1");
    let child = start(site.calibration(&[]));
    until("the file is begun", || site.night.path(CHARGE_FILE).exists());
    child.send(Signal::SIGTERM);
    assert_eq!(child.wait().code, Some(143));
    assert_eq!(lines(&history(&site)), tries(&[(DRS4, 0), (CHARGE, 143)]));
    assert!(!site.night.path(CHARGE_FILE).exists());
    assert_eq!(end(site.calibration(&[])).code, Some(0));
    assert_whole(&site, CHARGE_FILE);
}

#[test]
fn a_tool_of_another_version_is_found_out() {
    let site = uncalibrated();
    let mut command = site.calibration(&[]);
    command.env("STANDIN_VERSION", "v0.11.2");
    let ended = end(command);
    assert_eq!(ended.code, Some(70), "{ended:?}");
    assert!(ended.stderr.contains("v0.11.2/drs4_pedestal.Run19100.0000.h5: is PROD_ID right?"));
}
