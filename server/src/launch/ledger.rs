//! What a look at the scheduler says about recorded submissions.
//!
//! An id alone proves nothing, since a scheduler that crashed may give it to another job: a recorded
//! job is the one with its name and its token. Absence proves little: accounting lags behind, and a
//! controller that hung takes a request from its socket long after sbatch gave up, perhaps just
//! after it has answered us. So a job is given up only after two whole answers, the second at least
//! [`Grace`] after the first, and none of them with it.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use crate::model::{JobId, JobState, Notice, Severity, TaskRecord};
use crate::schedule::{Accounting, Doubt, JobSnapshot, Question, token};
use crate::store::{Grace, Ledger, Store, StoreError, Submission, SubmissionState};

use super::elsewhere::{is_elsewhere, may_be_here};

/// What is to be written down about a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    Found(JobId),
    Ended(Option<JobState>),
    Missing(DateTime<Utc>),
    Withdraw(&'static str),
    Lose(String),
}

/// Is this the job that was submitted then?
pub(super) fn is_job_of(task: &TaskRecord, submission: &Submission) -> bool {
    if task.name != submission.job_name {
        return false;
    }
    // Others may have written into the comment; another token of ours names another job.
    if let Some(token) = token(&task.comment) {
        return token == submission.token;
    }
    // Where comments are not kept, or are rewritten: the same id, and not older than the question.
    let clocks_differ = TimeDelta::minutes(2);
    submission.job == Some(task.job)
        && match (task.submitted, submission.asked) {
            (Some(submitted), Some(asked)) => submitted >= asked - clocks_differ,
            _ => true,
        }
}

/// The tasks that belong to a submission.
pub(super) fn tasks_of<'s>(
    submission: &Submission,
    snapshot: &'s JobSnapshot,
) -> Vec<&'s TaskRecord> {
    // A number or a name of another scheduler's job means nothing here.
    let here = may_be_here(submission, &snapshot.scheduler);
    snapshot.tasks.iter().filter(|task| here && is_job_of(task, submission)).collect()
}

/// The job's state as a whole once no task is active: the first failure, else the first task's.
fn end_state(tasks: &[&TaskRecord]) -> Option<JobState> {
    let worst = tasks.iter().find(|task| task.state.is_failure()).or(tasks.first())?;
    Some(worst.state.clone())
}

/// What a look says about a submission.
fn changes(submission: &Submission, snapshot: &JobSnapshot, grace: Grace) -> Vec<Change> {
    let state = submission.state;
    if matches!(state, SubmissionState::Refused | SubmissionState::Withdrawn) {
        return Vec::new();
    }
    let tasks = tasks_of(submission, snapshot);
    let active = tasks.iter().any(|task| task.is_active());
    let gone = tasks.iter().any(|task| task.state == JobState::Lost);
    let mut changes = Vec::new();
    if let Some(task) = tasks.first().filter(|_| active || !gone) {
        let known = state == SubmissionState::Submitted && submission.job == Some(task.job);
        if !known || submission.missing_since.is_some() {
            changes.push(Change::Found(task.job));
        }
        let end = if active { None } else { end_state(&tasks) };
        if end != submission.end_state {
            changes.push(Change::Ended(end));
        }
    } else if state == SubmissionState::Intended && submission.asked.is_none() {
        if snapshot.taken - submission.touched >= grace.0 {
            changes.push(Change::Withdraw("its command ended before it asked the scheduler"));
        }
    } else if state != SubmissionState::Lost && proves_absence(submission, &tasks, snapshot) {
        let since = submission.missing_since.unwrap_or(snapshot.taken);
        if snapshot.taken - since >= grace.0 {
            changes.push(Change::Lose(loss(submission, since, &snapshot.accounting)));
        } else if submission.missing_since.is_none() {
            changes.push(Change::Missing(since));
        }
    }
    changes
}

/// Would the answer have shown the job, if there were one?
fn proves_absence(submission: &Submission, tasks: &[&TaskRecord], snapshot: &JobSnapshot) -> bool {
    let known_from = submission.settled.or(submission.asked).unwrap_or(submission.created);
    let within = !tasks.is_empty() || submission.created >= snapshot.since;
    // The database has whole milliseconds: within the same one, nobody knows which was first.
    let after = |time: DateTime<Utc>| time.trunc_subsecs(3) > known_from;
    let name = &submission.job_name;
    let may_be = |doubt: &Doubt| doubt.noise || doubt.may_be(name, submission.job);
    submission.end_state.is_none()
        && snapshot.asked.is_about(name, submission.job)
        && !snapshot.doubts.iter().any(may_be)
        && submission.scheduler.as_ref().is_none_or(|id| snapshot.scheduler.is_surely(id))
        && snapshot.absence_as_of().is_some_and(after)
        && within
}

