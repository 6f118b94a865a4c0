//! `copy_datacheck`: to a directory, and over ssh to a real server on this machine.

mod sshd;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{TempNight, golden_night};

/// The golden night, closed as far as its datacheck goes, and where it is copied to.
pub struct Site {
    pub night: TempNight,
}

const PLACES: [(&str, &str); 7] = [
    (
        "monitoring/PixelCalibration/Cat-A/drs4_baseline/20241128/pro/log/drs4_pedestal.Run19100.0000.pdf",
        "drs4/v0.1.0/20241128/drs4_pedestal.Run19100.0000.pdf",
    ),
    (
        "monitoring/PixelCalibration/Cat-A/calibration/20241128/pro/log/calibration_filters_52.Run19101.0000.pdf",
        "enf_calibration/v0.1.0/20241128/calibration_filters_52.Run19101.0000.pdf",
    ),
    ("DL1 datacheck 19102", "dl1/v0.1.0/20241128/pdf/datacheck_dl1_LST-1.Run19102.pdf"),
    ("DL1 datacheck 19103", "dl1/v0.1.0/20241128/pdf/datacheck_dl1_LST-1.Run19103.pdf"),
    ("html", "dl1/v0.1.0/20241128/DL1_datacheck_20241128.html"),
    ("h5", "dl1/v0.1.0/20241128/DL1_datacheck_20241128.h5"),
    ("log", "dl1/v0.1.0/20241128/DL1_datacheck_20241128.log"),
];

impl Site {
    pub fn new(host: &str) -> Self {
        let site = Self { night: golden_night() };
        let www = site.www();
        let text = fs::read_to_string(&site.night.config).unwrap();
        let set = |text: &str, key: &str, value: &str| -> String {
            let line = text.lines().find(|line| line.starts_with(&format!("{key}:"))).unwrap();
            text.replace(line, &format!("{key}: {value}"))
        };
        let text = set(&text, "HOST", host);
        fs::write(&site.night.config, set(&text, "DATACHECK", www.to_str().unwrap())).unwrap();
        for (number, (source, _)) in PLACES.iter().enumerate() {
            let file = site.source(source);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, vec![b'a'; 1000 * (number + 1)]).unwrap();
        }
        site
    }

    /// Where a source is.
    pub fn source(&self, name: &str) -> PathBuf {
        let paths = self.night.paths("2024-11-28");
        match name.strip_prefix("DL1 datacheck ") {
            Some(run) => {
                let directory = paths.final_dir(server::model::Level::Datacheck).unwrap();
                directory.join(format!("datacheck_dl1_LST-1.Run{run}.pdf"))
            }
            None if name.contains('/') => self.night.path(name),
            None => paths.longterm_file(name),
        }
    }

    /// Where it is copied to: a name that a shell would have its way with.
    pub fn www(&self) -> PathBuf {
        self.night.dir.path().join("the 'web' $root")
    }

    pub fn command(&self, flags: &[&str]) -> Command {
        let mut command = self.night.osa();
        command.args(["copy_datacheck", "-d", "2024-11-28"]).args(flags).arg("LST1");
        command
    }

    #[track_caller]
    pub fn well(command: &mut Command) -> Output {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// What a copy came to.
    #[track_caller]
    pub fn outcome(command: &mut Command) -> String {
        let error = String::from_utf8(Self::well(command).stderr).unwrap();
        error.lines().last().unwrap().to_owned()
    }

    /// Every published file with its content's length, and whatever else lies about.
    pub fn published(&self) -> BTreeMap<String, u64> {
        let mut found = BTreeMap::new();
        let mut left = vec![self.www()];
        while let Some(directory) = left.pop() {
            let Ok(entries) = fs::read_dir(&directory) else { continue };
            for entry in entries.flatten() {
                let path = entry.path();
                if path.is_dir() {
                    left.push(path);
                } else {
                    let name = path.strip_prefix(self.www()).unwrap().display().to_string();
                    found.insert(name, path.metadata().unwrap().len());
                }
            }
        }
        found
    }
}

/// What must be published of a whole night.
pub fn whole() -> BTreeMap<String, u64> {
    (1..).zip(PLACES).map(|(number, (_, place))| (place.to_owned(), number * 1000)).collect()
}

