//! What is thought of the data quality, wherever a run or a night is shown.

use leptos::prelude::*;

use super::state::{Tone, badge};
use super::{format, links, notes};
use crate::model::{NightDate, NightQuality, NightStatus, RunId, RunQuality, Verdict};

impl From<Verdict> for Tone {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Ok => Self::Done,
            Verdict::Warn => Self::Warning,
            Verdict::Bad => Self::Failed,
        }
    }
}

/// A verdict in icon, word and colour.
pub fn verdict(verdict: Verdict) -> impl IntoView {
    badge(verdict.into(), verdict.as_str())
}

/// What is thought of a run, or why nothing is.
pub fn run_badge(quality: Option<&RunQuality>) -> AnyView {
    let Some(quality) = quality else {
        return view! { <span class="none">"not judged yet"</span> }.into_any();
    };
    match quality.verdict {
        Some(own) => verdict(own).into_any(),
        None if quality.missing => {
            view! { <span class="none">"no datacheck yet"</span> }.into_any()
        }
        None => badge(Tone::Unknown, "not judged").into_any(),
    }
}

/// The cell of the sequence table: the verdict, which leads to the figures. The reasons are in the
/// list below the table, see [`section`].
pub fn run_cell(
    date: NightDate,
    run: RunId,
    quality: Option<&RunQuality>,
    noted: usize,
) -> impl IntoView + use<> {
    let shown = match quality {
        None => view! { <span class="none">"…"</span> }.into_any(),
        Some(quality) if quality.missing => {
            view! { <span class="none">"none yet"</span> }.into_any()
        }
        Some(quality) => {
            let reasons = quality.reasons();
            let href = links::datacheck(date, Some(run));
            view! { <a href=href title=reasons>{run_badge(Some(quality))}</a> }.into_any()
        }
    };
    let noted = (noted > 0).then(|| {
        let href = format!("{}#notes", links::datacheck(date, Some(run)));
        let title = format::plural(u32::try_from(noted).unwrap_or(u32::MAX), "note");
        view! { " " <a class="seen" href=href title=title>"seen"</a> }
    });
    view! { <td class="quality">{shown}{noted}</td> }
}

/// The most reasons that the list of a night tells of a run.
const MOST_REASONS: usize = 3;

/// What is thought of a night's runs, where it is not all well.
pub fn section(night: &NightStatus) -> Option<AnyView> {
    let runs =
        night.data().filter_map(|status| Some((status.sequence.run, status.quality.as_ref()?)));
    let list = reasons(night.date, runs);
    let notes = noted(night);
    if list.is_none() && notes.is_none() {
        return None;
    }
    let section = view! {
        <section class="judgement" aria-labelledby="quality-title">
            <h2 id="quality-title">"Data quality"</h2>
            {list}
            {notes}
        </section>
    };
    Some(section.into_any())
}

/// What people noted, run by run.
fn noted(night: &NightStatus) -> Option<AnyView> {
    let of = |run: Option<RunId>| night.datacheck_notes.iter().filter(move |note| note.run == run);
    let runs = night.data().map(|status| Some(status.sequence.run));
    let items = std::iter::once(None)
        .chain(runs)
        .filter_map(|run| {
            let list = notes::list(of(run))?;
            let href = links::datacheck(night.date, run);
            let name = run.map_or("The night".to_owned(), |run| format!("Run {run}"));
            Some(view! { <li><a href=href>{name}</a>{list}</li> })
        })
        .collect::<Vec<_>>();
    (!items.is_empty()).then(|| {
        view! { <h3>"Who has looked at it"</h3><ul class="findings">{items}</ul> }.into_any()
    })
}

/// The runs of a night that are not ok, and why; the worst first.
pub fn reasons<'a>(
    date: NightDate,
    runs: impl Iterator<Item = (RunId, &'a RunQuality)>,
) -> Option<AnyView> {
    let wrong = |own: &RunQuality| !own.missing && own.verdict != Some(Verdict::Ok);
    let mut told: Vec<_> = runs.filter(|(_, own)| wrong(own)).collect();
    told.sort_by_key(|(_, own)| std::cmp::Reverse(own.verdict));
    if told.is_empty() {
        return None;
    }
    let items = told.into_iter().map(|(run, own)| reason(date, run, own)).collect::<Vec<_>>();
    Some(view! { <ul class="findings">{items}</ul> }.into_any())
}

fn reason(date: NightDate, run: RunId, own: &RunQuality) -> impl IntoView + use<> {
    let name = format!("Run {run}");
    let href = links::datacheck(date, Some(run));
    let mut texts: Vec<String> =
        own.findings.iter().take(MOST_REASONS).map(|finding| finding.reason.clone()).collect();
    texts.extend(own.problem.clone());
    let more = own.findings.len().saturating_sub(MOST_REASONS);
    if more > 0 {
        texts.push(format!("and {more} more"));
    }
    view! {
        <li>
            {run_badge(Some(own))}
            <span><a href=href>{name}</a>{format!(": {}", texts.join("; "))}</span>
        </li>
    }
}

/// The cell of the list of nights: the worst, and of how many runs.
pub fn night_cell(quality: Option<NightQuality>) -> impl IntoView {
    let shown = match quality {
        None => view! { <span class="none">"…"</span> }.into_any(),
        Some(quality) => night_badge(quality),
    };
    view! { <td class="quality">{shown}</td> }
}

/// The worst that is thought of a night's runs, and of how many.
pub fn night_badge(quality: NightQuality) -> AnyView {
    let judged = quality.judged();
    match quality.worst() {
        Some((Verdict::Ok, number)) => badge(Tone::Done, format!("ok: {number}")).into_any(),
        Some((worst, number)) => {
            badge(worst.into(), format!("{}: {number} of {judged}", worst.as_str())).into_any()
        }
        None if quality.unknown > 0 => {
            badge(Tone::Unknown, format!("not judged: {}", quality.unknown)).into_any()
        }
        None => view! { <span class="none">"none yet"</span> }.into_any(),
    }
}

/// All that is not as it should be, each a way to the figure that shows it.
pub fn findings(date: NightDate, run: RunId, quality: &RunQuality) -> impl IntoView + use<> {
    let datacheck = links::datacheck(date, Some(run));
    let items = quality
        .findings
        .iter()
        .map(|finding| {
            let href = format!("{datacheck}?sheet={0}#figure-{1}", finding.sheet, finding.figure);
            view! {
                <li>{verdict(finding.verdict)}<a href=href>{finding.reason.clone()}</a></li>
            }
        })
        .collect::<Vec<_>>();
    let problem = quality.problem.clone().map(|problem| view! { <li>{problem}</li> });
    let any = !items.is_empty() || problem.is_some();
    any.then(|| view! { <ul class="findings">{items}{problem}</ul> })
}
