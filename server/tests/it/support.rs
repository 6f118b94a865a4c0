//! What several integration tests need: a night as the original wrote it, and our program.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use server::config::SiteConfig;
use server::model::NightDate;
use server::night::NightPaths;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;

/// Where the original had its tree when it wrote the fixtures.
pub const ORIGINAL_BASE: &str = "/fefs/aswg/data/real";

/// The production of the fixtures.
pub const PROD_ID: &str = "v0.1.0";

/// A connection to a database behind the program's back.
pub async fn database(file: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file).foreign_keys(true);
    options.busy_timeout(Duration::from_secs(20)).connect().await.unwrap()
}

/// Keeps everybody from writing to a database; to be given to [`unlock`].
pub async fn lock(file: &Path) -> SqliteConnection {
    let mut connection = database(file).await;
    sqlx::query!("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
    connection
}

/// Lets others write again.
pub async fn unlock(mut connection: SqliteConnection) {
    sqlx::query!("ROLLBACK").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// A directory tree of its own, removed when dropped.
pub struct TempNight {
    /// The directory that holds everything.
    pub dir: TempDir,
    /// The `sequencer.cfg` of the tree.
    pub config: PathBuf,
}

/// The nights 2024-11-28 and 2024-11-27 of `golden/tree.json`, with `golden/sequencer.cfg` whose
/// BASE is the new tree.
pub fn golden_night() -> TempNight {
    let tree: BTreeMap<String, String> =
        serde_json::from_str(include_str!("../golden/tree.json")).unwrap();
    let night = empty_site();
    for (path, content) in &tree {
        night.write(path, content);
    }
    night
}

/// A site without any night: `golden/sequencer.cfg` over an empty tree.
pub fn empty_site() -> TempNight {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("osa/sequencer.cfg");
    let night = TempNight { dir, config };
    let text = include_str!("../golden/sequencer.cfg");
    let base = format!("BASE: {}", night.base().display());
    let text = text.replace(&format!("BASE: {ORIGINAL_BASE}"), &base);
    assert!(text.contains(&base), "golden/sequencer.cfg has another BASE");
    fs::create_dir_all(night.config.parent().unwrap()).unwrap();
    fs::write(&night.config, text).unwrap();
    fs::create_dir_all(night.base()).unwrap();
    night
}

impl TempNight {
    /// The directory that stands for [`ORIGINAL_BASE`].
    pub fn base(&self) -> PathBuf {
        self.dir.path().join("real")
    }

    /// A file of the tree, named as in `golden/tree.json`.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.base().join(relative)
    }

    /// Writes a file of the tree, with its directories.
    pub fn write(&self, relative: &str, content: &str) {
        let file = self.path(relative);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    /// Changes the configuration; `from` must be in it.
    pub fn configure(&self, from: &str, to: &str) {
        let text = fs::read_to_string(&self.config).unwrap();
        assert!(text.contains(from), "{from:?} is not in the configuration");
        fs::write(&self.config, text.replace(from, to)).unwrap();
    }

    /// The configuration, loaded.
    pub fn site(&self) -> Arc<SiteConfig> {
        Arc::new(SiteConfig::load(&self.config).unwrap())
    }

    /// The files of a night (`2024-11-28`) in the production of the fixtures.
    pub fn paths(&self, date: &str) -> NightPaths {
        let date: NightDate = date.parse().unwrap();
        NightPaths::new(self.site(), date, PROD_ID.parse().unwrap())
    }

    /// `text` with this tree's paths as the original had them.
    pub fn as_original(&self, text: &str) -> String {
        text.replace(self.base().to_str().unwrap(), ORIGINAL_BASE)
            .replace(self.config.to_str().unwrap(), "/fefs/aswg/data/osa/sequencer.cfg")
    }

    /// Our program, for this site: `OSA_CONFIG` is set, the working directory is the tree's, and
    /// none of the caller's `OSA_…` variables is passed on.
    pub fn osa(&self) -> Command {
        let mut command = osa();
        command.env("OSA_CONFIG", &self.config).current_dir(self.dir.path());
        command
    }
}

/// Our program without any site, and without the caller's `OSA_…` variables.
pub fn osa() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_osa"));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("OSA_")) {
            command.env_remove(name);
        }
    }
    command
}

/// Makes an executable shell script.
///
/// Another process writes it: were it ours, a child forked by a neighbouring test could hold it
/// open for writing, and starting it would fail with "text file busy".
pub fn executable(file: &Path, body: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod 755 \"$2\"";
    let status = Command::new("/bin/sh").args(["-c", write, "sh", body]).arg(file).status();
    assert!(status.unwrap().success());
}
