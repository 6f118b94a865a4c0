//! `closer` and `autocloser` through the real binary, on the local scheduler and the scripted Slurm.

mod automatic;
mod crashes;
mod jobs;
mod moving;
mod simulation;
mod trouble;

use std::fs;

use server::model::{Level, RunId, Subrun};

use crate::support::{FakeSlurm, SUMMARY, TestSite};

/// The levels that move.
const LEVELS: [Level; 5] =
    [Level::Dl1ab, Level::Muons, Level::Interleaved, Level::Datacheck, Level::Dl2];

/// The golden night as the original left it, on a Slurm that runs nothing.
fn golden() -> TestSite {
    on_impatient_slurm(TestSite::golden(), FakeSlurm::holding())
}

/// A night with a calibration and run 19102 of two subruns, all of it finished, on a Slurm that runs
/// its jobs.
fn on_slurm() -> TestSite {
    finished(on_impatient_slurm(TestSite::golden(), FakeSlurm::running()))
}

/// The same night on the local scheduler.
fn on_local() -> TestSite {
    finished(impatient(TestSite::golden()).with_local_scheduler())
}

/// The same night before anything was done, with what its stages need, on the local scheduler.
fn fresh_on_local() -> TestSite {
    let site = impatient(TestSite::fresh()).with_local_scheduler();
    keep_one_run(&site);
    let site = site.with_lstchain_files().with_standins();
    site.rules("* * version=v0.1.0\n");
    site
}

fn on_impatient_slurm(site: TestSite, slurm: FakeSlurm) -> TestSite {
    impatient(site).with_slurm(slurm).with_env("OSA_SCHEDULER", "slurm")
}

/// Commands look often at what has become of their jobs. The table of processed nights is in the
/// tree.
fn impatient(site: TestSite) -> TestSite {
    let table = site.path("OSA/osa.db");
    site.configure("/fefs/aswg/data/real/OSA/osa.db", table.to_str().unwrap());
    site.with_env("OSA_POLL_SECONDS", "0.2").with_env("OSA_LOST_AFTER_SECONDS", "0.5")
}

/// Everything of the calibration and of two subruns of run 19102 is done; there is nothing else.
fn finished(site: TestSite) -> TestSite {
    keep_one_run(&site);
    fs::remove_dir_all(site.analysis()).unwrap();
    for subrun in 0..2 {
        finish(&site, RunId(19102), Subrun(subrun));
    }
    fs::create_dir_all(site.analysis().join("log")).unwrap();
    let log = include_str!("../../golden/prov/prov.log");
    fs::write(site.analysis().join("prov.log"), log).unwrap();
    site.with_standins()
}

/// Of the golden night's runs only the calibration and run 19102, with two subruns.
fn keep_one_run(site: &TestSite) {
    site.replace(SUMMARY, "\n19102,6,", "\n19102,2,");
    let keep = |line: &&str| {
        let data = line.starts_with("191");
        !data || ["19100,", "19101,", "19102,"].iter().any(|run| line.starts_with(run))
    };
    let text = site.read(SUMMARY);
    let text: Vec<&str> = text.lines().filter(keep).collect();
    site.write(SUMMARY, &(text.join("\n") + "\n"));
}

/// Everything of a subrun is done.
fn finish(site: &TestSite, run: RunId, subrun: Subrun) {
    let paths = site.paths();
    for level in Level::ALL {
        let name = paths.product_name(level, run, Some(subrun));
        let directory = paths.running_dir(level);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(name), format!("{level:?} of {run}.{subrun}\n")).unwrap();
    }
    let stages = [
        ("lstchain_data_r0_to_dl1", "v0.1.0"),
        ("lstchain_dl1ab", "tailcut84"),
        ("lstchain_check_dl1", "tailcut84"),
        ("lstchain_dl1_to_dl2", "model2"),
    ];
    let line = |(tool, prod): &(&str, &str)| {
        format!("{run}.{subrun} {tool} {prod} 2024-11-29 02:14 in conf.json 0\n")
    };
    let text: String = stages.iter().map(line).collect();
    fs::write(paths.history(run, Some(subrun)), text).unwrap();
}

/// No job has been given to the scheduler twice.
#[track_caller]
fn assert_no_job_twice(site: &TestSite) {
    assert!(site.jobs().values().all(|count| *count == 1), "{:?}", site.jobs());
}
