//! Server functions: all of them have a rule, and forms that call them lead to pages of ours only.

use leptos::server_fn::axum::server_fn_paths;

use super::*;

#[tokio::test]
async fn every_server_function_of_the_program_is_in_the_table() {
    let state = TestApp::new().await.state();
    let rules = table::routes(&state).into_iter().map(|route| route.rule);
    let mut ruled: Vec<_> = rules
        .filter(table::Rule::is_server_function)
        .map(|rule| (rule.path.to_owned(), rule.verb.to_string()))
        .collect();
    let mut linked: Vec<_> =
        server_fn_paths().map(|(path, verb)| (path.to_owned(), verb.to_string())).collect();
    ruled.sort();
    linked.sort();
    assert!(linked.len() > 10, "{linked:?}");
    assert_eq!(ruled, linked);
}

#[tokio::test]
async fn a_form_leads_back_within_the_site_whatever_it_asks_for() {
    let app = TestApp::at("/osa").await;
    for (to, expected) in [
        ("account", "/osa/account?result="),
        ("//evil.example", "/osa/"),
        ("https://evil.example", "/osa/https://evil.example?result="),
        ("\\evil.example", "/osa/"),
        ("a\r\nset-cookie: x", "/osa/"),
    ] {
        let mut browser = app.browser();
        let token = browser.get("/osa/sign-in").await.form_token();
        let query = serde_urlencoded::to_string([("back", to), ("then", to)]).unwrap();
        let path = format!("/osa{}?{query}", api::SignIn::PATH);
        let answer = browser.post_with(&path, &token, &[("name", "x"), ("password", "y")]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert!(answer.location().starts_with(expected), "{to}: {}", answer.location());
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    }
}

#[tokio::test]
async fn the_result_of_a_form_is_shown_once_and_only_to_its_sender() {
    let app = TestApp::new().await;
    app.user("jane", Role::Viewer).await;
    let mut jane = app.signed_in("jane").await;
    let fields = [("name", "robot"), ("role", "viewer")];
    let to = jane.form::<api::CreateToken>("account", &fields).await.location().to_owned();
    let secret = "class=\"secret\"";
    let mut other = app.signed_in("jane").await;
    assert!(!other.get(&to).await.text.contains(secret), "another session");
    assert!(jane.get(&to).await.text.contains(secret));
    assert!(!jane.get(&to).await.text.contains(secret));
    // Before there is a session, it belongs to the browser.
    let mut stranger = app.browser();
    let to = stranger.sign_in("jane", "wrong").await.location().to_owned();
    assert!(!app.browser().get(&to).await.text.contains("role=\"alert\""));
    let page = stranger.get(&to).await;
    assert!(page.text.contains("The name or the password is not right."), "{}", page.main());
    assert!(page.text.contains("value=\"jane\"") && !page.text.contains("wrong"));
    assert!(!page.text.contains("class=\"account\""), "no way to sign in but the form itself");
}

#[tokio::test]
async fn a_refusal_is_a_page_for_a_form_and_a_problem_for_a_script() {
    let app = TestApp::new().await;
    app.user("vera", Role::Viewer).await;
    let mut vera = app.signed_in("vera").await;
    let fields = [("date", "2024-11-28"), ("what", "launch"), ("mark", FakeActions::MARK)];
    let answer = vera.call::<api::ExecuteAction>(&fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
    let token = vera.token().await;
    let answer = vera.post_with(api::ExecuteAction::PATH, &token, &fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.main().contains("This needs a shifter."), "{}", answer.main());
    let mut nobody = app.browser();
    let token = nobody.token().await;
    let answer = nobody.post_with(api::ExecuteAction::PATH, &token, &fields).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/sign-in"));
    let mut nobody = app.browser();
    let answer = nobody.call::<api::ExecuteAction>(&fields).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(app.actions.done.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_shifter_plans_by_a_script() {
    let app = TestApp::new().await;
    app.user("sue", Role::Shifter).await;
    let mut sue = app.signed_in("sue").await;
    let path = format!("{}?date=2024-11-28&what=veto&run=19102", api::PlanAction::PATH);
    let plan = sue.get(&path).await;
    assert_eq!(plan.status, StatusCode::OK, "{}", plan.text);
    assert_eq!(plan.json()["mark"], FakeActions::MARK);
    assert!(!plan.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
}
