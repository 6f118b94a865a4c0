//! Documents exchanged with the Python package `prov`, the reference implementation of PROV-JSON,
//! in both directions, and RDF with `rdflib`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

use super::roundtrip::document;
use super::{json, jsonld, turtle};

/// Documents of ours that are sent.
const SENT: usize = 100;

fn exchange(what: &str, directory: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let python = target.join("prov/bin/python");
    assert!(python.exists(), "{} is not there: run end2end/setup test", python.display());
    let script = root.join("end2end/provenance/exchange.py");
    let output = Command::new(python).arg(script).arg(what).arg(directory).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn files(directory: &Path, extension: &str) -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.extension().is_some_and(|other| other == extension));
    files.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn documents_go_to_the_python_package_and_come_from_it_without_loss() {
    let directory = tempfile::tempdir().unwrap();
    let at = |number: usize, extension| directory.path().join(format!("{number}.{extension}"));
    let mut runner = TestRunner::deterministic();
    let sent: Vec<_> =
        (0..SENT).map(|_| document().new_tree(&mut runner).unwrap().current()).collect();
    for (number, document) in sent.iter().enumerate() {
        fs::write(at(number, "json"), json::write(document)).unwrap();
        fs::write(at(number, "ttl"), turtle::write(document)).unwrap();
        fs::write(at(number, "jsonld"), jsonld::write(document)).unwrap();
    }
    exchange("answer", directory.path());
    for (number, document) in sent.iter().enumerate() {
        let answer = fs::read_to_string(at(number, "answer")).unwrap();
        let read = json::read(&answer).unwrap_or_else(|error| panic!("{error}\n{answer}"));
        let (read, document) = (read.canonical(), document.canonical());
        assert_eq!(
            read,
            document,
            "{}\nis no more\n{}",
            json::write(&read),
            json::write(&document)
        );
    }
    let made = files(directory.path(), "made");
    assert_eq!(made.len(), 100);
    for (path, text) in made {
        let read = json::read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        fs::write(path.with_extension("ours"), json::write(&read)).unwrap();
    }
    exchange("check", directory.path());
}
