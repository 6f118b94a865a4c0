//! A document as RDF statements in the terms of PROV-O, <https://www.w3.org/TR/prov-o/>.
//! Turtle and JSON-LD are two ways to write the same statements.

use std::fmt::Write as _;

use super::document::{Document, Element, ElementKind, Name, Relation, RelationKind, Value};

/// What a statement is about, or says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// A name.
    Name(Name),
    /// A value of a data type; `None` is a plain text.
    Literal {
        /// The text.
        text: String,
        /// The data type.
        datatype: Option<Name>,
        /// The language, of a text that has one.
        lang: Option<String>,
    },
    /// A thing without a name, and what is said about it.
    Blank(Vec<(Name, Term)>),
}

/// All that is said about one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The name.
    pub name: Name,
    /// Predicates and objects, in order.
    pub says: Vec<(Name, Term)>,
}

/// `rdf:type`.
pub fn rdf_type() -> Name {
    Name::new("rdf", "type")
}

/// The statements of a document, by subject, in order.
pub fn statements(document: &Document) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = Vec::new();
    for element in &document.elements {
        say(&mut subjects, &element.id, about(element));
    }
    for relation in &document.relations {
        say(&mut subjects, &relation.from, related(relation));
        if let Some(id) = relation.id.as_ref().filter(|_| is_qualified(relation)) {
            say(&mut subjects, id, qualified(relation));
        }
    }
    subjects
}

fn say(subjects: &mut Vec<Subject>, name: &Name, says: Vec<(Name, Term)>) {
    let found = subjects.iter().position(|subject| subject.name == *name);
    let index = found.unwrap_or_else(|| {
        subjects.push(Subject { name: name.clone(), says: Vec::new() });
        subjects.len() - 1
    });
    let known = &mut subjects[index].says;
    for pair in says {
        // A thing without a name is another one each time.
        if matches!(pair.1, Term::Blank(_)) || !known.contains(&pair) {
            known.push(pair);
        }
    }
}

fn about(element: &Element) -> Vec<(Name, Term)> {
    let class = match element.kind {
        ElementKind::Entity => "Entity",
        ElementKind::Activity => "Activity",
        ElementKind::Agent => "Agent",
    };
    let mut says = vec![(rdf_type(), Term::Name(Name::prov(class)))];
    let times = [("startedAtTime", &element.start), ("endedAtTime", &element.end)];
    let times = times.map(|(key, time)| Some((Name::prov(key), date_time(time.as_ref())?)));
    says.extend(times.into_iter().flatten());
    says.extend(element.attributes.iter().map(|(name, value)| attribute(name, value)));
    says
}

fn date_time(time: Option<&String>) -> Option<Term> {
    let text = time?.clone();
    Some(Term::Literal { text, datatype: Some(Name::xsd("dateTime")), lang: None })
}

fn attribute(name: &Name, value: &Value) -> (Name, Term) {
    let is_name = matches!(value, Value::Name(_));
    let predicate = match (name.prefix.as_str(), name.local.as_str()) {
        ("prov", "label") => Name::new("rdfs", "label"),
        ("prov", "type") if is_name => rdf_type(),
        ("prov", "role") => Name::prov("hadRole"),
        ("prov", "location") => Name::prov("atLocation"),
        _ => name.clone(),
    };
    let literal = |text: String, datatype| Term::Literal { text, datatype, lang: None };
    let object = match value {
        Value::Text(text) => literal(text.clone(), None),
        Value::Int(number) => literal(number.to_string(), Some(Name::xsd("integer"))),
        Value::Bool(yes) => literal(yes.to_string(), Some(Name::xsd("boolean"))),
        Value::Name(name) => Term::Name(name.clone()),
        Value::Lang { text, lang } => {
            Term::Literal { text: text.clone(), datatype: None, lang: Some(lang.clone()) }
        }
        Value::Typed { text, datatype } => literal(text.clone(), Some(datatype.clone())),
    };
    (predicate, object)
}

