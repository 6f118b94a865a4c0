//! JSON-LD 1.1, <https://www.w3.org/TR/json-ld11/>: the statements of [`super::turtle`] as JSON.
//! Written only.

use serde_json::{Map, Value as Json, json};

use super::document::{Document, Name};
use super::rdf::{Term, iri, prefixes, rdf_type, statements};

/// Writes a document; names are whole IRIs, so that any JSON program can use it.
pub fn write(document: &Document) -> String {
    let writer = Writer { prefixes: prefixes(document) };
    let graph: Vec<_> = statements(document)
        .into_iter()
        .map(|subject| {
            let mut node = writer.node(&subject.says);
            node.insert("@id".to_owned(), writer.id(&subject.name).into());
            Json::Object(node)
        })
        .collect();
    let context: Map<_, _> = writer
        .prefixes
        .iter()
        .filter(|(prefix, _)| !prefix.is_empty())
        .map(|(prefix, iri)| (prefix.clone(), json!({ "@id": iri, "@prefix": true })))
        .collect();
    let document = json!({ "@context": context, "@graph": graph });
    // Values of strings and maps with string keys cannot fail to be written.
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

struct Writer {
    prefixes: Vec<(String, String)>,
}

impl Writer {
    fn node(&self, says: &[(Name, Term)]) -> Map<String, Json> {
        let mut node = Map::new();
        for (predicate, object) in says {
            let (key, value) = match object {
                Term::Name(name) if *predicate == rdf_type() => {
                    ("@type".to_owned(), self.id(name).into())
                }
                object => (self.key(predicate), self.value(object)),
            };
            let values = node.entry(key).or_insert_with(|| Json::Array(Vec::new()));
            if let Json::Array(values) = values {
                values.push(value);
            }
        }
        node
    }

    fn value(&self, term: &Term) -> Json {
        match term {
            Term::Name(name) => json!({ "@id": self.id(name) }),
            Term::Literal { text, lang: Some(lang), .. } => {
                json!({ "@value": text, "@language": lang })
            }
            Term::Literal { text, datatype: Some(datatype), .. } => {
                json!({ "@value": text, "@type": self.id(datatype) })
            }
            Term::Literal { text, .. } => json!({ "@value": text }),
            Term::Blank(says) => Json::Object(self.node(says)),
        }
    }

    /// A property: PROV's own and RDF's short, all others whole.
    fn key(&self, name: &Name) -> String {
        let short = matches!(name.prefix.as_str(), "prov" | "rdfs");
        if short { name.to_string() } else { iri(&self.prefixes, name) }
    }

    fn id(&self, name: &Name) -> String {
        match name.prefix.as_str() {
            "_" => format!("_:b{}", name.local),
            "prov" | "xsd" => name.to_string(),
            _ => iri(&self.prefixes, name),
        }
    }
}
