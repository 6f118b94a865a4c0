//! `cargo xtask terms`: no name of a file, module, type, function, field, CSS class or route contains
//! one of the words in `terms.txt`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use syn::visit_mut::{self, VisitMut};

use crate::Result;

/// The words, see there.
const TERMS: &str = include_str!("terms.txt");
/// Where the routes are.
const ROUTES: &str = "server/src/web/rules.rs";

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    File,
    Module,
    Type,
    Function,
    Field,
    Class,
    Route,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Module => "module",
            Self::Type => "type",
            Self::Function => "function",
            Self::Field => "field",
            Self::Class => "class",
            Self::Route => "route",
        }
    }

    /// Whether this text before a name defines it.
    fn defines(self, before: &str) -> bool {
        let ends = |words: &[&str]| words.iter().any(|word| before.ends_with(word));
        match self {
            Self::File => false,
            Self::Module => ends(&["mod "]),
            Self::Type => {
                ends(&["struct ", "enum ", "trait ", "type ", "union "]) || before.trim().is_empty()
            }
            Self::Function => ends(&["fn "]),
            Self::Field => before.trim().is_empty() || ends(&["pub ", ") ", "{ ", ", "]),
            Self::Class | Self::Route => true,
        }
    }
}

/// A line of the list.
#[derive(Clone, Copy)]
struct Term {
    word: &'static str,
    kinds: &'static str,
    directory: &'static str,
    replacement: &'static str,
}

impl Term {
    fn all() -> impl Iterator<Item = Self> {
        TERMS.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
            let (word, rest) = line.split_once(' ')?;
            let (kinds, replacement) = rest.trim_start().split_once(' ')?;
            let (kinds, directory) = kinds.split_once('@').unwrap_or((kinds, ""));
            Some(Self { word, kinds, directory, replacement: replacement.trim_start() })
        })
    }

    fn forbids(&self, kind: Kind, file: &str) -> bool {
        let kinds = || self.kinds.split(',').any(|one| one == kind.as_str());
        file.starts_with(self.directory) && (self.kinds == "all" || kinds())
    }
}

/// A name that contains one of the words.
struct Violation {
    file: String,
    line: usize,
    kind: Kind,
    name: String,
    term: Term,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, kind, name, term } = self;
        let (kind, Term { word, replacement, .. }) = (kind.as_str(), term);
        write!(f, "{file}:{line}: the {kind} {name} says \"{word}\": use {replacement}")
    }
}

/// Fails if a name in the repository contains one of the words.
pub fn run(root: &Path) -> Result {
    let listed = Command::new("git").arg("ls-files").current_dir(root).output()?;
    if !listed.status.success() {
        return Err(String::from_utf8_lossy(&listed.stderr).into());
    }
    let mut found = Vec::new();
    for file in String::from_utf8(listed.stdout)?.lines() {
        found.extend(violations(file, &[(Kind::File, file.to_owned())], ""));
        let wanted = ["rs", "css"].contains(&extension(file));
        // A file that was removed and not yet committed is listed all the same.
        let Some(text) = wanted.then(|| fs::read_to_string(root.join(file)).ok()).flatten() else {
            continue;
        };
        found.extend(violations(file, &names(file, &text)?, &text));
    }
    if found.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    Err(format!("names that say nothing to a newcomer:\n{}", lines.join("\n")).into())
}

fn extension(file: &str) -> &str {
    Path::new(file).extension().and_then(OsStr::to_str).unwrap_or_default()
}

/// The names that a file defines.
fn names(file: &str, text: &str) -> Result<Vec<(Kind, String)>> {
    let mut names = BTreeSet::new();
    if extension(file) == "css" {
        names.extend(classes_of_style(text).into_iter().map(|class| (Kind::Class, class)));
    } else {
        let mut parsed = syn::parse_file(text).map_err(|error| format!("{file}: {error}"))?;
        let mut names_of_rust = RustNames { names: &mut names, routes: file == ROUTES };
        names_of_rust.visit_file_mut(&mut parsed);
        names.extend(classes_of_views(text).map(|class| (Kind::Class, class)));
    }
    Ok(names.into_iter().collect())
}

/// Those of the names that contain a word.
fn violations(file: &str, names: &[(Kind, String)], text: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    for (kind, name) in names {
        let words = words(name);
        let term = Term::all()
            .find(|term| term.forbids(*kind, file) && words.iter().any(|word| word == term.word));
        if let Some(term) = term {
            let line = line_of(*kind, name, text);
            found.push(Violation {
                file: file.to_owned(),
                line,
                kind: *kind,
                name: name.clone(),
                term,
            });
        }
    }
    found
}

/// The words of a name, in lower case: `SiteLook`, `site_look` and `site-look` have the same.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in name.chars() {
        let begins = letter.is_uppercase() && was_lower;
        if begins || !letter.is_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphanumeric()) {
            word.extend(letter.to_lowercase());
        }
        was_lower = letter.is_lowercase() || letter.is_numeric();
    }
    words
}

