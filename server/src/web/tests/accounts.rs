//! The pages about people.

use super::*;

#[tokio::test]
async fn a_real_site_has_nobody_and_says_how_to_begin() {
    let app = TestApp::new().await;
    let page = app.get("/sign-in").await;
    assert!(page.text.contains("osa user add NAME --role admin"));
    assert!(!page.text.contains("This is a demo"));
    app.user("admin", Role::Admin).await;
    assert!(!app.get("/sign-in").await.text.contains("osa user add"));
}

#[tokio::test]
async fn a_demo_says_who_may_sign_in() {
    let app = TestApp::with("", |access| access.demo = true).await;
    let page = app.get("/sign-in").await;
    for (_, name, password) in crate::demo::USERS {
        assert!(page.text.contains("This is a demo"));
        assert!(page.text.contains(&format!("<code>{name}</code>")));
        assert!(page.text.contains(&format!("<code>{password}</code>")));
    }
}

#[tokio::test]
async fn an_administrator_adds_changes_and_disables_users() {
    let app = TestApp::new().await;
    app.user("admin", Role::Admin).await;
    let mut admin = app.signed_in("admin").await;
    let fields = [("name", "jane"), ("role", "viewer"), ("password", "a good password")];
    assert!(admin.post("/users", &fields).await.text.contains("jane is added, viewer."));
    let again = admin.post("/users", &fields).await;
    assert!(again.text.contains("There is already a user jane."), "{}", again.main());
    let short = [("name", "bob"), ("role", "viewer"), ("password", "short")];
    assert!(admin.post("/users", &short).await.text.contains("A password has at least 10"));
    let odd = [("name", "Bob/.."), ("role", "viewer"), ("password", "a good password")];
    assert!(admin.post("/users", &odd).await.text.contains("role=\"alert\""));
    let answer = app.browser().sign_in("jane", "a good password").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let changed = admin.post("/users/jane/role", &[("role", "shifter")]).await;
    assert!(changed.text.contains("jane is now shifter."));
    let disabled = admin.post("/users/jane/disable", &[]).await;
    assert!(disabled.text.contains("jane may not sign in any more"));
    let answer = app.browser().sign_in("jane", "a good password").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(admin.post("/users/jane/enable", &[]).await.text.contains("jane may sign in again."));
    for (path, fields) in
        [("/users/admin/disable", &[][..]), ("/users/admin/role", &[("role", "viewer")])]
    {
        let own = admin.post(path, fields).await;
        assert_eq!(own.status, StatusCode::FORBIDDEN, "nobody locks themselves out");
    }
    let missing = admin.post("/users/nobody/disable", &[]).await;
    assert!(missing.text.contains("There is no user nobody."));
}

#[tokio::test]
async fn somebody_changes_their_password_and_stays() {
    let app = TestApp::new().await;
    app.user("jane", Role::Viewer).await;
    let (mut jane, mut other) = (app.signed_in("jane").await, app.signed_in("jane").await);
    let form = |present, new, again| [("present", present), ("new", new), ("again", again)];
    let present = "password of jane";
    for (fields, text) in [
        (
            form("wrong", "another password", "another password"),
            "The present password is not right.",
        ),
        (form(present, "another password", "another passwort"), "The two new passwords are not"),
        (form(present, "short", "short"), "A password has at least 10 characters."),
    ] {
        assert!(jane.post("/account/password", &fields).await.text.contains(text), "{text}");
    }
    let fields = form(present, "another password", "another password");
    let before = jane.session().to_owned();
    let done = jane.post("/account/password", &fields).await;
    assert!(done.text.contains("The password is changed."));
    assert_ne!(jane.session(), before);
    let next = jane.post_with("/sign-out", &done.form_token(), &[]).await;
    assert_eq!(next.status, StatusCode::SEE_OTHER, "the page's forms are good");
    assert_eq!(other.get("/account").await.status, StatusCode::SEE_OTHER);
    let answer = app.browser().sign_in("jane", "another password").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn ones_own_page_shows_where_one_is_signed_in() {
    let app = TestApp::new().await;
    app.user("jane", Role::Admin).await;
    let mut jane = app.signed_in("jane").await;
    app.signed_in("jane").await;
    let page = jane.get("/account").await;
    assert_eq!(page.text.matches("(this one)").count(), 1);
    assert!(page.text.contains(r#"href="users""#));
    assert!(!page.text.contains(jane.session()));
}
