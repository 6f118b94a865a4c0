//! What a look at the scheduler says about recorded submissions.
//!
//! An id alone proves nothing, since a scheduler that crashed may give it to another job: a recorded
//! job is the one with its name and its token. Absence proves little: accounting lags behind, and a
//! controller that hung takes a request from its socket long after sbatch gave up, perhaps just
//! after it has answered us. So a job is given up only after two whole answers, the second at least
//! [`Grace`] after the first, and none of them with it.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use crate::model::{JobId, JobState, Notice, Severity, TaskRecord};
use crate::schedule::{Accounting, Doubt, JobSnapshot, Question, SchedulerId, token};
use crate::store::{Grace, Ledger, Store, StoreError, Submission, SubmissionState};

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

/// Is this a submission to a scheduler that is surely another one than `here`, which nobody has
/// released from it? Then what `here` says proves nothing about its job.
fn is_elsewhere(submission: &Submission, here: &SchedulerId) -> bool {
    submission.released.is_none()
        && submission.asked.is_some()
        && matches!(submission.state, SubmissionState::Intended | SubmissionState::Submitted)
        && submission.scheduler.as_ref().is_some_and(|scheduler| scheduler.differs(here))
}

/// Why a night must not be judged by what `here` says, nor be submitted to it: jobs of it belong to
/// another scheduler. In sentences, with what to do; `None` if it may.
///
/// `submissions` are those of the night ([`Store::submissions_of`]).
pub fn elsewhere<'s>(
    submissions: impl IntoIterator<Item = &'s Submission>,
    here: &SchedulerId,
) -> Option<String> {
    let mut others = submissions.into_iter().filter(|submission| is_elsewhere(submission, here));
    let first = others.next()?;
    let there = first.scheduler.as_ref()?;
    let job = first.job.map_or_else(|| "a job".to_owned(), |job| format!("job {job}"));
    let more = match others.count() {
        0 => String::new(),
        1 => " and one other job".to_owned(),
        number => format!(" and {number} other jobs"),
    };
    let back = if there.engine == here.engine {
        let cluster = there.cluster.as_deref().unwrap_or_default();
        format!("let osa ask cluster {cluster} (slurm_cluster in osa.toml, or SLURM_CONF)")
    } else {
        format!("set scheduler = \"{}\" in osa.toml (OSA_SCHEDULER)", there.engine)
    };
    Some(format!(
        "{job} for {} of {}{more} belong{} to {there}, but the scheduler in use is {here}. To go on \
         with the night, {back}. If it must go on here, cancel its jobs there and run `osa release \
         {}`.",
        first.purpose,
        first.date,
        if more.is_empty() { "s" } else { "" },
        first.date,
    ))
}

/// The tasks that belong to a submission.
pub(super) fn tasks_of<'s>(
    submission: &Submission,
    snapshot: &'s JobSnapshot,
) -> Vec<&'s TaskRecord> {
    // A number or a name of another scheduler's job means nothing here.
    let ours = submission.scheduler.as_ref().is_none_or(|id| !id.differs(&snapshot.scheduler));
    snapshot.tasks.iter().filter(|task| ours && is_job_of(task, submission)).collect()
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
    // The books have whole milliseconds: within the same one, nobody knows which was first.
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

/// What to ask about the jobs with these names: by number where the books have it, else by name.
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