/// PROV-O's property, qualified property and class of a relation.
fn terms(kind: RelationKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        RelationKind::Used => ("used", "qualifiedUsage", "Usage"),
        RelationKind::WasGeneratedBy => ("wasGeneratedBy", "qualifiedGeneration", "Generation"),
        RelationKind::WasDerivedFrom => ("wasDerivedFrom", "qualifiedDerivation", "Derivation"),
        RelationKind::WasAssociatedWith => {
            ("wasAssociatedWith", "qualifiedAssociation", "Association")
        }
        RelationKind::WasAttributedTo => ("wasAttributedTo", "qualifiedAttribution", "Attribution"),
        RelationKind::HadMember => ("hadMember", "", ""),
    }
}

/// Whether a relation says more than that it is.
fn is_qualified(relation: &Relation) -> bool {
    relation.kind != RelationKind::HadMember
        && (relation.id.is_some()
            || relation.to.is_none()
            || relation.time.is_some()
            || relation.other_ends().next().is_some()
            || !relation.attributes.is_empty())
}

fn related(relation: &Relation) -> Vec<(Name, Term)> {
    let (property, qualifier, _) = terms(relation.kind);
    let mut says = Vec::new();
    says.extend(relation.to.iter().map(|to| (Name::prov(property), Term::Name(to.clone()))));
    if is_qualified(relation) {
        let object = match &relation.id {
            Some(id) => Term::Name(id.clone()),
            None => Term::Blank(qualified(relation)),
        };
        says.push((Name::prov(qualifier), object));
    }
    says
}

/// What a qualified relation says, without the end that refers to it.
fn qualified(relation: &Relation) -> Vec<(Name, Term)> {
    let (_, _, class) = terms(relation.kind);
    let end = match relation.kind {
        RelationKind::WasGeneratedBy => "activity",
        RelationKind::WasAssociatedWith | RelationKind::WasAttributedTo => "agent",
        _ => "entity",
    };
    let mut says = vec![(rdf_type(), Term::Name(Name::prov(class)))];
    says.extend(relation.to.iter().map(|to| (Name::prov(end), Term::Name(to.clone()))));
    says.extend(relation.other_ends().map(|(key, name)| {
        let property = match key {
            "activity" => "hadActivity",
            "generation" => "hadGeneration",
            "usage" => "hadUsage",
            _ => "hadPlan",
        };
        (Name::prov(property), Term::Name(name.clone()))
    }));
    says.extend(date_time(relation.time.as_ref()).map(|time| (Name::prov("atTime"), time)));
    says.extend(relation.attributes.iter().map(|(name, value)| attribute(name, value)));
    says
}

/// Prefixes to declare: the document's own, and those that the terms need.
pub fn prefixes(document: &Document) -> Vec<(String, String)> {
    let own = &document.namespaces;
    let needed = [
        ("prov", super::document::PROV),
        ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
        ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
        ("xsd", super::document::XSD),
    ];
    let needed =
        needed.into_iter().filter(|(prefix, _)| own.iter().all(|(other, _)| other != prefix));
    let needed = needed.map(|(prefix, iri)| (prefix.to_owned(), iri.to_owned()));
    own.iter().cloned().chain(needed).collect()
}

/// The full IRI of a name, with what an IRI may not hold encoded.
pub fn iri(prefixes: &[(String, String)], name: &Name) -> String {
    let base = prefixes.iter().find(|(prefix, _)| *prefix == name.prefix);
    let mut text = base.map_or_else(|| format!("{}:", name.prefix), |(_, iri)| iri.clone());
    for c in name.local.chars() {
        if c <= ' ' || c == '\u{7f}' || "<>\"{}|^`\\".contains(c) {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(text, "%{byte:02X}");
            }
        } else {
            text.push(c);
        }
    }
    text
}
