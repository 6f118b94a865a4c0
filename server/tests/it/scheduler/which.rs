//! A night stays with the scheduler, and the cluster, that it was launched on.

use std::fs;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use server::store::local_queue::LocalQueue;
use server::store::{Store, SubmissionState};

use crate::support::{DATE, FakeSlurm, PROD_ID, TestCommand, TestSite, block_on};

/// Counts calls of a command until a job that the first one missed would have been given up.
struct Again(Instant, usize);

impl Again {
    fn beyond_grace() -> Self {
        Self(Instant::now(), 0)
    }
}

impl Iterator for Again {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.1 += 1;
        (self.1 <= 3 || self.0.elapsed() < Duration::from_millis(400)).then_some(self.1)
    }
}

/// The golden night, launched on a Slurm that holds its jobs. A job is given up as soon as a second
/// answer lacks it.
fn launched() -> TestSite {
    let site = TestSite::fresh().with_slurm(FakeSlurm::holding());
    let site = site.with_env("OSA_LOST_AFTER_SECONDS", "0.1");
    site.sequencer(&[]).succeeds();
    site
}

fn launch(site: &TestSite) -> TestCommand {
    site.night_command("sequencer", &[])
}

/// The state of each submission in the ledger, and how many jobs the local scheduler has.
fn ledger(site: &TestSite) -> (Vec<SubmissionState>, usize) {
    block_on(async {
        let store = Store::open(&site.database()).await.unwrap();
        let (date, prod_id) = (DATE.parse().unwrap(), PROD_ID.parse().unwrap());
        let rows = store.submissions_of(date, &prod_id).await.unwrap();
        let queue = LocalQueue::new(store.clone());
        let local = queue.tasks(DateTime::UNIX_EPOCH, Utc::now()).await.unwrap();
        store.close().await;
        (rows.iter().map(|row| row.state).collect(), local.len())
    })
}

#[test]
fn without_slurm_s_commands_nothing_is_submitted_and_nothing_is_lost() {
    let site = launched();
    let before = ledger(&site);
    assert_eq!(before, (vec![SubmissionState::Submitted; 5], 0));
    // As cron calls it: again and again, longer apart than it takes to give a job up.
    let bare = site.path("");
    for _ in Again::beyond_grace() {
        let said = launch(&site).env("PATH", &bare).run().fails();
        said.says(&format!("{:?}", bare.to_str().unwrap()))
            .says("job_path")
            .says("scheduler = \"local\"");
    }
    assert_eq!(ledger(&site), before);
    assert_eq!(site.slurm().calls("sbatch"), 5);
}

#[test]
fn another_scheduler_neither_settles_nor_submits_a_night() {
    let site = launched();
    let before = ledger(&site);
    let local = |command: TestCommand| command.env("OSA_SCHEDULER", "local").run();
    let belongs = "belong to Slurm (cluster fake)";
    for _ in Again::beyond_grace() {
        local(launch(&site))
            .fails()
            .says("belong to Slurm (cluster fake), but the scheduler in use is the local")
            .says("set scheduler = \"slurm\" in osa.toml");
    }
    let why = local(site.command(["why", DATE]));
    assert!(why.out.contains("The night was submitted to another scheduler."), "{why}");
    local(site.command(["resubmit", DATE, "19102"])).fails().says(belongs);
    let closed = local(site.night_command("closer", &["-y"])).fails();
    assert!(closed.out.contains(belongs) || closed.err.contains(belongs), "{closed}");
    assert_eq!(ledger(&site), before);
}

#[test]
fn another_cluster_gets_a_night_only_once_it_is_released() {
    let site = launched();
    let slurm = site.slurm();
    slurm.set("cluster", "other");
    fs::rename(slurm.books().join("jobs"), slurm.books().join("jobs.fake")).unwrap();
    for _ in Again::beyond_grace() {
        launch(&site).run().fails().says(
            "belong to Slurm (cluster fake), but the scheduler in use is Slurm (cluster other)",
        );
    }
    assert_eq!(ledger(&site).0, [SubmissionState::Submitted; 5]);
    assert_eq!(slurm.calls("sbatch"), 5);
    let release = ["release", "--reason", "new cluster", DATE];
    site.run(release).succeeds().prints("5 jobs of another scheduler count no more");
    site.run(release).fails().says("no job of 2024-11-28 belongs to another scheduler");
    launch(&site).run().succeeds();
    let states = [[SubmissionState::Lost; 5], [SubmissionState::Submitted; 5]].concat();
    assert_eq!(ledger(&site).0, states);
    assert_eq!(slurm.calls("sbatch"), 10);
}
