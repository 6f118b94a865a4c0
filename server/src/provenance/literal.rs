//! Python literals, and JSON, which the braces of a `prov.log` record may hold.

use std::fmt::{self, Write as _};

/// Deeper nesting than any record has; protects the stack.
const MAX_DEPTH: usize = 64;

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

/// A number as Python's `repr()` and `str()` print it: `1e-07`, `1.5e+16`, `nan`.
pub fn python_float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    // The same digits, and an exponent from the same magnitudes on; only that is written differently.
    let text = format!("{number:?}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
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

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

type Parsed<T> = Result<T, LiteralError>;

impl Parser<'_> {
    fn error(&self, problem: &'static str) -> LiteralError {
        LiteralError { column: self.at + 1, problem }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Parsed<Literal> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        self.blanks();
        match self.peek() {
            Some(b'{') => self.dict(depth).map(Literal::Dict),
            Some(b'[') => self.list(b']', depth).map(Literal::List),
            Some(b'(') => self.list(b')', depth).map(Literal::List),
            Some(b'\'' | b'"') => self.string().map(Literal::Text),
            Some(_) => self.word(),
            None => Err(self.error("the text ends where a value should be")),
        }
    }

    fn dict(&mut self, depth: usize) -> Parsed<Dict> {
        self.at += 1;
        let mut dict = Dict::default();
        loop {
            self.blanks();
            match self.peek() {
                Some(b'}') => {
                    self.at += 1;
                    return Ok(dict);
                }
                Some(b'\'' | b'"') => {}
                Some(_) => return Err(self.error("a key in quotes should be here")),
                None => return Err(self.error("the text ends inside '{'")),
            }
            let key = self.string()?;
            self.blanks();
            if self.peek() != Some(b':') {
                return Err(self.error("a ':' should be here"));
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            dict.set(&key, value);
            self.separator(b'}', "a ',' or '}' should be here")?;
        }
    }

    fn list(&mut self, end: u8, depth: usize) -> Parsed<Vec<Literal>> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.blanks();
            if self.peek() == Some(end) {
                self.at += 1;
                return Ok(items);
            }
            items.push(self.value(depth + 1)?);
            self.separator(end, "a ',' or the end of the list should be here")?;
        }
    }

    /// A comma, or the closing bracket, which is left for the caller.
    fn separator(&mut self, end: u8, problem: &'static str) -> Parsed<()> {
        self.blanks();
        match self.peek() {
            Some(b',') => self.at += 1,
            Some(byte) if byte == end => {}
            _ => return Err(self.error(problem)),
        }
        Ok(())
    }

    /// A string in either quotes; YAML's doubled single quote is one quote.
    fn string(&mut self) -> Parsed<String> {
        let quote = self.text[self.at];
        let start = self.at + 1;
        let stop = memchr::memchr2(quote, b'\\', &self.text[start..]);
        let Some(stop) = stop.map(|found| start + found) else {
            return Err(self.error("a quote without its end"));
        };
        let doubled = quote == b'\'' && self.text.get(stop + 1) == Some(&quote) && stop > start;
        if self.text[stop] == quote && !doubled {
            let text = std::str::from_utf8(&self.text[start..stop])
                .map_err(|_| self.error("a text that is not UTF-8"))?;
            self.at = stop + 1;
            return Ok(text.to_owned());
        }
        self.escaped_string(quote)
    }

    fn escaped_string(&mut self, quote: u8) -> Parsed<String> {
        let opened = self.error("a quote without its end");
        self.at += 1;
        let mut text = Vec::new();
        loop {
            match self.peek() {
                None => return Err(opened),
                Some(b'\\') => self.escape(&mut text)?,
                Some(byte) if byte == quote => {
                    self.at += 1;
                    if quote != b'\'' || self.peek() != Some(quote) {
                        break;
                    }
                    text.push(quote);
                    self.at += 1;
                }
                Some(byte) => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
        String::from_utf8(text)
            .map_err(|_| LiteralError { problem: "a text that is not UTF-8", ..opened })
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Parsed<()> {
        let Some(kind) = self.text.get(self.at + 1).copied() else {
            return Err(self.error("the text ends in an escape"));
        };
        let digits = match kind {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => 0,
        };
        if digits > 0 {
            let c = self.code_point(digits)?;
            text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(());
        }
        match kind {
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'a' => text.push(7),
            b'v' => text.push(11),
            b'0' => text.push(0),
            b'\\' | b'\'' | b'"' | b'/' => text.push(kind),
            _ => return Err(self.error("an unknown escape")),
        }
        self.at += 2;
        Ok(())
    }

    /// The character of `\xHH`, `\uHHHH` or `\UHHHHHHHH`; a pair of surrogates is one character.
    fn code_point(&mut self, digits: usize) -> Parsed<char> {
        let mut code = self.hex(digits)?;
        if (0xd800..0xdc00).contains(&code) && self.text[self.at..].starts_with(b"\\u") {
            let low = self.hex(4)?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err(self.error("half of a surrogate pair"));
            }
            code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        char::from_u32(code).ok_or_else(|| self.error("an escape that is no character"))
    }

    fn hex(&mut self, digits: usize) -> Parsed<u32> {
        let from = self.at + 2;
        let code = self
            .text
            .get(from..from + digits)
            .filter(|hex| hex.iter().all(u8::is_ascii_hexdigit))
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
            .ok_or_else(|| self.error("an escape without its hexadecimal digits"))?;
        self.at = from + digits;
        Ok(code)
    }

    /// `None`, `True`, a number and the like.
    fn word(&mut self) -> Parsed<Literal> {
        let rest = &self.text[self.at..];
        let good = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.' | b'_');
        let length = rest.iter().take_while(|byte| good(byte)).count();
        let word = std::str::from_utf8(&rest[..length]).unwrap_or_default();
        let value = match word {
            "None" | "null" => Literal::None,
            "True" | "true" => Literal::Bool(true),
            "False" | "false" => Literal::Bool(false),
            _ => number(word).ok_or_else(|| self.error("a value should be here"))?,
        };
        self.at += length;
        Ok(value)
    }
}

/// A number as YAML reads it, with which the original reads records: one that has an exponent and no
/// point (`1e-07`, as Python writes it), `inf` and `nan` are texts there.
fn number(word: &str) -> Option<Literal> {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    if ["inf", "nan", "Infinity", "NaN"].contains(&digits) {
        return Some(Literal::from(word));
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(word.parse().map_or_else(|_| Literal::Big(whole(word)), Literal::Int));
    }
    let number = word.parse().ok()?;
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let signed = exponent.is_none_or(|exponent| exponent.starts_with(['+', '-']));
    match mantissa.contains('.') && signed {
        true => Some(Literal::Float(number)),
        false => Some(Literal::from(word)),
    }
}

/// A whole number without a plus sign or leading zeros.
fn whole(word: &str) -> String {
    let (minus, digits) = match word.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", word.strip_prefix('+').unwrap_or(word)),
    };
    format!("{minus}{}", digits.trim_start_matches('0'))
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

    /// Each number of a record, as `str(yaml.safe_load(…))` prints it and as it stands in the dictionary
    /// that the original writes again (Python 3.11, PyYAML 6.0).
    #[test]
    fn numbers_are_those_that_the_original_makes_of_them() {
        for (read, text, written) in [
            ("12345678901234567890", "12345678901234567890", "12345678901234567890"),
            ("-9223372036854775809", "-9223372036854775809", "-9223372036854775809"),
            ("9223372036854775807", "9223372036854775807", "9223372036854775807"),
            ("1e-07", "1e-07", "'1e-07'"),
            ("1.5e-07", "1.5e-07", "1.5e-07"),
            ("1.0e-7", "1e-07", "1e-07"),
            ("1e+16", "1e+16", "'1e+16'"),
            ("1.0e+16", "1e+16", "1e+16"),
            ("1E5", "1E5", "'1E5'"),
            ("1.5e5", "1.5e5", "'1.5e5'"),
            ("1234567890123456.0", "1234567890123456.0", "1234567890123456.0"),
            ("0.0001", "0.0001", "0.0001"),
            ("0.00001", "1e-05", "1e-05"),
            ("1.5e+300", "1.5e+300", "1.5e+300"),
            ("1.0e+400", "inf", "inf"),
            ("-0.0", "-0.0", "-0.0"),
            ("+7", "7", "7"),
            ("nan", "nan", "'nan'"),
            ("inf", "inf", "'inf'"),
        ] {
            let dict = parse(&format!("{{'a': {read}}}"));
            assert_eq!(dict.get("a").unwrap().plain(), text, "{read}");
            assert_eq!(dict.to_string(), format!("{{'a': {written}}}"), "{read}");
        }
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
