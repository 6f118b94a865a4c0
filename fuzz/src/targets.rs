//! The parsers: what each is given, and what must hold whatever it is given.

use std::fmt::{Debug, Display};
use std::io::Write;
use std::path::Path;
use std::str::FromStr;

use server::config::{Ini, Network, ServerConfig};
use server::datacheck::{Thresholds, read_muons};
use server::model::{ExitCode, JobState, NightDate, ProdId, RunId, Subrun, SubrunId};
use server::night::ecsv::Ecsv;
use server::night::{Catalogue, JobLog, RunSummary};
use server::process::history::{History, format_line};
use server::provenance::json;
use server::provenance::literal::Dict;
use server::provenance::record::Record;
use server::provenance::scan::scan;
use server::schedule::script::Directives;
use server::schedule::slurm::reading;
use server::schedule::token;
use server::status::blockers;

macro_rules! test_file {
    ($name:literal) => {
        include_bytes!(concat!("../../server/tests/", $name)).to_vec()
    };
}

/// A parser.
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// What real input looks like.
    pub seeds: Vec<Vec<u8>>,
    /// Parses, and panics if something does not hold.
    pub parse: fn(&[u8]),
}

/// Every parser of the program.
pub fn all() -> Vec<Target> {
    let seeds = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    let target = |name, seeds, parse| Target { name, seeds, parse };
    vec![
        target("ini", vec![test_file!("golden/sequencer.cfg")], ini),
        target("ecsv", golden(".ecsv"), ecsv),
        target("summary", golden(".ecsv"), summary),
        target("history", seeds(&HISTORIES), history),
        target("script", vec![test_file!("golden/scripts/sequence_LST1_19102.py")], script),
        target("sacct", vec![test_file!("golden/sacct.csv")], slurm),
        target("squeue", vec![test_file!("golden/squeue.csv")], slurm),
        target("partitions", seeds(&PARTITIONS), partitions),
        target(
            "prov_log",
            vec![test_file!("golden/prov/calibration_to_dl1_19102_prov.log")],
            prov_log,
        ),
        target(
            "prov_json",
            vec![test_file!("golden/prov/calibration_to_dl1_19102_prov.json")],
            prov_json,
        ),
        target("literal", seeds(&LITERALS), literal),
        target("fits", vec![test_file!("datacheck/muons_LST-1.Run20601.0000.fits")], fits),
        target("osa_toml", vec![include_bytes!("../../configs/osa.toml").to_vec()], osa_toml),
        target(
            "thresholds",
            vec![include_bytes!("../../configs/datacheck.toml").to_vec()],
            thresholds,
        ),
        target(
            "known_errors",
            vec![include_bytes!("../../configs/known_errors.toml").to_vec()],
            known_errors,
        ),
        target("identifiers", seeds(&IDENTIFIERS), identifiers),
    ]
}

const HISTORIES: [&str; 2] = [
    "19102.0000 lstchain_data_r0_to_dl1 v0.1.0 2024-11-29 02:14 /data/LST-1.1.Run19102.0000.fits.fz None 0\n",
    "01910 drs4_pedestal v0.9.1 Fri Nov 29 02:14:00 UTC 2024 None None 1\n",
];
const PARTITIONS: [&str; 2] = [
    "short\x1f1:00:00\x1f64000\nlong\x1f2-00:00:00\x1f128000+\nany\x1finfinite\x1f1000\n",
    "PartitionName=long MaxTime=2-00:00:00 MaxMemPerNode=UNLIMITED DefaultTime=NONE State=UP\n",
];
const LITERALS: [&str; 2] = [
    "{'activity_id': '1', 'name': 'drs4', 'startTime': '2024-11-28T20:00:00', 'parameters': {'x': [1, 2.5e-3]}}",
    "{'a': None, 'b': True, 'c': (1, 'two'), \"d\": -10000000000000000000000, 'e': 'a\\x00\\u00e9\\n'}",
];
const IDENTIFIERS: [&str; 8] = [
    "2024-11-28",
    "20241128",
    "19102",
    "19102.0003",
    "v0.10.18",
    "10.0.0.0/8",
    "COMPLETED",
    "Run19102.0000_jobid_7.err",
];

