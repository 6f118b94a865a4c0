//! Names that would be commands, options or other files if anybody took them for such.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use crate::support::{TempNight, golden_night};

const CATALOGUE: &str = "monitoring/RunCatalog/RunCatalog_20241128.ecsv";
const SUMMARY: &str = "monitoring/RunSummary/RunSummary_20241128.ecsv";

/// What a shell, a program's options or a path would make something else of. Each, run, would leave
/// a file `pwned` in the working directory.
const NAMES: [&str; 9] = [
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    "\"; touch pwned; \"",
    "x & touch pwned",
    "--output=pwned",
    "../../pwned",
    "/pwned",
    "<script>pwned</script>",
];

fn run(site: &TempNight, words: &[&str]) -> Output {
    let home = std::env::var_os("PATH").unwrap_or_default();
    site.osa().args(words).env("PATH", home).env("OSA_SCHEDULER", "local").output().unwrap()
}

/// The job scripts of the night, by file name, as the original's tree would have them.
fn scripts(site: &TempNight) -> BTreeMap<String, String> {
    let mut scripts = BTreeMap::new();
    let dir = site.paths("2024-11-28").analysis_dir();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "sh") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            scripts.insert(name, site.as_original(&fs::read_to_string(path).unwrap()));
        }
    }
    scripts
}

/// Whether a file `pwned` is anywhere in the tree.
fn pwned(dir: &Path) -> bool {
    fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        path.file_name().is_some_and(|name| name == "pwned")
            || (path.is_dir() && !path.is_symlink() && pwned(&path))
    })
}

/// A text as a field of a table.
fn field(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[test]
fn a_source_cannot_put_anything_into_a_job() {
    let usual = golden_night();
    let said = run(&usual, &["sequencer", "--no-submit", "-d", "2024-11-28", "LST1"]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let expected = scripts(&usual);
    assert!(expected.len() >= 4, "{:?}", expected.keys());
    for name in NAMES {
        let site = golden_night();
        let catalogue = fs::read_to_string(site.path(CATALOGUE)).unwrap();
        site.write(CATALOGUE, &catalogue.replace("Mrk421", &field(name)));
        let said = run(&site, &["sequencer", "--no-submit", "--json", "-d", "2024-11-28", "LST1"]);
        assert!(said.status.success(), "{name}: {}", String::from_utf8_lossy(&said.stderr));
        let status = String::from_utf8(said.stdout).unwrap();
        let read = serde_json::to_string(name).unwrap();
        assert!(status.contains(&read), "{name} is the source of a run: {status}");
        assert_eq!(scripts(&site), expected, "{name}");
        assert!(!pwned(site.dir.path()), "{name}");
    }
}

#[test]
fn runs_that_are_no_numbers_are_refused_and_nothing_is_written() {
    for name in NAMES {
        let site = golden_night();
        let summary = fs::read_to_string(site.path(SUMMARY)).unwrap();
        let changed = summary.replace("\n19103,", &format!("\n{},", field(name)));
        assert_ne!(changed, summary);
        site.write(SUMMARY, &changed);
        let before = scripts(&site);
        let said = run(&site, &["sequencer", "--no-submit", "-d", "2024-11-28", "LST1"]);
        assert!(!said.status.success(), "{name}");
        assert_eq!(scripts(&site), before, "{name}");
        assert!(!pwned(site.dir.path()), "{name}");
    }
}

#[test]
fn dates_and_productions_that_are_none_are_refused() {
    let site = golden_night();
    for name in NAMES {
        let date = format!("--date={name}");
        for words in [
            &["sequencer", "--no-submit", &date, "LST1"][..],
            &["closer", "-y", &date, "LST1"],
            &["calibration_pipeline", &date, "LST1"],
            &["why", "--", name],
            &["logbook", "--", name],
            &["cancel", "--", name],
            &["user", "add", "--role", "viewer", "--", name],
            &["token", "add", "--role", "viewer", "--", name],
        ] {
            let said = run(&site, words);
            assert!(!said.status.success(), "{words:?}: {}", String::from_utf8_lossy(&said.stdout));
            assert!(said.stdout.is_empty(), "{words:?}");
        }
        assert!(!pwned(site.dir.path()), "{name}");
    }
    for name in NAMES {
        let site = golden_night();
        site.configure("PROD_ID: v0.1.0", &format!("PROD_ID: {}", name.replace('%', "%%")));
        let said = run(&site, &["sequencer", "--no-submit", "-d", "2024-11-28", "LST1"]);
        assert!(!said.status.success(), "{name}");
        assert!(!pwned(site.dir.path()), "{name}");
    }
}
