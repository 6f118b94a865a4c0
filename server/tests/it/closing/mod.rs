//! `closer` and `autocloser` through the real binary, on the local scheduler and the scripted Slurm.

mod automatic;
mod crashes;
mod jobs;
mod looking;
mod moving;
mod trouble;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use server::model::{Level, RunId, Subrun};
use server::store::Store;

use super::scheduler::fake_slurm::{FakeSlurm, TOOLS};
use super::standins;
use super::support::{TempNight, golden_night};

const DATE: &str = "2024-11-28";

/// The levels that move.
const LEVELS: [Level; 5] =
    [Level::Dl1ab, Level::Muons, Level::Interleaved, Level::Datacheck, Level::Dl2];

/// A night, a scheduler and stand-ins of its own.
struct Site {
    night: TempNight,
    /// `None`: the local scheduler.
    slurm: Option<FakeSlurm>,
}

impl Site {
    /// The golden night as the original left it, on a Slurm that runs nothing.
    fn golden() -> Self {
        let site = Self { night: golden_night(), slurm: Some(FakeSlurm::holding()) };
        site.keep_database();
        site
    }

    /// A night with a calibration and run 19102 of two subruns, all of it finished.
    fn finished(slurm: Option<FakeSlurm>) -> Self {
        let site = Self { night: golden_night(), slurm };
        site.keep_database();
        site.keep_one_run();
        fs::remove_dir_all(site.analysis()).unwrap();
        for subrun in 0..2 {
            site.finish(19102, subrun);
        }
        fs::create_dir_all(site.analysis().join("log")).unwrap();
        fs::write(site.analysis().join("prov.log"), include_str!("../../golden/prov/prov.log"))
            .unwrap();
        standins::install(&site.bin());
        site
    }

    /// The same night before anything was done, with what its stages need, on the local scheduler.
    fn fresh() -> Self {
        let site = Self { night: golden_night(), slurm: None };
        site.keep_database();
        site.keep_one_run();
        for directory in [
            "running_analysis",
            "monitoring/PixelCalibration/Cat-A/calibration",
            "monitoring/PixelCalibration/Cat-A/drs4_baseline",
        ] {
            fs::remove_dir_all(site.night.path(directory)).unwrap();
        }
        let lstchain = site.night.dir.path().join("lstchain");
        fs::create_dir_all(lstchain.join("models")).unwrap();
        fs::write(lstchain.join("config.json"), "{}").unwrap();
        let path = |name: &str| lstchain.join(name).display().to_string();
        let standard = "/software/lstchain/data/lstchain_standard_config.json";
        site.night.configure(standard, &path("config.json"));
        site.night.configure("/data/models/prod5/zenith_20deg/20201023_v0.6.3", &path("models"));
        standins::install(&site.bin());
        site.rules("* * version=v0.1.0\n");
        site
    }

    /// Of the golden night's runs only the calibration and run 19102, with two subruns.
    fn keep_one_run(&self) {
        let summary = self.night.path("monitoring/RunSummary/RunSummary_20241128.ecsv");
        let text = fs::read_to_string(&summary).unwrap();
        let keep = |line: &&str| {
            let data = line.starts_with("191");
            !data || ["19100,", "19101,", "19102,"].iter().any(|run| line.starts_with(run))
        };
        let text: Vec<String> = text
            .lines()
            .filter(keep)
            .map(|line| match line.strip_prefix("19102,6,") {
                Some(rest) => format!("19102,2,{rest}"),
                None => line.to_owned(),
            })
            .collect();
        assert!(text.iter().any(|line| line.starts_with("19102,2,")), "{text:#?}");
        fs::write(&summary, text.join("\n") + "\n").unwrap();
    }

    /// As [`finished`](Self::finished), on a Slurm that runs its jobs.
    fn on_slurm() -> Self {
        Self::finished(Some(FakeSlurm::running()))
    }

    /// As [`finished`](Self::finished), on the local scheduler.
    fn on_local() -> Self {
        Self::finished(None)
    }

    /// The table of processed nights is in the tree.
    fn keep_database(&self) {
        let file = self.night.path("OSA/osa.db");
        self.night.configure("/fefs/aswg/data/real/OSA/osa.db", file.to_str().unwrap());
    }

