//! Launching from a page.

use std::sync::Arc;

use super::{ActionError, Night, plan};
use crate::launch::{self, LaunchOptions, LaunchPlan, LaunchRequest, Reason};
use crate::model::{Action, ActionPlan, Author};

async fn request(night: &Night<'_>, by: Author) -> Result<LaunchRequest, ActionError> {
    Ok(LaunchRequest {
        paths: night.paths(),
        observation: Arc::clone(&night.observe().await?),
        options: LaunchOptions {
            no_calib: false,
            no_dl2: false,
            no_gainsel: false,
            force: false,
            submit: true,
        },
        script: night.script(false)?,
        by,
        author: launch::author(),
        now: night.now,
    })
}

pub(super) async fn plan(night: &Night<'_>) -> Result<ActionPlan, ActionError> {
    let request = request(night, Author::Auto).await?;
    let LaunchRequest { paths, observation, now, .. } = &request;
    let jobs = launch::ask(&night.site.engine, paths, observation, *now).await?;
    Ok(shown(night, &request.prepare(jobs.reliable()?).await?.plan))
}

fn shown(night: &Night<'_>, launch: &LaunchPlan) -> ActionPlan {
    let mut shown = plan::empty(night.date, Action::Launch);
    shown
        .obstacles
        .extend(launch.gate.iter().map(|gate| plan::with_hint(&gate.message(), &gate.hint())));
    for left in &launch.left_out {
        let text = format!("Run {} is left out: {}.", left.run, left.reason);
        if matches!(left.reason, Reason::Blocked(_)) {
            shown.doubts.push(text);
        }
    }
    if launch.gate.is_some() {
        return shown;
    }
    let files = launch.scripts.iter().map(|script| script.file.display().to_string());
    let files: Vec<_> = files.collect();
    if !launch.jobs.is_empty() {
        shown.steps.push(plan::step(format!("write {} job scripts", files.len()), files));
    }
    for job in &launch.jobs {
        let after = match job.needs.as_slice() {
            [] => String::new(),
            needs => format!(", after {}", needs.join(", ")),
        };
        shown.steps.push(plan::step(format!("submit {}{after}", job.name), Vec::new()));
    }
    shown.jobs = launch.jobs.len();
    shown
}

pub(super) async fn carry_out(night: &Night<'_>, by: Author) -> Result<String, ActionError> {
    let launched = request(night, by).await?.launch(&night.site.engine).await?;
    if let Some(gate) = &launched.prepared.plan.gate {
        return Err(ActionError::Failed(plan::with_hint(&gate.message(), &gate.hint())));
    }
    let outcome = launch::summarize(&launched.outcomes);
    if outcome.success { Ok(outcome.message) } else { Err(ActionError::Failed(outcome.message)) }
}
