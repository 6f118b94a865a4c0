//! What `closer -s` shows, and what keeps a night open.

use std::fs;

use server::model::{Author, Choice, Level, RunId, Subrun};
use server::store::{NewDecision, Store};

use super::{golden, on_slurm};
use crate::support::{DATE, PROD_ID, SUMMARY, block_on};

const PLACES: [&str; 4] = ["DL1/", "DL2/", "OSA/Closer", "running_analysis"];

#[test]
fn the_plan_of_the_golden_night_as_text_and_json() {
    let site = golden();
    let before = site.tree();
    let said = site.closer(&["-s"]).succeeds();
    insta::assert_snapshot!("golden-plan", site.portable(&said.out));
    let said = site.closer(&["-s", "--json"]).succeeds();
    insta::assert_snapshot!("golden-plan-json", site.portable(&said.out));
    assert_eq!(site.tree(), before, "a look changes nothing");
    assert!(!site.database().exists());
}

#[test]
fn a_night_that_is_not_finished_is_closed_only_if_somebody_says_so() {
    let site = golden();
    let before = site.tree();
    site.closer(&[])
        .succeeds()
        .says("run 19102 is not finished: 1 of 6 subruns are done")
        .says("hint: -y closes it all the same");
    assert_eq!(site.tree(), before);
    site.closer(&["-y", "-t"]).succeeds().says("The night 2024-11-28 is closed.");
    insta::assert_snapshot!("golden-closed", site.portable(&site.names(&PLACES)));
}

#[test]
fn a_closed_night_is_left_alone_until_it_is_reopened() {
    let site = golden();
    let nothing = site.closer(&["--reopen", "--seq", "19102"]);
    nothing.succeeds().says("Nothing of 2024-11-28 was closed.");
    site.closer(&["-y", "-t"]).succeeds();
    let before = site.tree();
    site.closer(&["-y", "-t"]).succeeds().says("The night 2024-11-28 is closed already.");
    site.closer(&["-s"]).succeeds().prints("closed already: nothing to do");
    assert_eq!(site.tree(), before);
    site.closer(&["--reopen"]).succeeds().says("The night 2024-11-28 is open again.");
    assert!(!site.flag().exists());
    assert!(!site.analysis().join("sequence_LST1_19102.closed").exists());
    site.closer(&["-y", "-t"]).succeeds().says("is closed.");
    assert_eq!(site.tree(), before, "what is moved stays where it is");
    let lines = site.run(["audit", DATE]).out;
    let words: Vec<&str> = lines.lines().filter_map(|l| l.split("  ").nth(3)).collect();
    assert_eq!(words, ["close: closed", "reopen: reopened", "close: closed"], "{lines}");
}

#[test]
fn one_sequence_is_closed_and_the_night_stays_open() {
    let site = golden();
    let one = ["-y", "-t", "--seq", "19102"];
    site.closer(&one).succeeds().says("Run 19102 of 2024-11-28 is closed.");
    assert!(site.analysis().join("sequence_LST1_19102.closed").exists());
    assert!(!site.analysis().join("sequence_LST1_19106.closed").exists());
    assert!(!site.flag().exists());
    site.closer(&one).succeeds().says("is closed already.");
    site.closer(&["-y", "-t", "--seq", "19999"]).succeeds().says("has no sequence of run 19999");
    site.closer(&["-y", "-t"]).succeeds();
    assert!(site.flag().exists());
}

#[test]
fn an_observation_must_be_over() {
    let site = golden();
    let today = chrono::Utc::now().date_naive();
    let compact = today.format("%Y%m%d").to_string();
    site.write(&SUMMARY.replace("20241128", &compact), &site.read(SUMMARY));
    site.run(["closer", "-y", "-t", "-d", &today.to_string(), "LST1"])
        .succeeds()
        .says("is not over yet")
        .says("after 08:00 UTC");
    assert!(!site.path(&format!("OSA/Closer/{compact}")).exists());
}

#[test]
fn a_different_file_in_the_place_of_one_blocks_and_both_are_named() {
    let site = golden();
    let place = site.final_dir(Level::Dl2).join("dl2_LST-1.Run19102.0000.h5");
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(&place, "another").unwrap();
    let before = site.tree();
    site.closer(&["-y", "-t"])
        .fails()
        .says("dl2_LST-1.Run19102.0000.h5: 1 bytes, changed 20")
        .says("dl2_LST-1.Run19102.0000.h5: 7 bytes, changed 20")
        .says("see which of the two is right");
    assert_eq!(site.tree(), before);
    fs::write(&place, "x").unwrap();
    site.closer(&["-y", "-t"]).succeeds().says("is closed.");
    assert!(!site.analysis().join("model2/dl2_LST-1.Run19102.0000.h5").exists(), "it was the same");
}

#[test]
fn while_jobs_of_the_night_are_at_work_it_stays_open() {
    let site = golden();
    site.slurm().set("squeue.csv", "77_[0-3];LST1_19106;PENDING;0:00\n");
    let before = site.tree();
    site.closer(&["-y"]).succeeds().says("job 77 of run 19106 waits or runs");
    assert_eq!(site.tree(), before);
    site.slurm().set("faults/squeue", "always fail");
    site.closer(&["-y"]).fails().says("the scheduler does not answer");
    assert_eq!(site.tree(), before);
}

#[test]
fn other_telescopes_are_refused() {
    golden().run(["closer", "-s", "LST2"]).fails();
}

#[test]
fn a_subrun_that_was_left_out_is_neither_waited_for_nor_moved() {
    let site = on_slurm();
    let history = site.analysis().join("sequence_LST1_19102.0001.history");
    let text = fs::read_to_string(&history).unwrap();
    fs::write(&history, text.replace("conf.json 0\n", "conf.json 1\n")).unwrap();
    site.closer(&["-t"])
        .succeeds()
        .says("run 19102 is not finished: 1 of 2 subruns are done, 1 failed");
    block_on(async {
        let store = Store::open(&site.database()).await.unwrap();
        let decision = NewDecision {
            date: DATE.parse().unwrap(),
            prod_id: &PROD_ID.parse().unwrap(),
            run: RunId(19102),
            choice: &Choice::DropLastSubrun { subrun: Subrun(1) },
            reason: "truncated",
            author: &Author::Cli("jane".into()),
        };
        store.decide(&decision, chrono::Utc::now()).await.unwrap();
        store.close().await;
    });
    site.closer(&["-t"]).succeeds().says("is closed.");
    let (dl2, name) = (site.final_dir(Level::Dl2), "dl2_LST-1.Run19102.000");
    assert!(dl2.join(format!("{name}0.h5")).is_file());
    assert!(!dl2.join(format!("{name}1.h5")).exists());
    assert!(site.analysis().join(format!("model2/{name}1.h5")).is_file());
}
