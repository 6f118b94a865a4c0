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
