//! One night's status, put together.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::hint::Hint;
use crate::input_file;
use crate::model::{
    Kind, NightState, NightStatus, Notice, Segment, Sequence, SequenceAction, SequenceStatus,
    Severity, Stage, Subrun, TaskRecord,
};
use crate::night::{NightError, NightPaths, Observation, charge_file, drs4_file, night_of};
use crate::process;

use super::blockers::unobserved_blockers;
use super::jobs::{JobSummary, Jobs};
use super::notices::Findings;
use super::progress::{Evidence, Standing, segments, subruns};
use super::verdict::{Verdict, night_state};
use super::{Histories, Scan, StatusCache, jobs};

/// How closely to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What the text table shows: file names and jobs. No history is read, and no segments come
    /// out.
    Table,
    /// Histories too, and so the stage and condition of every subrun.
    Full,
}

/// What a night's status is made of.
#[derive(Clone, Copy, Debug)]
pub struct NightInput<'a> {
    /// The night and where its files are.
    pub paths: &'a NightPaths,
    /// What was observed.
    pub observation: &'a Observation,
    /// What the scheduler says.
    pub jobs: &'a Jobs<'a>,
    /// How closely to look.
    pub depth: Depth,
    /// Whether DL2 is wanted; `None`: unless the run's job script was written with `--no-dl2`.
    pub dl2: Option<bool>,
    /// Now: when the directories are read.
    pub now: DateTime<Utc>,
}

impl NightInput<'_> {
    /// The stages of a sequence.
    pub(super) fn stages(&self, sequence: &Sequence, scan: &Scan) -> Vec<Stage> {
        let dl2 = self.dl2.unwrap_or_else(|| {
            self.depth == Depth::Table
                || sequence.kind == Kind::Calibration
                || !scan.run(sequence.run).script
                || !scripted_without_dl2(self.paths, sequence)
        });
        process::chain(self.paths, sequence.kind, dl2).iter().map(|step| step.stage).collect()
    }
}

/// Whether the products of the night's calibration are there: DRS4 baseline and charge calibration,
/// of whichever production counts for the night.
pub fn is_calibrated(paths: &NightPaths, observation: &Observation) -> bool {
    observation.calibration.is_some_and(|runs| {
        let there = |file: Result<PathBuf, NightError>| {
            file.is_ok_and(|file| input_file::open(&file).is_ok())
        };
        let night = |run| night_of(run, paths);
        there(night(runs.drs4).and_then(|night| drs4_file(paths, runs.drs4, night)))
            && there(night(runs.pedcal).and_then(|night| charge_file(paths, runs.pedcal, night)))
    })
}

/// Where a night stands, and what was seen.
#[derive(Debug)]
pub struct Sight {
    /// Where it stands.
    pub status: NightStatus,
    /// Its files.
    pub scan: Scan,
    /// Its histories; none at [`Depth::Table`].
    pub histories: Histories,
    /// Those of its notices that blockers tell too.
    pub(super) in_the_way: Vec<Notice>,
}

/// Where a night stands.
pub fn night_status(input: &NightInput<'_>, cache: &StatusCache) -> NightStatus {
    assess(input, cache).status
}

/// Where a night stands, and everything that was seen.
pub fn assess(input: &NightInput<'_>, cache: &StatusCache) -> Sight {
    let sequences = &input.observation.sequences;
    let mut scan = Scan::of(input.paths, sequences.iter().map(|sequence| sequence.run));
    for (run, subrun) in input.observation.dropped() {
        scan.leave_out(run, subrun);
    }
    let histories = match input.depth {
        Depth::Table => Histories::default(),
        Depth::Full => Histories::read(input.paths, sequences, &scan, cache),
    };
    let calibrated = is_calibrated(input.paths, input.observation);
    let tasks = jobs::by_run(input.jobs.tasks);
    let rows: Vec<Row> = sequences
        .iter()
        .map(|sequence| {
            let stages = input.stages(sequence, &scan);
            let evidence = Evidence {
                stages: &stages,
                files: scan.run(sequence.run),
                histories: &histories,
                calibrated,
                closed: scan.night_closed,
            };
            let run = sequence.run;
            let mut tasks = tasks.get(&run).cloned().unwrap_or_default();
            tasks.retain(|task| !input.observation.is_dropped(run, task.task));
            Row::new(sequence, &evidence, &tasks, input.depth)
        })
        .collect();
    let verdicts: Vec<&Verdict> = rows.iter().map(|row| &row.verdict).collect();
    let health = &input.jobs.health;
    let asked = health.answered.is_some() && health.unasked.is_none();
    let state = night_state(&verdicts, scan.night_closed, asked);
    let findings = Findings { input, scan: &scan, histories: &histories, rows: &rows };
    let (notices, in_the_way) = (findings.notices(), findings.in_the_way());
    let status = NightStatus {
        date: input.paths.date,
        prod_id: input.paths.prod_id.clone(),
        state,
        calibration: input.observation.calibration,
        sequences: rows.into_iter().map(|row| row.status).collect(),
        notices,
        decisions: input.observation.decisions.clone(),
        datacheck_notes: Vec::new(),
        blockers: Vec::new(),
        activity: crate::model::NightActivity::default(),
        scheduler: input.jobs.health.clone(),
        scanned: input.now,
    };
    Sight { status, scan, histories, in_the_way }
}

