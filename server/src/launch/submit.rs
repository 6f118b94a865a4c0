//! Submitting what was planned, each job once.
//!
//! 1. The scheduler is asked what there is.
//! 2. In one transaction that excludes everybody else, earlier submissions are cleared up as far as
//!    that answer allows, and an intent is recorded for every job whose purpose is free.
//! 3. One job after another: the intent is marked as asked, the scheduler is asked, the answer is
//!    recorded. A crash between any two steps leaves an intent, and step 2 of a later command, or the
//!    server, clears it up by name and token.

use std::collections::HashMap;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

use crate::hint::Hint;
use crate::model::{JobId, NightDate, ProdId};
use crate::schedule::{JobRequest, JobSnapshot, Question, Scheduler, SchedulerError, SubmitError};
use crate::store::{Grace, Intent, Ledger, Store, StoreError, Submission, SubmissionState};

use super::PlannedJob;
use super::elsewhere::elsewhere;
use super::ledger::{is_job_of, obstacle, question, resolve_in, tasks_of};

/// How far back the scheduler is asked at least: jobs that wait or run are reported in any case.
const WINDOW: TimeDelta = TimeDelta::days(2);

/// What is to be submitted.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The night.
    pub date: NightDate,
    /// The production.
    pub prod_id: &'a ProdId,
    /// The jobs; what others need may stand anywhere.
    pub jobs: &'a [PlannedJob],
    /// Variables added to every job's environment.
    pub environment: &'a [(String, String)],
    /// Who, as `user@host:pid`.
    pub author: &'a str,
}

/// The outcome of a planned job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmitOutcome {
    /// What it was for.
    pub purpose: String,
    /// The job's name.
    pub name: String,
    /// The outcome of it.
    pub verdict: Verdict,
}

/// The outcome of a planned job. Everything but `Submitted` and `Active` is a failure that the user
/// must see; its `Display` says all there is to say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Verdict {
    /// The scheduler has it.
    #[error("submitted as job {0}")]
    Submitted(JobId),
    /// There is a job for it already, which waits or runs; nothing was done.
    #[error("not submitted: job {0} is there for it already")]
    Active(JobId),
    /// An earlier submission must be cleared up first; nothing was done.
    #[error("not submitted: {0}")]
    Blocked(String),
    /// The scheduler said no: there is no job.
    #[error("refused by the scheduler: {0}")]
    Refused(String),
    /// The scheduler did not answer: there may be a job. It is looked for before anything else is
    /// submitted for this purpose.
    #[error("outcome unknown: {0}")]
    Uncertain(String),
    /// The scheduler was not asked.
    #[error("not submitted: {0}")]
    Held(String),
}

impl Verdict {
    /// Is there no job, or not surely one?
    pub fn is_failure(&self) -> bool {
        !matches!(self, Self::Submitted(_) | Self::Active(_))
    }

    fn job(&self) -> Option<JobId> {
        match self {
            Self::Submitted(job) | Self::Active(job) => Some(*job),
            _ => None,
        }
    }
}

/// Why submitting could not begin, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum SubmitFailure {
    /// The scheduler was asked what there is, and did not answer: nothing was submitted.
    #[error("nothing was submitted, since the scheduler must first tell what is there: {0}")]
    Scheduler(#[from] SchedulerError),
    /// The ledger cannot be read or written: nothing more was submitted.
    #[error("submitting stopped: {cause}")]
    Store {
        /// What had been submitted, or had failed, before.
        done: Vec<SubmitOutcome>,
        /// Why the ledger cannot be used.
        #[source]
        cause: StoreError,
    },
}

impl Hint for SubmitFailure {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Scheduler(error) => error.hint(),
            Self::Store { cause, .. } => cause.hint(),
        }
    }
}

impl From<StoreError> for SubmitFailure {
    fn from(cause: StoreError) -> Self {
        Self::Store { done: Vec::new(), cause }
    }
}

