//! What `closer -s` shows, and what keeps a night open.

use std::fs;

use server::model::{Author, Choice, Level, RunId, Subrun};
use server::store::{NewDecision, Store};

use super::Site;

const PLACES: [&str; 4] = ["DL1/", "DL2/", "OSA/Closer", "running_analysis"];

#[test]
fn the_plan_of_the_golden_night_as_text_and_json() {
    let site = Site::golden();
    let before = site.tree();
    let said = site.closer(&["-s"]).well();
    insta::assert_snapshot!("golden-plan", site.at_home(&said.out));
    let said = site.closer(&["-s", "--json"]).well();
    insta::assert_snapshot!("golden-plan-json", site.at_home(&said.out));
    assert_eq!(site.tree(), before, "a look changes nothing");
    assert!(!site.night.path("OSA/osa.sqlite").exists());
}

#[test]
fn a_night_that_is_not_finished_is_closed_only_if_somebody_says_so() {
    let site = Site::golden();
    let before = site.tree();
    let said = site.closer(&[]).well();
    assert!(
        said.err.contains("run 19102 is not finished: 1 of 6 subruns are done"),
        "{}",
        said.err
    );
    assert!(said.err.contains("hint: -y closes it all the same"), "{}", said.err);
    assert_eq!(site.tree(), before);
    site.closer(&["-y", "-t"]).well().says("The night 2024-11-28 is closed.");
    insta::assert_snapshot!(
        "golden-closed",
        site.names(&PLACES).replace(site.night.dir.path().to_str().unwrap(), "/site")
    );
}

#[test]
fn a_closed_night_is_left_alone_until_it_is_reopened() {
    let site = Site::golden();
    let nothing = site.closer(&["--reopen", "--seq", "19102"]);
    nothing.well().says("Nothing of 2024-11-28 was closed.");
    site.closer(&["-y", "-t"]).well();
    let before = site.tree();
    site.closer(&["-y", "-t"]).well().says("The night 2024-11-28 is closed already.");
    let said = site.closer(&["-s"]).well();
    assert!(said.out.contains("closed already: nothing to do"), "{}", said.out);
    assert_eq!(site.tree(), before);
    site.closer(&["--reopen"]).well().says("The night 2024-11-28 is open again.");
    assert!(!site.flag().exists());
    assert!(!site.analysis().join("sequence_LST1_19102.closed").exists());
    site.closer(&["-y", "-t"]).well().says("is closed.");
    assert_eq!(site.tree(), before, "what is moved stays where it is");
    let mut logbook = site.night.osa();
    let logbook = logbook.args(["logbook", "2024-11-28"]).output().unwrap();
    let lines = String::from_utf8(logbook.stdout).unwrap();
    let words: Vec<&str> = lines.lines().filter_map(|l| l.split("  ").nth(3)).collect();
    assert_eq!(words, ["close: closed", "reopen: reopened", "close: closed"], "{lines}");
}

#[test]
fn one_sequence_is_closed_and_the_night_stays_open() {
    let site = Site::golden();
    let said = site.closer(&["-y", "-t", "--seq", "19102"]).well();
    assert!(said.err.contains("Run 19102 of 2024-11-28 is closed."), "{}", said.err);
    assert!(site.analysis().join("sequence_LST1_19102.closed").exists());
    assert!(!site.analysis().join("sequence_LST1_19106.closed").exists());
    assert!(!site.flag().exists());
    site.closer(&["-y", "-t", "--seq", "19102"]).well().says("is closed already.");
    site.closer(&["-y", "-t", "--seq", "19999"]).well().says("has no sequence of run 19999");
    site.closer(&["-y", "-t"]).well();
    assert!(site.flag().exists());
}

#[test]
fn an_observation_must_be_over() {
    let site = Site::golden();
    let today = chrono::Utc::now().date_naive();
    let compact = today.format("%Y%m%d").to_string();
    let summary = site.night.path("monitoring/RunSummary/RunSummary_20241128.ecsv");
    let new = summary.with_file_name(format!("RunSummary_{compact}.ecsv"));
    fs::copy(&summary, &new).unwrap();
    let mut command = site.night.osa();
    command.args(["closer", "-y", "-t", "-d", &today.to_string(), "LST1"]);
    let said = super::Said::of(command.output().unwrap()).well();
    assert!(said.err.contains("is not over yet"), "{}", said.err);
    assert!(said.err.contains("after 08:00 UTC"), "{}", said.err);
    assert!(!site.night.path(&format!("OSA/Closer/{compact}")).exists());
}

#[test]
fn a_different_file_in_the_place_of_one_blocks_and_both_are_named() {
    let site = Site::golden();
    let place = site.final_dir(Level::Dl2).join("dl2_LST-1.Run19102.0000.h5");
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(&place, "another").unwrap();
    let before = site.tree();
    let said = site.closer(&["-y", "-t"]).badly();
    assert!(said.err.contains("dl2_LST-1.Run19102.0000.h5: 1 bytes, changed 20"), "{}", said.err);
    assert!(said.err.contains("dl2_LST-1.Run19102.0000.h5: 7 bytes, changed 20"), "{}", said.err);
    assert!(said.err.contains("see which of the two is right"), "{}", said.err);
    assert_eq!(site.tree(), before);
    fs::write(&place, "x").unwrap();
    site.closer(&["-y", "-t"]).well().says("is closed.");
    assert!(!site.analysis().join("model2/dl2_LST-1.Run19102.0000.h5").exists(), "it was the same");
}

#[test]
fn while_jobs_of_the_night_are_at_work_it_stays_open() {
    let site = Site::golden();
    site.slurm().set("squeue.csv", "77_[0-3];LST1_19106;PENDING;0:00\n");
    let before = site.tree();
    site.closer(&["-y"]).well().says("job 77 of run 19106 waits or runs");
    assert_eq!(site.tree(), before);
    site.slurm().set("faults/squeue", "always fail");
    site.closer(&["-y"]).badly().says("the scheduler does not answer");
    assert_eq!(site.tree(), before);
}

#[test]
fn other_telescopes_are_refused() {
    let site = Site::golden();
    let mut command = site.night.osa();
    let output = command.args(["closer", "-s", "LST2"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_subrun_that_was_left_out_is_neither_waited_for_nor_moved() {
    let site = Site::on_slurm();
    let history = site.analysis().join("sequence_LST1_19102.0001.history");
    let text = fs::read_to_string(&history).unwrap();
    fs::write(&history, text.replace("conf.json 0\n", "conf.json 1\n")).unwrap();
    site.closer(&["-t"])
        .well()
        .says("run 19102 is not finished: 1 of 2 subruns are done, 1 failed");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&site.night.path("OSA/osa.sqlite")).await.unwrap();
        let decision = NewDecision {
            date: super::DATE.parse().unwrap(),
            prod_id: &"v0.1.0".parse().unwrap(),
            run: RunId(19102),
            choice: &Choice::DropLastSubrun { subrun: Subrun(1) },
            reason: "truncated",
            author: &Author::Cli("jane".into()),
        };
        store.decide(&decision, chrono::Utc::now()).await.unwrap();
        store.close().await;
    });
    site.closer(&["-t"]).well().says("is closed.");
    let (dl2, name) = (site.final_dir(Level::Dl2), "dl2_LST-1.Run19102.000");
    assert!(dl2.join(format!("{name}0.h5")).is_file());
    assert!(!dl2.join(format!("{name}1.h5")).exists());
    assert!(site.analysis().join(format!("model2/{name}1.h5")).is_file());
}
