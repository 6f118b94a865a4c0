//! INI as Python's `configparser` reads it, with its default settings and keys without value.
//!
//! The rules that files rely on: comments are whole lines only; the first `=` or `:` ends the key;
//! keys are lower-cased, sections are not; a line indented deeper than its key goes on with the
//! value, and blank lines inside it are kept; sections and keys come once; `[DEFAULT]` lends its
//! keys to all sections; `%(key)s` is filled in when a value is asked for, never before, so that a
//! section with other percent signs harms nobody who does not read it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::ConfigError;
use super::interpolation::{self, Problem};

const DEFAULT: &str = "DEFAULT";

/// A parsed file: sections, keys and raw values, with interpolation on reading.
#[derive(Clone, Debug)]
pub struct Ini {
    file: PathBuf,
    defaults: Section,
    sections: Vec<Section>,
}

#[derive(Clone, Debug, Default)]
struct Section {
    name: String,
    /// The line of its header, from 1.
    line: usize,
    entries: Vec<Entry>,
    index: HashMap<String, usize>,
}

#[derive(Clone, Debug)]
struct Entry {
    key: String,
    /// The key in the letters of the file.
    written: String,
    line: usize,
    value: Option<String>,
}

impl Section {
    fn begun(name: &str, line: usize) -> Self {
        Self { name: name.to_owned(), line, ..Self::default() }
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        self.index.get(key).map(|&at| &self.entries[at])
    }
}

impl Ini {
    /// Parses `text`, which came from `file` (named in errors).
    ///
    /// # Errors
    /// [`ConfigError::Syntax`] with the line: a line before the first section, a key without a
    /// name, a section or key that is there twice, an indented line after a key without value.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        Reader::new(file).read(text)
    }

    /// The interpolated value; `None` if the section or key is missing, or has no value, or an
    /// empty one. Lines of a value are joined by `\n`.
    ///
    /// # Errors
    /// [`ConfigError::Key`] if a `%` in the value is not `%%` or `%(key)s`, or names a key that
    /// does not exist, has no value, or leads back to itself.
    pub fn get(&self, section: &str, key: &str) -> Result<Option<String>, ConfigError> {
        let key = key.to_lowercase();
        let Some(entry) = self.entry(section, &key) else { return Ok(None) };
        let Some(raw) = entry.value.as_deref() else { return Ok(None) };
        let lookup = |name: &str| self.entry(section, name).map(|found| found.value.as_deref());
        let value = interpolation::expand(&key, raw, &lookup)
            .map_err(|Problem { key: at, text }| self.key_error(section, &at, text))?;
        Ok(Some(value).filter(|value| !value.is_empty()))
    }

    /// The value as written, before interpolation; `None` if there is none.
    pub fn raw(&self, section: &str, key: &str) -> Option<&str> {
        self.entry(section, &key.to_lowercase())?.value.as_deref()
    }

    /// The file that this came from.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The sections in the order of the file, without `DEFAULT`.
    pub fn sections(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|section| section.name.as_str())
    }

    /// Whether there is such a section.
    pub fn has_section(&self, section: &str) -> bool {
        section == DEFAULT || self.sections().any(|name| name == section)
    }

    /// The keys of a section, lower-cased, in the order of the file; without those that it
    /// borrows from `DEFAULT`.
    pub fn keys(&self, section: &str) -> impl Iterator<Item = &str> {
        let entries = self.section(section).map_or(&[][..], |found| &found.entries);
        entries.iter().map(|entry| entry.key.as_str())
    }

    /// A key in the letters of the file.
    pub fn written(&self, section: &str, key: &str) -> Option<&str> {
        self.entry(section, &key.to_lowercase()).map(|entry| entry.written.as_str())
    }

    /// Line of a key, from 1; that in `DEFAULT` if the section itself has none.
    pub fn line(&self, section: &str, key: &str) -> Option<usize> {
        self.entry(section, &key.to_lowercase()).map(|entry| entry.line)
    }

    /// An error about a key, naming file and line: the section's if the key is missing.
    pub fn key_error(&self, section: &str, key: &str, problem: impl Into<String>) -> ConfigError {
        let header = || self.section(section).map(|section| section.line);
        ConfigError::Key {
            file: self.file.clone(),
            line: self.line(section, key).or_else(header),
            section: section.to_owned(),
            key: self.written(section, key).unwrap_or(key).to_owned(),
            problem: problem.into(),
        }
    }

    fn section(&self, name: &str) -> Option<&Section> {
        if name == DEFAULT {
            return Some(&self.defaults);
        }
        self.sections.iter().find(|section| section.name == name)
    }

    /// `key` must be lower-case.
    fn entry(&self, section: &str, key: &str) -> Option<&Entry> {
        let section = self.section(section)?;
        section.entry(key).or_else(|| self.defaults.entry(key))
    }
}

/// Where the reader is: nowhere, in `DEFAULT`, or in a section.
#[derive(Clone, Copy)]
enum Place {
    Nowhere,
    Defaults,
    Section(usize),
}