/// Submits the jobs that may be submitted, and says what became of each, in the order of the plan.
pub async fn execute(
    store: &Store,
    scheduler: &dyn Scheduler,
    order: &Order<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<SubmitOutcome>, SubmitFailure> {
    execute_after(store, scheduler, order, &[], now).await
}

/// As [`execute`], where jobs of the order may need others that were submitted before: `present`
/// are their purposes and numbers.
#[tracing::instrument(name = "submit", skip_all, fields(date = %order.date, jobs = order.jobs.len()), err)]
pub async fn execute_after(
    store: &Store,
    scheduler: &dyn Scheduler,
    order: &Order<'_>,
    present: &[(String, JobId)],
    now: DateTime<Utc>,
) -> Result<Vec<SubmitOutcome>, SubmitFailure> {
    let clock = Clock { now, begun: Instant::now() };
    let names: Vec<String> = order.jobs.iter().map(|job| job.name.clone()).collect();
    let earlier = store.submissions_named(&names).await?;
    let engine = scheduler.engine();
    // Those of another scheduler are never cleared up by this one.
    let here =
        |s: &&Submission| s.scheduler.as_ref().is_none_or(|scheduler| scheduler.engine == engine);
    let since = window(earlier.iter().filter(here), now);
    let snapshot = scheduler.jobs_of(&question(&names, &earlier, since)).await?;
    let verdicts = present.iter().map(|(purpose, job)| (&**purpose, Verdict::Active(*job)));
    let mut work = Work { store, scheduler, order, clock, verdicts: verdicts.collect() };
    match work.run(&names, &snapshot).await {
        Ok(()) => Ok(work.outcomes()),
        Err(cause) => Err(SubmitFailure::Store { done: work.outcomes(), cause }),
    }
}

/// From when on the scheduler must tell: before everything that is not cleared up.
fn window<'s>(earlier: impl Iterator<Item = &'s Submission>, now: DateTime<Utc>) -> DateTime<Utc> {
    let unclear = earlier.filter(|s| match s.state {
        SubmissionState::Intended => true,
        SubmissionState::Submitted => s.end_state.is_none(),
        _ => false,
    });
    let from = unclear.map(|s| s.created).min().unwrap_or(now);
    (from - TimeDelta::hours(1)).min(now - WINDOW)
}

/// Time since the command began, so that rules depend on the time that was given.
#[derive(Clone, Copy)]
struct Clock {
    now: DateTime<Utc>,
    begun: Instant,
}

impl Clock {
    fn now(&self) -> DateTime<Utc> {
        self.now + TimeDelta::from_std(self.begun.elapsed()).unwrap_or(TimeDelta::MAX)
    }
}

/// A recorded intent of ours.
struct Pending<'a> {
    job: &'a PlannedJob,
    id: i64,
    token: String,
}

struct Work<'a> {
    store: &'a Store,
    scheduler: &'a dyn Scheduler,
    order: &'a Order<'a>,
    clock: Clock,
    verdicts: HashMap<&'a str, Verdict>,
}

impl<'a> Work<'a> {
    async fn run(&mut self, names: &[String], snapshot: &JobSnapshot) -> Result<(), StoreError> {
        let mut intents = self.record(names, snapshot).await?;
        while let Some(next) = self.next(&intents) {
            let intent = intents.swap_remove(next);
            self.submit(&intent, &intents).await?;
        }
        self.withdraw_all(&intents, "what it needs is not in the plan, or needs it in turn").await
    }

