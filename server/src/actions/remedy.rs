//! Decisions, submitting again and cancelling from a page.

use super::{ActionError, Night, plan};
use crate::launch;
use crate::model::{Action, ActionPlan, Author, Remedy, RemedyStep};
use crate::remedies::Request;

fn request(night: &Night<'_>, remedy: Remedy, author: Author) -> Result<Request, ActionError> {
    Ok(Request {
        settings: night.site.settings.clone(),
        paths: night.paths(),
        remedy,
        reason: String::new(),
        script: night.script(false)?,
        author,
        process: launch::author(),
        now: night.now,
    })
}

pub(super) async fn plan(night: &Night<'_>, remedy: Remedy) -> Result<ActionPlan, ActionError> {
    let planned = request(night, remedy.clone(), Author::Auto)?.plan().await?;
    let mut shown = plan::empty(night.date, Action::Remedy(remedy));
    shown.obstacles = planned.obstacles;
    for step in &planned.steps {
        match step {
            RemedyStep::Submit { .. } => shown.jobs += 1,
            RemedyStep::RemoveFile { bytes, .. } => {
                shown.files += 1;
                shown.bytes += bytes;
            }
            _ => {}
        }
        shown.steps.push(plan::step(step.sentence(), Vec::new()));
    }
    Ok(shown)
}

pub(super) async fn carry_out(
    night: &Night<'_>,
    remedy: Remedy,
    author: Author,
) -> Result<String, ActionError> {
    let done = request(night, remedy, author)?.execute(&night.site.engine).await?;
    if done.outcome.success {
        Ok(done.outcome.message)
    } else {
        Err(ActionError::Failed(done.outcome.message))
    }
}
