//! PROV-N, <https://www.w3.org/TR/prov-n/>: the notation for people. Written only.

use std::fmt::Write as _;

use super::document::{
    Attributes, Document, Element, ElementKind, Name, Relation, RelationKind, Value,
};

/// Writes a document.
pub fn write(document: &Document) -> String {
    let mut text = String::from("document\n");
    for (prefix, iri) in &document.namespaces {
        let _ = match prefix.as_str() {
            "" => writeln!(text, "  default <{iri}>"),
            _ => writeln!(text, "  prefix {prefix} <{iri}>"),
        };
    }
    for item in &document.elements {
        let _ = writeln!(text, "  {}", element(item));
    }
    for item in &document.relations {
        let _ = writeln!(text, "  {}", relation(item));
    }
    text.push_str("endDocument\n");
    text
}

fn element(element: &Element) -> String {
    let mut terms = vec![name(&element.id)];
    if element.kind == ElementKind::Activity && (element.start.is_some() || element.end.is_some()) {
        terms.push(element.start.clone().unwrap_or_else(absent));
        terms.push(element.end.clone().unwrap_or_else(absent));
    }
    terms.extend(attributes(&element.attributes));
    format!("{}({})", element.kind.name(), terms.join(", "))
}

fn relation(relation: &Relation) -> String {
    let optional = |end: Option<&Name>| end.map_or_else(absent, name);
    let mut terms = vec![name(&relation.from), optional(relation.to.as_ref())];
    if relation.kind != RelationKind::HadMember {
        let others: Vec<_> = relation.others.iter().map(Option::as_ref).map(optional).collect();
        if others.iter().any(|other| *other != absent()) {
            terms.extend(others);
        }
        if relation.kind.has_time() {
            let known = relation.time.is_some() || relation.to.is_none();
            terms.extend(known.then(|| relation.time.clone().unwrap_or_else(absent)));
        }
        terms.extend(attributes(&relation.attributes));
    }
    let id = relation.id.as_ref().filter(|_| relation.kind != RelationKind::HadMember);
    let id = id.map_or_else(String::new, |id| format!("{}; ", name(id)));
    format!("{}({id}{})", relation.kind.name(), terms.join(", "))
}

fn absent() -> String {
    "-".to_owned()
}

fn attributes(attributes: &Attributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let pairs = attributes.iter().map(|(key, of)| format!("{}={}", name(key), value(of)));
    Some(format!("[{}]", pairs.collect::<Vec<_>>().join(", ")))
}

fn value(value: &Value) -> String {
    match value {
        Value::Text(text) => quoted(text),
        Value::Int(number) => format!("{} %% xsd:integer", quoted(&number.to_string())),
        Value::Bool(yes) => format!("{} %% xsd:boolean", quoted(&yes.to_string())),
        Value::Name(of) => format!("'{}'", name(of)),
        Value::Lang { text, lang } => format!("{}@{lang}", quoted(text)),
        Value::Typed { text, datatype } => format!("{} %% {}", quoted(text), name(datatype)),
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    super::json::write_text(&mut quoted, text);
    quoted
}

/// A name, with what PROV-N would take for punctuation escaped.
fn name(name: &Name) -> String {
    let mut text = String::new();
    if !name.prefix.is_empty() {
        text.push_str(&name.prefix);
        text.push(':');
    }
    let last = name.local.chars().count().saturating_sub(1);
    for (index, c) in name.local.chars().enumerate() {
        match c {
            c if c.is_alphanumeric()
                || matches!(c, '_' | '/' | '@' | '~' | '&' | '+' | '*' | '?') =>
            {
                text.push(c);
            }
            '#' | '$' | '!' => text.push(c),
            '-' if index > 0 => text.push(c),
            '.' if index > 0 && index < last => text.push(c),
            '=' | '\'' | '(' | ')' | ',' | '-' | ':' | ';' | '"' | '[' | ']' | '.' => {
                text.push('\\');
                text.push(c);
            }
            c => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    let _ = write!(text, "%{byte:02X}");
                }
            }
        }
    }
    text
}
