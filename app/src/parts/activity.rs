//! The activity on a night: what is running and by whom, what was done, and what can be done now.

use leptos::prelude::*;

use super::state::{Tone, badge};
use super::{format, links, table};
use crate::model::{
    Action, AuditLine, ClosingProgress, ClosingStep, NightActivity, NightState, NightStatus, Role,
    StepState,
};
use crate::people::visitor;

const AUDIT_LOG: [(&str, &str); 5] =
    [("", "Begun"), ("", "What"), ("", "Who"), ("", "Outcome"), ("", "Ended")];

/// Buttons for what a shifter can do; nothing for others.
pub fn buttons(night: &NightStatus) -> Option<AnyView> {
    if !visitor().may(Role::Shifter) || night.state == NightState::Empty {
        return None;
    }
    let date = night.date;
    let closed = night.state == NightState::Closed;
    let mut actions = Vec::new();
    if !closed {
        actions.push((Action::Launch, night.state == NightState::Fresh));
        actions.push((Action::Close { no_dl2: false }, night.state == NightState::Processed));
    }
    actions.push((Action::CopyDatacheck, false));
    let links = actions
        .into_iter()
        .map(|(action, next)| {
            let class = if next { "button next" } else { "button" };
            view! { <a class=class href=links::action(date, &action)>{action.label()}"…"</a> }
        })
        .collect::<Vec<_>>();
    Some(view! { <div class="buttons">{links}</div> }.into_any())
}

/// What is running, and by whom; nothing if nothing is.
pub fn under_way(activity: &NightActivity) -> Option<AnyView> {
    let others =
        activity.under_way().filter(|line| line.action != "close" || activity.closing.is_none());
    let lines = others
        .map(|line| {
            let text = format!(
                "{} by {}, since {}",
                verb(&line.action),
                line.author,
                format::utc(line.begun)
            );
            view! {
                <div class="banner running" role="status">
                    <i class="icon" aria-hidden="true"></i>
                    <div>{text}</div>
                </div>
            }
        })
        .collect::<Vec<_>>();
    let closing = activity.closing.as_ref().filter(|closing| closing.state != StepState::Done);
    let closing = closing.map(closing_section);
    (!lines.is_empty() || closing.is_some()).then(|| view! { {lines}{closing} }.into_any())
}

/// A closing that has not ended.
fn closing_section(closing: &ClosingProgress) -> impl IntoView + use<> {
    let done = closing.steps.iter().filter(|step| step.state == StepState::Done).count();
    let (tone, word) = match closing.state {
        StepState::Failed => (Tone::Failed, "failed"),
        StepState::Interrupted => (Tone::Waiting, "was interrupted and will be resumed"),
        _ => (Tone::Running, "is under way"),
    };
    let role = if tone == Tone::Failed { "alert" } else { "status" };
    let of = closing.steps.len();
    let text = format!(
        "Closing {word}: {done} of {of} steps are done. Begun by {} on {}.",
        closing.author,
        format::utc(closing.started)
    );
    let again = (closing.state != StepState::Running && visitor().may(Role::Shifter)).then(|| {
        let action = Action::Close { no_dl2: closing.options.no_dl2 };
        view! { " "<a href=links::action(closing.date, &action)>"Resume…"</a> }
    });
    let message = Some(closing.message.clone()).filter(|message| !message.is_empty());
    let items = closing.steps.iter().map(step).collect::<Vec<_>>();
    view! {
        <section class="closing" aria-label="Closing">
            <div class=format!("banner {}", tone.class()) role=role>
                <i class="icon" aria-hidden="true"></i>
                <div>
                    <strong>{text}</strong>
                    {again}
                    {message.map(|message| view! { <p>{message}</p> })}
                </div>
            </div>
            <details open>
                <summary>"Steps"</summary>
                <ol class="steps">{items}</ol>
            </details>
        </section>
    }
}

fn step(step: &ClosingStep) -> impl IntoView + use<> {
    let tone = match step.state {
        StepState::Waiting => Tone::Idle,
        StepState::Running => Tone::Running,
        StepState::Done => Tone::Done,
        StepState::Failed => Tone::Failed,
        StepState::Interrupted => Tone::Waiting,
    };
    let detail = Some(step.detail.clone()).filter(|detail| !detail.is_empty());
    view! {
        <li>
            {badge(tone, step.state.as_str())}
            " "{step.title.clone()}
            {detail.map(|detail| view! { <span class="hint">": "{detail}</span> })}
        </li>
    }
}

/// The last lines of the night's audit log; nothing if it is empty.
pub fn audit_log(activity: &NightActivity) -> Option<AnyView> {
    if activity.audit_log.is_empty() {
        return None;
    }
    let rows = activity.audit_log.iter().map(row).collect::<Vec<_>>();
    Some(table::table("audit-log", "Audit log", &AUDIT_LOG, rows).into_any())
}

fn row(line: &AuditLine) -> impl IntoView + use<> {
    let (tone, outcome) = match &line.outcome {
        Some(outcome) if outcome.success => (Tone::Done, outcome.message.clone()),
        Some(outcome) => (Tone::Failed, outcome.message.clone()),
        None if line.under_way => (Tone::Running, "under way".to_owned()),
        None => (Tone::Unknown, "not known: its program has ended".to_owned()),
    };
    view! {
        <tr>
            <th scope="row">{format::utc(line.begun)}</th>
            <td>{line.action.clone()}</td>
            <td>{line.author.to_string()}</td>
            <td class="text">{badge(tone, outcome)}</td>
            <td>{line.ended.map_or_else(|| "–".to_owned(), format::utc)}</td>
        </tr>
    }
}

fn verb(action: &str) -> String {
    match action {
        "launch" => "Being launched".to_owned(),
        "close" => "Being closed".to_owned(),
        "resubmit" => "Jobs are being submitted again".to_owned(),
        "copy_datacheck" => "The datacheck is being copied".to_owned(),
        other => format!("Under way: {other}"),
    }
}