    /// Clears up, then records an intent for every job whose purpose is free.
    async fn record(
        &mut self,
        names: &[String],
        snapshot: &JobSnapshot,
    ) -> Result<Vec<Pending<'a>>, StoreError> {
        let Self { store, order, clock, .. } = *self;
        let recorded = store.ledger(async |ledger| {
            resolve_in(ledger, snapshot, clock.now()).await?;
            let of_night = ledger.of(order.date, order.prod_id).await?;
            if let Some(why) = elsewhere(&of_night, &snapshot.scheduler) {
                return Ok((Vec::new(), all_blocked(order, &why)));
            }
            let known = ledger.named(names).await?;
            record_intents(ledger, order, &known, snapshot, clock).await
        });
        let (intents, verdicts) = recorded.await?;
        self.verdicts.extend(verdicts);
        Ok(intents)
    }

    /// The first intent all of whose needs have a verdict; order is that of the plan.
    fn next(&self, intents: &[Pending<'a>]) -> Option<usize> {
        let ready =
            |p: &Pending| p.job.needs.iter().all(|n| self.verdicts.contains_key(n.as_str()));
        let ready = intents.iter().enumerate().filter(|(_, pending)| ready(pending));
        ready.min_by_key(|(_, pending)| pending.id).map(|(at, _)| at)
    }

    /// Submits one job, unless what it needs was not submitted; `rest` waits for its turn.
    async fn submit(
        &mut self,
        pending: &Pending<'a>,
        rest: &[Pending<'a>],
    ) -> Result<(), StoreError> {
        let mut after_ok = Vec::new();
        for need in &pending.job.needs {
            match self.verdicts.get(need.as_str()) {
                Some(verdict) if !verdict.is_failure() => after_ok.extend(verdict.job()),
                _ => {
                    return self
                        .withdraw(pending, &format!("it needs {need}, which was not submitted"))
                        .await;
                }
            }
        }
        if let Some(verdict) = self.silence() {
            return self.withdraw(pending, &verdict).await;
        }
        if !self.ask(pending, rest).await? {
            let verdict =
                Verdict::Held("another command has given this attempt up meanwhile".into());
            self.verdicts.insert(&pending.job.purpose, verdict);
            return Ok(());
        }
        let request = JobRequest {
            name: pending.job.name.clone(),
            comment: pending.token.clone(),
            script: pending.job.script.clone(),
            after_ok,
            environment: self.order.environment.to_vec(),
            exclude_nodes: pending.job.exclude_nodes.clone(),
        };
        let answer = self.scheduler.submit(&request).await;
        // Known from here on, whatever becomes of the ledger.
        let verdict = match &answer {
            Ok(job) => Verdict::Submitted(*job),
            Err(SubmitError::Refused(why)) => Verdict::Refused(why.to_string()),
            Err(SubmitError::Uncertain(why)) => Verdict::Uncertain(why.to_string()),
        };
        self.verdicts.insert(&pending.job.purpose, verdict);
        match answer {
            Ok(job) => self.settle(pending, SubmissionState::Submitted, Some(job), "").await,
            Err(SubmitError::Refused(why)) => {
                self.settle(pending, SubmissionState::Refused, None, &why.message).await
            }
            Err(SubmitError::Uncertain(why)) => {
                if let Some(job) = self.find_submitted(pending, &why.message).await? {
                    self.verdicts.insert(&pending.job.purpose, Verdict::Submitted(job));
                }
                Ok(())
            }
        }
    }

    /// Why nobody should be asked any more: the scheduler has just not answered.
    fn silence(&self) -> Option<String> {
        let silent = self.verdicts.values().any(|v| matches!(v, Verdict::Uncertain(_)));
        silent.then(|| "the scheduler has just not answered; launch again once it does".to_owned())
    }

    /// Marks the intent as asked, if nobody has given it up; `false` if somebody has.
    async fn ask(&self, pending: &Pending<'a>, rest: &[Pending<'a>]) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let ids: Vec<i64> = rest.iter().map(|pending| pending.id).collect();
        let asked = self.store.ledger(async |ledger| {
            ledger.touch(&ids, now).await?;
            ledger.ask(pending.id, now).await
        });
        asked.await
    }

    async fn settle(
        &self,
        pending: &Pending<'a>,
        state: SubmissionState,
        job: Option<JobId>,
        why: &str,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let settled = self.store.ledger(async |ledger| {
            let settled = ledger.settle(pending.id, state, job, why, now).await?;
            match job {
                // Somebody gave it up while the scheduler took its time, or saw it first.
                Some(job) if !settled => ledger.found(pending.id, job, now).await,
                _ => Ok(()),
            }
        });
        settled.await
    }

    /// No clear answer: perhaps the scheduler tells now that it has the job. That it does not tell
    /// of it proves nothing yet.
    async fn find_submitted(
        &self,
        pending: &Pending<'a>,
        why: &str,
    ) -> Result<Option<JobId>, StoreError> {
        self.store.ledger(async |ledger| ledger.say(pending.id, why).await).await?;
        let name = std::slice::from_ref(&pending.job.name);
        let question = Question { names: name.to_vec(), ..Question::none(self.clock.now - WINDOW) };
        let Ok(snapshot) = self.scheduler.jobs_of(&question).await else {
            return Ok(None);
        };
        let now = self.clock.now();
        let known = self.store.ledger(async |ledger| {
            resolve_in(ledger, &snapshot, now).await?;
            ledger.named(name).await
        });
        let known = known.await?;
        let found = known.into_iter().find(|s| s.id == pending.id);
        Ok(found.filter(|s| s.state == SubmissionState::Submitted).and_then(|s| s.job))
    }

    async fn withdraw(&mut self, pending: &Pending<'a>, why: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.store.ledger(async |ledger| ledger.withdraw(pending.id, why, now).await).await?;
        self.verdicts.insert(&pending.job.purpose, Verdict::Held(why.to_owned()));
        Ok(())
    }

    async fn withdraw_all(&mut self, rest: &[Pending<'a>], why: &str) -> Result<(), StoreError> {
        for pending in rest {
            self.withdraw(pending, why).await?;
        }
        Ok(())
    }

    fn outcomes(&self) -> Vec<SubmitOutcome> {
        let outcome = |job: &PlannedJob| {
            let verdict = self.verdicts.get(job.purpose.as_str())?.clone();
            Some(SubmitOutcome { purpose: job.purpose.clone(), name: job.name.clone(), verdict })
        };
        self.order.jobs.iter().filter_map(outcome).collect()
    }
}

