//! Notes about the data quality: made by whoever is signed in, withdrawn by who wrote them, kept.

use super::evidence::subrun_file;
use super::*;
use crate::model::NewNote;

/// The page of a run's figures, from which notes are made.
const BACK: &str = "nights/2024-11-28/runs/19102/datacheck?sheet=rates#notes";
const DATE: (&str, &str) = ("date", "2024-11-28");
const API: &str = "/api/v1/nights/2024-11-28/notes";

/// Where the form of the page [`BACK`] leads, as HTML writes it.
fn action_of<F: ServerFn>() -> String {
    app::form::action::<F>(BACK, None).replace('&', "&amp;")
}

async fn notes(app: &TestApp) -> Vec<serde_json::Value> {
    serde_json::from_str(&app.get(API).await.text).unwrap()
}

#[tokio::test]
async fn a_viewer_notes_what_they_saw_and_everybody_reads_it() {
    let app = TestApp::new().await.watching();
    subrun_file(&app);
    app.user("vera", Role::Viewer).await;
    let mut vera = app.signed_in("vera").await;
    let page = vera.get("/nights/2024-11-28/runs/19102/datacheck?sheet=rates").await;
    assert!(page.text.contains("Note that I have looked") && page.text.contains("Nobody yet."));
    assert!(page.text.contains(&format!("action=\"{}\"", action_of::<api::AddNote>())));
    let text = ("text", "  a <b>cloud</b>\r\nat 02:10 ");
    let fields = [DATE, ("run", "19102"), ("sheet", "rates"), text];
    let answer = vera.form::<api::AddNote>(BACK, &fields).await;
    assert_eq!(answer.location(), format!("/{BACK}"));
    let page = app.get("/nights/2024-11-28/runs/19102/datacheck").await.text;
    assert!(page.contains("a &lt;b&gt;cloud&lt;/b&gt;\nat 02:10"), "{page}");
    assert!(page.contains("Sign in") && !page.contains("Withdraw"));
    let [note] = &notes(&app).await[..] else { panic!("one note") };
    assert_eq!((&note["author"], &note["sheet"]), (&"web:vera".into(), &"rates".into()));
    let wait = async {
        // The night's page follows by itself.
        while !app.get("/nights/2024-11-28").await.text.contains("at 02:10") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap();
    assert!(app.get("/nights/2024-11-28").await.text.contains("title=\"1 note\""));
}

#[tokio::test]
async fn a_note_is_withdrawn_by_its_author_or_a_shifter_and_stays_on_record() {
    let app = TestApp::new().await;
    subrun_file(&app);
    for (name, role) in [("vera", Role::Viewer), ("victor", Role::Viewer), ("sue", Role::Shifter)] {
        app.user(name, role).await;
    }
    let mut vera = app.signed_in("vera").await;
    for _ in 0..2 {
        vera.form::<api::AddNote>(BACK, &[DATE, ("run", "19102"), ("text", "")]).await;
    }
    let all = notes(&app).await;
    let id = |note: &serde_json::Value| note["id"].to_string();
    let mut victor = app.signed_in("victor").await;
    let fields = [DATE, ("note", &id(&all[0]))];
    let answer = victor.call::<api::WithdrawNote>(&fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let page = victor.submit::<api::WithdrawNote>(BACK, &fields).await;
    assert!(page.text.contains("Only who wrote a note may withdraw it"), "{}", page.main());
    assert!(notes(&app).await[0]["withdrawn"].is_null());
    let page = vera.get("/nights/2024-11-28/runs/19102/datacheck").await.text;
    assert_eq!(page.matches(">Withdraw<").count(), 2);
    let mut sue = app.signed_in("sue").await;
    for (browser, note) in [(&mut vera, &all[0]), (&mut sue, &all[1])] {
        let answer = browser.form::<api::WithdrawNote>(BACK, &[DATE, ("note", &id(note))]).await;
        assert_eq!(answer.location(), format!("/{BACK}"));
    }
    let kept = notes(&app).await;
    let by = |place: usize| kept[place]["withdrawn"]["author"].clone();
    assert_eq!((by(0), by(1)), ("web:vera".into(), "web:sue".into()));
    let page = app.get("/nights/2024-11-28/runs/19102/datacheck").await.text;
    assert!(page.contains("Nobody yet."));
}

#[tokio::test]
async fn what_is_no_note_is_refused_and_nothing_is_stored() {
    let app = TestApp::new().await;
    subrun_file(&app);
    app.user("vera", Role::Viewer).await;
    let mut vera = app.signed_in("vera").await;
    let long = "x".repeat(NewNote::LONGEST + 1);
    type Fields<'a> = &'a [(&'a str, &'a str)];
    let wrong: [(Fields<'_>, StatusCode, &str); 5] = [
        (&[("text", &long)], StatusCode::BAD_REQUEST, "at most 2000 letters"),
        (&[("text", "a\u{7}")], StatusCode::BAD_REQUEST, "no control characters"),
        (&[("run", "19999")], StatusCode::NOT_FOUND, "has no run 19999"),
        (&[("run", "../x")], StatusCode::BAD_REQUEST, "cannot be read"),
        (&[("sheet", "none")], StatusCode::BAD_REQUEST, "no sheet of figures"),
    ];
    for (fields, status, told) in wrong {
        let fields: Vec<_> = fields.iter().copied().chain([DATE]).collect();
        let answer = vera.call::<api::AddNote>(&fields).await;
        assert_eq!(answer.status, status, "{told}");
        assert!(answer.text.contains(told), "{told}: {}", answer.text);
    }
    let unsigned =
        vera.post_with(api::AddNote::PATH, "not the secret", &[DATE, ("text", "forged")]).await;
    assert_eq!(unsigned.status, StatusCode::FORBIDDEN);
    let token = app.token("reader", Role::Viewer).await;
    let order = async |body: &str, token: Option<&str>| {
        let mut request = Request::post(API).header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        app.answer(request.body(Body::from(body.to_owned())).unwrap()).await
    };
    assert_eq!(order("{}", None).await.status, StatusCode::UNAUTHORIZED);
    let answer = order(r#"{"run": "x"}"#, Some(&token)).await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
    assert!(notes(&app).await.is_empty());
    let made = order(r#"{"run": 19102, "text": "seen"}"#, Some(&token)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(notes(&app).await[0]["author"], "token:reader");
}
