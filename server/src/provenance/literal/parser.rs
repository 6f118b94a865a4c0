//! The parser of literals.

use super::number::number;
use super::{Dict, Literal, LiteralError};

/// Deeper nesting than any record has; protects the stack.
const MAX_DEPTH: usize = 64;

/// Reads a text from its beginning on.
pub(super) struct Parser<'a> {
    pub(super) text: &'a [u8],
    /// Where it is, in bytes.
    pub(super) at: usize,
}

type Parsed<T> = Result<T, LiteralError>;

impl Parser<'_> {
    pub(super) fn error(&self, problem: &'static str) -> LiteralError {
        LiteralError { column: self.at + 1, problem }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn blanks(&mut self) {
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

    pub(super) fn dict(&mut self, depth: usize) -> Parsed<Dict> {
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
