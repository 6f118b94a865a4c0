//! The interface for programs, described: as OpenAPI 3.1 (<https://spec.openapis.org/oas/v3.1.0>), made of
//! the table of rules and of what [`operations`] says of each address. A test fails where an address has
//! no description, or a description no address.

mod operations;
mod schemas;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Map, Value, json};

use crate::model::{ApiOperation, ApiParameter, Role};

use super::WebState;
use super::cached::{self, Form};
use super::problem::Problem;
use super::rules::{self, Needs, Rule};
use schemas::Schemas;

pub use operations::{OPERATIONS, Operation, path_parameter};

/// Suffixes of addresses that are there in several forms.
const SUFFIXES: [(&str, Form); 6] = [
    (".json", Form::Json),
    (".provn", Form::Provn),
    (".ttl", Form::Turtle),
    (".jsonld", Form::JsonLd),
    (".svg", Form::Svg),
    (".pdf", Form::Pdf),
];

/// What is said of an address, and the one form in which it answers if its suffix says so.
pub fn described(rule: &Rule) -> Option<(&'static Operation, Option<Form>)> {
    let find = |path: &str| {
        OPERATIONS.iter().find(|one| one.path == path && one.verb == rule.verb.as_str())
    };
    find(rule.path).map(|one| (one, None)).or_else(|| {
        SUFFIXES
            .iter()
            .find_map(|(suffix, form)| Some((find(rule.path.strip_suffix(suffix)?)?, Some(*form))))
    })
}

/// Names of the parameters in a path.
pub fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next())
}

/// The operations as the page shows them.
pub fn operations() -> Vec<ApiOperation> {
    let show = |one: &Operation| {
        let in_path = names(one.path).map(|name| {
            let (description, example) = path_parameter(name);
            ApiParameter {
                name: name.to_owned(),
                in_path: true,
                description: description.to_owned(),
                example: example.to_owned(),
            }
        });
        let in_query = one.query.iter().map(|(name, description, example)| ApiParameter {
            name: (*name).to_owned(),
            in_path: false,
            description: (*description).to_owned(),
            example: (*example).to_owned(),
        });
        ApiOperation {
            verb: one.verb.to_owned(),
            path: one.path.to_owned(),
            summary: one.summary.to_owned(),
            parameters: in_path.chain(in_query).collect(),
            answers: one.answers.iter().map(|answer| (*answer).to_owned()).collect(),
            can_be_tried: one.verb == "GET",
        }
    };
    OPERATIONS.iter().map(show).collect()
}

/// The document.
fn document(rules: &[Rule], prefix: &str) -> Value {
    let (mut paths, mut schemas) = (Map::new(), Schemas::new());
    for rule in rules {
        if let Some((operation, form)) = described(rule) {
            let path = paths.entry(rule.path).or_insert_with(|| json!({}));
            path[rule.verb.as_str().to_ascii_lowercase()] =
                one(rule, operation, form, &mut schemas);
        }
    }
    let mut named = schemas.named();
    named.insert("Problem".to_owned(), problem());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "osa: on-site analysis of LST-1",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Nights, runs, data quality and provenance as data.",
        },
        "servers": [{ "url": if prefix.is_empty() { "/" } else { prefix } }],
        "security": [{}, { "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": named,
        },
    })
}

fn problem() -> Value {
    json!({
        "description": "What went wrong, as RFC 9457 has it.",
        "type": "object",
        "required": ["title", "status", "detail"],
        "properties": {
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "hint": {
                "type": "string",
                "description": "What to do about it, where somebody can do something.",
            },
        },
    })
}