/// The jobs of a night, and what the books have to say about them.
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
/// submission claims is the night's too: the books may be younger than the job.
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
        let here = |s: &&&Submission| {
            s.scheduler.as_ref().is_none_or(|id| !id.differs(&snapshot.scheduler))
        };
        let claimed = ours.iter().filter(here).any(|s| is_job_of(task, s));
        if claimed || !foreign.iter().filter(here).any(|s| is_job_of(task, s)) {
            night.tasks.push(task.clone());
        }
    }
    for submission in &ours {
        // Told once, of the night as a whole.
        if is_elsewhere(submission, &snapshot.scheduler) {
            continue;
        }
        let last = !ours.iter().any(|s| s.purpose == submission.purpose && s.id > submission.id);
        if let Some(notice) = notice(submission, last, snapshot, grace) {
            night.notices.push(notice);
        }
        let seen = tasks_of(submission, snapshot);
        let told = matches!(snapshot.accounting, Accounting::Asked(_));
        if submission.state == SubmissionState::Submitted && !told && last && seen.is_empty() {
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
mod tests {
    use super::*;

    const GRACE: Grace = Grace(TimeDelta::seconds(60));

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    /// Recorded at 0, asked at 10 and, if `job` is given, answered at 11.
    fn submission(state: SubmissionState, job: Option<u64>) -> Submission {
        Submission {
            id: 1,
            date: "2024-11-28".parse().unwrap(),
            prod_id: "v0.1.0".parse().unwrap(),
            purpose: "sequence 19102".into(),
            attempt: 1,
            job_name: "LST1_19102".into(),
            token: "osa:a".into(),
            script: "/x.sh".into(),
            state,
            job: job.map(JobId),
            message: String::new(),
            author: "lst@cp01:1".into(),
            created: at(0),
            touched: at(10),
            asked: Some(at(10)),
            settled: job.map(|_| at(11)),
            missing_since: None,
            end_state: None,
            scheduler: Some(slurm("lst")),
            released: None,
        }
    }

    fn slurm(cluster: &str) -> SchedulerId {
        SchedulerId::new("slurm").on(Some(cluster.to_owned()))
    }

    fn task(job: u64, state: &str, comment: &str) -> TaskRecord {
        TaskRecord {
            state: state.parse().unwrap(),
            comment: comment.into(),
            submitted: Some(at(10)),
            reason: String::new(),
            ..lost_task(&submission(Submitted, Some(job)), JobId(job))
        }
    }

    /// An answer that was asked for at `taken`.
    fn answer(taken: i64, tasks: Vec<TaskRecord>) -> JobSnapshot {
        JobSnapshot::new(slurm("lst"), at(taken), at(-3600), tasks)
    }

    use SubmissionState::{Intended, Lost, Submitted};

    #[test]
    fn an_intent_is_cleared_up_by_name_and_token_not_by_the_id() {
        let intent = submission(Intended, None);
        let found = changes(&intent, &answer(20, vec![task(7, "PENDING", "osa:a")]), GRACE);
        assert_eq!(found, [Change::Found(JobId(7))]);
        let other = changes(&intent, &answer(20, vec![task(7, "PENDING", "osa:b")]), GRACE);
        assert_eq!(other, [Change::Missing(at(20))]);
        let renamed = TaskRecord { name: "LST1_1".into(), ..task(7, "PENDING", "osa:a") };
        let other = changes(&intent, &answer(20, vec![renamed]), GRACE);
        assert_eq!(other, [Change::Missing(at(20))]);
    }

    #[test]
    fn a_job_is_given_up_after_two_whole_answers_far_enough_apart() {
        let mut intent = submission(Intended, None);
        assert_eq!(
            changes(&intent, &answer(9, vec![]), GRACE),
            [],
            "asked before it was submitted"
        );
        assert_eq!(changes(&intent, &answer(500, vec![]), GRACE), [Change::Missing(at(500))]);
        intent.missing_since = Some(at(500));
        assert_eq!(changes(&intent, &answer(559, vec![]), GRACE), []);
        let given_up = changes(&intent, &answer(560, vec![]), GRACE);
        assert!(matches!(given_up[..], [Change::Lose(_)]), "{given_up:?}");
        let late = changes(&intent, &answer(560, vec![task(7, "RUNNING", "osa:a")]), GRACE);
        assert_eq!(late, [Change::Found(JobId(7))]);
    }

    #[test]
    fn an_answer_that_may_lack_jobs_gives_nothing_up() {
        let mut known = submission(Submitted, Some(7));
        known.missing_since = Some(at(100));
        let mut partial = answer(900, vec![]);
        let doubt = |job: Option<u64>, noise| Doubt {
            line: "sacct: ???".into(),
            job: job.map(JobId),
            name: None,
            noise,
        };
        for doubt in [doubt(None, true), doubt(None, false), doubt(Some(7), false)] {
            partial.doubts = vec![doubt];
            assert_eq!(changes(&known, &partial, GRACE), []);
        }
        partial.doubts = vec![doubt(Some(8), false)];
        assert_ne!(changes(&known, &partial, GRACE), [], "it is about another job");
        let without = Accounting::Unavailable("slurmdbd is down".into());
        let unaccounted = JobSnapshot { accounting: without, ..answer(900, vec![]) };
        assert_eq!(changes(&known, &unaccounted, GRACE), [], "it may have ended");
        let asked = Question { jobs: vec![JobId(8)], ..Question::none(at(-3600)) };
        let of_others = JobSnapshot { asked, ..answer(900, vec![]) };
        assert_eq!(changes(&known, &of_others, GRACE), [], "it was not asked for");
        let old = JobSnapshot { accounting: Accounting::Asked(at(11)), ..answer(900, vec![]) };
        assert_eq!(changes(&known, &old, GRACE), [], "accounting was asked before");
        let narrow = JobSnapshot { since: at(1), ..answer(900, vec![]) };
        assert_eq!(changes(&known, &narrow, GRACE), [], "it may have ended before the window");
        known.end_state = Some(JobState::Completed);
        assert_eq!(changes(&known, &answer(900, vec![]), GRACE), [], "it was seen to end");
    }

    #[test]
    fn an_intent_never_asked_needs_no_scheduler() {
        let intent = Submission { asked: None, ..submission(Intended, None) };
        assert_eq!(changes(&intent, &answer(69, vec![]), GRACE), []);
        let given_up = changes(&intent, &answer(70, vec![]), GRACE);
        assert!(matches!(given_up[..], [Change::Withdraw(_)]), "{given_up:?}");
    }

    #[test]
    fn a_job_whose_id_another_got_is_missed() {
        let known = submission(Submitted, Some(7));
        let other = changes(&known, &answer(20, vec![task(7, "RUNNING", "osa:b")]), GRACE);
        assert_eq!(other, [Change::Missing(at(20))]);
        let lost = changes(&known, &answer(20, vec![task(7, "LOST", "osa:a")]), GRACE);
        assert_eq!(lost, [Change::Missing(at(20))], "only accounting holds it for alive");
    }

    #[test]
    fn where_comments_are_not_kept_the_id_and_the_time_must_agree() {
        let known = submission(Submitted, Some(7));
        let unmarked = |job, submitted| {
            let task = TaskRecord { submitted: Some(at(submitted)), ..task(job, "RUNNING", "") };
            is_job_of(&task, &known)
        };
        assert!(unmarked(7, 10));
        assert!(unmarked(7, 900), "the scheduler put it back in the queue");
        assert!(!unmarked(8, 10));
        assert!(!unmarked(7, -500), "an older job with the same number");
        for ours in ["osa:a", "by the site", "site: lst; osa:a"] {
            assert!(is_job_of(&task(7, "RUNNING", ours), &known), "{ours}");
        }
        assert!(!is_job_of(&task(7, "RUNNING", "site: lst; osa:b"), &known));
    }

    #[test]
    fn how_a_job_ended_is_remembered_and_that_it_ran_again() {
        let mut known = submission(Submitted, Some(7));
        let ended = vec![task(7, "COMPLETED", "osa:a"), task(7, "TIMEOUT", "osa:a")];
        let change = changes(&known, &answer(20, ended.clone()), GRACE);
        assert_eq!(change, [Change::Ended(Some(JobState::Timeout))]);
        known.end_state = Some(JobState::Timeout);
        assert_eq!(changes(&known, &answer(30, ended), GRACE), []);
        let again = changes(&known, &answer(40, vec![task(7, "PENDING", "osa:a")]), GRACE);
        assert_eq!(again, [Change::Ended(None)]);
    }

    #[test]
    fn a_job_given_up_that_shows_up_after_all_is_taken_back_and_told() {
        let lost = submission(Lost, Some(7));
        let snapshot = answer(900, vec![task(7, "RUNNING", "osa:a")]);
        assert_eq!(changes(&lost, &snapshot, GRACE), [Change::Found(JobId(7))]);
        let names = ["LST1_19102".to_owned()];
        let night = night_jobs(&[lost], |_| true, &snapshot, &names, GRACE);
        assert_eq!(night.notices[0].severity, Severity::Error);
        assert!(night.notices[0].message.ends_with("is there after all"), "{:?}", night.notices);
    }

    #[test]
    fn a_night_has_its_own_jobs_those_nobody_claims_and_those_that_vanished() {
        let ours = submission(Submitted, Some(7));
        let other = Submission {
            id: 2,
            prod_id: "v0.2.0".parse().unwrap(),
            token: "osa:b".into(),
            job: Some(JobId(8)),
            ..ours.clone()
        };
        let vanished = Submission {
            id: 3,
            purpose: "sequence 19103".into(),
            job_name: "LST1_19103".into(),
            token: "osa:c".into(),
            state: Lost,
            job: Some(JobId(9)),
            message: "job 9 vanished".into(),
            ..ours.clone()
        };
        let names = ["LST1_19102".to_owned(), "LST1_19103".to_owned()];
        let elsewhere = TaskRecord { name: "sim".into(), ..task(11, "RUNNING", "") };
        let snapshot = answer(
            20,
            vec![
                task(7, "RUNNING", "osa:a"),
                task(8, "RUNNING", "osa:b"),
                task(10, "FAILED", "typed by hand"),
                elsewhere,
            ],
        );
        let all = [ours, other, vanished];
        let night = night_jobs(&all, |s| s.prod_id.as_str() == "v0.1.0", &snapshot, &names, GRACE);
        let seen: Vec<_> = night.tasks.iter().map(|t| (t.job.0, t.state.as_str())).collect();
        assert_eq!(seen, [(7, "RUNNING"), (10, "FAILED"), (9, "LOST")]);
        assert_eq!(night.notices.len(), 1);
        assert_eq!(night.notices[0].message, "sequence 19103: job 9 vanished");
    }

    #[test]
    fn what_another_scheduler_says_proves_nothing() {
        let mut known = submission(Submitted, Some(7));
        known.missing_since = Some(at(100));
        let unnamed = SchedulerId::new("slurm");
        for other in [SchedulerId::new("local"), slurm("test"), unnamed.clone()] {
            let silent = JobSnapshot { scheduler: other.clone(), ..answer(900, vec![]) };
            assert_eq!(changes(&known, &silent, GRACE), [], "{other}");
        }
        // The other's job of the same number and name is another job.
        let theirs = TaskRecord { comment: String::new(), ..task(7, "COMPLETED", "") };
        let local =
            JobSnapshot { scheduler: SchedulerId::new("local"), ..answer(900, vec![theirs]) };
        assert_eq!(changes(&known, &local, GRACE), []);
        known.missing_since = None;
        let found = answer(900, vec![task(8, "RUNNING", "osa:a")]);
        let unsure = JobSnapshot { scheduler: unnamed, ..found };
        assert_eq!(changes(&known, &unsure, GRACE), [Change::Found(JobId(8))]);
    }

    #[test]
    fn a_night_of_another_scheduler_is_told_with_what_to_do() {
        let local = SchedulerId::new("local");
        let known = submission(Submitted, Some(7));
        let text = elsewhere([&known], &local).unwrap();
        assert_eq!(
            text,
            "job 7 for sequence 19102 of 2024-11-28 belongs to Slurm (cluster lst), but the \
             scheduler in use is the local scheduler. To go on with the night, set scheduler = \
             \"slurm\" in osa.toml (OSA_SCHEDULER). If it must go on here, cancel its jobs there \
             and run `osa release 2024-11-28`."
        );
        let text = elsewhere([&known, &known], &slurm("test")).unwrap();
        assert!(text.contains("one other job belong to Slurm (cluster lst)"), "{text}");
        assert!(text.contains("let osa ask cluster lst"), "{text}");
        let ended = Submission { end_state: Some(JobState::Failed), ..known.clone() };
        assert!(elsewhere([&ended], &local).is_some(), "it was launched there");
        for harmless in [
            Submission { released: Some(at(50)), ..known.clone() },
            Submission { scheduler: None, ..known.clone() },
            Submission { asked: None, ..submission(Intended, None) },
            submission(SubmissionState::Refused, None),
        ] {
            assert_eq!(elsewhere([&harmless], &local), None);
        }
        assert_eq!(elsewhere([&known], &slurm("lst")), None);
        let night = JobSnapshot { scheduler: local, ..answer(900, vec![]) };
        let names = ["LST1_19102".to_owned()];
        assert_eq!(night_jobs(&[known], |_| true, &night, &names, GRACE), NightJobs::default());
    }

    #[test]
    fn without_accounts_a_job_is_as_it_was_seen_last() {
        let names = ["LST1_19102".to_owned()];
        let mut known = submission(Submitted, Some(7));
        let state = |known: &Submission, accounting: Accounting| {
            let snapshot = JobSnapshot { accounting, ..answer(900, vec![]) };
            let known = std::slice::from_ref(known);
            let night = night_jobs(known, |_| true, &snapshot, &names, GRACE);
            night.tasks.iter().map(|task| task.state.as_str().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(state(&known, Accounting::Disabled), ["UNKNOWN"]);
        known.end_state = Some(JobState::Timeout);
        for without in [Accounting::Disabled, Accounting::Unavailable("it is down".into())] {
            assert_eq!(state(&known, without), ["TIMEOUT"]);
        }
        assert!(state(&known, Accounting::Asked(at(900))).is_empty());
        // Where none are ever kept, what is not in the queue is over.
        let missing = Submission { end_state: None, missing_since: Some(at(100)), ..known };
        let disabled = JobSnapshot { accounting: Accounting::Disabled, ..answer(900, vec![]) };
        let given_up = changes(&missing, &disabled, GRACE);
        assert!(
            matches!(&given_up[..], [Change::Lose(why)] if why.contains("accounting is disabled"))
        );
    }

    #[test]
    fn jobs_are_asked_for_by_number_where_the_books_have_it() {
        let names = ["LST1_19102".to_owned(), "LST1_19103".to_owned()];
        let known = submission(Submitted, Some(7));
        let asked = question(&names, std::slice::from_ref(&known), at(0));
        assert_eq!((asked.jobs, asked.names), (vec![JobId(7)], vec!["LST1_19103".to_owned()]));
        let unclear = submission(Intended, None);
        let asked = question(&names[..1], &[known, unclear], at(0));
        assert_eq!((asked.jobs, asked.names), (vec![JobId(7)], vec!["LST1_19102".to_owned()]));
    }
}
