//! PROV-JSON, <https://www.w3.org/submissions/prov-json/>: read and written.

use std::fmt::Write as _;

use crate::hint::Hint;

use super::document::{
    Attributes, Document, Element, ElementKind, Name, Relation, RelationKind, Value, is_date_time,
};
use super::json_text::{Json, line_of};
use super::literal::python_float;

/// Why a text is not a PROV-JSON document.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// Not JSON; the message names line and column.
    #[error("not JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    /// JSON, but not what PROV-JSON asks for.
    #[error("line {line}, {path}: {problem}")]
    Content {
        /// The line, from 1.
        line: usize,
        /// Where in the document: keys, joined by `/`.
        path: String,
        /// What is wrong there.
        problem: String,
    },
}

impl Hint for JsonError {
    fn hint(&self) -> Option<String> {
        Some("give a PROV-JSON document, such as `osa provenance` writes".to_owned())
    }
}

/// Numbers up to here are the same in every program that reads JSON.
const EXACT: u64 = (1 << 53) - 1;

/// Writes a document: the same document always gives the same bytes.
pub fn write(document: &Document) -> String {
    let mut sections = Vec::new();
    if !document.namespaces.is_empty() {
        let prefixes = document.namespaces.iter().map(|(prefix, iri)| {
            let key = if prefix.is_empty() { "default" } else { prefix };
            (key.to_owned(), Json::Text(iri.clone()))
        });
        sections.push(("prefix".to_owned(), Json::Object(prefixes.collect())));
    }
    for kind in ElementKind::ALL {
        let elements = document.of_kind(kind).map(|e| (e.id.to_string(), element(e)));
        push_section(&mut sections, kind.name(), elements.collect());
    }
    let numbered: Vec<_> = number_relations(&document.relations);
    for kind in RelationKind::ALL {
        let relations = numbered.iter().filter(|(_, relation)| relation.kind == kind);
        let relations = relations.map(|(id, relation)| (id.clone(), write_relation(relation)));
        push_section(&mut sections, kind.name(), relations.collect());
    }
    let mut text = String::new();
    write_json(&mut text, &Json::Object(sections), 0);
    text
}

fn push_section(sections: &mut Vec<(String, Json)>, name: &str, entries: Vec<(String, Json)>) {
    if !entries.is_empty() {
        sections.push((name.to_owned(), Json::Object(entries)));
    }
}

/// Gives every relation a name; those without one get `_:id1`, `_:id2`, ... in order.
fn number_relations(relations: &[Relation]) -> Vec<(String, &Relation)> {
    let taken: std::collections::HashSet<_> =
        relations.iter().filter_map(|relation| relation.id.as_ref()).map(Name::to_string).collect();
    let mut free = (1..).map(|number: usize| format!("_:id{number}"));
    let mut next = || free.find(|id| !taken.contains(id)).unwrap_or_default();
    let name = |relation: &Relation| match &relation.id {
        Some(id) => id.to_string(),
        None => next(),
    };
    let names: Vec<_> = relations.iter().map(name).collect();
    names.into_iter().zip(relations).collect()
}

fn element(element: &Element) -> Json {
    let mut entries = attributes(&element.attributes);
    let times = [("prov:startTime", &element.start), ("prov:endTime", &element.end)];
    for (key, time) in times {
        if let Some(time) = time {
            entries.push((key.to_owned(), Json::Text(time.clone())));
        }
    }
    Json::Object(entries)
}

fn write_relation(relation: &Relation) -> Json {
    let [from, to] = relation.kind.ends();
    let name = |key: &str, name: &Name| (format!("prov:{key}"), Json::Text(name.to_string()));
    let mut entries = vec![name(from, &relation.from)];
    entries.extend(relation.to.as_ref().map(|end| name(to, end)));
    entries.extend(relation.other_ends().map(|(key, end)| name(key, end)));
    if let Some(time) = &relation.time {
        entries.push(("prov:time".to_owned(), Json::Text(time.clone())));
    }
    entries.extend(attributes(&relation.attributes));
    Json::Object(entries)
}

