//! From folded records to a PROV document, laid out as the original lays it out.

use super::document::{
    Attributes, Document, Element, ElementKind, Name, Relation, RelationKind, Value,
};
use super::literal::{Dict, Literal};
use super::record::{Kind, Record};

/// Prefix of all names of elements.
const ID: &str = "id";

/// Keys of a session record that the document shows, in order.
const SESSION_KEYS: [&str; 8] = [
    "software_version",
    "observation_date",
    "observation_run",
    "config_file",
    "config_file_hash",
    "config_file_hash_type",
    "config_file_content_hash",
    "config_file_content_hash_type",
];

/// Keys that are the record's own business, or shown in another way. The `hash` is the entity's
/// id once more; a hash of the content has keys of its own.
const HIDDEN: [&str; 10] = [
    "entity_id",
    "activity_id",
    "name",
    "type",
    "hash",
    "hash_type",
    "session_tag",
    "agent_name",
    "startTime",
    "endTime",
];

/// The document of some records. What is no record is left out.
pub fn document(records: &[Dict]) -> Document {
    let namespaces = [(ID, "id:"), ("", "param:")];
    let namespaces = namespaces.map(|(prefix, iri)| (prefix.to_owned(), iri.to_owned()));
    let mut document = Document { namespaces: namespaces.to_vec(), ..Document::default() };
    for dict in records {
        if let Ok(record) = Record::of(dict.clone()) {
            add(&mut document, &record);
        }
    }
    document
}

fn add(document: &mut Document, record: &Record) {
    let activity = || id(record.text("activity_id"));
    match record.kind {
        Kind::Session => session(document, record),
        Kind::Start => {
            let element = document.element(ElementKind::Activity, &activity());
            label(element, record.text("name"));
            element.start = record.dict.text("startTime").map(str::to_owned);
            rest(&mut element.attributes, &record.dict);
            if let Some(agent) = record.dict.text("agent_name") {
                document.element(ElementKind::Agent, &id(agent));
            }
        }
        Kind::End => {
            let element = document.element(ElementKind::Activity, &activity());
            element.end = record.dict.text("endTime").map(str::to_owned);
        }
        Kind::Parameters => parameters(document, record, activity()),
        Kind::Entity => {
            let element = document.element(ElementKind::Entity, &id(record.text("entity_id")));
            label(element, record.text("name"));
            kind(element, record.text("type"));
            rest(&mut element.attributes, &record.dict);
        }
        Kind::Usage => {
            let entity = id(record.text("used_id"));
            document.element(ElementKind::Entity, &entity);
            let relation = Relation::new(RelationKind::Used, activity(), entity);
            document.relations.push(with_role(relation, record.dict.text("used_role")));
        }
        Kind::Generation => {
            let entity = id(record.text("generated_id"));
            document.element(ElementKind::Entity, &entity);
            let relation = Relation::new(RelationKind::WasGeneratedBy, entity, activity());
            document.relations.push(with_role(relation, record.dict.text("generated_role")));
        }
    }
}

fn session(document: &mut Document, record: &Record) {
    let element = document.element(ElementKind::Entity, &id(record.text("session_id")));
    label(element, record.text("name"));
    kind(element, "ExecutionSession");
    if let Some(time) = record.dict.text("startTime") {
        element.attributes.add(Name::prov("generatedAtTime"), time);
    }
    for key in SESSION_KEYS {
        if let Some(value) = record.dict.get(key) {
            element.attributes.add(Name::plain(key), value.plain());
        }
    }
}

fn parameters(document: &mut Document, record: &Record, activity: Name) {
    let name = id(&format!("{}_parameters", activity.local));
    let element = document.element(ElementKind::Entity, &name);
    if let Some(Literal::Dict(values)) = record.dict.get("parameters") {
        for (key, value) in values.iter() {
            element.attributes.add(Name::plain(local(key)), value.plain());
        }
    }
    kind(element, "Parameters");
    label(element, "Parameters");
    let mut relation = Relation::new(RelationKind::Used, activity, name);
    relation.attributes.add(Name::prov("type"), "Setup");
    document.relations.push(relation);
}

fn with_role(relation: Relation, role: Option<&str>) -> Relation {
    match role {
        Some(role) => relation.with_role(role),
        None => relation,
    }
}

fn label(element: &mut Element, text: &str) {
    element.attributes.add(Name::prov("label"), text);
}

fn kind(element: &mut Element, text: &str) {
    if !text.is_empty() {
        element.attributes.add(Name::prov("type"), text);
    }
}

/// Everything else that a record says, as texts.
fn rest(attributes: &mut Attributes, dict: &Dict) {
    for (key, value) in dict.iter().filter(|(key, _)| !HIDDEN.contains(key)) {
        attributes.add(Name::plain(local(key)), Value::Text(value.plain()));
    }
}

fn id(text: &str) -> Name {
    Name::new(ID, local(text))
}

/// A text as the local part of a name: whatever could end a name elsewhere is replaced.
fn local(text: &str) -> String {
    if text.is_empty() {
        return "_".to_owned();
    }
    let good = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    text.chars().map(|c| if good(c) { c } else { '_' }).collect()
}
