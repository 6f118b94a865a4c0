//! `osa user` and `osa token`: users and tokens from the command line.

use serde_json::Value;

use crate::support::{Case, CommandOutput, TestSite};

fn site() -> TestSite {
    let site = TestSite::empty();
    std::fs::create_dir_all(site.path("OSA")).unwrap();
    site
}

/// Runs the words of a line, with a password on standard input.
fn with_password(site: &TestSite, line: &str, password: &str) -> CommandOutput {
    site.command(line.split(' ')).input(password).run()
}

/// Runs the words of a line.
fn run(site: &TestSite, line: &str) -> CommandOutput {
    with_password(site, line, "")
}

#[test]
fn users_are_added_changed_and_removed() {
    let site = site();
    run(&site, "user list").succeeds().prints_nothing();
    with_password(&site, "user add jane --role shifter", "correct horse\n").succeeds();
    with_password(&site, "user add root --role admin", "battery staple\r\n").succeeds();
    let listed: Value = run(&site, "user list --json").succeeds().json();
    assert_eq!((&listed[0]["name"], &listed[0]["role"]), (&"jane".into(), &"shifter".into()));
    assert!(!listed.to_string().contains("argon2"), "no hash leaves the database");
    run(&site, "user role jane viewer").succeeds();
    run(&site, "user disable jane").succeeds();
    let text = run(&site, "user list").succeeds().prints("disabled since");
    assert!(text.out.starts_with("jane  viewer   since 20"), "{text}");
    run(&site, "user enable jane").succeeds();
    with_password(&site, "user passwd jane", "another password\n").succeeds();
    run(&site, "user remove jane").succeeds();
    assert_eq!(run(&site, "user list --json").succeeds().json::<Vec<Value>>().len(), 1);
}

#[test]
fn errors_are_reported_with_a_hint() {
    let site = site();
    let good = "correct horse\n";
    with_password(&site, "user add jane --role admin", good).succeeds();
    let short = "error: a password has at least 10 characters\nhint: ";
    for (line, password, code, why) in [
        ("user add bob --role viewer", "short\n", 1, short),
        ("user add bob --role viewer", "", 1, "at least 10"),
        ("user add jane --role viewer", good, 1, "already a user jane"),
        ("user role bob viewer", "", 1, "there is no user bob\nhint: `osa user list`"),
        ("user role jane viewer", "", 1, "jane is the only administrator"),
        ("user disable jane", "", 1, "jane is the only administrator"),
        ("user add Jane --role viewer", good, 2, "is not a name such as jane"),
        ("user add ../jane --role viewer", good, 2, "is not a name such as jane"),
        ("user add -- --role viewer", good, 2, ""),
        ("user add eve --role root", good, 2, ""),
    ] {
        let _case = Case::named(format!("{line} with {password:?}"));
        let said = with_password(&site, line, password).exits(code).prints_nothing().says(why);
        assert!(said.err.starts_with("error: "), "{said}");
    }
    let blank = site.command(["user", "add", "jane doe", "--role", "viewer"]).input(good);
    blank.run().exits(2).prints_nothing();
}

#[test]
fn a_token_is_shown_once_and_stored_as_a_hash() {
    let site = site();
    let secret = run(&site, "token add export --role viewer").succeeds().out;
    let secret = secret.trim_end();
    assert!(secret.starts_with("osa_") && secret.len() == 47, "{secret}");
    let listed = run(&site, "token list").succeeds();
    assert_eq!(listed.out, "export  viewer   never used\n");
    for file in std::fs::read_dir(site.path("OSA")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|piece| piece == secret.as_bytes()));
    }
    run(&site, "token add export --role admin")
        .fails()
        .prints_nothing()
        .says("already a token export in force\nhint: ");
    run(&site, "token revoke export").succeeds();
    run(&site, "token revoke export").fails().says("no token export in force");
    run(&site, "token add export --role viewer --expires 2999-01-01").succeeds();
    let past = run(&site, "token add old --role viewer --expires 2020-01-01");
    past.fails().prints_nothing().says("expire in the future");
    let listed: Vec<Value> = run(&site, "token list --json").succeeds().json();
    assert_eq!(listed.len(), 2, "what was revoked stays to be seen");
    assert_eq!(listed[1]["expires"], "2999-01-01T00:00:00Z");
}
