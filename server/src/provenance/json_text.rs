//! JSON with its order kept, and the place of a value in the text.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, MapAccess, SeqAccess, Visitor};

/// A JSON value; objects keep their order, and a key that comes twice is there twice.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A whole number of 64 bits, with or without a sign.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Int(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            object.push(entry);
        }
        Ok(Json::Object(object))
    }
}

/// The line, from 1, of the value that `path` leads to (keys, or indices as text), or of the last
/// step that can be found. `text` must be valid JSON.
pub fn line_of(text: &str, path: &[String]) -> usize {
    let mut walker = Walker { text: text.as_bytes(), at: 0 };
    for step in path {
        let before = walker.at;
        if !walker.enter(step) {
            walker.at = before;
            break;
        }
    }
    walker.blanks();
    1 + text.as_bytes().iter().take(walker.at).filter(|byte| **byte == b'\n').count()
}

struct Walker<'a> {
    text: &'a [u8],
    at: usize,
}

impl Walker<'_> {
    fn peek(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn blanks(&mut self) {
        while self.peek().is_ascii_whitespace() {
            self.at += 1;
        }
    }

    /// Moves to the value of a key or index; `false` if there is none.
    fn enter(&mut self, step: &str) -> bool {
        self.blanks();
        let open = self.peek();
        if open != b'{' && open != b'[' {
            return false;
        }
        self.at += 1;
        let mut index = 0;
        loop {
            self.blanks();
            match self.peek() {
                b',' => self.at += 1,
                b'}' | b']' | 0 => return false,
                _ if open == b'[' => {
                    if index.to_string() == step {
                        return true;
                    }
                    index += 1;
                    self.skip();
                }
                _ => {
                    let start = self.at;
                    self.skip();
                    let key = self.text.get(start..self.at).unwrap_or_default();
                    self.blanks();
                    self.at += 1;
                    let key = serde_json::from_slice::<String>(key);
                    if key.is_ok_and(|key| key == step) {
                        self.at = start;
                        self.skip();
                        self.blanks();
                        self.at += 1;
                        return true;
                    }
                    self.skip();
                }
            }
        }
    }

    /// Moves past a value.
    fn skip(&mut self) {
        self.blanks();
        let mut depth = 0usize;
        loop {
            match self.peek() {
                0 => return,
                b'"' => self.string(),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth == 0 => return,
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' | b':' if depth == 0 => return,
                b if b.is_ascii_whitespace() && depth == 0 => return,
                _ => self.at += 1,
            }
            let scalar_goes_on = !matches!(self.text.get(self.at - 1), Some(b'"' | b'}' | b']'));
            if depth == 0 && !scalar_goes_on {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.at += 1;
        while self.peek() != b'"' && self.at < self.text.len() {
            self.at += if self.peek() == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_preserved_and_places_are_found() {
        let text =
            "{\n \"b\": {\"x\": [1,\n 2.5, \"a]\\\"\"]},\n \"a\\u0062\": null, \"c\":\n true}";
        let json: Json = serde_json::from_str(text).unwrap();
        let Json::Object(entries) = &json else { panic!() };
        assert_eq!(entries.iter().map(|e| e.0.as_str()).collect::<Vec<_>>(), ["b", "ab", "c"]);
        let line =
            |path: &[&str]| line_of(text, &path.iter().map(|&s| s.to_owned()).collect::<Vec<_>>());
        assert_eq!(line(&[]), 1);
        assert_eq!(line(&["b", "x", "0"]), 2);
        assert_eq!(line(&["b", "x", "1"]), 3);
        assert_eq!(line(&["b", "x", "2"]), 3);
        assert_eq!(line(&["b", "nope"]), 2);
        assert_eq!(line(&["ab"]), 4);
        assert_eq!(line(&["c"]), 5);
    }
}
