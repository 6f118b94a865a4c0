//! Notes about the data quality: made by whoever is signed in, withdrawn by who wrote them, kept.

use super::evidence::subrun_file;
use super::*;
use crate::model::NewNote;

const NOTES: &str = "/nights/2024-11-28/notes";
const API: &str = "/api/v1/nights/2024-11-28/notes";

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
    let fields = [("run", "19102"), ("sheet", "rates"), ("text", "  a <b>cloud</b>\r\nat 02:10 ")];
    let answer = vera.post(NOTES, &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(answer.location(), "/nights/2024-11-28/runs/19102/datacheck?sheet=rates#notes");
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
async fn a_note_is_withdrawn_by_its_author_or_a_shifter_and_kept() {
    let app = TestApp::new().await;
    subrun_file(&app);
    for (name, role) in [("vera", Role::Viewer), ("victor", Role::Viewer), ("sue", Role::Shifter)] {
        app.user(name, role).await;
    }
    let mut vera = app.signed_in("vera").await;
    for _ in 0..2 {
        vera.post(NOTES, &[("run", "19102"), ("text", "")]).await;
    }
    let all = notes(&app).await;
    let withdraw = |note: &serde_json::Value| format!("{NOTES}/{}/withdraw", note["id"]);
    let mut victor = app.signed_in("victor").await;
    let answer = victor.post(&withdraw(&all[0]), &[]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text.contains("Only who wrote a note may withdraw it"), "{}", answer.main());
    assert!(notes(&app).await[0]["withdrawn"].is_null());
    let page = vera.get("/nights/2024-11-28/runs/19102/datacheck").await.text;
    assert_eq!(page.matches("/withdraw\"").count(), 2);
    let mut sue = app.signed_in("sue").await;
    for (browser, note) in [(&mut vera, &all[0]), (&mut sue, &all[1])] {
        let answer = browser.post(&withdraw(note), &[]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        assert_eq!(answer.location(), "/nights/2024-11-28/runs/19102/datacheck#notes");
    }
    let kept = notes(&app).await;
    let by = |place: usize| kept[place]["withdrawn"]["author"].clone();
    assert_eq!((by(0), by(1)), ("web:vera".into(), "web:sue".into()));
    let page = app.get("/nights/2024-11-28/runs/19102/datacheck").await.text;
    assert!(page.contains("Nobody yet."));
}

#[tokio::test]
async fn what_is_no_note_is_refused_and_nothing_is_kept() {
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
        (&[("run", "../x")], StatusCode::NOT_FOUND, "../x"),
        (&[("sheet", "none")], StatusCode::BAD_REQUEST, "no sheet of figures"),
    ];
    for (fields, status, told) in wrong {
        let answer = vera.post(NOTES, fields).await;
        assert_eq!(answer.status, status, "{told}");
        assert!(answer.text.contains(told), "{told}: {}", answer.main());
    }
    let forged = vera.post_with(NOTES, "not the secret", &[("text", "forged")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
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
