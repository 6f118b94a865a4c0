//! Programs with tokens.

use super::*;

async fn with(app: &TestApp, token: &str, verb: &str, path: &str) -> Answer {
    let request = Request::builder().method(verb).uri(path);
    let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    app.answer(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_token_does_what_its_role_may_and_needs_no_form() {
    let app = TestApp::new().await;
    let (viewer, shifter) =
        (app.token("export", Role::Viewer).await, app.token("robot", Role::Shifter).await);
    let me = with(&app, &viewer, "GET", "/api/v1/me").await.json();
    assert_eq!(me, serde_json::json!({ "name": "export", "role": "viewer", "by": "token" }));
    assert_eq!(with(&app, &viewer, "POST", "/api/v1/probe").await.status, StatusCode::FORBIDDEN);
    let done = with(&app, &shifter, "POST", "/api/v1/probe").await;
    assert_eq!((done.status, done.text.as_str()), (StatusCode::OK, "done by token:robot"));
    let tokens = app.store.tokens().await.unwrap();
    assert!(tokens.iter().all(|token| token.used.is_some()));
}

#[tokio::test]
async fn a_token_that_is_void_is_not_even_let_read() {
    let app = TestApp::new().await;
    let token = app.token("export", Role::Viewer).await;
    for wrong in ["", "osa_", "nonsense", &token[..46], &format!("{token}x")] {
        let answer = with(&app, wrong, "GET", "/api/v1/nights").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{wrong}");
    }
    assert_eq!(with(&app, &token, "GET", "/api/v1/nights").await.status, StatusCode::OK);
    let name = "export".parse().unwrap();
    people::revoke_token(&app.store, &name, None, Utc::now()).await.unwrap();
    assert_eq!(with(&app, &token, "GET", "/api/v1/nights").await.status, StatusCode::UNAUTHORIZED);

    let now = *app.time.lock().unwrap();
    let expires = Some(now + TimeDelta::days(1));
    let brief = people::add_token(&app.store, &name, Role::Viewer, None, expires, now).await;
    let brief = brief.unwrap();
    let status = async || with(&app, brief.reveal(), "GET", "/api/v1/me").await.status;
    assert_eq!(status().await, StatusCode::OK);
    app.wait(TimeDelta::days(1));
    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn with_a_token_cookies_do_not_count() {
    let app = TestApp::new().await;
    app.user("admin", Role::Admin).await;
    let token = app.token("export", Role::Viewer).await;
    let browser = app.signed_in("admin").await;
    for path in ["/users", "/account"] {
        let request = browser.request("GET", path);
        let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        let answer = app.answer(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    let request = browser.request("GET", "/users").header(header::AUTHORIZATION, "Bearer wrong");
    let answer = app.answer(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    // A password that a proxy asks for is not ours to judge.
    let request = browser.request("GET", "/users").header(header::AUTHORIZATION, "Basic YTpi");
    assert_eq!(app.answer(request.body(Body::empty()).unwrap()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_of_somebodys_does_no_more_than_they() {
    let app = TestApp::new().await;
    app.user("jane", Role::Shifter).await;
    app.user("bob", Role::Shifter).await;
    let mut jane = app.signed_in("jane").await;
    let fields = [("name", "x"), ("role", "admin")];
    let more = jane.submit::<api::CreateToken>("account", &fields).await;
    assert!(more.text.contains("A token of yours may do no more than you."));
    let fields = [("name", "robot"), ("role", "shifter")];
    let page = jane.submit::<api::CreateToken>("account", &fields).await;
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
    let secret = page.text.split("class=\"secret\">").nth(1).unwrap().split('<').next().unwrap();
    assert!(!jane.get("/account").await.text.contains(secret), "it is shown once");
    let done = with(&app, secret, "POST", "/api/v1/probe").await;
    assert_eq!(done.text, "done by web:jane/robot");
    people::set_role(&app.store, &"jane".parse().unwrap(), Role::Viewer).await.unwrap();
    assert_eq!(with(&app, secret, "POST", "/api/v1/probe").await.status, StatusCode::FORBIDDEN);
    people::set_role(&app.store, &"jane".parse().unwrap(), Role::Shifter).await.unwrap();
    let disabled = Some(Utc::now());
    people::set_disabled(&app.store, &"jane".parse().unwrap(), disabled).await.unwrap();
    assert_eq!(with(&app, secret, "GET", "/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
    people::set_disabled(&app.store, &"jane".parse().unwrap(), None).await.unwrap();
    assert_eq!(with(&app, secret, "GET", "/api/v1/me").await.status, StatusCode::OK);

    let mut bob = app.signed_in("bob").await;
    let foreign = bob.submit::<api::RevokeToken>("account", &[("name", "robot")]).await;
    assert!(foreign.text.contains("There is no token robot in force."));
    assert_eq!(with(&app, secret, "GET", "/api/v1/me").await.status, StatusCode::OK);
    let mut jane = app.signed_in("jane").await;
    let own = jane.submit::<api::RevokeToken>("account", &[("name", "robot")]).await;
    assert!(own.text.contains("Token robot is revoked."));
    assert_eq!(with(&app, secret, "GET", "/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
}
