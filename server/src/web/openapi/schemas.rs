//! What requests and answers look like: JSON Schemas (draft 2020-12, as OpenAPI 3.1 has it), made of
//! the very types that they are written from and read into.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

/// A type's schema.
pub type Shape = fn(&mut SchemaGenerator) -> Schema;

/// The schema of a type.
pub fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Schemas as they are collected for a document.
pub struct Schemas {
    answers: SchemaGenerator,
    requests: SchemaGenerator,
}

impl Schemas {
    /// None yet.
    pub fn new() -> Self {
        let answers = SchemaSettings::draft2020_12().for_serialize();
        let answers = answers.with(|own| own.definitions_path = "/components/schemas".into());
        // What may be left out of a request is always there in an answer: their types are distinguished.
        let requests = SchemaSettings::draft2020_12().for_deserialize();
        let requests = requests.with(|own| own.inline_subschemas = true);
        Self { answers: answers.into_generator(), requests: requests.into_generator() }
    }

    /// What an answer looks like.
    pub fn answer(&mut self, shape: Shape) -> Value {
        finish_schema(shape(&mut self.answers).to_value())
    }

    /// What a request may look like.
    pub fn request(&mut self, shape: Shape) -> Value {
        finish_schema(shape(&mut self.requests).to_value())
    }

    /// The schemas that answers refer to, by name.
    pub fn named(mut self) -> Map<String, Value> {
        let named = self.answers.take_definitions(true).into_iter();
        named.map(|(name, schema)| (name, finish_schema(schema))).collect()
    }
}

/// A schema whose descriptions, which are those of our types, speak to people who do not read Rust.
fn finish_schema(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                *value = match value.take() {
                    Value::String(text) if name == "description" => Value::String(
                        text.replace("`None`", "`null`").replace("[`", "`").replace("`]", "`"),
                    ),
                    other => finish_schema(other),
                };
            }
        }
        Value::Array(values) => {
            for value in values {
                *value = finish_schema(value.take());
            }
        }
        _ => {}
    }
    schema
}