    /// Everything of a subrun is done.
    fn finish(&self, run: u32, subrun: u32) {
        let paths = self.night.paths(DATE);
        let (run, subrun) = (RunId(run), Subrun(subrun));
        for level in Level::ALL {
            let name = paths.product_name(level, run, Some(subrun));
            let directory = paths.running_dir(level);
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join(name), format!("{level:?} of {run}.{subrun}\n")).unwrap();
        }
        let stages = [
            ("lstchain_data_r0_to_dl1", "v0.1.0"),
            ("lstchain_dl1ab", "tailcut84"),
            ("lstchain_check_dl1", "tailcut84"),
            ("lstchain_dl1_to_dl2", "model2"),
        ];
        let line = |(tool, prod): &(&str, &str)| {
            format!("{run}.{subrun} {tool} {prod} 2024-11-29 02:14 in conf.json 0\n")
        };
        let text: String = stages.iter().map(line).collect();
        fs::write(paths.history(run, Some(subrun)), text).unwrap();
    }

    fn analysis(&self) -> PathBuf {
        self.night.path("running_analysis/20241128/v0.1.0")
    }

    fn final_dir(&self, level: Level) -> PathBuf {
        self.night.paths(DATE).final_dir(level).unwrap()
    }

    fn flag(&self) -> PathBuf {
        self.night.path("OSA/Closer/20241128/v0.1.0/NightFinished.txt")
    }

    /// The directory of the stand-ins and their rules.
    fn bin(&self) -> PathBuf {
        self.night.dir.path().join("bin")
    }

    fn rules(&self, text: &str) {
        fs::write(self.bin().join("standin.rules"), text).unwrap();
    }

    /// `osa COMMAND -d 2024-11-28 ARGUMENTS LST1`.
    fn command(&self, command: &str, arguments: &[&str]) -> Command {
        let mut osa = self.night.osa();
        osa.arg(command).args(["-d", DATE]).args(arguments).arg("LST1");
        osa.env("OSA_POLL_SECONDS", "0.1").env("OSA_JOB_PATH", self.bin());
        osa.env("OSA_LOCAL_CPUS", "2").env("OSA_LOST_AFTER_SECONDS", "0.5");
        osa.env_remove("STANDIN_RULES").stdin(Stdio::null());
        match &self.slurm {
            None => osa.env("OSA_SCHEDULER", "local"),
            Some(slurm) => {
                osa.env("PATH", format!("{TOOLS}:{}", std::env::var("PATH").unwrap()));
                osa.env("FAKE_SLURM", slurm.books()).env("OSA_SCHEDULER", "slurm")
            }
        };
        osa
    }

    fn closer(&self, arguments: &[&str]) -> Said {
        Said::of(self.command("closer", arguments).output().unwrap())
    }

    fn slurm(&self) -> &FakeSlurm {
        self.slurm.as_ref().unwrap()
    }

    /// How often each job was submitted, by its purpose.
    fn submitted(&self) -> BTreeMap<String, usize> {
        let file = self.night.path("OSA/osa.sqlite");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut found = BTreeMap::new();
        runtime.block_on(async {
            let store = Store::open(&file).await.unwrap();
            let (date, prod_id) = (DATE.parse().unwrap(), "v0.1.0".parse().unwrap());
            for submission in store.submissions_of(date, &prod_id).await.unwrap() {
                let purpose = submission.purpose;
                let purpose = purpose.strip_prefix("close 20241128 ").unwrap_or(&purpose);
                *found.entry(purpose.to_owned()).or_insert(0) += 1;
            }
            store.close().await;
        });
        found
    }

    /// How many jobs the scheduler itself has had, by name.
    fn jobs(&self) -> BTreeMap<String, usize> {
        let mut count = BTreeMap::new();
        match &self.slurm {
            Some(slurm) => {
                for entry in fs::read_dir(slurm.books().join("jobs")).unwrap() {
                    let text = fs::read_to_string(entry.unwrap().path()).unwrap();
                    let name = text.split("'name': '").nth(1).unwrap().split('\'').next().unwrap();
                    *count.entry(name.to_owned()).or_insert(0) += 1;
                }
            }
            None => {
                let logs = fs::read_dir(self.analysis().join("log")).unwrap();
                for entry in logs {
                    let name = entry.unwrap().file_name().into_string().unwrap();
                    if let Some((name, _)) =
                        name.strip_suffix(".out").and_then(|n| n.split_once("_jobid_"))
                    {
                        *count.entry(name.to_owned()).or_insert(0) += 1;
                    }
                }
            }
        }
        count
    }

    /// Every file, link and directory of the tree below BASE, named relative to it: links with where
    /// they lead, files with their content. What tells of the machine, the time or the process is
    /// left out: logs, our database, the table of nights, the content of the night's flag.
    fn tree(&self) -> BTreeMap<String, String> {
        let base = self.night.base();
        let mut found = BTreeMap::new();
        let mut left = vec![base.clone()];
        while let Some(directory) = left.pop() {
            for entry in fs::read_dir(&directory).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(&base).unwrap().to_str().unwrap().to_owned();
                if name.contains("/log/") && name.contains("running_analysis")
                    || name.starts_with("OSA/osa.")
                {
                    continue;
                }
                let content = if let Ok(target) = fs::read_link(&path) {
                    format!("-> {}", target.display())
                } else if path.is_dir() {
                    left.push(path.clone());
                    "directory".to_owned()
                } else if name.ends_with("NightFinished.txt") {
                    "host:pid".to_owned()
                } else {
                    String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned()
                };
                let home = self.night.dir.path().to_str().unwrap();
                found.insert(name, content.replace(home, "/site"));
            }
        }
        found
    }

    /// The tree without the contents, for a snapshot.
    fn names(&self, below: &[&str]) -> String {
        let wanted = |name: &str| below.iter().any(|part| name.starts_with(part));
        let line = |(name, content): (String, String)| {
            let link = content.starts_with("-> ");
            (wanted(&name) && content != "directory")
                .then(|| if link { format!("{name} {content}") } else { name })
        };
        let lines: Vec<String> = self.tree().into_iter().filter_map(line).collect();
        lines.join("\n")
    }

    /// What a command printed, with this site's paths as `/site`.
    fn at_home(&self, text: &str) -> String {
        let osa = Path::new(env!("CARGO_BIN_EXE_osa")).canonicalize().unwrap();
        text.replace(self.night.dir.path().to_str().unwrap(), "/site")
            .replace(osa.to_str().unwrap(), "/bin/osa")
            .replace(env!("CARGO_BIN_EXE_osa"), "/bin/osa")
    }
}

/// What a command said, and how it ended.
#[derive(Debug)]
struct Said {
    out: String,
    err: String,
    code: Option<i32>,
}

impl Said {
    fn of(output: Output) -> Self {
        Self {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
        }
    }

    #[track_caller]
    fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn badly(self) -> Self {
        assert_eq!(self.code, Some(1), "{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "{text:?} is not in {}", self.err);
        self
    }
}
