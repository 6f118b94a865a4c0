//! kill -9 of `sequencer` at every step of a submission.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::{Duration, Instant};

use super::{Said, Site};

/// How many jobs the fake has by name.
fn jobs(site: &Site) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for entry in fs::read_dir(site.slurm.books().join("jobs")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let name = text.split("'name': '").nth(1).unwrap().split('\'').next().unwrap();
        *count.entry(name.to_owned()).or_insert(0) += 1;
    }
    count
}

/// Runs `sequencer` as cron would, until it finds nothing to submit; there is never a second job of
/// one name.
fn run_until_quiet(site: &Site, why: &str) -> BTreeMap<String, usize> {
    let deadline = Instant::now() + Duration::from_secs(180);
    loop {
        let mut command = site.command(&[]);
        command.env("OSA_LOST_AFTER_SECONDS", "0.2");
        let said = Said::of(command.output().unwrap());
        if site.slurm.books().join("jobs").is_dir() {
            let jobs = jobs(site);
            assert!(jobs.values().all(|count| *count == 1), "{why}: {jobs:?}\n{}", said.err);
            if said.err.contains("are waiting or running") {
                return jobs;
            }
        }
        assert!(Instant::now() < deadline, "{why}: {}{}", said.out, said.err);
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn killed_at_any_step_the_sequencer_leaves_no_job_twice_and_none_forgotten() {
    for (tool, faults, accepted) in [
        ("sacct", "kill-parent", 0),             // before the plan
        ("sacct", "ok\nkill-parent", 0),         // planned, scripts written, nothing recorded
        ("sbatch", "kill-parent-before", 0),     // recorded, Slurm has nothing
        ("sbatch", "kill-parent-after", 1),      // accepted, the answer not recorded
        ("sbatch", "ok\nkill-parent-before", 1), // the calibration recorded, a run's job not made
        ("sbatch", "ok\nkill-parent-after", 2),  // and its job made
        ("sbatch", "ok\nok\nok\nok\nkill-parent-after", 5),
    ] {
        let why = format!("{tool}: {faults:?}");
        let site = Site::fresh();
        site.slurm.set(&format!("faults/{tool}"), faults);
        let killed = site.command(&[]).output().unwrap();
        assert_eq!(killed.status.signal(), Some(9), "{why}: {killed:?}");
        let there = if accepted == 0 { 0 } else { jobs(&site).len() };
        assert_eq!(there, accepted, "{why}");
        let jobs = run_until_quiet(&site, &why);
        // While jobs of the night wait, nothing more is submitted; before that, everything is.
        let expected = if accepted == 0 { 5 } else { accepted };
        assert_eq!(jobs.len(), expected, "{why}: {jobs:?}");
    }
}
