//! Folds the records of one run and its calibration: the subruns become one activity a stage, and
//! their files collections. Facts read off what the original's `provprocess` prints.

mod step;

use std::path::Path;

use crate::model::{NightDate, RunId};

use super::error::ProvenanceError;
use super::literal::Dict;
use super::record::{Activity, Record, Subject, Tag};
use super::scan::{LogLine, Refusal, Scan, scan};
use step::Step;

/// Whose provenance is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// DRS4 run of its calibration.
    pub drs4: RunId,
    /// Pedestal and flat-field run of its calibration.
    pub pedcal: RunId,
    /// The data run.
    pub run: RunId,
    /// Its night.
    pub date: NightDate,
}

/// The provenance of one run, gathered record by record.
#[derive(Clone, Debug)]
pub struct Fold {
    request: Request,
    session: Option<Dict>,
    steps: [Step; 6],
}

impl Fold {
    /// Nothing gathered yet.
    pub fn new(request: Request) -> Self {
        Self { request, session: None, steps: Activity::ALL.map(Step::new) }
    }

    /// What it was made for.
    pub fn request(&self) -> Request {
        self.request
    }

    /// Whether records of that tag belong to it.
    pub fn wants(&self, tag: Tag) -> bool {
        let Request { drs4, pedcal, run, .. } = self.request;
        if tag.activity.is_calibration() {
            tag.subject == Subject::Calibration { drs4, pedcal }
        } else {
            tag.subject == Subject::Run(run)
        }
    }

    /// Takes a line in if it belongs here. Of the session records only the first is parsed.
    pub fn take(&mut self, tag: Tag, line: &LogLine<'_>) -> Result<(), Refusal> {
        if !self.wants(tag) || (self.session.is_some() && Record::is_session(line.body)) {
            return Ok(());
        }
        let record = Record::parse(line.body).map_err(|error| (error.column(), error.problem()))?;
        if record.kind == super::record::Kind::Session {
            self.session.get_or_insert(record.dict);
        } else if let Some(step) = self.steps.iter_mut().find(|s| s.activity() == tag.activity) {
            step.take(record, self.request.run);
        }
        Ok(())
    }

    /// Whether an activity has left any record.
    pub fn has(&self, activity: Activity) -> bool {
        self.steps.iter().any(|step| step.activity() == activity && !step.is_empty())
    }

    /// Paths of the files in a collection of the folded records, by its id; none if nothing with
    /// that id is a collection.
    pub fn members_of(&self, id: &str) -> Vec<&str> {
        self.steps.iter().find_map(|step| step.members_of(id)).unwrap_or_default()
    }

    /// The folded records of `activities`, in order, after the session's.
    ///
    /// The session is the first of the run or its calibration, and takes the run's name; the
    /// original does the same for all steps at once, and fails for one step alone.
    pub fn records(&self, activities: &[Activity]) -> Vec<Dict> {
        let session = self.session.clone().map(|mut session| {
            let run = self.request.run.to_string();
            session.set("session_id", format!("{}{run}", self.request.date.compact()));
            session.set("name", run.as_str());
            session.set("observation_run", run);
            session
        });
        let steps = self.steps.iter().filter(|step| activities.contains(&step.activity()));
        let records = session.into_iter().chain(steps.flat_map(Step::records));
        records.map(Dict::none_as_text).collect()
    }
}

/// Reads the log once for any number of runs; each line goes to every run that wants it.
pub fn read_log(log: &Path, requests: &[Request]) -> Result<(Vec<Fold>, Scan), ProvenanceError> {
    let failed = |cause| ProvenanceError::Read { file: log.to_owned(), cause };
    let file = crate::input_file::open(log).map_err(failed)?;
    let mut folds: Vec<_> = requests.iter().copied().map(Fold::new).collect();
    let scan = scan(file, |line| take_line(&mut folds, &line)).map_err(failed)?;
    Ok((folds, scan))
}

fn take_line(folds: &mut [Fold], line: &LogLine<'_>) -> Result<(), Refusal> {
    let Some(tag) = Tag::parse(line.tag) else { return Ok(()) };
    folds.iter_mut().try_for_each(|fold| fold.take(tag, line))
}
