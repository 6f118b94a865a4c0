//! The automatic closer: decides from a night's status which sequences are ready, and closes the
//! night once all are.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::internal::blocking;
use crate::launch::{Answer, Engine, ask_read_only};
use crate::model::{
    CloseOptions, Condition, ExitCode, JobState, Kind, NightDate, NightState, NightStatus, RunId,
    SequenceAction, SequenceStatus,
};
use crate::night::NightPaths;
use crate::status::{Depth, NightInput, StatusCache, night_status};
use crate::store::SiteDatabase;

use super::plan::observation_over;
use super::{Clock, CloseError, Closed, Request, asked, decided, lock, start};

/// How the automatic closer is to go about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AutoOptions {
    /// Close also if not everything is ready (`-f`).
    pub force: bool,
    /// Close each sequence as it is ready (`-r`).
    pub runwise: bool,
    /// Another automatic closer may be under way (`--ignore-cronlock`).
    pub ignore_lock: bool,
    /// The gain selection is not asked for (`--no-gainsel`).
    pub no_gainsel: bool,
}

/// What the automatic closer has decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AutoPlan {
    /// The night.
    pub date: NightDate,
    /// Why nothing is closed, whatever the sequences; `None` if they decide.
    pub gate: Option<String>,
    /// The sequences.
    pub sequences: Vec<Readiness>,
    /// The runs to be closed alone, in this order.
    pub runs: Vec<RunId>,
    /// Whether the night is to be closed then.
    pub night: bool,
}

/// Whether a sequence is ready to be closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// The run.
    pub run: RunId,
    /// It is closed already.
    pub closed: bool,
    /// Why it is not ready; empty if it is.
    pub why: String,
}

impl Readiness {
    /// Whether it is ready.
    pub fn is_ready(&self) -> bool {
        self.why.is_empty()
    }
}

/// The outcome of a request to the automatic closer.
#[derive(Debug)]
pub struct AutoOutcome {
    /// What was decided.
    pub plan: AutoPlan,
    /// The outcome of each closing, in order: of runs, then of the night (`None`).
    pub closings: Vec<(Option<RunId>, Result<Closed, CloseError>)>,
}

/// Decides; `gain_selected` tells whether the gain selection has left its flag.
pub fn decide(
    status: &NightStatus,
    paths: &NightPaths,
    close: CloseOptions,
    options: AutoOptions,
    gain_selected: bool,
    now: DateTime<Utc>,
) -> AutoPlan {
    let date = status.date;
    let levels = Levels { datacheck: paths.config.lstchain.store_image_dl1ab, dl2: !close.no_dl2 };
    let sequences: Vec<Readiness> =
        status.sequences.iter().map(|status| readiness(status, levels)).collect();
    let gate = if status.state == NightState::Closed {
        Some(format!("the night {date} is closed already"))
    } else if sequences.is_empty() {
        Some(format!("the night {date} has no sequences"))
    } else if !observation_over(date, now) {
        Some(format!("the observation of {date} is not over yet"))
    } else if !gain_selected && !options.no_gainsel {
        Some(format!("the gain selection of {date} has not finished (--no-gainsel does not ask)"))
    } else {
        let health = &status.scheduler;
        let silent =
            health.error.as_ref().map(|error| format!("the scheduler does not answer: {error}"));
        silent.or_else(|| health.elsewhere.clone()).filter(|_| !close.no_jobs)
    };
    let mut plan = AutoPlan { date, gate, sequences, runs: Vec::new(), night: false };
    if plan.gate.is_none() {
        let all = plan.sequences.iter().all(Readiness::is_ready);
        plan.night = all || options.force;
        let alone =
            |sequence: &&Readiness| !sequence.closed && (sequence.is_ready() || options.force);
        if options.runwise {
            plan.runs = plan.sequences.iter().filter(alone).map(|s| s.run).collect();
        }
    }
    plan
}

/// The levels that are made.
#[derive(Clone, Copy)]
struct Levels {
    datacheck: bool,
    dl2: bool,
}

/// A sequence is ready if it is closed, or its job is COMPLETED with 0:0, every subrun has reached
/// its last stage, and there is 100 % of everything. Of a job that the scheduler has forgotten, the
/// histories tell.
fn readiness(status: &SequenceStatus, levels: Levels) -> Readiness {
    let closed = status.action == SequenceAction::Closed;
    let why = if closed { String::new() } else { hindrance(status, levels).unwrap_or_default() };
    Readiness { run: status.sequence.run, closed, why }
}

