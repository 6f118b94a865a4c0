//! Every page and address that reads.

use app::backend::BackendError;

use super::*;

/// Takes out times and versions.
fn steady() -> insta::internals::SettingsBindDropGuard {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "TIME UTC");
    settings.add_filter(r"&quot;version&quot;:&quot;\d+&quot;", "VERSION");
    settings.add_filter(r#"data-component="(\w+)_\d+""#, "data-component=\"$1\"");
    settings.bind_to_scope()
}

#[tokio::test]
async fn the_list_of_nights_is_complete_without_scripts() {
    let _steady = steady();
    let page = TestApp::new().await.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    insta::assert_snapshot!("nights", page.main());
}

#[tokio::test]
async fn the_page_of_a_night_is_complete_without_scripts() {
    let _steady = steady();
    let page = TestApp::new().await.get("/nights/2024-11-28").await;
    assert_eq!(page.status, StatusCode::OK);
    insta::assert_snapshot!("night", page.main());
    assert!(page.text.contains("<title>Night 2024-11-28, needs attention"));
    let error = page.text.find("has failed &lt;twice&gt;").unwrap();
    assert!(error < page.text.find("ERRPEDCALIB").unwrap(), "the most serious notice is first");
}

#[tokio::test]
async fn the_page_of_a_run_shows_the_log_of_its_first_failure() {
    let _steady = steady();
    let app = TestApp::new().await;
    app.log("Run19102.0002_jobid_7.err", "starting\nOSError: <disk> full\n");
    let page = app.get("/nights/2024-11-28/runs/19102").await;
    assert_eq!(page.status, StatusCode::OK);
    insta::assert_snapshot!("run", page.main());
}

#[tokio::test]
async fn one_click_from_the_failed_subrun_is_its_log() {
    let app = TestApp::new().await;
    app.log("Run19102.0002_jobid_7.err", "OSError: disk full\n");
    let night = app.get("/nights/2024-11-28").await;
    let link = r#"href="nights/2024-11-28/runs/19102?subrun=2#log""#;
    assert_eq!(night.text.matches(link).count(), 2, "in the map and beside it");
    let run = app.get("/nights/2024-11-28/runs/19102?subrun=2").await;
    assert!(run.text.contains("<mark>OSError: disk full</mark>"));
}

