//! The provenance of runs on the wire: a night's `prov.log` is read once for all its runs, and again
//! only when it has changed.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

use app::backend::BackendError;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde::Deserialize;

use crate::internal::lock;
use crate::model::{Kind, NightDate, ProvenanceAsked, ProvenanceView, RunId};
use crate::night::{MissingSummary, NightPaths, Observation};
use crate::provenance::document::Document;
use crate::provenance::graph::{Graph, layout, pdf, svg};
use crate::provenance::products::{Filter, products};
use crate::provenance::{Fold, Request, document_of, json, jsonld, provn, read_log, turtle};

use super::WebState;
use super::cached::{CachedResponse, Form};
use super::path::Path;
use super::problem::{Problem, unavailable};
use super::provenance_view;

/// Written documents that are kept of a night; one has some tens of kilobytes.
const WRITTEN_CACHED: usize = 200;
/// Nights whose logs are kept.
const NIGHTS_CACHED: usize = 8;

/// What was read of logs. Every function blocks.
#[derive(Default)]
pub struct Logs {
    nights: Mutex<HashMap<PathBuf, Arc<Slot>>>,
}

/// A night's log; locked while it is read, so that those who ask at once wait for one reader.
type Slot = Mutex<Option<Read>>;

/// How a log was when it was read, and what was in it.
struct Read {
    size: u64,
    changed: Option<SystemTime>,
    folds: Arc<Folds>,
}

/// The provenance of a night's runs.
pub struct Folds {
    runs: HashMap<RunId, Fold>,
    bad_lines: u64,
    /// What was written of it already: a run's document is asked for again and again.
    written: Mutex<HashMap<Wanted, Arc<CachedResponse>>>,
}

/// What is wanted: a run, or a part of its pipeline, in a form.
type Wanted = (RunId, Option<Filter>, Form);

impl Logs {
    /// The provenance of the night's runs, as far as the log has come.
    fn folds(&self, paths: &NightPaths) -> Result<Arc<Folds>, BackendError> {
        let log = paths.provenance_log();
        let missing = |cause: &dyn std::fmt::Display| {
            let (date, log) = (paths.date, log.display());
            BackendError::not_found(format!("night {date} has no provenance yet: {log}: {cause}"))
        };
        let metadata = std::fs::metadata(&log).map_err(|cause| missing(&cause))?;
        let slot = self.slot(&log);
        let mut slot = lock(&slot);
        let (size, changed) = (metadata.len(), metadata.modified().ok());
        if let Some(read) =
            slot.as_ref().filter(|read| (read.size, read.changed) == (size, changed))
        {
            return Ok(Arc::clone(&read.folds));
        }
        let observation =
            Observation::read(paths, MissingSummary::Fail).map_err(|error| unavailable(&error))?;
        let calibration =
            observation.calibration.ok_or_else(|| missing(&"the night has no calibration runs"))?;
        let data = observation.sequences.iter().filter(|sequence| sequence.kind == Kind::Data);
        let request = |run| Request {
            drs4: calibration.drs4,
            pedcal: calibration.pedcal,
            run,
            date: paths.date,
        };
        let requests: Vec<_> = data.map(|sequence| request(sequence.run)).collect();
        let (folds, scan) = read_log(&log, &requests).map_err(|error| unavailable(&error))?;
        let runs = folds.into_iter().map(|fold| (fold.request().run, fold)).collect();
        let folds = Folds { runs, bad_lines: scan.bad_count, written: Mutex::default() };
        let folds = Arc::new(folds);
        *slot = Some(Read { size, changed, folds: Arc::clone(&folds) });
        Ok(folds)
    }

    fn slot(&self, log: &std::path::Path) -> Arc<Slot> {
        let mut nights = lock(&self.nights);
        if nights.len() >= NIGHTS_CACHED && !nights.contains_key(log) {
            nights.clear();
        }
        Arc::clone(nights.entry(log.to_owned()).or_default())
    }

    /// A run's provenance in a form, limited to a part of the pipeline or not.
    fn document(
        &self,
        paths: &NightPaths,
        run: RunId,
        filter: Option<Filter>,
        form: Form,
    ) -> Result<Arc<CachedResponse>, BackendError> {
        let folds = self.folds(paths)?;
        let key = (run, filter, form);
        let written = || lock(&folds.written);
        if let Some(known) = written().get(&key) {
            return Ok(Arc::clone(known));
        }
        let began = Instant::now();
        let document = folds.document(paths, run, filter)?.1;
        let drawing = || layout(&Graph::of(&document, &format!("Provenance of run {run}")));
        let body = match form {
            Form::Provn => provn::write(&document).into_bytes(),
            Form::Turtle => turtle::write(&document).into_bytes(),
            Form::JsonLd => jsonld::write(&document).into_bytes(),
            Form::Svg => svg::write(&drawing()).into_bytes(),
            Form::Pdf => pdf::write(&drawing()),
            _ => json::write(&document).into_bytes(),
        };
        let new = Arc::new(CachedResponse::new(form, body, began.elapsed()));
        let mut written = written();
        if written.len() >= WRITTEN_CACHED {
            written.clear();
        }
        written.insert(key, Arc::clone(&new));
        Ok(new)
    }

