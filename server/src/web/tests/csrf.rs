//! Requests that another site makes in somebody's name.

use super::super::rules::Rule;
use super::*;

/// What changes something.
fn changing(app: &TestApp) -> Vec<Rule> {
    let routes = table::routes(&app.state()).into_iter().chain(probes());
    routes.map(|route| route.rule).filter(|rule| !rule.verb.is_safe()).collect()
}

fn path(rule: &Rule) -> String {
    rule.path.replace("{name}", "victim")
}

/// Sends a form; what comes back is a problem document or a page, as the address has it.
async fn send(
    app: &TestApp,
    browser: &Browser<'_>,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = browser
        .request("POST", path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.answer(request.body(Body::from(body.to_owned())).unwrap()).await
}

async fn site() -> TestApp {
    let app = TestApp::new().await;
    app.user("admin", Role::Admin).await;
    app.user("victim", Role::Admin).await;
    app
}

const BODY: &str = "name=victim&role=viewer&password=long+enough+password&current=x&new=x&again=x&disabled=true\
                    &date=2024-11-28&what=launch&mark=mark&confirmed=true&note=1";

#[tokio::test]
async fn nothing_is_changed_without_the_secret_of_the_session() {
    let app = site().await;
    let browser = app.signed_in("admin").await;
    let foreign = app.signed_in("victim").await.get("/account").await.form_token();
    for rule in changing(&app) {
        for body in [
            BODY.to_owned(),
            format!("{BODY}&form_token="),
            format!("{BODY}&form_token=wrong"),
            format!("{BODY}&form_token={foreign}"),
        ] {
            let answer = send(&app, &browser, &path(&rule), &[], &body).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} {body}", rule.path);
        }
    }
    let users = app.store.users().await.unwrap();
    assert_eq!(users.len(), 2);
    assert!(users.iter().all(|user| user.role == Role::Admin && user.disabled.is_none()));
    assert!(app.store.tokens().await.unwrap().is_empty());
    assert!(app.actions.done.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_changed_for_another_site_even_with_the_secret() {
    let app = site().await;
    let mut browser = app.signed_in("admin").await;
    let token = browser.get("/account").await.form_token();
    let body = format!("{BODY}&form_token={token}");
    for rule in changing(&app) {
        for headers in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "null")],
            &[("origin", "https://osa.test")],
            &[("origin", "http://osa.test.evil.example")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site"), ("origin", "http://osa.test")],
        ] {
            let answer = send(&app, &browser, &path(&rule), headers, &body).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} {headers:?}", rule.path);
            assert!(answer.text.contains("another site"), "{}", answer.text);
        }
    }
    let users = app.store.users().await.unwrap();
    assert_eq!(users.len(), 2);
    assert!(users.iter().all(|user| user.role == Role::Admin && user.disabled.is_none()));
    assert!(app.actions.done.lock().unwrap().is_empty());
}

#[tokio::test]
async fn with_the_secret_in_a_field_or_a_header_it_is_done() {
    let app = site().await;
    let mut browser = app.signed_in("admin").await;
    let token = browser.get("/account").await.form_token();
    let done = browser.post_with("/probe", &token, &[]).await;
    assert_eq!((done.status, done.text.as_str()), (StatusCode::OK, "done by web:admin"));
    let header = [("x-form-token", token.as_str()), ("sec-fetch-site", "same-origin")];
    let done = send(&app, &browser, "/api/v1/probe", &header, "").await;
    assert_eq!((done.status, done.text.as_str()), (StatusCode::OK, "done by web:admin"));
    // JSON has no field for it.
    let request = browser.request("POST", "/api/v1/probe");
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let body = Body::from(format!("{{\"form_token\":\"{token}\"}}"));
    let answer = app.answer(request.body(body).unwrap()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn nobody_is_signed_in_by_another_site() {
    let app = site().await;
    let right = "name=admin&password=password+of+admin";
    let plain = send(&app, &app.browser(), api::SignIn::PATH, &[], right).await;
    assert_eq!(plain.status, StatusCode::FORBIDDEN);
    assert!(
        plain.text.contains("The form is out of date")
            || plain.text.contains("form is out of date")
    );
    let mut browser = app.browser();
    let token = browser.get("/sign-in").await.form_token();
    let body = format!("{right}&form_token={token}");
    // The form of one browser, sent by another.
    let other = send(&app, &app.browser(), api::SignIn::PATH, &[], &body).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
    let foreign = [("origin", "https://evil.example")];
    let foreign = send(&app, &browser, api::SignIn::PATH, &foreign, &body).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let own = [("origin", "http://osa.test")];
    let own = send(&app, &browser, api::SignIn::PATH, &own, &body).await;
    assert_eq!(own.status, StatusCode::OK);
}

#[tokio::test]
async fn a_form_that_is_too_large_is_not_read() {
    let app = site().await;
    let browser = app.signed_in("admin").await;
    let body = format!("name={}", "x".repeat(100_000));
    let answer = send(&app, &browser, api::AddUser::PATH, &[], &body).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}
