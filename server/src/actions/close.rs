//! Closing from a page.

use super::{ActionError, Night, plan};
use crate::close::{self, Closed, Request};
use crate::internal::blocking;
use crate::model::{Action, ActionPlan, Author, CloseOptions, ClosingPlan, MoveGroup};

async fn request(night: &Night<'_>, no_dl2: bool, by: Author) -> Result<Request, ActionError> {
    let settings = night.site.settings.clone();
    let (date, prod_id, now) = (night.date, night.site.prod_id.clone(), night.now);
    let options = CloseOptions { no_dl2, seq: None, no_jobs: false };
    let read = move || Request::read(settings, date, prod_id, options, by, now);
    Ok(blocking(read).await??)
}

pub(super) async fn plan(night: &Night<'_>, no_dl2: bool) -> Result<ActionPlan, ActionError> {
    let request = request(night, no_dl2, Author::Auto).await?;
    let closing = close::plan_night(&night.site.engine, &request).await?;
    Ok(shown(night, no_dl2, &closing))
}

fn shown(night: &Night<'_>, no_dl2: bool, closing: &ClosingPlan) -> ActionPlan {
    let mut shown = plan::empty(night.date, Action::Close { no_dl2 });
    if closing.already_closed {
        shown.obstacles.push("The night is closed already.".to_owned());
        return shown;
    }
    for block in &closing.blocks {
        let mut text = plan::with_hint(&block.message, &block.remedy);
        for line in &block.evidence {
            text = text + " " + line + ".";
        }
        shown.obstacles.push(text);
    }
    shown.doubts = closing
        .unfinished()
        .map(|sequence| format!("Run {} is not finished: {}.", sequence.run, sequence.why))
        .collect();
    for group in &closing.moves {
        shown.steps.push(plan::step(title(group), items(group)));
    }
    shown.files = closing.file_count();
    shown.bytes = closing.bytes();
    if !closing.sequence_flags.is_empty() {
        let title = format!("mark {} sequences as closed", closing.sequence_flags.len());
        shown.steps.push(plan::step(title, closing.sequence_flags.clone()));
    }
    for job in &closing.jobs {
        let mut items = vec![job.argv.join(" ")];
        items.extend(job.depends_on.iter().map(|name| format!("after {name}")));
        shown.steps.push(plan::step(format!("submit {}: {}", job.name, job.title), items));
    }
    shown.jobs = closing.jobs.len();
    let longterm = closing.longterm_link.as_ref();
    let longterm =
        longterm.map(|(link, file)| plan::step(format!("link {link}"), vec![file.clone()]));
    shown.steps.extend(longterm);
    for file in [&closing.manifest, &closing.night_flag].into_iter().flatten() {
        shown.steps.push(plan::step(format!("write {file}"), Vec::new()));
    }
    shown
}

fn title(group: &MoveGroup) -> String {
    let moved = group.moved().count();
    let links = if group.links.is_empty() { "" } else { ", leaving links" };
    format!(
        "run {}: move {moved} {} files to {}{links}",
        group.run,
        close::level_word(group.level),
        group.to
    )
}

fn items(group: &MoveGroup) -> Vec<String> {
    let line = |file: &crate::model::PlannedFile| {
        format!("{}/{} ({} bytes)", group.from, file.name, file.bytes)
    };
    group.moved().map(line).collect()
}

pub(super) async fn carry_out(
    night: &Night<'_>,
    no_dl2: bool,
    by: Author,
) -> Result<String, ActionError> {
    // Whoever confirmed the plan has seen which runs are not finished.
    let request = Request { anyway: true, ..request(night, no_dl2, by).await? };
    Ok(match close::start(&night.site.engine, &request).await? {
        Closed::Now(_) => "the night is closed".to_owned(),
        Closed::Before => "the night was closed already".to_owned(),
    })
}
