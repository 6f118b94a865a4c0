//! A real Slurm whose daemons hang, are killed, or are down while a night is submitted.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use chrono::{TimeDelta, Utc};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use server::launch::PlannedJob;
use server::launch::ledger::{night_jobs, resolve};
use server::launch::submit::{Order, SubmitOutcome, Verdict, execute};
use server::model::{JobId, JobState, TaskRecord};
use server::schedule::{Accounting, JobSnapshot, SchedulerError};
use server::store::{Grace, Store};

use super::{RealSlurm, SCRIPTS};
use crate::scheduler::lab::{Lab, try_tasks, until, until_file, until_tasks};

/// A night of one calibration and two runs, on a Slurm of its own mind.
struct Night {
    lab: RealSlurm,
    store: Store,
    /// The runs' numbers begin with it, so that tests do not meet each other's jobs.
    series: u32,
}

impl Night {
    async fn new(series: u32) -> Self {
        let lab = RealSlurm::alone().await;
        let store = Store::open(&lab.dir().join("osa.sqlite")).await.unwrap();
        let store = store.with_grace(Grace(TimeDelta::seconds(2)));
        Self { lab, store, series }
    }

    fn names(&self) -> [String; 3] {
        [1, 2, 3].map(|n| format!("LST1_{}", self.series + n))
    }

    /// Jobs run until the file `open` is there.
    fn plan(&self) -> Vec<PlannedJob> {
        let dir = self.lab.dir();
        let names = self.names();
        let purpose = |name: &String| format!("sequence {}", &name[5..]);
        let job = |name: &String| {
            let calibration = *name == names[0];
            let array = if calibration { "" } else { "#SBATCH --array=0-1\n" };
            let script = dir.join(format!("sequence_{name}.sh"));
            let text = format!(
                "#!/bin/bash\n#SBATCH --job-name={name}\n#SBATCH --chdir={0}\n\
                 #SBATCH --output=out.%A_%a\n{array}{1}\n\
                 touch {0}/began.{name}\n\
                 until [ -e {0}/open ]; do sleep 0.2; done\n\
                 echo $SLURM_JOB_ID >> {0}/ran.{name}.$SLURM_ARRAY_TASK_ID\n",
                dir.display(),
                self.lab.directives(),
            );
            if !script.exists() {
                std::fs::write(&script, text).unwrap();
            }
            let needs = if calibration { vec![] } else { vec![purpose(&names[0])] };
            let exclude_nodes = None;
            PlannedJob { purpose: purpose(name), name: name.clone(), script, needs, exclude_nodes }
        };
        names.iter().map(job).collect()
    }

    async fn submit(&self) -> Result<Vec<SubmitOutcome>, String> {
        let order = Order {
            date: "2024-11-28".parse().unwrap(),
            prod_id: &"v0.1.0".parse().unwrap(),
            jobs: &self.plan(),
            environment: &[],
            author: "test@lab:1",
        };
        let outcomes = execute(&self.store, self.lab.scheduler(), &order, Utc::now()).await;
        outcomes.map_err(|failure| failure.to_string())
    }

    /// Submits again and again, as cron would, until there is a job for everything.
    async fn submit_until_done(&self) -> Vec<JobId> {
        until(&self.lab, "a job for everything", || async {
            let outcomes = self.submit().await?;
            let job = |outcome: &SubmitOutcome| match outcome.verdict {
                Verdict::Submitted(job) | Verdict::Active(job) => Some(job),
                _ => None,
            };
            let jobs: Vec<_> = outcomes.iter().filter_map(job).collect();
            if jobs.len() == 3 { Ok(jobs) } else { Err(format!("{outcomes:?}")) }
        })
        .await
    }

    async fn jobs(&self) -> Result<JobSnapshot, SchedulerError> {
        self.lab.scheduler().jobs(Utc::now() - TimeDelta::hours(1)).await
    }

    /// Waits until Slurm answers.
    async fn answer(&self) -> JobSnapshot {
        until(&self.lab, "an answer", || async { self.jobs().await.map_err(|e| e.to_string()) })
            .await
    }

