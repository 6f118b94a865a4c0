//! Signing in, sessions, and their ends.

use super::*;
use crate::config::Reading;

async fn site() -> TestApp {
    let app = TestApp::new().await;
    app.user("jane", Role::Shifter).await;
    app
}

#[tokio::test]
async fn the_signed_in_user_is_named_on_every_page_and_to_nobody_else() {
    let app = site().await;
    let mut jane = app.browser();
    let anonymous = jane.get("/").await.text;
    assert!(
        anonymous.contains(r#"<a href="sign-in" class="current-user">Sign in</a>"#),
        "{anonymous}"
    );
    let to = jane.get("/nights/2024-11-28/runs/19102?subrun=2").await;
    assert!(to.text.contains("sign-in?to=nights/2024-11-28/runs/19102%3Fsubrun%3D2"));
    let fields = [("name", " Jane "), ("password", "password of jane")];
    let path = app::form::action::<api::SignIn>("sign-in", Some("nights/2024-11-28"));
    let token = jane.token().await;
    let answer = jane.post_with(&format!("/{path}"), &token, &fields).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/nights/2024-11-28"));
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    assert!(cookie.contains("Path=/") && !cookie.contains("Secure"), "{cookie}");
    for path in ["/", "/nights/2024-11-28", "/nights/2024-11-28/runs/19102", "/account", "/nope"] {
        for _ in 0..2 {
            assert!(jane.get(path).await.text.contains("<b>jane</b>"), "{path}");
            assert!(!app.get(path).await.text.contains("jane"), "{path}");
        }
    }
    let page = jane.get("/").await;
    assert_eq!(page.headers[header::CACHE_CONTROL], "private, no-cache");
    assert_eq!(jane.get("/account").await.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(jane.get("/sign-in").await.location(), "/", "there is no need to");
}

#[tokio::test]
async fn wrong_names_and_passwords_get_the_same_answer() {
    let app = site().await;
    app.user("gone", Role::Admin).await;
    people::set_disabled(&app.store, &"gone".parse().unwrap(), Some(Utc::now())).await.unwrap_err();
    app.user("boss", Role::Admin).await;
    people::set_disabled(&app.store, &"gone".parse().unwrap(), Some(Utc::now())).await.unwrap();
    let mut texts = Vec::new();
    for (name, password) in
        [("jane", "wrong password"), ("nobody", "wrong password"), ("gone", "password of gone")]
    {
        let mut browser = app.browser();
        let answer = browser.call::<api::SignIn>(&[("name", name), ("password", password)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(!answer.headers.contains_key("set-cookie"));
        let answer = browser.sign_in(name, password).await;
        assert!(!answer.headers.contains_key("set-cookie"));
        let page = browser.get(answer.location()).await;
        texts.push(page.main().replace(name, "NAME"));
    }
    assert!(texts[0].contains("The name or the password is not right."));
    let hidden = |text: &str| text.split("form_token").next().unwrap().to_owned();
    assert!(texts.iter().all(|text| hidden(text) == hidden(&texts[0])));
}

#[tokio::test]
async fn the_session_that_a_browser_came_with_is_never_the_one_it_gets() {
    let app = site().await;
    let planted = "AAAAAAAAAAAAAAAAAAAAAA";
    let mut jane = app.browser();
    jane.cookies.insert("osa_session".into(), planted.into());
    jane.get("/sign-in").await;
    jane.cookies.insert("osa_session".into(), planted.into());
    let token = jane.get("/sign-in").await.form_token();
    jane.cookies.insert("osa_session".into(), planted.into());
    let fields = [("name", "jane"), ("password", "password of jane")];
    let answer = jane.post_with(api::SignIn::PATH, &token, &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(!jane.session().is_empty() && jane.session() != planted);
    let mut planter = app.browser();
    planter.cookies.insert("osa_session".into(), planted.into());
    assert!(!planter.get("/").await.text.contains("jane"));

    // One sign-in after another: each has an id of its own, and the ids are nowhere in the database.
    let again = app.signed_in("jane").await;
    assert_ne!(again.session(), jane.session());
    let rows = app.store.sessions_of(1).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| ![again.session(), jane.session()].contains(&row.id.as_str())));
}

#[tokio::test]
async fn somebody_elses_session_ends_where_another_signs_in() {
    let app = site().await;
    app.user("bob", Role::Viewer).await;
    let mut browser = app.signed_in("bob").await;
    let bobs = browser.session().to_owned();
    // A browser that still shows an old form, sent with the session's own secret.
    let token = browser.get("/account").await.form_token();
    let fields = [("name", "jane"), ("password", "password of jane")];
    browser.post_with(api::SignIn::PATH, &token, &fields).await;
    assert_ne!(browser.session(), bobs);
    assert!(browser.get("/").await.text.contains("<b>jane</b>"));
    browser.cookies.insert("osa_session".into(), bobs);
    assert!(!browser.get("/").await.text.contains("Account of"));
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_at_the_latest_after_its_time() {
    let app = site().await;
    let hours = TimeDelta::hours;
    let signed_in =
        async |browser: &mut Browser<'_>| browser.get("/account").await.status == StatusCode::OK;
    let mut idle = app.signed_in("jane").await;
    app.wait(hours(8) - TimeDelta::seconds(1));
    assert!(signed_in(&mut idle).await);
    app.wait(hours(8) - TimeDelta::seconds(1));
    assert!(signed_in(&mut idle).await, "it was used in between");
    let kept = idle.session().to_owned();
    app.wait(hours(8));
    assert!(!signed_in(&mut idle).await);
    idle.cookies.insert("osa_session".into(), kept);
    assert!(!signed_in(&mut idle).await, "it does not come back");

    let mut busy = app.signed_in("jane").await;
    for _ in 0..(7 * 24 / 7 - 1) {
        app.wait(hours(7));
        assert!(signed_in(&mut busy).await);
    }
    app.wait(hours(7));
    assert!(!signed_in(&mut busy).await, "after seven days, whatever was done");
    app.signed_in("jane").await;
    assert_eq!(app.store.sessions_of(1).await.unwrap().len(), 1, "void ones are forgotten");
}

#[tokio::test]
async fn signing_out_ends_one_session_or_all() {
    let app = site().await;
    app.user("bob", Role::Viewer).await;
    let (mut first, mut second) = (app.signed_in("jane").await, app.signed_in("jane").await);
    let mut bob = app.signed_in("bob").await;
    let kept = first.session().to_owned();
    assert_eq!(first.form::<api::SignOut>("", &[]).await.location(), "/");
    assert_eq!(first.session(), "", "the cookie is taken back");
    first.cookies.insert("osa_session".into(), kept);
    assert_eq!(first.get("/account").await.status, StatusCode::SEE_OTHER);
    assert_eq!(second.get("/account").await.status, StatusCode::OK);

    let mut third = app.signed_in("jane").await;
    second.form::<api::SignOutEverywhere>("", &[]).await;
    for browser in [&mut second, &mut third] {
        assert_eq!(browser.get("/account").await.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(bob.get("/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_taken_away_is_gone_at_once() {
    let app = site().await;
    app.user("boss", Role::Admin).await;
    let jane = "jane".parse().unwrap();
    let mut browser = app.signed_in("jane").await;
    let token = browser.get("/account").await.form_token();
    assert_eq!(browser.post_with("/probe", &token, &[]).await.status, StatusCode::OK);
    people::set_role(&app.store, &jane, Role::Viewer).await.unwrap();
    assert_eq!(browser.post_with("/probe", &token, &[]).await.status, StatusCode::FORBIDDEN);
    people::set_disabled(&app.store, &jane, Some(Utc::now())).await.unwrap();
    assert_eq!(browser.get("/account").await.status, StatusCode::SEE_OTHER);
    people::set_disabled(&app.store, &jane, None).await.unwrap();
    assert_eq!(browser.get("/account").await.status, StatusCode::SEE_OTHER, "sessions stay ended");
    let mut browser = app.signed_in("jane").await;
    people::change_password(&app.store, &jane, "another password", None).await.unwrap();
    assert_eq!(browser.get("/account").await.status, StatusCode::SEE_OTHER);
    people::remove_user(&app.store, &jane).await.unwrap();
    let answer = app.browser().sign_in("jane", "another password").await;
    assert!(answer.location().starts_with("/sign-in?result="));
}

/// Signs jane in, from an address.
async fn sign_in_from(
    store: &Store,
    password: &str,
    address: &str,
    now: DateTime<Utc>,
) -> Result<crate::model::User, people::Refusal> {
    let given = people::Credentials { name: "jane", password, address, browser: None };
    people::sign_in(store, people::Rules::default(), given, now).await
}

#[tokio::test]
async fn guessing_is_stopped_and_survives_a_restart() {
    let app = site().await;
    let mut guesser = app.browser();
    for guess in 0..6 {
        let password = format!("guess number {guess}");
        let fields = [("name", "jane"), ("password", password.as_str())];
        let answer = guesser.call::<api::SignIn>(&fields).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{guess}");
    }
    for name in ["jane", "JANE "] {
        let fields = [("name", name), ("password", "password of jane")];
        let answer = guesser.call::<api::SignIn>(&fields).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers[header::RETRY_AFTER], "900");
        let page = guesser.submit::<api::SignIn>("sign-in", &fields).await;
        let text = "There were too many failed attempts; try again in 15 minutes.";
        assert!(page.text.contains(text), "{}", page.main());
    }
    let kept = Store::open(&app.store.file).await.unwrap();
    let now = *app.time.lock().unwrap();
    let again = sign_in_from(&kept, "password of jane", "0.0.0.0", now).await;
    assert!(matches!(again, Err(people::Refusal::TooOften(_))), "{again:?}");
    // From elsewhere jane is let in meanwhile, and so are others from here.
    sign_in_from(&kept, "password of jane", "192.0.2.1", now).await.unwrap();
    app.user("bob", Role::Viewer).await;
    app.signed_in("bob").await;
    app.wait(TimeDelta::minutes(15));
    app.signed_in("jane").await;
}

#[tokio::test]
async fn many_guesses_at_once_are_no_more_than_one_after_another() {
    let app = Arc::new(site().await);
    let now = *app.time.lock().unwrap();
    let guesses: Vec<_> = (0..30)
        .map(|guess| {
            let app = Arc::clone(&app);
            tokio::spawn(async move {
                let password = format!("guess number {guess}");
                sign_in_from(&app.store, &password, "somewhere", now).await
            })
        })
        .collect();
    let mut looked_at = 0;
    for guess in guesses {
        match guess.await.unwrap() {
            Err(people::Refusal::Wrong) => looked_at += 1,
            Err(people::Refusal::TooOften(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(looked_at, 6);
}

#[tokio::test]
async fn where_reading_needs_a_sign_in_it_leads_there_and_back() {
    let app = TestApp::with("/osa", |access| access.reading = Reading::SignedIn).await;
    app.user("jane", Role::Viewer).await;
    let answer = app.get("/osa/nights/2024-11-28?a=b").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.location(), "/osa/sign-in?to=nights%2F2024-11-28%3Fa%3Db");
    let mut jane = app.browser();
    let page = jane.get(answer.location()).await;
    let action = app::form::action::<api::SignIn>(
        "sign-in?to=nights/2024-11-28%3Fa%3Db",
        Some("nights/2024-11-28?a=b"),
    );
    assert!(page.text.contains(&action.replace('&', "&amp;")), "{}", page.main());
    let token = page.form_token();
    let fields = [("name", "jane"), ("password", "password of jane")];
    let answer = jane.post_with(&format!("/osa/{action}"), &token, &fields).await;
    assert_eq!(answer.location(), "/osa/nights/2024-11-28?a=b");
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("Path=/osa"), "{cookie}");
    assert!(jane.get(answer.location()).await.text.contains("BL Lac"));
    let api = app.get("/osa/api/v1/nights").await;
    assert_eq!(api.status, StatusCode::UNAUTHORIZED);
    assert_eq!(api.headers[header::WWW_AUTHENTICATE], "Bearer");
    assert_eq!(
        app.get("/osa/pkg/app.css").await.status,
        StatusCode::OK,
        "the form needs its style"
    );
    assert!(!app.get("/osa/nope").await.text.contains("BL Lac"));
}

#[tokio::test]
async fn behind_https_cookies_are_secure() {
    let app = TestApp::with("", |access| access.origin = Some("https://osa.test".into())).await;
    app.user("jane", Role::Viewer).await;
    let mut jane = app.browser();
    let page = jane.get("/sign-in").await;
    let cookie = page.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-osa_form=") && cookie.ends_with("; Secure"), "{cookie}");
    let body = serde_urlencoded::to_string([
        ("name", "jane"),
        ("password", "password of jane"),
        ("form_token", &page.form_token()),
    ]);
    let request = jane
        .request("POST", api::SignIn::PATH)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ORIGIN, "https://osa.test")
        .body(Body::from(body.unwrap()));
    let answer = jane.send(request.unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let set: Vec<&str> = answer
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect();
    assert!(set.iter().all(|cookie| cookie.contains("Secure")), "{set:?}");
    for name in ["__Host-osa_session=", "__Host-osa_browser="] {
        assert!(set.iter().any(|cookie| cookie.starts_with(name)), "{set:?}");
    }
    assert!(jane.get("/").await.text.contains("<b>jane</b>"));
}

#[tokio::test]
async fn a_browser_in_which_jane_has_signed_in_is_let_in_whatever_strangers_do() {
    let app = site().await;
    let mut jane = app.signed_in("jane").await;
    let before = jane.cookies["osa_browser"].clone();
    jane.form::<api::SignOut>("", &[]).await;
    let mut stranger = app.browser();
    for _ in 0..6 {
        stranger.sign_in("jane", "a wrong guess").await;
    }
    let refused = stranger.sign_in("jane", "password of jane").await;
    assert!(refused.location().starts_with("/sign-in?result="), "the same address");
    assert_eq!(jane.sign_in("jane", "password of jane").await.location(), "/");
    assert_ne!(jane.cookies["osa_browser"], before, "a planted cookie is worth nothing");
}

#[tokio::test]
async fn of_too_many_sessions_the_one_that_was_not_used_for_longest_ends() {
    let app = site().await;
    let mut first = app.signed_in("jane").await;
    app.wait(TimeDelta::minutes(2));
    let mut second = app.signed_in("jane").await;
    app.wait(TimeDelta::minutes(2));
    assert_eq!(first.get("/account").await.status, StatusCode::OK);
    for _ in 0..19 {
        app.wait(TimeDelta::seconds(1));
        app.signed_in("jane").await;
    }
    assert_eq!(app.store.sessions_of(1).await.unwrap().len(), 20);
    assert_eq!(first.get("/account").await.status, StatusCode::OK);
    assert_eq!(second.get("/account").await.status, StatusCode::SEE_OTHER);
}
