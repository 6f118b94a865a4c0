//! Datacheck figures and provenance on the wire.

use std::path::{Path, PathBuf};

use super::super::reader::NightReader;
use super::*;
use crate::model::{Level, RunId, Subrun};

const FIGURES: &str = "/api/v1/nights/2024-11-28/runs/19102/datacheck";

const PAGE: &str = "/nights/2024-11-28/runs/19102/datacheck";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/datacheck").join(name)
}

/// A subrun's datacheck, as lstchain wrote one, where the night is worked on.
pub fn subrun_file(app: &TestApp) -> PathBuf {
    file_of(app, 19102, "datacheck_dl1_LST-1.Run20603.0000.h5")
}

pub fn file_of(app: &TestApp, run: u32, real: &str) -> PathBuf {
    let paths = app.site.paths("2024-11-28".parse().unwrap()).unwrap();
    let name = paths.product_name(Level::Datacheck, RunId(run), Some(Subrun(0)));
    let file = paths.running_dir(Level::Datacheck).join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::copy(fixture(real), &file).unwrap();
    file
}

/// The datacheck of the night, as lstchain wrote one for three runs.
pub fn night_file(app: &TestApp) {
    let paths = app.site.paths("2024-11-28".parse().unwrap()).unwrap();
    let file = paths.longterm_file("h5");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let packed = std::fs::File::open(fixture("DL1_datacheck_20250131.h5.gz")).unwrap();
    let mut out = std::fs::File::create(file).unwrap();
    std::io::copy(&mut flate2::read::GzDecoder::new(packed), &mut out).unwrap();
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
async fn a_file_that_is_cut_short_is_named_and_one_that_is_not_there_yet_is_reported() {
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
async fn scale_and_limits_are_chosen_by_address_and_nonsense_is_refused() {
    let app = TestApp::new().await;
    subrun_file(&app);
    let json = |query: &str| {
        let path = format!("{FIGURES}/pedestal-charge/mean-map.json{query}");
        let app = &app;
        async move { app.get(&path).await.text }
    };
    assert!(json("").await.contains(r#""scale":"log""#));
    let linear = json("?scale=linear&limits=value&low=1&high=3").await;
    assert!(linear.contains(r#""scale":"linear""#), "{}", &linear[..300]);
    assert!(linear.contains(r#""limits":{"fixed":[1.0,3.0]}"#));
    let other = json("?scale=linear&figure=std-map").await;
    assert!(other.contains(r#""scale":"log""#), "the choice is about another figure");
    let chosen = "scale=linear&limits=percentile&low=5&high=95";
    let page = app.get(&format!("{PAGE}?sheet=pedestal-charge&{chosen}")).await;
    assert_eq!(page.status, StatusCode::OK);
    let address = format!("pedestal-charge/mean-map.svg?{}", chosen.replace('&', "&amp;"));
    assert!(page.text.contains(&address), "{address}");
    for (query, told) in [
        ("?scale=cubic", "neither linear nor log"),
        ("?limits=value&low=3&high=1", "is not below"),
        ("?limits=value&low=-1&high=1", "must be above 0"),
        ("?limits=percentile&low=1", "is missing"),
        ("?scale=log&figure=none", "there is no figure"),
    ] {
        let path = format!("{FIGURES}/pedestal-charge/mean-map.svg{query}");
        let answer = app.get(&path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(answer.text.contains(told), "{query}: {}", answer.text);
        let page = app.get(&format!("{PAGE}{query}&sheet=pedestal-charge")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn pixels_lead_to_their_history() {
    let app = TestApp::new().await;
    subrun_file(&app);
    let map = app.get(&format!("{FIGURES}/pedestal-charge/mean-map.svg")).await;
    assert!(map.text.contains(&format!("<a href=\"{PAGE}?sheet=pixel-333\">")));
    for query in ["pixel=333", "sheet=pixel-333"] {
        let page = app.get(&format!("{PAGE}?{query}")).await;
        assert_eq!(page.status, StatusCode::OK);
        for part in ["Pixel 333 (module", "pixel-333/charge_mean.svg"] {
            assert!(page.text.contains(part), "{part} is not in the page");
        }
    }
    let csv = app.get(&format!("{FIGURES}/pixel-333/charge_mean.csv")).await;
    assert!(csv.text.starts_with("series,Subrun,Subrun to,Mean charge [pe],error"), "{}", csv.text);
    assert!(csv.text.contains("Cosmics,0,,"), "{}", csv.text);
    for pixel in ["1855", "-1", "x"] {
        let none = app.get(&format!("{PAGE}?pixel={pixel}")).await;
        assert_eq!(none.status, StatusCode::NOT_FOUND, "{pixel}");
        assert!(none.text.contains("from 0 to 1854"));
    }
}

#[tokio::test]
async fn two_runs_are_compared_map_by_map() {
    let app = TestApp::new().await;
    subrun_file(&app);
    file_of(&app, 19103, "datacheck_dl1_LST-1.Run20603.0001.h5");
    let page = app.get(&format!("{PAGE}/compare?with=19103")).await;
    assert_eq!(page.status, StatusCode::OK);
    for part in [
        "Datacheck of run 19102 compared with run 19103",
        "pedestal-charge/mean-map-ratio.svg?with=19103",
        "pedestal-charge/mean-map-difference.csv?with=19103",
        "run 19102 − run 19103",
        "From 2 files.",
    ] {
        assert!(page.text.contains(part), "{part} is not in the page");
    }
    let values = |name: &str, with: &str| {
        let path = format!("{FIGURES}/cosmics-charge/{name}.csv{with}");
        let app = &app;
        async move {
            let text = app.get(&path).await.text;
            let line = text.lines().nth(1).unwrap().to_owned();
            line.split(',').nth(1).unwrap().parse::<f64>().unwrap()
        }
    };
    let first = values("mean-map", "").await;
    let second = values("mean-map-second", "?with=19103").await;
    assert!((first - second).abs() > 1e-6);
    let difference = values("mean-map-difference", "?with=19103").await;
    assert!((difference - (first - second)).abs() < 1e-12);
    let ratio = values("mean-map-ratio", "?with=19103@2024-11-28").await;
    assert!((ratio - first / second).abs() < 1e-12);
    let muons = app.get(&format!("{FIGURES}/muon-rings/maps.svg?with=19103")).await;
    assert!(muons.text.contains("has no map on this sheet"));
    for (with, status) in [("19104", 404), ("19103@2020-01-01", 404), ("it", 400), ("1@x", 400)] {
        let answer = app.get(&format!("{FIGURES}?with={with}")).await;
        assert_eq!(answer.status.as_u16(), status, "{with}: {}", answer.text);
    }
}

#[tokio::test]
async fn runs_of_many_nights_are_shown_against_time() {
    let app = TestApp::new().await;
    let empty = app.get("/datacheck?from=2024-11-01&to=2024-11-30").await;
    assert_eq!(empty.status, StatusCode::OK);
    assert!(empty.text.contains("0 runs of 0 nights"), "{}", empty.text);
    night_file(&app);
    let page = app.get("/datacheck?from=2024-11-01&to=2024-11-30").await;
    for part in [
        "3 runs of 1 night",
        "rates/cosmics-rate.svg?from=2024-11-01&amp;to=2024-11-30",
        "unknown source",
        "nights/2024-11-28/runs/20601/datacheck",
    ] {
        assert!(page.text.contains(part), "{part} is not in the page");
    }
    let range = "from=2024-11-01&to=2024-11-30";
    let csv = |more: &str| {
        let path = format!("/api/v1/datacheck/rates/cosmics-rate.csv?{range}{more}");
        let app = &app;
        async move { app.get(&path).await.text.lines().count() }
    };
    let (all, one, none) = (csv("").await, csv("&run=20601").await, csv("&source=Crab").await);
    // A head, and of each run its value and both limits.
    assert_eq!((all, one, none), (10, 4, 2), "and where no run is left, a line that says so");
    let json = app.get(&format!("/api/v1/datacheck/rates/cosmics-rate.json?{range}")).await;
    assert!(json.text.contains(r#""spans":[{"name":"20601""#), "{}", json.text);
    for (query, status) in [
        ("from=2024-12-01&to=2024-11-01", 400),
        ("from=1900-01-01&to=2024-11-01", 400),
        ("from=yesterday", 400),
        ("run=first", 400),
        ("sheet=pedestal-charge", 404),
    ] {
        let answer = app.get(&format!("/api/v1/datacheck?{query}")).await;
        assert_eq!(answer.status.as_u16(), status, "{query}: {}", answer.text);
    }
    let night = app.get("/nights/2024-11-28/datacheck?sheet=pedestal-charge&run=20603").await;
    assert!(night.text.contains("pedestal-charge/mean-map.svg?run=20603"), "{}", night.text);
}

#[tokio::test]
async fn without_a_log_there_is_no_provenance_and_odd_queries_are_refused() {
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
async fn what_the_router_refuses_is_a_problem_like_every_other() {
    let app = TestApp::new().await;
    let name = "Run19102.0000_jobid_7.out";
    let log = format!("/api/v1/nights/2024-11-28/runs/19102/logs/{name}?from=x");
    let odd = app.get(&log).await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST);
    let verb = Request::delete("/api/v1/nights").body(Body::empty()).unwrap();
    let verb = app.ask(verb).await;
    assert_eq!(verb.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(verb.headers()[header::ALLOW], "GET,HEAD");
    for headers in [&odd.headers, verb.headers()] {
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
    }
}
