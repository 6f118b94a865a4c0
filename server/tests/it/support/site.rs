//! A site in a box: a directory tree, a configuration, and a scheduler.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use server::config::SiteConfig;
use tempfile::TempDir;

use super::{CommandOutput, DATE, FakeSlurm, OSA, TestCommand, standins};

/// Where the original had its tree when it wrote the fixtures.
pub const ORIGINAL_BASE: &str = "/fefs/aswg/data/real";

/// The parts of the golden tree of which a night is made that nobody has begun with.
const RESULTS: [&str; 3] = [
    "running_analysis",
    "monitoring/PixelCalibration/Cat-A/calibration",
    "monitoring/PixelCalibration/Cat-A/drs4_baseline",
];

/// A site of a test's own, removed when dropped.
pub struct TestSite {
    dir: TempDir,
    config: PathBuf,
    base: PathBuf,
    bin: PathBuf,
    slurm: Option<FakeSlurm>,
    environment: Vec<(String, String)>,
}

impl TestSite {
    /// A site without any night: `golden/sequencer.cfg` over an empty tree.
    pub fn empty() -> Self {
        let site = Self::at("osa/sequencer.cfg", "real", "bin");
        let text = include_str!("../../golden/sequencer.cfg");
        let base = format!("BASE: {}", site.base.display());
        let text = text.replace(&format!("BASE: {ORIGINAL_BASE}"), &base);
        assert!(text.contains(&base), "golden/sequencer.cfg has another BASE");
        fs::create_dir_all(site.config.parent().unwrap()).unwrap();
        fs::write(&site.config, text).unwrap();
        fs::create_dir_all(&site.base).unwrap();
        site
    }

    /// The nights 2024-11-28 and 2024-11-27 of `golden/tree.json`, as the original left them.
    pub fn golden() -> Self {
        let tree: BTreeMap<String, String> =
            serde_json::from_str(include_str!("../../golden/tree.json")).unwrap();
        let site = Self::empty();
        for (path, content) in &tree {
            site.write(path, content);
        }
        site
    }

    /// The golden night of which nothing is done, closed or vetoed; the calibration files are gone
    /// too.
    pub fn fresh() -> Self {
        Self::golden().without_results()
    }

    /// The demo nights, with the stand-ins for lstchain, on the local scheduler.
    pub fn demo() -> Self {
        let site = Self::at("demo/sequencer.cfg", "demo/data", "demo/bin");
        let demo = site.dir().join("demo");
        let command = TestCommand::osa().args(["demo", "--without-large"]).args([&demo]);
        command.args([Path::new("--tools"), standins::program()]).run().succeeds();
        site
    }

    fn at(config: &str, base: &str, bin: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let [config, base, bin] = [config, base, bin].map(|path| dir.path().join(path));
        Self { dir, config, base, bin, slurm: None, environment: Vec::new() }
    }

    /// Without what the night's processing has made.
    pub fn without_results(self) -> Self {
        for directory in RESULTS {
            fs::remove_dir_all(self.path(directory)).unwrap();
        }
        self
    }

    /// Jobs go to a Slurm of its own.
    pub fn with_slurm(mut self, slurm: FakeSlurm) -> Self {
        self.slurm = Some(slurm);
        self
    }

    /// Jobs go to the local scheduler.
    pub fn with_local_scheduler(self) -> Self {
        self.with_env("OSA_SCHEDULER", "local").with_env("OSA_LOCAL_CPUS", "2")
    }

    /// Every command gets this variable.
    pub fn with_env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Stand-ins for lstchain's executables, in a directory where jobs find them.
    pub fn with_standins(self) -> Self {
        standins::install(&self.bin);
        let bin = self.bin.display().to_string();
        self.with_env("OSA_JOB_PATH", &bin)
    }

    /// The files that stages read, and that come with lstchain's installation.
    pub fn with_lstchain_files(self) -> Self {
        let lstchain = self.dir().join("lstchain");
        fs::create_dir_all(lstchain.join("models")).unwrap();
        fs::write(lstchain.join("config.json"), "{}").unwrap();
        let path = |name: &str| lstchain.join(name).display().to_string();
        let standard = "/software/lstchain/data/lstchain_standard_config.json";
        self.configure(standard, &path("config.json"));
        self.configure("/data/models/prod5/zenith_20deg/20201023_v0.6.3", &path("models"));
        self
    }