/// What every copy must do, wherever it goes; `with` adds what the way there needs.
pub fn copies_whole_then_what_changed(site: &Site, with: &dyn Fn(&mut Command)) {
    let command = |flags: &[&str]| {
        let mut command = site.command(flags);
        with(&mut command);
        command
    };
    let missing = site.source("DL1 datacheck 19103");
    fs::rename(&missing, missing.with_extension("aside")).unwrap();
    let plan: Value =
        serde_json::from_slice(&Site::well(&mut command(&["-s", "--json"])).stdout).unwrap();
    assert_eq!(plan["files"].as_array().unwrap().len(), 6);
    assert!(!site.www().exists(), "a simulation copies nothing");

    let said = Site::well(&mut command(&[]));
    let error = String::from_utf8(said.stderr).unwrap();
    assert!(error.contains("missing: datacheck of run 19103"), "{error}");
    assert!(error.ends_with("6 copied, 3 missing\n"), "{error}");
    let mut expected = whole();
    expected.remove("dl1/v0.1.0/20241128/pdf/datacheck_dl1_LST-1.Run19103.pdf");
    assert_eq!(site.published(), expected);

    assert_eq!(Site::outcome(&mut command(&[])), "0 copied, 6 the same, 3 missing");
    fs::rename(missing.with_extension("aside"), &missing).unwrap();
    fs::write(site.source("html"), "newer").unwrap();
    assert_eq!(Site::outcome(&mut command(&[])), "2 copied, 5 the same, 2 missing");
    let html = site.www().join("dl1/v0.1.0/20241128/DL1_datacheck_20241128.html");
    assert_eq!(fs::read_to_string(&html).unwrap(), "newer");
    let (copy, source) = (html.metadata().unwrap(), site.source("html").metadata().unwrap());
    assert_eq!((copy.mtime(), copy.mode() & 0o777), (source.mtime(), 0o644));

    let logbook = Site::well(site.night.osa().args(["logbook", "--json", "2024-11-28"])).stdout;
    let logbook: Value = serde_json::from_slice(&logbook).unwrap();
    let messages: Vec<_> =
        logbook.as_array().unwrap().iter().map(|l| l["outcome"]["message"].clone()).collect();
    assert_eq!(messages.len(), 3, "{logbook:#}");
    assert_eq!(messages[2], "2 copied, 5 the same, 2 missing");
    assert_eq!(logbook[2]["action"], "copy_datacheck");
}

#[test]
fn to_a_directory_everything_is_copied_once() {
    copies_whole_then_what_changed(&Site::new(""), &|_| ());
}

#[test]
fn what_cannot_be_copied_is_told_and_stops_nothing_else() {
    let site = Site::new("");
    // A directory where a file should go.
    fs::create_dir_all(site.www().join("dl1/v0.1.0/20241128/DL1_datacheck_20241128.h5/x")).unwrap();
    // And what a copy that was killed has left: of a process that is gone.
    let host = nix::unistd::gethostname().unwrap().into_string().unwrap();
    let left = site.www().join(format!("dl1/v0.1.0/20241128/.osa-publish.{host}.999999999.0"));
    fs::write(&left, "half").unwrap();
    let output = site.command(&[]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("DL1_datacheck_20241128.h5 was not copied"), "{error}");
    assert!(error.ends_with("6 copied, 2 missing, 1 failed\n"), "{error}");
    let mut expected = whole();
    expected.remove("dl1/v0.1.0/20241128/DL1_datacheck_20241128.h5");
    assert_eq!(site.published(), expected, "no partial file is left, the old one's included");
}

#[test]
fn without_a_destination_nothing_is_copied_and_the_key_is_named() {
    let site = Site::new("");
    let text = fs::read_to_string(&site.night.config).unwrap();
    let line = text.lines().find(|line| line.starts_with("DATACHECK:")).unwrap().to_owned();
    fs::write(&site.night.config, text.replace(&line, "")).unwrap();
    let output = site.command(&[]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains("[WEBSERVER] DATACHECK is not set"), "{error}");
}
