//! `osa user` and `osa token`: users and tokens from the command line.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::{TempNight, empty_site};

fn site() -> TempNight {
    let site = empty_site();
    std::fs::create_dir_all(site.path("OSA")).unwrap();
    site
}

/// Runs the program with a line on standard input.
fn with_input(command: &mut Command, line: &str) -> Output {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    // It may fail before it reads.
    let _ = child.stdin.take().unwrap().write_all(line.as_bytes());
    child.wait_with_output().unwrap()
}

fn user(site: &TempNight, words: &[&str], input: &str) -> Result<String, String> {
    run(site.osa().arg("user").args(words), input)
}

fn token(site: &TempNight, words: &[&str]) -> Result<String, String> {
    run(site.osa().arg("token").args(words), "")
}

/// Standard output, or standard error if it failed.
fn run(command: &mut Command, input: &str) -> Result<String, String> {
    let output = with_input(command, input);
    let (stdout, stderr) = (output.stdout, output.stderr);
    match output.status.success() {
        true => Ok(String::from_utf8(stdout).unwrap()),
        false => {
            assert_eq!(String::from_utf8(stdout).unwrap(), "", "no data beside an error");
            Err(String::from_utf8(stderr).unwrap())
        }
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn users_are_added_changed_and_removed() {
    let site = site();
    assert_eq!(user(&site, &["list"], "").unwrap(), "");
    user(&site, &["add", "jane", "--role", "shifter"], "correct horse\n").unwrap();
    user(&site, &["add", "root", "--role", "admin"], "battery staple\r\n").unwrap();
    let listed = json(&user(&site, &["list", "--json"], "").unwrap());
    assert_eq!((&listed[0]["name"], &listed[0]["role"]), (&"jane".into(), &"shifter".into()));
    assert!(!listed.to_string().contains("argon2"), "no hash leaves the database");
    user(&site, &["role", "jane", "viewer"], "").unwrap();
    user(&site, &["disable", "jane"], "").unwrap();
    let text = user(&site, &["list"], "").unwrap();
    assert!(
        text.starts_with("jane  viewer   since 20") && text.contains("disabled since"),
        "{text}"
    );
    user(&site, &["enable", "jane"], "").unwrap();
    user(&site, &["passwd", "jane"], "another password\n").unwrap();
    user(&site, &["remove", "jane"], "").unwrap();
    assert_eq!(json(&user(&site, &["list", "--json"], "").unwrap()).as_array().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_is_said_with_a_hint() {
    let site = site();
    user(&site, &["add", "jane", "--role", "admin"], "correct horse\n").unwrap();
    let short = user(&site, &["add", "bob", "--role", "viewer"], "short\n").unwrap_err();
    assert!(short.starts_with("error: a password has at least 10 characters\nhint: "), "{short}");
    let empty = user(&site, &["add", "bob", "--role", "viewer"], "").unwrap_err();
    assert!(empty.contains("at least 10"), "{empty}");
    let twice = user(&site, &["add", "jane", "--role", "viewer"], "correct horse\n").unwrap_err();
    assert!(twice.contains("already a user jane"), "{twice}");
    let none = user(&site, &["role", "bob", "viewer"], "").unwrap_err();
    assert!(none.contains("there is no user bob\nhint: `osa user list`"), "{none}");
    for words in [&["role", "jane", "viewer"][..], &["disable", "jane"]] {
        let last = user(&site, words, "").unwrap_err();
        assert!(last.contains("jane is the only administrator"), "{last}");
    }
    for name in ["Jane", "../jane", "--", "jane doe"] {
        assert!(user(&site, &["add", name, "--role", "viewer"], "correct horse\n").is_err());
    }
    assert!(user(&site, &["add", "eve", "--role", "root"], "correct horse\n").is_err());
}

#[test]
fn a_token_is_shown_once_and_kept_as_a_hash() {
    let site = site();
    let secret = token(&site, &["add", "export", "--role", "viewer"]).unwrap();
    let secret = secret.trim_end();
    assert!(secret.starts_with("osa_") && secret.len() == 47, "{secret}");
    let text = token(&site, &["list"]).unwrap();
    assert_eq!(text, "export  viewer   never used\n");
    for file in std::fs::read_dir(site.path("OSA")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|piece| piece == secret.as_bytes()));
    }
    let twice = token(&site, &["add", "export", "--role", "admin"]).unwrap_err();
    assert!(twice.contains("already a token export in force\nhint: "), "{twice}");
    token(&site, &["revoke", "export"]).unwrap();
    assert!(token(&site, &["revoke", "export"]).unwrap_err().contains("no token export in force"));
    token(&site, &["add", "export", "--role", "viewer", "--expires", "2999-01-01"]).unwrap();
    let past = token(&site, &["add", "old", "--role", "viewer", "--expires", "2020-01-01"]);
    assert!(past.unwrap_err().contains("expire in the future"));
    let listed = json(&token(&site, &["list", "--json"]).unwrap());
    assert_eq!(listed.as_array().unwrap().len(), 2, "what was revoked stays to be seen");
    assert_eq!(listed[1]["expires"], "2999-01-01T00:00:00Z");
}