    /// The directory that holds everything.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Its `sequencer.cfg`.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The directory that stands for [`ORIGINAL_BASE`].
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// A file of the tree, named as in `golden/tree.json`.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.base.join(relative)
    }

    /// Its database, set for every command, since none may write where the machine's own would be.
    pub fn database(&self) -> PathBuf {
        self.path("OSA/osa.sqlite")
    }

    /// The directory of the stand-ins and their rules.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// How the stand-ins shall behave.
    pub fn rules(&self, text: &str) {
        fs::write(self.bin.join("standin.rules"), text).unwrap();
    }

    /// Its Slurm.
    pub fn slurm(&self) -> &FakeSlurm {
        self.slurm.as_ref().expect("the site has a Slurm")
    }

    /// Its Slurm, unless it has another scheduler.
    pub fn slurm_if_any(&self) -> Option<&FakeSlurm> {
        self.slurm.as_ref()
    }

    /// Writes a file of the tree, with its directories.
    pub fn write(&self, relative: &str, content: &str) {
        let file = self.path(relative);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    /// The text of a file of the tree.
    pub fn read(&self, relative: &str) -> String {
        let file = self.path(relative);
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    /// Replaces a text in a file of the tree, which must have it.
    pub fn replace(&self, relative: &str, from: &str, to: &str) {
        replace(&self.path(relative), from, to);
    }

    /// Replaces a text in the configuration, which must have it.
    pub fn configure(&self, from: &str, to: &str) {
        replace(&self.config, from, to);
    }

    /// Gives a key of the configuration another value; without one, removes its line.
    pub fn set_key(&self, key: &str, value: Option<&str>) {
        let text = fs::read_to_string(&self.config).unwrap();
        let line = text.lines().find(|line| line.starts_with(&format!("{key}:"))).unwrap();
        let new = value.map(|value| format!("{key}: {value}")).unwrap_or_default();
        fs::write(&self.config, text.replace(line, &new)).unwrap();
    }

    /// The configuration, loaded.
    pub fn site_config(&self) -> Arc<SiteConfig> {
        Arc::new(SiteConfig::load(&self.config).unwrap())
    }

    /// `text` with this tree's paths as the original had them.
    pub fn as_original(&self, text: &str) -> String {
        text.replace(self.base.to_str().unwrap(), ORIGINAL_BASE)
            .replace(self.config.to_str().unwrap(), "/fefs/aswg/data/osa/sequencer.cfg")
    }

    /// `text` without what differs from machine to machine: this site is `/site`, our program
    /// `/bin/osa`.
    pub fn portable(&self, text: &str) -> String {
        let osa = Path::new(OSA).canonicalize().unwrap();
        text.replace(self.dir().to_str().unwrap(), "/site")
            .replace(osa.to_str().unwrap(), "/bin/osa")
            .replace(OSA, "/bin/osa")
    }

    /// Our program with these words, for this site.
    pub fn command(&self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> TestCommand {
        let mut command = TestCommand::osa().args(words).current_dir(self.dir());
        command = command.env("OSA_CONFIG", &self.config).env("OSA_DATABASE", self.database());
        for (name, value) in self.slurm.iter().flat_map(FakeSlurm::environment) {
            command = command.env(name, value);
        }
        for (name, value) in &self.environment {
            command = command.env(name, value);
        }
        command
    }

    /// Runs our program with these words.
    pub fn run(&self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> CommandOutput {
        self.command(words).run()
    }

    /// A command for the golden night: `NAME -d 2024-11-28 OPTIONS LST1`.
    pub fn night_command(&self, name: &str, options: &[&str]) -> TestCommand {
        self.command([name, "-d", DATE]).args(options).args(["LST1"])
    }

    /// Runs `sequencer` for the golden night.
    pub fn sequencer(&self, options: &[&str]) -> CommandOutput {
        self.night_command("sequencer", options).run()
    }

    /// Runs `closer` for the golden night.
    pub fn closer(&self, options: &[&str]) -> CommandOutput {
        self.night_command("closer", options).run()
    }

    /// Runs `autocloser` for the golden night.
    pub fn autocloser(&self, options: &[&str]) -> CommandOutput {
        self.night_command("autocloser", options).run()
    }
}

fn replace(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from:?} is not in {}", file.display());
    fs::write(file, text.replace(from, to)).unwrap();
}
