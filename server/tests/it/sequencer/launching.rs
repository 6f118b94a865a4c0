//! Submitting: in order, once, and never more than the gates allow.

use std::fs;
use std::thread;

use super::{Said, Site};

/// The jobs that Slurm was asked for, by the run of their script, with their dependency.
fn submitted(site: &Site) -> Vec<(String, Option<String>)> {
    let mut jobs: Vec<_> = site
        .slurm
        .arguments("sbatch")
        .iter()
        .map(|call| {
            let run = call.rsplit_once("sequence_LST1_").unwrap().1.trim_end_matches(".sh");
            let word = call.split(' ').find_map(|word| word.strip_prefix("--dependency=afterok:"));
            (run.to_owned(), word.map(ToOwned::to_owned))
        })
        .collect();
    jobs.sort();
    jobs
}

#[test]
fn a_fresh_night_goes_out_with_the_data_after_the_calibration() {
    let site = Site::fresh();
    let said = site.run(&[]).well();
    assert!(said.out.contains("\nBuilding job scripts for each sequence.\nTel"), "{}", said.out);
    let jobs = submitted(&site);
    assert_eq!(jobs.len(), 5);
    assert_eq!(jobs[0], ("19101".into(), None));
    let calibration = jobs[1].1.clone().unwrap();
    assert!(said.err.contains(&format!("LST1_19101: submitted as job {calibration}")));
    for (run, (found, after)) in ["19102", "19103", "19104", "19106"].iter().zip(&jobs[1..]) {
        assert_eq!((found.as_str(), after.as_ref()), (*run, Some(&calibration)));
    }
    let table = site.run(&["-s"]).well().out;
    assert_eq!(table.matches("  PENDING  ").count(), 5, "{table}");
}

#[test]
fn launches_and_cancellations_are_in_the_logbook() {
    let site = Site::fresh();
    let logbook = |flags: &[&str]| {
        let mut command = site.night.osa();
        Said::of(command.arg("logbook").args(flags).arg("2024-11-28").output().unwrap()).well()
    };
    assert_eq!(logbook(&["--json"]).out, "[]\n");
    site.run(&["-s"]).well();
    site.run(&[]).well();
    site.run(&[]).well();
    let mut cancel = site.command(&[]);
    let path = cancel.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
    cancel = site.night.osa();
    cancel.args(["cancel", "1002"]).env("PATH", path).env("FAKE_SLURM", site.slurm.books());
    Said::of(cancel.output().unwrap()).well();
    let lines: serde_json::Value = serde_json::from_str(&logbook(&["--json"]).out).unwrap();
    let lines = lines.as_array().unwrap();
    assert_eq!(lines.len(), 2, "a simulation and a shut gate do nothing: {lines:?}");
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name;
    assert!(lines.iter().all(|line| line["author"] == format!("cli:{user}")), "{lines:?}");
    assert_eq!(lines[0]["action"], "launch");
    assert_eq!(lines[0]["plan"]["jobs"].as_array().unwrap().len(), 5);
    assert_eq!(lines[0]["outcome"]["message"], "5 jobs submitted");
    assert_eq!((&lines[1]["action"], &lines[1]["plan"]["job"]), (&"cancel".into(), &1002.into()));
    assert_eq!(lines[1]["outcome"]["well"], true);
    let text = logbook(&[]).out;
    assert!(text.contains("launch: 5 jobs submitted\n"), "{text}");
}

#[test]
fn a_second_sequencer_leaves_the_jobs_alone() {
    let site = Site::fresh();
    site.run(&[]).well();
    let said = site.run(&["-f"]).well();
    assert!(said.err.contains("are waiting or running: LST1_19101 (1000)"), "{}", said.err);
    assert_eq!(submitted(&site).len(), 5, "not even forced");
    assert!(!said.out.contains("Building"), "{}", said.out);
}

#[test]
fn sequencers_at_the_same_moment_submit_each_job_once() {
    let site = Site::fresh();
    let commands: Vec<_> = (0..4).map(|_| site.command(&[])).collect();
    let runs: Vec<_> = commands
        .into_iter()
        .map(|mut command| thread::spawn(move || Said::of(command.output().unwrap())))
        .collect();
    let said: Vec<Said> = runs.into_iter().map(|run| run.join().unwrap()).collect();
    let jobs = submitted(&site);
    let runs: Vec<&str> = jobs.iter().map(|(run, _)| run.as_str()).collect();
    let told: Vec<&str> = said.iter().map(|said| said.err.as_str()).collect();
    assert_eq!(runs, ["19101", "19102", "19103", "19104", "19106"], "{told:#?}");
}

#[test]
fn without_calibration_there_is_no_job_for_it_and_no_dependency() {
    let site = Site::fresh();
    site.run(&["--no-calib"]).well();
    let jobs = submitted(&site);
    assert_eq!(jobs.len(), 4);
    assert!(jobs.iter().all(|(run, after)| run != "19101" && after.is_none()));
}

#[test]
fn calibration_files_that_are_there_are_not_made_again() {
    let site = Site::new();
    site.run(&["--no-dl2"]).well();
    let jobs = submitted(&site);
    assert_eq!(jobs, [("19102".into(), None), ("19106".into(), None)], "one vetoed, one closed");
    let script = fs::read_to_string(site.analysis().join("sequence_LST1_19106.sh")).unwrap();
    assert!(script.contains("'--no-dl2'"));
}

