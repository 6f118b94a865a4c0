//! The datacheck files that lstchain made: listed, sent as they are, and nothing else.

use std::path::PathBuf;

use super::super::reader::NightReader;
use super::*;
use crate::model::Level;

const PRODUCTS: &str = "/api/v1/nights/2024-11-28/products";

/// The files of a night: a plot of the calibration, a run, and the long-term page.
fn fill(app: &TestApp) -> PathBuf {
    let paths = app.site.paths("2024-11-28".parse().unwrap()).unwrap();
    let put = |file: PathBuf, text: &str| {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    let log = paths.drs4_dir(paths.date).join("v0.1.0/log");
    put(log.join("drs4_pedestal.Run19100.0000.pdf"), "%PDF drs4");
    std::os::unix::fs::symlink("v0.1.0", paths.drs4_dir(paths.date).join("pro")).unwrap();
    let runs = paths.final_dir(Level::Datacheck).unwrap();
    put(runs.join("datacheck_dl1_LST-1.Run19102.pdf"), "%PDF run");
    put(runs.join("notes.txt"), "no product");
    put(paths.longterm_file("html"), "<script>top.location = 'https://evil.example'</script>");
    put(paths.longterm_file("h5"), "not really HDF5");
    runs
}

#[tokio::test]
async fn what_is_there_is_listed_and_sent_and_what_is_missing_is_reported() {
    let app = TestApp::new().await;
    fill(&app);
    let list: serde_json::Value = serde_json::from_str(&app.get(PRODUCTS).await.text).unwrap();
    let all = list["products"].as_array().unwrap();
    let names: Vec<_> = all.iter().map(|own| own["name"].as_str().unwrap()).collect();
    let known = [
        "drs4_pedestal.Run19100.0000.pdf",
        "datacheck_dl1_LST-1.Run19102.pdf",
        "DL1_datacheck_20241128.html",
        "DL1_datacheck_20241128.h5",
    ];
    assert_eq!(names, known);
    for (own, (kind, how)) in all.iter().zip([
        ("application/pdf", "inline"),
        ("application/pdf", "inline"),
        ("text/html; charset=utf-8", "inline"),
        ("application/x-hdf5", "attachment"),
    ]) {
        let path = format!("/{}", own["href"].as_str().unwrap());
        let answer = app.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let header = |name| answer.headers[name].to_str().unwrap().to_owned();
        assert_eq!(header(header::CONTENT_TYPE), kind);
        assert!(header(header::CONTENT_DISPOSITION).starts_with(how));
        assert_eq!(header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
        assert_eq!(header(header::CONTENT_LENGTH), answer.text.len().to_string());
        assert_eq!(own["bytes"], answer.text.len());
        let head = app.answer(Request::head(&path).body(Body::empty()).unwrap()).await;
        assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""));
        assert_eq!(head.headers[header::CONTENT_LENGTH], header(header::CONTENT_LENGTH));
        let packed = app.get_as(&path, "br").await.headers.contains_key(header::CONTENT_ENCODING);
        assert!(!packed || kind.starts_with("text/"), "{path}");
        let request = Request::get(&path).header(header::IF_NONE_MATCH, header(header::ETAG));
        let again = app.answer(request.body(Body::empty()).unwrap()).await;
        assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    }
    let page = app.get("/nights/2024-11-28/products").await.text;
    for part in ["drs4_pedestal.Run19100.0000.pdf", "check plot of the charge calibration", "(log)"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("notes.txt"));
}

