//! Records as this program writes them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use server::config::SiteConfig;
use server::model::{NightDate, RunId, Subrun, SubrunId};
use server::night::NightPaths;
use server::provenance::capture::{
    ActivityRun, CalibrationRun, DataInputs, Files, HASHED_UP_TO, Surroundings, activity,
};
use server::provenance::literal::Dict;
use server::provenance::record::{Activity, Kind, Record, Subject, Tag};
use server::provenance::scan::scan;

use super::golden_text;
use crate::support::{ORIGINAL_BASE, PROD_ID};

/// The night of the fixtures, with the original's paths, of which none exists here.
fn paths() -> NightPaths {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sequencer.cfg");
    let date: NightDate = "2024-11-28".parse().unwrap();
    NightPaths::new(Arc::new(SiteConfig::load(&config).unwrap()), date, PROD_ID.parse().unwrap())
}

fn time(second: u32) -> DateTime<Utc> {
    DateTime::from_timestamp(1_732_831_200 + i64::from(second), 25_000).unwrap()
}

fn run<'a>(
    paths: &'a NightPaths,
    surroundings: &'a Surroundings,
    activity: Activity,
    files: Files,
) -> ActivityRun<'a> {
    let subject = if activity.is_calibration() {
        Subject::Calibration { drs4: RunId(19100), pedcal: RunId(19101) }
    } else {
        Subject::Run(RunId(19102))
    };
    let tag = Tag { activity, subject };
    let (started, ended) = (time(0), time(9));
    ActivityRun { tag, paths, files, started, ended, surroundings, hashed_up_to: HASHED_UP_TO }
}

fn records(log: &str) -> Vec<Record> {
    let bodies = log.lines().map(|line| &line[line.find('{').unwrap()..]);
    bodies.map(|body| Record::parse(body.as_bytes()).unwrap()).collect()
}

/// What must be as in the original: everything but when, where and by whom.
fn comparable(record: &Record) -> Vec<(String, String)> {
    let own = ["activity_id", "startTime", "endTime", "agent_name", "script", "system"];
    let ours = ["actual_path", "config_file", "config_file_hash", "software_version"];
    let skipped =
        |key: &str| own.contains(&key) || ours.contains(&key) || key.contains("content_hash");
    let pairs = record.dict.iter().filter(|(key, _)| !skipped(key));
    let mut pairs: Vec<_> = pairs.map(|(key, value)| (key.to_owned(), value.plain())).collect();
    pairs.sort();
    pairs
}

#[test]
fn each_stage_writes_the_originals_records() {
    let (paths, surroundings) = (paths(), Surroundings::default());
    let base = Path::new(ORIGINAL_BASE);
    let cat_a = base.join("monitoring/PixelCalibration/Cat-A");
    let raw = |run: &str| base.join(format!("R0/20241128/LST-1.1.Run{run}.0000.fits.fz"));
    let (drs4_raw, pedcal_raw) = (raw("19100"), raw("19101"));
    let drs4 = |version: &str| {
        cat_a.join(format!("drs4_baseline/20241128/{version}/drs4_pedestal.Run19100.0000.h5"))
    };
    let charge = |version: &str| {
        cat_a
            .join(format!("calibration/20241128/{version}/calibration_filters_52.Run19101.0000.h5"))
    };
    let plot = |file: &Path| {
        let name = file.with_extension("pdf");
        file.parent().unwrap().join("log").join(name.file_name().unwrap())
    };
    let (new_drs4, new_charge) = (drs4("v0.10.18"), charge("v0.10.18"));
    let (old_drs4, old_charge) = (drs4("v0.1.0"), charge("v0.1.0"));
    let night: NightDate = "2024-02-01".parse().unwrap();
    let (time_file, systematics) = (
        cat_a.join("drs4_time_sampling_from_FF/20210321/pro/time_calibration.Run04211.0000.h5"),
        paths.systematics_file(night),
    );
    let (drive_log, run_summary) = (paths.drive_log(), paths.run_summary());
    let id = SubrunId { run: RunId(19102), subrun: Subrun(0) };
    let pedestal_ids = paths.pedestal_ids(id.run, id.subrun);
    let inputs = DataInputs {
        drs4: &old_drs4,
        calibration: &old_charge,
        time: &time_file,
        systematics: &systematics,
        drive_log: &drive_log,
        run_summary: &run_summary,
        pedestal_ids: Some(&pedestal_ids),
    };
    let (drs4_plot, charge_plot) = (plot(&new_drs4), plot(&new_charge));
    let stages = [
        (
            Activity::Drs4Pedestal,
            Files::drs4_pedestal(CalibrationRun {
                raw: &drs4_raw,
                drs4: &new_drs4,
                product: &new_drs4,
                check_plot: &drs4_plot,
            }),
        ),
        (
            Activity::CalibrateCharge,
            Files::calibrate_charge(CalibrationRun {
                raw: &pedcal_raw,
                drs4: &new_drs4,
                product: &new_charge,
                check_plot: &charge_plot,
            }),
        ),
        (Activity::R0ToDl1, Files::r0_to_dl1(&paths, id, &inputs)),
        (Activity::Dl1ab, Files::dl1ab(&paths, id)),
        (Activity::Dl1Datacheck, Files::dl1_datacheck(&paths, id)),
        (Activity::Dl1ToDl2, Files::dl1_to_dl2(&paths, id)),
    ];
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("prov.log");
    for (stage, files) in stages {
        activity(&log, &run(&paths, &surroundings, stage, files)).unwrap();
    }
    let ours = records(&fs::read_to_string(&log).unwrap());
    // The calibration and the first subrun of the first run.
    let theirs: Vec<_> =
        golden_text("prov.log").lines().take(ours.len()).map(str::to_owned).collect();
    let theirs = records(&theirs.join("\n"));
    assert_eq!(theirs.last().unwrap().kind, Kind::End);
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!((ours.kind, comparable(ours)), (theirs.kind, comparable(theirs)));
    }
}