    /// How many jobs that wait or run have each of the night's names.
    async fn live_jobs(&self) -> BTreeMap<String, usize> {
        let mut jobs: Vec<_> = self.answer().await.tasks;
        jobs.retain(|task| self.names().contains(&task.name) && task.state.is_active());
        let mut ids: Vec<_> = jobs.into_iter().map(|task| (task.name, task.job)).collect();
        ids.sort();
        ids.dedup();
        let mut count = BTreeMap::new();
        for (name, _) in ids {
            *count.entry(name).or_insert(0) += 1;
        }
        count
    }

    fn each_once(&self) -> BTreeMap<String, usize> {
        self.names().map(|name| (name, 1)).into()
    }

    /// Lets the jobs end, and waits until they have ended well; every task must have run once.
    async fn finish(&self, jobs: &[JobId]) {
        std::fs::write(self.lab.dir().join("open"), "").unwrap();
        // By name too: numbers that a crashed controller gave away twice name several jobs.
        for (job, name) in jobs.iter().zip(self.names()) {
            until(&self.lab, "the job to end well", || async {
                let mut tasks = try_tasks(&self.lab, *job).await?;
                tasks.retain(|task| task.name == name);
                self.release(&tasks);
                let well = tasks.iter().all(|task| task.state == JobState::Completed);
                if well && !tasks.is_empty() { Ok(()) } else { Err(format!("{tasks:#?}")) }
            })
            .await;
        }
        for name in &self.names()[1..] {
            for task in 0..2 {
                let file = self.lab.dir().join(format!("ran.{name}.{task}"));
                let ran = std::fs::read_to_string(&file).unwrap();
                assert_eq!(ran.lines().count(), 1, "{}: {ran}", file.display());
            }
        }
    }
}

impl Night {
    /// Lets go what Slurm holds back for an operator: a task whose launch failed, since the node had
    /// not noticed yet that the controller was started again. Such a task has not run.
    fn release(&self, tasks: &[TaskRecord]) {
        for held in tasks.iter().filter(|task| task.reason.ends_with("requeued held")) {
            let task = held.task.map(|task| format!("_{task}")).unwrap_or_default();
            // Refused while the controller is busy; then it is tried again with the next look.
            let _ = Command::new("scontrol")
                .args(["release", &format!("{}{task}", held.job)])
                .env("SLURM_CONF", self.lab.base.join("etc/slurm.conf"))
                .status();
        }
    }

    /// A job of somebody else, under our user.
    fn submit_stranger(&self) -> JobId {
        let id = self.lab.run(
            "sbatch",
            &[
                "--parsable",
                "--account=dpps",
                "--job-name=sim",
                "--output=/dev/null",
                "--wrap=sleep 1",
            ],
        );
        JobId(id.trim().parse().unwrap())
    }
}

impl Drop for Night {
    /// Whatever came of the test, the next one finds all daemons at work and none of our jobs.
    fn drop(&mut self) {
        let scripts = Path::new(SCRIPTS);
        if let Ok(text) = std::fs::read_to_string(self.lab.base.join("pid/slurmctld")) {
            let pid = text.split(' ').next().and_then(|pid| pid.parse().ok());
            let _ = pid.map(|pid| kill(Pid::from_raw(pid), Signal::SIGCONT));
        }
        let _ = Command::new(scripts.join("up")).env("OSA_TEST_SLURM", &self.lab.base).status();
        let names = self.names().join(",");
        let _ = Command::new("scancel")
            .args(["--name", &names])
            .env("SLURM_CONF", self.lab.base.join("etc/slurm.conf"))
            .status();
    }
}