fn one(rule: &Rule, operation: &Operation, form: Option<Form>, schemas: &mut Schemas) -> Value {
    let in_path = names(rule.path).map(|name| {
        let (description, example) = path_parameter(name);
        json!({
            "name": name, "in": "path", "required": true, "description": description,
            "example": example, "schema": { "type": "string" },
        })
    });
    let in_query = operation.query.iter().map(|(name, description, example)| {
        json!({
            "name": name, "in": "query", "description": description, "example": example,
            "schema": { "type": "string" },
        })
    });
    let media: Vec<&str> = match form {
        Some(form) => vec![form.media_type()],
        None => operation.answers.to_vec(),
    };
    let mut content = Map::new();
    for media in media.into_iter().map(plain) {
        let shape = operation.shape.filter(|_| media == "application/json");
        let told = shape.map_or(json!({}), |shape| json!({ "schema": schemas.answer(shape) }));
        content.insert(media.to_owned(), told);
    }
    let problem = json!({
        "description": "What went wrong, and what to do.",
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    });
    let mut described = json!({
        "summary": operation.summary,
        "description": format!("Who may: {}.", allowed(rule.needs)),
        "parameters": in_path.chain(in_query).collect::<Vec<_>>(),
        "responses": { "default": problem },
    });
    // What is ordered may be done, begun or new: each has its number.
    let good = if rule.verb == Method::POST { "2XX" } else { "200" };
    described["responses"][good] = json!({ "description": "The answer.", "content": content });
    if operation.also_failing {
        described["responses"]["503"] =
            json!({ "description": "The same, of what does not work.", "content": content });
    }
    if let Some(body) = operation.body {
        let content = json!({ "application/json": { "schema": schemas.request(body) } });
        described["requestBody"] = json!({ "required": true, "content": content });
    }
    described
}

/// A media type without its parameters.
fn plain(media: &str) -> &str {
    media.split(';').next().unwrap_or(media)
}

fn allowed(needs: Needs) -> &'static str {
    match needs {
        Needs::Nothing | Needs::Browser => "everybody",
        Needs::Reading => "everybody, or whoever is signed in, as the site has set it",
        Needs::Role(Role::Viewer) | Needs::Session(Role::Viewer) => "viewers and above",
        Needs::Role(Role::Shifter) | Needs::Session(Role::Shifter) => "shifters and above",
        Needs::Role(Role::Admin) | Needs::Session(Role::Admin) => "administrators",
    }
}

/// `GET /api/v1/openapi.json`
pub async fn send(State(state): State<WebState>, headers: HeaderMap) -> Response {
    let rules: Vec<_> = rules::routes(&state).into_iter().map(|route| route.rule).collect();
    let text = format!("{:#}\n", document(&rules, &state.prefix));
    cached::answer(&headers, Form::Json, text.into_bytes())
}

/// `GET /api/try?address=…`: leads from the page's form to the address that it describes.
pub async fn attempt(
    State(state): State<WebState>,
    Query(fields): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let find = |name: &str| fields.iter().find(|(other, _)| other == name).map(|(_, value)| value);
    let address = find("address").map(String::as_str).unwrap_or_default();
    let operation = OPERATIONS.iter().find(|one| one.verb == "GET" && one.path == address);
    let Some(operation) = operation else {
        return Err(Problem::not_found(format!("there is no address {address:?} to try")));
    };
    let mut path = operation.path.to_owned();
    for name in names(operation.path) {
        let value = find(name).map(String::as_str).unwrap_or_default();
        if value.is_empty() {
            return Err(Problem::bad_request(format!("the parameter {name} is missing")));
        }
        // A value is one part of the path, whatever is in it.
        let value = app::links::quoted(value).replace('/', "%2F");
        path = path.replace(&format!("{{{name}}}"), &value);
    }
    let query = operation.query.iter().filter_map(|(name, ..)| {
        let value = find(name).filter(|value| !value.is_empty())?;
        Some(format!("{name}={}", app::links::quoted(value)))
    });
    let query = query.collect::<Vec<_>>().join("&");
    let mark = if query.is_empty() { "" } else { "?" };
    Ok(Redirect::to(&format!("{}{path}{mark}{query}", state.prefix)).into_response())
}