#[tokio::test]
async fn a_file_can_be_had_in_parts_so_that_what_broke_off_goes_on() {
    let app = TestApp::new().await;
    fill(&app);
    let path = format!("{PRODUCTS}/longterm/DL1_datacheck_20241128.h5");
    let whole = app.get(&path).await;
    assert_eq!(whole.headers[header::ACCEPT_RANGES], "bytes");
    let tag = whole.headers[header::ETAG].to_str().unwrap().to_owned();
    let modified = whole.headers[header::LAST_MODIFIED].to_str().unwrap().to_owned();
    let old = "Thu, 01 Jan 1970 00:00:00 GMT";
    let (ok, part) = (StatusCode::OK, StatusCode::PARTIAL_CONTENT);
    let all = whole.text.as_str();
    assert_eq!(all, "not really HDF5");
    for (range, condition, status, text) in [
        ("bytes=0-2", None, part, "not"),
        ("bytes=11-", None, part, "HDF5"),
        ("bytes=-4", None, part, "HDF5"),
        ("bytes=11-999", None, part, "HDF5"),
        ("bytes=0-2", Some(tag.as_str()), part, "not"),
        ("bytes=0-2", Some(modified.as_str()), part, "not"),
        // Of a file that has changed since a part of it was had, all is sent.
        ("bytes=0-2", Some("\"other\""), ok, all),
        ("bytes=0-2", Some(old), ok, all),
        ("bytes=0-2,4-5", None, ok, all),
        ("lines=1-2", None, ok, all),
        ("bytes=15-", None, StatusCode::RANGE_NOT_SATISFIABLE, ""),
    ] {
        let mut request = Request::get(&path).header(header::RANGE, range);
        if let Some(condition) = condition {
            request = request.header(header::IF_RANGE, condition);
        }
        let answer = app.answer(request.body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status, answer.text.as_str()), (status, text), "{range} {condition:?}");
        let told = answer.headers.get(header::CONTENT_RANGE).map(|told| told.to_str().unwrap());
        match status {
            StatusCode::OK => assert_eq!(told, None, "{range}"),
            _ => assert!(told.unwrap().ends_with("/15") || told == Some("bytes */15"), "{told:?}"),
        }
    }
    for (since, status) in [(modified.as_str(), StatusCode::NOT_MODIFIED), (old, ok), ("?", ok)] {
        let request = Request::get(&path).header(header::IF_MODIFIED_SINCE, since);
        assert_eq!(
            app.answer(request.body(Body::empty()).unwrap()).await.status,
            status,
            "{since}"
        );
    }
}

#[tokio::test]
async fn a_page_of_others_has_no_rights() {
    let app = TestApp::new().await;
    fill(&app);
    let page = app.get(&format!("{PRODUCTS}/longterm/DL1_datacheck_20241128.html")).await;
    let policies: Vec<_> = page.headers.get_all(header::CONTENT_SECURITY_POLICY).iter().collect();
    let [policy] = policies[..] else { panic!("one policy") };
    let policy = policy.to_str().unwrap();
    assert!(policy.starts_with("sandbox allow-scripts; default-src 'none'"), "{policy}");
    for right in ["allow-same-origin", "allow-top-navigation", "allow-forms", "connect-src"] {
        assert!(!policy.contains(right), "{right}");
    }
}

#[tokio::test]
async fn nothing_but_what_is_listed_is_ever_sent() {
    let app = TestApp::new().await;
    let runs = fill(&app);
    let secret = app.dir.path().join("secret");
    std::fs::write(&secret, "the secret itself").unwrap();
    std::os::unix::fs::symlink(&secret, runs.join("datacheck_dl1_LST-1.Run19103.pdf")).unwrap();
    let list = app.get(PRODUCTS).await.text;
    assert!(list.contains("is a symbolic link, which is not followed"), "{list}");
    let long = "x".repeat(5000);
    for name in [
        "datacheck_dl1_LST-1.Run19103.pdf",
        "notes.txt",
        "..%2f..%2fsecret",
        "..%2fdatacheck%2fdatacheck_dl1_LST-1.Run19102.pdf",
        "%2fetc%2fpasswd",
        "datacheck_dl1_LST-1.Run19102.pdf%00",
        ".",
        "%2e%2e",
        &long,
    ] {
        let answer = app.get(&format!("{PRODUCTS}/runs/{name}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}");
        assert!(!answer.text.contains("the secret itself"), "{name}");
    }
    for path in [
        format!("{PRODUCTS}/none/DL1_datacheck_20241128.html"),
        format!("{PRODUCTS}/runs/DL1_datacheck_20241128.html"),
        "/api/v1/nights/2024-11-29/products".to_owned(),
    ] {
        assert_eq!(app.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let odd = "datacheck_dl1_LST-1.Run19104 a#b?%2f.pdf";
    std::fs::write(runs.join(odd), "%PDF odd").unwrap();
    let list: serde_json::Value = serde_json::from_str(&app.get(PRODUCTS).await.text).unwrap();
    let all = list["products"].as_array().unwrap();
    let href = all.iter().find(|own| own["name"] == odd).unwrap()["href"].as_str().unwrap();
    assert_eq!(app.get(&format!("/{href}")).await.text, "%PDF odd");
    // One that is gone is reported with the reason.
    let file = runs.join("datacheck_dl1_LST-1.Run19102.pdf");
    std::fs::remove_file(&file).unwrap();
    let gone = app.get(&format!("{PRODUCTS}/runs/datacheck_dl1_LST-1.Run19102.pdf")).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert_eq!(gone.headers[header::CONTENT_TYPE], "application/problem+json");
    let log = app.get(&format!("{PRODUCTS}/longterm/DL1_datacheck_20241128.log")).await;
    assert!(log.text.contains("it has not been made"), "{}", log.text);
}
