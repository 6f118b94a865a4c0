//! Names that would be commands, options or other files if anybody took them for such.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::{Case, SUMMARY, TestSite};

const CATALOGUE: &str = "monitoring/RunCatalog/RunCatalog_20241128.ecsv";

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

fn golden() -> TestSite {
    TestSite::golden().with_local_scheduler()
}

/// The job scripts of the night, by file name, as the original's tree would have them.
fn scripts(site: &TestSite) -> BTreeMap<String, String> {
    let mut scripts = BTreeMap::new();
    for entry in fs::read_dir(site.analysis()).unwrap() {
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
    let usual = golden();
    usual.sequencer(&["--no-submit"]).succeeds();
    let expected = scripts(&usual);
    assert!(expected.len() >= 4, "{:?}", expected.keys());
    for name in NAMES {
        let _case = Case::named(name);
        let site = golden();
        site.replace(CATALOGUE, "Mrk421", &field(name));
        let said = site.sequencer(&["--no-submit", "--json"]).succeeds();
        said.prints(&serde_json::to_string(name).unwrap()); // it is the source of a run
        assert_eq!(scripts(&site), expected);
        assert!(!pwned(site.dir()));
    }
}

#[test]
fn runs_that_are_no_numbers_are_left_out_and_nothing_is_written_for_them() {
    let usual = golden();
    usual.sequencer(&["--no-submit"]).succeeds();
    let mut others = scripts(&usual);
    assert!(others.remove("sequence_LST1_19103.sh").is_some());
    for name in NAMES {
        let _case = Case::named(name);
        let site = golden();
        site.replace(SUMMARY, "\n19103,", &format!("\n{},", field(name)));
        site.sequencer(&["--no-submit"]).fails();
        assert_eq!(scripts(&site), others);
        assert!(!pwned(site.dir()));
    }
}

#[test]
fn dates_and_productions_that_are_none_are_refused() {
    let site = golden();
    for name in NAMES {
        let date = format!("--date={name}");
        for words in [
            &["sequencer", "--no-submit", &date, "LST1"][..],
            &["closer", "-y", &date, "LST1"],
            &["calibration_pipeline", &date, "LST1"],
            &["why", "--", name],
            &["audit", "--", name],
            &["cancel", "--", name],
            &["user", "add", "--role", "viewer", "--", name],
            &["token", "add", "--role", "viewer", "--", name],
        ] {
            let _case = Case::named(words.join(" "));
            let said = site.run(words).prints_nothing();
            assert_ne!(said.code, Some(0), "{said}");
        }
        assert!(!pwned(site.dir()), "{name}");
    }
    for name in NAMES {
        let _case = Case::named(name);
        let site = golden();
        site.configure("PROD_ID: v0.1.0", &format!("PROD_ID: {}", name.replace('%', "%%")));
        site.sequencer(&["--no-submit"]).fails();
        assert!(!pwned(site.dir()));
    }
}