#[test]
fn the_session_tells_the_truth_and_files_at_hand_are_hashed() {
    let dir = tempfile::tempdir().unwrap();
    let mut paths = paths();
    let config = dir.path().join("it's \"mine\".cfg");
    fs::write(&config, "abc").unwrap();
    let mut site = (*paths.config).clone();
    site.file.clone_from(&config);
    site.lstchain.dl1b_config.clone_from(&config);
    paths.config = Arc::new(site);
    let surroundings = Surroundings {
        environment: vec![
            ("SLURM_ARRAY_JOB_ID".to_owned(), "77".to_owned()),
            ("SLURM_ARRAY_TASK_ID".to_owned(), "3".to_owned()),
        ],
        ..Surroundings::of_this_process(
            Some("v0.10.18".to_owned()),
            vec![("lstchain_dl1ab".to_owned(), "0.10.18".to_owned())],
        )
    };
    let id = SubrunId { run: RunId(19102), subrun: Subrun(3) };
    let log = dir.path().join("prov.log");
    // Somebody was killed within a line.
    fs::write(&log, "INFO provLogger __PROV__2024").unwrap();
    let stage = run(&paths, &surroundings, Activity::Dl1ab, Files::dl1ab(&paths, id));
    activity(&log, &stage).unwrap();
    activity(&log, &stage).unwrap();
    let text = fs::read_to_string(&log).unwrap();
    let result = scan(text.as_bytes(), |_| Ok(())).unwrap();
    assert_eq!((result.lines, result.bad_count, result.bad[0].number), (21, 1, 1));
    let records = records(text.split_once('\n').unwrap().1);
    let session = &records[0];
    let system = |keys: &[&str]| {
        let mut dict = session.dict.clone();
        for key in ["system"].iter().chain(keys) {
            match dict.get(key).unwrap().clone() {
                server::provenance::literal::Literal::Dict(inner) => dict = inner,
                other => return other.plain(),
            }
        }
        dict.to_string()
    };
    assert_eq!(system(&["job_id"]), "77_3");
    assert_eq!(system(&["tools", "lstchain_dl1ab"]), "0.10.18");
    assert_eq!(system(&["program", "name"]), "osa");
    assert!(system(&["program", "version"]).starts_with(env!("CARGO_PKG_VERSION")));
    assert_eq!(system(&["executable"]), std::env::current_exe().unwrap().to_str().unwrap());
    assert!(!system(&["platform", "node"]).is_empty());
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(session.text("config_file"), config.to_str().unwrap());
    assert_eq!(session.text("config_file_content_hash"), sha256);
    let settings = records.iter().find(|record| record.text("name") == "AnalysisConfigFile");
    assert_eq!(settings.unwrap().text("content_hash"), sha256);
    let ids: Vec<_> = records.iter().filter(|record| record.kind == Kind::Start).collect();
    assert_ne!(ids[0].text("activity_id"), ids[1].text("activity_id"));
    assert_eq!(ids[0].text("startTime"), "2024-11-28T22:00:00.000025");
}

