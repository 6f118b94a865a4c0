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
    fs::rename(slurm.directory().join("jobs"), slurm.directory().join("jobs.fake")).unwrap();
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

/// The golden night with nothing done, on a Slurm that holds its jobs.
fn fresh() -> TestSite {
    TestSite::fresh().with_slurm(FakeSlurm::holding())
}

#[test]
fn options_in_the_caller_s_environment_do_not_reach_slurm() {
    let site = fresh();
    let foreign =
        ["SBATCH_PARTITION", "SLURM_CLUSTERS", "SLURM_JOB_ID", "SQUEUE_FORMAT", "SACCT_FORMAT"];
    let command = foreign.iter().fold(launch(&site), |command, name| command.env(name, "x"));
    command.env("SLURM_CONF", "/etc/slurm.conf").run().succeeds();
    let seen = fs::read_to_string(site.slurm().directory().join("environment")).unwrap();
    assert!(seen.contains("sbatch SLURM_CONF\n"), "{seen}");
    for name in ["SBATCH_PARTITION", "SLURM_CLUSTERS", "SLURM_JOB_ID", "_FORMAT "] {
        assert!(!seen.replace("SLURM_TIME_FORMAT", "").contains(name), "{name}: {seen}");
    }
}

#[test]
fn a_cluster_that_is_configured_is_the_one_that_is_asked() {
    let site = fresh();
    launch(&site).env("OSA_SLURM_CLUSTER", "lst").run().succeeds();
    for tool in ["sbatch", "squeue", "sacct"] {
        let calls = site.slurm().arguments(tool);
        assert!(calls.iter().all(|call| call.starts_with("--clusters=lst ")), "{calls:?}");
    }
    launch(&site).run().fails().says("belong to Slurm (cluster lst)");
}

#[test]
fn nodes_are_excluded_and_what_no_partition_offers_is_refused() {
    let site = TestSite::golden().with_slurm(FakeSlurm::holding());
    site.slurm().set("limits", "short 3:00:00 64000 32\nlong 2-00:00:00 128000 32");
    let resubmit =
        |options: [&str; 2]| site.run(["resubmit", DATE, "19102"].into_iter().chain(options));
    for (options, limit) in [
        (["--memory", "900GB"], "No partition offers 900GB to a job: "),
        (["--walltime", "100:00:00"], "No partition allows a walltime of 100:00:00: "),
        (["--exclude-nodes", "cp01 --wrap=x"], "nodes such as cp01,cp[03-05]"),
    ] {
        let refused = resubmit(options).says(limit);
        assert_ne!(refused.code, Some(0), "{refused}");
    }
    assert_eq!(site.slurm().calls("sbatch"), 0);
    resubmit(["--exclude-nodes", "cp01,cp[03-05]"]).succeeds();
    assert!(site.slurm().arguments("sbatch")[0].contains(" --exclude=cp01,cp[03-05] "));
}
