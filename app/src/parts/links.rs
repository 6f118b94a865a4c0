//! Addresses of pages, relative to the page's `<base>`: a path prefix needs no word here.

use std::fmt::Write as _;

use crate::model::{Action, NightDate, ProvenanceAsked, RunId, Subrun};

/// The page of a night.
pub fn night(date: NightDate) -> String {
    format!("nights/{date}")
}

/// The plan of an action.
pub fn action(date: NightDate, action: &Action) -> String {
    let fields = action.fields();
    let pairs = fields.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
    format!("nights/{date}/actions/new?{}", pairs.collect::<Vec<_>>().join("&"))
}

/// A text as a value in a query.
pub fn quoted(text: &str) -> String {
    text.bytes().fold(String::new(), |mut quoted, byte| {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            quoted.push(char::from(byte));
        } else {
            let _ = write!(quoted, "%{byte:02X}");
        }
        quoted
    })
}

/// The page of a run.
pub fn run(date: NightDate, run: RunId) -> String {
    format!("nights/{date}/runs/{run}")
}

/// The page of a run, opened at the log of a subrun.
pub fn subrun(date: NightDate, run: RunId, subrun: Subrun) -> String {
    format!("nights/{date}/runs/{run}?subrun={}#log", subrun.0)
}

/// The page of a log file.
pub fn log(date: NightDate, run: RunId, name: &str) -> String {
    format!("nights/{date}/runs/{run}/logs/{name}")
}

/// The datacheck of a run, or of a night.
pub fn datacheck(date: NightDate, run: Option<RunId>) -> String {
    let of = run.map_or_else(|| night(date), |number| self::run(date, number));
    format!("{of}/datacheck")
}

/// The page of the datacheck files of a night.
pub fn products(date: NightDate) -> String {
    format!("{}/products", night(date))
}

/// The page of a run's provenance.
pub fn provenance(date: NightDate, run: RunId) -> String {
    format!("{}/provenance", self::run(date, run))
}

/// The provenance of a run with what is looked at in it, at the details of what is chosen.
pub fn provenance_at(date: NightDate, run: RunId, asked: &ProvenanceAsked) -> String {
    let pairs = asked.pairs();
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
    let query = pairs.collect::<Vec<_>>().join("&");
    let place = if asked.at.is_some() { "details" } else { "graph" };
    format!("{}?{query}#{place}", provenance(date, run))
}

/// A run's provenance, without the suffix that says in which form.
pub fn provenance_document(date: NightDate, run: RunId) -> String {
    format!("api/v1/{}", provenance(date, run))
}

/// A log file as it is, plain text.
pub fn raw_log(date: NightDate, run: RunId, name: &str) -> String {
    format!("nights/{date}/runs/{run}/logs/{name}/raw")
}

/// Tells of changes of the list of nights.
pub fn nights_events() -> String {
    "api/v1/nights/events".to_owned()
}

/// Tells of changes of a night.
pub fn night_events(date: NightDate) -> String {
    format!("api/v1/nights/{date}/events")
}

/// Tells of changes of a run.
pub fn run_events(date: NightDate, run: RunId) -> String {
    format!("api/v1/nights/{date}/runs/{run}/events")
}

/// Tells what is written to a log file from byte `from` on.
pub fn log_events(date: NightDate, run: RunId, name: &str, from: u64) -> String {
    format!("api/v1/nights/{date}/runs/{run}/logs/{name}/events?from={from}")
}
