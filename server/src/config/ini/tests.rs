//! Our reader against Python's, and what its errors say.

use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn parse(text: &str) -> Result<Ini, ConfigError> {
    Ini::parse(text, Path::new("/site/sequencer.cfg"))
}

fn problem(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

fn wrong_value(text: &str, key: &str) -> String {
    parse(text).unwrap().get("A", key).unwrap_err().to_string()
}

/// `python`: what Python's `configparser` made of `text`, as `configparser/make.py` writes it.
fn compare(name: &str, text: &str, python: &Value) {
    let ini = match (parse(text), python.get("error")) {
        (Err(_), Some(_)) => return,
        (Ok(_), Some(error)) => panic!("{name}: Python says {error}, we find no fault"),
        (Err(error), None) => panic!("{name}: Python finds no fault, we say {error}"),
        (Ok(ini), None) => ini,
    };
    let sections = python["sections"].as_object().unwrap();
    let mut names: Vec<&str> = ini.sections().collect();
    names.sort_unstable();
    assert_eq!(names, sections.keys().collect::<Vec<_>>(), "{name}: sections");
    for (section, values) in sections {
        let own: Vec<_> = python["own"][section].as_array().unwrap().iter().collect();
        assert_eq!(ini.keys(section).collect::<Vec<_>>(), own, "{name}: keys of [{section}]");
        for (key, expected) in values.as_object().unwrap() {
            match (ini.get(section, key), expected.get("value")) {
                (Ok(ours), Some(theirs)) => {
                    let theirs = theirs.as_str().filter(|value| !value.is_empty());
                    assert_eq!(ours.as_deref(), theirs, "{name}: [{section}] {key}");
                }
                (Err(_), None) => {}
                (ours, _) => panic!("{name}: [{section}] {key}: {ours:?}, but {expected}"),
            }
        }
    }
}

#[test]
fn every_text_is_read_as_python_reads_it() {
    let cases = include_str!("../../../tests/configparser/cases.json");
    let cases: Vec<Value> = serde_json::from_str(cases).unwrap();
    assert!(cases.len() > 80);
    for case in &cases {
        compare(case["name"].as_str().unwrap(), case["text"].as_str().unwrap(), &case["python"]);
    }
}

#[test]
fn other_sections_are_read_although_one_has_percent_signs_of_its_own() {
    let golden = include_str!("../../../tests/golden/sequencer.cfg");
    let ini = parse(golden).unwrap();
    let dir = ini.get("LST1", "closer_dir").unwrap();
    assert_eq!(dir.as_deref(), Some("/fefs/aswg/data/real/OSA/Closer"));
    assert!(ini.get("PROVENANCE", "formatters").is_err());
    assert_eq!(ini.get("PROVENANCE", "HASH_METHOD").unwrap().as_deref(), Some("md5"));
    assert_eq!(ini.written("LST1", "closer_dir"), Some("CLOSER_DIR"));
    assert!(ini.raw("LST1", "CLOSER_DIR").unwrap().starts_with("%(OSA_DIR)s"));
}

#[test]
fn what_is_not_there_is_none() {
    let ini = parse("[A]\nempty:\nalone\n").unwrap();
    for (section, key) in [("A", "empty"), ("A", "alone"), ("A", "nokey"), ("B", "x")] {
        assert_eq!(ini.get(section, key).unwrap(), None, "[{section}] {key}");
    }
    assert_eq!(ini.line("A", "ALONE"), Some(3));
    assert_eq!(ini.line("A", "nokey"), None);
    assert!(ini.has_section("A") && !ini.has_section("a"));
}

#[test]
fn errors_of_syntax_name_the_line_and_what_to_do() {
    insta::assert_snapshot!(
        [
            problem("x = 1\n"),
            problem("[A]\n= 1\n"),
            problem("[A]\nx = 1\n\nX: 2\n"),
            problem("[A]\n[B]\n[A]\n"),
            problem("[A]\nalone\n  more\n"),
        ]
        .join("\n")
    );
}

#[test]
fn errors_of_interpolation_name_the_line_and_the_key_that_is_wrong() {
    insta::assert_snapshot!(
        [
            wrong_value("[A]\nx = %(nowhere)s\n", "x"),
            wrong_value("[A]\nx = %(y)s\ny = 100%\n", "x"),
            wrong_value("[A]\nalone\nx = %(alone)s\n", "x"),
            wrong_value("[A]\na = %(b)s\nb = %(c)s\nc = %(a)s\n", "a"),
        ]
        .join("\n")
    );
}

#[test]
fn references_that_double_at_every_level_come_to_an_end() {
    let line = |i: usize| format!("k{i} = {}\n", format!("%(k{})s", i + 1).repeat(20));
    let text: String = (0..9).map(line).collect();
    for end in ["x", "", "%%"] {
        let ini = parse(&format!("[A]\n{text}k9 = {end}\n")).unwrap();
        assert!(ini.get("A", "k0").is_err());
    }
}

/// Texts made of the pieces that matter.
fn pieces() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        "[A]",
        "[B]",
        "[DEFAULT]",
        "[",
        "]",
        "a",
        "b",
        "key",
        "=",
        ":",
        "%",
        "%%",
        "%(a)s",
        "%(b)s",
        "%(",
        ")s",
        "#",
        ";",
        " ",
        "  ",
        "\t",
        "\n",
        "\n",
        "\r\n",
        "\n\n",
        "ß",
        "\u{a0}",
    ]);
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn read_everything(text: &str) {
    let Ok(ini) = parse(text) else { return };
    let names: Vec<String> = ini.sections().map(str::to_owned).collect();
    for section in names.iter().map(String::as_str).chain([DEFAULT, "none"]) {
        for key in ini.keys(section).map(str::to_owned).collect::<Vec<_>>() {
            let _ = ini.get(section, &key);
            assert!(ini.line(section, &key).is_some());
        }
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        read_everything(&text);
    }

    #[test]
    fn no_mixture_of_pieces_makes_it_panic(text in pieces()) {
        read_everything(&text);
        read_everything(&format!("[A]\n{text}"));
    }

    #[test]
    fn plain_keys_and_values_come_back(
        values in proptest::collection::btree_map("[a-z][a-z0-9_ ]{0,10}[a-z]", "[!-~]([ -~]{0,30}[!-~])?", 0..10)
    ) {
        let mut text = String::from("[A]\n");
        for (key, value) in &values {
            text += &[&key.to_uppercase(), ": ", &value.replace('%', "%%"), "\n"].concat();
        }
        let ini = parse(&text).unwrap();
        for (key, value) in &values {
            let read = ini.get("A", key).unwrap();
            prop_assert_eq!(read.as_ref(), Some(value));
        }
    }
}
