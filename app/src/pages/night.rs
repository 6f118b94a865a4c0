//! `/nights/2024-11-28`: a night.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_meta::Title;

use super::problem::problem;
use super::{backend, crumbs, live, parameter};
use crate::backend::{Backend, BackendError, Versioned};
use crate::model::{Condition, NightDate, NightList, NightStatus, NightSummary};
use crate::parts::blockers::{blockers, decisions};
use crate::parts::facts::{conditions, fact};
use crate::parts::map::run_map;
use crate::parts::notices::notices;
use crate::parts::sequences::sequence_table;
use crate::parts::state::badge;
use crate::parts::{activity, format, links, quality, scheduler};

/// Where a night stands: what stands in its way, notices, sequence table, map.
#[component]
pub fn NightPage() -> impl IntoView {
    let asked = parameter::<NightDate>("date").and_then(|date| Ok((backend()?, date)));
    Suspend::new(async move {
        match load(asked).await {
            Ok((night, nights)) => page(&night, nights.as_deref()).into_any(),
            Err(error) => problem(&error).into_any(),
        }
    })
}

type Loaded = (Versioned<NightStatus>, Option<Arc<NightList>>);

async fn load(
    asked: Result<(Arc<dyn Backend>, NightDate), BackendError>,
) -> Result<Loaded, BackendError> {
    let (backend, date) = asked?;
    let night = backend.night(date).await?;
    // Only for the links to the neighbours: a night can be shown without them.
    let nights = backend.nights().await.ok().map(|seen| seen.value);
    Ok((night, nights))
}

fn page(seen: &Versioned<NightStatus>, nights: Option<&NightList>) -> impl IntoView + use<> {
    let night = &*seen.value;
    let date = night.date;
    let content = view! {
        <div class="ways">
            {crumbs(Vec::new(), date.to_string())}
            {nights.map(|list| neighbours(date, &list.nights))}
        </div>
        {article(night)}
    };
    view! {
        <Title text=format!("Night {date}, {}", night.state.as_str())/>
        {live(links::night_events(date), seen.version, night.scanned, content.into_any())}
    }
}

/// Links to the nights before and after; the list is newest first.
fn neighbours(date: NightDate, nights: &[NightSummary]) -> impl IntoView + use<> {
    let before = nights.iter().map(|night| night.date).find(|other| *other < date);
    let after = nights.iter().map(|night| night.date).take_while(|other| *other > date).last();
    let before = before
        .map(|date| view! { <a rel="prev" href=links::night(date)>"← "{date.to_string()}</a> });
    let after = after
        .map(|date| view! { <a rel="next" href=links::night(date)>{date.to_string()}" →"</a> });
    view! { <nav class="neighbours" aria-label="Other nights">{before}{after}</nav> }
}

fn article(night: &NightStatus) -> impl IntoView + use<> {
    let date = night.date.to_string();
    view! {
        <article class="night">
            <div class="title">
                <h1>"Night "{date.clone()}</h1>
                {badge(night.state.into(), night.state.as_str())}
                {activity::buttons(night)}
            </div>
            {scheduler::banner(&night.scheduler)}
            <nav class="bar" aria-label="More about this night">
                <a href=links::datacheck(night.date, None)>"Datacheck of the night"</a>
                <a href=links::products(night.date)>"Datacheck files"</a>
            </nav>
            {activity::under_way(&night.activity)}
            {facts(night)}
            {blockers(night)}
            {decisions(&night.decisions)}
            {notices(&night.notices)}
            {if night.sequences.is_empty() {
                view! { <p class="none">"There is nothing to process on "{date}"."</p> }.into_any()
            } else {
                view! { {sequence_table(night)}{quality::section(night)}{run_map(night)} }.into_any()
            }}
            {activity::audit_log(&night.activity)}
        </article>
    }
}

fn facts(night: &NightStatus) -> impl IntoView + use<> {
    let calibration = night.calibration.map_or("none within reach".to_owned(), |runs| {
        format!("DRS4 {}, PEDCALIB {}", runs.drs4, runs.pedcal)
    });
    let runs = u32::try_from(night.data().count()).unwrap_or(u32::MAX);
    let subruns = night.data().map(|status| status.sequence.subruns).sum();
    let observed =
        format!("{}, {}", format::plural(runs, "run"), format::plural(subruns, "subrun"));
    let scheduler = match night.scheduler.answered {
        Some(_) => scheduler::name(&night.scheduler.engine).to_owned(),
        None => format!("{}, not asked yet", scheduler::name(&night.scheduler.engine)),
    };
    view! {
        <dl class="facts">
            {fact("Observed", observed)}
            {fact("Subruns", conditions(|condition: Condition| night.count(condition)))}
            {fact("Calibration", calibration)}
            {fact("Production", night.prod_id.to_string())}
            {fact("Scheduler", scheduler)}
        </dl>
    }
}