#[tokio::test]
async fn a_large_log_shows_its_end_and_the_way_to_the_rest() {
    let app = TestApp::new().await;
    let lines: Vec<String> = (0..60_000).map(|n| format!("{n:09}\n")).collect();
    let lines = lines.concat();
    app.log("Run19102.0000_jobid_7.out", &lines);
    let path = "/nights/2024-11-28/runs/19102/logs/Run19102.0000_jobid_7.out";
    let page = app.get(path).await;
    assert!(page.text.contains("000059999") && !page.text.contains("000000001"));
    let earlier = page.text.split("?from=").nth(1).unwrap().split('"').next().unwrap();
    let page = app.get(&format!("{path}?from={earlier}")).await;
    assert!(page.text.contains(">Later</a>") && page.text.contains(">Earlier</a>"));
    let raw = app.get(&format!("{path}/raw")).await;
    assert_eq!(raw.headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(raw.text, lines);
    let api = app.get(&format!("/api/v1{path}?from=599990")).await.json();
    assert_eq!(api["text"], "000059999\n");
}

#[tokio::test]
async fn nothing_but_logs_of_the_run_can_be_read() {
    let app = TestApp::new().await;
    app.log("Run19103.0000_jobid_7.out", "of another run");
    let logs = &app.site.logs;
    let secret = app.dir.path().join("secret");
    std::os::unix::fs::symlink(&secret, logs.join("Run19102.0000_jobid_7.err")).unwrap();
    std::fs::write(logs.join("notes"), "not a log").unwrap();
    for name in [
        "..%2fsecret",
        "%2e%2e%2fsecret",
        "..",
        "%2e%2e",
        "../secret",
        "..%5csecret",
        "%2fetc%2fpasswd",
        "Run19102.0000_jobid_7.out%2f..%2f..%2fsecret",
        "Run19102.0000_jobid_7.err%00.out",
        "Run19103.0000_jobid_7.out",
        "Run19102.0000_jobid_7.err",
        "Run19102.9999_jobid_7.err",
        "notes",
    ] {
        for path in
            ["/nights/2024-11-28/runs/19102/logs/", "/api/v1/nights/2024-11-28/runs/19102/logs/"]
        {
            for end in ["", "/raw", "/events?from=0"] {
                let path = format!("{path}{name}{end}");
                let answer = app.get(&path).await;
                // As browsers do, pages take `logs/..` for the run's own page.
                let run = name.trim_matches('.').trim_matches(['%', '2', 'e']).is_empty();
                if !run || !end.is_empty() {
                    assert_ne!(answer.status, StatusCode::OK, "{path}");
                }
                for inside in ["secret\n", "root:", "of another run", "not a log"] {
                    assert!(!answer.text.contains(inside), "{path}");
                }
            }
        }
    }
}

#[tokio::test]
async fn files_of_the_site_cannot_be_left() {
    let app = TestApp::new().await;
    for path in
        ["/../secret", "/%2e%2e/secret", "/pkg/..%2f..%2fsecret", "/pkg/%2e%2e/%2e%2e/secret"]
    {
        let answer = app.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_leads_on() {
    let app = TestApp::new().await;
    for (path, way) in [
        ("/nope", r#"<a href="./">All nights"#),
        ("/nights/20241128", r#"<a href="nights/2024-11-28">Night 2024-11-28"#),
        ("/nights/2024-11-28/runs/19999", r#"<a href="nights/2024-11-28">Night 2024-11-28"#),
        ("/nights/2023-01-01", r#"<a href="./">All nights"#),
        ("/nights/2024-11-28/runs/19102/logs/x", r#"<a href="nights/2024-11-28/runs/19102">Run"#),
    ] {
        let page = app.get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.text.contains(way), "{path}: {}", page.main());
    }
}

#[tokio::test]
async fn an_unreadable_tree_is_reported_and_not_hidden() {
    let app = TestApp::new().await;
    let away = BackendError::unavailable("RUN_SUMMARY_DIR cannot be read")
        .with_hint("mount <it>".to_owned());
    *app.site.error.lock().unwrap() = Some(away);
    let page = app.get("/").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.text.contains("RUN_SUMMARY_DIR cannot be read."));
    assert!(page.text.contains(r#"<p class="hint">Mount &lt;it&gt;.</p>"#), "{}", page.main());
    let api = app.get("/api/v1/nights").await;
    assert_eq!(api.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(api.headers[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(api.json()["detail"], "RUN_SUMMARY_DIR cannot be read");
    assert_eq!(api.json()["hint"], "mount <it>");
}

#[tokio::test]
async fn behind_a_prefix_every_link_stays_behind_it() {
    let app = TestApp::at("/osa").await;
    let page = app.get("/osa/nights/2024-11-28").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains(r#"<base href="/osa/">"#));
    assert!(page.text.contains(r#"href="pkg/app.css""#));
    // Everything else is relative to the base.
    let rooted = page.text.split("href=\"/").skip(1).filter(|rest| !rest.starts_with("osa/"));
    assert_eq!(rooted.count(), 0);
    assert_eq!(app.get("/osa/pkg/app.css").await.status, StatusCode::OK);
    assert_eq!(app.get("/osa/api/v1/health").await.status, StatusCode::OK);
    for home in ["/osa", "/osa/"] {
        assert!(app.get(home).await.text.contains("<h1>Nights"), "{home}");
    }
    assert_eq!(app.get("/nights/2024-11-28").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn files_come_compressed_with_their_type_and_are_asked_for_again() {
    let app = TestApp::new().await;
    let plain = app.get("/pkg/app.css").await;
    assert_eq!(plain.headers[header::CONTENT_TYPE], "text/css");
    assert_eq!(plain.headers[header::CACHE_CONTROL], "no-cache");
    assert!(plain.headers.contains_key(header::LAST_MODIFIED));
    let small = app.get_as("/pkg/app.css", "br, gzip").await;
    assert_eq!(small.headers[header::CONTENT_ENCODING], "br");
    assert_eq!(small.text, "not really brotli");
}

#[tokio::test]
async fn only_scripts_of_this_page_run_in_it() {
    let page = TestApp::new().await.get("/").await;
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(!policy.contains("script-src 'unsafe-inline'"));
    let inline = page.text.matches("<script").count() - page.text.matches("<script src=").count();
    assert_eq!(page.text.matches(&format!("nonce=\"{nonce}\"")).count(), inline);
}

#[tokio::test]
async fn a_page_is_cached_while_nothing_changes_and_never_after() {
    let app = TestApp::new().await;
    let path = "/nights/2024-11-28";
    let (first, second) = (app.get(path).await, app.get(path).await);
    let nonce = |page: &Answer| page.headers[header::CONTENT_SECURITY_POLICY].clone();
    assert_eq!(nonce(&first), nonce(&second), "the same page twice");
    let packed = app.get_as(path, "gzip").await;
    assert_eq!(packed.headers[header::CONTENT_ENCODING], "gzip");
    assert_eq!(packed.headers[header::VARY], "accept-encoding, cookie");
    // Only what lies ready has a size: what is compressed for every viewer is not known before.
    assert!(packed.headers.contains_key(header::CONTENT_LENGTH), "compressed once, and kept");
    app.site.failed.lock().unwrap().push(1);
    app.watcher.night.tick(true);
    // As soon as the change has been seen, no page is without it.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while !app
        .get("/api/v1/nights/2024-11-28")
        .await
        .text
        .contains(r#""first":1,"last":1,"done":"r0_to_dl1""#)
    {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(app.get(path).await.text.contains("Log of failed subrun 19102.0001"));
}

#[tokio::test]
async fn viewers_are_notified_of_a_change_and_that_the_server_lives() {
    let app = TestApp::new().await.watching();
    let mut news = app.stream("/api/v1/nights/2024-11-28/events").await;
    let first = TestApp::event(&mut news, "change").await;
    TestApp::event(&mut news, "beat").await;
    app.site.failed.lock().unwrap().push(1);
    let second = TestApp::event(&mut news, "change").await;
    assert_ne!(first, second);
    app.scheduler.set(&["RUNNING"]);
    let third = TestApp::event(&mut news, "change").await;
    assert_ne!(second, third);
    let night = app.get("/api/v1/nights/2024-11-28").await.json();
    assert_eq!(night["sequences"][0]["state"], "RUNNING");
}

#[tokio::test]
async fn a_scheduler_that_fails_is_a_banner_with_since_when() {
    let app = TestApp::new().await.watching();
    let mut news = app.stream("/api/v1/nights/2024-11-28/events").await;
    app.scheduler.set(&["RUNNING"]);
    TestApp::event(&mut news, "change").await;
    app.scheduler.fail("sacct: error: no slurmdbd");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    let page = loop {
        let page = app.get("/nights/2024-11-28").await;
        if page.text.contains("Slurm has not answered since 20") {
            break page;
        }
        assert!(tokio::time::Instant::now() < deadline, "{}", page.main());
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert!(page.text.contains("sacct: error: no slurmdbd"));
    assert!(page.text.contains("RUNNING"), "what was known is shown");
    assert_eq!(app.get("/api/v1/health").await.json()["status"], "degraded");
}

#[tokio::test]
async fn the_nonce_of_a_page_stands_only_where_browsers_hide_it() {
    let app = TestApp::at("/osa").await;
    let page = app.get("/osa/").await;
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    let script = format!("<script type=\"module\" nonce=\"{nonce}\">");
    assert!(page.text.contains(&script), "{}", page.text);
    let where_it_belongs = page.text.matches(&format!("nonce=\"{nonce}\"")).count();
    assert_eq!(page.text.matches(nonce).count(), where_it_belongs, "{}", page.text);
    assert!(page.text.contains("address('app_bg.wasm')"), "{}", page.text);
}

#[tokio::test]
async fn a_database_that_was_replaced_is_reported_on_every_page() {
    let app = TestApp::new().await.watching();
    app.get("/").await; // is kept
    std::fs::rename(&app.store.file, app.dir.path().join("aside")).unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while !app.get("/").await.text.contains("removed or replaced") {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let health = app.get("/api/v1/health").await;
    assert_eq!(health.json()["status"], "failing", "{}", health.text);
    assert!(health.text.contains("the file was removed or replaced"), "{}", health.text);
    let pages =
        ["/", "/nights/2024-11-28", "/nights/2024-11-28/runs/19102", "/sign-in", "/nowhere"];
    for page in pages {
        let page = app.get(page).await;
        assert!(page.main().contains("the file was removed or replaced"), "{}", page.main());
        assert!(page.text.contains("put the right file back"), "{}", page.main());
    }
    std::fs::rename(app.dir.path().join("aside"), &app.store.file).unwrap();
    while app.get("/").await.text.contains("removed or replaced") {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_log_is_followed_from_where_the_viewer_is() {
    let app = TestApp::new().await;
    let name = "Run19102.0000_jobid_7.out";
    app.log(name, "one\n");
    let path = format!("/api/v1/nights/2024-11-28/runs/19102/logs/{name}/events?from=4");
    let mut news = app.stream(&path).await;
    TestApp::event(&mut news, "beat").await;
    app.log(name, "one\ntwo\n");
    let event = TestApp::event(&mut news, "append").await;
    assert!(event.contains(r#"data: "two\n""#) && event.contains("id: 8"), "{event}");
    app.log(name, "new\n");
    let event = TestApp::event(&mut news, "append").await;
    assert!(event.contains("begun again"), "{event}");
}

#[tokio::test]
async fn streams_end_with_the_server() {
    let app = TestApp::new().await.watching();
    let mut news = app.stream("/api/v1/nights/events").await;
    TestApp::event(&mut news, "beat").await;
    app.close.send_replace(true);
    let end = async { while news.frame().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(60), end).await.unwrap();
}