/// The line that defines a name; the first if that is unknown.
fn line_of(kind: Kind, name: &str, text: &str) -> usize {
    let defined = text.lines().position(|line| {
        line.match_indices(name).any(|(at, _)| kind.defines(line.get(..at).unwrap_or_default()))
    });
    defined.map_or(1, |line| line + 1)
}

/// Collects the names of Rust items, and the routes where they are.
struct RustNames<'a> {
    names: &'a mut BTreeSet<(Kind, String)>,
    routes: bool,
}

impl RustNames<'_> {
    fn add(&mut self, kind: Kind, name: &syn::Ident) {
        self.names.insert((kind, name.to_string()));
    }
}

impl VisitMut for RustNames<'_> {
    fn visit_item_mut(&mut self, item: &mut syn::Item) {
        match item {
            syn::Item::Mod(item) => self.add(Kind::Module, &item.ident),
            syn::Item::Struct(item) => self.add(Kind::Type, &item.ident),
            syn::Item::Enum(item) => self.add(Kind::Type, &item.ident),
            syn::Item::Trait(item) => self.add(Kind::Type, &item.ident),
            syn::Item::Type(item) => self.add(Kind::Type, &item.ident),
            syn::Item::Union(item) => self.add(Kind::Type, &item.ident),
            _ => {}
        }
        visit_mut::visit_item_mut(self, item);
    }

    fn visit_variant_mut(&mut self, variant: &mut syn::Variant) {
        self.add(Kind::Type, &variant.ident);
        visit_mut::visit_variant_mut(self, variant);
    }

    fn visit_signature_mut(&mut self, signature: &mut syn::Signature) {
        self.add(Kind::Function, &signature.ident);
        visit_mut::visit_signature_mut(self, signature);
    }

    fn visit_field_mut(&mut self, field: &mut syn::Field) {
        if let Some(name) = field.ident.clone() {
            self.add(Kind::Field, &name);
        }
        visit_mut::visit_field_mut(self, field);
    }

    fn visit_lit_str_mut(&mut self, text: &mut syn::LitStr) {
        if self.routes && text.value().starts_with('/') {
            self.names.insert((Kind::Route, text.value()));
        }
    }
}

/// The classes that a style sheet names.
fn classes_of_style(text: &str) -> BTreeSet<String> {
    let parts = text.split("/*").map(|part| part.split_once("*/").map_or(part, |(_, rest)| rest));
    let text: String = parts.collect();
    let selectors =
        text.split('}').filter_map(|rule| rule.rsplit_once('{').map(|(selector, _)| selector));
    let named = selectors.flat_map(|selector| selector.split('.').skip(1));
    let is_of_name = |letter: &char| letter.is_alphanumeric() || "-_".contains(*letter);
    named.map(|class| class.chars().take_while(is_of_name).collect()).collect()
}

/// The classes that elements of pages are given as they stand in the source.
fn classes_of_views(text: &str) -> impl Iterator<Item = String> {
    let lists = text.split("class=\"").skip(1).filter_map(|rest| rest.split('"').next());
    lists.flat_map(str::split_whitespace).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str, text: &str) -> Vec<String> {
        let names = names(file, text).unwrap();
        violations(file, &names, text).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_term_has_kinds_and_a_replacement() {
        let lines = TERMS.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(Term::all().count(), lines);
        let kinds = ["all", "file", "module", "type", "function", "field", "class", "route"];
        for term in Term::all() {
            assert!(term.kinds.split(',').all(|kind| kinds.contains(&kind)), "{}", term.word);
            assert!(!term.replacement.is_empty(), "{}", term.word);
        }
    }

    #[test]
    fn a_violation_is_named_with_its_line_and_replacement() {
        let text =
            "struct Night {\n    last_deed: u8,\n}\nmod tests {\n    fn it_is_told() {}\n}\n";
        assert_eq!(
            found("app/src/night.rs", text),
            [
                "app/src/night.rs:5: the function it_is_told says \"told\": use reported",
                "app/src/night.rs:2: the field last_deed says \"deed\": use action",
            ]
        );
        assert_eq!(found("a.rs", "enum SiteLook { Seen }").len(), 2);
        assert_eq!(found("a.css", ".a.forged > b { margin: .5em } /* .kept */").len(), 1);
        assert_eq!(found("a.rs", "fn page() { view! { <a class=\"big who\"/> } }").len(), 1);
        assert_eq!(found(ROUTES, "fn all() { get(\"/nights/{date}/deeds\") }").len(), 1);
    }

    #[test]
    fn other_words_and_other_kinds_are_allowed() {
        let text = "struct Whole { elapsed: u8 }\nfn returns_whole_outlook(seen: Whole) {}\n";
        assert_eq!(found("server/src/a.rs", text), [""; 0]);
        assert_eq!(found("server/src/launch/gates.rs", "struct Gate;"), [""; 0]);
        assert_eq!(found("server/src/web/a.rs", "struct Gate;").len(), 1);
    }

    #[test]
    fn names_are_split_into_words() {
        for name in ["SiteLook", "site_look", "site-look", "site/look"] {
            assert_eq!(words(name), ["site", "look"]);
        }
    }
}
