//! A night in which every error that shifters know happens to the stand-ins, on the local scheduler,
//! brought to its end by the commands that `osa why` offers, and by nothing else.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{TestSite, until};

const NIGHT: &str = "2024-11-29";

/// How the stand-ins fail, for as long as the three tries of one job; for good where a decision is
/// the remedy.
const RULES: &str = "
drs4_baseline  19120       fail=exists times=3
dl1ab          19122.0000  fail=catb times=3
r0_to_dl1      19122.0001  fail=environment times=3
check_dl1      19122.0002  fail=locking times=3
r0_to_dl1      19122.0003  hang times=1
dl1_to_dl2     19122.0004  memory=600 seconds=10
dl1ab          19122.0005  fail=truncated
r0_to_dl1      19123.*     fail=drive
";

/// Longest time for the whole night: a slow and busy machine.
const PATIENCE: Duration = Duration::from_secs(600);

struct Demo {
    site: TestSite,
}

impl Demo {
    fn new() -> Self {
        let site = TestSite::demo();
        // As little as lets the hanging and the greedy stand-in run into their limits soon. What else
        // runs into them on a slow machine gets more by the same remedies.
        site.set_key("WALLTIME", Some("0:00:30"));
        site.set_key("MEMSIZE_DATA", Some("400MB"));
        site.rules(RULES);
        Self { site }
    }

    /// Runs a command as `osa why` prints it: `osa resubmit …` or `sequencer …`.
    #[track_caller]
    fn run(&self, line: &str) {
        self.site.run(line.split(' ').filter(|word| *word != "osa")).succeeds();
    }

    fn blockers(&self) -> Vec<Value> {
        let found: Value = self.site.run(["why", "--json", NIGHT]).succeeds().json();
        found["blockers"].as_array().unwrap().clone()
    }

    /// What stands in the way once no job waits or runs any more, but for those that never can.
    fn at_rest(&self) -> Vec<Value> {
        let mut blockers = Vec::new();
        until("no job to wait or run", || {
            blockers = self.blockers();
            blockers.iter().all(|blocker| blocker["kind"] != "processing")
        });
        blockers
    }

    /// The first remedy that `osa why` prints, as its command.
    fn first_command(&self) -> Option<String> {
        let text = self.site.run(["why", NIGHT]).succeeds().out;
        let line = text.lines().find_map(|line| line.trim_start().strip_prefix("do:"))?;
        Some(line.trim().to_owned())
    }
}

impl Drop for Demo {
    /// The supervisor ends by itself once its jobs have; it may be reading its files still.
    fn drop(&mut self) {
        self.site.run(["cancel", "--stuck", NIGHT]);
    }
}

#[test]
fn every_known_error_is_named_and_the_offered_remedies_bring_the_night_to_its_end() {
    let demo = Demo::new();
    let mut named = BTreeSet::new();
    let begun = Instant::now();
    loop {
        let blockers = demo.at_rest();
        if blockers.is_empty() {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{blockers:#?}");
        for blocker in &blockers {
            let Some(name) = blocker["error"].as_str() else { continue };
            named.insert(name.to_owned());
            let evidence = blocker["evidence"].as_array().unwrap();
            assert!(!evidence.is_empty(), "{blocker:#?}");
            let by_log = !["walltime", "memory", "cancelled"].contains(&name);
            let line = evidence.iter().find(|shown| shown["type"] == "log_line");
            assert!(!by_log || line.is_some_and(|l| l["line"].is_u64()), "{blocker:#?}");
        }
        let command = demo.first_command().unwrap_or_else(|| panic!("no remedy: {blockers:#?}"));
        demo.run(&command);
    }
    for name in [
        "catb",
        "truncated",
        "drive",
        "environment",
        "drs4-exists",
        "locking",
        "walltime",
        "memory",
    ] {
        assert!(named.contains(name), "{name} is not among {named:?}");
    }
    let site = &demo.site;
    let said = site.run(["why", NIGHT]).succeeds();
    assert!(said.out.starts_with("Nothing stands in the way"), "{said}");

    let table = site.run(["sequencer", "-s", "--json", "-d", NIGHT, "LST1"]).succeeds();
    let table: Value = table.json();
    assert_eq!(table["state"], "processed");
    let sequences = table["sequences"].as_array().unwrap();
    assert_eq!(sequences.len(), 2, "the excluded run is gone: {sequences:#?}");
    assert_eq!((&sequences[1]["run"], &sequences[1]["subruns"]), (&19122.into(), &5.into()));
    assert_eq!(sequences[1]["percent"]["dl2"], 100);
    let decided: BTreeSet<_> = table["decisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|decision| decision["decision"].as_str().unwrap())
        .collect();
    assert_eq!(decided, ["exclude", "drop_last_subrun", "resources"].into());

    let exported = site.read("running_analysis/20241129/v0.10.18/decisions_20241129.json");
    let exported: Value = serde_json::from_str(&exported).unwrap();
    assert_eq!(exported["decisions"], table["decisions"]);
    let audit: Vec<Value> = site.run(["audit", "--json", NIGHT]).succeeds().json();
    let actions: BTreeSet<_> = audit.iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["cancel", "decide", "launch", "resubmit"].into());
}
