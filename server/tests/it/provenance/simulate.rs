//! `simulate_processing`, through the real binary.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use server::model::{Level, RunId};
use server::provenance::products::products;
use server::provenance::scan::scan;

use super::{RUNS, golden};
use crate::support::{CommandOutput, TestSite};

fn simulate(site: &TestSite, options: &[&str]) -> CommandOutput {
    site.command(["simulate_processing"]).args(options).run()
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
fn products_there(site: &TestSite) -> BTreeSet<PathBuf> {
    let paths = site.paths();
    let entries = Level::ALL.iter().map(|level| fs::read_dir(paths.running_dir(*level)));
    let files = entries.flatten().flatten().map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|suffix| suffix != "log")).collect()
}

#[test]
fn a_night_gone_through_leaves_as_many_records_as_the_original() {
    let site = TestSite::golden();
    let before = products_there(&site);
    let said = simulate(&site, &[]).succeeds();
    assert_eq!(products_there(&site), before, "nothing was run");
    let log = site.paths().provenance_log();
    assert_eq!(said.out.trim(), log.to_str().unwrap());
    let (ours, theirs) = (tags(&log), tags(&golden("prov.log")));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (tag, count) in &theirs {
        // The fixture keeps a part of the original's log: whole activities of some subruns.
        assert!(ours[tag] >= *count, "{tag}: {} records, the original has {count}", ours[tag]);
    }
}

#[test]
fn what_is_there_is_replaced_only_if_it_is_asked_for() {
    let site = TestSite::golden();
    simulate(&site, &["-p", "-d", "2024-11-28"]).succeeds();
    let paths = site.paths();
    for run in RUNS {
        for product in products(None, true) {
            for file in product.files(&paths, RunId(run)) {
                assert!(file.metadata().unwrap().len() > 0, "{}", file.display());
            }
        }
    }
    let log = paths.provenance_log();
    let before = fs::read(&log).unwrap();
    simulate(&site, &["-p"]).fails().says("--append");
    simulate(&site, &["-p", "--append"]).fails().says("--force");
    assert!(fs::read(&log).unwrap() == before, "a refusal changes nothing");
    simulate(&site, &["-p", "--append", "--force"]).succeeds();
    assert!(fs::read(&log).unwrap().starts_with(&before));
    assert_eq!(tags(&log).values().sum::<usize>() % 2, 0);
}

#[test]
fn without_a_run_summary_its_expected_place_is_reported() {
    let site = TestSite::golden();
    let summaries = site.paths().run_summary();
    fs::remove_dir_all(summaries.parent().unwrap()).unwrap();
    fs::create_dir_all(summaries.parent().unwrap()).unwrap();
    simulate(&site, &[]).fails().says("there is no run summary in");
}
