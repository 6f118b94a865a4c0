//! `datasequence` on a subrun that nobody interrupts.

use std::fs;

use nix::sys::signal::Signal;
use server::model::Level;

use super::site::{CHECK_DL1, DL1_TO_DL2, DL1AB, R0_TO_DL1, site, tries};
use crate::support::{Case, until};

const GOOD: [(&str, i32); 4] = [(R0_TO_DL1, 0), (DL1AB, 0), (CHECK_DL1, 0), (DL1_TO_DL2, 0)];

#[test]
fn a_subrun_goes_through_all_stages_once() {
    let site = site();
    let mut ended = site.datasequence(&[]).run().succeeds();
    assert_eq!(site.history(), tries(&GOOD));
    site.assert_products_are_whole();
    for stage in ["DL1a", "DL1b", "Datacheck", "DL2"] {
        let first = format!("osa: 19103.0001 {stage}: try 1 of 3");
        ended = ended.says(&format!("{first}, lstchain_"));
        ended = ended.says(&format!("{first} ended with 0 after "));
    }

    site.datasequence(&[]).run().succeeds().says("everything is there already");
    assert_eq!(site.history(), tries(&GOOD));
}

#[test]
fn the_history_has_the_originals_fields() {
    let site = site();
    site.datasequence(&["--no-dl2"]).run().succeeds();
    let text = fs::read_to_string(site.sequence_file("history")).unwrap();
    let without_time: Vec<String> = text
        .lines()
        .map(|line| {
            let mut fields: Vec<_> = line.split(' ').collect();
            let time = fields.drain(3..5).collect::<Vec<_>>().join(" ");
            assert!(chrono::NaiveDateTime::parse_from_str(&time, "%Y-%m-%d %H:%M").is_ok());
            fields.join(" ")
        })
        .collect();
    assert_eq!(
        without_time,
        [
            "19103.0001 lstchain_data_r0_to_dl1 v0.1.0 LST-1.1.Run19103.0001.fits.fz config.json 0",
            "19103.0001 lstchain_dl1ab tailcut84 dl1_LST-1.Run19103.0001.h5 config.json 0",
            "19103.0001 lstchain_check_dl1 tailcut84 dl1_LST-1.Run19103.0001.h5 None 0",
        ]
    );
    assert!(!site.product(Level::Dl2).exists());
}

#[test]
fn a_stage_that_fails_is_tried_again_without_what_it_has_left() {
    let site = site();
    site.rules("dl1ab 19103.0001 fail=locking times=2\ncheck_dl1 * fail=oom times=1");
    let ended = site.datasequence(&[]).run().succeeds();
    let expected = [
        (R0_TO_DL1, 0),
        (DL1AB, 1),
        (DL1AB, 1),
        (DL1AB, 0),
        (CHECK_DL1, 137),
        (CHECK_DL1, 0),
        (DL1_TO_DL2, 0),
    ];
    assert_eq!(site.history(), tries(&expected));
    ended.never_says("already exists");
    assert!(!site.sequence_file("veto").exists());
    site.assert_products_are_whole();
}

#[test]
fn a_failure_for_good_is_the_exit_code_and_two_equal_ones_a_veto() {
    let site = site();
    site.rules("dl1ab 19103.0001 fail=catb rc=3");
    let ended = site.datasequence(&[]).run().exits(3);
    let failed = [(R0_TO_DL1, 0), (DL1AB, 3), (DL1AB, 3), (DL1AB, 3)];
    assert_eq!(site.history(), tries(&failed));
    assert!(!site.product(Level::Dl1ab).exists(), "half a product was left");
    assert!(site.product(Level::Dl1).exists(), "the product of a good stage was removed");
    let veto = fs::read_to_string(site.sequence_file("veto")).unwrap();
    assert!(veto.contains("lstchain_dl1ab (return code 3)"), "{veto}");
    ended.says("catB/calibration already exists");

    // Whoever starts it all the same goes on where it stopped; a good end takes back the veto.
    site.rules("r0_to_dl1 * fail=error");
    site.datasequence(&[]).run().succeeds();
    assert_eq!(site.history(), tries(&[&failed[..], &GOOD[1..]].concat()));
    assert!(!site.sequence_file("veto").exists());
    site.assert_products_are_whole();
}

#[test]
fn different_failures_are_no_reason_for_a_veto() {
    let site = site();
    site.configure("max_tries: 3", "max_tries: 2");
    site.rules("dl1ab * fail=error rc=5\ndl1ab * fail=oom times=1");
    site.datasequence(&[]).run().exits(5);
    assert_eq!(site.history(), tries(&[(R0_TO_DL1, 0), (DL1AB, 137), (DL1AB, 5)]));
    assert!(!site.sequence_file("veto").exists());
}

#[test]
fn history_is_not_believed_over_the_disk() {
    let site = site();
    site.datasequence(&[]).run().succeeds();
    fs::remove_file(site.product(Level::Dl1ab)).unwrap();
    site.datasequence(&[]).run().succeeds().says("DL1b ended well, but");
    assert_eq!(site.history(), tries(&[&GOOD[..], &GOOD[1..]].concat()));
    site.assert_products_are_whole();
}

