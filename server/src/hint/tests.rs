//! Every module's error says what to do about it, also through the errors that wrap it.

use std::io::{Error, ErrorKind};
use std::path::PathBuf;

use super::Hint;
use crate::actions::ActionError;
use crate::close::CloseError;
use crate::config::ConfigError;
use crate::datacheck::DatacheckError;
use crate::demo::DemoError;
use crate::internal::InternalError;
use crate::launch::{LaunchError, ResumeError, submit::SubmitFailure};
use crate::model::{NightDate, RunId};
use crate::night::NightError;
use crate::people::PeopleError;
use crate::process::ProcessError;
use crate::provenance::ProvenanceError;
use crate::provenance::index::{IndexError, LineageError};
use crate::publish::PublishError;
use crate::remedies::RemedyError;
use crate::schedule::SchedulerError;
use crate::schedule::local::LocalError;
use crate::status::KnownErrorsError;
use crate::store::{StoreError, TransferError};

fn file() -> PathBuf {
    "/site/file".into()
}

fn denied() -> Error {
    ErrorKind::PermissionDenied.into()
}

fn date() -> NightDate {
    "2024-11-28".parse().unwrap()
}

fn store() -> StoreError {
    StoreError {
        file: "/site/osa.sqlite".into(),
        cause: sqlx::Error::PoolTimedOut.into(),
        uncertain: false,
    }
}

fn no_summary() -> NightError {
    NightError::NoSummary { date: date(), file: file() }
}

/// An error, and a part of its hint.
type Case = (Box<dyn Hint>, &'static str);

fn case(error: impl Hint + 'static, part: &'static str) -> Case {
    (Box::new(error), part)
}

fn cases() -> Vec<Case> {
    let silent = || SchedulerError::caused_by(store());
    vec![
        case(denied(), "who owns the file"),
        case(Error::from(ErrorKind::StorageFull), "free some space"),
        case("20241128".parse::<NightDate>().unwrap_err(), "year, month and day"),
        case("191o2".parse::<RunId>().unwrap_err(), "run summary"),
        case(InternalError::Executable(denied()), "/proc"),
        case(ConfigError::Read { file: file(), cause: denied() }, "OSA_CONFIG"),
        case(ConfigError::Settings { file: file(), cause: denied() }, "OSA_TOML"),
        case(
            ConfigError::Variable { name: "OSA_DEMO".into(), problem: "is none".into() },
            "correct or unset OSA_DEMO",
        ),
        case(
            ConfigError::Syntax { file: file(), line: 7, problem: "is none".into() },
            "this line of /site/file",
        ),
        case(ConfigError::Version { file: file(), problem: "none".into() }, "PROD_ID"),
        case(no_summary(), "lstchain_create_run_summary"),
        case(NightError::Read { file: file(), cause: denied() }, "who owns the file"),
        case(store(), "/site/osa.sqlite"),
        case(TransferError::InUse(file()), "stop `osa serve`"),
        case(TransferError::from(store()), "OSA_DATABASE"),
        case(ResumeError::Launch(LaunchError::Store(store())), "OSA_DATABASE"),
        case(silent(), "OSA_DATABASE"),
        case(LocalError::Store(store()), "OSA_DATABASE"),
        case(
            LocalError::Start { program: "osa".into(), cause: "killed".into(), log: file() },
            "read the end of /site/file",
        ),
        case(ProcessError::NoCalibration { date: date() }, "--drs4-pedestal-file"),
        case(ProcessError::Night(no_summary()), "lstchain_create_run_summary"),
        case(ProcessError::Provenance(unread_log()), "who owns the file"),
        case(KnownErrorsError::Read { file: file(), cause: denied().into() }, "who owns the file"),
        case(LaunchError::Unanswered { error: "no".into(), hint: None }, "OSA_SCHEDULER"),
        case(LaunchError::Submit(SubmitFailure::Scheduler(silent())), "OSA_DATABASE"),
        case(RemedyError::Busy(file()), "wait for it to end"),
        case(RemedyError::Launch(LaunchError::Store(store())), "OSA_DATABASE"),
        case(CloseError::NoProcess, "/proc"),
        case(CloseError::Night(no_summary()), "lstchain_create_run_summary"),
        case(
            CloseError::Step { title: "move".into(), cause: Box::new(CloseError::Store(store())) },
            "OSA_DATABASE",
        ),
        case(ActionError::Close(CloseError::Launch(LaunchError::Store(store()))), "OSA_DATABASE"),
        case(ActionError::Publish(PublishError::NoDestination(file())), "[WEBSERVER]"),
        case(
            PublishError::Remote { host: "www".into(), problem: "refused".into() },
            "ssh -o BatchMode=yes www true",
        ),
        case(unread_log(), "who owns the file"),
        case(IndexError::Store(store()), "OSA_DATABASE"),
        case(LineageError::Unknown("nothing".into()), "osa provenance --date"),
        case(PeopleError::NoUser("jane".parse().unwrap()), "osa user list"),
        case(PeopleError::Store(store()), "OSA_DATABASE"),
        case(
            DatacheckError::Damaged { file: file(), problem: "short".into() },
            "try again once it is written",
        ),
        case(DemoError::Write { path: file(), cause: denied() }, "who owns the file"),
    ]
}

fn unread_log() -> ProvenanceError {
    ProvenanceError::Read { file: file(), cause: denied() }
}

#[test]
fn every_error_says_what_to_do() {
    for (at, (error, part)) in cases().into_iter().enumerate() {
        let hint = error.hint().unwrap_or_else(|| panic!("case {at} ({part}) has no hint"));
        assert!(hint.contains(part), "case {at}: {hint}");
    }
}

#[test]
fn causes_are_preserved() {
    let error = ActionError::Close(CloseError::Step {
        title: "move".into(),
        cause: Box::new(CloseError::Night(NightError::Read { file: file(), cause: denied() })),
    });
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    assert_eq!(innermost.downcast_ref::<Error>().unwrap().kind(), ErrorKind::PermissionDenied);
}
