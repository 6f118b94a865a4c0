//! Provenance, held against what the original made of the same log.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use server::model::RunId;
use server::provenance::document::Document;
use server::provenance::graph::{Graph, layout};
use server::provenance::literal::Dict;
use server::provenance::products::{Filter, products};
use server::provenance::record::{Kind, Record};
use server::provenance::{Request, document_of, json, read_log};

use crate::support::{CommandOutput, ORIGINAL_BASE, PROD_ID, TestSite};

const RUNS: [u32; 4] = [19102, 19103, 19104, 19106];

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/prov").join(name)
}

fn golden_text(name: &str) -> String {
    fs::read_to_string(golden(name)).unwrap()
}

fn request(run: u32) -> Request {
    Request {
        drs4: RunId(19100),
        pedcal: RunId(19101),
        run: RunId(run),
        date: "2024-11-28".parse().unwrap(),
    }
}

fn parse(line: &str) -> Record {
    Record::parse(line.as_bytes()).unwrap()
}

/// The original's random ids of activities, and ours for the same.
fn new_names(log: &str) -> BTreeMap<String, String> {
    let starts = log.lines().map(parse).filter(|record| record.kind == Kind::Start);
    starts
        .map(|record| {
            let ours = record.text("session_tag").replace(':', "_");
            (record.text("activity_id").to_owned(), ours)
        })
        .collect()
}

fn renamed(text: &str, names: &BTreeMap<String, String>) -> String {
    names.iter().fold(text.to_owned(), |text, (old, new)| {
        text.replace(&format!("'{old}'"), &format!("'{new}'"))
            .replace(&format!("\"id:{old}\""), &format!("\"id:{new}\""))
            .replace(&format!("\"id:{old}_"), &format!("\"id:{new}_"))
    })
}

/// The original's log and document of that name, with our names of activities.
fn original(name: &str) -> (String, Document) {
    let log = golden_text(&format!("{name}.log"));
    let names = new_names(&log);
    let document = renamed(&golden_text(&format!("{name}.json")), &names);
    (renamed(&log, &names), json::read(&document).unwrap())
}

fn assert_same(name: &str, records: &[Dict]) {
    let (log, document) = original(name);
    let ours = records.iter().fold(String::new(), |log, record| log + &record.to_string() + "\n");
    assert_eq!(ours, log, "{name}.log");
    assert_eq!(document_of(records).canonical(), document.canonical(), "{name}.json");
}

#[test]
fn each_run_and_step_gives_the_originals_log_and_document() {
    let requests = RUNS.map(request);
    let (folds, scan) = read_log(&golden("prov.log"), &requests).unwrap();
    assert_eq!((scan.lines, scan.bad_count), (782, 0));
    for fold in &folds {
        let run = fold.request().run;
        for filter in [None, Some(Filter::R0ToDl1), Some(Filter::Dl1ToDl2)] {
            for product in products(filter, true) {
                assert_same(&format!("{}_{run}_prov", product.name), &product.records(fold));
            }
        }
    }
}

#[test]
fn a_run_is_drawn_without_crossings_and_without_shortened_names() {
    let (folds, _) = read_log(&golden("prov.log"), &RUNS.map(request)).unwrap();
    for fold in &folds {
        for product in products(None, true) {
            let document = document_of(&product.records(fold));
            let drawing = layout(&Graph::of(&document, product.name));
            assert_eq!(drawing.crossings, 0, "{} {:?}", product.name, fold.request());
            let short = drawing.nodes.iter().find(|placed| placed.label != placed.node.label);
            assert_eq!(short, None);
        }
    }
}

#[test]
fn the_calibration_alone_is_what_the_original_makes_of_an_unknown_run() {
    let (folds, _) = read_log(&golden("prov.log"), &[request(19999)]).unwrap();
    let calibration = &products(Some(Filter::Calibration), true)[0];
    assert_same("calibration_to_dl2_19999_prov", &calibration.records(&folds[0]));
}

#[test]
fn a_rerun_counts_its_subrun_once_and_torn_lines_are_reported() {
    let text = golden_text("prov.log");
    let again: String = text
        .lines()
        .filter(|line| line.contains("'dl1ab:19102'"))
        .take(9)
        .map(|line| line.replace("'activity_id': '", "'activity_id': 'a") + "\n")
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("prov.log");
    fs::write(&log, format!("{text}{again}{}\nfoo\n", &text[..500])).unwrap();
    let (folds, scan) = read_log(&log, &[request(19102)]).unwrap();
    let numbers: Vec<_> = scan.bad.iter().map(|bad| bad.number).collect();
    assert_eq!((scan.bad_count, numbers), (2, vec![792, 793]));
    let dl1ab = |record: &Dict| {
        (record.text("name") == Some("DL1Collection")).then(|| record.get("size").unwrap().plain())
    };
    let records = products(Some(Filter::R0ToDl1), true)[0].records(&folds[0]);
    assert_eq!(records.iter().filter_map(dl1ab).collect::<Vec<_>>(), ["3", "3", "3"]);
}

/// A site whose analysis directory holds the original's log, with paths of this site.
fn site() -> TestSite {
    let site = TestSite::empty();
    let log = golden_text("prov.log").replace(ORIGINAL_BASE, site.base().to_str().unwrap());
    let log = log.replace("/fefs/aswg/data/osa/sequencer.cfg", site.config().to_str().unwrap());
    fs::create_dir_all(site.analysis()).unwrap();
    fs::write(site.paths().provenance_log(), log).unwrap();
    site
}

