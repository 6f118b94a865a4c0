//! A night stays with the scheduler, and the cluster, that it was launched on.

use std::fs;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::fake_slurm::{FakeSlurm, TOOLS};
use crate::support::{TempNight, golden_night};

/// The golden night of which nothing is done yet, and a Slurm.
struct Site {
    night: TempNight,
    slurm: FakeSlurm,
}

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

/// What a command said on both streams, and its exit code.
type Said = (String, Option<i32>);

impl Site {
    fn new() -> Self {
        let night = golden_night();
        for made in ["running_analysis", "monitoring/PixelCalibration/Cat-A/calibration"] {
            fs::remove_dir_all(night.path(made)).unwrap();
        }
        Self { night, slurm: FakeSlurm::holding() }
    }

    /// Gives a job up as soon as a second answer lacks it.
    fn osa(&self, words: &[&str]) -> Command {
        let mut osa = self.night.osa();
        let path = format!("{TOOLS}:{}", std::env::var("PATH").unwrap());
        osa.args(words).env("PATH", path).env("OSA_LOST_AFTER_SECONDS", "0.1");
        osa.env("FAKE_SLURM", self.slurm.books());
        osa
    }

    fn launch(&self) -> Command {
        self.osa(&["sequencer", "-d", "2024-11-28", "LST1"])
    }

    /// The state of each submission in the books, and how many jobs the local scheduler has.
    async fn books(&self) -> (Vec<String>, usize) {
        let file = self.night.site().directories.osa_dir.join("osa.sqlite");
        let store = server::store::Store::open(&file).await.unwrap();
        let rows = store
            .submissions_of("2024-11-28".parse().unwrap(), &"v0.1.0".parse().unwrap())
            .await
            .unwrap();
        let local = server::store::local_queue::LocalQueue::new(store);
        let jobs = local.tasks(chrono::DateTime::UNIX_EPOCH, chrono::Utc::now()).await.unwrap();
        (rows.iter().map(|row| row.state.as_str().to_owned()).collect(), jobs.len())
    }
}

fn said(output: Output) -> Said {
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.code())
}

#[tokio::test]
async fn without_slurm_s_commands_nothing_is_submitted_and_nothing_is_lost() {
    let site = Site::new();
    assert_eq!(said(site.launch().output().unwrap()).1, Some(0));
    let before = site.books().await;
    assert_eq!(before, (vec!["submitted".to_owned(); 5], 0));
    // As cron calls it: twice, longer apart than it takes to give a job up.
    let bare = site.night.path("");
    for _ in Again::beyond_grace() {
        let (text, code) = said(site.launch().env("PATH", &bare).output().unwrap());
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains(&format!("{:?}", bare.to_str().unwrap())), "the PATH: {text}");
        assert!(text.contains("job_path") && text.contains("scheduler = \"local\""), "{text}");
    }
    assert_eq!(site.books().await, before);
    assert_eq!(site.slurm.calls("sbatch"), 5);
}

#[tokio::test]
async fn another_scheduler_neither_settles_nor_submits_a_night() {
    let site = Site::new();
    assert_eq!(said(site.launch().output().unwrap()).1, Some(0));
    let before = site.books().await;
    let local =
        |command: &mut Command| said(command.env("OSA_SCHEDULER", "local").output().unwrap());
    for _ in Again::beyond_grace() {
        let (text, code) = local(&mut site.launch());
        assert_eq!(code, Some(1), "{text}");
        assert!(
            text.contains("belong to Slurm (cluster fake), but the scheduler in use is the local"),
            "{text}"
        );
        assert!(text.contains("set scheduler = \"slurm\" in osa.toml"), "{text}");
    }
    let (text, _) = local(&mut site.osa(&["why", "2024-11-28"]));
    assert!(text.contains("The night was submitted to another scheduler."), "{text}");
    let (text, code) = local(&mut site.osa(&["resubmit", "2024-11-28", "19102"]));
    assert_ne!(code, Some(0), "{text}");
    assert!(text.contains("belong to Slurm (cluster fake)"), "{text}");
    let (text, code) = local(&mut site.osa(&["closer", "-y", "-d", "2024-11-28", "LST1"]));
    assert_ne!(code, Some(0), "{text}");
    assert!(text.contains("belong to Slurm (cluster fake)"), "{text}");
    assert_eq!(site.books().await, before);
}

