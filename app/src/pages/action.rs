//! `/nights/2024-11-28/actions/new?what=…`: the plan of an action, and the button that executes it.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::problem::problem;
use super::{crumbs, night_step, parameter};
use crate::api::{ExecuteAction, plan_action};
use crate::backend::BackendError;
use crate::form::{FormToken, action};
use crate::model::{Action, ActionPlan, Fields, NightDate, PlannedStep};
use crate::parts::state::Tone;
use crate::parts::{format, links};

/// Lines of a step that are shown before the rest is summarized.
const SHOWN: usize = 200;

/// A plan, to be confirmed.
#[component]
pub fn ActionPage() -> impl IntoView {
    let asked = asked();
    Suspend::new(async move {
        let planned = match asked {
            Ok((date, action)) => plan_action(date, (&action).into()).await,
            Err(error) => Err(error),
        };
        match planned {
            Ok(plan) => page(plan).into_any(),
            Err(error) => problem(&error).into_any(),
        }
    })
}

/// The night of the page's path and the action of its query.
fn asked() -> Result<(NightDate, Action), BackendError> {
    let date = parameter("date")?;
    let fields: Fields = use_query_map().with_untracked(|map| {
        let pairs = map.clone().into_iter();
        pairs.map(|(name, value)| (name.into_owned(), value)).collect()
    });
    let action =
        Action::from_fields(&fields).map_err(|e| BackendError::not_found(e.to_string()))?;
    Ok((date, action))
}

fn page(plan: ActionPlan) -> impl IntoView {
    let date = plan.date;
    let label = plan.action.label();
    let about = plan.action.run().map(|run| format!(", run {run}")).unwrap_or_default();
    let title = format!("{label}{about}");
    let nothing = plan.steps.is_empty() && plan.obstacles.is_empty();
    view! {
        <Title text=format!("{title}, night {date}")/>
        {crumbs(vec![night_step(date)], label.clone())}
        <article class="action">
            <div class="title"><h1>{title}</h1></div>
            {list("Blocked by", Tone::Failed, &plan.obstacles)}
            {list("Warnings", Tone::Waiting, &plan.doubts)}
            {nothing.then(|| view! { <p class="none">"There is nothing to do."</p> })}
            {(!plan.steps.is_empty()).then(|| steps(&plan))}
            {confirm(&plan, nothing)}
        </article>
    }
}

/// Sentences under a heading; nothing if there are none.
fn list(title: &'static str, tone: Tone, lines: &[String]) -> Option<AnyView> {
    if lines.is_empty() {
        return None;
    }
    let items = lines
        .iter()
        .map(|line| {
            view! {
                <li class=format!("blocker {}", tone.class())>
                    <i class="icon" aria-hidden="true"></i>
                    <div>{line.clone()}</div>
                </li>
            }
        })
        .collect::<Vec<_>>();
    let section = view! {
        <section class="blockers"><h2>{title}</h2><ul>{items}</ul></section>
    };
    Some(section.into_any())
}

fn steps(plan: &ActionPlan) -> impl IntoView + use<> {
    let items = plan.steps.iter().map(step).collect::<Vec<_>>();
    view! {
        <section class="part" aria-labelledby="steps">
            <h2 id="steps">"What will happen"</h2>
            <p class="hint">{totals(plan)}</p>
            <div class="long" role="region" aria-label="Steps" tabindex="0">
                <ol class="steps">{items}</ol>
            </div>
        </section>
    }
}

/// `3 jobs, 120 files, 1.2 GB`.
fn totals(plan: &ActionPlan) -> String {
    let count =
        |number: usize, noun| format::plural(u32::try_from(number).unwrap_or(u32::MAX), noun);
    let mut parts = vec![count(plan.steps.len(), "step"), count(plan.jobs, "job")];
    if plan.files > 0 {
        parts.push(count(plan.files, "file"));
        parts.push(format::bytes(plan.bytes));
    }
    parts.join(", ")
}

fn step(step: &PlannedStep) -> impl IntoView + use<> {
    let title = step.title.clone();
    if step.items.is_empty() {
        return view! { <li>{title}</li> }.into_any();
    }
    let more = step.items.len().saturating_sub(SHOWN);
    let items = step.items.iter().take(SHOWN);
    let items = items.map(|item| view! { <li><code>{item.clone()}</code></li> });
    let items = items.collect::<Vec<_>>();
    view! {
        <li>
            <details>
                <summary>{title}</summary>
                <ul>{items}{(more > 0).then(|| view! { <li>{format!("and {more} more")}</li> })}</ul>
            </details>
        </li>
    }
    .into_any()
}

/// The form that confirms the plan; without one there is only the way back.
fn confirm(plan: &ActionPlan, nothing: bool) -> impl IntoView + use<> {
    let back = links::night(plan.date);
    if nothing || !plan.obstacles.is_empty() {
        return view! {
            <div class="buttons"><a class="button" href=back>"Back to the night"</a></div>
        }
        .into_any();
    }
    let fields = plan.action.fields().into_iter().map(|(name, value)| {
        view! { <input type="hidden" name=name value=value/> }
    });
    let fields = fields.collect::<Vec<_>>();
    let sure = if plan.doubts.is_empty() {
        "I have read the plan"
    } else {
        "I have read the warnings and want to proceed"
    };
    let to = action::<ExecuteAction>(&links::action(plan.date, &plan.action), Some(&back));
    view! {
        <form class="card confirm" method="post" action=to>
            <FormToken/>
            {fields}
            <input type="hidden" name="date" value=plan.date.to_string()/>
            <input type="hidden" name="mark" value=plan.mark.clone()/>
            <label class="sure"><input type="checkbox" name="confirmed" value="true" required/><span>{sure}</span></label>
            <div class="buttons">
                <button class="main">{plan.action.label()}</button>
                <a class="button" href=back>"Cancel"</a>
            </div>
        </form>
    }
    .into_any()
}
