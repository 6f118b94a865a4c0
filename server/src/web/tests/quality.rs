//! What is thought of the data quality, wherever a run or a night is shown.

use super::evidence::{file_of, night_file, subrun_file};
use super::*;

const NIGHT: &str = "/api/v1/nights/2024-11-28";

/// What an address answers, as soon as it tells what is wanted.
async fn once(
    app: &TestApp,
    path: &str,
    wanted: impl Fn(&serde_json::Value) -> bool,
) -> serde_json::Value {
    let wait = async {
        loop {
            let answer = serde_json::from_str(&app.get(path).await.text).unwrap();
            if wanted(&answer) {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap()
}

/// The night as soon as it tells what is wanted of the run's quality.
async fn night_with(
    app: &TestApp,
    wanted: impl Fn(&serde_json::Value) -> bool,
) -> serde_json::Value {
    once(app, NIGHT, |night| wanted(&night["sequences"][0]["quality"])).await
}

#[tokio::test]
async fn a_run_without_a_datacheck_says_so_and_one_with_it_is_judged_and_pushed() {
    let app = TestApp::new().await.watching();
    let night = night_with(&app, |quality| quality["missing"] == true).await;
    assert!(night["sequences"][0]["quality"]["verdict"].is_null());
    assert!(app.get("/nights/2024-11-28").await.text.contains("none yet"));
    let mut events = app.stream(&format!("{NIGHT}/events")).await;
    TestApp::event(&mut events, "change").await;
    subrun_file(&app);
    let night = night_with(&app, |quality| quality["verdict"] == "bad").await;
    TestApp::event(&mut events, "change").await;
    let findings = night["sequences"][0]["quality"]["findings"].as_array().unwrap();
    let of = |quantity: &str| findings.iter().find(|own| own["quantity"] == quantity).unwrap();
    let cosmics = of("cosmics_rate");
    assert!(
        cosmics["reason"].as_str().unwrap().starts_with("Rate of cosmics too low:"),
        "{cosmics}"
    );
    assert_eq!((&cosmics["sheet"], &cosmics["figure"]), (&"rates".into(), &"rate".into()));
    assert_eq!(of("muon_rate")["reason"], "Rate of contained muon rings: no value");
    once(&app, "/api/v1/nights", |list| list["nights"][0]["quality"]["bad"] == 1).await;
    for (page, part) in [
        ("/", "bad: 1 of 1"),
        ("/nights/2024-11-28", "Rate of cosmics too low"),
        ("/nights/2024-11-28/runs/19102", "?sheet=rates#figure-rate"),
        ("/nights/2024-11-28/runs/19102/datacheck?sheet=rates", "id=\"figure-rate\""),
        ("/nights/2024-11-28/datacheck?sheet=rates", "bad: 1 of 1"),
    ] {
        let shown = app.get(page).await.text;
        assert!(shown.contains(part), "{part} is not in {page}");
    }
}

#[tokio::test]
async fn each_figure_of_a_run_and_of_a_night_is_judged() {
    let app = TestApp::new().await.watching();
    file_of(&app, 19102, "datacheck_dl1_LST-1.Run20603.0000.h5");
    file_of(&app, 19103, "datacheck_dl1_LST-1.Run20603.0001.h5");
    night_with(&app, |quality| quality["verdict"] == "bad").await;
    let figures = async |path: &str| -> serde_json::Value {
        serde_json::from_str(&app.get(path).await.text).unwrap()
    };
    let run = figures(&format!("{NIGHT}/runs/19102/datacheck?sheet=rates")).await;
    let verdict = |sheet: &serde_json::Value, id: &str| {
        let all = sheet["figures"].as_array().unwrap().clone();
        all.into_iter().find(|figure| figure["id"] == id).unwrap()
    };
    assert_eq!(verdict(&run, "rate")["verdict"], "warn");
    assert_eq!(
        verdict(&run, "ucts")["reasons"][0],
        "Jumps of the UCTS time too high: 2.000, limit 0"
    );
    assert!(verdict(&run, "tib")["verdict"].is_null(), "nothing of it is judged");
    assert_eq!(run["marks"]["rates"], "warn");
    let charge = figures(&format!("{NIGHT}/runs/19102/datacheck?sheet=flatfield-charge")).await;
    assert_eq!(verdict(&charge, "mean-distribution")["verdict"], "ok");
    let night = figures(&format!("{NIGHT}/datacheck?sheet=unknown-tags")).await;
    let jumps = verdict(&night, "ucts-jumps");
    assert_eq!(jumps["reasons"][0], "run 19102: Jumps of the UCTS time too high: 2.000, limit 0");
    assert_eq!(
        night["notices"][0],
        "not closed yet: from the datacheck of each run as far as it is there"
    );
    let compared =
        figures(&format!("{NIGHT}/runs/19102/datacheck?sheet=pedestal-charge&with=19103")).await;
    assert!(compared["figures"].as_array().unwrap().iter().all(|own| own["verdict"].is_null()));
}

#[tokio::test]
async fn a_closed_night_is_judged_from_its_own_file() {
    let app = TestApp::new().await.watching();
    night_file(&app);
    night_with(&app, |quality| quality["missing"] == true).await;
    let judged = |list: &serde_json::Value| list["nights"][0]["quality"]["bad"] == 1;
    let list = once(&app, "/api/v1/nights", judged).await;
    let quality = &list["nights"][0]["quality"];
    assert_eq!((&quality["warn"], &quality["ok"]), (&0.into(), &2.into()));
    let page = app.get("/nights/2024-11-28/datacheck?sheet=muons").await.text;
    assert!(page.contains("run 20603: Telescope efficiency from muon rings"), "{page}");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_no_verdict() {
    let app = TestApp::new().await.watching();
    let file = subrun_file(&app);
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let night =
        night_with(&app, |quality| quality["problem"].is_string() && quality["missing"].is_null())
            .await;
    let quality = &night["sequences"][0]["quality"];
    assert!(quality["verdict"].is_null());
    assert!(quality["problem"].as_str().unwrap().contains("Run19102.0000.h5"), "{quality}");
    assert!(app.get("/nights/2024-11-28").await.text.contains("not judged"));
}