struct Reader<'a> {
    file: &'a Path,
    ini: Ini,
    names: HashMap<String, usize>,
    place: Place,
    /// Whether a key has been read in this section: only then can a value go on.
    has_key: bool,
    /// Indentation, in characters, of the line that began the key.
    indent: usize,
}

impl<'a> Reader<'a> {
    fn new(file: &'a Path) -> Self {
        let ini = Ini {
            file: file.to_owned(),
            defaults: Section::begun(DEFAULT, 1),
            sections: Vec::new(),
        };
        let names = HashMap::new();
        Self { file, ini, names, place: Place::Nowhere, has_key: false, indent: 0 }
    }

    fn read(mut self, text: &str) -> Result<Ini, ConfigError> {
        for (number, line) in lines(text).enumerate() {
            self.line(number + 1, line)?;
        }
        let Ini { defaults, sections, .. } = &mut self.ini;
        for section in std::iter::once(defaults).chain(sections) {
            for value in section.entries.iter_mut().filter_map(|entry| entry.value.as_mut()) {
                value.truncate(value.trim_end_matches(is_space).len());
            }
        }
        Ok(self.ini)
    }

    fn line(&mut self, number: usize, line: &str) -> Result<(), ConfigError> {
        let text = line.trim_matches(is_space);
        if text.starts_with(['#', ';']) {
            return Ok(());
        }
        let key_indent = self.indent;
        let open = self.open_entry();
        if text.is_empty() {
            if let Some(Entry { value: Some(value), .. }) = open {
                value.push('\n');
            }
            return Ok(());
        }
        let indent = line.chars().take_while(|&c| is_space(c)).count();
        if let (Some(entry), true) = (open, indent > key_indent) {
            let key = entry.key.clone();
            let Some(value) = entry.value.as_mut() else {
                let problem = format!(
                    "an indented line goes on with a value, but the key {key} above has none; \
                     write '{key}:' or begin this line without blanks"
                );
                return Err(self.error(number, problem));
            };
            value.push('\n');
            value.push_str(text);
            return Ok(());
        }
        self.indent = indent;
        match header(text) {
            Some(name) => self.begin_section(number, name),
            None => self.begin_key(number, text),
        }
    }

    /// The key whose value the next line may go on with: the last one of this section.
    fn open_entry(&mut self) -> Option<&mut Entry> {
        if !self.has_key {
            return None;
        }
        match self.place {
            Place::Nowhere => None,
            Place::Defaults => self.ini.defaults.entries.last_mut(),
            Place::Section(at) => self.ini.sections.get_mut(at)?.entries.last_mut(),
        }
    }

    fn begin_section(&mut self, number: usize, name: &str) -> Result<(), ConfigError> {
        self.has_key = false;
        if name == DEFAULT {
            self.place = Place::Defaults;
            return Ok(());
        }
        let at = self.ini.sections.len();
        if self.names.insert(name.to_owned(), at).is_some() {
            let problem = format!("section [{name}] is there twice; make one of the two");
            return Err(self.error(number, problem));
        }
        self.ini.sections.push(Section::begun(name, number));
        self.place = Place::Section(at);
        Ok(())
    }

    fn begin_key(&mut self, number: usize, text: &str) -> Result<(), ConfigError> {
        let (key, value) = match text.find(['=', ':']) {
            Some(at) => (&text[..at], Some(text[at + 1..].trim_matches(is_space).to_owned())),
            None => (text, None),
        };
        let written = key.trim_end_matches(is_space).to_owned();
        let key = written.to_lowercase();
        let section = match self.place {
            Place::Nowhere => {
                let problem = "there is no section yet; begin with a line such as [LST1]".into();
                return Err(self.error(number, problem));
            }
            Place::Defaults => &mut self.ini.defaults,
            Place::Section(at) => &mut self.ini.sections[at],
        };
        if key.is_empty() {
            let problem = "there is no key before the '=' or ':'".into();
            return Err(self.error(number, problem));
        }
        let at = section.entries.len();
        if let Some(first) = section.index.insert(key.clone(), at) {
            let first = section.entries[first].line;
            let problem =
                format!("the key {key} is in line {first} already; remove one of the two");
            return Err(self.error(number, problem));
        }
        section.entries.push(Entry { key, written, line: number, value });
        self.has_key = true;
        Ok(())
    }

    fn error(&self, line: usize, problem: String) -> ConfigError {
        ConfigError::Syntax { file: self.file.to_owned(), line, problem }
    }
}

/// The section's name if the line is a header: from the `[` to the last `]`, whatever follows.
fn header(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('[')?;
    rest.rfind(']').map(|end| &rest[..end]).filter(|name| !name.is_empty())
}

/// Lines as Python reads a text file: ended by `\n`, `\r\n` or `\r`.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text).filter(|text| !text.is_empty());
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\n', '\r']) else {
            rest = None;
            return Some(text);
        };
        let width = if text[end..].starts_with("\r\n") { 2 } else { 1 };
        rest = Some(&text[end + width..]).filter(|text| !text.is_empty());
        Some(&text[..end])
    })
}

/// White space in Python's sense: Unicode's, and four old separators.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

#[cfg(test)]
mod tests;
