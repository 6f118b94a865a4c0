//! Submitting: in order, once, and with a line in the audit log.

use std::thread;

use serde_json::Value;

use super::{fresh, requested, runs};

#[test]
fn a_fresh_night_goes_out_with_the_data_after_the_calibration() {
    let site = fresh();
    let said = site.sequencer(&[]).succeeds();
    let said = said.prints("\nBuilding job scripts for each sequence.\nTel");
    let jobs = requested(&site);
    assert_eq!(jobs.len(), 5);
    assert_eq!(jobs[0], ("19101".into(), None));
    let calibration = jobs[1].1.clone().unwrap();
    said.says(&format!("LST1_19101: submitted as job {calibration}"));
    for (run, (found, after)) in ["19102", "19103", "19104", "19106"].iter().zip(&jobs[1..]) {
        assert_eq!((found.as_str(), after.as_ref()), (*run, Some(&calibration)));
    }
    let table = site.sequencer(&["-s"]).succeeds().out;
    assert_eq!(table.matches("  PENDING  ").count(), 5, "{table}");
}

#[test]
fn launches_and_cancellations_are_in_the_audit_log() {
    let site = fresh();
    assert_eq!(site.run(["audit", "--json", "2024-11-28"]).succeeds().out, "[]\n");
    site.sequencer(&["-s"]).succeeds();
    site.sequencer(&[]).succeeds();
    site.sequencer(&[]).succeeds();
    site.run(["cancel", "1002"]).succeeds();
    let lines: Vec<Value> = site.run(["audit", "--json", "2024-11-28"]).succeeds().json();
    assert_eq!(lines.len(), 2, "a simulation and a shut gate do nothing: {lines:?}");
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name;
    assert!(lines.iter().all(|line| line["author"] == format!("cli:{user}")), "{lines:?}");
    assert_eq!(lines[0]["action"], "launch");
    assert_eq!(lines[0]["plan"]["jobs"].as_array().unwrap().len(), 5);
    assert_eq!(lines[0]["outcome"]["message"], "5 jobs submitted");
    assert_eq!((&lines[1]["action"], &lines[1]["plan"]["job"]), (&"cancel".into(), &1002.into()));
    assert_eq!(lines[1]["outcome"]["success"], true);
    site.run(["audit", "2024-11-28"]).succeeds().prints("launch: 5 jobs submitted\n");
}

#[test]
fn sequencers_at_the_same_moment_submit_each_job_once() {
    let site = fresh();
    let said: Vec<String> = thread::scope(|scope| {
        let commands: Vec<_> = (0..4).map(|_| scope.spawn(|| site.sequencer(&[]))).collect();
        commands.into_iter().map(|command| command.join().unwrap().err).collect()
    });
    let jobs = requested(&site);
    assert_eq!(runs(&jobs), ["19101", "19102", "19103", "19104", "19106"], "{said:#?}");
}

#[test]
fn an_unknown_outcome_is_an_error_and_is_cleared_up_not_repeated() {
    let site = fresh();
    site.slurm().set("faults/sbatch", "socket-timeout\n");
    let said = site.sequencer(&[]);
    let jobs = requested(&site);
    assert_eq!(jobs.iter().filter(|(run, _)| run == "19101").count(), 1, "{said}");
    site.sequencer(&[]);
    let jobs = requested(&site);
    let mut once = runs(&jobs);
    once.dedup();
    assert_eq!(runs(&jobs), once, "nothing twice");
}

/// A disk that takes no byte more is played by a limit on the size of files.
#[test]
fn on_a_full_disk_the_old_scripts_stay_whole_and_the_error_names_the_file() {
    let site = fresh();
    site.sequencer(&["--no-submit", "-t"]).succeeds();
    let script = site.analysis().join("sequence_LST1_19101.sh");
    let before = site.everything();
    let command = site.night_command("sequencer", &["--no-submit", "-t", "-v"]);
    let said = command.in_shell_after("trap '' XFSZ; ulimit -f 0").run().fails();
    said.says(&format!("cannot write the job script {}", script.display()));
    assert_eq!(site.everything(), before);
}

#[test]
fn jobs_that_can_never_begin_are_reported_and_cancelled() {
    let site = fresh();
    site.sequencer(&[]).succeeds();
    site.slurm().control(&["set", "1000", "FAILED", "1:0"]);
    site.sequencer(&[])
        .succeeds()
        .says("hint: what some of them need has failed")
        .says("osa cancel 1001 1002 1003 1004");

    site.run(["cancel", "77"]).fails().says("knows no job 77 of ours");
    let said = site.run(["cancel", "1001"]).succeeds();
    assert_eq!(said.out, "cancelled job 1001 (LST1_19102)\n");
    let said = site.run(["cancel", "--stuck", "2024-11-28"]).succeeds();
    assert_eq!(said.out.lines().count(), 3, "{said}");
    assert_eq!(site.slurm().calls("scancel"), 4);
    let said = site.run(["cancel", "--stuck", "2024-11-28"]).succeeds().prints_nothing();
    assert_eq!(said.err, "no job of that night is stuck\n");

    let said = site.sequencer(&[]).succeeds();
    assert_eq!(requested(&site).len(), 10, "all goes out again: {said}");
}
