use super::super::elsewhere::elsewhere;
use super::*;
use crate::schedule::SchedulerId;

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
    assert_eq!(changes(&intent, &answer(9, vec![]), GRACE), [], "asked before it was submitted");
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
fn where_comments_are_not_stored_the_id_and_the_time_must_agree() {
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
fn a_job_given_up_that_shows_up_after_all_is_taken_back_and_reported() {
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
    let local = JobSnapshot { scheduler: SchedulerId::new("local"), ..answer(900, vec![theirs]) };
    assert_eq!(changes(&known, &local, GRACE), []);
    known.missing_since = None;
    let found = answer(900, vec![task(8, "RUNNING", "osa:a")]);
    let unsure = JobSnapshot { scheduler: unnamed, ..found };
    assert_eq!(changes(&known, &unsure, GRACE), [Change::Found(JobId(8))]);
}

#[test]
fn a_night_of_another_scheduler_is_reported_with_what_to_do() {
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
fn without_accounts_a_job_has_its_last_known_state() {
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
    assert!(matches!(&given_up[..], [Change::Lose(why)] if why.contains("accounting is disabled")));
}

#[test]
fn jobs_are_queried_by_number_where_the_database_has_it() {
    let names = ["LST1_19102".to_owned(), "LST1_19103".to_owned()];
    let known = submission(Submitted, Some(7));
    let asked = question(&names, std::slice::from_ref(&known), at(0));
    assert_eq!((asked.jobs, asked.names), (vec![JobId(7)], vec!["LST1_19103".to_owned()]));
    let unclear = submission(Intended, None);
    let asked = question(&names[..1], &[known, unclear], at(0));
    assert_eq!((asked.jobs, asked.names), (vec![JobId(7)], vec!["LST1_19102".to_owned()]));
}
