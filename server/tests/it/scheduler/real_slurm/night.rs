//! A whole night of the demo on a real Slurm, launched by the real command while the controller
//! hangs, is killed and comes back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use chrono::{DateTime, TimeDelta, Utc};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use server::model::{JobState, TaskRecord};

use super::RealSlurm;
use crate::scheduler::lab::{Lab, until};
use crate::support::{DATE, OSA};

/// A night of the demo of which everything is done.
const PROCESSED: &str = "2024-11-25";

/// What goes wrong: one subrun fails in every try, two never end by themselves.
const RULES: &str = "
* * seconds=0.1
charge_calibration * seconds=1
dl1ab 19104.0007 fail=catb
r0_to_dl1 19102.0003 hang
r0_to_dl1 19103.0017 hang
";

struct DemoNight {
    lab: RealSlurm,
}

impl DemoNight {
    async fn new() -> Self {
        let night = Self { lab: RealSlurm::alone().await };
        let mut demo = Command::new(OSA);
        demo.arg("demo").arg(night.demo());
        let made = demo.output().unwrap();
        assert!(made.status.success(), "{made:?}");
        fs::write(night.demo().join("bin/standin.rules"), RULES).unwrap();
        night
    }

    fn demo(&self) -> PathBuf {
        self.lab.dir().join("demo")
    }

    /// A command of ours for a night, on this Slurm.
    fn osa(&self, name: &str, date: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(OSA);
        command.args([name, "-d", date]).args(arguments).arg("LST1");
        command.arg("-c").arg(self.demo().join("sequencer.cfg"));
        command.env("OSA_SCHEDULER", "slurm").env("OSA_LOST_AFTER_SECONDS", "2");
        command.env("SLURM_CONF", self.lab.base.join("etc/slurm.conf"));
        command
    }

    /// `sequencer` with the commands of `first` before those of the PATH.
    fn sequencer(&self, first: Option<&Path>, arguments: &[&str]) -> Command {
        let mut command = self.osa("sequencer", DATE, arguments);
        let path = std::env::var("PATH").unwrap();
        let path = first.map_or(path.clone(), |first| format!("{}:{path}", first.display()));
        command.env("PATH", path);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.sequencer(None, arguments).output().unwrap()
    }

    /// The status, as soon as Slurm answers.
    async fn status(&self) -> Value {
        until(&self.lab, "a status with an answer of Slurm", || async {
            let said = self.run(&["-s", "--json"]);
            let status: Value = serde_json::from_slice(&said.stdout).map_err(|e| e.to_string())?;
            match &status["scheduler"]["error"] {
                Value::Null => Ok(status),
                error => Err(error.to_string()),
            }
        })
        .await
    }

    async fn until_status(&self, what: &str, condition: impl Fn(&Value) -> bool) -> Value {
        until(&self.lab, what, || async {
            let status = self.status().await;
            if condition(&status) { Ok(status) } else { Err(format!("{status:#}")) }
        })
        .await
    }

    /// Launches again and again, as cron would, until every sequence has a job that Slurm knows.
    async fn launch_until_done(&self) {
        until(&self.lab, "a job for every sequence", || async {
            let said = self.run(&[]);
            let status = self.status().await;
            let jobs = rows(&status).filter(|row| row["job"].is_u64()).count();
            if said.status.success() && jobs == 5 { Ok(()) } else { Err(format!("{said:?}")) }
        })
        .await;
    }

    /// All that Slurm knows of the night.
    async fn tasks(&self) -> Vec<TaskRecord> {
        let since = Utc::now() - TimeDelta::hours(1);
        let mut tasks = until(&self.lab, "an answer", || async {
            self.lab.scheduler().jobs(since).await.map_err(|error| error.to_string())
        })
        .await
        .tasks;
        tasks.retain(|task| task.name.starts_with("LST1_191"));
        tasks
    }

    /// Waits until the controller has written down all that has happened so far: what a crash loses
    /// is the matter of another test.
    async fn until_written(&self, job: &Value) {
        let change = format!("JobId={job}_3");
        self.lab.run("scontrol", &["update", &change, "AdminComment=calm"]);
        let now = std::time::SystemTime::now();
        let state = self.lab.base.join("state/job_state");
        until(&self.lab, "the controller to write its state", || async {
            let written = fs::metadata(&state).and_then(|file| file.modified());
            let written = written.map_err(|error| error.to_string())?;
            if written > now { Ok(()) } else { Err(format!("{written:?}")) }
        })
        .await;
    }

