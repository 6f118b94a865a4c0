//! Deciding and submitting again on the golden night, against the scripted Slurm.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::{json, well};
use crate::scheduler::fake_slurm::{FakeSlurm, TOOLS};
use crate::support::{TempNight, golden_night};

const NIGHT: &str = "2024-11-28";

/// The golden night, and a Slurm that knows nothing and lets jobs wait.
struct Site {
    night: TempNight,
    slurm: FakeSlurm,
}

impl Site {
    fn new() -> Self {
        Self { night: golden_night(), slurm: FakeSlurm::holding() }
    }

    fn osa(&self, arguments: &str) -> Command {
        let mut command = self.night.osa();
        command.args(arguments.split(' '));
        command.env("PATH", format!("{TOOLS}:{}", std::env::var("PATH").unwrap()));
        command.env("FAKE_SLURM", self.slurm.books());
        command
    }

    /// Runs a command that must fail, and gives its standard error.
    #[track_caller]
    fn refused(&self, arguments: &str) -> String {
        let output = self.osa(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        error
    }

    fn analysis(&self, name: &str) -> std::path::PathBuf {
        self.night.path("running_analysis/20241128/v0.1.0").join(name)
    }

    fn directives(&self, run: u32) -> Vec<String> {
        let script = fs::read_to_string(self.analysis(&format!("sequence_LST1_{run}.sh"))).unwrap();
        let directives = script.lines().filter_map(|line| line.strip_prefix("#SBATCH --"));
        directives.map(ToOwned::to_owned).collect()
    }

    fn table(&self) -> Value {
        json(&mut self.osa("sequencer -s --json -d 2024-11-28 LST1"))
    }
}

#[test]
fn slurm_gets_the_subruns_memory_and_time_that_were_asked_for_now_and_later() {
    let site = Site::new();
    let preview = "resubmit -s 2024-11-28 19102 --subruns 3-4 --memory 12GB --walltime 2:30:00";
    let told = well(&mut site.osa(preview));
    assert!(
        told.contains(
            "would submit LST1_19102 for subruns 3-4, 12GB a processor, for up to 2:30:00\n"
        ),
        "{told}"
    );
    assert_eq!(site.slurm.calls("sbatch"), 0, "a preview submits nothing");
    assert!(!site.night.dir.path().join("osa/osa.sqlite").exists(), "and records nothing");

    well(&mut site.osa(&preview.replace(" -s", "")));
    let directives = site.directives(19102);
    for wanted in ["array=3-4", "mem-per-cpu=12GB", "time=2:30:00"] {
        assert!(directives.contains(&wanted.to_owned()), "{wanted}: {directives:?}");
    }
    assert_eq!(site.slurm.calls("sbatch"), 1);
    let again = site.refused("resubmit 2024-11-28 19102 --subruns 5");
    assert!(again.contains("Job 1000 of run 19102 is PENDING"), "{again}");
    assert_eq!(site.slurm.calls("sbatch"), 1, "never twice");

    site.slurm.control(&["forget", "1000"]);
    well(&mut site.osa("sequencer --no-submit -d 2024-11-28 LST1"));
    let directives = site.directives(19102);
    assert!(directives.contains(&"mem-per-cpu=12GB".to_owned()), "{directives:?}");
    assert!(site.directives(19106).contains(&"time=1:15:00".to_owned()), "others as before");
}

#[test]
fn a_decision_acts_is_shown_and_can_be_undone() {
    let site = Site::new();
    let text = |site: &Site| {
        let output = site.osa("sequencer -s -d 2024-11-28 LST1").output().unwrap();
        let (out, err) = (output.stdout, output.stderr);
        let out = String::from_utf8(out).unwrap();
        let (_, table) = out.split_once('\n').unwrap();
        (table.to_owned(), String::from_utf8(err).unwrap())
    };
    let before = text(&site);
    let summary = site.night.path("monitoring/RunSummary/RunSummary_20241128.ecsv");
    let summary = || fs::read(&summary).unwrap();
    let observed = summary();
    well(&mut site.osa("decide 2024-11-28 drop-last-subrun 19102 --reason truncated"));
    well(&mut site.osa("decide 2024-11-28 discard 19104"));
    let after = site.table();
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
    let (_, told) = text(&site);
    assert!(
        told.contains("decided: run 19102 ends before subrun 0005 (decision 1 of cli:"),
        "{told}"
    );
    assert!(told.contains(": truncated)"), "{told}");
    assert_eq!(summary(), observed, "the run summary is never edited");

    well(&mut site.osa("decide 2024-11-28 undo 1"));
    well(&mut site.osa("decide 2024-11-28 undo 2"));
    assert_eq!(text(&site), before, "as if nothing had been decided, to the byte");
    let exported = fs::read(site.analysis("decisions_20241128.json")).unwrap();
    let exported: Value = serde_json::from_slice(&exported).unwrap();
    let undone = exported["decisions"].as_array().unwrap();
    assert!(undone.len() == 2 && undone.iter().all(|decision| decision["undone"].is_object()));
    let again = site.refused("decide 2024-11-28 undo 1");
    assert!(again.contains("no decision 1 that acts"), "{again}");
}

#[test]
fn a_veto_is_the_flag_that_every_program_knows() {
    let site = Site::new();
    let flag = site.analysis("sequence_LST1_19102.veto");
    let action = || site.table()["sequences"][1]["action"].clone();
    well(&mut site.osa("decide 2024-11-28 veto 19102 --reason clouds"));
    assert!(fs::read_to_string(&flag).unwrap().ends_with(": clouds\n"));
    assert_eq!(action(), "Veto");
    let refused = site.refused("resubmit 2024-11-28 19102");
    assert!(
        refused.contains("lift the veto first (osa decide 2024-11-28 unveto 19102)"),
        "{refused}"
    );
    fs::write(site.analysis("sequence_LST1_19102.0003.veto"), "").unwrap();
    well(&mut site.osa("decide 2024-11-28 unveto 19102"));
    assert!(!flag.exists() && !site.analysis("sequence_LST1_19102.0003.veto").exists());
    assert_eq!(action(), "None");
}

#[test]
fn what_cannot_be_done_is_told_and_nothing_is_done() {
    let site = Site::new();
    for (command, why) in [
        ("decide 2024-11-28 discard 19101", "Run 19101 is the night's calibration, not data."),
        ("decide 2024-11-28 discard 19105", "has no run 19105 to process"),
        ("decide 2024-11-28 drop-last-subrun 19103", "Run 19103 is closed."),
        ("decide 2024-11-28 unveto 19102", "Run 19102 is not vetoed."),
        ("resubmit 2024-11-28 19102 --subruns 6", "Run 19102 has 6 subruns, and no subrun 0006."),
        ("resubmit 2024-11-28 19102 --subruns 0", "Subrun 0000 of run 19102 is done"),
        ("resubmit 2024-11-28 19102 --memory much", "The memory \"much\" is not a size"),
        ("resubmit 2024-11-28 19102 --walltime soon", "The walltime \"soon\" is not a time"),
    ] {
        let said = site.refused(command);
        assert!(said.contains(why), "{command}: {said}");
        let said = site.refused(&format!("{command} -s"));
        assert!(said.contains(why), "{command} -s: {said}");
    }
    assert_eq!(json(&mut site.osa("logbook --json 2024-11-28")), Value::Array(Vec::new()));
    let held = golden_lock(&site);
    let said = site.refused("resubmit 2024-11-28 19102");
    assert!(said.contains("another action on the night is under way"), "{said}");
    drop(held);
}

/// Somebody else acts on the night.
fn golden_lock(site: &Site) -> fs::File {
    let directory = fs::File::open(site.analysis("")).unwrap();
    directory.lock().unwrap();
    directory
}

#[test]
fn why_tells_a_night_that_is_not_there_from_one_that_is_done() {
    let site = Site::new();
    let said = site.refused("why 2024-11-20");
    assert!(said.contains("there is no run summary of the night 2024-11-20"), "{said}");
    let found = json(&mut site.osa(&format!("why --json {NIGHT}")));
    assert_eq!(found["closed"], false);
    let flag = site.night.paths(NIGHT).night_finished();
    fs::create_dir_all(flag.parent().unwrap()).unwrap();
    fs::write(flag, "host:1").unwrap();
    assert_eq!(well(&mut site.osa("why 2024-11-28")), "The night 2024-11-28 is closed.\n");
    let refused = site.refused("decide 2024-11-28 veto 19102");
    assert!(refused.contains("The night 2024-11-28 is closed."), "{refused}");
}