/// The files of the golden night whose names end so.
fn golden(ending: &str) -> Vec<Vec<u8>> {
    let tree = include_str!("../../server/tests/golden/tree.json");
    let tree: std::collections::BTreeMap<String, String> =
        serde_json::from_str(tree).unwrap_or_default();
    let files = tree.into_iter().filter(|(path, _)| path.ends_with(ending));
    files.map(|(_, content)| content.into_bytes()).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn ini(bytes: &[u8]) {
    let Ok(ini) = Ini::parse(&text(bytes), Path::new("fuzz.cfg")) else { return };
    for section in ini.sections() {
        for key in ini.keys(section) {
            let _ = ini.get(section, key);
        }
    }
}

fn ecsv(bytes: &[u8]) {
    if let Ok(table) = Ecsv::parse(&text(bytes), Path::new("fuzz.ecsv")) {
        table.rows().count();
    }
}

fn summary(bytes: &[u8]) {
    let text = text(bytes);
    let _ = RunSummary::parse(&text, Path::new("fuzz.ecsv"));
    let _ = Catalogue::parse(&text, Path::new("fuzz.ecsv"));
}

/// Every line is either understood or reported, and reads as it is written.
fn history(bytes: &[u8]) {
    let history = History::parse(bytes);
    let text = text(bytes);
    let lines = text.split('\n').filter(|line| !line.trim().is_empty()).count();
    assert_eq!(history.lines.len() + history.torn.len(), lines);
    let written: String = history.lines.iter().map(format_line).collect();
    assert_eq!(History::parse(written.as_bytes()).lines.len(), history.lines.len());
}

/// An array reads as it is written.
fn script(bytes: &[u8]) {
    if let Ok(directives) = Directives::parse(&text(bytes), Path::new("job.sh"))
        && let Some(array) = directives.array
    {
        assert_eq!(array.to_string().parse(), Ok(array));
    }
}

/// A token reads as it is written.
fn slurm(bytes: &[u8]) {
    let text = text(bytes).replace('|', "\x1f");
    for (tasks, _) in [reading::sacct(&text), reading::squeue(&text)] {
        for task in tasks {
            if let Some(found) = token(&task.comment) {
                assert_eq!(token(found), Some(found));
            }
        }
    }
}

fn partitions(bytes: &[u8]) {
    let text = text(bytes);
    reading::partitions(&text, &text);
}

/// Every line is a record or reported.
fn prov_log(bytes: &[u8]) {
    let mut records = 0;
    let read = scan(bytes, |line| {
        records += 1;
        let record = Record::parse(line.body);
        record.map(drop).map_err(|error| (error.column(), error.problem()))
    });
    let found = read.map(|scan| scan.lines <= records + scan.bad_count);
    assert!(found.is_ok_and(|all| all));
}

/// What was read is written without loss.
fn prov_json(bytes: &[u8]) {
    let Ok(document) = json::read(&text(bytes)) else { return };
    let again = json::read(&json::write(&document)).map(|again| again.canonical());
    assert_eq!(again.ok(), Some(document.canonical()));
}

fn literal(bytes: &[u8]) {
    let _ = Dict::parse(bytes);
}

fn fits(bytes: &[u8]) {
    in_file(bytes, |file| drop(read_muons(file)));
}

/// Gives a file of these bytes to a parser that takes files only.
fn in_file(bytes: &[u8], parse: impl Fn(&Path)) {
    let Ok(mut file) = tempfile::NamedTempFile::new() else { return };
    if file.write_all(bytes).is_ok() {
        parse(file.path());
    }
}

fn osa_toml(bytes: &[u8]) {
    // The settings are commented out there.
    let text = text(bytes).replace("\n#", "\n");
    in_file(text.as_bytes(), |file| drop(ServerConfig::read(Some(file), &|_| None)));
}

fn thresholds(bytes: &[u8]) {
    in_file(bytes, |file| drop(Thresholds::load(file)));
}

fn known_errors(bytes: &[u8]) {
    in_file(bytes, |file| drop(blockers::load(Some(file))));
}

fn identifiers(bytes: &[u8]) {
    let text = text(bytes);
    JobLog::parse(&text);
    let _ = text.parse::<Network>();
    reads_as_written::<NightDate>(&text);
    reads_as_written::<RunId>(&text);
    reads_as_written::<Subrun>(&text);
    reads_as_written::<SubrunId>(&text);
    reads_as_written::<ProdId>(&text);
    reads_as_written::<JobState>(&text);
    reads_as_written::<ExitCode>(&text);
}

fn reads_as_written<T: FromStr + Display + PartialEq + Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string().parse::<T>().ok(), Some(value));
    }
}