fn loss(submission: &Submission, since: DateTime<Utc>, accounting: &Accounting) -> String {
    let since = since.format("%Y-%m-%d %H:%M:%S UTC");
    match submission.job {
        Some(job) if *accounting == Accounting::Disabled => format!(
            "job {job} is not in Slurm's queue since {since}; how it ended is not known, since \
             accounting is disabled"
        ),
        Some(job) => {
            format!("job {job} was submitted, and the scheduler knows it no more since {since}")
        }
        None => format!("the scheduler was asked and has no such job since {since}"),
    }
}

/// What to ask about the jobs with these names: by number where the database has it, else by name.
///
/// `submissions` are those with these names ([`Store::submissions_named`]).
pub fn question(names: &[String], submissions: &[Submission], since: DateTime<Utc>) -> Question {
    let numbered = |s: &&Submission| {
        s.job.is_some() && matches!(s.state, SubmissionState::Submitted | SubmissionState::Lost)
    };
    // A job that may have been submitted has no number yet.
    let unsettled = |s: &&Submission| s.state == SubmissionState::Intended && s.asked.is_some();
    let unknown = |name: &&String| {
        let of = || submissions.iter().filter(|s| s.job_name == **name);
        !of().any(|s| numbered(&s)) || of().any(|s| unsettled(&s))
    };
    let mut question = Question::none(since);
    question.extend(Question {
        jobs: submissions.iter().filter(numbered).filter_map(|s| s.job).collect(),
        names: names.iter().filter(unknown).cloned().collect(),
        ..Question::none(since)
    });
    question
}

/// Writes down what a look at the scheduler says about all submissions; returns how many changed.
///
/// Whoever has a fresh snapshot should call this: the server after each poll, a command before it
/// decides anything.
pub async fn resolve(
    store: &Store,
    snapshot: &JobSnapshot,
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let grace = store.grace;
    // Mostly there is nothing to write, and then nobody is kept waiting.
    let open = store.submissions_open(snapshot.since).await?;
    if open.iter().all(|submission| changes(submission, snapshot, grace).is_empty()) {
        return Ok(0);
    }
    store.ledger(async |ledger| resolve_in(ledger, snapshot, now).await).await
}

/// As [`resolve`], in a ledger that is open.
pub(super) async fn resolve_in(
    ledger: &mut Ledger<'_>,
    snapshot: &JobSnapshot,
    now: DateTime<Utc>,
) -> Result<usize, sqlx::Error> {
    let grace = ledger.grace();
    let mut changed = 0;
    for submission in ledger.open(snapshot.since).await? {
        let changes = changes(&submission, snapshot, grace);
        changed += usize::from(!changes.is_empty());
        for change in changes {
            let id = submission.id;
            match change {
                Change::Found(job) => ledger.found(id, job, now).await?,
                Change::Ended(state) => ledger.ended(id, state.as_ref()).await?,
                Change::Missing(since) => ledger.missing(id, since).await?,
                Change::Withdraw(why) => ledger.withdraw(id, why, now).await.map(|_| ())?,
                Change::Lose(why) => ledger.lose(id, &why, now).await?,
            }
        }
    }
    Ok(changed)
}

/// Why a purpose has to wait for an earlier submission to be cleared up, and what will do that;
/// `None` if it need not.
pub(super) fn obstacle(submission: &Submission, grace: Grace) -> Option<String> {
    let clock = |time: DateTime<Utc>| time.format("%H:%M:%S UTC").to_string();
    let Submission { author, purpose, .. } = submission;
    let until = |from: DateTime<Utc>| clock(from + grace.0);
    match (submission.state, submission.asked) {
        (SubmissionState::Intended, None) => Some(format!(
            "{author} is about to submit {purpose} (recorded at {}); if that command has died, it \
             is given up after {}",
            clock(submission.created),
            until(submission.touched)
        )),
        (SubmissionState::Intended, Some(asked)) => {
            let next = match submission.missing_since {
                Some(since) => format!(
                    "the scheduler had no such job at {}; if that is so after {} too, it is given up",
                    clock(since),
                    until(since)
                ),
                None => "it is cleared up by the next answers of the scheduler".to_owned(),
            };
            let said = match submission.message.as_str() {
                "" => String::new(),
                message => format!(" ({message})"),
            };
            Some(format!(
                "{author} submitted {purpose} at {} and its outcome is unknown{said}; {next}",
                clock(asked)
            ))
        }
        (SubmissionState::Submitted, _) if submission.end_state.is_none() => {
            let job = submission.job.map(|job| job.to_string()).unwrap_or_default();
            Some(match submission.missing_since {
                Some(since) => format!(
                    "the scheduler does not know job {job} of {purpose} any more, first noticed at \
                     {}; if that is so after {} too, it is given up",
                    clock(since),
                    until(since)
                ),
                None => format!("job {job} of {purpose} was submitted just now"),
            })
        }
        _ => None,
    }
}

