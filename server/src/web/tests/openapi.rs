//! The interface for programs, described.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::openapi::{OPERATIONS, described, names, path_parameter};
use super::super::rules::{self, Rule};
use super::*;

fn api_rules(app: &TestApp) -> Vec<Rule> {
    let rules = rules::routes(&app.state()).into_iter().map(|route| route.rule);
    rules.filter(|rule| rule.path.starts_with("/api/v1/")).collect()
}

#[tokio::test]
async fn every_address_is_described_and_every_description_has_an_address() {
    let app = TestApp::new().await;
    let rules = api_rules(&app);
    let silent: Vec<_> = rules.iter().filter(|rule| described(rule).is_none()).collect();
    assert!(silent.is_empty(), "nothing is said of {silent:?}");
    let there: BTreeSet<_> = rules.iter().map(|rule| (rule.verb.as_str(), rule.path)).collect();
    let gone: Vec<_> = OPERATIONS
        .iter()
        .map(|one| (one.verb, one.path))
        .filter(|one| !there.contains(one))
        .collect();
    assert!(gone.is_empty(), "there is no {gone:?}");
    for name in OPERATIONS.iter().flat_map(|one| names(one.path)) {
        assert!(!path_parameter(name).0.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn the_document_is_as_it_was_reviewed() {
    let app = TestApp::new().await;
    let answer = app.get("/api/v1/openapi.json").await;
    assert_eq!(answer.status, StatusCode::OK);
    let mut document: Value = serde_json::from_str(&answer.text).unwrap();
    document["info"]["version"] = "VERSION".into();
    insta::assert_snapshot!(format!("{document:#}"));
}

#[tokio::test]
async fn every_json_of_ours_has_a_schema_and_every_reference_leads_somewhere() {
    // What others have described: OpenAPI itself, and PROV-JSON.
    let others = |path: &str| path.ends_with("openapi.json") || path.ends_with("/provenance");
    for one in OPERATIONS.iter().filter(|one| one.answers.contains(&"application/json")) {
        assert_eq!(one.shape.is_none(), others(one.path), "{}", one.path);
    }
    let app = TestApp::new().await;
    let text = app.get("/api/v1/openapi.json").await.text;
    let document: Value = serde_json::from_str(&text).unwrap();
    let references: BTreeSet<&str> =
        text.split("\"$ref\": \"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(references.len() > 50, "{references:?}");
    for reference in references {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn the_page_leads_to_what_it_describes_and_nowhere_else() {
    let app = TestApp::new().await;
    let page = app.get("/api").await;
    assert_eq!(page.status, StatusCode::OK);
    for one in OPERATIONS {
        assert!(page.text.contains(one.path), "{}", one.path);
    }
    for (fields, to) in [
        ("address=/api/v1/nights", "/api/v1/nights"),
        (
            "address=/api/v1/nights/{date}/runs/{run}/provenance&date=2024-11-28&run=19102&filter=",
            "/api/v1/nights/2024-11-28/runs/19102/provenance",
        ),
        (
            "address=/api/v1/provenance&path=/a%20b%26c&depth=2&other=x",
            "/api/v1/provenance?path=/a%20b%26c&depth=2",
        ),
        ("address=/api/v1/nights/{date}&date=../x", "/api/v1/nights/..%2Fx"),
    ] {
        let answer =
            app.get(&format!("/api/try?{}", fields.replace('{', "%7B").replace('}', "%7D"))).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, to), "{fields}");
    }
    for (fields, status) in [
        ("address=https://elsewhere.example/", StatusCode::NOT_FOUND),
        ("", StatusCode::NOT_FOUND),
        ("address=/api/v1/nights/%7Bdate%7D", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(app.get(&format!("/api/try?{fields}")).await.status, status, "{fields}");
    }
}
