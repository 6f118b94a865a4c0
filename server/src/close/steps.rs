//! The steps of a closing, in their order.

use crate::model::{ClosingPlan, FileStep, RunId};

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    JobInformation,
    Move(RunId),
    Settle,
    Flags,
    Scripts,
    Submit,
    Wait,
    Link,
    Manifest,
    Processing,
    NightFlag,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) act: Act,
    /// Its name in the journal.
    pub(super) name: String,
    /// What it does, for people.
    pub(super) title: String,
}

impl Step {
    fn new(act: Act, name: &str, title: &str) -> Self {
        Self { act, name: name.to_owned(), title: title.to_owned() }
    }
}

/// The steps that carry a plan out.
pub(super) fn of(plan: &ClosingPlan) -> Vec<Step> {
    let mut steps = Vec::new();
    if !plan.options.no_jobs {
        let title = "write the accounting of the night's jobs";
        steps.push(Step::new(Act::JobInformation, "job information", title));
    }
    for sequence in &plan.sequences {
        let run = sequence.run;
        let groups = plan.moves.iter().filter(|group| group.run == run);
        let files: Vec<_> = groups.flat_map(|group| &group.files).collect();
        if files.is_empty() {
            continue;
        }
        let links = files.iter().all(|file| file.step == FileStep::Link);
        let verb = if links { "link" } else { "move" };
        let title = format!("{verb} {} files of run {run}", files.len());
        steps.push(Step::new(Act::Move(run), &format!("move {run}"), &title));
    }
    if !plan.moves.is_empty() {
        let title = "see that what was moved is on the disk";
        steps.push(Step::new(Act::Settle, "settle", title));
    }
    if !plan.sequence_flags.is_empty() {
        let title = format!("mark {} sequences as closed", plan.sequence_flags.len());
        steps.push(Step::new(Act::Flags, "sequence flags", &title));
    }
    if !plan.jobs.is_empty() {
        let count = plan.jobs.len();
        let title = format!("write {count} job scripts");
        steps.push(Step::new(Act::Scripts, "scripts", &title));
        steps.push(Step::new(Act::Submit, "submit", &format!("submit {count} jobs")));
        steps.push(Step::new(Act::Wait, "jobs", &format!("wait for {count} jobs")));
    }
    if plan.longterm_link.is_some() {
        let title = "link the long-term datacheck as the night's newest";
        steps.push(Step::new(Act::Link, "long-term link", title));
    }
    if plan.manifest.is_some() {
        steps.push(Step::new(Act::Manifest, "manifest", "write the manifest with all checksums"));
    }
    if plan.night_flag.is_some() {
        let title = "write the end into the table of processed nights";
        steps.push(Step::new(Act::Processing, "processing", title));
        steps.push(Step::new(Act::NightFlag, "night flag", "mark the night as closed"));
    }
    steps
}
