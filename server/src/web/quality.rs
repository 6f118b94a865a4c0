//! What is thought of the data quality of runs: judged in the background, and shown wherever a run or
//! a night is. Nothing waits for a judgement; where there is none yet, that is what is shown.

use std::collections::{BTreeMap, BTreeSet, HashMap, hash_map::DefaultHasher};
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::datacheck::{Current, NightData, Pace, Quantity, RunFiles, RunJudgement, judge};
use crate::internal::lock;
use crate::model::{
    DatacheckNote, DatacheckSheet, FigureInfo, Kind, NightDate, NightList, NightQuality,
    NightStatus, Notice, RunDetail, RunId, RunQuality, SequenceStatus, Severity, Verdict,
};
use crate::night::NightPaths;

use super::figures::Figures;

/// Judging may take this share of the time while files of a run change: one twentieth.
const SHARE: u32 = 20;
/// The newest nights, which are read again from time to time although nobody does.
const NEWEST: usize = 30;
/// From what time to what time.
const AGAIN: Duration = Duration::from_secs(60);
/// Nights that nobody looks at, judged in one go.
const AT_ONCE: usize = 8;

/// The judgements of all nights.
pub struct Board {
    figures: Arc<Figures>,
    nights: Mutex<HashMap<NightDate, Night>>,
    notes: Mutex<HashMap<NightDate, Vec<DatacheckNote>>>,
}

/// What is known of a night.
struct Night {
    runs: BTreeMap<RunId, Run>,
    read_at: Instant,
    took: Duration,
}

/// A judgement, and what it was made of.
#[derive(Clone)]
struct Run {
    quality: Arc<RunQuality>,
    files: u64,
    criteria: u64,
    at: Instant,
    took: Duration,
}

impl Run {
    fn holds(&self, files: u64, criteria: &Current) -> bool {
        self.files == files && self.criteria == criteria.version
    }
}

impl Board {
    /// Nothing is judged yet.
    pub fn new(figures: Arc<Figures>) -> Self {
        Self { figures, nights: Mutex::default(), notes: Mutex::default() }
    }

    /// The nights to look at now: what somebody looks at, then what was never judged, then the
    /// newest from time to time. `all` are newest first.
    pub fn due(&self, watched: &BTreeSet<NightDate>, all: &[NightDate]) -> Vec<NightDate> {
        let nights = self.lock();
        let rested = |date: &NightDate, least: Duration| match nights.get(date) {
            None => true,
            Some(night) => night.read_at.elapsed() >= least.max(night.took * SHARE),
        };
        let others = all.iter().enumerate().filter(|(place, date)| match nights.get(*date) {
            None => true,
            Some(_) => *place < NEWEST && rested(date, AGAIN),
        });
        let others = others.map(|(_, date)| date).filter(|date| !watched.contains(date));
        let first = watched.iter().filter(|date| rested(date, Duration::ZERO));
        first.chain(others.take(AT_ONCE)).copied().collect()
    }

    /// Judges the runs of a night whose files have changed. Blocks.
    #[tracing::instrument(name = "judge_quality", level = "debug", skip_all, fields(date = %paths.date))]
    pub fn judge(&self, paths: &NightPaths) {
        let began = Instant::now();
        let criteria = self.figures.criteria.current();
        let known =
            self.lock().get(&paths.date).map(|night| night.runs.clone()).unwrap_or_default();
        let mut runs = of_longterm(paths, &known, &criteria).unwrap_or_default();
        for (run, files) in self.figures.runs_of(paths) {
            if !runs.contains_key(&run) {
                runs.extend(
                    self.of_files(run, &files, known.get(&run), &criteria).map(|own| (run, own)),
                );
            }
        }
        let night = Night { runs, read_at: Instant::now(), took: began.elapsed() };
        self.lock().insert(paths.date, night);
    }

    /// A run, from its own files; nothing if it has none.
    fn of_files(
        &self,
        run: RunId,
        own: &RunFiles,
        known: Option<&Run>,
        criteria: &Current,
    ) -> Option<Run> {
        let files = fingerprint(&own.all())?;
        let rests = |own: &&Run| own.holds(files, criteria) || own.at.elapsed() < own.took * SHARE;
        if let Some(known) = known.filter(rests) {
            return Some(known.clone());
        }
        let at = Instant::now();
        let pause = || self.figures.yield_to_foreground();
        let quality = match self.figures.summary(run, own, Pace::Patient(&pause)) {
            Ok(summary) => {
                let judged = judge(&summary, &criteria.thresholds);
                let mut quality = judged.first().map_or_else(
                    || RunQuality::unknown("its datacheck does not tell the time"),
                    RunJudgement::quality,
                );
                let unread = summary.unreadable.first().map(|(_, problem)| problem.clone());
                quality.problem = quality.problem.or(unread);
                quality
            }
            Err(error) => RunQuality::unknown(error.to_string()),
        };
        let (quality, took) = (Arc::new(quality), at.elapsed());
        Some(Run { quality, files, criteria: criteria.version, at, took })
    }

    /// The quality of each run of a night; `None` if it was not judged yet.
    pub fn of(&self, date: NightDate) -> Option<BTreeMap<RunId, Arc<RunQuality>>> {
        let nights = self.lock();
        let runs = nights.get(&date)?.runs.iter();
        Some(runs.map(|(run, own)| (*run, Arc::clone(&own.quality))).collect())
    }

    /// Learns what was noted about a night and its runs.
    pub fn note(&self, date: NightDate, notes: &[DatacheckNote]) {
        let current = notes.iter().filter(|note| note.withdrawn.is_none()).cloned().collect();
        lock(&self.notes).insert(date, current);
    }

