//! Deciding and submitting again on the golden night, against the scripted Slurm.

use std::fs;

use serde_json::Value;

use crate::support::{Case, CommandOutput, DATE, FakeSlurm, SUMMARY, TestSite};

/// The golden night, on a Slurm that knows nothing and lets jobs wait.
fn site() -> TestSite {
    TestSite::golden().with_slurm(FakeSlurm::holding())
}

/// Runs the words of a line.
fn run(site: &TestSite, line: &str) -> CommandOutput {
    site.run(line.split(' '))
}

fn directives(site: &TestSite, run: u32) -> Vec<String> {
    let script = site.script(run);
    let directives = script.lines().filter_map(|line| line.strip_prefix("#SBATCH --"));
    directives.map(ToOwned::to_owned).collect()
}

fn table(site: &TestSite) -> Value {
    site.sequencer(&["-s", "--json"]).succeeds().json()
}

#[test]
fn slurm_gets_the_subruns_memory_and_time_that_were_asked_for_now_and_later() {
    let site = site();
    let preview = "resubmit -s 2024-11-28 19102 --subruns 3-4 --memory 12GB --walltime 2:30:00";
    run(&site, preview)
        .succeeds()
        .prints("would submit LST1_19102 for subruns 3-4, 12GB a processor, for up to 2:30:00\n");
    assert_eq!(site.slurm().calls("sbatch"), 0, "a preview submits nothing");
    assert!(!site.database().exists(), "and records nothing");

    run(&site, &preview.replace(" -s", "")).succeeds();
    let asked = directives(&site, 19102);
    for wanted in ["array=3-4", "mem-per-cpu=12GB", "time=2:30:00"] {
        assert!(asked.contains(&wanted.to_owned()), "{wanted}: {asked:?}");
    }
    assert_eq!(site.slurm().calls("sbatch"), 1);
    let again = run(&site, "resubmit 2024-11-28 19102 --subruns 5");
    again.fails().says("Job 1000 of run 19102 is PENDING");
    assert_eq!(site.slurm().calls("sbatch"), 1, "never twice");

    site.slurm().control(&["forget", "1000"]);
    site.sequencer(&["--no-submit"]).succeeds();
    let asked = directives(&site, 19102);
    assert!(asked.contains(&"mem-per-cpu=12GB".to_owned()), "{asked:?}");
    assert!(directives(&site, 19106).contains(&"time=1:15:00".to_owned()), "others as before");
}

#[test]
fn a_decision_acts_is_shown_and_can_be_undone() {
    let site = site();
    let text = || {
        let said = site.sequencer(&["-s"]);
        let (_, table) = said.out.split_once('\n').unwrap();
        (table.to_owned(), said.err)
    };
    let before = text();
    let observed = site.read(SUMMARY);
    run(&site, "decide 2024-11-28 drop-last-subrun 19102 --reason truncated").succeeds();
    run(&site, "decide 2024-11-28 exclude 19104").succeeds();
    let after = table(&site);
    let runs: Vec<_> = after["sequences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| {
            (
                s["number"].as_u64().unwrap(),
                s["run"].as_u64().unwrap(),
                s["subruns"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(runs[1], (2, 19102, 5));
    assert!(runs.iter().all(|(_, run, _)| *run != 19104), "{runs:?}");
    assert_eq!(runs.last().unwrap().0, runs.len() as u64, "numbered without a gap");
    let (_, told) = text();
    assert!(
        told.contains("decided: run 19102 ends before subrun 0005 (decision 1 of cli:"),
        "{told}"
    );
    assert!(told.contains(": truncated)"), "{told}");
    assert_eq!(site.read(SUMMARY), observed, "the run summary is never edited");

    run(&site, "decide 2024-11-28 undo 1").succeeds();
    run(&site, "decide 2024-11-28 undo 2").succeeds();
    assert_eq!(text(), before, "as if nothing had been decided, to the byte");
    let exported = fs::read(site.analysis().join("decisions_20241128.json")).unwrap();
    let exported: Value = serde_json::from_slice(&exported).unwrap();
    let undone = exported["decisions"].as_array().unwrap();
    assert!(undone.len() == 2 && undone.iter().all(|decision| decision["undone"].is_object()));
    run(&site, "decide 2024-11-28 undo 1").fails().says("no decision 1 that acts");
}

#[test]
fn a_veto_is_the_flag_that_every_program_knows() {
    let site = site();
    let flag = site.analysis().join("sequence_LST1_19102.veto");
    let subrun = site.analysis().join("sequence_LST1_19102.0003.veto");
    let action = || table(&site)["sequences"][1]["action"].clone();
    run(&site, "decide 2024-11-28 veto 19102 --reason clouds").succeeds();
    assert!(fs::read_to_string(&flag).unwrap().ends_with(": clouds\n"));
    assert_eq!(action(), "Veto");
    let refused = run(&site, "resubmit 2024-11-28 19102").fails();
    refused.says("lift the veto first (osa decide 2024-11-28 unveto 19102)");
    fs::write(&subrun, "").unwrap();
    run(&site, "decide 2024-11-28 unveto 19102").succeeds();
    assert!(!flag.exists() && !subrun.exists());
    assert_eq!(action(), "None");
}

#[test]
fn what_cannot_be_done_is_reported_and_nothing_is_done() {
    let site = site();
    for (command, why) in [
        ("decide 2024-11-28 exclude 19101", "Run 19101 is the night's calibration, not data."),
        ("decide 2024-11-28 exclude 19105", "has no run 19105 to process"),
        ("decide 2024-11-28 drop-last-subrun 19103", "Run 19103 is closed."),
        ("decide 2024-11-28 unveto 19102", "Run 19102 is not vetoed."),
        ("resubmit 2024-11-28 19102 --subruns 6", "Run 19102 has 6 subruns, and no subrun 0006."),
        ("resubmit 2024-11-28 19102 --subruns 0", "Subrun 0000 of run 19102 is done"),
        ("resubmit 2024-11-28 19102 --memory much", "The memory \"much\" is not a size"),
        ("resubmit 2024-11-28 19102 --walltime soon", "The walltime \"soon\" is not a time"),
    ] {
        let _case = Case::named(command);
        run(&site, command).fails().says(why);
        run(&site, &format!("{command} -s")).fails().says(why);
    }
    assert_eq!(run(&site, "audit --json 2024-11-28").succeeds().out, "[]\n");
    // Somebody else acts on the night.
    let held = fs::File::open(site.analysis()).unwrap();
    held.lock().unwrap();
    let said = run(&site, "resubmit 2024-11-28 19102").fails();
    said.says("another action on the night is in progress");
}

#[test]
fn why_tells_a_night_that_is_not_there_from_one_that_is_done() {
    let site = site();
    let unknown = site.run(["why", "2024-11-20"]).fails();
    unknown.says("there is no run summary of the night 2024-11-20");
    let found: Value = site.run(["why", "--json", DATE]).succeeds().json();
    assert_eq!(found["closed"], false);
    site.close_by_hand();
    let closed = site.run(["why", DATE]).succeeds();
    assert_eq!(closed.out, "The night 2024-11-28 is closed.\n");
    let refused = run(&site, "decide 2024-11-28 veto 19102").fails();
    refused.says("The night 2024-11-28 is closed.");
}