#[tokio::test]
#[ignore = "wants a real Slurm: end2end/slurm/test"]
async fn a_controller_that_hangs_during_a_submission_gets_each_job_once() {
    let night = Night::new(40_100).await;
    night.lab.signal("slurmctld", Signal::SIGSTOP);
    let refused = night.submit().await.unwrap_err();
    assert!(refused.contains("squeue"), "nothing is submitted blindly: {refused}");
    night.lab.signal("slurmctld", Signal::SIGCONT);
    night.answer().await;

    // Now it hangs after it has told what there is: between that answer and sbatch.
    let hang = night.hang_at_sbatch();
    let outcomes = night.submit_with(&hang).await;
    assert!(matches!(outcomes[0].verdict, Verdict::Uncertain(_)), "{outcomes:?}");
    assert!(matches!(outcomes[1].verdict, Verdict::Held(_)), "{outcomes:?}");
    night.lab.signal("slurmctld", Signal::SIGCONT);
    let jobs = night.submit_until_done().await;
    assert_eq!(night.live_jobs().await, night.each_once());
    night.finish(&jobs).await;
}

impl Night {
    /// A directory with an `sbatch` that stops the controller before it becomes the real one.
    fn hang_at_sbatch(&self) -> std::path::PathBuf {
        let dir = self.lab.dir().join("hang");
        let stop = format!("kill -STOP {}", self.lab.pid("slurmctld"));
        super::sbatch_after(&stop, &dir);
        dir
    }

    /// Submits with the commands of a directory before those of the PATH.
    async fn submit_with(&self, dir: &Path) -> Vec<SubmitOutcome> {
        let path = format!("{}:{}", dir.display(), std::env::var("PATH").unwrap());
        let conf = self.lab.base.join("etc/slurm.conf");
        let environment = vec![
            ("SLURM_CONF".to_owned(), conf.to_str().unwrap().to_owned()),
            ("PATH".to_owned(), path.clone()),
        ];
        let slurm = server::schedule::slurm::Slurm::new(path).with_environment(environment);
        let order = Order {
            date: "2024-11-28".parse().unwrap(),
            prod_id: &"v0.1.0".parse().unwrap(),
            jobs: &self.plan(),
            environment: &[],
            author: "test@lab:1",
        };
        execute(&self.store, &slurm, &order, Utc::now()).await.unwrap()
    }
}

#[tokio::test]
#[ignore = "wants a real Slurm: end2end/slurm/test"]
async fn a_controller_killed_and_started_again_gets_each_job_once() {
    let night = Night::new(40_200).await;
    // Nothing starts before the crash: the node would report a job that the controller has forgotten, and
    // the controller would cancel whichever job has its number by then.
    let partition = |state: &str| {
        night.lab.run("scontrol", &["update", "PartitionName=short", &format!("State={state}")]);
    };
    partition("DOWN");
    night.submit_until_done().await;
    // A crash right after the last answer: what the controller had not yet written is lost.
    night.lab.crash("slurmctld");
    let down = night.submit().await.unwrap_err();
    assert!(down.contains("squeue"), "{down}");
    night.lab.up();
    night.answer().await;
    partition("UP");
    // A job that is gone is first missed, then given up, then submitted again; one that is there
    // stays the only one.
    let jobs = until(&night.lab, "one live job for everything", || async {
        let jobs = night.submit_until_done().await;
        let live = night.live_jobs().await;
        if live == night.each_once() { Ok(jobs) } else { Err(format!("{live:?}")) }
    })
    .await;
    night.finish(&jobs).await;
}

#[tokio::test]
#[ignore = "wants a real Slurm: end2end/slurm/test"]
async fn a_controller_that_is_down_has_nothing_and_that_is_found_out() {
    let night = Night::new(40_300).await;
    let path = night.lab.dir().join("stop");
    let base = night.lab.base.display();
    let kill = format!("OSA_TEST_SLURM={base} SIGNAL=KILL {SCRIPTS}/down slurmctld");
    super::sbatch_after(&kill, &path);
    let outcomes = night.submit_with(&path).await;
    assert!(matches!(outcomes[0].verdict, Verdict::Uncertain(_)), "{outcomes:?}");
    night.lab.up();
    let jobs = night.submit_until_done().await;
    assert_eq!(night.live_jobs().await, night.each_once());
    night.finish(&jobs).await;
}

