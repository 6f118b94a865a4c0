//! Copying the datacheck from a page.

use super::{ActionError, Night, plan};
use crate::internal::blocking;
use crate::launch;
use crate::model::{Action, ActionPlan, Author, CopyState};
use crate::publish::{Request, summarize};

fn request(night: &Night<'_>, by: Author) -> Request {
    let who = (by, launch::author());
    Request::new(&night.site.settings, night.paths(), who, night.now)
}

pub(super) async fn plan(night: &Night<'_>) -> Result<ActionPlan, ActionError> {
    let request = request(night, Author::Auto);
    let copy = blocking(move || request.plan()).await??;
    let mut shown = plan::empty(night.date, Action::CopyDatacheck);
    let changed = || copy.files.iter().filter(|file| file.state != CopyState::Same);
    shown.files = changed().count();
    shown.bytes = changed().map(|file| file.bytes).sum();
    if shown.files > 0 {
        let host = copy.host.as_ref().map(|host| format!("{host}:")).unwrap_or_default();
        let items = changed().map(|file| format!("{} ({})", file.destination, file.state.as_str()));
        let title = format!("copy to {host}{}", copy.root);
        shown.steps.push(plan::step(title, items.collect()));
    }
    let missing = copy.missing.iter();
    shown.doubts = missing.map(|m| format!("There is no {}: {}.", m.what, m.reason)).collect();
    Ok(shown)
}

pub(super) async fn carry_out(night: &Night<'_>, by: Author) -> Result<String, ActionError> {
    let copied = request(night, by).execute(&night.site.engine.store).await?;
    let outcome = summarize(&copied);
    if outcome.success { Ok(outcome.message) } else { Err(ActionError::Failed(outcome.message)) }
}
