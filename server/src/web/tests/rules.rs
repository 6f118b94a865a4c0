//! Who may ask for what: every address with everybody.

use super::super::page_path;
use super::super::rules::Rule;
use super::*;
use crate::config::Reading;

/// Somebody who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    Nobody,
    Session(Role),
    Token(Role),
}

fn askers() -> Vec<Asker> {
    let sessions = Role::ALL.map(Asker::Session);
    let tokens = Role::ALL.map(Asker::Token);
    [Asker::Nobody].into_iter().chain(sessions).chain(tokens).collect()
}

/// What a rule answers to somebody, as the table of the documentation says it, in words of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Through,
    SignIn,
    Unauthorized,
    Forbidden,
}

fn expected(rule: &Rule, asker: Asker, reading: Reading) -> Verdict {
    let least = match rule.needs {
        Needs::Nothing => return Verdict::Through,
        Needs::Browser if matches!(asker, Asker::Token(_)) => return Verdict::Forbidden,
        Needs::Browser => return Verdict::Through,
        Needs::Reading if reading == Reading::Open => return Verdict::Through,
        Needs::Reading => Role::Viewer,
        Needs::Role(role) | Needs::Session(role) => role,
    };
    match asker {
        Asker::Nobody if rule.path.starts_with("/api/") => Verdict::Unauthorized,
        Asker::Nobody => Verdict::SignIn,
        Asker::Token(_) if matches!(rule.needs, Needs::Session(_)) => Verdict::Forbidden,
        Asker::Session(role) | Asker::Token(role) if role < least => Verdict::Forbidden,
        Asker::Session(_) | Asker::Token(_) => Verdict::Through,
    }
}

fn verdict(answer: &Answer, rule: &Rule) -> Verdict {
    match answer.status {
        StatusCode::UNAUTHORIZED => Verdict::Unauthorized,
        StatusCode::FORBIDDEN => Verdict::Forbidden,
        StatusCode::SEE_OTHER
            if rule.path != "/sign-in" && answer.location().contains("/sign-in") =>
        {
            Verdict::SignIn
        }
        _ => Verdict::Through,
    }
}

/// An address with something for each parameter.
fn filled(path: &str) -> String {
    path.replace("{date}", "2024-11-28")
        .replace("{run}", "19102")
        .replace("{name}", "Run19102.0000_jobid_7.out")
        .replace("{group}", "longterm")
        .replace("{product}", "DL1_datacheck_20241128.html")
        .replace("{note}", "999999")
        .replace("{sheet}", "rates")
        .replace("{figure}", "ucts.svg")
        .replace("{*rest}", "none")
}

/// The rules of everything that is served.
fn rules(app: &TestApp) -> Vec<Rule> {
    let state = app.state();
    table::routes(&state).into_iter().chain(probes()).map(|route| route.rule).collect()
}

/// The status and the headers; what follows may never end.
async fn head(app: &TestApp, request: Request<Body>) -> Answer {
    let response = app.ask(request).await;
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, text: String::new() }
}

