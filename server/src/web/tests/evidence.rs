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
        let tag = answer.headers[header::ETAG].clone();
        let request = Request::get(&path).header(header::IF_NONE_MATCH, tag);
        let again = app.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{name}");
    }
    for path in ["pedestal-charge/none.svg", "pedestal-charge/mean-map.exe", "none/mean-map.svg"] {
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

/// The original's log where the night is worked on, indexed.
async fn indexed_log(app: &TestApp) {
    let paths = app.site.paths("2024-11-28".parse().unwrap()).unwrap();
    let log = paths.provenance_log();
    std::fs::create_dir_all(log.parent().unwrap()).unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/prov/prov.log");
    std::fs::copy(golden, &log).unwrap();
    crate::provenance::index::update(&app.store, &log).await.unwrap();
}

#[tokio::test]
async fn lineage_is_answered_under_both_sets_of_names_and_in_every_form() {
    let app = TestApp::new().await;
    indexed_log(&app).await;
    let path = "/fefs/aswg/data/real/R0/20241128/LST-1.1.Run19100.fits.fz";
    let ours = app.get(&format!("/api/v1/provenance?path={path}&direction=forward&depth=1")).await;
    assert_eq!(ours.status, StatusCode::OK, "{}", ours.text);
    assert_eq!(ours.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    let document = crate::provenance::json::read(&ours.text).unwrap();
    assert_eq!(document.relations.len(), 2, "{}", ours.text);
    let sap = format!("/api/v1/provenance?ID={path}&DIRECTION=FORTH&RESPONSEFORMAT=PROV-JSON");
    assert_eq!(app.get(&sap).await.text, ours.text);
    for (suffix, begin) in [
        ("provn", "document"),
        ("ttl", "@prefix"),
        ("jsonld", "{"),
        ("svg", "<svg"),
        ("pdf", "%PDF"),
    ] {
        let answer =
            app.get(&format!("/api/v1/provenance.{suffix}?path={path}&direction=forward")).await;
        assert!(answer.text.starts_with(begin), "{suffix}");
        let tag = answer.headers[header::ETAG].clone();
        let request =
            Request::get(format!("/api/v1/provenance.{suffix}?path={path}&direction=forward"));
        let again =
            app.ask(request.header(header::IF_NONE_MATCH, tag).body(Body::empty()).unwrap());
        assert_eq!(again.await.status(), StatusCode::NOT_MODIFIED, "{suffix}");
    }
    for (query, status) in [
        ("path=/none", StatusCode::NOT_FOUND),
        ("ID=x&MODEL=IVOA", StatusCode::BAD_REQUEST),
        ("", StatusCode::BAD_REQUEST),
    ] {
        let answer = app.get(&format!("/api/v1/provenance?{query}")).await;
        assert_eq!(answer.status, status, "{query}");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
    }
}

#[tokio::test]
async fn a_run_needs_no_night_and_what_it_brought_forth_tells_its_provenance() {
    let app = TestApp::new().await;
    subrun_file(&app);
    let figure = app.get(&format!("{FIGURES}/pedestal-charge/mean-map.svg")).await;
    assert_eq!(
        figure.headers[header::LINK],
        "</api/v1/nights/2024-11-28/runs/19102/provenance>; \
         rel=\"http://www.w3.org/ns/prov#has_provenance\""
    );
    let none = app.get(&format!("{FIGURES}/pedestal-charge/none.svg")).await;
    assert!(!none.headers.contains_key(header::LINK));
    let of_night = app.get("/api/v1/nights/2024-11-28/runs/19102/provenance.json").await;
    let of_run = app.get("/api/v1/runs/19102/provenance.json").await;
    assert_eq!((of_run.status, &of_run.text), (of_night.status, &of_night.text));
    let unknown = app.get("/api/v1/runs/19999/provenance.json").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.text.contains("no run summary has a run 19999"), "{}", unknown.text);
}

#[tokio::test]
async fn a_program_of_another_site_may_read_with_its_token() {
    let app = TestApp::new().await;
    let request = Request::options("/api/v1/nights")
        .header(header::ORIGIN, "https://elsewhere.example")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization");
    let answer = app.ask(request.body(Body::empty()).unwrap()).await;
    assert!(answer.status().is_success());
    let allowed = answer.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
    assert!(allowed.contains("authorization"), "{allowed}");
    let page = Request::options("/users").header(header::ORIGIN, "https://elsewhere.example");
    let page =
        page.header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET").body(Body::empty()).unwrap();
    assert!(!app.ask(page).await.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
}
