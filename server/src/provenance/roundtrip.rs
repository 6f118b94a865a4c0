//! Documents of all kinds, written and read again.

use proptest::prelude::*;
use proptest::sample::select;

use super::document::{Document, Element, ElementKind, Name, Relation, RelationKind, Value};
use super::{json, jsonld, provn, turtle};

fn name() -> impl Strategy<Value = Name> {
    let local = prop_oneof!["[a-c]", "[a-z0-9.,:;'\"()\\[\\] é/-]{1,6}"];
    (select(vec!["", "id", "x"]), local).prop_map(|(prefix, local)| {
        // A name without prefix cannot hold a colon: it would be read as the prefix's end.
        let local = if prefix.is_empty() { local.replace(':', "_") } else { local };
        Name::new(prefix, local)
    })
}

fn key() -> impl Strategy<Value = Name> {
    prop_oneof![select(vec!["label", "type", "role", "location"]).prop_map(Name::prov), name()]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<String>().prop_map(Value::Text),
        any::<i64>().prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        name().prop_map(Value::Name),
        (any::<String>(), "[a-z]{2}").prop_map(|(text, lang)| Value::Lang { text, lang }),
        select(vec![
            ("1.5", "double"),
            ("2024-11-28T22:14:05", "dateTime"),
            ("http://a/", "anyURI")
        ])
        .prop_map(|(text, kind)| Value::Typed { text: text.to_owned(), datatype: Name::xsd(kind) }),
    ]
}