#[tokio::test]
#[ignore = "wants a real Slurm: end2end/slurm/test"]
async fn without_accounting_nobody_guesses_and_it_recovers() {
    let night = Night::new(40_400).await;
    let jobs = night.submit_until_done().await;
    night.lab.down("slurmdbd");
    let snapshot = night.jobs().await.unwrap();
    assert!(matches!(&snapshot.accounting, Accounting::Unavailable(why) if why.contains("sacct")));
    // Whatever waits or runs is in the queue.
    assert_eq!(night.submit_until_done().await, jobs);
    assert_eq!(night.live_jobs().await, night.each_once());
    night.lab.up();
    night.answer().await;
    assert_eq!(night.submit_until_done().await, jobs);
    night.finish(&jobs).await;
}

#[tokio::test]
#[ignore = "wants a real Slurm: end2end/slurm/test"]
async fn a_job_that_slurm_runs_again_is_reported_and_is_still_the_one() {
    let night = Night::new(40_500).await;
    let jobs = night.submit_until_done().await;
    // Not only started on paper: what slurmd has not launched yet is put back in another way.
    let began = night.lab.dir().join(format!("began.{}", night.names()[0]));
    until_file(&night.lab, &began).await;
    let id = jobs[0].to_string();
    night.lab.run("scontrol", &["requeue", &id]);
    let again = |task: &TaskRecord| task.restarts == 1;
    until_tasks(
        &night.lab,
        jobs[0],
        "the job to wait again",
        |tasks| matches!(tasks, [task] if again(task) && task.state.is_waiting()),
    )
    .await;
    // It would wait two minutes. The controller may still be clearing up after the first run, and
    // within the second in which that was put an end to the node would refuse the next one.
    let soon = ["update", &format!("JobId={id}"), "StartTime=now+3"];
    until(&night.lab, "an earlier begin", || async {
        let answer = night.lab.try_run("scontrol", &soon);
        if answer.status.success() { Ok(()) } else { Err(format!("{answer:?}")) }
    })
    .await;
    until(&night.lab, "the second run", || async {
        let tasks = try_tasks(&night.lab, jobs[0]).await?;
        match tasks.as_slice() {
            [task] if again(task) && task.state == JobState::Running => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let jobs = night.submit_until_done().await;
    assert_eq!(night.live_jobs().await, night.each_once(), "it is still the same job");
    night.finish(&jobs).await;
}

/// What happens to the last seconds when a controller crashes: acknowledged jobs are gone, and their
/// numbers are given to other jobs.
#[tokio::test]
#[ignore = "wants a real Slurm: end2end/slurm/test"]
async fn jobs_that_a_crashed_controller_forgot_are_reported_and_submitted_again() {
    let night = Night::new(40_600).await;
    let state = night.lab.base.join("state");
    let saved = night.lab.dir().join("state");
    night.lab.down("slurmctld"); // it writes its state when it is asked to stop
    copy(&state, &saved);
    night.lab.up();
    let before = night.submit_until_done().await;
    night.lab.crash("slurmctld");
    std::fs::remove_dir_all(&state).unwrap();
    copy(&saved, &state);
    night.lab.up();
    let stranger = night.submit_stranger();
    assert!(before.contains(&stranger), "{stranger} was the number of one of {before:?}");

    let names = night.names();
    until(&night.lab, "all three to be told", || async {
        let snapshot = night.answer().await;
        resolve(&night.store, &snapshot, Utc::now()).await.unwrap();
        let known = night.store.submissions_named(&names).await.unwrap();
        let seen = night_jobs(&known, |_| true, &snapshot, &names, night.store.grace);
        let gone = |name: &String| {
            let mut tasks = seen.tasks.iter().filter(|task| task.name == *name).peekable();
            tasks.peek().is_some() && tasks.all(|task| task.state.is_failure())
        };
        if names.iter().all(gone) { Ok(()) } else { Err(format!("{seen:#?}")) }
    })
    .await;
    let jobs = night.submit_until_done().await;
    assert_eq!(night.live_jobs().await, night.each_once());
    night.finish(&jobs).await;
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(status.unwrap().success());
}
