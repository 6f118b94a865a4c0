//! The local scheduler behind the real command.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::golden_night;

#[tokio::test(flavor = "multi_thread")]
async fn jobs_go_on_after_the_command_that_submitted_them_has_ended() {
    let night = golden_night();
    for done in ["running_analysis", "monitoring/PixelCalibration/Cat-A/calibration"] {
        fs::remove_dir_all(night.path(done)).unwrap();
    }
    let database = night.dir.path().join("osa.sqlite");
    let mut command = night.osa();
    command
        .args(["sequencer", "-d", "2024-11-28", "LST1"])
        .env("OSA_SCHEDULER", "local")
        .env("OSA_DATABASE", &database);
    // Reads both pipes to their ends: nobody who lives on may hold them open.
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    // The database itself is asked, since asking the scheduler would start what may have ended.
    let mut database = crate::support::database(&database).await;
    let deadline = Instant::now() + Duration::from_secs(240);
    loop {
        let jobs = sqlx::query!(
            "SELECT DISTINCT name, state, hold FROM local_tasks t
             JOIN local_jobs j ON j.id = t.job ORDER BY j.id"
        );
        let jobs = jobs.map(|job| (job.name, job.state, job.hold));
        let jobs = jobs.fetch_all(&mut database).await.unwrap();
        // There is no lstchain here: the calibration fails, and what waits for it learns that.
        let calibration = ("LST1_19101".into(), "FAILED".into(), String::new());
        let never = |(_, state, hold): &(String, String, String)| {
            state == "PENDING" && hold == "DependencyNeverSatisfied"
        };
        if jobs.len() > 1 && jobs[0] == calibration && jobs[1..].iter().all(never) {
            break;
        }
        assert!(Instant::now() < deadline, "{jobs:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
