//! Whether the server says that it is well when it is, and why it is not when it is not.

use serde_json::Value;

use crate::support::{TestServer, TestSite, block_on, lock, unlock, until};

fn site() -> TestSite {
    TestSite::golden().with_local_scheduler()
}

/// The status of the answer, and what it says.
fn health(server: &TestServer) -> (String, Value) {
    let answer = server.answer(server.address(), "/api/v1/health").unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().to_owned();
    (status, serde_json::from_str(body).unwrap())
}

#[test]
fn a_server_whose_database_cannot_be_written_says_so_until_it_can() {
    let site = site().with_env("OSA_LEAST_FREE_MB", "0");
    let server = TestServer::start(&site);
    let (status, well) = health(&server);
    assert_eq!((status.as_str(), &well["status"]), ("200", &"ok".into()), "{well}");
    let checks = well["checks"].as_array().unwrap();
    let names: Vec<&str> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert!(names.starts_with(&["database", "threads", "disk"]), "{names:?}");
    assert_eq!(names.last(), Some(&"scheduler"));
    block_on(async {
        let held = lock(&site.database()).await;
        until("the server says what is wrong", || {
            let (status, ill) = health(&server);
            let reason = ill["reason"].as_str().unwrap_or_default();
            status == "503" && ill["status"] == "failing" && reason.contains("osa.sqlite")
        });
        unlock(held).await;
    });
    until("the server is well again", || health(&server).0 == "200");
}

#[test]
fn a_server_on_a_full_disk_names_it_and_the_setting() {
    let site = site().with_env("OSA_LEAST_FREE_MB", &u64::MAX.to_string());
    let (status, ill) = health(&TestServer::start(&site));
    assert_eq!(status, "503");
    let reason = ill["reason"].as_str().unwrap();
    assert!(reason.contains("running_analysis") && reason.contains("least_free_mb"), "{reason}");
}

#[test]
fn what_is_logged_again_and_again_is_written_a_few_times() {
    let site = site();
    let server = TestServer::start(&site);
    for _ in 0..20 {
        let refused = server.answer("evil.example", "/api/v1/nights").unwrap();
        assert!(refused.starts_with("HTTP/1.0 421"), "{refused}");
    }
    let log = server.log();
    assert_eq!(log.matches("a request for another host was refused").count(), 5, "{log}");
    assert_eq!(log.matches("osa::access").count(), 20, "every request is recorded: {log}");
}