#[test]
fn if_the_calibration_is_refused_no_data_goes_out() {
    let site = Site::fresh();
    site.slurm.set("faults/sbatch", "refuse sbatch: error: Invalid account\n");
    let said = site.run(&[]).badly();
    assert!(said.err.contains("error: LST1_19101: refused by the scheduler"), "{}", said.err);
    assert!(said.err.contains("Invalid account"), "{}", said.err);
    assert!(said.err.contains("error: LST1_19102: not submitted"), "{}", said.err);
    assert_eq!(site.slurm.calls("sbatch"), 1);
}

#[test]
fn an_unknown_outcome_is_an_error_and_is_cleared_up_not_repeated() {
    let site = Site::fresh();
    site.slurm.set("faults/sbatch", "socket-timeout\n");
    let said = site.run(&[]);
    let jobs = submitted(&site);
    assert_eq!(jobs.iter().filter(|(run, _)| run == "19101").count(), 1, "{}", said.err);
    site.run(&[]);
    let jobs = submitted(&site);
    let runs: Vec<&str> = jobs.iter().map(|(run, _)| run.as_str()).collect();
    let mut once = runs.clone();
    once.dedup();
    assert_eq!(runs, once, "nothing twice");
}

#[test]
fn without_an_answer_to_what_is_there_nothing_is_submitted() {
    let site = Site::fresh();
    site.slurm.set("faults/squeue", "always fail slurm_load_jobs error: Unable to contact");
    let said = site.run(&[]).badly();
    assert!(said.err.contains("Unable to contact"), "{}", said.err);
    assert_eq!(site.slurm.calls("sbatch"), 0);
    assert!(!site.analysis().exists(), "nor written");
}

#[test]
fn gates_end_well_and_submit_nothing() {
    let site = Site::fresh();
    let flag = site.night.path("OSA/GainSel/20241128/GainSelFinished.txt");
    fs::remove_file(&flag).unwrap();
    for arguments in [&[][..], &["-f"], &["--no-submit"], &["-t"]] {
        let said = site.run(arguments).well();
        assert!(said.err.contains("gain selection of 2024-11-28 has not finished"), "{}", said.err);
        assert!(!said.out.contains("Building"));
    }
    site.night.write("OSA/Closer/20241128/v0.1.0/NightFinished.txt", "host:1");
    let said = site.run(&["--no-gainsel", "-f"]).well();
    assert!(said.err.contains("The night 2024-11-28 is closed"), "{}", said.err);
    assert_eq!(site.slurm.calls("sbatch"), 0);
    assert!(!site.analysis().exists());
}

#[test]
fn what_ran_out_of_time_goes_out_again_only_when_forced() {
    let site = Site::new();
    site.slurm.set("sacct.csv", "77_0,LST1_19106,01:15:09,4509,01:15:09,00:00:00,,TIMEOUT,0:0\n");
    let said = site.run(&[]).well();
    assert!(said.err.contains("ran out of time: LST1_19106 (77)"), "{}", said.err);
    assert_eq!(site.slurm.calls("sbatch"), 0);
    site.run(&["--force-submit"]).well();
    assert_eq!(submitted(&site).len(), 2);
}

#[test]
fn a_directory_that_cannot_be_made_is_told_and_nothing_is_submitted() {
    let site = Site::fresh();
    site.night.write("running_analysis", "a file where the directory should be");
    let said = site.run(&[]).badly();
    assert!(said.err.contains("cannot make the directory"), "{}", said.err);
    assert_eq!(site.slurm.calls("sbatch"), 0);
}

/// A disk that takes no byte more is played by a limit on the size of files.
#[test]
fn on_a_full_disk_the_old_scripts_stay_whole_and_the_error_names_the_file() {
    let site = Site::fresh();
    site.run(&["--no-submit", "-t"]).well();
    let script = site.analysis().join("sequence_LST1_19101.sh");
    let before = site.everything();
    let command = site.command(&["--no-submit", "-t", "-v"]);
    let mut limited = std::process::Command::new("/bin/sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"]);
    limited.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited.current_dir(command.get_current_dir().unwrap());
    let said = Said::of(limited.output().unwrap()).badly();
    let what = format!("cannot write the job script {}", script.display());
    assert!(said.err.contains(&what), "{}", said.err);
    assert_eq!(site.everything(), before);
}

#[test]
fn jobs_that_can_never_begin_are_told_and_cancelled() {
    let site = Site::fresh();
    site.run(&[]).well();
    site.slurm.control(&["set", "1000", "FAILED", "1:0"]);
    let said = site.run(&[]).well();
    assert!(said.err.contains("hint: what some of them need has failed"), "{}", said.err);
    assert!(said.err.contains("osa cancel 1001 1002 1003 1004"), "{}", said.err);

    let cancel = |arguments: &[&str]| {
        let mut command = site.night.osa();
        for (name, value) in site.command(&[]).get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        Said::of(command.arg("cancel").args(arguments).output().unwrap())
    };
    let said = cancel(&["77"]).badly();
    assert!(said.err.contains("knows no job 77 of ours"), "{}", said.err);
    let said = cancel(&["1001"]).well();
    assert_eq!(said.out, "cancelled job 1001 (LST1_19102)\n");
    let said = cancel(&["--stuck", "2024-11-28"]).well();
    assert_eq!(said.out.lines().count(), 3, "{}", said.out);
    assert_eq!(site.slurm.calls("scancel"), 4);
    let said = cancel(&["--stuck", "2024-11-28"]).well();
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", "no job of that night is stuck\n"));

    let said = site.run(&[]).well();
    assert_eq!(submitted(&site).len(), 10, "all goes out again: {}", said.err);
}