#[tokio::test]
async fn another_cluster_gets_a_night_only_once_it_is_released() {
    let site = Site::new();
    assert_eq!(said(site.launch().output().unwrap()).1, Some(0));
    site.slurm.set("cluster", "other");
    fs::rename(site.slurm.books().join("jobs"), site.slurm.books().join("jobs.fake")).unwrap();
    for _ in Again::beyond_grace() {
        let (text, code) = said(site.launch().output().unwrap());
        assert_eq!(code, Some(1), "{text}");
        assert!(
            text.contains(
                "belong to Slurm (cluster fake), but the scheduler in use is Slurm (cluster other)"
            ),
            "{text}"
        );
    }
    assert_eq!(
        (site.books().await.0, site.slurm.calls("sbatch")),
        (vec!["submitted".to_owned(); 5], 5)
    );
    let release =
        || said(site.osa(&["release", "--reason", "new cluster", "2024-11-28"]).output().unwrap());
    let (text, code) = release();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("5 jobs of another scheduler count no more"), "{text}");
    let (text, code) = release();
    assert_eq!(code, Some(1), "{text}");
    let (text, code) = said(site.launch().output().unwrap());
    assert_eq!(code, Some(0), "{text}");
    let states = site.books().await.0;
    assert_eq!(states, [vec!["lost"; 5], vec!["submitted"; 5]].concat());
    assert_eq!(site.slurm.calls("sbatch"), 10);
}

#[test]
fn options_in_the_caller_s_environment_do_not_reach_slurm() {
    let site = Site::new();
    let mut launch = site.launch();
    for name in
        ["SBATCH_PARTITION", "SLURM_CLUSTERS", "SLURM_JOB_ID", "SQUEUE_FORMAT", "SACCT_FORMAT"]
    {
        launch.env(name, "x");
    }
    let (text, code) = said(launch.env("SLURM_CONF", "/etc/slurm.conf").output().unwrap());
    assert_eq!(code, Some(0), "{text}");
    let seen = fs::read_to_string(site.slurm.books().join("environment")).unwrap();
    assert!(seen.contains("sbatch SLURM_CONF\n"), "{seen}");
    for name in ["SBATCH_PARTITION", "SLURM_CLUSTERS", "SLURM_JOB_ID", "_FORMAT "] {
        assert!(!seen.replace("SLURM_TIME_FORMAT", "").contains(name), "{name}: {seen}");
    }
}

#[test]
fn a_cluster_that_is_configured_is_the_one_that_is_asked() {
    let site = Site::new();
    let launched = site.launch().env("OSA_SLURM_CLUSTER", "lst").output().unwrap();
    assert_eq!(said(launched).1, Some(0));
    for tool in ["sbatch", "squeue", "sacct"] {
        let calls = site.slurm.arguments(tool);
        assert!(calls.iter().all(|call| call.starts_with("--clusters=lst ")), "{calls:?}");
    }
    let (text, code) = said(site.launch().output().unwrap());
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("belong to Slurm (cluster lst)"), "{text}");
}

#[test]
fn nodes_are_excluded_and_what_no_partition_offers_is_refused() {
    let site = Site { night: golden_night(), slurm: FakeSlurm::holding() };
    site.slurm.set("limits", "short 3:00:00 64000 32\nlong 2-00:00:00 128000 32");
    let resubmit = |options: &[&str]| {
        let words = [&["resubmit", "2024-11-28", "19102"][..], options].concat();
        said(site.osa(&words).output().unwrap())
    };
    for (options, limit) in [
        (["--memory", "900GB"], "No partition offers 900GB to a job: "),
        (["--walltime", "100:00:00"], "No partition allows a walltime of 100:00:00: "),
        (["--exclude-nodes", "cp01 --wrap=x"], "nodes such as cp01,cp[03-05]"),
    ] {
        let (text, code) = resubmit(&options);
        assert_ne!(code, Some(0), "{text}");
        assert!(text.contains(limit), "{text}");
    }
    assert_eq!(site.slurm.calls("sbatch"), 0);
    let (text, code) = resubmit(&["--exclude-nodes", "cp01,cp[03-05]"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(site.slurm.arguments("sbatch")[0].contains(" --exclude=cp01,cp[03-05] "));
}
