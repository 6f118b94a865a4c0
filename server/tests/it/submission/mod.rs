//! Submitting: each planned job once, whatever goes wrong and whoever else submits.

mod crashes;
mod trouble;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use server::launch::PlannedJob;
use server::launch::submit::{Order, SubmitFailure, SubmitOutcome, Verdict, execute};
use server::model::JobId;
use server::schedule::JobSnapshot;
use server::store::{Grace, Store, SubmissionState};

use crate::support::{DATE, FakeSlurm, PATIENCE, PROD_ID};

/// A night of one calibration and two runs, a fake Slurm that holds its jobs, and a database.
struct Night {
    slurm: FakeSlurm,
    grace: Grace,
}

impl Night {
    fn new() -> Self {
        Self::on(FakeSlurm::holding())
    }

    fn on(slurm: FakeSlurm) -> Self {
        Self { slurm, grace: Grace::default() }
    }

    fn with_grace(mut self, milliseconds: i64) -> Self {
        self.grace = Grace(TimeDelta::milliseconds(milliseconds));
        self
    }

    fn dir(&self) -> &Path {
        self.slurm.dir()
    }

    fn database(&self) -> PathBuf {
        self.dir().join("osa.sqlite")
    }

    async fn store(&self) -> Store {
        Store::open(&self.database()).await.unwrap().with_grace(self.grace)
    }

    fn plan(&self) -> Vec<PlannedJob> {
        [("19101", None), ("19102", Some("19101")), ("19103", Some("19101"))]
            .map(|(run, needs)| {
                let name = format!("LST1_{run}");
                let script = self.dir().join(format!("sequence_{name}.sh"));
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
            date: DATE.parse().unwrap(),
            prod_id: &PROD_ID.parse().unwrap(),
            jobs: &self.plan(),
            environment: &[],
            author: "lst@cp01:1",
        };
        execute(&self.store().await, self.slurm.scheduler(), &order, Utc::now()).await
    }

    async fn submit(&self) -> Vec<Verdict> {
        self.try_submit().await.unwrap().into_iter().map(|outcome| outcome.verdict).collect()
    }

    /// Submits until there is a job for everything, as an operator or cron would.
    async fn submit_until_done(&self) -> Vec<JobId> {
        let deadline = Instant::now() + PATIENCE;
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
        self.slurm.snapshot().await.unwrap()
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
    async fn assert_each_once(&self) {
        assert_eq!(self.jobs().await, each_once());
        let calibration = self.snapshot().await.tasks[0].job;
        let dependency = format!("--dependency=afterok:{calibration} ");
        let calls = self.slurm.arguments("sbatch");
        for call in calls.iter().filter(|call| !call.contains("LST1_19101")) {
            assert!(call.contains(&dependency), "{call}");
        }
    }

    async fn states(&self) -> Vec<(String, SubmissionState)> {
        let store = self.store().await;
        let date = DATE.parse().unwrap();
        let rows = store.submissions_of(date, &PROD_ID.parse().unwrap()).await.unwrap();
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

#[tokio::test]
async fn submitting_again_finds_the_jobs_there() {
    let night = Night::new();
    let first = night.submit().await;
    let again = night.submit().await;
    let expected: Vec<_> = first.iter().filter_map(job_of).map(Verdict::Active).collect();
    assert_eq!(again, expected);
    night.assert_each_once().await;
}

#[tokio::test]
async fn a_purpose_is_free_again_when_its_job_has_ended() {
    let night = Night::new();
    let jobs: Vec<_> = night.submit().await.iter().filter_map(job_of).collect();
    night.slurm.control(&["set", &jobs[0].to_string(), "COMPLETED"]);
    night.slurm.control(&["set", &jobs[1].to_string(), "FAILED", "1:0"]);
    let again = night.submit().await;
    assert!(matches!(again[0], Verdict::Submitted(_)), "{again:?}");
    assert!(matches!(again[1], Verdict::Submitted(_)), "{again:?}");
    assert_eq!(again[2], Verdict::Active(jobs[2]));
    assert_eq!(night.states().await.last().unwrap().0, "sequence 19102 2");
}
