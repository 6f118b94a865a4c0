//! Why a night is not closed: what stands in the way, what shows it, and what to do.

mod diagnosis;
mod failures;
mod job_states;
mod known;
mod logs;

use std::path::Path;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};

use crate::hint::Hint;
use crate::model::{
    Blocker, BlockerKind, Condition, Evidence, JobState, Kind, NightDate, NightStatus, Remedy,
    RunId, Sequence, SequenceAction, SequenceStatus, Subrun, TaskRecord, spans,
};
use crate::night::{NightError, calibration_files};

use crate::process::is_automatic_veto;

use super::jobs::{self, NEVER};
use super::night::{NightInput, Sight, by_subrun};
use super::notices::of_row;

pub use diagnosis::Diagnosis;
pub use known::{KnownError, KnownErrorsError, load};

use job_states::{held, lost, never, processing};
use logs::LogCache;

/// When the observation of a night is over, and it may be closed: 08:00 UTC of the next day.
pub fn observation_ends(date: NightDate) -> DateTime<Utc> {
    let morning = date.date().checked_add_days(Days::new(1)).unwrap_or(date.date());
    morning.and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(8)
}

/// What stands in the way of closing the night, what needs somebody's hand first; nothing if it is
/// closed or can be closed. Blocks on the disk.
pub fn blockers(input: &NightInput<'_>, sight: &Sight, diagnosis: &Diagnosis) -> Vec<Blocker> {
    if sight.scan.night_closed {
        return Vec::new();
    }
    let (errors, problem) = diagnosis.errors();
    let view = View {
        input,
        sight,
        tasks: jobs::by_run(input.jobs.tasks),
        errors: &errors,
        logs: &diagnosis.logs,
    };
    let mut found = view.of_the_night();
    found.extend(problem.map(|problem| unreadable(problem.to_string(), None)));
    found.extend(view.of_the_sequences());
    found.sort_by_key(|blocker| (blocker.kind.passes(), blocker.run.is_some(), blocker.run));
    found
}

/// As [`blockers`], put into the night's status, which no longer needs notices of the same.
pub fn with_blockers(
    input: &NightInput<'_>,
    mut sight: Sight,
    diagnosis: &Diagnosis,
) -> NightStatus {
    sight.status.blockers = blockers(input, &sight, diagnosis);
    if !sight.scan.night_closed {
        sight.status.notices.retain(|notice| !sight.in_the_way.contains(notice));
    }
    sight.status
}

/// The only thing that stands in the way of a night whose run summary cannot be read.
pub fn unobserved_blockers(error: &NightError) -> Vec<Blocker> {
    let explanation = error.hint().unwrap_or_default();
    vec![Blocker { explanation, ..unreadable(error.to_string(), None) }]
}

fn blank(kind: BlockerKind, what: String) -> Blocker {
    Blocker {
        kind,
        error: None,
        run: None,
        subruns: Vec::new(),
        what,
        evidence: Vec::new(),
        explanation: String::new(),
        remedies: Vec::new(),
    }
}

fn unreadable(what: String, evidence: Option<Evidence>) -> Blocker {
    Blocker { evidence: evidence.into_iter().collect(), ..blank(BlockerKind::Unreadable, what) }
}

fn file(path: &Path, note: impl Into<String>) -> Evidence {
    Evidence::File { path: path.display().to_string(), note: note.into() }
}

fn note(text: impl Into<String>) -> Evidence {
    Evidence::Note { text: text.into() }
}

/// How many of a kind are shown as evidence.
const FEW: usize = 3;

/// What is looked at.
struct View<'a> {
    input: &'a NightInput<'a>,
    sight: &'a Sight,
    tasks: std::collections::HashMap<RunId, Vec<&'a TaskRecord>>,
    errors: &'a [KnownError],
    logs: &'a LogCache,
}

