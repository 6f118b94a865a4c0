//! What sbatch's answer means: submitted, refused, or nobody knows.

use crate::hint::Hint;
use crate::model::JobId;
use crate::schedule::{SchedulerError, SubmitError};

use super::call::{Answer, CallError};

/// Messages after which the controller may have the job all the same: a controller that hangs takes
/// it from its socket once it wakes up.
const NO_ANSWER: [&str; 12] = [
    "timed out",
    "unable to contact",
    "communication",
    "connection",
    "zero bytes",
    "send/recv",
    "transmit",
    "receiv",
    "unexpected message",
    "message length",
    "protocol",
    "standby mode",
];

/// Messages with which sbatch itself turns a script or its options down, before it asks anybody.
const TURNED_DOWN: [&str; 9] = [
    "unable to open file",
    "does not look like a batch script",
    "batch script",
    "invalid",
    "unrecognized option",
    "unknown option",
    "requires an argument",
    "can not find",
    "no such file",
];

/// The controller's verdict, by which sbatch repeats its refusal.
const VERDICT: &str = "batch job submission failed:";

/// Judges what sbatch said.
pub(super) fn judge(answer: Result<Answer, CallError>) -> Result<JobId, SubmitError> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error @ CallError::NotStarted { .. }) => {
            // Of a refusal, the message alone is recorded.
            let hint = error.hint().unwrap_or_default();
            let message = format!("{error}; {hint}");
            let refusal = SchedulerError::caused_by(error).with_message(message);
            return Err(SubmitError::Refused(refusal));
        }
        Err(error) => return Err(SubmitError::Uncertain(SchedulerError::caused_by(error))),
    };
    let said = one_line(&answer.stderr);
    let uncertain = |text: String| SubmitError::Uncertain(SchedulerError::new(text));
    match answer.status.code() {
        Some(0) => job_id(&answer.stdout).ok_or_else(|| {
            let words = one_line(&answer.stdout);
            uncertain(format!("sbatch answered {words:?} in place of a job id"))
        }),
        Some(_) if refused(&said) => Err(SubmitError::Refused(SchedulerError::new(said))),
        Some(code) if said.is_empty() => {
            Err(uncertain(format!("sbatch ended with status {code}, without a word")))
        }
        Some(_) => Err(uncertain(said)),
        None => Err(uncertain(format!("sbatch was killed: {}", answer.status))),
    }
}

/// `--parsable` prints `12` or `12;cluster`, and nothing else.
fn job_id(stdout: &str) -> Option<JobId> {
    let line = stdout.strip_suffix('\n').unwrap_or(stdout);
    let (id, cluster) = line.split_once(';').unwrap_or((line, ""));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    (cluster.chars().all(plain)).then(|| super::fields::number(id).map(JobId)).flatten()
}

/// Was it a clear no? Everything that is not is uncertain, which costs a minute and no job.
fn refused(said: &str) -> bool {
    let said = said.to_lowercase();
    let contains = |phrases: &[&str], text: &str| phrases.iter().any(|p| text.contains(p));
    match said.split_once(VERDICT) {
        Some((_, reason)) => !reason.trim().is_empty() && !contains(&NO_ANSWER, reason),
        None => !contains(&NO_ANSWER, &said) && contains(&TURNED_DOWN, &said),
    }
}

/// What a tool said, on one line and without its own name before it.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    words.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;
    use std::time::Duration;

    fn judged(code: i32, stdout: &str, stderr: &str) -> Result<JobId, SubmitError> {
        let status = ExitStatus::from_raw(code << 8);
        judge(Ok(Answer { status, stdout: stdout.into(), stderr: stderr.into() }))
    }

    #[test]
    fn an_id_alone_is_an_answer() {
        assert_eq!(judged(0, "1234\n", "").unwrap(), JobId(1234));
        let with_cluster = judged(0, "1234;lst\n", "sbatch: using account dpps");
        assert_eq!(with_cluster.unwrap(), JobId(1234));
        for garbage in
            ["", "\n", "Submitted batch job 12\n", "12\n13\n", "-1\n", "12 \n", "1;\u{fffd}\n"]
        {
            let answer = judged(0, garbage, "");
            assert!(matches!(answer, Err(SubmitError::Uncertain(_))), "{garbage:?}: {answer:?}");
        }
    }

    #[test]
    fn a_clear_no_is_a_refusal_with_slurms_own_words() {
        for said in [
            // As a real Slurm 22.05 says it.
            "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified",
            "sbatch: error: invalid partition specified: nowhere\nsbatch: error: Batch job submission failed: Invalid partition name specified",
            "sbatch: error: Memory specification can not be satisfied\nsbatch: error: Batch job submission failed: Requested node configuration is not available",
            "sbatch: error: Batch job submission failed: Invalid job array specification",
            "sbatch: error: Batch job submission failed: Job dependency problem",
            "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
            "sbatch: error: This does not look like a batch script.  The first\nsbatch: error: line must start with #! followed by the path to an interpreter.",
            "sbatch: error: Unable to open file /nowhere.sh",
            "sbatch: unrecognized option '--nonsense'\nTry \"sbatch --help\" for more information",
        ] {
            let answer = judged(1, "", said);
            let Err(SubmitError::Refused(error)) = &answer else { panic!("{said}: {answer:?}") };
            assert_eq!(error.message.split("; ").next(), said.lines().next().map(str::trim));
        }
    }

    #[test]
    fn whatever_may_have_reached_the_controller_is_uncertain() {
        for said in [
            "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation",
            "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)",
            "sbatch: error: Batch job submission failed: Zero Bytes were transmitted or received",
            "sbatch: error: Batch job submission failed: Slurm backup controller in standby mode",
            "sbatch: error: Batch job submission failed: Unexpected message received",
            "sbatch: error: Batch job submission failed:",
            "Segmentation fault",
            "sbatch: error: something new",
            "",
        ] {
            let answer = judged(1, "", said);
            assert!(matches!(answer, Err(SubmitError::Uncertain(_))), "{said}: {answer:?}");
        }
        let killed = Answer {
            status: ExitStatus::from_raw(9),
            stdout: "12\n".into(),
            stderr: String::new(),
        };
        assert!(matches!(judge(Ok(killed)), Err(SubmitError::Uncertain(_))));
        let late = CallError::TimedOut { tool: "sbatch", limit: Duration::from_secs(40) };
        assert!(matches!(judge(Err(late)), Err(SubmitError::Uncertain(_))));
    }

    #[test]
    fn a_missing_sbatch_has_created_nothing() {
        let cause = std::io::ErrorKind::NotFound.into();
        let missing = CallError::NotStarted { tool: "sbatch", cause };
        assert!(matches!(judge(Err(missing)), Err(SubmitError::Refused(_))));
    }
}
