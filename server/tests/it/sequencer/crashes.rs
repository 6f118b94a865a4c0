//! kill -9 of `sequencer`, and of the server, at every step of a submission.

use std::collections::BTreeMap;

use super::fresh;
use crate::support::{Case, TestServer, TestSite, until};

/// Runs `sequencer` as cron would, until it finds nothing to submit; there is never a second job of
/// one name.
fn run_until_quiet(site: &TestSite) -> BTreeMap<String, usize> {
    until("the sequencer to find nothing to submit", || {
        let command = site.night_command("sequencer", &[]);
        let said = command.env("OSA_LOST_AFTER_SECONDS", "0.2").run();
        let jobs = site.jobs();
        assert!(jobs.values().all(|count| *count == 1), "{jobs:?}\n{said}");
        said.err.contains("are waiting or running")
    });
    site.jobs()
}

/// After the crash so many jobs were accepted. While jobs of the night wait, nothing more is
/// submitted; before that, everything is.
fn assert_each_job_is_submitted_once(site: &TestSite, accepted: usize) {
    assert_eq!(site.jobs().len(), accepted);
    let jobs = run_until_quiet(site);
    assert_eq!(jobs.len(), if accepted == 0 { 5 } else { accepted }, "{jobs:?}");
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
        let _case = Case::named(format!("{tool}: {faults:?}"));
        let site = fresh();
        site.slurm().set(&format!("faults/{tool}"), faults);
        site.sequencer(&[]).ends_killed();
        assert_each_job_is_submitted_once(&site, accepted);
    }
}

/// Orders the launch whose plan the server has shown.
fn launch(server: &TestServer, token: &str) -> Option<String> {
    let night = "/api/v1/nights/2024-11-28";
    let plan = server.ask(token, "GET", &format!("{night}/plan?what=launch"), "").unwrap();
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let order = serde_json::json!({ "action": "launch", "mark": plan["mark"] });
    server.ask(token, "POST", &format!("{night}/actions"), &order.to_string())
}

#[test]
fn killed_at_any_step_of_a_launch_the_server_leaves_no_job_twice_and_none_forgotten() {
    for (faults, accepted) in [
        ("kill-parent-before", 0),
        ("kill-parent-after", 1),
        ("ok\nkill-parent-before", 1),
        ("ok\nkill-parent-after", 2),
        ("ok\nok\nok\nok\nkill-parent-after", 5),
    ] {
        let _case = Case::named(format!("{faults:?}"));
        let site = fresh();
        site.slurm().set("faults/sbatch", faults);
        let token = site.run(["token", "add", "test", "--role", "shifter"]).succeeds().out;
        let mut server = TestServer::start(&site);
        let answer = launch(&server, token.trim());
        assert_eq!(server.wait(), Some(9), "{answer:?}\n{}", server.log());
        assert_each_job_is_submitted_once(&site, accepted);
    }
}

#[test]
fn the_server_goes_on_with_a_launch_that_was_cut_short() {
    for (tool, faults, accepted) in [
        ("sacct", "ok\nkill-parent", 0), // planned, scripts written, nothing recorded
        ("sbatch", "kill-parent-before", 0), // recorded, Slurm has nothing
        ("sbatch", "kill-parent-after", 1), // accepted, the answer not recorded
        ("sbatch", "ok\nkill-parent-before", 1), // the calibration recorded, a run's job not made
        ("sbatch", "ok\nok\nkill-parent-after", 3),
    ] {
        let _case = Case::named(format!("{tool}: {faults:?}"));
        let site = fresh().with_env("OSA_LOST_AFTER_SECONDS", "0.5");
        site.slurm().set(&format!("faults/{tool}"), faults);
        site.sequencer(&[]).ends_killed();
        assert_eq!(site.jobs().len(), accepted);
        let server = TestServer::start(&site);
        until("every job to be submitted", || {
            let jobs = site.jobs();
            assert!(jobs.values().all(|count| *count == 1), "{jobs:?}\n{}", server.log());
            jobs.len() == 5
        });
        until("the launch to end", || server.log().contains("resumed an interrupted launch"));
        let again = TestServer::start(&site);
        drop((server, again));
        let jobs = site.jobs();
        assert!(jobs.len() == 5 && jobs.values().all(|count| *count == 1), "{jobs:?}");
    }
}

#[test]
fn a_launch_after_which_something_was_done_is_not_gone_on_with() {
    let site = fresh().with_env("OSA_LOST_AFTER_SECONDS", "0.5");
    site.slurm().set("faults/sbatch", "ok\nkill-parent-before");
    site.sequencer(&[]).ends_killed();
    site.run(["decide", "2024-11-28", "exclude", "19104"]).succeeds();
    let token = site.run(["token", "add", "test", "--role", "viewer"]).succeeds().out;
    let server = TestServer::start(&site);
    // It answers after it has looked.
    until("an answer", || server.ask(token.trim(), "GET", "/api/v1/nights", "").is_some());
    assert!(!server.log().contains("resuming an interrupted launch"), "{}", server.log());
    assert_eq!(site.jobs().len(), 1);
}
