//! Submitting: each planned job once, whatever goes wrong and whoever else submits.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use server::launch::PlannedJob;
use server::launch::ledger::{night_jobs, resolve};
use server::launch::submit::{Order, SubmitFailure, SubmitOutcome, Verdict, execute};
use server::model::{JobId, JobState};
use server::schedule::slurm::Timeouts;
use server::schedule::{JobSnapshot, Scheduler};
use server::store::{Grace, Store, SubmissionState};
use tempfile::TempDir;

use crate::scheduler::fake_slurm::{TOOLS, slurm_with};

/// A site in a box: a fake Slurm that holds its jobs, a database, and a plan of one calibration and
/// two runs.
struct Site {
    dir: PathBuf,
    keep: Option<TempDir>,
    timeouts: Timeouts,
    grace: Grace,
}

impl Site {
    fn new() -> Self {
        let keep = tempfile::tempdir().unwrap();
        let site = Self::at(keep.path());
        fs::create_dir_all(site.dir.join("books/faults")).unwrap();
        Self { keep: Some(keep), ..site }
    }

    /// The site that another process has set up.
    fn at(dir: &Path) -> Self {
        let dir = dir.to_owned();
        Self { dir, keep: None, timeouts: Timeouts::default(), grace: Grace::default() }
    }

    fn with_grace(mut self, milliseconds: i64) -> Self {
        self.grace = Grace(TimeDelta::milliseconds(milliseconds));
        self
    }

    fn impatient(mut self) -> Self {
        let short = Duration::from_secs(10);
        self.timeouts = Timeouts { submit: short, ask: short, cancel: short };
        self
    }

    fn scheduler(&self) -> impl Scheduler + use<> {
        slurm_with(&self.dir.join("books")).with_timeouts(self.timeouts)
    }

    async fn store(&self) -> Store {
        Store::open(&self.dir.join("osa.sqlite")).await.unwrap().with_grace(self.grace)
    }

    /// Writes one of the fake's settings.
    fn set(&self, name: &str, text: &str) {
        fs::write(self.dir.join("books").join(name), text).unwrap();
    }

    fn control(&self, arguments: &[&str]) {
        let mut command = Command::new(Path::new(TOOLS).join("fakectl"));
        let status = command.args(arguments).env("FAKE_SLURM", self.dir.join("books")).status();
        assert!(status.unwrap().success(), "fakectl {arguments:?}");
    }

    /// How often a command of the fake was called.
    fn calls(&self, tool: &str) -> usize {
        let calls = fs::read_to_string(self.dir.join("books/calls")).unwrap_or_default();
        calls.lines().filter(|line| line.split(' ').next() == Some(tool)).count()
    }

    fn plan(&self) -> Vec<PlannedJob> {
        [("19101", None), ("19102", Some("19101")), ("19103", Some("19101"))]
            .map(|(run, needs)| {
                let name = format!("LST1_{run}");
                let script = self.dir.join(format!("sequence_{name}.sh"));
                let array = needs.map_or("", |_| "#SBATCH --array=0-1\n");
                let text = format!("#!/bin/bash\n#SBATCH --job-name={name}\n{array}true\n");
                if !script.exists() {
                    fs::write(&script, text).unwrap();
                }
                let purpose = |run| format!("sequence {run}");
                PlannedJob {
                    purpose: purpose(run),
                    name,
                    script,
                    needs: needs.map(purpose).into_iter().collect(),
                    exclude_nodes: None,
                }
            })
            .into()
    }

    async fn try_submit(&self) -> Result<Vec<SubmitOutcome>, SubmitFailure> {
        let order = Order {
            date: "2024-11-28".parse().unwrap(),
            prod_id: &"v0.1.0".parse().unwrap(),
            jobs: &self.plan(),
            environment: &[],
            author: "lst@cp01:1",
        };
        execute(&self.store().await, &self.scheduler(), &order, Utc::now()).await
    }