fn attributes(attributes: &Attributes) -> Vec<(String, Json)> {
    let one = |(name, values): (&Name, Vec<&Value>)| {
        let mut values: Vec<_> = values.into_iter().map(write_value).collect();
        let value = if values.len() == 1 { values.remove(0) } else { Json::List(values) };
        (name.to_string(), value)
    };
    attributes.grouped().into_iter().map(one).collect()
}

fn write_value(value: &Value) -> Json {
    let pair = |text: &str, key: &str, of: String| {
        Json::Object(vec![
            ("$".to_owned(), Json::Text(text.to_owned())),
            (key.to_owned(), Json::Text(of)),
        ])
    };
    match value {
        Value::Text(text) => Json::Text(text.clone()),
        Value::Int(number) if number.unsigned_abs() <= EXACT => Json::Int((*number).into()),
        Value::Int(number) => pair(&number.to_string(), "type", "xsd:long".to_owned()),
        Value::Bool(yes) => Json::Bool(*yes),
        Value::Name(name) => pair(&name.to_string(), "type", "prov:QUALIFIED_NAME".to_owned()),
        Value::Lang { text, lang } => pair(text, "lang", lang.clone()),
        Value::Typed { text, datatype } => pair(text, "type", datatype.to_string()),
    }
}

fn write_json(text: &mut String, json: &Json, depth: usize) {
    let indent = |text: &mut String, depth| {
        text.push('\n');
        text.extend(std::iter::repeat_n("    ", depth));
    };
    match json {
        Json::Null => text.push_str("null"),
        Json::Bool(yes) => text.push_str(if *yes { "true" } else { "false" }),
        Json::Int(number) => {
            let _ = write!(text, "{number}");
        }
        Json::Float(number) => {
            text.push_str(&python_float(*number));
        }
        Json::Text(value) => write_text(text, value),
        Json::List(items) if items.is_empty() => text.push_str("[]"),
        Json::Object(entries) if entries.is_empty() => text.push_str("{}"),
        Json::List(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index > 0 { "," } else { "" });
                indent(text, depth + 1);
                write_json(text, item, depth + 1);
            }
            indent(text, depth);
            text.push(']');
        }
        Json::Object(entries) => {
            text.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                text.push_str(if index > 0 { "," } else { "" });
                indent(text, depth + 1);
                write_text(text, key);
                text.push_str(": ");
                write_json(text, value, depth + 1);
            }
            indent(text, depth);
            text.push('}');
        }
    }
}

/// A text in quotes.
pub(super) fn write_text(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if c < ' ' || c == '\u{7f}' => {
                let _ = write!(text, "\\u{:04x}", c as u32);
            }
            c => text.push(c),
        }
    }
    text.push('"');
}

/// Reads and checks a document.
pub fn read(text: &str) -> Result<Document, JsonError> {
    let json = serde_json::from_str(text)?;
    let mut reader =
        Reader { document: Document::default(), path: Vec::new(), numbers: Vec::new() };
    match reader.document(json) {
        Ok(()) => Ok(reader.in_order()),
        Err(Problem(problem)) => {
            let path = reader.path.join("/");
            Err(JsonError::Content { line: line_of(text, &reader.path), path, problem })
        }
    }
}

struct Problem(String);

fn problem<T>(text: impl Into<String>) -> Result<T, Problem> {
    Err(Problem(text.into()))
}

type Entries = Vec<(String, Json)>;

/// Reads a document; `path` is where it is, and where it stopped after an error.
struct Reader {
    document: Document,
    path: Vec<String>,
    /// The number of each relation that has no name but `_:id7`.
    numbers: Vec<Option<u64>>,
}