    /// The lines of all histories that say a stage ended well, counted.
    fn good_ends(&self) -> BTreeMap<String, usize> {
        let directory = self.demo().join("data/running_analysis/20241128/v0.10.18");
        let mut count = BTreeMap::new();
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|e| e != "history") {
                continue;
            }
            for line in fs::read_to_string(&path).unwrap().lines() {
                let words: Vec<_> = line.split_whitespace().collect();
                if words.last() == Some(&"0") {
                    *count.entry(format!("{} {}", words[0], words[1])).or_default() += 1;
                }
            }
        }
        count
    }

    /// An `sbatch` that once stops the controller before it becomes the real one.
    fn hanging_sbatch(&self) -> PathBuf {
        let dir = self.lab.dir().join("hang");
        let pid = self.lab.pid("slurmctld");
        let stop = format!(
            "if mkdir {0}/done 2>/dev/null; then kill -STOP {pid}; touch {0}/hangs; fi",
            dir.display()
        );
        super::sbatch_after(&stop, &dir);
        dir
    }
}

impl Drop for DemoNight {
    /// Whatever came of the test, the next one finds all daemons at work and none of our jobs.
    fn drop(&mut self) {
        if let Ok(text) = fs::read_to_string(self.lab.base.join("pid/slurmctld")) {
            let pid = text.split(' ').next().and_then(|pid| pid.parse().ok());
            let _ = pid.map(|pid| kill(Pid::from_raw(pid), Signal::SIGCONT));
        }
        self.lab.up();
        let names: Vec<_> = [19101, 19102, 19103, 19104, 19106].map(|n| format!("LST1_{n}")).into();
        self.lab.try_run("scancel", &["--name", &names.join(",")]);
    }
}

fn rows(status: &Value) -> impl Iterator<Item = &Value> {
    status["sequences"].as_array().unwrap().iter()
}

fn row(status: &Value, run: u32) -> &Value {
    rows(status).find(|row| row["run"] == run).unwrap()
}

fn count(status: &Value, run: u32, state: &str) -> u64 {
    row(status, run)["counts"][state].as_u64().unwrap_or(0)
}

fn active(status: &Value) -> bool {
    let moving = ["PENDING", "RUNNING", "COMPLETING", "CONFIGURING"];
    rows(status).any(|row| moving.iter().any(|state| row["counts"][state].is_u64()))
}

/// Tasks of one run in one state.
fn of(tasks: &[TaskRecord], run: u32, state: &JobState) -> usize {
    let name = format!("LST1_{run}");
    tasks.iter().filter(|task| task.name == name && task.state == *state).count()
}