impl View<'_> {
    /// What is about the night as a whole.
    fn of_the_night(&self) -> Vec<Blocker> {
        let mut found = Vec::new();
        let date = self.input.paths.date;
        let ends = observation_ends(date);
        if self.input.now < ends {
            found.push(Blocker {
                evidence: vec![note(format!("it ends at {}", ends.format("%Y-%m-%d %H:%M UTC")))],
                explanation: "A night is closed after 08:00 UTC of the next day.".into(),
                ..blank(BlockerKind::NotOver, format!("The observation of {date} is not over."))
            });
        }
        let health = &self.input.jobs.health;
        if let Some(error) = &health.error {
            found.push(Blocker {
                evidence: [error].into_iter().chain(&health.hint).cloned().map(note).collect(),
                explanation: "It is not known which jobs wait, run or have failed. Nothing is \
                              submitted or closed until the scheduler answers again."
                    .into(),
                ..blank(BlockerKind::SchedulerSilent, "The scheduler does not answer.".into())
            });
        }
        found.extend(health.elsewhere.as_ref().map(|explanation| Blocker {
            explanation: explanation.clone(),
            ..blank(
                BlockerKind::OtherScheduler,
                "The night was submitted to another scheduler.".into(),
            )
        }));
        found.extend(self.unreadable());
        let status = &self.sight.status;
        if status.sequences.is_empty() {
            found.push(Blocker {
                evidence: vec![file(&self.input.paths.run_summary(), "has no run to process")],
                ..blank(BlockerKind::NoRuns, format!("Nothing was observed on {date}."))
            });
        }
        if status.sequences.iter().any(|s| s.sequence.kind == Kind::Data && !is_finished(s)) {
            found.extend(self.gain_selection());
            found.extend(self.calibration_missing());
        }
        found.extend(self.not_launched());
        found
    }

    fn unreadable(&self) -> Vec<Blocker> {
        let Sight { scan, histories, .. } = self.sight;
        let directories = scan.unreadable.iter().map(|(directory, cause)| Blocker {
            explanation: "See whether the file system is mounted and readable.".into(),
            ..unreadable(
                format!("The directory {} cannot be read.", directory.display()),
                Some(file(directory, cause.to_string())),
            )
        });
        let mut found: Vec<Blocker> = directories.collect();
        let summary = self.input.paths.run_summary();
        found.extend(self.input.observation.faulty.iter().map(|row| {
            Blocker {
                run: row.run,
                explanation:
                    "It is left out; the other runs of the night are processed. Correct the line, \
                          or make the run summary again."
                        .into(),
                ..unreadable(
                    format!("The run summary cannot be read where it has {}.", of_row(row)),
                    Some(file(&summary, row.problem.clone())),
                )
            }
        }));
        let mut runs: Vec<RunId> = histories.unreadable.iter().map(|((run, _), _)| *run).collect();
        runs.dedup();
        for run in runs {
            let of_run = || histories.unreadable.iter().filter(|((other, _), _)| *other == run);
            let shown = of_run().take(FEW).map(|((run, subrun), cause)| {
                file(&self.input.paths.history(*run, *subrun), cause.clone())
            });
            let number = of_run().count();
            let what = match number {
                1 => format!("A history of run {run} cannot be read."),
                _ => format!("{number} histories of run {run} cannot be read."),
            };
            found.push(Blocker {
                run: Some(run),
                subruns: of_run().filter_map(|((_, subrun), _)| *subrun).collect(),
                explanation: "What they say of their subruns is not known; see whether the file \
                              system and their permissions are right."
                    .into(),
                evidence: shown.collect(),
                ..blank(BlockerKind::Unreadable, what)
            });
        }
        found
    }

    fn gain_selection(&self) -> Option<Blocker> {
        let flag = self.input.paths.gain_selection_finished();
        let launched = self.sight.status.data().any(|status| status.job.is_some());
        (!launched && !flag.exists()).then(|| Blocker {
            evidence: vec![file(&flag, "is missing")],
            explanation: "The night is launched once the flag is there, or at once with \
                          --no-gainsel."
                .into(),
            ..blank(BlockerKind::GainSelection, "The gain selection has not finished.".into())
        })
    }

    fn calibration_missing(&self) -> Option<Blocker> {
        let kind = BlockerKind::CalibrationMissing;
        let Some(runs) = self.input.observation.calibration else {
            let explanation = "No run can be reduced without. Add their numbers to the run \
                               summary, or copy the calibration of another night.";
            return Some(Blocker {
                evidence: vec![file(
                    &self.input.paths.run_summary(),
                    "names no DRS4 or PEDCALIB run, nor do those of the four nights before",
                )],
                explanation: explanation.into(),
                ..blank(kind, "The night has no calibration runs within reach.".into())
            });
        };
        let error = calibration_files(self.input.paths, runs).err()?;
        let evidence = match &error {
            NightError::NoCalibrationFile { directory, .. } => Some(file(directory, "has none")),
            _ => None,
        };
        Some(Blocker {
            evidence: evidence.into_iter().collect(),
            explanation: error.hint().unwrap_or_default(),
            ..blank(kind, format!("A calibration file is missing: {error}."))
        })
    }

    /// Nothing was begun, or only some of the runs.
    fn not_launched(&self) -> Option<Blocker> {
        let health = &self.input.jobs.health;
        if health.answered.is_none() || health.elsewhere.is_some() {
            return None;
        }
        let open = |status: &&SequenceStatus| {
            let files = self.sight.scan.run(status.sequence.run);
            let begun = status.sequence.kind == Kind::Data && !files.is_empty();
            !is_finished(status) && status.job.is_none() && !begun && !files.vetoed
        };
        let open = self.sight.status.sequences.iter().filter(open);
        // A calibration whose history tells that it failed was launched.
        let fresh = |status: &&SequenceStatus| status.count(Condition::Failed) == 0;
        let runs: Vec<String> =
            open.filter(fresh).map(|status| status.sequence.run.to_string()).collect();
        let all = self.sight.status.data().all(|status| {
            status.job.is_none() && self.sight.scan.run(status.sequence.run).is_empty()
        });
        let what = match &runs[..] {
            [] => return None,
            _ if all => "The night was not launched yet.".to_owned(),
            [run] => format!("Run {run} was not launched."),
            runs => format!("The runs {} were not launched.", runs.join(", ")),
        };
        Some(Blocker { remedies: vec![Remedy::Launch {}], ..blank(BlockerKind::NotLaunched, what) })
    }

    fn of_the_sequences(&self) -> Vec<Blocker> {
        let open = self.sight.status.sequences.iter().filter(|status| !is_finished(status));
        open.flat_map(|status| self.of_sequence(status)).collect()
    }

    fn of_sequence(&self, status: &SequenceStatus) -> Vec<Blocker> {
        let run = status.sequence.run;
        let mut tasks = self.tasks.get(&run).cloned().unwrap_or_default();
        tasks.retain(|task| !self.input.observation.is_dropped(run, task.task));
        let last = jobs::last_job(&tasks);
        let mut found = Vec::new();
        found.extend(self.vetoed(status));
        if status.reason == NEVER {
            found.extend(never(status, &last));
            return found;
        }
        let failed = failures::Failing::new(self, status, jobs::oldest_first(&tasks));
        found.extend(failed.blockers());
        found.extend(held(status, &last));
        found.extend(lost(status, &last));
        found.extend(processing(status));
        found.extend(self.left_behind(status, &last));
        found
    }

    fn vetoed(&self, status: &SequenceStatus) -> Option<Blocker> {
        let sequence = &status.sequence;
        let run = sequence.run;
        let files = self.sight.scan.run(run);
        let paths = self.input.paths;
        // A subrun that failed is reported as a failure, and submitting it again lifts its veto.
        let calibration = sequence.kind == Kind::Calibration;
        let flag = paths.sequence_file(run, None, "veto");
        if calibration && status.count(Condition::Failed) > 0 && is_automatic_veto(&flag) {
            return None;
        }
        let failed = |subrun: &Subrun| condition(status, *subrun) != Some(Condition::Idle);
        let subruns: Vec<Subrun> =
            files.vetoed_subruns.iter().filter(|subrun| !failed(subrun)).collect();
        let (what, evidence, subruns) = match files.vetoed {
            true => (
                format!("Run {run} is vetoed and is not submitted."),
                vec![file(&flag, "is there")],
                Vec::new(),
            ),
            false if subruns.is_empty() => return None,
            false => {
                let flag = |subrun: &Subrun| {
                    file(&paths.sequence_file(run, Some(*subrun), "veto"), "is there")
                };
                let evidence = subruns.iter().take(FEW).map(flag).collect();
                (
                    format!("{} of run {run} {} vetoed.", which(&subruns), verb(&subruns)),
                    evidence,
                    subruns,
                )
            }
        };
        Some(Blocker {
            run: Some(run),
            subruns,
            evidence,
            explanation: "Somebody has put the flag there, or a stage failed twice in the same \
                          way."
                .into(),
            remedies: match sequence.kind {
                Kind::Calibration => vec![Remedy::Unveto { run }],
                Kind::Data => vec![Remedy::Unveto { run }, Remedy::ExcludeRun { run }],
            },
            ..blank(BlockerKind::Vetoed, what)
        })
    }

    /// What neither is done, nor has failed, nor is worked on, although something was begun.
    fn left_behind(&self, status: &SequenceStatus, last: &[&TaskRecord]) -> Option<Blocker> {
        let run = status.sequence.run;
        let files = self.sight.scan.run(run);
        let begun = status.job.is_some() || !files.is_empty();
        let answered = self.input.jobs.health.answered.is_some();
        if !answered || !begun || files.vetoed || last.iter().any(|task| task.state.is_active()) {
            return None;
        }
        let tasks = by_subrun(&status.sequence, last.iter().copied());
        let lost = last.iter().any(|task| task.state == JobState::Lost);
        let idle: Vec<Subrun> = subruns_in(status, Condition::Idle)
            .filter(|subrun| !files.vetoed_subruns.contains(*subrun))
            .collect();
        if idle.is_empty() || lost || status.sequence.kind == Kind::Calibration {
            return None;
        }
        let evidence = idle.iter().filter_map(|subrun| tasks.get(&Some(*subrun)));
        let evidence = evidence.take(FEW).map(|task| job(task)).collect();
        let verb = verb(&idle);
        Some(Blocker {
            run: Some(run),
            what: format!("{} of run {run} {verb} not done, and nobody is at work.", which(&idle)),
            evidence,
            explanation: "Its job ended, or was never submitted for these subruns.".into(),
            remedies: vec![resubmit(run, idle.clone())],
            subruns: idle,
            ..blank(BlockerKind::LeftBehind, String::new())
        })
    }
}