/// Set in a child of this test binary: the log it writes to until it is killed.
const WRITER: &str = "OSA_TEST_PROVENANCE_WRITER";

/// Writes activities one after another, and says each when it is written.
fn write_until_killed(log: &Path) {
    let (paths, surroundings) = (paths(), Surroundings::of_this_process(None, Vec::new()));
    let mut out = std::io::stdout();
    for number in 0..100_000 {
        let subrun = Subrun(number);
        let id = SubrunId { run: RunId(std::process::id() % 90_000), subrun };
        let stage = run(&paths, &surroundings, Activity::Dl1ToDl2, Files::dl1_to_dl2(&paths, id));
        let tag = Tag { activity: Activity::Dl1ToDl2, subject: Subject::Run(id.run) };
        activity(log, &ActivityRun { tag, ..stage }).unwrap();
        writeln!(out, "\nwrote {id}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn two_hundred_writers_killed_at_random_leave_every_complete_activity_once() {
    if let Some(log) = std::env::var_os(WRITER) {
        return write_until_killed(Path::new(&log));
    }
    const WRITERS: usize = 200;
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("prov.log");
    let name = "provenance::capture::two_hundred_writers_killed_at_random_leave_every_complete_activity_once";
    let start = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", name, "--nocapture"]).env(WRITER, &log);
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    };
    let children: Vec<_> = (0..WRITERS).map(|_| start()).collect();
    let written = std::thread::scope(|scope| {
        // Each is killed after another number of activities, in the midst of the next.
        let killers: Vec<_> = children
            .into_iter()
            .enumerate()
            .map(|(index, child)| scope.spawn(move || kill_after(child, 1 + index % 3)))
            .collect();
        killers.into_iter().flat_map(|killer| killer.join().unwrap()).collect::<BTreeSet<_>>()
    });
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    let mut open: Option<(String, Vec<Dict>)> = None;
    let text = fs::read(&log).unwrap();
    let result = scan(&text[..], |line| {
        let record = Record::parse(line.body).map_err(|error| (error.column(), error.problem()))?;
        match record.kind {
            Kind::Session => open = Some((line.tag.to_owned(), Vec::new())),
            Kind::End => {
                let (tag, records) = open.take().unwrap();
                assert_eq!((tag.as_str(), records.len()), (line.tag, 17));
                let made = records.last().unwrap().text("generated_role");
                assert_eq!(made, Some("DL2 subrun dataset"));
                let path = records[15].text("filepath").unwrap();
                let id = path.split("Run").nth(1).unwrap().trim_end_matches(".h5");
                *found.entry(id.to_owned()).or_default() += 1;
            }
            _ => {
                let (tag, records) = open.as_mut().unwrap();
                assert_eq!(tag, line.tag);
                records.push(record.dict);
            }
        }
        Ok(())
    })
    .unwrap();
    assert!(result.bad_count <= WRITERS as u64, "{:?}", result.bad);
    let twice = found.iter().find(|(_, count)| **count > 1);
    assert_eq!(twice, None);
    let lost = written.iter().find(|id| !found.contains_key(*id));
    assert_eq!(lost, None);
    // A writer may be killed between writing and saying so, and only once.
    assert!(written.len() >= WRITERS && found.len() <= written.len() + WRITERS);
}

/// Kills a writer once it has written `count` activities; gives all that it said it wrote.
fn kill_after(mut child: Child, count: usize) -> Vec<String> {
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut written = Vec::new();
    let mut line = String::new();
    while out.read_line(&mut line).unwrap() > 0 {
        written.extend(line.trim_end().strip_prefix("wrote ").map(str::to_owned));
        if written.len() == count {
            child.kill().unwrap();
        }
        line.clear();
    }
    child.wait().unwrap();
    assert!(written.len() >= count, "a writer ended by itself");
    written
}
