//! One `#SBATCH` line: its words, and the options they make.

/// An option and its value, by its long name.
pub(super) struct Setting {
    /// Long name, without the dashes.
    pub(super) name: String,
    /// Its value, unquoted.
    pub(super) value: String,
}

const SHORT: [(char, &str); 10] = [
    ('J', "job-name"),
    ('t', "time"),
    ('D', "chdir"),
    ('o', "output"),
    ('e', "error"),
    ('a', "array"),
    ('p', "partition"),
    ('c', "cpus-per-task"),
    ('A', "account"),
    ('d', "dependency"),
];

/// Reads `--name=value`, `--name value`, `-n value` and `-nvalue`.
pub(super) fn options(text: &str) -> Result<Vec<Setting>, String> {
    let mut words = words(text)?.into_iter();
    let mut options = Vec::new();
    while let Some(word) = words.next() {
        let (name, attached) = split(&word)?;
        let value = match attached {
            Some(value) => value,
            None => words.next().ok_or_else(|| format!("--{name} has no value"))?,
        };
        options.push(Setting { name, value });
    }
    Ok(options)
}

/// The option's long name, and its value if that is in the same word.
fn split(word: &str) -> Result<(String, Option<String>), String> {
    if let Some(long) = word.strip_prefix("--") {
        return Ok(match long.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (long.to_owned(), None),
        });
    }
    let mut letters = word.strip_prefix('-').unwrap_or("").chars();
    let Some(letter) = letters.next() else {
        return Err(format!(
            "{word:?} is not an option; a value with blanks needs quotes, a list no blanks"
        ));
    };
    let (_, name) = SHORT
        .iter()
        .find(|(short, _)| *short == letter)
        .ok_or_else(|| format!("-{letter} is not an option that job scripts here can use"))?;
    let rest = letters.as_str();
    Ok(((*name).to_owned(), (!rest.is_empty()).then(|| rest.to_owned())))
}

/// Splits at blanks; quotes and backslashes protect, an unprotected `#` ends the line.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut letters = text.chars();
    while let Some(c) = letters.next() {
        match (c, quote) {
            ('\\', _) => word.get_or_insert_default().extend(letters.next()),
            (c, Some(open)) if c == open => quote = None,
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('#', None) => break,
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    match quote {
        Some(open) => Err(format!("the quote {open} is not closed")),
        None => {
            words.extend(word);
            Ok(words)
        }
    }
}