fn time() -> impl Strategy<Value = Option<String>> {
    let some =
        (1970..2100, 1..13, 1..29, 0..24, 0..60).prop_map(|(year, month, day, hour, minute)| {
            Some(format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:07.250000"))
        });
    prop_oneof![Just(None), some]
}

prop_compose! {
    fn element()(
        kind in select(ElementKind::ALL.to_vec()),
        id in name(),
        start in time(),
        end in time(),
        attributes in proptest::collection::vec((key(), value()), 0..4),
    ) -> Element {
        let mut element = Element::new(kind, id);
        if kind == ElementKind::Activity {
            (element.start, element.end) = (start, end);
        }
        for (name, value) in attributes {
            element.attributes.add(name, value);
        }
        element
    }
}

prop_compose! {
    fn relation()(
        kind in select(RelationKind::ALL.to_vec()),
        ends in (name(), name()),
        id in proptest::option::of(name()),
        has_to in any::<bool>(),
        others in proptest::collection::vec(proptest::option::of(name()), 3),
        time in time(),
        attributes in proptest::collection::vec((key(), value()), 0..3),
    ) -> Relation {
        let mut relation = Relation::new(kind, ends.0, ends.1);
        relation.id = id;
        relation.to.take_if(|_| !has_to && kind != RelationKind::HadMember);
        relation.others = others.into_iter().take(kind.others().len()).collect();
        relation.time = time.filter(|_| kind.has_time());
        for (name, value) in attributes {
            relation.attributes.add(name, value);
        }
        relation
    }
}

pub(super) fn document() -> impl Strategy<Value = Document> {
    let elements = proptest::collection::vec(element(), 0..6);
    let relations = proptest::collection::vec(relation(), 0..6);
    (elements, relations).prop_map(|(elements, relations)| {
        let namespaces = [("", "param:"), ("id", "id:"), ("x", "http://example.org/#")];
        let namespaces = namespaces.map(|(prefix, iri)| (prefix.to_owned(), iri.to_owned()));
        let mut document = Document { namespaces: namespaces.to_vec(), ..Document::default() };
        for element in elements {
            if document.find(element.kind, &element.id).is_none() {
                document.elements.push(element);
            }
        }
        document.relations = relations;
        document
    })
}

proptest! {
    #[test]
    fn prov_json_says_what_the_document_says(document in document()) {
        let text = json::write(&document);
        let read = json::read(&text);
        prop_assert!(read.is_ok(), "{:?}\n{}", read, text);
        let read = read.unwrap_or_default();
        prop_assert_eq!(read.canonical(), document.canonical());
        let named = document.relations.iter().any(|relation| relation.id.is_some());
        let again = json::write(&read);
        prop_assert!(named || again == text, "{}\n{}", again, text);
        prop_assert_eq!(json::write(&json::read(&again).unwrap()), again);
    }

    #[test]
    fn every_element_and_relation_is_in_every_notation(document in document()) {
        let provn = provn::write(&document);
        prop_assert_eq!(
            provn.lines().count(),
            2 + document.namespaces.len() + document.elements.len() + document.relations.len()
        );
        let json: serde_json::Value = serde_json::from_str(&jsonld::write(&document)).unwrap();
        let subjects = json["@graph"].as_array().map_or(0, Vec::len);
        let turtle = turtle::write(&document);
        prop_assert_eq!(turtle.split("\n\n").count() - 1, subjects);
    }

    #[test]
    fn any_text_is_a_document_or_an_error(text in any::<String>(), json_like in "[{}\\[\\]:,\"a$0]{0,20}") {
        let _ = json::read(&text);
        let _ = json::read(&json_like);
        let _ = json::read(&format!("{{\"entity\": {{\"a\": {json_like}}}}}"));
    }
}

#[test]
fn errors_name_line_and_path() {
    let error = |text: &str| json::read(text).unwrap_err().to_string();
    assert!(error("{\n\"entity\":").starts_with("not JSON: EOF while parsing a value at line 2"));
    let head = "{\"prefix\": {\"id\": \"id:\"},\n";
    for (rest, message) in [
        ("\"entity\": [] }", "line 2, entity: an object {...} should be here"),
        (
            "\"nonsense\": {\n\"id:a\": {}} }",
            "line 3, nonsense/id:a: not a section that this program knows",
        ),
        ("\"entity\": {\n\"x:a\": {}} }", "line 3, entity/x:a: the prefix \"x\" is not declared"),
        (
            "\"entity\": {\n\"id:a\": {\n\"size\": 1}} }",
            "line 4, entity/id:a/size: \"size\" needs a default namespace, and none is declared",
        ),
        (
            "\"activity\": {\"id:a\": {\n\n\"prov:endTime\": \"now\"}} }",
            "line 4, activity/id:a/prov:endTime: \"now\" is not a date and time",
        ),
        (
            "\"used\": {\"_:1\": {\"prov:entity\": \"id:a\"}} }",
            "line 2, used/_:1: prov:activity is missing",
        ),
        (
            "\"used\": {\"_:1\": {\"prov:activity\": 3}} }",
            "line 2, used/_:1/prov:activity: a text should be here",
        ),
        (
            "\"entity\": {\"id:a\": [{},\n{\"prov:type\": [1, null]}]} }",
            "line 3, entity/id:a/1/prov:type/1: null is not a value",
        ),
    ] {
        assert_eq!(error(&format!("{head}{rest}")), message);
    }
}

/// A small document with a bit of everything.
fn sample() -> Document {
    let text = r#"{
        "prefix": {"default": "param:", "id": "id:"},
        "entity": {
            "id:raw": {"prov:label": "Raw file", "filepath": "/a b/\"c\".fits", "size": 3},
            "id:dl1": {"prov:type": [{"$": "prov:Collection", "type": "prov:QUALIFIED_NAME"}, "File"]}
        },
        "activity": {"id:r0_to_dl1.1": {"prov:startTime": "2024-11-28T22:14:05"}},
        "agent": {"id:lstanalyzer": {"prov:label": {"$": "l'analyseur", "lang": "fr"}}},
        "used": {"_:id1": {"prov:activity": "id:r0_to_dl1.1", "prov:entity": "id:raw", "prov:role": "Raw"}},
        "wasGeneratedBy": {"id:g": {"prov:entity": "id:dl1", "prov:activity": "id:r0_to_dl1.1",
            "prov:time": "2024-11-28T22:15:05Z"}},
        "wasDerivedFrom": {"_:id2": {"prov:generatedEntity": "id:dl1", "prov:usedEntity": "id:raw",
            "prov:generation": "id:g"}},
        "wasAssociatedWith": {"_:id3": {"prov:activity": "id:r0_to_dl1.1", "prov:agent": "id:lstanalyzer"}},
        "wasAttributedTo": {"_:id4": {"prov:entity": "id:dl1", "prov:agent": "id:lstanalyzer"}},
        "hadMember": {"_:id5": {"prov:collection": "id:dl1", "prov:entity": "id:raw"}}
    }"#;
    json::read(text).unwrap()
}

#[test]
fn the_notations_are_as_they_should_be() {
    let sample = sample();
    insta::assert_snapshot!("sample.provn", provn::write(&sample));
    insta::assert_snapshot!("sample.ttl", turtle::write(&sample));
    insta::assert_snapshot!("sample.jsonld", jsonld::write(&sample));
}
