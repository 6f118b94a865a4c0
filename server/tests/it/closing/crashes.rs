//! kill -9 of `closer` at every place between two effects, found by listening where it passes.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;

use super::jobs::once;
use super::{assert_no_job_twice, on_local, on_slurm};
use crate::support::{Case, TestCommand, TestSite};

/// How a closing is played.
struct Play {
    site: fn() -> TestSite,
    arguments: &'static [&'static str],
    variables: &'static [(&'static str, &'static str)],
}

impl Play {
    fn closer(&self, site: &TestSite) -> TestCommand {
        let command = site.night_command("closer", self.arguments);
        self.variables.iter().fold(command, |command, (name, value)| command.env(name, value))
    }

    /// The places that an undisturbed closing passes, and the tree that it leaves.
    fn undisturbed(&self) -> (Vec<String>, BTreeMap<String, String>) {
        let site = (self.site)();
        let list = site.dir().join("points");
        let closer = self.closer(&site).env("OSA_FAULT_POINTS", &list);
        closer.run().succeeds().says("is closed.");
        let points = fs::read_to_string(&list).unwrap();
        (points.lines().map(str::to_owned).collect(), site.tree())
    }

    /// Killed at the place with this number (from 1), and run again.
    fn killed_at(&self, number: usize, expected: &BTreeMap<String, String>) -> TestSite {
        let site = (self.site)();
        self.closer(&site).env("OSA_FAULT_KILL", number.to_string()).run().ends_killed();
        self.closer(&site).run().succeeds();
        let tree = site.tree();
        for (name, content) in expected {
            assert_eq!(tree.get(name), Some(content), "{name}");
        }
        let more: Vec<_> = tree.keys().filter(|name| !expected.contains_key(*name)).collect();
        assert!(more.is_empty(), "{more:?}");
        site
    }

    /// Kills at all places that `wanted` names, a few at a time.
    fn kill_everywhere(
        &self,
        wanted: impl Fn(&str) -> bool,
        check: impl Fn(&TestSite) + Sync,
    ) -> usize {
        let (points, expected) = self.undisturbed();
        let numbered = points.iter().enumerate().filter(|(_, name)| wanted(name));
        let queue: Mutex<Vec<_>> = Mutex::new(numbered.collect());
        let count = queue.lock().unwrap().len();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    loop {
                        let Some((index, name)) = queue.lock().unwrap().pop() else { return };
                        let _case = Case::named(format!("killed at {name} ({})", index + 1));
                        check(&self.killed_at(index + 1, &expected));
                    }
                });
            }
        });
        count
    }
}

fn step(name: &str) -> bool {
    name == "begun" || name.starts_with("before ") || name.starts_with("after ")
}

fn each_job_was_submitted_once(site: &TestSite) {
    assert_eq!(site.submitted(), once());
    assert_no_job_twice(site);
}

#[test]
fn killed_between_any_two_files_closing_ends_in_the_same_tree() {
    let play = Play { site: on_slurm, arguments: &["-t"], variables: &[] };
    let count = play.kill_everywhere(|_| true, |_| {});
    assert!(count > 30, "{count}");
}

#[test]
fn killed_between_any_two_copies_closing_ends_in_the_same_tree() {
    let play = Play { site: on_slurm, arguments: &["-t"], variables: &[("OSA_FAULT_EXDEV", "1")] };
    let count = play.kill_everywhere(|name| !step(name), |_| {});
    assert!(count > 30, "{count}");
}

#[test]
fn killed_at_any_step_on_slurm_closing_goes_on_and_each_job_is_submitted_once() {
    let play = Play { site: on_slurm, arguments: &[], variables: &[] };
    let count = play.kill_everywhere(step, each_job_was_submitted_once);
    assert!(count > 20, "{count}");
}

#[test]
fn killed_at_any_step_on_the_local_scheduler_closing_goes_on_and_each_job_is_submitted_once() {
    let play = Play { site: on_local, arguments: &[], variables: &[] };
    let count = play.kill_everywhere(step, each_job_was_submitted_once);
    assert!(count > 20, "{count}");
}

#[test]
fn killed_while_it_submits_no_job_is_doubled_or_forgotten() {
    for fault in [
        "kill-parent-before",
        "kill-parent-after",
        "ok\nok\nkill-parent-before",
        "ok\nok\nkill-parent-after",
        "ok\nok\nok\nok\nok\nok\nkill-parent-after",
    ] {
        let _case = Case::named(format!("{fault:?}"));
        let site = on_slurm();
        site.slurm().set("faults/sbatch", fault);
        site.closer(&[]).ends_killed();
        site.closer(&[]).succeeds().says("is closed.");
        assert_no_job_twice(&site);
        assert_eq!(site.jobs().len(), once().len());
    }
}

#[test]
fn killed_and_run_again_in_another_way_no_job_is_doubled() {
    let play = Play { site: on_slurm, arguments: &[], variables: &[] };
    let (points, _) = play.undisturbed();
    let number = 1 + points.iter().position(|name| name == "after submit").unwrap();
    let site = on_slurm();
    play.closer(&site).env("OSA_FAULT_KILL", number.to_string()).run().ends_killed();
    site.closer(&["--no-dl2"]).succeeds().says("is closed.");
    each_job_was_submitted_once(&site);
}
