//! The texts of settings, from `osa.toml` and the environment, each with its place.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::ConfigError;
use super::server::{KEYS, Origin};

/// What is set, and where.
pub(super) struct Sources {
    /// The file, absolute; `None` if there is none.
    pub file: Option<PathBuf>,
    settings: BTreeMap<&'static str, Setting>,
}

struct Setting {
    texts: Vec<String>,
    origin: Origin,
}

impl Sources {
    pub fn read(
        file: Option<&Path>,
        environment: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConfigError> {
        let mut sources = Self { file: None, settings: BTreeMap::new() };
        if let Some(file) = file {
            let wrap = |cause| ConfigError::Settings { file: file.to_owned(), cause };
            let file = std::path::absolute(file).map_err(wrap)?;
            let text = crate::input_file::read_toml(&file).map_err(wrap)?;
            sources.settings = parse(&text, &file)?;
            sources.file = Some(file);
        }
        for (key, variable) in KEYS {
            let Some(value) = environment(variable) else { continue };
            // An empty variable is as good as none, but an empty prefix is a prefix.
            if value.is_empty() && key != "prefix" {
                continue;
            }
            let text = value.into_string().map_err(|_| ConfigError::Variable {
                name: variable.into(),
                problem: "is no text (UTF-8)".into(),
            })?;
            let texts = match key {
                "job_path" => text.split(':').map(str::to_owned).collect(),
                "trusted_proxies" | "hosts" | "cors_origins" => {
                    text.split(',').map(|one| one.trim().to_owned()).collect()
                }
                _ => vec![text],
            };
            let origin = Origin::Variable(variable);
            sources.settings.insert(key, Setting { texts, origin });
        }
        Ok(sources)
    }

    pub fn origin(&self, key: &str) -> Origin {
        self.settings.get(key).map(|setting| setting.origin.clone()).unwrap_or_default()
    }

    /// The value of `key`, read by `parse`; `None` if it is not set.
    pub fn value<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(setting) = self.settings.get(key) else { return Ok(None) };
        let parsed = match setting.texts.as_slice() {
            [text] => parse(text),
            _ => Err("is a list; write one value".into()),
        };
        parsed.map(Some).map_err(|problem| setting.error(key, problem))
    }

    /// The values of a list, each read by `parse`; none if it is not set.
    pub fn values<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, ConfigError> {
        let Some(setting) = self.settings.get(key) else { return Ok(Vec::new()) };
        let values: Result<_, _> = setting.texts.iter().map(|text| parse(text)).collect();
        values.map_err(|problem| setting.error(key, problem))
    }

    /// A file or directory; one in the file is relative to the file's directory, one in a variable
    /// to the working directory.
    pub fn path(&self, key: &str) -> Result<Option<PathBuf>, ConfigError> {
        self.value(key, |text| self.resolve(key, text))
    }

    /// Several directories, none of which may hold a colon.
    pub fn paths(&self, key: &str) -> Result<Vec<PathBuf>, ConfigError> {
        let Some(setting) = self.settings.get(key) else { return Ok(Vec::new()) };
        let one = |text: &String| {
            let path = self.resolve(key, text)?;
            if path.to_string_lossy().contains(':') {
                let path = path.display();
                return Err(format!("{path} holds a colon, which delimits directories in a PATH"));
            }
            Ok(path)
        };
        let paths: Result<_, _> = setting.texts.iter().map(one).collect();
        paths.map_err(|problem| setting.error(key, problem))
    }

    fn resolve(&self, key: &str, text: &str) -> Result<PathBuf, String> {
        if text.is_empty() {
            return Err("is empty; name a path or leave the setting out".into());
        }
        let path = match (&self.file, self.origin(key)) {
            (Some(file), Origin::File { .. }) => file.parent().map(|dir| dir.join(text)),
            _ => None,
        };
        let path = path.unwrap_or_else(|| text.into());
        std::path::absolute(&path).map_err(|cause| format!("{}: {cause}", path.display()))
    }
}

impl Setting {
    fn error(&self, key: &str, problem: String) -> ConfigError {
        match &self.origin {
            Origin::File { file, line } => ConfigError::Syntax {
                file: file.clone(),
                line: *line,
                problem: format!("{key}: {problem}"),
            },
            Origin::Variable(name) => ConfigError::Variable { name: (*name).into(), problem },
            Origin::Default | Origin::Option => ConfigError::Variable { name: key.into(), problem },
        }
    }
}

fn parse(text: &str, file: &Path) -> Result<BTreeMap<&'static str, Setting>, ConfigError> {
    let line = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    let error =
        |at, problem| ConfigError::Syntax { file: file.to_owned(), line: line(at), problem };
    let table = DeTable::parse(text).map_err(|cause| {
        error(cause.span().map_or(0, |span| span.start), cause.message().to_owned())
    })?;
    let mut settings = BTreeMap::new();
    for (name, value) in table.get_ref() {
        let at = name.span().start;
        let Some((key, _)) = KEYS.into_iter().find(|(key, _)| key == name.get_ref()) else {
            let known = KEYS.map(|(key, _)| key).join(", ");
            let problem = format!("there is no setting {}; there are {known}", name.get_ref());
            return Err(error(at, problem));
        };
        let texts = texts(value.get_ref())
            .ok_or_else(|| error(at, format!("{key}: the value is of the wrong kind")))?;
        let origin = Origin::File { file: file.to_owned(), line: line(at) };
        settings.insert(key, Setting { texts, origin });
    }
    Ok(settings)
}

fn texts(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::Array(values) => {
            values.iter().map(|value| value.get_ref().as_str().map(str::to_owned)).collect()
        }
        DeValue::String(text) => Some(vec![text.to_string()]),
        DeValue::Integer(number) => Some(vec![number.as_str().to_owned()]),
        DeValue::Float(number) => Some(vec![number.as_str().to_owned()]),
        DeValue::Boolean(value) => Some(vec![value.to_string()]),
        DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}
