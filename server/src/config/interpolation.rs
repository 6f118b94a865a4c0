//! `%(key)s` in values, as Python's basic interpolation fills them in.

/// How deep references may be nested; Python's limit.
const DEPTH: usize = 10;

/// How many references a single value may take in all, and how long it may become, in bytes: far
/// more than any real file needs, and an end to those that double at every level.
const REFERENCES: usize = 10_000;
const LENGTH: usize = 1 << 20;

/// Why a value cannot be filled in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// The key whose text is wrong: not always the one that was asked for.
    pub key: String,
    /// What is wrong with it, and what to do.
    pub text: String,
}

/// Fills in the references of `raw`, the value of `key`.
///
/// `lookup` takes a key in lower case and gives its raw value: `None` if there is no such key,
/// `Some(None)` if it has no value.
pub(super) fn expand<'a>(
    key: &'a str,
    raw: &'a str,
    lookup: &dyn Fn(&str) -> Option<Option<&'a str>>,
) -> Result<String, Problem> {
    let mut expansion = Expansion { lookup, out: String::new(), path: vec![key.into()], count: 0 };
    expansion.fill(raw)?;
    Ok(expansion.out)
}

struct Expansion<'a, 'b> {
    lookup: &'b dyn Fn(&str) -> Option<Option<&'a str>>,
    out: String,
    /// The keys from the one asked for to the one being filled in.
    path: Vec<String>,
    count: usize,
}

impl Expansion<'_, '_> {
    fn fill(&mut self, mut rest: &str) -> Result<(), Problem> {
        while let Some(at) = rest.find('%') {
            self.push(&rest[..at])?;
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('%') {
                self.push("%")?;
                rest = after;
                continue;
            }
            let Some((name, after)) = reference(rest) else {
                let shown: String = rest.chars().take(20).collect();
                return Err(self.problem(format!(
                    "'%{shown}' is neither '%%' nor a reference such as '%(BASE)s'; write '%%' \
                     for a percent sign"
                )));
            };
            self.refer(name)?;
            rest = after;
        }
        self.push(rest)
    }

    fn refer(&mut self, name: &str) -> Result<(), Problem> {
        self.count += 1;
        if self.count > REFERENCES {
            return Err(self.problem(format!("takes more than {REFERENCES} references")));
        }
        let key = name.to_lowercase();
        let value = match (self.lookup)(&key) {
            Some(Some(value)) => value,
            Some(None) => {
                let text = format!("refers to %({name})s, which has no value; give it one");
                return Err(self.problem(text));
            }
            None => {
                return Err(self.problem(format!(
                    "refers to %({name})s, which is neither in this section nor in [DEFAULT]"
                )));
            }
        };
        if !value.contains('%') {
            return self.push(value);
        }
        if self.path.contains(&key) {
            let path = self.path.join(" -> ");
            return Err(self.problem(format!("refers to itself: {path} -> {key}")));
        }
        if self.path.len() == DEPTH {
            let text = format!("%({name})s: references are nested deeper than {DEPTH}");
            return Err(self.problem(text));
        }
        self.path.push(key);
        self.fill(value)?;
        self.path.pop();
        Ok(())
    }

    fn push(&mut self, text: &str) -> Result<(), Problem> {
        if self.out.len() + text.len() > LENGTH {
            return Err(self.problem(format!("is longer than {LENGTH} bytes when filled in")));
        }
        self.out.push_str(text);
        Ok(())
    }

    fn problem(&self, text: String) -> Problem {
        Problem { key: self.path.last().cloned().unwrap_or_default(), text }
    }
}

/// The name in `(name)s` and what follows.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.strip_prefix('(')?.split_once(')')?;
    Some((name, after.strip_prefix('s')?)).filter(|(name, _)| !name.is_empty())
}