    /// What a page shows of a run's provenance.
    pub fn view(
        &self,
        paths: &NightPaths,
        run: RunId,
        asked: ProvenanceAsked,
    ) -> Result<ProvenanceView, BackendError> {
        let folds = self.folds(paths)?;
        let (fold, document) = folds.document(paths, run, None)?;
        Ok(provenance_view::view(fold, document, asked, folds.bad_lines))
    }
}

impl Folds {
    /// What is known of a run, and the widest document that provprocess would make of it.
    fn document(
        &self,
        paths: &NightPaths,
        run: RunId,
        filter: Option<Filter>,
    ) -> Result<(&Fold, Document), BackendError> {
        let none = || {
            let date = paths.date;
            BackendError::not_found(format!("night {date} has no provenance of a run {run}"))
        };
        let fold = self.runs.get(&run).ok_or_else(none)?;
        let product = products(filter, true).pop().ok_or_else(none)?;
        if !product.activities.iter().any(|activity| fold.has(*activity)) {
            return Err(none());
        }
        Ok((fold, document_of(&product.records(fold))))
    }
}

/// Which part of the pipeline is wanted, as `provprocess -f` has it.
#[derive(Debug, Deserialize)]
pub struct Asked {
    filter: Option<String>,
}

/// The forms, the one that is sent to whoever does not care first.
const FORMS: [Form; 6] =
    [Form::Json, Form::Provn, Form::Turtle, Form::JsonLd, Form::Svg, Form::Pdf];

/// The form that an `Accept` header asks for; the first it names with a media type of ours, since
/// weights are seldom given. JSON if it takes anything.
pub fn negotiated(headers: &HeaderMap) -> Result<Form, Problem> {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let Some(accept) = accept else { return Ok(Form::Json) };
    let mut wanted = accept.split(',').filter_map(|range| range.split(';').next()).map(str::trim);
    let plain = |form: Form| form.media_type().split(';').next().unwrap_or_default();
    let found = wanted.find_map(|range| match range {
        "*/*" | "application/*" => Some(Form::Json),
        range => FORMS.into_iter().find(|form| plain(*form) == range),
    });
    found.ok_or_else(|| {
        Problem::not_acceptable(
            "provenance is sent as PROV-JSON, PROV-N, Turtle, JSON-LD, SVG or PDF",
        )
    })
}

/// `GET /api/v1/nights/{date}/runs/{run}/provenance`, and with a suffix for one form.
pub async fn of_run(
    State(state): State<WebState>,
    Path(of): Path<(NightDate, RunId)>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    form: Option<Form>,
) -> Result<Response, Problem> {
    let form = match form {
        Some(form) => form,
        None => negotiated(&headers)?,
    };
    send(&state, of, asked, &headers, form).await
}

/// Sends a run's provenance in a form.
pub async fn send(
    state: &WebState,
    (date, run): (NightDate, RunId),
    Asked { filter }: Asked,
    headers: &HeaderMap,
    form: Form,
) -> Result<Response, Problem> {
    let filter = match filter.as_deref() {
        None | Some("") => None,
        Some(name) => {
            Some(Filter::ALL.into_iter().find(|one| one.name() == name).ok_or_else(|| {
                Problem::not_found(format!("there is no part {name:?} of the pipeline"))
            })?)
        }
    };
    let write = move |logs: &Logs, paths: &NightPaths| logs.document(paths, run, filter, form);
    let cached = state.watcher.provenance_of(date, write).await?;
    Ok(cached.answer(headers))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_form_is_the_first_that_we_have() {
        let form = |accept: &'static str| {
            let accept = HeaderValue::from_static(accept);
            negotiated(&HeaderMap::from_iter([(header::ACCEPT, accept)])).ok()
        };
        assert_eq!(negotiated(&HeaderMap::new()), Ok(Form::Json));
        assert_eq!(form("text/turtle;q=0.9, */*"), Some(Form::Turtle));
        assert_eq!(form("text/html, image/svg+xml"), Some(Form::Svg));
        assert_eq!(form("*/*"), Some(Form::Json));
        assert_eq!(form("text/html"), None);
    }
}
