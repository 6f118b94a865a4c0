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
async fn a_demo_lists_its_accounts() {
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
    assert!(
        admin
            .submit::<api::AddUser>("users", &fields)
            .await
            .text
            .contains("jane is added, viewer.")
    );
    let again = admin.submit::<api::AddUser>("users", &fields).await;
    assert!(again.text.contains("There is already a user jane."), "{}", again.main());
    let short = [("name", "bob"), ("role", "viewer"), ("password", "short")];
    assert!(
        admin
            .submit::<api::AddUser>("users", &short)
            .await
            .text
            .contains("A password has at least 10")
    );
    let odd = [("name", "Bob/.."), ("role", "viewer"), ("password", "a good password")];
    assert!(admin.submit::<api::AddUser>("users", &odd).await.text.contains("role=\"alert\""));
    let answer = app.browser().sign_in("jane", "a good password").await;
    assert_eq!(answer.location(), "/");
    let role = [("name", "jane"), ("role", "shifter")];
    let changed = admin.submit::<api::SetRole>("users", &role).await;
    assert!(changed.text.contains("jane is now shifter."));
    let (disable, enable) =
        ([("name", "jane"), ("disabled", "true")], [("name", "jane"), ("disabled", "false")]);
    let disabled = admin.submit::<api::SetDisabled>("users", &disable).await;
    assert!(disabled.text.contains("jane may not sign in any more"));
    let answer = app.browser().sign_in("jane", "a good password").await;
    assert!(answer.location().starts_with("/sign-in?result="));
    let enabled = admin.submit::<api::SetDisabled>("users", &enable).await;
    assert!(enabled.text.contains("jane may sign in again."));
    let own = admin.call::<api::SetDisabled>(&[("name", "admin"), ("disabled", "true")]).await;
    assert_eq!(own.status, StatusCode::FORBIDDEN, "nobody locks themselves out");
    let own = admin.call::<api::SetRole>(&[("name", "admin"), ("role", "viewer")]).await;
    assert_eq!(own.status, StatusCode::FORBIDDEN, "nobody locks themselves out");
    let nobody = [("name", "nobody"), ("disabled", "true")];
    let missing = admin.submit::<api::SetDisabled>("users", &nobody).await;
    assert!(missing.text.contains("There is no user nobody."));
}

#[tokio::test]
async fn somebody_changes_their_password_and_stays() {
    let app = TestApp::new().await;
    app.user("jane", Role::Viewer).await;
    let (mut jane, mut other) = (app.signed_in("jane").await, app.signed_in("jane").await);
    let form = |current, new, again| [("current", current), ("new", new), ("again", again)];
    let present = "password of jane";
    for (fields, text) in [
        (
            form("wrong", "another password", "another password"),
            "The current password is not right.",
        ),
        (form(present, "another password", "another passwort"), "The two new passwords are not"),
        (form(present, "short", "short"), "A password has at least 10 characters."),
    ] {
        let page = jane.submit::<api::ChangePassword>("account", &fields).await;
        assert!(page.text.contains(text), "{text}");
    }
    let fields = form(present, "another password", "another password");
    let before = jane.session().to_owned();
    let done = jane.submit::<api::ChangePassword>("account", &fields).await;
    assert!(done.text.contains("The password is changed."));
    assert_ne!(jane.session(), before);
    let next = jane.post_with(api::SignOut::PATH, &done.form_token(), &[]).await;
    assert_eq!(next.location(), "/", "the page's forms are good");
    assert_eq!(other.get("/account").await.status, StatusCode::SEE_OTHER);
    let answer = app.browser().sign_in("jane", "another password").await;
    assert_eq!(answer.location(), "/");
}

#[tokio::test]
async fn a_new_password_revokes_tokens_if_requested_and_the_current_one_is_not_guessed() {
    let app = TestApp::new().await;
    app.user("jane", Role::Viewer).await;
    let mut jane = app.signed_in("jane").await;
    for name in ["robot", "cron"] {
        jane.submit::<api::CreateToken>("account", &[("name", name), ("role", "viewer")]).await;
    }
    let change = |current, revoke| {
        let new = "another password";
        [("current", current), ("new", new), ("again", new), ("revoke_tokens", revoke)]
    };
    let in_force = async || {
        let tokens = app.store.tokens().await.unwrap();
        tokens.iter().filter(|token| token.revoked.is_none()).count()
    };
    let fields = change("password of jane", "false");
    let page = jane.submit::<api::ChangePassword>("account", &fields).await;
    assert!(page.text.contains("The password is changed."));
    assert_eq!(in_force().await, 2);
    let fields = change("another password", "true");
    let page = jane.submit::<api::ChangePassword>("account", &fields).await;
    assert!(page.text.contains("your tokens are revoked."));
    assert_eq!(in_force().await, 0);
    for _ in 0..6 {
        let guess = jane.call::<api::ChangePassword>(&change("a wrong guess", "false")).await;
        assert_eq!(guess.status, StatusCode::BAD_REQUEST);
    }
    let guess = jane.call::<api::ChangePassword>(&change("another password", "false")).await;
    assert_eq!(guess.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(guess.headers.contains_key(header::RETRY_AFTER));
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
