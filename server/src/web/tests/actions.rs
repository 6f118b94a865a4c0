//! Actions in the browser and through the REST interface: shown, confirmed, executed once, and signed.

use super::*;
use crate::model::Action;

const NEW: &str = "/nights/2024-11-28/actions/new";

/// The form of a plan's page.
fn fields(action: &Action, mark: &str, confirmed: bool) -> Vec<(String, String)> {
    let mut fields = action.fields();
    fields.push(("date".into(), "2024-11-28".into()));
    fields.push(("mark".into(), mark.into()));
    if confirmed {
        fields.push(("confirmed".into(), "true".into()));
    }
    fields
}

fn plain(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

impl TestApp {
    fn done(&self) -> Vec<(Action, String)> {
        self.actions.done.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_plan_is_shown_confirmed_and_carried_out_under_the_shifters_name() {
    let app = TestApp::new().await;
    app.user("sue", Role::Shifter).await;
    let mut sue = app.signed_in("sue").await;
    let page = sue.get(&format!("{NEW}?what=launch")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("submit &lt;LST1_19102&gt;"), "{}", page.main());
    insta::assert_snapshot!(page.main().replace(&page.form_token(), "TOKEN"));

    let back = "nights/2024-11-28/actions/new?what=launch";
    for (mark, confirmed, status, text) in [
        (FakeActions::MARK, false, StatusCode::BAD_REQUEST, "Confirm that you have reviewed"),
        ("another plan", true, StatusCode::CONFLICT, "the night has changed meanwhile"),
    ] {
        let form = fields(&Action::Launch, mark, confirmed);
        let answer = sue.call::<api::ExecuteAction>(&plain(&form)).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        let answer = sue.form::<api::ExecuteAction>(back, &plain(&form)).await;
        let to = answer.location().to_owned();
        assert!(to.starts_with(&format!("/{back}&result=")), "{to}");
        let page = sue.get(&to).await;
        assert!(page.text.contains(text), "{}", page.main());
        assert!(page.text.contains("submit &lt;LST1_19102&gt;"), "with the plan as it is now");
        assert!(!sue.get(&to).await.text.contains(text), "it is shown once");
    }
    assert_eq!(app.done(), []);

    let good = fields(&Action::Launch, FakeActions::MARK, true);
    let path = app::form::action::<api::ExecuteAction>(back, Some("nights/2024-11-28"));
    let answer = sue.post_with(&format!("/{path}"), &page.form_token(), &plain(&good)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let to = answer.location().to_owned();
    assert!(to.starts_with("/nights/2024-11-28?result="), "{to}");
    assert!(sue.get(&to).await.text.contains("Launch the night: under way."));
    assert_eq!(app.done(), [(Action::Launch, "web:sue".to_owned())]);
}

#[tokio::test]
async fn what_is_in_the_way_leaves_no_button() {
    let app = TestApp::new().await;
    app.user("sue", Role::Shifter).await;
    let mut sue = app.signed_in("sue").await;
    app.actions.obstacles.lock().unwrap().push("Closing is under way by web:bob.".into());
    let page = sue.get(&format!("{NEW}?what=close")).await;
    assert!(page.text.contains("Closing is under way by web:bob."));
    assert!(!page.main().contains("<button"), "{}", page.main());
    let good = fields(&Action::Close { no_dl2: false }, FakeActions::MARK, true);
    let answer = sue.call::<api::ExecuteAction>(&plain(&good)).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(app.done(), []);
}

#[tokio::test]
async fn wrong_requests_are_refused() {
    let app = TestApp::new().await;
    app.user("sue", Role::Shifter).await;
    let mut sue = app.signed_in("sue").await;
    for query in
        ["", "?what=remove", "?what=veto&run=..%2F1", "?what=veto", "?what=undo&decision=x"]
    {
        let page = sue.get(&format!("{NEW}{query}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{query}: {}", page.text);
    }
    let page = sue.get("/nights/2024-11-31/actions/new?what=launch").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    for (name, value, status) in
        [("what", "remove", StatusCode::NOT_FOUND), ("date", "2024-11-31", StatusCode::BAD_REQUEST)]
    {
        let mut form = fields(&Action::Launch, FakeActions::MARK, true);
        form.retain(|(other, _)| other != name);
        form.push((name.into(), value.into()));
        let answer = sue.call::<api::ExecuteAction>(&plain(&form)).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text);
    }
    assert_eq!(app.done(), []);
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
    assert_eq!(plan.json()["mark"], FakeActions::MARK);
    assert_eq!(plan.json()["action"]["run"], 19102);
    for (mark, status) in [("old", StatusCode::CONFLICT), (FakeActions::MARK, StatusCode::ACCEPTED)]
    {
        let mut wanted = plan.json()["action"].clone();
        wanted["mark"] = mark.into();
        let order = request("POST", "/api/v1/nights/2024-11-28/actions")
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
async fn buttons_are_for_those_with_the_role() {
    let app = TestApp::new().await;
    app.user("sue", Role::Shifter).await;
    app.user("vera", Role::Viewer).await;
    let night = "/nights/2024-11-28";
    let button = "href=\"nights/2024-11-28/actions/new?what=close\"";
    assert!(app.signed_in("sue").await.get(night).await.text.contains(button));
    assert!(!app.signed_in("vera").await.get(night).await.text.contains(button));
    assert!(!app.get(night).await.text.contains(button));
}
