//! What a scheduler is asked about jobs, and what it says.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::model::{JobId, Notice, Severity, TaskRecord};

use super::SchedulerId;

/// What is asked about jobs that have ended. Those that wait or run are reported in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// From when on.
    pub since: DateTime<Utc>,
    /// All of our jobs; `jobs` and `names` then say nothing.
    pub all: bool,
    /// Jobs with these numbers.
    pub jobs: Vec<JobId>,
    /// Jobs with these names.
    pub names: Vec<String>,
    /// How old an answer about them may be.
    pub max_age: Duration,
}

impl Question {
    /// About all of our jobs.
    pub fn all(since: DateTime<Utc>) -> Self {
        Self { all: true, ..Self::none(since) }
    }

    /// About no job that has ended.
    pub fn none(since: DateTime<Utc>) -> Self {
        let (jobs, names) = (Vec::new(), Vec::new());
        Self { since, all: false, jobs, names, max_age: Duration::ZERO }
    }

    /// Does an answer to this one answer the other, too?
    pub fn covers(&self, other: &Self) -> bool {
        let jobs = || other.jobs.iter().all(|job| self.jobs.contains(job));
        let names = || other.names.iter().all(|name| self.names.contains(name));
        self.since <= other.since && (self.all || (!other.all && jobs() && names()))
    }

    /// Is it about this job?
    pub fn is_about(&self, name: &str, job: Option<JobId>) -> bool {
        let by_number = job.is_some_and(|job| self.jobs.contains(&job));
        self.all || by_number || self.names.iter().any(|other| other == name)
    }

    /// Takes up another question.
    pub fn extend(&mut self, other: Self) {
        self.since = self.since.min(other.since);
        self.all |= other.all;
        self.jobs.extend(other.jobs);
        self.names.extend(other.names);
        self.jobs.sort_unstable();
        self.jobs.dedup();
        self.names.sort_unstable();
        self.names.dedup();
        self.max_age = self.max_age.min(other.max_age);
    }
}

/// Everything the scheduler knows about the jobs that were asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct JobSnapshot {
    /// Who was asked.
    pub scheduler: SchedulerId,
    /// When the asking began: a job that came to be later may be missing.
    pub taken: DateTime<Utc>,
    /// How far back was asked for: a job that ended earlier may be missing.
    pub since: DateTime<Utc>,
    /// Which jobs were asked for: another that has ended may be missing.
    pub asked: Question,
    /// What is known of jobs that have ended.
    pub accounting: Accounting,
    /// All jobs and array tasks since the asked time, in no particular order; an array that has
    /// not been split yet has one record a task.
    pub tasks: Vec<TaskRecord>,
    /// What could not be understood of the answer; it is never dropped in silence.
    pub doubts: Vec<Doubt>,
}

/// What a scheduler knows of jobs that have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accounting {
    /// All, as of then.
    Asked(DateTime<Utc>),
    /// The site keeps no accounts: only what has ended in the last minutes.
    Disabled,
    /// The accounts cannot be had now, and why.
    Unavailable(String),
}

/// Something in an answer that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// What was said.
    pub line: String,
    /// The job that it is about, if that could be read.
    pub job: Option<JobId>,
    /// The name of that job, if it could be read.
    pub name: Option<String>,
    /// It does not look like a line about a job: a greeting, or a complaint.
    pub noise: bool,
}

impl Doubt {
    /// May this be about a job of this name, of which the number may be known?
    pub fn may_be(&self, name: &str, job: Option<JobId>) -> bool {
        match (&self.name, self.job, job) {
            _ if self.noise => self.line.contains(name),
            (Some(known), ..) => known == name,
            (None, Some(known), Some(job)) => known == job,
            (None, ..) => true,
        }
    }
}

impl JobSnapshot {
    /// An answer that was understood, and has all jobs since `since`.
    pub fn new(
        scheduler: SchedulerId,
        taken: DateTime<Utc>,
        since: DateTime<Utc>,
        tasks: Vec<TaskRecord>,
    ) -> Self {
        let (asked, accounting) = (Question::all(since), Accounting::Asked(taken));
        Self { scheduler, taken, since, asked, accounting, tasks, doubts: Vec::new() }
    }

    /// As of when a job that is missing has never been, or has vanished; `None` if that is not
    /// known. Where no accounts are kept, it may also have ended some minutes ago.
    pub fn absence_as_of(&self) -> Option<DateTime<Utc>> {
        match &self.accounting {
            Accounting::Asked(at) => Some(self.taken.min(*at)),
            Accounting::Disabled => Some(self.taken),
            Accounting::Unavailable(_) => None,
        }
    }

    /// What a shifter should know of the answer as a whole.
    pub fn notices(&self) -> Vec<Notice> {
        let warning = |message: String, hint: &str| Notice {
            severity: Severity::Warning,
            message,
            hint: hint.to_owned(),
        };
        let accounting = match &self.accounting {
            Accounting::Asked(_) => None,
            Accounting::Disabled => Some(warning(
                "Slurm's accounting is disabled: states of jobs are those of its queue and of our \
                 own records"
                    .to_owned(),
                "how a job ended is known only if it was seen within some minutes",
            )),
            Accounting::Unavailable(why) => Some(warning(
                format!(
                    "Slurm's accounting does not answer ({why}): states of jobs are those of its \
                     queue and of our own records"
                ),
                "jobs that are not in the queue are not given up until it answers",
            )),
        };
        let unreadable = self.doubts.first().map(|first| {
            warning(
                format!(
                    "{} of the scheduler's answer could not be understood; the first: {:?}",
                    if self.doubts.len() == 1 { "a line" } else { "lines" },
                    first.line
                ),
                "states of jobs may be missing, and what they may be about is not submitted",
            )
        });
        accounting.into_iter().chain(unreadable).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    #[test]
    fn a_doubt_may_be_about_whatever_it_does_not_rule_out() {
        let doubt = |job: Option<u64>, name: Option<&str>, noise| Doubt {
            line: "squeue: 7_[x|LST1_19102".into(),
            job: job.map(JobId),
            name: name.map(str::to_owned),
            noise,
        };
        let may_be = |doubt: Doubt, job: Option<u64>| doubt.may_be("LST1_19102", job.map(JobId));
        assert!(may_be(doubt(None, None, false), Some(7)));
        assert!(may_be(doubt(Some(7), None, false), Some(7)));
        assert!(may_be(doubt(Some(8), None, false), None));
        assert!(!may_be(doubt(Some(8), None, false), Some(7)));
        assert!(may_be(doubt(Some(8), Some("LST1_19102"), false), Some(7)));
        assert!(!may_be(doubt(Some(7), Some("sim"), false), Some(7)));
        assert!(may_be(doubt(None, None, true), None), "it names it");
        assert!(!doubt(None, None, true).may_be("LST1_19103", None));
    }

    #[test]
    fn a_narrower_question_is_answered_by_a_wider_one() {
        let all = Question::all(at(0));
        let some = Question { jobs: vec![JobId(7)], ..Question::none(at(10)) };
        assert!(all.covers(&some) && all.covers(&all));
        assert!(!some.covers(&all));
        assert!(!Question::all(at(20)).covers(&some), "it looks less far back");
        let mut both = some.clone();
        both.extend(Question { names: vec!["LST1_1".into()], ..Question::none(at(5)) });
        assert!(both.covers(&some) && !some.covers(&both));
        assert_eq!(both.since, at(5));
    }
}
