//! Python literals, and JSON, which the braces of a `prov.log` record may hold.

mod number;
mod parser;

use std::fmt::{self, Write as _};

use parser::Parser;

pub use number::python_float;

/// A value of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `None`, `null`.
    None,
    /// `True`, `true`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number of more than 64 bits, in decimal digits.
    Big(String),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
    /// A list or tuple.
    List(Vec<Literal>),
    /// A dictionary.
    Dict(Dict),
}

/// A dictionary that keeps the order of its keys; a key that comes again replaces the value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dict(Vec<(String, Literal)>);

/// Why a text is not a literal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct LiteralError {
    /// The byte at which reading stopped, from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: &'static str,
}

impl Literal {
    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value as Python's `str()` prints it: a text without quotes.
    pub fn plain(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

impl From<&str> for Literal {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Literal {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Dict> for Literal {
    fn from(dict: Dict) -> Self {
        Self::Dict(dict)
    }
}

impl From<Option<String>> for Literal {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::None, Self::Text)
    }
}

impl Dict {
    /// Reads `{...}`, alone but for blanks around it.
    pub fn parse(text: &[u8]) -> Result<Self, LiteralError> {
        let mut parser = Parser { text, at: 0 };
        parser.blanks();
        if parser.peek() != Some(b'{') {
            return Err(parser.error("a record begins with '{'"));
        }
        let value = parser.dict(0)?;
        parser.blanks();
        if parser.at < text.len() {
            return Err(parser.error("the record ends before this"));
        }
        Ok(value)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Literal> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The text of a key that has one.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    /// Sets a key where it stands, or at the end.
    pub fn set(&mut self, key: &str, value: impl Into<Literal>) {
        let value = value.into();
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    /// The same with a key set, for building.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Literal>) -> Self {
        self.set(key, value);
        self
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Literal)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The same with every `None` a text: what reading it as YAML makes of it, which is how the
    /// original reads and then prints records.
    #[must_use]
    pub fn none_as_text(self) -> Self {
        let plain = |(key, value)| (key, none_as_text(value));
        Self(self.0.into_iter().map(plain).collect())
    }
}

fn none_as_text(value: Literal) -> Literal {
    match value {
        Literal::None => Literal::from("None"),
        Literal::List(items) => Literal::List(items.into_iter().map(none_as_text).collect()),
        Literal::Dict(dict) => Literal::Dict(dict.none_as_text()),
        other => other,
    }
}

impl fmt::Display for Dict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('{')?;
        for (index, (key, value)) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            quote(f, key)?;
            write!(f, ": {value}")?;
        }
        f.write_char('}')
    }
}

/// On one line, as a Python literal that YAML understands alike.
impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Big(digits) => f.write_str(digits),
            Self::Float(number) => f.write_str(&python_float(*number)),
            Self::Text(text) => quote(f, text),
            Self::List(items) => {
                f.write_char('[')?;
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_char(']')
            }
            Self::Dict(dict) => write!(f, "{dict}"),
        }
    }
}

/// In single quotes as Python does, or in double quotes with escapes that Python, YAML and JSON
/// share where single quotes would mean different things to them.
fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    if !text.chars().any(|c| c == '\'' || c == '\\' || must_escape(c)) {
        return write!(f, "'{text}'");
    }
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if must_escape(c) => write!(f, "\\u{:04x}", c as u32)?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

/// Characters that would break a line, or that YAML refuses unescaped.
fn must_escape(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Dict {
        Dict::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn python_and_json_read_alike() {
        let python =
            parse(r#"{'a': None, 'b': [True, 1.5, -2], 'c': "('glibc', '2.36')", 'd': {}}"#);
        let json = parse(r#"{"a":null,"b":[true,1.5,-2],"c":"('glibc', '2.36')","d":{}}"#);
        assert_eq!(python, json);
        assert_eq!(python.text("c"), Some("('glibc', '2.36')"));
        assert_eq!(
            parse(r"{'t': (1, 2,), 'u': 'a\'b\u00e9\ud83d\ude00'}").text("u"),
            Some("a'bé😀")
        );
        assert_eq!(parse("{'yaml': 'it''s', 'empty': ''}").text("yaml"), Some("it's"));
    }

    #[test]
    fn texts_are_quoted_so_that_python_yaml_and_json_agree() {
        let dict = Dict::default()
            .with("plain", "a \"b\"")
            .with("quote", "it's")
            .with("slash", "a\\b")
            .with("line", "a\nb\u{1}\u{2028}")
            .with("float", Literal::Float(1.5e-7))
            .with("big", Literal::Float(1.25e16));
        assert_eq!(
            dict.to_string(),
            "{'plain': 'a \"b\"', 'quote': \"it's\", 'slash': \"a\\\\b\", \
             'line': \"a\\nb\\u0001\\u2028\", 'float': 1.5e-07, 'big': 1.25e+16}"
        );
        assert_eq!(parse(&dict.to_string()), dict);
    }

    #[test]
    fn errors_say_where() {
        for (text, column) in [
            ("", 1),
            ("[1]", 1),
            ("{'a': }", 7),
            ("{'a' 1}", 6),
            ("{'a': 1", 8),
            ("{'a': 'b", 7),
            ("{'a': 1} x", 10),
            ("{'a': nope}", 7),
            ("{'a': '\\q'}", 8),
        ] {
            let error = Dict::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.column, column, "{text:?}: {error}");
        }
        let deep = format!("{{'a': {}", "[".repeat(100_000));
        assert_eq!(Dict::parse(deep.as_bytes()).unwrap_err().problem, "nested too deeply");
    }

    fn any_literal() -> impl Strategy<Value = Literal> {
        let leaf = prop_oneof![
            Just(Literal::None),
            any::<bool>().prop_map(Literal::Bool),
            any::<i64>().prop_map(Literal::Int),
            // Without a point in its mantissa it would be read as a text.
            (-1e300..1e300)
                .prop_filter("a point", |number| python_float(*number).contains('.'))
                .prop_map(Literal::Float),
            any::<i128>()
                .prop_filter("large", |number| i64::try_from(*number).is_err())
                .prop_map(|number| Literal::Big(number.to_string())),
            any::<String>().prop_map(Literal::Text),
            "[a'\"\\\\]{0,4}".prop_map(Literal::Text),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            let dict = proptest::collection::vec((any::<String>(), inner.clone()), 0..4);
            prop_oneof![
                proptest::collection::vec(inner, 0..4).prop_map(Literal::List),
                dict.prop_map(|items| {
                    items.into_iter().fold(Dict::default(), |d, (k, v)| d.with(&k, v)).into()
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(value in any_literal(), key in any::<String>()) {
            let dict = Dict::default().with(&key, value);
            let text = dict.to_string();
            prop_assert!(!text.contains(['\n', '\r']));
            prop_assert_eq!(parse(&text), dict);
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Dict::parse(&bytes);
            let _ = Dict::parse(&[b"{'a': ", bytes.as_slice()].concat());
        }

        #[test]
        fn no_brackets_make_the_parser_panic(text in r#"[\[\]{}(),:'"\\ux0-9.eE+-]{0,40}"#) {
            let _ = Dict::parse(text.as_bytes());
            let _ = Dict::parse(format!("{{'a': {text}").as_bytes());
        }
    }
}
