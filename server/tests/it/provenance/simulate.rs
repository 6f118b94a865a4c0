//! `simulate_processing`, through the real binary.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use server::model::{Level, RunId};
use server::provenance::products::products;
use server::provenance::scan::scan;

use super::super::support::{PROD_ID, TempNight, golden_night};
use super::{RUNS, golden};

/// The golden night, with the production of the fixtures.
fn night() -> TempNight {
    let night = golden_night();
    let text = fs::read_to_string(&night.config).unwrap();
    if !text.contains(&format!("PROD_ID: {PROD_ID}")) {
        night.configure("[LST1]\n", &format!("[LST1]\nPROD_ID: {PROD_ID}\n"));
    }
    night
}

fn simulate(night: &TempNight, arguments: &[&str]) -> Output {
    night.osa().arg("simulate_processing").args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// How many records there are of each activity and run.
fn tags(log: &Path) -> BTreeMap<String, usize> {
    let mut tags = BTreeMap::new();
    let found = scan(fs::File::open(log).unwrap(), |line| {
        *tags.entry(line.tag.to_owned()).or_default() += 1;
        Ok(())
    });
    assert_eq!(found.unwrap().bad_count, 0);
    tags
}

/// Names of the night's products, of all levels.
fn products_there(night: &TempNight) -> BTreeSet<PathBuf> {
    let paths = night.paths("2024-11-28");
    let entries = Level::ALL.iter().map(|level| fs::read_dir(paths.running_dir(*level)));
    let files = entries.flatten().flatten().map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|suffix| suffix != "log")).collect()
}

#[test]
fn a_night_gone_through_leaves_as_many_records_as_the_original() {
    let night = night();
    let before = products_there(&night);
    let output = simulate(&night, &[]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(products_there(&night), before, "nothing was run");
    let log = night.paths("2024-11-28").provenance_log();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), log.to_str().unwrap());
    let (ours, theirs) = (tags(&log), tags(&golden("prov.log")));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (tag, count) in &theirs {
        // The fixture keeps a part of the original's log: whole activities of some subruns.
        assert!(ours[tag] >= *count, "{tag}: {} records, the original has {count}", ours[tag]);
    }
}

#[test]
fn what_is_there_is_replaced_only_if_it_is_asked_for() {
    let night = night();
    let first = simulate(&night, &["-p", "-d", "2024-11-28"]);
    assert!(first.status.success(), "{}", said(&first));
    let paths = night.paths("2024-11-28");
    for run in RUNS {
        for product in products(None, true) {
            for file in product.files(&paths, RunId(run)) {
                assert!(file.metadata().unwrap().len() > 0, "{}", file.display());
            }
        }
    }
    let log = paths.provenance_log();
    let before = fs::read(&log).unwrap();
    let again = simulate(&night, &["-p"]);
    assert!(!again.status.success() && said(&again).contains("--append"), "{}", said(&again));
    let again = simulate(&night, &["-p", "--append"]);
    assert!(!again.status.success() && said(&again).contains("--force"), "{}", said(&again));
    assert!(fs::read(&log).unwrap() == before, "a refusal changes nothing");
    let again = simulate(&night, &["-p", "--append", "--force"]);
    assert!(again.status.success(), "{}", said(&again));
    assert!(fs::read(&log).unwrap().starts_with(&before));
    assert_eq!(tags(&log).values().sum::<usize>() % 2, 0);
}

#[test]
fn without_a_run_summary_it_is_told_where_one_should_be() {
    let night = night();
    let summaries = night.paths("2024-11-28").run_summary();
    fs::remove_dir_all(summaries.parent().unwrap()).unwrap();
    fs::create_dir_all(summaries.parent().unwrap()).unwrap();
    let output = simulate(&night, &[]);
    assert!(!output.status.success());
    assert!(said(&output).contains("there is no run summary in"), "{}", said(&output));
}
