//! Why a night is not closed, and which decisions act on it.

use leptos::prelude::*;

use super::links;
use super::state::Tone;
use crate::model::{
    Action, Blocker, BlockerKind, Decision, Evidence, NightDate, NightState, NightStatus, Remedy,
    Role, RunId,
};
use crate::people::visitor;

/// What stands in the way, what needs somebody's hand first; one line if nothing does, and nothing
/// for a closed night.
pub fn blockers(night: &NightStatus) -> Option<AnyView> {
    let date = night.date;
    if night.state == NightState::Closed {
        return None;
    }
    if night.blockers.is_empty() {
        let ready = night.state == NightState::Processed;
        return ready.then(|| {
            view! { <p class="ready">"Nothing stands in the way of closing this night."</p> }
                .into_any()
        });
    }
    let at_work = |blocker: &&Blocker| blocker.kind == BlockerKind::Processing;
    let working: Vec<_> = night.blockers.iter().filter(at_work).collect();
    let others = night.blockers.iter().filter(|blocker| !at_work(blocker));
    let mut items = others.map(|blocker| item(date, blocker).into_any()).collect::<Vec<_>>();
    match working.as_slice() {
        [] => {}
        [only] => items.push(item(date, only).into_any()),
        many => items.push(processing(date, many).into_any()),
    }
    let section = view! {
        <section class="blockers" aria-labelledby="blockers-title">
            <h2 id="blockers-title">"Why this night is not closed"</h2>
            <ul>{items}</ul>
        </section>
    };
    Some(section.into_any())
}

/// What only takes its time, in one line, so that it hides nothing else.
fn processing(date: NightDate, working: &[&Blocker]) -> impl IntoView + use<> {
    let lines =
        working.iter().map(|blocker| view! { <li>{what(date, blocker)}</li> }).collect::<Vec<_>>();
    view! {
        <li class="blocker running">
            <i class="icon" aria-hidden="true"></i>
            <div>
                <details>
                    <summary>
                        <strong>"Processing: "</strong>
                        {format!("{} runs wait or are being worked on.", working.len())}
                    </summary>
                    <ul class="evidence">{lines}</ul>
                </details>
            </div>
        </li>
    }
}

fn item(date: NightDate, blocker: &Blocker) -> impl IntoView + use<> {
    let tone = match blocker.kind {
        BlockerKind::Processing => Tone::Running,
        BlockerKind::NotOver | BlockerKind::GainSelection => Tone::Waiting,
        BlockerKind::NotLaunched | BlockerKind::NoRuns => Tone::Idle,
        BlockerKind::Vetoed => Tone::Waiting,
        _ => Tone::Failed,
    };
    let evidence = blocker.evidence.iter().map(|shown| evidence(date, shown)).collect::<Vec<_>>();
    let remedies = blocker.remedies.iter().map(|help| remedy(date, help)).collect::<Vec<_>>();
    let explanation = blocker.explanation.clone();
    view! {
        <li class=format!("blocker {}", tone.class())>
            <i class="icon" aria-hidden="true"></i>
            <div>
                <p>
                    <strong>{blocker.kind.title()}": "</strong>
                    {what(date, blocker)}
                </p>
                {(!explanation.is_empty()).then(|| view! { <p class="why">{explanation}</p> })}
                {(!evidence.is_empty()).then(|| view! { <ul class="evidence">{evidence}</ul> })}
                {(!remedies.is_empty()).then(|| view! { <ul class="remedies">{remedies}</ul> })}
            </div>
        </li>
    }
}

/// The sentence, the run in it being a link.
fn what(date: NightDate, blocker: &Blocker) -> AnyView {
    let split = blocker.run.and_then(|run: RunId| {
        let at = blocker.what.to_lowercase().find(&format!("run {run}"))?;
        let (before, rest) = blocker.what.split_at_checked(at)?;
        let (name, after) = rest.split_at_checked(format!("run {run}").len())?;
        Some((before.to_owned(), run, name.to_owned(), after.to_owned()))
    });
    match split {
        Some((before, run, name, after)) => {
            view! { {before}<a href=links::run(date, run)>{name}</a>{after} }.into_any()
        }
        None => blocker.what.clone().into_any(),
    }
}

fn evidence(date: NightDate, evidence: &Evidence) -> AnyView {
    match evidence {
        Evidence::File { path, note } => {
            view! { <li><code>{path.clone()}</code>" "{note.clone()}</li> }.into_any()
        }
        Evidence::Note { text } => view! { <li>{text.clone()}</li> }.into_any(),
        Evidence::Job { job, task, state, exit, reason } => {
            let task = task.map(|task| format!("_{task}")).unwrap_or_default();
            let exit = exit.map(|exit| format!(", exit {exit}")).unwrap_or_default();
            let reason = Some(reason).filter(|reason| !reason.is_empty());
            let reason = reason.map(|reason| format!(", {reason}")).unwrap_or_default();
            view! { <li>{format!("Job {job}{task}: {state}{exit}{reason}")}</li> }.into_any()
        }
        Evidence::LogLine { run, name, line, offset, text } => {
            let place = match line {
                Some(line) => format!("{name}:{line}"),
                None => name.clone(),
            };
            let href = format!("{}?from={offset}", links::log(date, *run, name));
            view! { <li><a href=href>{place}</a>" "<code>{text.clone()}</code></li> }.into_any()
        }
    }
}

/// What helps: a button for those who may press it, and the command that does the same.
fn remedy(date: NightDate, remedy: &Remedy) -> impl IntoView + use<> {
    let label = if visitor().may(Role::Shifter) {
        let href = links::action(date, &Action::from(remedy.clone()));
        view! { <a class="button" href=href>{remedy.label()}"…"</a> }.into_any()
    } else {
        view! { <span>{remedy.label()}</span> }.into_any()
    };
    view! { <li>{label}" "<code>{remedy.command(date)}</code></li> }
}

/// The decisions that act on a night; nothing if there are none.
pub fn decisions(decisions: &[Decision]) -> Option<AnyView> {
    if decisions.is_empty() {
        return None;
    }
    let items = decisions
        .iter()
        .map(|decision| {
            let undo = remedy(decision.night, &Remedy::Undo { decision: decision.id });
            let sentence = decision.sentence();
            let sentence = sentence.strip_prefix("run ").unwrap_or(&sentence).to_owned();
            view! { <li>"Run "{sentence}". "<ul class="remedies">{undo}</ul></li> }
        })
        .collect::<Vec<_>>();
    let section = view! {
        <section class="decisions" aria-labelledby="decisions-title">
            <h2 id="decisions-title">"Decided"</h2>
            <ul>{items}</ul>
        </section>
    };
    Some(section.into_any())
}
