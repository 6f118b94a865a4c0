//! Parameters of addresses that are no identifiers.

use super::*;

#[tokio::test]
async fn what_is_no_identifier_is_refused_with_what_would_be_right() {
    let app = TestApp::new().await;
    let night = "/api/v1/nights/2024-11-28";
    let date = "\"2024-11-31\" is not a date such as 2024-11-28";
    let run = "\"191o2\" is not a run number such as 19102";
    for (path, detail) in [
        ("/api/v1/nights/2024-11-31".to_owned(), date),
        ("/api/v1/nights/2024-11-31/blockers".to_owned(), date),
        ("/api/v1/nights/2024-11-31/events".to_owned(), date),
        ("/api/v1/nights/2024-11-31/runs/191o2".to_owned(), date),
        ("/api/v1/nights/2024-11-31/products".to_owned(), date),
        ("/api/v1/nights/2024-11-31/datacheck".to_owned(), date),
        (format!("{night}/runs/191o2"), run),
        (format!("{night}/runs/191o2/events"), run),
        (format!("{night}/runs/191o2/logs/a.log"), run),
        (format!("{night}/runs/191o2/datacheck"), run),
        (format!("{night}/runs/191o2/provenance"), run),
        ("/api/v1/runs/191o2/provenance".to_owned(), run),
        (
            format!("{night}/products/all/a"),
            "\"all\" is not a group of products: calibration, runs or longterm",
        ),
    ] {
        let answer = app.get(&path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json", "{path}");
        assert_eq!(answer.json()["detail"], detail, "{path}");
    }
    let utf8 = app.get("/api/v1/nights/%ff").await;
    assert_eq!(utf8.status, StatusCode::NOT_FOUND, "{}", utf8.text);
    let padded = app.get(&format!("{night}/runs/019102")).await;
    assert_eq!(padded.status, StatusCode::OK, "leading zeros are none of a run's number");
}
