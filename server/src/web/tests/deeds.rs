//! Deeds in the browser and through the interface: shown, confirmed, done once, and signed.

use super::*;
use crate::model::Deed;

const DO: &str = "/nights/2024-11-28/do";

fn fields<'a>(deed: &'a Deed, mark: &'a str, sure: &'a str) -> Vec<(String, String)> {
    let mut fields = deed.fields();
    fields.push(("mark".into(), mark.into()));
    fields.push(("sure".into(), sure.into()));
    fields
}

fn plain(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

impl TestApp {
    fn done(&self) -> Vec<(Deed, String)> {
        self.deeds.done.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_plan_is_shown_confirmed_and_carried_out_under_the_shifters_name() {
    let app = TestApp::new().await;
    app.user("sue", Role::Shifter).await;
    let mut sue = app.signed_in("sue").await;
    let page = sue.get(&format!("{DO}?what=launch")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("submit &lt;LST1_19102&gt;"), "{}", page.main());
    insta::assert_snapshot!(page.main().replace(&page.form_token(), "TOKEN"));

    let unread = fields(&Deed::Launch, FakeDoer::MARK, "");
    let answer = sue.post(DO, &plain(&unread)).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.text.contains("tick that you have read"), "{}", answer.main());
    let stale = fields(&Deed::Launch, "another plan", "yes");
    let answer = sue.post(DO, &plain(&stale)).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.text.contains("the night has changed meanwhile"), "{}", answer.main());
    assert_eq!(app.done(), []);

    let good = fields(&Deed::Launch, FakeDoer::MARK, "yes");
    let answer = sue.post(DO, &plain(&good)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(answer.location(), "/nights/2024-11-28");
    assert_eq!(app.done(), [(Deed::Launch, "web:sue".to_owned())]);
}

#[tokio::test]
async fn what_is_in_the_way_leaves_no_button() {
    let app = TestApp::new().await;
    app.user("sue", Role::Shifter).await;
    let mut sue = app.signed_in("sue").await;
    app.deeds.obstacles.lock().unwrap().push("Closing is under way by web:bob.".into());
    let page = sue.get(&format!("{DO}?what=close")).await;
    assert!(page.text.contains("Closing is under way by web:bob."));
    assert!(!page.main().contains("<button"), "{}", page.main());
    let good = fields(&Deed::Close { no_dl2: false }, FakeDoer::MARK, "yes");
    let answer = sue.post(DO, &plain(&good)).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(app.done(), []);
}

#[tokio::test]
async fn what_is_no_deed_is_told_and_not_done() {
    let app = TestApp::new().await;
    app.user("sue", Role::Shifter).await;
    let mut sue = app.signed_in("sue").await;
    for query in
        ["", "?what=remove", "?what=veto&run=..%2F1", "?what=veto", "?what=undo&decision=x"]
    {
        let page = sue.get(&format!("{DO}{query}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{query}: {}", page.text);
    }
    let page = sue.get("/nights/2024-11-31/do?what=launch").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_program_with_a_token_plans_and_orders() {
    let app = TestApp::new().await;
    let token = app.token("cron", Role::Shifter).await;
    let request = |method: &str, path: &str| {
        let bearer = format!("Bearer {token}");
        Request::builder().method(method).uri(path).header(header::AUTHORIZATION, bearer)
    };
    let plan = request("GET", "/api/v1/nights/2024-11-28/plan?what=veto&run=19102");
    let plan = app.answer(plan.body(Body::empty()).unwrap()).await;
    assert_eq!(plan.status, StatusCode::OK, "{}", plan.text);
    assert_eq!(plan.json()["mark"], FakeDoer::MARK);
    assert_eq!(plan.json()["deed"]["run"], 19102);
    for (mark, status) in [("old", StatusCode::CONFLICT), (FakeDoer::MARK, StatusCode::ACCEPTED)] {
        let mut wanted = plan.json()["deed"].clone();
        wanted["mark"] = mark.into();
        let order = request("POST", "/api/v1/nights/2024-11-28/deeds")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(wanted.to_string()));
        let answer = app.answer(order.unwrap()).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    let done = app.done();
    assert_eq!(done.len(), 1);
    assert_eq!(done[0].1, "token:cron");
}

#[tokio::test]
async fn buttons_are_for_those_who_may_press_them() {
    let app = TestApp::new().await;
    app.user("sue", Role::Shifter).await;
    app.user("vera", Role::Viewer).await;
    let night = "/nights/2024-11-28";
    let button = "href=\"nights/2024-11-28/do?what=close\"";
    assert!(app.signed_in("sue").await.get(night).await.text.contains(button));
    assert!(!app.signed_in("vera").await.get(night).await.text.contains(button));
    assert!(!app.get(night).await.text.contains(button));
}