/// The jobs of a night, and what the database has to say about them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NightJobs {
    /// The tasks that belong to the night, and one task in state `LOST` for each job that vanished.
    pub tasks: Vec<TaskRecord>,
    /// What a shifter should know of submissions.
    pub notices: Vec<Notice>,
}

/// The jobs of the night among all that the scheduler knows.
///
/// `submissions` are those with the names of the night's sequences ([`Store::submissions_named`]),
/// `ours` tells which belong to this night and production. A job of one of the names that no
/// submission claims is the night's too: the database may be younger than the job.
pub fn night_jobs(
    submissions: &[Submission],
    ours: impl Fn(&Submission) -> bool,
    snapshot: &JobSnapshot,
    names: &[String],
    grace: Grace,
) -> NightJobs {
    let (ours, foreign): (Vec<_>, Vec<_>) = submissions.iter().partition(|s| ours(s));
    let mut night = NightJobs::default();
    for task in snapshot.tasks.iter().filter(|task| names.contains(&task.name)) {
        let here = |s: &&&Submission| may_be_here(s, &snapshot.scheduler);
        let claimed = ours.iter().filter(here).any(|s| is_job_of(task, s));
        if claimed || !foreign.iter().filter(here).any(|s| is_job_of(task, s)) {
            night.tasks.push(task.clone());
        }
    }
    for submission in &ours {
        // That is said once, of the night as a whole.
        if is_elsewhere(submission, &snapshot.scheduler) {
            continue;
        }
        let last = !ours.iter().any(|s| s.purpose == submission.purpose && s.id > submission.id);
        if let Some(notice) = notice(submission, last, snapshot, grace) {
            night.notices.push(notice);
        }
        let seen = tasks_of(submission, snapshot);
        let accounted = matches!(snapshot.accounting, Accounting::Asked(_));
        if submission.state == SubmissionState::Submitted && !accounted && last && seen.is_empty() {
            night.tasks.extend(submission.job.map(|job| remembered_task(submission, job)));
        }
        if submission.state == SubmissionState::Lost && last && seen.is_empty() {
            night.tasks.extend(submission.job.map(|job| lost_task(submission, job)));
        }
    }
    night
}

/// A job that the scheduler does not tell of while it keeps no accounts: as it was seen last.
fn remembered_task(submission: &Submission, job: JobId) -> TaskRecord {
    let unknown = || JobState::Other("UNKNOWN".to_owned());
    TaskRecord {
        state: submission.end_state.clone().unwrap_or_else(unknown),
        reason: "it is not in the queue, and accounting does not tell of it".to_owned(),
        ..lost_task(submission, job)
    }
}

fn lost_task(submission: &Submission, job: JobId) -> TaskRecord {
    TaskRecord {
        job,
        task: None,
        name: submission.job_name.clone(),
        comment: submission.token.clone(),
        state: JobState::Lost,
        exit: None,
        cpu_seconds: 0,
        elapsed_seconds: 0,
        max_rss_bytes: None,
        submitted: submission.asked,
        started: None,
        ended: None,
        reason: submission.message.clone(),
        restarts: 0,
        nodes: String::new(),
    }
}

/// What is to be said of a submission: of the last of its purpose what is unclear or failed, of any
/// that was given up and whose job lives.
fn notice(
    submission: &Submission,
    last: bool,
    snapshot: &JobSnapshot,
    grace: Grace,
) -> Option<Notice> {
    let Submission { purpose, message, .. } = submission;
    let lives = || tasks_of(submission, snapshot).iter().any(|task| task.is_active());
    let (severity, message, hint) = match submission.state {
        SubmissionState::Lost if lives() => (
            Severity::Error,
            format!("a job of {purpose} that was given up is there after all"),
            "see whether two jobs work on it, and cancel one of them",
        ),
        SubmissionState::Lost if last => {
            (Severity::Error, format!("{purpose}: {message}"), "launch again")
        }
        SubmissionState::Refused if last => (
            Severity::Error,
            format!("{purpose} was refused by the scheduler: {message}"),
            "mend what it complains about, and launch again",
        ),
        SubmissionState::Withdrawn if last => {
            (Severity::Warning, format!("{purpose} was not submitted: {message}"), "launch again")
        }
        SubmissionState::Intended | SubmissionState::Submitted if last => {
            let unclear =
                submission.state == SubmissionState::Intended || submission.missing_since.is_some();
            let text = obstacle(submission, grace).filter(|_| unclear)?;
            (Severity::Warning, text, "nothing is submitted for it until then")
        }
        _ => return None,
    };
    Some(Notice { severity, message, hint: hint.to_owned() })
}

#[cfg(test)]
mod tests;
