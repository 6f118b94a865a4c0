//! Datacheck figures and provenance on the wire.

use std::path::{Path, PathBuf};

use super::super::look::Look;
use super::*;
use crate::model::{Level, RunId, Subrun};

const FIGURES: &str = "/api/v1/nights/2024-11-28/runs/19102/datacheck";

/// A subrun's datacheck, as lstchain wrote one, where the night is worked on.
fn subrun_file(app: &TestApp) -> PathBuf {
    let paths = app.site.paths("2024-11-28".parse().unwrap()).unwrap();
    let name = paths.product_name(Level::Datacheck, RunId(19102), Some(Subrun(0)));
    let file = paths.running_dir(Level::Datacheck).join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let real = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/datacheck/datacheck_dl1_LST-1.Run20603.0000.h5");
    std::fs::copy(real, &file).unwrap();
    file
}

#[tokio::test]
async fn figures_of_a_run_are_sent_in_each_form_and_only_once_to_whoever_keeps_them() {
    let app = TestApp::new().await;
    subrun_file(&app);
    let page = app.get("/nights/2024-11-28/runs/19102/datacheck?sheet=pedestal-charge").await;
    assert_eq!(page.status, StatusCode::OK);
    for part in ["Pedestals: charge", "pedestal-charge/mean-map.svg", "From 1 file."] {
        assert!(page.text.contains(part), "{part} is not in the page");
    }
    for (name, kind, begin) in [
        ("mean-map.svg", "image/svg+xml", "<svg"),
        ("mean-map.png", "image/png", ""),
        ("mean-map.pdf", "application/pdf", "%PDF"),
        ("sheet.pdf", "application/pdf", "%PDF"),
        ("sheet.json", "application/json", "{"),
        ("mean-map.csv", "text/csv; charset=utf-8", ""),
        ("mean-map.json", "application/json", "{"),
    ] {
        let path = format!("{FIGURES}/pedestal-charge/{name}");
        let answer = app.get(&path).await;
        assert_eq!(
            (answer.status, &answer.headers[header::CONTENT_TYPE]),
            (StatusCode::OK, &kind.parse().unwrap())
        );
        assert!(answer.text.starts_with(begin) && answer.text.len() > 1000, "{name}");
        if name == "sheet.pdf" {
            continue; // its parts may come in another order each time
        }
        let tag = answer.headers[header::ETAG].clone();
        let request = Request::get(&path).header(header::IF_NONE_MATCH, tag);
        let again = app.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{name}");
    }
    for path in [
        "pedestal-charge/none.svg",
        "pedestal-charge/sheet.csv",
        "pedestal-charge/mean-map.exe",
        "none/mean-map.svg",
    ] {
        let answer = app.get(&format!("{FIGURES}/{path}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
    }
}

#[tokio::test]
async fn a_file_that_is_cut_short_is_named_and_one_that_is_not_there_yet_is_told() {
    let app = TestApp::new().await;
    let early = app.get(&format!("{FIGURES}/rates/ucts.svg")).await;
    assert_eq!(early.status, StatusCode::NOT_FOUND);
    assert!(early.text.contains("there is no datacheck of run 19102 yet"), "{}", early.text);
    let file = subrun_file(&app);
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let cut = app.get(&format!("{FIGURES}/rates/ucts.svg")).await;
    assert_eq!(cut.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(cut.text.contains("Run19102.0000.h5"), "{}", cut.text);
    std::fs::write(&file, whole).unwrap();
    assert_eq!(app.get(&format!("{FIGURES}/rates/ucts.svg")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn without_a_log_there_is_no_provenance_and_odd_wishes_are_refused() {
    let app = TestApp::new().await;
    let address = "/api/v1/nights/2024-11-28/runs/19102/provenance";
    let none = app.get(&format!("{address}.json")).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    assert!(none.text.contains("has no provenance yet"), "{}", none.text);
    let part = app.get(&format!("{address}.json?filter=everything")).await;
    assert!(part.text.contains("there is no part"), "{}", part.text);
    let request = Request::get(address).header(header::ACCEPT, "image/png");
    let odd = app.ask(request.body(Body::empty()).unwrap()).await;
    assert_eq!(odd.status(), StatusCode::NOT_ACCEPTABLE);
    let page = app.get("/nights/2024-11-28/runs/19102/provenance").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}