    async fn submit(&self) -> Vec<Verdict> {
        self.try_submit().await.unwrap().into_iter().map(|outcome| outcome.verdict).collect()
    }

    /// Submits until there is a job for everything, as an operator or cron would.
    async fn submit_until_done(&self) -> Vec<JobId> {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            let outcomes = self.try_submit().await;
            if let Ok(outcomes) = &outcomes {
                let jobs: Vec<_> = outcomes.iter().filter_map(|o| job_of(&o.verdict)).collect();
                if jobs.len() == 3 {
                    return jobs;
                }
            }
            assert!(Instant::now() < deadline, "{outcomes:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn snapshot(&self) -> JobSnapshot {
        self.scheduler().jobs(Utc::now() - TimeDelta::hours(1)).await.unwrap()
    }

    /// How many jobs there are by name.
    async fn jobs(&self) -> BTreeMap<String, usize> {
        let mut found: BTreeMap<String, Vec<(JobId, String)>> = BTreeMap::new();
        for task in self.snapshot().await.tasks {
            let jobs = found.entry(task.name).or_default();
            let job = (task.job, task.comment);
            if !jobs.contains(&job) {
                jobs.push(job);
            }
        }
        found.into_iter().map(|(name, jobs)| (name, jobs.len())).collect()
    }

    /// There is exactly one job for each purpose, and those for the runs wait for the calibration's.
    async fn assert_each_once(&self, why: &str) {
        assert_eq!(self.jobs().await, each_once(), "{why}");
        let calls = fs::read_to_string(self.dir.join("books/calls")).unwrap();
        let calibration = self.snapshot().await.tasks[0].job;
        let dependency = format!("--dependency=afterok:{calibration} ");
        let data = calls.lines().filter(|l| l.starts_with("sbatch") && !l.contains("LST1_19101"));
        for call in data {
            assert!(call.contains(&dependency), "{why}: {call}");
        }
    }

    async fn states(&self) -> Vec<(String, SubmissionState)> {
        let store = self.store().await;
        let date = "2024-11-28".parse().unwrap();
        let rows = store.submissions_of(date, &"v0.1.0".parse().unwrap()).await.unwrap();
        rows.into_iter().map(|s| (format!("{} {}", s.purpose, s.attempt), s.state)).collect()
    }
}

fn each_once() -> BTreeMap<String, usize> {
    ["LST1_19101", "LST1_19102", "LST1_19103"].map(|name| (name.to_owned(), 1)).into()
}

fn job_of(verdict: &Verdict) -> Option<JobId> {
    match verdict {
        Verdict::Submitted(job) | Verdict::Active(job) => Some(*job),
        _ => None,
    }
}

fn submitted(verdicts: &[Verdict]) -> bool {
    verdicts.iter().all(|verdict| matches!(verdict, Verdict::Submitted(_)))
}

/// Name of the variable that tells [`a_plan_is_submitted_in_order`] that it is the child of another
/// test, and on which site.
const CHILD: &str = "OSA_TEST_SUBMISSION";

/// This test is also the program that other tests start, to kill it in the middle.
#[tokio::test]
async fn a_plan_is_submitted_in_order() {
    let site = match std::env::var_os(CHILD) {
        Some(dir) => Site::at(Path::new(&dir)),
        None => Site::new(),
    };
    let verdicts = site.submit().await;
    println!("verdicts: {verdicts:?}");
    if site.keep.is_some() {
        assert!(submitted(&verdicts), "{verdicts:?}");
        site.assert_each_once("a plan").await;
    }
}

/// Starts a process that submits the plan of the site.
fn child(site: &Site) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "submission::a_plan_is_submitted_in_order", "--nocapture"])
        .env(CHILD, &site.dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn submitting_again_finds_the_jobs_there() {
    let site = Site::new();
    let first = site.submit().await;
    let again = site.submit().await;
    let expected: Vec<_> = first.iter().filter_map(job_of).map(Verdict::Active).collect();
    assert_eq!(again, expected);
    site.assert_each_once("twice").await;
}

#[tokio::test]
async fn a_purpose_is_free_again_when_its_job_has_ended() {
    let site = Site::new();
    let jobs: Vec<_> = site.submit().await.iter().filter_map(job_of).collect();
    site.control(&["set", &jobs[0].to_string(), "COMPLETED"]);
    site.control(&["set", &jobs[1].to_string(), "FAILED", "1:0"]);
    let again = site.submit().await;
    assert!(matches!(again[0], Verdict::Submitted(_)), "{again:?}");
    assert!(matches!(again[1], Verdict::Submitted(_)), "{again:?}");
    assert_eq!(again[2], Verdict::Active(jobs[2]));
    assert_eq!(site.states().await.last().unwrap().0, "sequence 19102 2");
}

/// The promise: kill -9 at any step of a submission, and no job is lost or there twice.
#[tokio::test]
async fn killed_at_any_step_every_job_is_submitted_once() {
    for (tool, faults) in [
        ("sacct", "kill-parent"),             // before anything is recorded
        ("sbatch", "kill-parent-before"),     // recorded; the scheduler has nothing
        ("sbatch", "kill-parent-after"),      // accepted; the answer is not recorded
        ("sbatch", "ok\nkill-parent-before"), // between two jobs of the plan
        ("sbatch", "ok\nkill-parent-after"),
        ("sbatch", "ok\nok\nkill-parent-after"),
    ] {
        let why = format!("{tool}: {faults:?}");
        let site = Site::new().with_grace(200);
        site.set(&format!("faults/{tool}"), faults);
        site.plan();
        let killed = child(&site).wait_with_output().unwrap();
        assert_eq!(killed.status.signal(), Some(9), "{why}: {killed:?}");
        site.submit_until_done().await;
        site.assert_each_once(&why).await;
    }
}

/// Killed while the controller hangs with the request in its socket: the request is read after the
/// controller has answered somebody else for the first time.
#[tokio::test]
async fn a_request_that_a_hung_controller_reads_late_is_not_made_again() {
    let site = Site::new().with_grace(500);
    site.set("faults/sbatch", "backlog");
    let verdicts = site.submit().await;
    assert!(matches!(verdicts[0], Verdict::Uncertain(_)), "{verdicts:?}");
    assert!(matches!(verdicts[1], Verdict::Held(_)), "{verdicts:?}");
    site.set("awake", "");
    site.submit_until_done().await;
    site.assert_each_once("backlog").await;
}

#[tokio::test]
async fn two_commands_at_the_same_moment_submit_each_job_once() {
    for _ in 0..4 {
        let site = Site::new();
        site.plan();
        let commands: Vec<_> = (0..3).map(|_| child(&site)).collect();
        for command in commands {
            let output = command.wait_with_output().unwrap();
            assert!(output.status.success(), "{output:?}");
        }
        assert_eq!(site.calls("sbatch"), 3);
        site.assert_each_once("together").await;
    }
}

#[tokio::test]
async fn without_its_calibration_no_run_is_submitted() {
    for fault in ["refuse Invalid account", "unreachable", "hang"] {
        let site = Site::new().impatient();
        site.set("faults/sbatch", fault);
        let verdicts = site.submit().await;
        assert!(verdicts.iter().all(Verdict::is_failure), "{fault}: {verdicts:?}");
        assert!(
            matches!((&verdicts[1], &verdicts[2]), (Verdict::Held(_), Verdict::Held(_))),
            "{fault}: {verdicts:?}"
        );
        assert_eq!(
            verdicts[1].to_string(),
            "not submitted: it needs sequence 19101, which was not submitted"
        );
        assert_eq!(site.calls("sbatch"), 1, "{fault}");
        assert_eq!(site.jobs().await, BTreeMap::new(), "{fault}");
    }
}

#[tokio::test]
async fn a_refusal_is_told_and_can_be_mended() {
    let site = Site::new();
    site.set("faults/sbatch", "ok\nrefuse Job violates accounting/QOS policy");
    let verdicts = site.submit().await;
    assert!(
        verdicts[1].to_string().ends_with("Job violates accounting/QOS policy"),
        "{verdicts:?}"
    );
    assert!(matches!(verdicts[2], Verdict::Submitted(_)), "the other runs are not kept waiting");
    let again = site.submit().await;
    assert!(matches!(again[1], Verdict::Submitted(_)), "{again:?}");
    site.assert_each_once("refused once").await;
}

#[tokio::test]
async fn an_unclear_answer_is_cleared_up_at_once_where_the_scheduler_tells() {
    for fault in ["socket-timeout", "garbage", "signal-after", "hang-after"] {
        let site = Site::new().impatient();
        site.set("faults/sbatch", &format!("ok\n{fault}"));
        let verdicts = site.submit().await;
        assert!(submitted(&verdicts), "{fault}: {verdicts:?}");
        site.assert_each_once(fault).await;
    }
}

#[tokio::test]
async fn while_the_scheduler_is_silent_nothing_more_is_asked_and_later_nothing_is_doubled() {
    let site = Site::new().impatient().with_grace(200);
    site.set("faults/sbatch", "ok\nsocket-timeout");
    site.set("faults/squeue", "ok\nfail");
    let verdicts = site.submit().await;
    assert!(matches!(verdicts[1], Verdict::Uncertain(_)), "{verdicts:?}");
    assert!(matches!(verdicts[2], Verdict::Held(_)), "{verdicts:?}");
    assert_eq!(site.calls("sbatch"), 2);
    site.submit_until_done().await;
    site.assert_each_once("silent").await;
}

#[tokio::test]
async fn if_the_scheduler_does_not_tell_what_is_there_nothing_is_submitted() {
    for fault in ["fail", "hang"] {
        let site = Site::new().impatient();
        site.set("faults/squeue", fault);
        let failure = site.try_submit().await.unwrap_err();
        assert!(matches!(failure, SubmitFailure::Scheduler(_)), "{failure}");
        assert_eq!(site.calls("sbatch"), 0);
        assert_eq!(site.states().await, [], "nothing is left to be cleared up");
    }
}

/// The queue has whatever waits or runs, and the books have the rest.
#[tokio::test]
async fn without_accounting_every_job_is_still_submitted_once() {
    let site = Site::new().with_grace(0);
    site.set("faults/sacct", "always fail");
    let jobs = site.submit_until_done().await;
    for _ in 0..3 {
        assert_eq!(
            site.submit().await,
            jobs.iter().copied().map(Verdict::Active).collect::<Vec<_>>()
        );
    }
    site.control(&["forget", &jobs[1].to_string()]);
    for _ in 0..3 {
        let verdicts = site.submit().await;
        assert!(matches!(verdicts[1], Verdict::Blocked(_)), "it may have ended: {verdicts:?}");
    }
    assert_eq!(site.calls("sbatch"), 3);
}

/// sacct and squeue drop the jobs for a while: that is no reason to submit them again.
#[tokio::test]
async fn jobs_that_the_scheduler_fails_to_list_are_not_submitted_again_at_once() {
    let site = Site::new();
    site.submit().await;
    site.set("faults/sacct", "drop LST1\ngarbage");
    site.set("faults/squeue", "drop LST1\ndrop LST1");
    let dropped = site.submit().await;
    assert!(dropped.iter().all(|v| matches!(v, Verdict::Blocked(_))), "{dropped:?}");
    assert!(dropped[0].to_string().contains("does not know job 1000 of sequence 19101 any more"));
    let garbage = site.submit().await;
    assert!(garbage.iter().all(|v| matches!(v, Verdict::Blocked(_))), "{garbage:?}");
    let again = site.submit().await;
    assert!(again.iter().all(|v| matches!(v, Verdict::Active(_))), "{again:?}");
    assert_eq!(site.calls("sbatch"), 3);
}

/// The controller crashed: an acknowledged job is gone, and its number was given to another job.
#[tokio::test]
async fn a_vanished_job_is_noticed_although_its_id_lives_on() {
    let site = Site::new().with_grace(100);
    site.set("faults/sbatch", "ok\nvanish\nid 1001");
    let verdicts = site.submit().await;
    assert_eq!(verdicts[1], verdicts[2], "the same id for two runs");
    let deadline = Instant::now() + Duration::from_secs(120);
    let store = site.store().await;
    let names = ["LST1_19102".to_owned()];
    let night = loop {
        let snapshot = site.snapshot().await;
        resolve(&store, &snapshot, Utc::now()).await.unwrap();
        let known = store.submissions_named(&names).await.unwrap();
        let night = night_jobs(&known, |_| true, &snapshot, &names, site.grace);
        if !night.tasks.is_empty() {
            break night;
        }
        assert!(!night.notices.is_empty(), "until it is given up, its absence is told");
        assert!(Instant::now() < deadline, "{known:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(night.tasks[0].state, JobState::Lost);
    assert!(night.notices[0].message.contains("job 1001 was submitted"), "{:?}", night.notices);
    let jobs = site.submit_until_done().await;
    assert_ne!(jobs[1], jobs[2]);
    site.assert_each_once("vanished").await;
}

#[tokio::test]
async fn a_job_of_the_same_name_that_nobody_recorded_is_not_doubled() {
    let site = Site::new();
    site.submit().await;
    // The database is lost, the jobs are not.
    fs::remove_file(site.dir.join("osa.sqlite")).unwrap();
    for left in ["osa.sqlite-wal", "osa.sqlite-shm"] {
        let _ = fs::remove_file(site.dir.join(left));
    }
    let verdicts = site.submit().await;
    assert!(matches!(verdicts[0], Verdict::Blocked(_)), "{verdicts:?}");
    assert!(verdicts[0].to_string().contains("is not in the books"), "{}", verdicts[0]);
    assert_eq!(site.calls("sbatch"), 3);
}

/// Lets the database refuse a statement as SQLite does on a full disk.
async fn disk_full(site: &Site, statement: &str) {
    let store = site.store().await;
    let trigger = format!(
        "CREATE TRIGGER disk_full BEFORE {statement}
         BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
    );
    sqlx::query(sqlx::AssertSqlSafe(trigger)).execute(&store.pool).await.unwrap();
}

async fn disk_free(site: &Site) {
    let store = site.store().await;
    sqlx::query("DROP TRIGGER disk_full").execute(&store.pool).await.unwrap();
}

#[tokio::test]
async fn with_the_disk_full_nothing_is_submitted_unrecorded() {
    let site = Site::new();
    disk_full(&site, "INSERT ON submissions").await;
    let failure = site.try_submit().await.unwrap_err();
    assert!(failure.to_string().contains("osa.sqlite"), "{failure}");
    assert_eq!(site.calls("sbatch"), 0);
}

#[tokio::test]
async fn a_job_whose_answer_could_not_be_recorded_is_told_and_found_again() {
    let site = Site::new().with_grace(200);
    disk_full(&site, "UPDATE OF job_id ON submissions WHEN NEW.job_id IS NOT NULL").await;
    let failure = site.try_submit().await.unwrap_err();
    let SubmitFailure::Store { done, .. } = failure else { panic!("{failure}") };
    assert!(matches!(done[..], [SubmitOutcome { verdict: Verdict::Submitted(_), .. }]), "{done:?}");
    disk_free(&site).await;
    site.submit_until_done().await;
    site.assert_each_once("the disk was full for a while").await;
}
