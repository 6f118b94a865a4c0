//! Hosts under which the server is known, and other sites that may read.

use super::*;

const ELSEWHERE: &str = "https://elsewhere.example";

async fn ask(app: &TestApp, verb: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(verb).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.answer(request.body(Body::empty()).unwrap()).await
}

fn allowed(answer: &Answer) -> &str {
    let origin = answer.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    origin.map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_request_for_an_unknown_host_is_refused_whatever_it_asks_for() {
    let app = TestApp::at("/osa").await;
    for path in ["/osa/", "/osa/nights/2024-11-28", "/osa/pkg/app.css", "/osa/api/v1/nights", "/"] {
        let refused = ask(&app, "GET", path, &[("host", "evil.example:8750")]).await;
        assert_eq!(refused.status, StatusCode::MISDIRECTED_REQUEST, "{path}");
        assert!(refused.text.contains("evil.example:8750"), "{}", refused.text);
        assert!(refused.text.contains("OSA_HOSTS") && refused.text.contains("OSA_ORIGIN"));
        let known = ask(&app, "GET", path, &[("host", "osa.test:1")]).await;
        assert_ne!(known.status, StatusCode::MISDIRECTED_REQUEST, "{path}");
    }
    let absolute = ask(&app, "GET", "http://evil.example/osa/", &[("host", "osa.test")]).await;
    assert_eq!(absolute.status, StatusCode::MISDIRECTED_REQUEST);
    // A stranger's word on what he was asked for does not count; that of a proxy is in `client.rs`.
    let forwarded = [("host", "osa.test"), ("x-forwarded-host", "evil.example")];
    assert_eq!(ask(&app, "GET", "/osa/", &forwarded).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_proxy_that_passes_on_an_unknown_host_is_refused() {
    let trust = |access: &mut AccessConfig| {
        access.trusted_proxies = vec!["0.0.0.0".parse().unwrap()];
    };
    let app = TestApp::with("", trust).await;
    let forwarded = [("host", "localhost:8750"), ("x-forwarded-host", "evil.example")];
    let refused = ask(&app, "GET", "/", &forwarded).await;
    assert_eq!(refused.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn scripts_of_any_site_may_read_with_a_token_and_only_with_one() {
    let app = TestApp::new().await;
    let token = format!("Bearer {}", app.token("export", Role::Viewer).await);
    let preflight = |wanted| {
        [
            ("origin", ELSEWHERE),
            ("access-control-request-method", "GET"),
            ("access-control-request-headers", wanted),
        ]
    };
    let before = ask(&app, "OPTIONS", "/api/v1/nights", &preflight("Accept, Authorization")).await;
    assert_eq!((before.status, allowed(&before)), (StatusCode::OK, "*"));
    let sent = before.headers[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
    assert!(sent.contains("authorization"), "{sent}");
    let with = [("origin", ELSEWHERE), ("authorization", token.as_str())];
    let with = ask(&app, "GET", "/api/v1/nights", &with).await;
    assert_eq!((with.status, allowed(&with)), (StatusCode::OK, "*"));
    assert_eq!(with.headers[header::ACCESS_CONTROL_EXPOSE_HEADERS], "etag, link");
    for answer in [
        ask(&app, "OPTIONS", "/api/v1/nights", &preflight("accept")).await,
        ask(&app, "GET", "/api/v1/nights", &[("origin", ELSEWHERE)]).await,
        ask(&app, "OPTIONS", "/users", &preflight("authorization")).await,
    ] {
        assert_eq!(allowed(&answer), "");
    }
}

#[tokio::test]
async fn scripts_of_a_listed_site_may_read_without_a_token() {
    let list = |access: &mut AccessConfig| access.cors_origins = vec![ELSEWHERE.to_owned()];
    let app = TestApp::with("", list).await;
    let read = ask(&app, "GET", "/api/v1/nights", &[("origin", ELSEWHERE)]).await;
    assert_eq!(allowed(&read), ELSEWHERE);
    assert!(read.headers[header::VARY].to_str().unwrap().contains("origin"));
    assert!(!read.headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    let other = ask(&app, "GET", "/api/v1/nights", &[("origin", "https://evil.example")]).await;
    assert_eq!(allowed(&other), "");
}

#[tokio::test]
async fn strict_transport_is_demanded_where_that_is_set_and_only_there() {
    let header = async |origin: &str, days: Option<u64>| {
        let set = |access: &mut AccessConfig| {
            access.origin = Some(origin.to_owned());
            access.hsts = days.map(|days| Duration::from_secs(days * 86_400));
        };
        let answer = TestApp::with("", set).await.get("/").await;
        let header = answer.headers.get(header::STRICT_TRANSPORT_SECURITY);
        header.map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(header("https://osa.test", None).await, None);
    assert_eq!(header("https://osa.test", Some(1)).await.as_deref(), Some("max-age=86400"));
    assert_eq!(header("http://osa.test", Some(1)).await, None);
}
