//! The configuration as it takes effect, for people to look at.

use super::Ini;
use super::load::DEFAULTS;

/// A key and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveKey {
    /// Its section.
    pub section: String,
    /// Its name.
    pub key: String,
    /// Its value; `None` if it has none.
    pub value: Option<String>,
    /// Its line in the file; `None` if the value is a default.
    pub line: Option<usize>,
}

pub(super) fn keys(ini: &Ini) -> Vec<EffectiveKey> {
    let mut sections: Vec<&str> = ini.sections().collect();
    for (section, _, _) in DEFAULTS {
        if !sections.contains(&section) {
            sections.push(section);
        }
    }
    sections.into_iter().flat_map(|section| of_section(ini, section)).collect()
}

fn of_section(ini: &Ini, section: &str) -> Vec<EffectiveKey> {
    let default = |key: &str| {
        let mut known = DEFAULTS.into_iter();
        known.find(|(s, k, _)| *s == section && k.eq_ignore_ascii_case(key)).map(|(_, _, v)| v)
    };
    let mut keys = Vec::new();
    for key in ini.keys(section) {
        let value = ini.get(section, key).unwrap_or_else(|_| ini.raw(section, key).map(Into::into));
        let replaced = value.is_none().then(|| default(key)).flatten();
        keys.push(EffectiveKey {
            section: section.to_owned(),
            key: ini.written(section, key).unwrap_or(key).to_owned(),
            line: ini.line(section, key).filter(|_| replaced.is_none()),
            value: value.or_else(|| replaced.map(Into::into)),
        });
    }
    for (_, key, value) in DEFAULTS.into_iter().filter(|(name, ..)| *name == section) {
        if ini.line(section, key).is_none() {
            let (section, key) = (section.to_owned(), key.to_owned());
            keys.push(EffectiveKey { section, key, value: Some(value.to_owned()), line: None });
        }
    }
    keys
}
