//! Commands that are asked to stop, or killed, in the middle of a stage.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use server::model::Level;

use super::site::{CHECK_DL1, DL1_TO_DL2, DL1AB, R0_TO_DL1, site, tries};
use crate::support::{CommandOutput, TestSite, until};

/// Starts the subrun, of which DL1b hangs the first time, and sends a signal when it does.
fn stopped_in_dl1b(site: &TestSite, signal: Signal) -> CommandOutput {
    site.rules("dl1ab 19103.0001 hang times=1");
    let child = site.datasequence(&[]).start();
    until("DL1b has begun to write", || {
        site.product(Level::Dl1ab).metadata().is_ok_and(|found| found.len() > 0)
    });
    child.send(signal);
    child.wait()
}

fn assert_a_rerun_completes(site: &TestSite, before: &[(&str, i32)]) -> CommandOutput {
    let ended = site.datasequence(&[]).run().succeeds();
    let rest = [(DL1AB, 0), (CHECK_DL1, 0), (DL1_TO_DL2, 0)];
    assert_eq!(site.history(), tries(&[before, &rest].concat()));
    site.assert_products_are_whole();
    assert!(site.processes().is_empty(), "something is left running");
    ended
}

fn a_signal_is_written_down(signal: Signal, rc: i32) {
    let site = site();
    stopped_in_dl1b(&site, signal).exits(rc);
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
    let site = site();
    stopped_in_dl1b(&site, Signal::SIGKILL).ends_killed();
    assert_eq!(site.processes().len(), 1, "the stage outlives its owner");
    assert_eq!(site.history(), tries(&[(R0_TO_DL1, 0)]));
    assert_a_rerun_completes(&site, &[(R0_TO_DL1, 0)]).says("ended 1 processes");
}

#[test]
fn a_job_that_is_stopped_again_and_again_gets_no_veto() {
    let site = site();
    for _ in 0..2 {
        site.rules("dl1ab 19103.0001 hang");
        let child = site.datasequence(&[]).start();
        until("DL1b has begun", || site.product(Level::Dl1ab).exists());
        child.send(Signal::SIGTERM);
        child.wait().exits(143);
    }
    assert_eq!(site.history(), tries(&[(R0_TO_DL1, 0), (DL1AB, 143), (DL1AB, 143)]));
    assert!(!site.sequence_file("veto").exists());
}

#[test]
fn a_stage_that_is_asked_to_stop_is_not_tried_again() {
    let site = site();
    site.rules("dl1ab 19103.0001 hang");
    let child = site.datasequence(&[]).start();
    until("DL1b has begun", || site.product(Level::Dl1ab).exists());
    let stages: Vec<u32> = site.processes().into_iter().filter(|pid| *pid != child.pid()).collect();
    for pid in &stages {
        kill(Pid::from_raw(pid.cast_signed()), Signal::SIGTERM).unwrap();
    }
    child.wait().exits(143);
    assert_eq!(site.history(), tries(&[(R0_TO_DL1, 0), (DL1AB, 143)]));
}