fn provprocess(site: &TestSite, options: &[&str], run: u32) -> CommandOutput {
    let config = site.config().to_str().unwrap();
    let command = site.command(["provprocess", "-c", config]).args(options);
    let command = command.args(["19100", "19101", &run.to_string(), "20241128", PROD_ID]);
    command.current_dir(&site.analysis()).run()
}

#[test]
fn the_command_prints_and_writes_what_the_originals_does() {
    let site = site();
    for run in RUNS {
        let said = golden_text(&format!("provprocess-{run}.txt"));
        // The used files that the original had at hand.
        for line in golden_text("prov.log").lines().filter(|line| line.contains("'filepath'")) {
            let record = parse(&line[line.find('{').unwrap()..]);
            let path = record.text("filepath");
            let name = path.rsplit('/').next().unwrap();
            if let Some(path) = path.strip_prefix(&format!("{ORIGINAL_BASE}/"))
                && said.lines().any(|line| {
                    line == format!(
                        "copying {ORIGINAL_BASE}/DL1/20241128/v0.1.0/tailcut84/log/{name}"
                    )
                })
            {
                site.write(path, "used");
            }
        }
        let printed = site.as_original(&provprocess(&site, &[], run).succeeds().out);
        // Ours makes one file more.
        let lines: Vec<_> = printed.lines().filter(|line| !line.ends_with("_prov.svg")).collect();
        assert_eq!(lines, said.lines().collect::<Vec<_>>());
    }
    let log_dir = site.path("DL2/20241128/v0.1.0/model2/log");
    let read = |name: &str| fs::read_to_string(log_dir.join(name)).unwrap();
    let ours = json::read(&read("calibration_to_dl2_19103_prov.json")).unwrap();
    let (_, theirs) = original("calibration_to_dl2_19103_prov");
    assert_eq!(
        (ours.elements.len(), ours.relations.len()),
        (theirs.elements.len(), theirs.relations.len())
    );
    let svg = read("calibration_to_dl2_19103_prov.svg");
    assert!(
        svg.contains("<title id=\"title\">Provenance of run 19103: calibration to dl2</title>")
    );
    assert!(
        fs::read(log_dir.join("calibration_to_dl2_19103_prov.pdf")).unwrap().starts_with(b"%PDF-")
    );
    let copied = fs::read_to_string(log_dir.join("sequencer.cfg")).unwrap();
    assert_eq!(copied, fs::read_to_string(site.config()).unwrap());
    // What used files hold is known beside their paths.
    let log = fs::read_to_string(
        site.path("DL1/20241128/v0.1.0/tailcut84/log/calibration_to_dl1_19103_prov.log"),
    );
    let log = log.unwrap();
    let drive =
        log.lines().map(parse).find(|record| record.text("name") == "PointingFile").unwrap();
    let sha256 = "f839161355091fcd9e33f571e0b11c60217a5009f9973e769c13d7858db162cc";
    assert_eq!(drive.text("content_hash_type"), "sha256");
    assert_eq!(drive.text("content_hash"), sha256);
    let left = fs::read_dir(&log_dir)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    assert!(left.into_iter().all(|name| !name.starts_with('.')));
}

#[test]
fn flags_choose_what_is_made_and_remove_the_log() {
    let site = site();
    let dl1 = site.path("DL1/20241128/v0.1.0/tailcut84/log");
    let dl2 = site.path("DL2/20241128/v0.1.0/model2/log");
    let log = site.paths().provenance_log();
    let run = |flags: &[&str]| provprocess(&site, flags, 19102);
    let made = |dir: &Path, name: &str| {
        ["log", "json", "pdf", "svg"]
            .map(|extension| dir.join(format!("{name}_19102_prov.{extension}")).exists())
    };
    run(&["--no-dl2"]).succeeds();
    assert_eq!(made(&dl1, "calibration_to_dl1"), [true; 4]);
    assert!(!dl2.exists());
    run(&["-f", "dl1_to_dl2", "--no-dl2"]).succeeds();
    assert!(!dl2.exists());
    run(&["--filter", "dl1_to_dl2"]).succeeds();
    assert_eq!(made(&dl2, "dl1_to_dl2"), [true; 4]);
    run(&["-f", "r0_to_dl1"]).succeeds();
    assert_eq!(made(&dl1, "r0_to_dl1"), [true; 4]);
    run(&["-f", "calibration"]).succeeds();
    assert_eq!(made(&dl1, "calibration"), [true; 4]);
    run(&["-f", "nonsense"]).exits(2).says("calibration, r0_to_dl1, dl1_to_dl2");
    assert!(log.exists());
    run(&["-q", "-f", ""]).succeeds();
    assert_eq!(made(&dl2, "calibration_to_dl2"), [true; 4]);
    assert!(!log.exists());
    let said = run(&[]).fails().says("hint: prov.log is read in the working directory");
    assert!(said.err.starts_with("error: cannot read prov.log: No such file"), "{said}");
}

#[test]
fn bad_lines_and_missing_steps_are_reported_and_do_not_stop_it() {
    let site = site();
    let log = site.paths().provenance_log();
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, format!("{}\n{text}", &text[..300])).unwrap();
    provprocess(&site, &[], 19999)
        .succeeds()
        .says("warning: prov.log line 1, column 301: torn")
        .says("prov.log: 1 of 783 lines are torn")
        .says("no record of r0_to_dl1, dl1ab, dl1_datacheck, dl1_to_dl2 for run 19999");
}

mod capture;
mod lineage;
mod simulate;
