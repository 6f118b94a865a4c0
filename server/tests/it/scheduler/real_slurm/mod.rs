//! Slurm's adapter against a real one-node Slurm, which `end2end/slurm/up` starts. `OSA_TEST_SLURM`
//! names its directory; `end2end/slurm/test` runs these tests, which are ignored otherwise.

mod night;
mod trouble;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use server::model::{JobId, JobState};
use server::schedule::slurm::Slurm;
use server::schedule::{Scheduler, SchedulerError, SubmitError};
use tempfile::TempDir;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::lab::{Job, Lab, until_ended, until_file, until_tasks};
use super::scenarios::scheduler_scenarios;
use crate::support::executable;

/// Where the scripts are that start and stop daemons.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../end2end/slurm");

/// Tests that only use the Slurm may do so together; one that breaks it wants it alone.
static CALM: RwLock<()> = RwLock::const_new(());

enum Turn {
    Shared { _guard: RwLockReadGuard<'static, ()> },
    Alone { _guard: RwLockWriteGuard<'static, ()> },
}

/// The Slurm that was started for the tests, and a directory for one test.
pub struct RealSlurm {
    base: PathBuf,
    dir: TempDir,
    slurm: Slurm,
    /// Kept until the test is over.
    _turn: Turn,
}

impl RealSlurm {
    /// For a test that does no harm to others.
    pub async fn shared() -> Self {
        Self::new(Turn::Shared { _guard: CALM.read().await })
    }

    /// For a test that stops daemons.
    pub async fn alone() -> Self {
        Self::new(Turn::Alone { _guard: CALM.write().await })
    }

    fn new(turn: Turn) -> Self {
        let base = std::env::var_os("OSA_TEST_SLURM")
            .expect("OSA_TEST_SLURM names the directory of a Slurm: run end2end/slurm/test");
        let base = PathBuf::from(base);
        let conf = base.join("etc/slurm.conf");
        let environment = vec![("SLURM_CONF".to_owned(), conf.to_str().unwrap().to_owned())];
        let slurm = Slurm::new(std::env::var_os("PATH").unwrap()).with_environment(environment);
        Self { base, dir: tempfile::tempdir().unwrap(), slurm, _turn: turn }
    }

    fn try_run(&self, tool: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(tool);
        command.args(arguments).env("SLURM_CONF", self.base.join("etc/slurm.conf"));
        command.output().unwrap()
    }

    /// Runs one of Slurm's own commands; it must succeed.
    fn run(&self, tool: &str, arguments: &[&str]) -> String {
        let output = self.try_run(tool, arguments);
        assert!(output.status.success(), "{tool} {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl RealSlurm {
    /// The number of a daemon's process.
    fn pid(&self, daemon: &str) -> Pid {
        let text = std::fs::read_to_string(self.base.join("pid").join(daemon)).unwrap();
        Pid::from_raw(text.split(' ').next().unwrap().parse().unwrap())
    }

    fn signal(&self, daemon: &str, signal: Signal) {
        kill(self.pid(daemon), signal).unwrap();
    }

    /// Runs `end2end/slurm/down` or `up`.
    fn script(&self, name: &str, arguments: &[&str], signal: &str) {
        let output = Command::new(Path::new(SCRIPTS).join(name))
            .args(arguments)
            .env("OSA_TEST_SLURM", &self.base)
            .env("SIGNAL", signal)
            .output()
            .unwrap();
        assert!(output.status.success(), "{name} {arguments:?}: {output:?}");
    }

    /// Moves the end of a running job's walltime to this moment. `scontrol` turns `now` into a time that
    /// the controller refuses if a second has begun before it looks, so that it takes another try.
    async fn end_now(&self, job: &str) {
        let deadline = Instant::now() + self.patience();
        loop {
            let output =
                self.try_run("scontrol", &["update", &format!("JobId={job}"), "EndTime=now"]);
            if output.status.success() {
                return;
            }
            let refusal = String::from_utf8_lossy(&output.stderr);
            assert!(
                refusal.contains("Invalid time") && Instant::now() < deadline,
                "scontrol update: {output:?}"
            );
            tokio::time::sleep(self.pause()).await;
        }
    }

    fn down(&self, daemon: &str) {
        self.script("down", &[daemon], "TERM");
    }

    fn crash(&self, daemon: &str) {
        self.script("down", &[daemon], "KILL");
    }

    fn up(&self) {
        self.script("up", &[], "TERM");
    }
}

#[async_trait]
impl Lab for RealSlurm {
    fn scheduler(&self) -> &dyn Scheduler {
        &self.slurm
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn directives(&self) -> &'static str {
        "#SBATCH --account=dpps\n#SBATCH --partition=short,long"
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(180)
    }

    fn pause(&self) -> Duration {
        Duration::from_millis(200)
    }

    /// A controller that was started again may find a job on the node that it does not know, and then
    /// drains the node, whenever it hears of that. Without an operator nothing would run there any more.
    async fn operate(&self) {
        let state = self.try_run("sinfo", &["-h", "-N", "-n", "node01", "-p", "short", "-o", "%T"]);
        let state = String::from_utf8_lossy(&state.stdout).into_owned();
        if state.starts_with("drain") || state.starts_with("down") {
            // Refused while the controller is busy; then it is tried again a second later.
            self.try_run("scontrol", &["update", "NodeName=node01", "State=RESUME"]);
        }
    }

    /// Slurm looks at walltimes every 30 s only.
    async fn let_time_run_out(&self, job: JobId) {
        self.end_now(&job.to_string()).await;
    }
}

/// Makes an `sbatch` in a new directory, which runs a shell command before it becomes the real one.
fn sbatch_after(command: &str, dir: &Path) {
    executable(&dir.join("sbatch"), &format!("{command}\nPATH=${{PATH#*:}} exec sbatch \"$@\""));
}

mod scenarios {
    use super::{RealSlurm, scheduler_scenarios};

    scheduler_scenarios!(
        ignored "wants a real Slurm: end2end/slurm/test";
        RealSlurm::shared().await
    );
}

#[tokio::test]
#[ignore = "wants a real Slurm: end2end/slurm/test"]
async fn one_array_ends_in_every_way_that_a_night_knows() {
    let lab = RealSlurm::shared().await;
    let body = "touch began.$SLURM_ARRAY_TASK_ID
case $SLURM_ARRAY_TASK_ID in
0) exit 0 ;;
1) exit 255 ;;
*) sleep 3000 ;;
esac";
    let job = Job::new("LST1_30102", body).directive("--array=0-3").directive("--time=1:15:00");
    let id = job.submit(&lab).await;
    for task in 0..4 {
        until_file(&lab, &job.file(&lab, &format!("began.{task}"))).await;
    }
    let running = until_tasks(&lab, id, "two tasks to run", |tasks| {
        tasks.len() == 4 && tasks.iter().filter(|t| t.state == JobState::Running).count() == 2
    })
    .await;
    assert!(running.iter().all(|task| task.comment == "osa:LST1_30102"));
    lab.end_now(&format!("{id}_2")).await;
    lab.run("scancel", &[&format!("{id}_3")]);
    let ended = until_ended(&lab, id, 4).await;
    let states: Vec<_> = ended.iter().map(|task| task.state.clone()).collect();
    use JobState::{Cancelled, Completed, Failed, Timeout};
    assert_eq!(states, [Completed, Failed, Timeout, Cancelled]);
    // Accounting lags behind, but comes: exit codes are its.
    let known =
        until_tasks(&lab, id, "the exit codes", |t| t.iter().all(|t| t.exit.is_some())).await;
    assert_eq!(known[1].exit.unwrap().to_string(), "127:0", "Slurm counts modulo 128");
}

#[tokio::test]
#[ignore = "wants a real Slurm: end2end/slurm/test"]
async fn slurm_s_refusals_are_refusals() {
    let lab = RealSlurm::shared().await;
    for (name, directive) in [
        ("account", "--account=nobody"),
        ("partition", "--partition=nowhere"),
        ("memory", "--mem=900G"),
        ("array", "--array=0-99999"),
    ] {
        let mut request = Job::new(name, "true").request(&lab);
        // The last of two directives counts, and the lab's own come last.
        let directive = format!("#SBATCH {directive}\n");
        let script = std::fs::read_to_string(&request.script).unwrap();
        let script =
            script.replace(lab.directives(), &format!("{}\n{directive}", lab.directives()));
        request.script = lab.dir().join(format!("{name}.sh"));
        std::fs::write(&request.script, script).unwrap();
        let refused = lab.scheduler().submit(&request).await;
        let Err(SubmitError::Refused(SchedulerError { message: text, .. })) = refused else {
            panic!("{name}: {refused:?}")
        };
        assert!(text.contains("Batch job submission failed"), "{name}: {text}");
    }
}

#[tokio::test]
#[ignore = "wants a real Slurm: end2end/slurm/test"]
async fn names_and_comments_of_others_do_not_disturb() {
    let lab = RealSlurm::shared().await;
    let job = Job::new("plain", "sleep 1").comment("osa:plain");
    let id = job.submit(&lab).await;
    let name = "we|ird,na;me\nwith a break \u{1}";
    lab.run(
        "sbatch",
        &["--job-name", name, "--comment", "a\nb|c", "--output=/dev/null", "--wrap", "true\ntrue"],
    );
    let ended = until_ended(&lab, id, 1).await;
    assert_eq!(ended[0].comment, "osa:plain");
}
