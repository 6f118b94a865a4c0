//! Turtle, <https://www.w3.org/TR/turtle/>. Written only.

use std::fmt::Write as _;

use super::document::{Document, Name};
use super::rdf::{Term, iri, prefixes, rdf_type, statements};

/// Writes a document.
pub fn write(document: &Document) -> String {
    let writer = Writer { prefixes: prefixes(document) };
    let mut text = String::new();
    for (prefix, iri) in &writer.prefixes {
        let _ = writeln!(text, "@prefix {prefix}: <{iri}> .");
    }
    for subject in statements(document) {
        let _ = write!(text, "\n{}", writer.name(&subject.name));
        writer.says(&mut text, &subject.says, 1);
        text.push_str(" .\n");
    }
    text
}

struct Writer {
    prefixes: Vec<(String, String)>,
}

impl Writer {
    fn says(&self, text: &mut String, says: &[(Name, Term)], depth: usize) {
        for (index, (predicate, object)) in says.iter().enumerate() {
            text.push_str(if index > 0 { " ;\n" } else { "\n" });
            text.extend(std::iter::repeat_n("    ", depth));
            if *predicate == rdf_type() {
                text.push('a');
            } else {
                text.push_str(&self.name(predicate));
            }
            text.push(' ');
            self.term(text, object, depth);
        }
    }

    fn term(&self, text: &mut String, term: &Term, depth: usize) {
        match term {
            Term::Name(name) => text.push_str(&self.name(name)),
            Term::Literal { text: value, datatype, lang } => {
                super::json::write_text(text, value);
                if let Some(lang) = lang {
                    let _ = write!(text, "@{lang}");
                } else if let Some(datatype) = datatype {
                    let _ = write!(text, "^^{}", self.name(datatype));
                }
            }
            Term::Blank(says) => {
                text.push('[');
                self.says(text, says, depth + 1);
                text.push_str(" ]");
            }
        }
    }

    /// `prefix:local` where that needs no escapes, else the whole IRI; `_:local` for a blank one.
    fn name(&self, name: &Name) -> String {
        let simple = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let begins = name.local.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let is_simple = begins && name.local.chars().all(simple);
        if name.prefix == "_" {
            let local: String =
                name.local.chars().map(|c| if simple(c) { c } else { '_' }).collect();
            return format!("_:b{local}");
        }
        if is_simple {
            format!("{}:{}", name.prefix, name.local)
        } else {
            format!("<{}>", iri(&self.prefixes, name))
        }
    }
}