/// Submitting again as before.
fn resubmit(run: RunId, subruns: Vec<Subrun>) -> Remedy {
    Remedy::Resubmit {
        run,
        subruns,
        memory: None,
        walltime: None,
        remove_products: false,
        exclude_nodes: None,
    }
}

fn job(task: &TaskRecord) -> Evidence {
    Evidence::Job {
        job: task.job,
        task: task.task,
        state: task.state.clone(),
        exit: task.exit,
        reason: task.reason.clone(),
    }
}

fn is_finished(status: &SequenceStatus) -> bool {
    let done = |segment: &crate::model::Segment| segment.condition == Condition::Done;
    status.action == SequenceAction::Closed
        || (!status.segments.is_empty() && status.segments.iter().all(done))
}

/// The subruns of a condition; for the calibration its single piece, numbered 0.
fn subruns_in(status: &SequenceStatus, condition: Condition) -> impl Iterator<Item = Subrun> + '_ {
    let alike = status.segments.iter().filter(move |segment| segment.condition == condition);
    alike.flat_map(|segment| segment.first..=segment.last).map(Subrun)
}

fn condition(status: &SequenceStatus, subrun: Subrun) -> Option<Condition> {
    let within =
        |segment: &&crate::model::Segment| (segment.first..=segment.last).contains(&subrun.0);
    status.segments.iter().find(within).map(|segment| segment.condition)
}

/// `Subrun 0003`, `Subruns 0-2,4`.
fn which(subruns: &[Subrun]) -> String {
    match subruns {
        [subrun] => format!("Subrun {subrun}"),
        subruns => format!("Subruns {}", spans(subruns)),
    }
}

fn verb(subruns: &[Subrun]) -> &'static str {
    if subruns.len() == 1 { "is" } else { "are" }
}

/// `run 19102`, or `the calibration (run 19101)`.
fn named(sequence: &Sequence) -> String {
    match sequence.kind {
        Kind::Calibration => format!("the calibration (run {})", sequence.run),
        Kind::Data => format!("run {}", sequence.run),
    }
}

fn begun(sequence: &Sequence) -> String {
    match sequence.kind {
        Kind::Calibration => format!("The calibration (run {})", sequence.run),
        Kind::Data => format!("Run {}", sequence.run),
    }
}

#[cfg(test)]
mod tests;