/// Asks as somebody does, with a form of the page's own where something is changed.
async fn ask(app: &TestApp, rule: &Rule, path: &str, asker: Asker) -> Answer {
    let mut browser = match asker {
        // Anew for each, since some of what is asked signs out.
        Asker::Session(role) => app.signed_in(role.as_str()).await,
        Asker::Nobody | Asker::Token(_) => app.browser(),
    };
    let mut fields = vec![];
    if rule.verb == axum::http::Method::POST {
        let page = if asker == Asker::Nobody { "/sign-in" } else { "/account" };
        fields.push(("form_token", browser.get(page).await.form_token()));
        fields.push(("name", "x".to_owned()));
    }
    let mut request = browser
        .request(rule.verb.as_str(), path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Asker::Token(role) = asker {
        let token = app.token(&format!("of-{role}"), role).await;
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let body = serde_urlencoded::to_string(fields).unwrap();
    head(app, request.body(Body::from(body)).unwrap()).await
}

#[test]
fn the_table_of_rules_is_as_it_was_reviewed() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lines = runtime.block_on(async {
        let state = TestApp::new().await.state();
        let rules = table::routes(&state).into_iter().map(|route| route.rule);
        rules.map(|r| format!("{:4} {} {:?}", r.verb.as_str(), r.path, r.needs)).collect::<Vec<_>>()
    });
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test]
async fn every_address_answers_everybody_as_its_rule_says() {
    for reading in [Reading::Open, Reading::SignedIn] {
        let app = TestApp::with("", |access| access.reading = reading).await;
        for role in Role::ALL {
            app.user(role.as_str(), role).await;
        }
        // So that none of them is the last whose role is taken away.
        app.user("other-admin", Role::Admin).await;
        for rule in rules(&app) {
            for asker in askers() {
                let path = filled(rule.path);
                let answer = ask(&app, &rule, &path, asker).await;
                let (is, should) = (verdict(&answer, &rule), expected(&rule, asker, reading));
                assert_eq!(
                    is, should,
                    "{reading:?} {} {path} {asker:?}: {}",
                    rule.verb, answer.status
                );
                assert_ne!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
            }
        }
    }
}

#[tokio::test]
async fn every_page_of_the_program_is_in_the_table() {
    let app = TestApp::new().await;
    let served: Vec<_> = rules(&app).iter().map(|rule| rule.path).collect();
    let pages = leptos_axum::generate_route_list(app::App);
    assert!(pages.len() > 5);
    for page in pages.iter().map(page_path) {
        assert!(served.contains(&page.as_str()), "{page} has no rule");
    }
}

#[tokio::test]
async fn no_detour_leads_around_the_rules() {
    let app = TestApp::with("", |access| access.reading = Reading::SignedIn).await;
    app.user("admin", Role::Admin).await;
    app.log("Run19102.0000_jobid_7.out", "secret of the night");
    for rule in rules(&app).iter().filter(|rule| rule.needs != Needs::Browser) {
        let path = filled(rule.path);
        for detour in [
            format!("{path}/"),
            format!("/{path}"),
            format!("/.{path}"),
            format!("/x/..{path}"),
            format!("/%2e{path}"),
            format!("/sign-in/..{path}"),
            format!("{path}%2f"),
            path.to_uppercase(),
            path.replacen('/', "/%2f", 1),
        ] {
            let Ok(request) = app.browser().request("GET", &detour).body(Body::empty()) else {
                continue;
            };
            let answer = app.answer(request).await;
            for inside in ["BL Lac", "secret of the night", "19102.0002", "Who may sign in"] {
                assert!(!answer.text.contains(inside), "{detour}: {inside}");
            }
        }
    }
}

#[tokio::test]
async fn no_parameter_of_any_address_leaves_its_directory() {
    let app = TestApp::new().await;
    app.user("admin", Role::Admin).await;
    app.user("other-admin", Role::Admin).await;
    let secret = app.dir.path().join("secret");
    std::fs::write(&secret, "the secret itself").unwrap();
    let mut browser = app.signed_in("admin").await;
    let token = browser.get("/account").await.form_token();
    let wrong = [
        "..",
        "%2e%2e",
        "..%2f..%2fsecret",
        "..%5c..%5csecret",
        "%2fetc%2fpasswd",
        "....%2f%2fsecret",
        "%00",
        "2024-11-28%00",
        "2024-11-28%2f..%2f..%2fsecret",
        "-1",
        "%0a",
        "--help",
        "$(id)",
        "%25%32%65",
        "'%20OR%201=1--",
        "a%20b",
        "%ff",
    ];
    for rule in rules(&app).iter().filter(|rule| rule.path.contains('{')) {
        for (place, _) in rule.path.match_indices('{') {
            let end = place + rule.path[place..].find('}').unwrap() + 1;
            for value in wrong {
                let path = filled(&rule.path[..place]) + value + &filled(&rule.path[end..]);
                let Ok(request) = browser.request(rule.verb.as_str(), &path).body(Body::empty())
                else {
                    continue;
                };
                let answer = match rule.verb == axum::http::Method::POST {
                    true => browser.post_with(&path, &token, &[("role", "viewer")]).await,
                    // No stream of news begins for what is not there.
                    false => app.answer(request).await,
                };
                let found = answer.status == StatusCode::OK;
                // A name in a form's address is looked up and not there, which the page says.
                let said = answer.text.contains("role=\"alert\"");
                let detour = value == ".." || value == "%2e%2e";
                assert!(!found || said || detour, "{} {path}: {}", rule.verb, answer.status);
                assert!(
                    !answer.status.is_server_error(),
                    "{} {path}: {}",
                    rule.verb,
                    answer.status
                );
                for inside in ["the secret itself", "root:x:"] {
                    assert!(!answer.text.contains(inside), "{path}");
                }
            }
        }
    }
}

#[tokio::test]
async fn another_verb_is_refused() {
    let app = TestApp::new().await;
    for rule in rules(&app) {
        for verb in ["PUT", "DELETE", "PATCH", "TRACE"] {
            let request = app.browser().request(verb, &filled(rule.path)).body(Body::empty());
            let answer = app.answer(request.unwrap()).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{verb} {}", rule.path);
        }
    }
}
