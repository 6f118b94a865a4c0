//! Commands that are told to stop, or killed, in the middle of a stage.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use server::model::Level;

use super::site::{CHECK_DL1, DL1_TO_DL2, DL1AB, Ended, R0_TO_DL1, Site, end, start, tries, until};

/// Starts the subrun, of which DL1b hangs the first time, and sends a signal when it does.
fn stopped_in_dl1b(site: &Site, signal: Signal) -> Ended {
    site.rules("dl1ab 19103.0001 hang times=1");
    let child = start(site.datasequence(&[]));
    until("DL1b has begun to write", || {
        site.product(Level::Dl1ab).metadata().is_ok_and(|found| found.len() > 0)
    });
    child.send(signal);
    child.wait()
}

fn assert_a_rerun_completes(site: &Site, before: &[(&str, i32)]) -> Ended {
    let ended = end(site.datasequence(&[]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let rest = [(DL1AB, 0), (CHECK_DL1, 0), (DL1_TO_DL2, 0)];
    assert_eq!(site.history(), tries(&[before, &rest].concat()));
    site.assert_products_are_whole();
    assert!(site.processes().is_empty(), "something is left running");
    ended
}

fn a_signal_is_written_down(signal: Signal, rc: i32) {
    let site = Site::new();
    let ended = stopped_in_dl1b(&site, signal);
    assert_eq!(ended.code, Some(rc), "{ended:?}");
    let lines = [(R0_TO_DL1, 0), (DL1AB, rc)];
    assert_eq!(site.history(), tries(&lines));
    assert!(!site.product(Level::Dl1ab).exists(), "half a product was left");
    assert!(site.processes().is_empty(), "something is left running");
    assert!(!site.sequence_file("veto").exists());
    assert_a_rerun_completes(&site, &lines);
}

#[test]
fn sigterm_ends_the_stage_and_is_written_down() {
    a_signal_is_written_down(Signal::SIGTERM, 143);
}

#[test]
fn sigint_ends_the_stage_and_is_written_down() {
    a_signal_is_written_down(Signal::SIGINT, 130);
}

#[test]
fn after_kill_9_a_rerun_ends_what_is_left_and_completes() {
    let site = Site::new();
    let child_left = {
        assert_eq!(stopped_in_dl1b(&site, Signal::SIGKILL).code, None);
        site.processes()
    };
    assert_eq!(child_left.len(), 1, "the stage outlives its owner");
    assert_eq!(site.history(), tries(&[(R0_TO_DL1, 0)]));
    let ended = assert_a_rerun_completes(&site, &[(R0_TO_DL1, 0)]);
    assert!(ended.stderr.contains("ended 1 processes"), "{}", ended.stderr);
}

#[test]
fn a_job_that_is_stopped_again_and_again_gets_no_veto() {
    let site = Site::new();
    for _ in 0..2 {
        site.rules("dl1ab 19103.0001 hang");
        let child = start(site.datasequence(&[]));
        until("DL1b has begun", || site.product(Level::Dl1ab).exists());
        child.send(Signal::SIGTERM);
        assert_eq!(child.wait().code, Some(143));
    }
    assert_eq!(site.history(), tries(&[(R0_TO_DL1, 0), (DL1AB, 143), (DL1AB, 143)]));
    assert!(!site.sequence_file("veto").exists());
}

#[test]
fn a_stage_that_is_told_to_stop_is_not_tried_again() {
    let site = Site::new();
    site.rules("dl1ab 19103.0001 hang");
    let child = start(site.datasequence(&[]));
    until("DL1b has begun", || site.product(Level::Dl1ab).exists());
    let stages: Vec<u32> =
        site.processes().into_iter().filter(|pid| *pid != child.child.id()).collect();
    for pid in &stages {
        kill(Pid::from_raw(pid.cast_signed()), Signal::SIGTERM).unwrap();
    }
    assert_eq!(child.wait().code, Some(143));
    assert_eq!(site.history(), tries(&[(R0_TO_DL1, 0), (DL1AB, 143)]));
}