#[test]
fn products_without_a_history_are_made_again() {
    let site = site();
    site.datasequence(&[]).run().succeeds();
    fs::write(site.sequence_file("history"), "19103.0001 lstchain_data_r0_to_dl1 v0.1").unwrap();
    site.datasequence(&[]).run().succeeds().says("line 1 of the history is torn");
    site.assert_products_are_whole();
}

#[test]
fn a_full_disk_leaves_no_half_product() {
    let site = site();
    site.rules("dl1ab * bytes=200000");
    // SIGXFSZ, with which Linux ends a process that outgrows its limit.
    site.datasequence(&[]).in_shell_after("ulimit -f 64").run().exits(153);
    let cut = [(R0_TO_DL1, 0), (DL1AB, 153), (DL1AB, 153), (DL1AB, 153)];
    assert_eq!(site.history(), tries(&cut));
    assert!(!site.product(Level::Dl1ab).exists());

    site.datasequence(&[]).run().succeeds();
    site.assert_products_are_whole();
}

#[test]
fn where_no_history_can_be_written_nothing_is_run() {
    let site = site();
    fs::create_dir_all(site.sequence_file("history")).unwrap();
    site.datasequence(&[]).run().fails().says("sequence_LST1_19103.0001.history");
    assert!(!site.product(Level::Dl1).exists());
}

#[test]
fn a_missing_executable_is_named_with_its_key_and_is_127() {
    let site = site();
    site.configure("dl1ab: lstchain_dl1ab", "dl1ab: lstchain_dl1c");
    for _ in 0..2 {
        site.datasequence(&[])
            .run()
            .exits(127)
            .says("\"lstchain_dl1c\"")
            .says("dl1ab in section [lstchain] of ")
            .says("sequencer.cfg");
    }
    let found = [(R0_TO_DL1, 0), ("lstchain_dl1c", 127), ("lstchain_dl1c", 127)];
    assert_eq!(site.history(), tries(&found));
    assert!(!site.sequence_file("veto").exists(), "the data cannot help it");
}

#[test]
fn a_stage_that_writes_nothing_did_not_end_well() {
    let site = site();
    fs::remove_file(site.bin().join(DL1AB)).unwrap();
    std::os::unix::fs::symlink("/bin/true", site.bin().join(DL1AB)).unwrap();
    site.datasequence(&[]).run().exits(70).says("ended with 0 and did not write");
}

#[test]
fn a_simulation_prints_what_would_be_run_and_writes_nothing() {
    let site = site();
    let before = site.everything();
    let ended = site.datasequence(&["-s"]).run().succeeds();
    let programs: Vec<_> = ended.out.lines().map(|l| l.split(' ').next().unwrap()).collect();
    assert_eq!(programs, [R0_TO_DL1, DL1AB, CHECK_DL1, DL1_TO_DL2]);
    ended.prints("/v0.1.0/calibration_filters_52.Run19101.0000.h5 ");
    assert_eq!(site.everything(), before);
}

#[test]
fn another_file_of_the_same_run_stands_in_for_a_missing_one() {
    let site = site();
    let calibration = site.path(
        "monitoring/PixelCalibration/Cat-A/calibration/20241128/v0.1.9/\
         calibration_filters_00.Run19101.0000.h5",
    );
    let option = format!("--pedcal-file={}", calibration.display());
    site.datasequence(&[&option, "--no-dl2", "-v"])
        .run()
        .succeeds()
        .says(&format!("{} is not there: using ", calibration.display()))
        .says("/v0.1.0/calibration_filters_52.Run19101.0000.h5");
}

#[test]
fn a_missing_file_is_reported_before_anything_is_run() {
    let site = site();
    let option = "--time-calib-file=/nowhere/time_calibration.Run04211.0000.h5";
    site.datasequence(&[option])
        .run()
        .fails()
        .says("(--time-calib-file) is missing: /nowhere/")
        .says("hint: ");
    assert_eq!(site.history(), []);
    assert!(!site.product(Level::Dl1).exists());
}

#[test]
fn a_subrun_without_pedestal_ids_does_without() {
    let site = site();
    let ids = "--pedestal-ids-file=/nowhere/pedestal_ids_Run19103.0001.h5";
    site.datasequence(&[ids]).run().succeeds().says("has no ids of interleaved pedestals");
}

#[test]
fn two_at_once_do_not_work_on_one_subrun() {
    let site = site();
    site.rules("r0_to_dl1 * hang");
    let mut first = site.datasequence(&[]).start();
    until("the first has begun", || site.product(Level::Dl1).exists());
    let second = site.datasequence(&[]).run().exits(75);
    second.says("another process works on this sequence");
    assert!(site.product(Level::Dl1).exists(), "the second removed what the first writes");
    assert!(first.is_running());
    first.send(Signal::SIGTERM);
    first.wait().exits(143);
}

#[test]
fn wrong_command_lines_end_with_2() {
    for wrong in [&["19103.0001", "LST3"][..], &["19103", "LST1"], &["--colour", "1.1", "LST1"]] {
        let _case = Case::named(wrong.join(" "));
        site().command(["datasequence"]).args(wrong).run().exits(2);
    }
}
