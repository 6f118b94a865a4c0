//! What is said on standard error.

use crate::launch::submit::SubmitOutcome;
use crate::launch::{Gate, LaunchPlan, Reason};
use crate::model::{NightStatus, Notice, Severity};

/// The decisions that act on the night: the table alone does not tell them.
pub(super) fn decisions(status: &NightStatus) {
    for decision in &status.decisions {
        eprintln!("decided: {}", decision.sentence());
    }
}

/// What a shifter should know; mere information only if `verbose`.
pub(super) fn notices(status: &NightStatus, verbose: bool) {
    let least = if verbose { Severity::Info } else { Severity::Warning };
    for Notice { severity, message, hint } in &status.notices {
        if *severity < least {
            continue;
        }
        let word = match severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        eprintln!("{word}: {message}");
        if !hint.is_empty() {
            eprintln!("hint: {hint}");
        }
    }
}

/// Why nothing is launched. Scripts wait for the message of an empty night as the very last line.
pub(super) fn gate(gate: Option<&Gate>) {
    let Some(gate) = gate else { return };
    eprintln!("{}", gate.message());
    if !gate.hint().is_empty() {
        eprintln!("hint: {}", gate.hint());
    }
}

/// What would be done.
pub(super) fn plan(plan: &LaunchPlan) {
    for script in &plan.scripts {
        eprintln!("would write {}", script.file.display());
    }
    for job in &plan.jobs {
        let needs = job.needs.join(", ");
        let after = if needs.is_empty() { needs } else { format!(", after {needs}") };
        eprintln!("would submit {}{after}", job.name);
    }
    for left in &plan.left_out {
        eprintln!("would leave out run {}: {}", left.run, left.reason);
    }
}

/// The sequences without a job; says whether one of them should have had one.
pub(super) fn left_out(plan: &LaunchPlan, verbose: bool) -> bool {
    let mut blocked = false;
    for left in &plan.left_out {
        let wrong = matches!(left.reason, Reason::Blocked(_));
        blocked |= wrong;
        if wrong {
            eprintln!("error: run {} is left out: {}", left.run, left.reason);
        } else if verbose {
            eprintln!("run {} is left out: {}", left.run, left.reason);
        }
    }
    blocked
}

/// The outcome of every job; says whether something went wrong.
pub(super) fn outcomes(outcomes: &[SubmitOutcome]) -> bool {
    for outcome in outcomes {
        let word = if outcome.verdict.is_failure() { "error: " } else { "" };
        eprintln!("{word}{}: {}", outcome.name, outcome.verdict);
    }
    outcomes.iter().any(|outcome| outcome.verdict.is_failure())
}