/// The status of a night whose run summary cannot be read: nothing is known but why.
pub fn unobserved(
    paths: &NightPaths,
    error: &NightError,
    jobs: &Jobs<'_>,
    now: DateTime<Utc>,
) -> NightStatus {
    NightStatus {
        date: paths.date,
        prod_id: paths.prod_id.clone(),
        state: NightState::Empty,
        calibration: None,
        sequences: Vec::new(),
        notices: vec![Notice {
            severity: Severity::Error,
            message: error.to_string(),
            hint: error.hint().unwrap_or_default(),
        }],
        decisions: Vec::new(),
        datacheck_notes: Vec::new(),
        blockers: unobserved_blockers(error),
        activity: crate::model::NightActivity::default(),
        scheduler: jobs.health.clone(),
        scanned: now,
    }
}

/// A row of the table and what follows from it.
pub(super) struct Row {
    pub(super) status: SequenceStatus,
    pub(super) verdict: Verdict,
    /// How often the scheduler began a task of the last job again.
    pub(super) restarts: u32,
}

impl Row {
    pub(super) fn new(
        sequence: &Sequence,
        evidence: &Evidence<'_>,
        tasks: &[&TaskRecord],
        depth: Depth,
    ) -> Self {
        let summary = jobs::summarise(tasks.iter().copied());
        let last = jobs::last_job(tasks);
        let standings = match depth {
            Depth::Table => Vec::new(),
            Depth::Full => standings(sequence, evidence, &jobs::oldest_first(tasks)),
        };
        let status = sequence_status(sequence, evidence, summary, segments(standings));
        let verdict = Verdict::new(&status, evidence, depth);
        Self { status, verdict, restarts: last.iter().map(|task| task.restarts).sum() }
    }
}

/// Where each subrun of a sequence stands, given the tasks of its jobs, oldest first.
fn standings(sequence: &Sequence, evidence: &Evidence<'_>, tasks: &[&TaskRecord]) -> Vec<Standing> {
    let tasks = by_subrun(sequence, tasks.iter().copied());
    let standing = |subrun: Option<Subrun>| {
        evidence.standing(sequence.run, subrun, tasks.get(&subrun).copied())
    };
    subruns(sequence).into_iter().map(standing).collect()
}

/// The tasks of jobs by the subrun that they are about, the later ones counting. A job that is no
/// array stands for every subrun of its run.
pub(super) fn by_subrun<'a>(
    sequence: &Sequence,
    tasks: impl Iterator<Item = &'a TaskRecord>,
) -> HashMap<Option<Subrun>, &'a TaskRecord> {
    let mut found = HashMap::new();
    for task in tasks {
        match (sequence.kind, task.task) {
            (Kind::Calibration, _) => {
                found.insert(None, task);
            }
            (Kind::Data, Some(index)) => {
                found.insert(Some(Subrun(index)), task);
            }
            (Kind::Data, None) => {
                found.extend(sequence.subrun_ids().map(|subrun| (Some(subrun), task)));
            }
        }
    }
    found
}

fn sequence_status(
    sequence: &Sequence,
    evidence: &Evidence<'_>,
    summary: Option<JobSummary>,
    segments: Vec<Segment>,
) -> SequenceStatus {
    let files = evidence.files;
    let action = match &summary {
        _ if files.closed => SequenceAction::Closed,
        _ if files.vetoed => SequenceAction::Veto,
        Some(_) => SequenceAction::Check,
        None => SequenceAction::None,
    };
    let percent = (sequence.kind == Kind::Data).then(|| files.percentages(sequence.subruns));
    let sequence = sequence.clone();
    match summary {
        None => SequenceStatus {
            sequence,
            action,
            tries: None,
            job: None,
            state: None,
            counts: BTreeMap::new(),
            cpu_seconds: None,
            exit: None,
            reason: String::new(),
            percent,
            segments,
            quality: None,
        },
        Some(summary) => SequenceStatus {
            sequence,
            action,
            tries: Some(summary.tries),
            job: Some(summary.job),
            state: Some(summary.state),
            counts: summary.counts,
            cpu_seconds: Some(summary.cpu_seconds),
            exit: summary.exit,
            reason: summary.reason,
            percent,
            segments,
            quality: None,
        },
    }
}

/// Whether the run's job script leaves DL2 out.
pub(crate) fn scripted_without_dl2(paths: &NightPaths, sequence: &Sequence) -> bool {
    input_file::read_text(&paths.script(sequence.run))
        .is_ok_and(|script| script.contains("'--no-dl2'"))
}