fn hindrance(status: &SequenceStatus, levels: Levels) -> Option<String> {
    if status.action == SequenceAction::Veto {
        return Some("it is vetoed".into());
    }
    if let (Some(job), Some(state)) = (status.job, &status.state) {
        let well = status.exit.is_none_or(|exit| exit == ExitCode::default());
        if *state != JobState::Completed || !well {
            let exit = status.exit.map(|exit| format!(", exit {exit}")).unwrap_or_default();
            return Some(format!("job {job} is {state}{exit}"));
        }
    }
    let (known, done) = (status.known_subruns(), status.count(Condition::Done));
    if known == 0 || done < known {
        return Some(match status.sequence.kind {
            Kind::Calibration => "its calibration files are not there".into(),
            Kind::Data => format!("{done} of {known} subruns are done"),
        });
    }
    let percent = status.percent?;
    let wanted = [
        ("DL1", percent.dl1, true),
        ("MUONS", percent.muons, true),
        ("DL1AB", percent.dl1ab, true),
        ("DATACHECK", percent.datacheck, levels.datacheck),
        ("DL2", percent.dl2, levels.dl2),
    ];
    let short = wanted.into_iter().find(|(_, percent, wanted)| *wanted && *percent < 100);
    short.map(|(level, percent, _)| format!("{percent} % of {level} is there"))
}

async fn decide_with(
    request: &Request,
    options: AutoOptions,
    answer: Answer,
) -> Result<AutoPlan, CloseError> {
    let request = request.clone();
    let plan = move || {
        let Request { paths, observation, now, .. } = &request;
        let input = NightInput {
            paths,
            observation,
            jobs: &answer.jobs(),
            depth: Depth::Full,
            dl2: Some(!request.options.no_dl2),
            now: *now,
        };
        let status = night_status(&input, &StatusCache::default());
        let gain_selected = paths.gain_selection_finished().exists();
        decide(&status, paths, request.options, options, gain_selected, *now)
    };
    Ok(blocking(plan).await?)
}

/// What the automatic closer would do; writes nothing.
///
/// # Errors
/// The database is there and cannot be read.
pub async fn preview(request: &Request, options: AutoOptions) -> Result<AutoPlan, CloseError> {
    let access = SiteDatabase::of(&request.settings).open_to_read().await?;
    let request = match access.store {
        Some(store) => decided(&store, request).await?,
        None => request.clone(),
    };
    let Request { settings, paths, observation, now, .. } = &request;
    let answer = match request.options.no_jobs {
        true => Answer::unknown(),
        false => ask_read_only(settings, paths, observation, *now).await?,
    };
    decide_with(&request, options, answer).await
}

/// Closes what is ready.
///
/// # Errors
/// [`CloseError::Busy`] if another automatic closer is under way; the database cannot be used. What
/// becomes of each closing is reported in the outcome.
#[tracing::instrument(name = "autoclose", skip_all, fields(date = %request.paths.date, user = %request.by))]
pub async fn run(
    engine: &Engine,
    request: &Request,
    options: AutoOptions,
) -> Result<AutoOutcome, CloseError> {
    let guard = match options.ignore_lock {
        true => None,
        false => {
            let by = request.by.to_string();
            Some(lock::take(&engine.store, "automatic closing", &by, request.now).await?)
        }
    };
    let outcome = close_ready(engine, request, options).await;
    if let Some(guard) = guard {
        guard.release().await?;
    }
    outcome
}

