//! `autocloser`, and what the server closes by itself.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use server::model::Level;
use server::schedule::local::myself;
use server::store::{Holder, Store};

use super::jobs::once;
use super::{Said, Site};

fn autocloser(site: &Site, arguments: &[&str]) -> Said {
    Said::of(site.command("autocloser", arguments).output().unwrap())
}

/// Lets a subrun have failed at its last stage.
fn fail_a_subrun(site: &Site) {
    let history = site.analysis().join("sequence_LST1_19102.0001.history");
    let text = fs::read_to_string(&history).unwrap();
    let (before, _) = text.trim_end().rsplit_once(' ').unwrap();
    fs::write(&history, format!("{before} 1\n")).unwrap();
}

#[test]
fn a_night_is_closed_when_all_of_it_is_ready() {
    let site = Site::on_slurm();
    let before = site.tree();
    let said = autocloser(&site, &["-s"]).well();
    assert!(said.err.contains("run 19101: ready\nrun 19102: ready\n"), "{}", said.err);
    assert!(said.err.contains("The night 2024-11-28 would be closed."), "{}", said.err);
    let said = autocloser(&site, &["-s", "--json"]).well();
    let plan: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&plan["night"], &plan["gate"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(site.tree(), before);
    autocloser(&site, &[]).well().says("The night 2024-11-28 is closed.");
    assert_eq!(site.submitted(), once());
    autocloser(&site, &[])
        .well()
        .says("Nothing is closed: the night 2024-11-28 is closed already.");
    let mut logbook = site.night.osa();
    let said = Said::of(logbook.args(["logbook", super::DATE]).output().unwrap());
    assert!(said.out.contains("  auto  close: closed"), "{}", said.out);
}

#[test]
fn what_is_not_ready_keeps_the_night_open_unless_it_is_forced() {
    let site = Site::on_slurm();
    fail_a_subrun(&site);
    let before = site.tree();
    let said = autocloser(&site, &["-t"]).well();
    assert!(said.err.contains("run 19102: not ready: 1 of 2 subruns are done"), "{}", said.err);
    assert!(said.err.contains("The night 2024-11-28 stays open."), "{}", said.err);
    assert_eq!(site.tree(), before);
    let said = autocloser(&site, &["-t", "-r"]).well();
    assert!(said.err.contains("Run 19101 of 2024-11-28 is closed."), "{}", said.err);
    let closed = |run: u32| site.analysis().join(format!("sequence_LST1_{run}.closed")).exists();
    assert!(closed(19101) && !closed(19102) && !site.flag().exists());
    let log = site.night.dir.path().join("autocloser.log");
    let said = autocloser(&site, &["-t", "-f", "-l", log.to_str().unwrap()]).well();
    assert_eq!(said.err, "");
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("The night 2024-11-28 is closed."), "{log}");
    assert!(site.flag().exists());
}

#[test]
fn a_job_that_did_not_end_well_is_not_ready_whatever_the_files_say() {
    let site = Site::on_slurm();
    let row = "77_0,LST1_19102,01:15:09,4509,01:15:09,00:00:00,,FAILED,1:0\n";
    site.slurm().set("sacct.csv", row);
    autocloser(&site, &[]).well().says("run 19102: not ready: job 77 is FAILED, exit 1:0");
    assert!(!site.flag().exists());
}

#[test]
fn the_gain_selection_is_asked_for() {
    let site = Site::on_slurm();
    fs::remove_file(site.night.path("OSA/GainSel/20241128/GainSelFinished.txt")).unwrap();
    autocloser(&site, &["-t"]).well().says("the gain selection of 2024-11-28 has not finished");
    assert!(!site.flag().exists());
    autocloser(&site, &["-t", "--no-gainsel"]).well().says("is closed.");
}

#[test]
fn one_automatic_closer_at_a_time_and_a_dead_one_counts_for_nothing() {
    let site = Site::on_slurm();
    let mut command = site.command("autocloser", &["-t"]);
    let killed = command.env("OSA_FAULT_KILL", "3").output().unwrap();
    assert_eq!(killed.status.signal(), Some(9));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&site.night.path("OSA/osa.sqlite")).await.unwrap();
        let name = "automatic closing";
        assert!(store.lock_holder(name).await.unwrap().is_some(), "the dead one left its row");
        let process = myself().unwrap();
        let since = chrono::Utc::now();
        let me = Holder { token: "test".into(), process, author: "auto".into(), since };
        store.take_lock(name, &me, |_| false).await.unwrap();
        store.close().await;
    });
    let said = autocloser(&site, &["-t"]).well();
    assert!(said.err.contains("automatic closing is under way: begun by auto"), "{}", said.err);
    assert!(!site.flag().exists());
    autocloser(&site, &["-t", "--ignore-cronlock"]).well().says("is closed.");
}

#[test]
fn the_server_goes_on_with_a_closing_that_was_cut_short() {
    let site = Site::on_local();
    let mut command = site.command("closer", &[]);
    let killed = command.env("OSA_FAULT_KILL", "12").output().unwrap();
    assert_eq!(killed.status.signal(), Some(9));
    assert!(!site.flag().exists());
    let pages = site.night.dir.path().join("pages");
    fs::create_dir_all(pages.join("pkg")).unwrap();
    let mut serve = site.command("closer", &[]);
    let variables: Vec<_> =
        serve.get_envs().map(|(n, v)| (n.to_owned(), v.map(ToOwned::to_owned))).collect();
    serve = site.night.osa();
    for (name, value) in variables {
        match value {
            Some(value) => serve.env(name, value),
            None => serve.env_remove(name),
        };
    }
    serve.args(["serve", "--listen", "127.0.0.1:0"]).env("OSA_SITE", &pages);
    let log = fs::File::create(site.night.dir.path().join("serve.log")).unwrap();
    let mut server = serve.stderr(log).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    while !site.flag().exists() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    let closed = site.flag().exists();
    server.kill().unwrap();
    server.wait().unwrap();
    let log = fs::read_to_string(site.night.dir.path().join("serve.log")).unwrap();
    assert!(closed, "{log}");
    assert_eq!(site.submitted(), once());
}

#[test]
fn a_night_is_launched_and_then_closed_without_anybodys_help() {
    let site = Site::fresh();
    Said::of(site.command("sequencer", &[]).output().unwrap()).well();
    let deadline = Instant::now() + Duration::from_secs(240);
    loop {
        let said = autocloser(&site, &[]);
        if said.err.contains("The night 2024-11-28 is closed.") {
            break;
        }
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert!(Instant::now() < deadline, "{}", said.err);
        std::thread::sleep(Duration::from_millis(300));
    }
    let submitted = site.submitted();
    for purpose in once().keys() {
        assert_eq!(submitted.get(purpose), Some(&1), "{purpose}: {submitted:?}");
    }
    assert!(submitted.values().all(|count| *count == 1), "{submitted:?}");
    let provenance = site.final_dir(Level::Dl1ab).join("log/calibration_to_dl1_19102_prov.json");
    let text = fs::read_to_string(&provenance).unwrap();
    assert!(text.contains("dl1_LST-1.Run19102"), "{text}");
}