    /// Adds the quality of its runs, and the notes about them, to a night.
    pub fn attach_quality_to_night(&self, night: &mut NightStatus) {
        let notes = lock(&self.notes);
        night.datacheck_notes = notes.get(&night.date).cloned().unwrap_or_default();
        drop(notes);
        let Some(runs) = self.of(night.date) else { return };
        for status in &mut night.sequences {
            attach_quality(status, &runs);
        }
        if let Some(problem) = self.figures.criteria.current().problem {
            night.notices.push(Notice {
                severity: Severity::Warning,
                message: format!("the limits of the data quality cannot be read: {problem}"),
                hint: "runs are judged by the limits as they were before; mend the file".into(),
            });
        }
    }

    /// Adds its quality to a run.
    pub fn attach_quality_to_run(&self, run: &mut RunDetail) {
        if let Some(runs) = self.of(run.date) {
            attach_quality(&mut run.status, &runs);
        }
    }

    /// Adds the quality of their runs to nights.
    pub fn attach_quality_to_nights(&self, list: &mut NightList) {
        let nights = self.lock();
        for line in &mut list.nights {
            line.quality = nights
                .get(&line.date)
                .map(|night| NightQuality::of(night.runs.values().map(|run| &*run.quality)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<NightDate, Night>> {
        lock(&self.nights)
    }
}

/// The runs of a night that has its long-term file.
fn of_longterm(
    paths: &NightPaths,
    known: &BTreeMap<RunId, Run>,
    criteria: &Current,
) -> Option<BTreeMap<RunId, Run>> {
    let file = paths.longterm_file("h5");
    let files = fingerprint(std::slice::from_ref(&file))?;
    let current: BTreeMap<RunId, Run> = known
        .iter()
        .filter(|(_, own)| own.holds(files, criteria))
        .map(|(run, own)| (*run, own.clone()))
        .collect();
    if !current.is_empty() {
        return Some(current);
    }
    let at = Instant::now();
    // What cannot be read is told by the night's own page; the runs have files of their own.
    let night = NightData::read(&[file], true).ok()?;
    let judged = judge(&night, &criteria.thresholds);
    let took = at.elapsed();
    let run =
        |quality| Run { quality: Arc::new(quality), files, criteria: criteria.version, at, took };
    let number = |run: i64| u32::try_from(run).ok().map(RunId);
    Some(judged.iter().filter_map(|own| Some((number(own.run)?, run(own.quality())))).collect())
}

fn attach_quality(status: &mut SequenceStatus, runs: &BTreeMap<RunId, Arc<RunQuality>>) {
    if status.sequence.kind != Kind::Data {
        return;
    }
    let own = runs.get(&status.sequence.run);
    status.quality = Some(own.map_or_else(RunQuality::none, |quality| RunQuality::clone(quality)));
}

/// A number that changes when one of the files does; `None` if there is none.
fn fingerprint(files: &[PathBuf]) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    let mut any = false;
    for file in files {
        let Ok(metadata) = file.metadata() else { continue };
        (file, metadata.len(), metadata.modified().ok()).hash(&mut hasher);
        any = true;
    }
    any.then(|| hasher.finish())
}

/// Adds to a sheet the quality of its run, or of the runs of its night, and of each figure.
pub fn attach_quality_to_sheet(mut sheet: DatacheckSheet, board: &Board) -> DatacheckSheet {
    let Some(runs) = board.of(sheet.date) else { return sheet };
    let criteria = board.figures.criteria.current();
    let shown = |run: &RunId| match (sheet.run, sheet.shown_run) {
        (Some(own), _) | (None, Some(own)) => own == *run,
        (None, None) => sheet.runs.contains(run),
    };
    let judged: Vec<(RunId, &RunQuality)> = runs
        .iter()
        .filter(|(run, _)| shown(run))
        .map(|(run, quality)| (*run, &**quality))
        .collect();
    if judged.iter().any(|(_, quality)| quality.verdict.is_some()) && sheet.with.is_none() {
        for quantity in Quantity::ALL.into_iter().filter(|own| criteria.thresholds.judges(*own)) {
            let (on, id) = match sheet.run {
                Some(_) => (quantity.sheet(), quantity.figure().to_owned()),
                None => quantity.of_night(),
            };
            let figure = sheet.figures.iter_mut().find(|figure| on == sheet.key && figure.id == id);
            if let Some(figure) = figure {
                judge_figure(figure, quantity, &judged, sheet.run);
            }
        }
    }
    for finding in judged.iter().flat_map(|(_, quality)| &quality.findings) {
        let on = match (sheet.run, Quantity::by_key(&finding.quantity)) {
            (None, Some(quantity)) => quantity.of_night().0.to_owned(),
            _ => finding.sheet.clone(),
        };
        let mark = sheet.marks.entry(on).or_insert(finding.verdict);
        *mark = (*mark).max(finding.verdict);
    }
    sheet.quality = judged.into_iter().map(|(run, quality)| (run, quality.clone())).collect();
    sheet
}

fn judge_figure(
    figure: &mut FigureInfo,
    quantity: Quantity,
    runs: &[(RunId, &RunQuality)],
    of: Option<RunId>,
) {
    figure.verdict = figure.verdict.max(Some(Verdict::Ok));
    for (run, quality) in runs {
        let own = quality.findings.iter().filter(|finding| finding.quantity == quantity.key());
        for finding in own {
            figure.verdict = figure.verdict.max(Some(finding.verdict));
            figure.reasons.push(match of {
                Some(_) => finding.reason.clone(),
                None => format!("run {run}: {}", finding.reason),
            });
        }
    }
}