async fn close_ready(
    engine: &Engine,
    request: &Request,
    options: AutoOptions,
) -> Result<AutoOutcome, CloseError> {
    let clock = Clock::new(request.now);
    let decided = decided(&engine.store, request).await?;
    let answer = asked(engine, &decided).await?;
    let plan = decide_with(&decided, options, answer).await?;
    let mut closings = Vec::new();
    let each = plan.runs.iter().copied().map(Some).chain(plan.night.then_some(None));
    for seq in each {
        let mut one = request.clone();
        one.options.seq = seq;
        one.anyway = options.force;
        // The one before may have taken hours.
        one.now = clock.now();
        let closed = start(engine, &one).await;
        let failed = closed.is_err();
        closings.push((seq, closed));
        // The night is not closed over a sequence that could not be.
        if failed {
            break;
        }
    }
    Ok(AutoOutcome { plan, closings })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Percentages, Segment, Stage};
    use crate::status::fixture::{Golden, now, task_of};

    fn plan(golden: &Golden, change: impl Fn(&mut NightStatus), options: AutoOptions) -> AutoPlan {
        let mut status = golden.status(Depth::Full, &[]);
        for sequence in &mut status.sequences {
            if sequence.sequence.kind == Kind::Data {
                sequence.percent = Some(Percentages {
                    dl1: 100,
                    muons: 100,
                    dl1ab: 100,
                    datacheck: 100,
                    dl2: 100,
                });
                sequence.action = SequenceAction::None;
            }
            sequence.segments = vec![Segment {
                first: 0,
                last: sequence.sequence.subruns - 1,
                done: Some(Stage::Dl1ToDl2),
                condition: Condition::Done,
            }];
        }
        change(&mut status);
        decide(&status, &golden.paths, CloseOptions::default(), options, true, now())
    }

    fn why(golden: &Golden, change: impl Fn(&mut SequenceStatus)) -> String {
        let plan = plan(golden, |status| change(&mut status.sequences[1]), AutoOptions::default());
        assert_eq!(plan.night, plan.sequences[1].why.is_empty());
        plan.sequences[1].why.clone()
    }

    #[test]
    fn a_night_is_ready_when_all_of_it_is() {
        let golden = Golden::new();
        assert_eq!(why(&golden, |_| {}), "");
        assert_eq!(why(&golden, |s| s.action = SequenceAction::Veto), "it is vetoed");
        assert_eq!(
            why(&golden, |s| s.segments[0].condition = Condition::Idle),
            "0 of 6 subruns are done"
        );
        assert_eq!(
            why(&golden, |s| s.percent.as_mut().unwrap().muons = 83),
            "83 % of MUONS is there"
        );
        let job = |state: JobState, exit: Option<&str>| {
            why(&golden, |s| {
                s.job = Some(crate::model::JobId(7));
                s.state = Some(state.clone());
                s.exit = exit.map(|exit| exit.parse().unwrap());
            })
        };
        assert_eq!(job(JobState::Completed, Some("0:0")), "");
        assert_eq!(job(JobState::Running, None), "job 7 is RUNNING");
        assert_eq!(job(JobState::Failed, Some("1:0")), "job 7 is FAILED, exit 1:0");
        // A closed sequence is ready, whatever else is said of it.
        assert_eq!(why(&golden, |s| (s.action, s.segments) = (SequenceAction::Closed, vec![])), "");
    }

    #[test]
    fn runs_are_closed_as_they_are_ready_and_all_when_forced() {
        let golden = Golden::new();
        let open = |status: &mut NightStatus| {
            status.sequences[1].segments[0].condition = Condition::Failed;
            status.sequences[2].action = SequenceAction::Closed;
        };
        let of = |options| {
            let plan = plan(&golden, open, options);
            (plan.runs.iter().map(|run| run.0).collect::<Vec<_>>(), plan.night)
        };
        let (none, force, runwise) = (
            AutoOptions::default(),
            AutoOptions { force: true, ..AutoOptions::default() },
            AutoOptions { runwise: true, ..AutoOptions::default() },
        );
        assert_eq!(of(none), (vec![], false));
        assert_eq!(of(force), (vec![], true));
        assert_eq!(of(runwise), (vec![19101, 19104, 19106], false));
        assert_eq!(
            of(AutoOptions { force: true, ..runwise }),
            (vec![19101, 19102, 19104, 19106], true)
        );
    }

    #[test]
    fn gates_are_tried_before_the_sequences() {
        let golden = Golden::new();
        let status = golden.status(Depth::Full, &[task_of(19102, 7, Some(0), "RUNNING")]);
        let gate = |options, gain_selected, now| {
            decide(&status, &golden.paths, CloseOptions::default(), options, gain_selected, now)
                .gate
        };
        let forced = AutoOptions { force: true, ..AutoOptions::default() };
        let early = "2024-11-29T07:59:59Z".parse().unwrap();
        assert!(gate(forced, true, early).unwrap().contains("not over yet"));
        assert_eq!(gate(forced, true, "2024-11-29T08:00:00Z".parse().unwrap()), None);
        assert!(gate(forced, false, now()).unwrap().contains("gain selection"));
        let not_asked = AutoOptions { no_gainsel: true, ..forced };
        assert_eq!(gate(not_asked, false, now()), None);
    }
}
