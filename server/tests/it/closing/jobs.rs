//! A night closed with its jobs, run by stand-ins.

use std::collections::BTreeMap;
use std::fs;

use server::close::manifest::Manifest;
use server::datacheck::NightData;
use server::model::Level;

use super::{assert_no_job_twice, on_local, on_slurm};
use crate::support::TestSite;

const ALL: [&str; 7] = [
    "check_dl1 19102",
    "longterm",
    "merge_dl1 19102",
    "merge_dl2 19102",
    "merge_muons 19102",
    "provprocess 19102",
    "transparency",
];

/// Each job once.
pub fn once() -> BTreeMap<String, usize> {
    ALL.iter().map(|purpose| ((*purpose).to_owned(), 1)).collect()
}

fn closes(site: &TestSite) {
    let said = site.closer(&[]).succeeds().says("The night 2024-11-28 is closed.");
    assert_eq!(site.submitted(), once());
    assert_no_job_twice(site);
    let there = |level, name: &str| {
        let file = site.final_dir(level).join(name);
        assert!(file.is_file(), "{} is not there: {said}", file.display());
    };
    there(Level::Dl1ab, "dl1_LST-1.Run19102.h5");
    there(Level::Dl1ab, "log/calibration_to_dl1_19102_prov.json");
    there(Level::Muons, "muons_LST-1.Run19102.fits");
    there(Level::Dl2, "dl2_LST-1.Run19102.h5");
    there(Level::Dl2, "log/calibration_to_dl2_19102_prov.json");
    there(Level::Datacheck, "datacheck_dl1_LST-1.Run19102.h5");
    there(Level::Datacheck, "datacheck_dl1_LST-1.Run19102.pdf");
    let paths = site.paths();
    let longterm = NightData::read(&[paths.longterm_file("h5")], false).unwrap();
    assert_eq!(longterm.missing, [""; 0], "the transparency tool adds the spectrum");
    assert_eq!(fs::read_link(paths.longterm_link()).unwrap(), paths.longterm_file("h5"));
    let flag = fs::read_to_string(site.flag()).unwrap();
    let (host, pid) = flag.split_once(':').unwrap();
    assert!(!host.is_empty() && pid.parse::<u32>().is_ok(), "{flag}");
    assert!(paths.job_information().is_file());
    let manifest: Manifest = serde_json::from_slice(&fs::read(paths.manifest()).unwrap()).unwrap();
    let of = |level: &str| manifest.files.iter().filter(|file| file.level == level).count();
    let counts = ["dl1", "muons", "interleaved", "datacheck", "dl2", "longterm"].map(of);
    assert_eq!(counts, [3, 3, 2, 4, 3, 3], "{manifest:#?}");
    assert!(of("provenance") >= 2);
    for file in &manifest.files {
        assert_eq!(file.size, file.path.metadata().unwrap().len(), "{}", file.path.display());
        assert_eq!(file.checksum.len(), 64);
    }
    site.closer(&[]).succeeds().says("is closed already.");
    assert_eq!(site.submitted(), once());
}

#[test]
fn on_the_local_scheduler_a_night_is_closed_with_its_jobs() {
    closes(&on_local());
}

#[test]
fn on_slurm_a_night_is_closed_with_its_jobs() {
    let site = on_slurm();
    closes(&site);
    let calls = site.slurm().arguments("sbatch");
    let dependent = calls.iter().filter(|call| call.contains("--dependency=afterok:")).count();
    assert_eq!(dependent, 2, "{calls:?}");
    let script = fs::read_to_string(site.analysis().join("close_merge_dl1_19102.sh")).unwrap();
    insta::assert_snapshot!("merge-script", site.portable(&script));
}

#[test]
fn without_dl2_none_is_merged() {
    let site = on_slurm();
    fs::remove_dir_all(site.analysis().join("model2")).unwrap();
    site.closer(&["--no-dl2"]).succeeds();
    let mut expected = once();
    expected.remove("merge_dl2 19102");
    assert_eq!(site.submitted(), expected);
    let script = fs::read_to_string(site.analysis().join("close_provprocess_19102.sh")).unwrap();
    assert!(script.contains("'--no-dl2'"), "{script}");
}

#[test]
fn the_jobs_of_a_run_that_was_closed_alone_are_not_done_again_with_the_night() {
    let site = on_slurm();
    site.closer(&["--seq", "19102"]).succeeds().says("Run 19102 of 2024-11-28 is closed.");
    let mut expected = once();
    expected.remove("longterm");
    expected.remove("transparency");
    assert_eq!(site.submitted(), expected);
    assert!(!site.flag().exists());
    site.closer(&[]).succeeds().says("The night 2024-11-28 is closed.");
    assert_eq!(site.submitted(), once());
    // Opened again, everything is done again.
    site.closer(&["--reopen"]).succeeds();
    site.closer(&[]).succeeds().says("The night 2024-11-28 is closed.");
    assert!(site.submitted().values().all(|count| *count == 2), "{:?}", site.submitted());
}
