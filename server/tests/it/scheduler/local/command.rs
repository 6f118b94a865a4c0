//! The local scheduler behind the real command.

use std::time::{Duration, Instant};

use crate::support::{PATIENCE, TestSite};

#[tokio::test(flavor = "multi_thread")]
async fn jobs_go_on_after_the_command_that_submitted_them_has_ended() {
    let site = TestSite::fresh().with_local_scheduler();
    let database = site.dir().join("osa.sqlite");
    let site = site.with_env("OSA_DATABASE", database.to_str().unwrap());
    // Reads both pipes to their ends: nobody who lives on may hold them open.
    let site = tokio::task::spawn_blocking(move || {
        site.sequencer(&[]).succeeds();
        site
    });
    let _site = site.await.unwrap();

    // The database itself is asked, since asking the scheduler would start what may have ended.
    let mut database = crate::support::database(&database).await;
    let deadline = Instant::now() + PATIENCE;
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
