//! `autocloser`, and what the server closes by itself.

use std::fs;

use serde_json::Value;
use server::model::Level;
use server::schedule::local::myself;
use server::store::{Holder, Store};

use super::jobs::once;
use super::{fresh_on_local, on_local, on_slurm};
use crate::support::{DATE, TestServer, TestSite, block_on, until};

/// Lets a subrun have failed at its last stage.
fn fail_a_subrun(site: &TestSite) {
    let history = site.analysis().join("sequence_LST1_19102.0001.history");
    let text = fs::read_to_string(&history).unwrap();
    let (before, _) = text.trim_end().rsplit_once(' ').unwrap();
    fs::write(&history, format!("{before} 1\n")).unwrap();
}

#[test]
fn a_night_is_closed_when_all_of_it_is_ready() {
    let site = on_slurm();
    let before = site.tree();
    site.autocloser(&["-s"])
        .succeeds()
        .says("run 19101: ready\nrun 19102: ready\n")
        .says("The night 2024-11-28 would be closed.");
    let plan: Value = site.autocloser(&["-s", "--json"]).succeeds().json();
    assert_eq!((&plan["night"], &plan["gate"]), (&true.into(), &Value::Null));
    assert_eq!(site.tree(), before);
    site.autocloser(&[]).succeeds().says("The night 2024-11-28 is closed.");
    assert_eq!(site.submitted(), once());
    site.autocloser(&[])
        .succeeds()
        .says("Nothing is closed: the night 2024-11-28 is closed already.");
    site.run(["audit", DATE]).prints("  auto  close: closed");
}

#[test]
fn what_is_not_ready_keeps_the_night_open_unless_it_is_forced() {
    let site = on_slurm();
    fail_a_subrun(&site);
    let before = site.tree();
    site.autocloser(&["-t"])
        .succeeds()
        .says("run 19102: not ready: 1 of 2 subruns are done")
        .says("The night 2024-11-28 stays open.");
    assert_eq!(site.tree(), before);
    site.autocloser(&["-t", "-r"]).succeeds().says("Run 19101 of 2024-11-28 is closed.");
    let closed = |run: u32| site.analysis().join(format!("sequence_LST1_{run}.closed")).exists();
    assert!(closed(19101) && !closed(19102) && !site.flag().exists());
    let log = site.dir().join("autocloser.log");
    site.autocloser(&["-t", "-f", "-l", log.to_str().unwrap()]).succeeds().says_nothing();
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("The night 2024-11-28 is closed."), "{log}");
    assert!(site.flag().exists());
}

#[test]
fn a_job_that_did_not_end_well_is_not_ready_whatever_the_files_say() {
    let site = on_slurm();
    let row = "77_0,LST1_19102,01:15:09,4509,01:15:09,00:00:00,,FAILED,1:0\n";
    site.slurm().set("sacct.csv", row);
    site.autocloser(&[]).succeeds().says("run 19102: not ready: job 77 is FAILED, exit 1:0");
    assert!(!site.flag().exists());
}

#[test]
fn the_gain_selection_is_asked_for() {
    let site = on_slurm();
    fs::remove_file(site.path("OSA/GainSel/20241128/GainSelFinished.txt")).unwrap();
    site.autocloser(&["-t"]).succeeds().says("the gain selection of 2024-11-28 has not finished");
    assert!(!site.flag().exists());
    site.autocloser(&["-t", "--no-gainsel"]).succeeds().says("is closed.");
}

#[test]
fn one_automatic_closer_at_a_time_and_a_dead_one_counts_for_nothing() {
    let site = on_slurm();
    site.night_command("autocloser", &["-t"]).env("OSA_FAULT_KILL", "3").run().ends_killed();
    block_on(async {
        let store = Store::open(&site.database()).await.unwrap();
        let name = "automatic closing";
        assert!(store.lock_holder(name).await.unwrap().is_some(), "the dead one left its row");
        let process = myself().unwrap();
        let since = chrono::Utc::now();
        let me = Holder { token: "test".into(), process, author: "auto".into(), since };
        store.take_lock(name, &me, |_| false).await.unwrap();
        store.close().await;
    });
    site.autocloser(&["-t"]).succeeds().says("automatic closing is under way: begun by auto");
    assert!(!site.flag().exists());
    site.autocloser(&["-t", "--ignore-cronlock"]).succeeds().says("is closed.");
}

#[test]
fn the_server_goes_on_with_a_closing_that_was_cut_short() {
    let site = on_local();
    site.night_command("closer", &[]).env("OSA_FAULT_KILL", "12").run().ends_killed();
    assert!(!site.flag().exists());
    let server = TestServer::start(&site);
    until("the night to be closed", || site.flag().exists());
    drop(server);
    assert_eq!(site.submitted(), once());
}

#[test]
fn a_night_is_launched_and_then_closed_without_anybodys_help() {
    let site = fresh_on_local();
    site.sequencer(&[]).succeeds();
    until("the night to be closed", || {
        let said = site.autocloser(&[]).succeeds();
        said.err.contains("The night 2024-11-28 is closed.")
    });
    let submitted = site.submitted();
    for purpose in once().keys() {
        assert_eq!(submitted.get(purpose), Some(&1), "{purpose}: {submitted:?}");
    }
    assert!(submitted.values().all(|count| *count == 1), "{submitted:?}");
    let provenance = site.final_dir(Level::Dl1ab).join("log/calibration_to_dl1_19102_prov.json");
    let text = fs::read_to_string(&provenance).unwrap();
    assert!(text.contains("dl1_LST-1.Run19102"), "{text}");
}
