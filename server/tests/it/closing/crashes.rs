//! kill -9 of `closer` at every place between two effects, found by listening where it passes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::sync::Mutex;

use super::jobs::once;
use super::{Said, Site};

/// How a closing is played.
struct Play {
    site: fn() -> Site,
    arguments: &'static [&'static str],
    variables: &'static [(&'static str, &'static str)],
}

impl Play {
    /// The places that an undisturbed closing passes, and the tree that it leaves.
    fn undisturbed(&self) -> (Vec<String>, BTreeMap<String, String>) {
        let site = (self.site)();
        let list = site.night.dir.path().join("points");
        let mut command = site.command("closer", self.arguments);
        command.envs(self.variables.iter().copied()).env("OSA_FAULT_POINTS", &list);
        Said::of(command.output().unwrap()).well().says("is closed.");
        let points = fs::read_to_string(&list).unwrap();
        (points.lines().map(str::to_owned).collect(), site.tree())
    }

    /// Killed at the place with this number (from 1), and run again.
    fn killed_at(&self, number: usize, why: &str, expected: &BTreeMap<String, String>) -> Site {
        let site = (self.site)();
        let mut command = site.command("closer", self.arguments);
        command.envs(self.variables.iter().copied());
        let output = command.env("OSA_FAULT_KILL", number.to_string()).output().unwrap();
        assert_eq!(output.status.signal(), Some(9), "{why}: {output:?}");
        let mut command = site.command("closer", self.arguments);
        command.envs(self.variables.iter().copied());
        let said = Said::of(command.output().unwrap());
        assert_eq!(said.code, Some(0), "{why}: {}{}", said.out, said.err);
        let tree = site.tree();
        for (name, content) in expected {
            assert_eq!(tree.get(name), Some(content), "{why}: {name}");
        }
        let more: Vec<_> = tree.keys().filter(|name| !expected.contains_key(*name)).collect();
        assert!(more.is_empty(), "{why}: {more:?}");
        site
    }

    /// Kills at all places that `wanted` names, a few at a time.
    fn kill_everywhere(
        &self,
        wanted: impl Fn(&str) -> bool,
        check: impl Fn(&Site, &str) + Sync,
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
                        let why = format!("{name} ({})", index + 1);
                        let site = self.killed_at(index + 1, &why, &expected);
                        check(&site, &why);
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

#[test]
fn killed_between_any_two_files_closing_ends_in_the_same_tree() {
    let play = Play { site: Site::on_slurm, arguments: &["-t"], variables: &[] };
    let count = play.kill_everywhere(|_| true, |_, _| {});
    assert!(count > 30, "{count}");
}

#[test]
fn killed_between_any_two_copies_closing_ends_in_the_same_tree() {
    let play =
        Play { site: Site::on_slurm, arguments: &["-t"], variables: &[("OSA_FAULT_EXDEV", "1")] };
    let count = play.kill_everywhere(|name| !step(name), |_, _| {});
    assert!(count > 30, "{count}");
}

#[test]
fn killed_at_any_step_on_slurm_closing_goes_on_and_each_job_is_submitted_once() {
    let play = Play { site: Site::on_slurm, arguments: &[], variables: &[] };
    let count = play.kill_everywhere(step, |site, why| {
        assert_eq!(site.submitted(), once(), "{why}");
        assert!(site.jobs().values().all(|count| *count == 1), "{why}: {:?}", site.jobs());
    });
    assert!(count > 20, "{count}");
}

#[test]
fn killed_at_any_step_on_the_local_scheduler_closing_goes_on_and_each_job_is_submitted_once() {
    let play = Play { site: Site::on_local, arguments: &[], variables: &[] };
    let count = play.kill_everywhere(step, |site, why| {
        assert_eq!(site.submitted(), once(), "{why}");
        assert!(site.jobs().values().all(|count| *count == 1), "{why}: {:?}", site.jobs());
    });
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
        let site = Site::on_slurm();
        site.slurm().set("faults/sbatch", fault);
        let killed = site.command("closer", &[]).output().unwrap();
        assert_eq!(killed.status.signal(), Some(9), "{fault:?}: {killed:?}");
        site.closer(&[]).well().says("is closed.");
        assert!(site.jobs().values().all(|count| *count == 1), "{fault:?}: {:?}", site.jobs());
        assert_eq!(site.jobs().len(), once().len(), "{fault:?}");
    }
}

#[test]
fn killed_and_run_again_in_another_way_no_job_is_doubled() {
    let play = Play { site: Site::on_slurm, arguments: &[], variables: &[] };
    let (points, _) = play.undisturbed();
    let number = 1 + points.iter().position(|name| name == "after submit").unwrap();
    let site = Site::on_slurm();
    let mut command = site.command("closer", &[]);
    let killed = command.env("OSA_FAULT_KILL", number.to_string()).output().unwrap();
    assert_eq!(killed.status.signal(), Some(9));
    site.closer(&["--no-dl2"]).well().says("is closed.");
    assert_eq!(site.submitted(), once());
    assert!(site.jobs().values().all(|count| *count == 1), "{:?}", site.jobs());
}