/// The same verdict for every job: none may be submitted.
fn all_blocked<'a>(order: &Order<'a>, why: &str) -> Vec<(&'a str, Verdict)> {
    let blocked = |job: &'a PlannedJob| (job.purpose.as_str(), Verdict::Blocked(why.to_owned()));
    order.jobs.iter().map(blocked).collect()
}

/// Records an intent for every job whose purpose is free, and says of the others why it is not.
async fn record_intents<'a>(
    ledger: &mut Ledger<'_>,
    order: &Order<'a>,
    known: &[Submission],
    snapshot: &JobSnapshot,
    clock: Clock,
) -> Result<(Vec<Pending<'a>>, Vec<(&'a str, Verdict)>), sqlx::Error> {
    let Order { date, prod_id, author, .. } = *order;
    let owners = ledger.open(snapshot.since).await?;
    let (mut intents, mut verdicts) = (Vec::<Pending>::new(), Vec::new());
    for job in order.jobs {
        // Twice in one plan is once.
        if intents.iter().any(|pending| pending.job.purpose == job.purpose) {
            continue;
        }
        let ours = known
            .iter()
            .filter(|s| s.date == date && s.prod_id == *prod_id && s.purpose == job.purpose);
        let verdict = hindrance(job, ours, known, snapshot, ledger.grace());
        if let Some(verdict) = verdict.or_else(|| doubt(job, known, &owners, snapshot)) {
            verdicts.push((job.purpose.as_str(), verdict));
            continue;
        }
        let token = format!("osa:{}", uuid::Uuid::new_v4());
        let intent = Intent {
            date,
            prod_id,
            purpose: &job.purpose,
            job_name: &job.name,
            token: &token,
            script: &job.script,
            author,
            scheduler: &snapshot.scheduler,
        };
        let id = ledger.record(&intent, clock.now()).await?;
        intents.push(Pending { job, id, token });
    }
    Ok((intents, verdicts))
}

/// Why a job is not to be submitted now; `known` are all submissions with its name, of any night.
fn hindrance<'s>(
    job: &PlannedJob,
    ours: impl Iterator<Item = &'s Submission>,
    known: &[Submission],
    snapshot: &JobSnapshot,
    grace: Grace,
) -> Option<Verdict> {
    for submission in ours {
        let active = tasks_of(submission, snapshot).into_iter().find(|task| task.is_active());
        if let Some(task) = active {
            return Some(Verdict::Active(task.job));
        }
        if let Some(why) = obstacle(submission, grace) {
            return Some(Verdict::Blocked(why));
        }
    }
    let stranger = snapshot.tasks.iter().find(|task| {
        task.name == job.name
            && task.is_active()
            && !known.iter().any(|submission| is_job_of(task, submission))
    })?;
    Some(Verdict::Blocked(format!(
        "job {} is called {} too, is {} and is not in the database; let it end, or cancel it, first",
        stranger.job, job.name, stranger.state
    )))
}

/// Whether the answer has a line that could not be understood and may be about a job for this.
/// `owners` are submissions of other names, too: their numbers do not count as ours.
fn doubt(
    job: &PlannedJob,
    known: &[Submission],
    owners: &[Submission],
    snapshot: &JobSnapshot,
) -> Option<Verdict> {
    let numbers = |submissions: &[Submission], ours: bool| {
        let named = submissions.iter().filter(|s| (s.job_name == job.name) == ours);
        named.filter_map(|s| s.job).collect::<Vec<_>>()
    };
    let (ours, others) = (numbers(known, true), numbers(owners, false));
    let doubt = snapshot.doubts.iter().find(|doubt| {
        let number = doubt.job.filter(|_| doubt.name.is_none());
        let other = number.is_some_and(|job| others.contains(&job) && !ours.contains(&job));
        !other && doubt.may_be(&job.name, None)
    })?;
    Some(Verdict::Blocked(format!(
        "the scheduler's answer has a line that cannot be understood and may be about it: {:?}; it is \
         submitted once that line is gone or understood",
        doubt.line
    )))
}