#[tokio::test]
#[ignore = "wants a real Slurm: end2end/slurm/test"]
async fn a_demo_night_survives_a_bad_morning_and_nothing_runs_twice() {
    let night = DemoNight::new().await;

    // The controller hangs as the first job is handed over, is killed, and comes back.
    let hang = night.hanging_sbatch();
    let first = night.sequencer(Some(&hang), &[]);
    let first = tokio::task::spawn_blocking(|| {
        let mut first = first;
        first.output().unwrap()
    });
    until(&night.lab, "the submission to hang", || async {
        hang.join("hangs").exists().then_some(()).ok_or_else(|| "it did not begin".to_owned())
    })
    .await;
    night.lab.crash("slurmctld");
    night.lab.up();
    let first = first.await.unwrap();
    let complaint = String::from_utf8_lossy(&first.stderr).into_owned();
    assert!(first.status.success() || complaint.contains("sequence 19101"), "{first:?}");
    night.launch_until_done().await;

    // The data wait for the calibration, then run as arrays; two subruns never end.
    let status = night
        .until_status("all but two subruns to end", |status| {
            let running = |run| count(status, run, "RUNNING");
            let left = rows(status).flat_map(|row| row["counts"].as_object().unwrap());
            let active = |state: &str| ["PENDING", "RUNNING", "COMPLETING"].contains(&state);
            let left: u64 =
                left.filter(|(state, _)| active(state)).filter_map(|(_, n)| n.as_u64()).sum();
            running(19102) == 1 && running(19103) == 1 && left == 2
        })
        .await;
    let (slow, stuck) = (row(&status, 19102)["job"].clone(), row(&status, 19103)["job"].clone());

    // The controller is killed while jobs run: they go on, and are found again.
    night.until_written(&slow).await;
    night.lab.crash("slurmctld");
    let silent = night.run(&["-s", "--json"]);
    let silent: Value = serde_json::from_slice(&silent.stdout).unwrap();
    assert!(silent["scheduler"]["error"].is_string(), "{silent:#}");
    night.lab.up();
    night.status().await;

    let limit = format!("JobId={slow}_3");
    until(&night.lab, "the walltime to be over", || async {
        let done = night.lab.try_run("scontrol", &["update", &limit, "EndTime=now"]);
        if done.status.success() { Ok(()) } else { Err(format!("{done:?}")) }
    })
    .await;
    night.lab.run("scancel", &[&format!("{stuck}_17")]);

    let status = night.until_status("the end of all jobs", |status| !active(status)).await;
    assert_eq!(count(&status, 19102, "TIMEOUT"), 1, "{status:#}");
    assert_eq!(count(&status, 19103, "CANCELLED"), 1, "{status:#}");
    assert_eq!(count(&status, 19104, "FAILED"), 1, "{status:#}");
    assert_eq!(status["state"], "failing");
    let said = night.run(&["-s"]);
    let table = String::from_utf8(said.stdout).unwrap();
    insta::assert_snapshot!(without_what_differs(&table));

    let tasks = night.tasks().await;
    for (run, good) in [(19101, 1), (19102, 13), (19103, 17), (19104, 15), (19106, 12)] {
        assert_eq!(of(&tasks, run, &JobState::Completed), good, "{run}: {tasks:#?}");
    }
    let ended: DateTime<Utc> = tasks
        .iter()
        .filter(|task| task.name == "LST1_19101")
        .filter_map(|t| t.ended)
        .max()
        .unwrap();
    for task in tasks.iter().filter(|task| task.name != "LST1_19101") {
        assert!(task.started.is_none_or(|started| started >= ended), "{task:?}");
    }
    let ends = night.good_ends();
    let twice: Vec<_> = ends.iter().filter(|(_, count)| **count != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    // 57 subruns through four stages, the failing one through the first alone, and the calibration.
    assert_eq!(ends.len(), 57 * 4 + 1 + 2, "{ends:#?}");
}

#[tokio::test]
#[ignore = "wants a real Slurm: end2end/slurm/test"]
async fn a_demo_night_is_closed_once_by_jobs_of_slurm() {
    let night = DemoNight::new().await;
    let closer = |arguments: &[&str]| {
        let mut command = night.osa("closer", PROCESSED, arguments);
        tokio::task::spawn_blocking(move || command.output().unwrap())
    };
    let plan = closer(&["-s", "--json"]).await.unwrap();
    let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
    assert_eq!((&plan["ready"], &plan["blocks"]), (&true.into(), &Value::Array(Vec::new())));
    let planned: Vec<_> = plan["jobs"].as_array().unwrap().iter().map(|j| &j["name"]).collect();

    // Two closers at the same moment: one does it, the other says who is at it.
    let (first, second) = (closer(&[]), closer(&[]));
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    let well = [&first, &second].iter().filter(|said| said.status.success()).count();
    assert!(well >= 1, "{first:?} {second:?}");
    let flag = night.demo().join("data/OSA/Closer/20241125/v0.10.18/NightFinished.txt");
    assert!(flag.exists(), "{first:?} {second:?}");

    let since = Utc::now() - TimeDelta::hours(1);
    let known = until(&night.lab, "an answer", || async {
        night.lab.scheduler().jobs(since).await.map_err(|error| error.to_string())
    })
    .await;
    for name in planned {
        let runs: Vec<_> = known.tasks.iter().filter(|task| task.name == *name).collect();
        assert_eq!(runs.len(), 1, "{name}: {runs:#?}");
        assert_eq!(runs[0].state, JobState::Completed, "{name}: {runs:#?}");
    }
    let again = closer(&[]).await.unwrap();
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(again.status.success() && said.contains("is closed already"), "{again:?}");
}

/// The table's cells without heading, tries, numbers of jobs, seconds of computing and exit codes,
/// which accounting tells late.
fn without_what_differs(table: &str) -> String {
    let differs = ["Tries", "JobID", "CPU_time", "Exit"];
    let mut lines = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let heading = lines.next().unwrap();
    let kept = |cells: Vec<&str>| {
        let cells = heading.iter().zip(cells).filter(|(column, _)| !differs.contains(column));
        cells.map(|(_, cell)| cell).collect::<Vec<_>>().join(" ") + "\n"
    };
    std::iter::once(heading.clone()).chain(lines).map(kept).collect()
}
