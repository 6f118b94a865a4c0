//! `copy_datacheck`: to a directory, and over ssh to a real server on this machine.

mod sshd;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use serde_json::Value;
use server::model::Level;

use crate::support::{DATE, TestCommand, TestSite};

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

/// The golden night, closed as far as its datacheck goes, to be copied to a directory of this host.
fn site(host: &str) -> TestSite {
    let site = TestSite::golden();
    site.set_key("HOST", Some(host));
    site.set_key("DATACHECK", site.www().to_str());
    for (number, (source, _)) in PLACES.iter().enumerate() {
        let file = site.source(source);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, vec![b'a'; 1000 * (number + 1)]).unwrap();
    }
    site
}

impl TestSite {
    /// Where a source is.
    fn source(&self, name: &str) -> PathBuf {
        match name.strip_prefix("DL1 datacheck ") {
            Some(run) => {
                self.final_dir(Level::Datacheck).join(format!("datacheck_dl1_LST-1.Run{run}.pdf"))
            }
            None if name.contains('/') => self.path(name),
            None => self.paths().longterm_file(name),
        }
    }

    /// Where it is copied to: a name that a shell would have its way with.
    fn www(&self) -> PathBuf {
        self.dir().join("the 'web' $root")
    }

    fn copy(&self, options: &[&str]) -> TestCommand {
        self.night_command("copy_datacheck", options)
    }

    /// Every published file with its content's length, and whatever else lies about.
    fn published(&self) -> BTreeMap<String, u64> {
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
fn whole() -> BTreeMap<String, u64> {
    (1..).zip(PLACES).map(|(number, (_, place))| (place.to_owned(), number * 1000)).collect()
}

/// What every copy must do, wherever it goes; `on_its_way` adds what the way there needs.
fn copies_whole_then_what_changed(
    site: &TestSite,
    on_its_way: impl Fn(TestCommand) -> TestCommand,
) {
    let copy = |options: &[&str]| on_its_way(site.copy(options)).run().succeeds();
    let missing = site.source("DL1 datacheck 19103");
    fs::rename(&missing, missing.with_extension("aside")).unwrap();
    let plan: Value = copy(&["-s", "--json"]).json();
    assert_eq!(plan["files"].as_array().unwrap().len(), 6);
    assert!(!site.www().exists(), "a simulation copies nothing");

    let said = copy(&[]).says("missing: datacheck of run 19103");
    assert!(said.err.ends_with("6 copied, 3 missing\n"), "{said}");
    let mut expected = whole();
    expected.remove("dl1/v0.1.0/20241128/pdf/datacheck_dl1_LST-1.Run19103.pdf");
    assert_eq!(site.published(), expected);

    assert_eq!(copy(&[]).last_word(), "0 copied, 6 the same, 3 missing");
    fs::rename(missing.with_extension("aside"), &missing).unwrap();
    fs::write(site.source("html"), "newer").unwrap();
    assert_eq!(copy(&[]).last_word(), "2 copied, 5 the same, 2 missing");
    let html = site.www().join("dl1/v0.1.0/20241128/DL1_datacheck_20241128.html");
    assert_eq!(fs::read_to_string(&html).unwrap(), "newer");
    let (copied, source) = (html.metadata().unwrap(), site.source("html").metadata().unwrap());
    assert_eq!((copied.mtime(), copied.mode() & 0o777), (source.mtime(), 0o644));

    let audit: Vec<Value> = site.run(["audit", "--json", DATE]).succeeds().json();
    assert_eq!(audit.len(), 3, "{audit:#?}");
    assert_eq!(audit[2]["outcome"]["message"], "2 copied, 5 the same, 2 missing");
    assert_eq!(audit[2]["action"], "copy_datacheck");
}

#[test]
fn to_a_directory_everything_is_copied_once() {
    copies_whole_then_what_changed(&site(""), |command| command);
}

#[test]
fn what_cannot_be_copied_is_reported_and_stops_nothing_else() {
    let site = site("");
    // A directory where a file should go.
    fs::create_dir_all(site.www().join("dl1/v0.1.0/20241128/DL1_datacheck_20241128.h5/x")).unwrap();
    // And what a copy that was killed has left: of a process that is gone.
    let host = nix::unistd::gethostname().unwrap().into_string().unwrap();
    let left = site.www().join(format!("dl1/v0.1.0/20241128/.osa-publish.{host}.999999999.0"));
    fs::write(&left, "half").unwrap();
    let said = site.copy(&[]).run().fails();
    let said = said.says("DL1_datacheck_20241128.h5 was not copied");
    assert!(said.err.ends_with("6 copied, 2 missing, 1 failed\n"), "{said}");
    let mut expected = whole();
    expected.remove("dl1/v0.1.0/20241128/DL1_datacheck_20241128.h5");
    assert_eq!(site.published(), expected, "no partial file is left, the old one's included");
}

#[test]
fn without_a_destination_nothing_is_copied_and_the_key_is_named() {
    let site = site("");
    site.set_key("DATACHECK", None);
    site.copy(&[]).run().fails().says("[WEBSERVER] DATACHECK is not set");
}