impl Reader {
    fn at<T>(
        &mut self,
        step: &str,
        read: impl FnOnce(&mut Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        self.path.push(step.to_owned());
        let value = read(self)?;
        self.path.pop();
        Ok(value)
    }

    /// The document, its relations as they were numbered: PROV-JSON tears them apart by kind.
    fn in_order(self) -> Document {
        let Self { mut document, numbers, .. } = self;
        if numbers.iter().all(Option::is_some) {
            let mut numbered: Vec<_> = numbers.into_iter().zip(document.relations).collect();
            numbered.sort_by_key(|(number, _)| *number);
            document.relations = numbered.into_iter().map(|(_, relation)| relation).collect();
        }
        document
    }

    fn document(&mut self, json: Json) -> Result<(), Problem> {
        let mut sections = object(json)?;
        // Prefixes first: names are checked against them wherever they stand.
        sections.sort_by_key(|(key, _)| key != "prefix");
        for (key, section) in sections {
            self.at(&key, |reader| reader.section(&key, section))?;
        }
        Ok(())
    }

    fn section(&mut self, key: &str, section: Json) -> Result<(), Problem> {
        let entries = object(section)?;
        if key == "prefix" {
            for (prefix, iri) in entries {
                self.at(&prefix, |reader| reader.prefix(&prefix, iri))?;
            }
            return Ok(());
        }
        let element = ElementKind::ALL.into_iter().find(|kind| kind.name() == key);
        let relation = RelationKind::ALL.into_iter().find(|kind| kind.name() == key);
        for (id, json) in entries {
            self.at(&id, |reader| {
                let name = reader.name(&id)?;
                let several = matches!(json, Json::List(_));
                let items = if let Json::List(items) = json { items } else { vec![json] };
                for (index, item) in items.into_iter().enumerate() {
                    let read = |reader: &mut Self| match (element, relation) {
                        (Some(kind), _) => reader.element(kind, &name, object(item)?),
                        (_, Some(kind)) => reader.relation(kind, &name, object(item)?),
                        _ => problem("not a section that this program knows"),
                    };
                    if several {
                        reader.at(&index.to_string(), read)?;
                    } else {
                        read(reader)?;
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn prefix(&mut self, prefix: &str, iri: Json) -> Result<(), Problem> {
        let iri = text(iri)?;
        let prefix = if prefix == "default" { "" } else { prefix };
        if prefix == "_" || prefix.contains(':') {
            return problem("not a prefix");
        }
        if iri.is_empty() || iri.contains(|c: char| c.is_whitespace() || "<>\"{}|^`\\".contains(c))
        {
            return problem("not a namespace");
        }
        if self.document.namespaces.iter().any(|(other, _)| other == prefix) {
            return problem("declared twice");
        }
        self.document.namespaces.push((prefix.to_owned(), iri));
        Ok(())
    }

    fn name(&self, text: &str) -> Result<Name, Problem> {
        let name = Name::split(text);
        if name.local.is_empty() {
            return problem("an empty name");
        }
        if name.prefix != "_" && self.document.namespace(&name.prefix).is_none() {
            return problem(match name.prefix.as_str() {
                "" => format!("{text:?} needs a default namespace, and none is declared"),
                prefix => format!("the prefix {prefix:?} is not declared"),
            });
        }
        Ok(name)
    }

    fn element(&mut self, kind: ElementKind, id: &Name, entries: Entries) -> Result<(), Problem> {
        let mut element = Element::new(kind, id.clone());
        if let Some(found) = self.document.find(kind, id) {
            element = found.clone();
        }
        for (key, value) in entries {
            self.at(&key, |reader| {
                match key.as_str() {
                    "prov:startTime" if kind == ElementKind::Activity => {
                        element.start = Some(time(value)?);
                    }
                    "prov:endTime" if kind == ElementKind::Activity => {
                        element.end = Some(time(value)?);
                    }
                    _ => reader.attribute(&mut element.attributes, &key, value)?,
                }
                Ok(())
            })?;
        }
        *self.document.element(kind, id) = element;
        Ok(())
    }

    fn relation(&mut self, kind: RelationKind, id: &Name, entries: Entries) -> Result<(), Problem> {
        let [from_key, to_key] = kind.ends();
        let (mut from, mut to, mut at) = (None, None, None);
        let mut others = vec![None; kind.others().len()];
        let mut attributes = Attributes::default();
        for (key, value) in entries {
            self.at(&key, |reader| {
                let formal = key.strip_prefix("prov:").unwrap_or_default();
                let other = kind.others().iter().position(|other| *other == formal);
                if formal == from_key {
                    from = Some(reader.name(&text(value)?)?);
                } else if formal == to_key {
                    to = Some(reader.name(&text(value)?)?);
                } else if let Some(slot) = other.and_then(|index| others.get_mut(index)) {
                    *slot = Some(reader.name(&text(value)?)?);
                } else if formal == "time" && kind.has_time() {
                    at = Some(time(value)?);
                } else {
                    reader.attribute(&mut attributes, &key, value)?;
                }
                Ok(())
            })?;
        }
        let Some(from) = from else {
            return problem(format!("prov:{from_key} is missing"));
        };
        if kind == RelationKind::HadMember && to.is_none() {
            return problem(format!("prov:{to_key} is missing"));
        }
        let number = id.local.strip_prefix("id").filter(|_| id.prefix == "_");
        self.numbers.push(number.and_then(|number| number.parse().ok()));
        let id = Some(id.clone()).filter(|id| id.prefix != "_");
        if others.iter().all(Option::is_none) {
            others.clear();
        }
        let relation = Relation { kind, id, from, to, others, time: at, attributes };
        self.document.relations.push(relation);
        Ok(())
    }

    fn attribute(
        &mut self,
        attributes: &mut Attributes,
        key: &str,
        value: Json,
    ) -> Result<(), Problem> {
        let name = self.name(key)?;
        let Json::List(values) = value else {
            attributes.add(name, self.value(value)?);
            return Ok(());
        };
        for (index, value) in values.into_iter().enumerate() {
            let value = self.at(&index.to_string(), |reader| reader.value(value))?;
            attributes.add(name.clone(), value);
        }
        Ok(())
    }

    fn value(&self, json: Json) -> Result<Value, Problem> {
        let typed =
            |text: String, datatype: &str| Value::Typed { text, datatype: Name::xsd(datatype) };
        Ok(match json {
            Json::Text(text) => Value::Text(text),
            Json::Int(number) => match i64::try_from(number) {
                Ok(number) => Value::Int(number),
                Err(_) => typed(number.to_string(), "integer"),
            },
            Json::Float(number) => typed(python_float(number), "double"),
            Json::Bool(yes) => Value::Bool(yes),
            Json::Object(entries) => self.typed_value(entries)?,
            Json::Null => return problem("null is not a value"),
            Json::List(_) => return problem("a list in a list"),
        })
    }

    fn typed_value(&self, entries: Entries) -> Result<Value, Problem> {
        let (mut value, mut datatype, mut lang) = (None, None, None);
        for (key, json) in entries {
            match key.as_str() {
                "$" => value = Some(plain(json)?),
                "type" => datatype = Some(text(json)?),
                "lang" => lang = Some(text(json)?),
                _ => return problem(format!("the key {key:?} in a value (only $, type, lang)")),
            }
        }
        let Some(text) = value else { return problem("the key \"$\" is missing in a value") };
        Ok(match (datatype.as_deref(), lang) {
            (_, Some(lang)) => Value::Lang { text, lang },
            (None | Some("xsd:string"), None) => Value::Text(text),
            (Some("prov:QUALIFIED_NAME" | "xsd:QName"), None) => Value::Name(self.name(&text)?),
            (Some("xsd:int" | "xsd:long" | "xsd:integer"), None) if whole(&text).is_some() => {
                Value::Int(whole(&text).unwrap_or_default())
            }
            (Some(datatype), None) => Value::Typed { text, datatype: self.name(datatype)? },
        })
    }
}

/// A whole number written in the one way that loses nothing when it is written again.
fn whole(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number: &i64| number.to_string() == text)
}

fn object(json: Json) -> Result<Entries, Problem> {
    match json {
        Json::Object(entries) => Ok(entries),
        _ => problem("an object {...} should be here"),
    }
}

fn text(json: Json) -> Result<String, Problem> {
    match json {
        Json::Text(text) => Ok(text),
        _ => problem("a text should be here"),
    }
}

fn plain(json: Json) -> Result<String, Problem> {
    match json {
        Json::Int(number) => Ok(number.to_string()),
        Json::Float(number) => Ok(python_float(number)),
        Json::Bool(yes) => Ok(yes.to_string()),
        other => text(other),
    }
}

fn time(json: Json) -> Result<String, Problem> {
    let text = plain(match json {
        Json::Object(mut entries) => {
            let value = entries.iter().position(|(key, _)| key == "$");
            value.map_or(Json::Null, |index| entries.swap_remove(index).1)
        }
        other => other,
    })?;
    if is_date_time(&text) { Ok(text) } else { problem(format!("{text:?} is not a date and time")) }
}
