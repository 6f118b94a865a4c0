//! The run × subrun map: which stage each subrun has reached, at a glance.
//!
//! A subrun is a column that fills from below as its stages complete; what is at work on it is told
//! by hatching, a failure by a cross on a red column of full height. So stages and failures can be
//! distinguished without colour.

use leptos::prelude::*;

use super::state::{Tone, badge};
use super::{format, links, table};
use crate::model::{
    Condition, Kind, NightDate, NightStatus, RunId, Segment, SequenceStatus, Stage, Subrun,
};

/// Failed subruns named one by one beside the map; the run's page names all of them.
const NAMED: usize = 4;
/// Failed subruns of a run that each have a link of their own in its row of the map.
const LINKED: u32 = 40;

const COLUMNS: [(&str, &str); 4] =
    [("", "Run"), ("wide", "Subruns, first to last"), ("n", "Done"), ("", "Failed")];

/// The map of a night; nothing where histories were not read.
pub fn run_map(night: &NightStatus) -> impl IntoView + use<> {
    let widest = night.sequences.iter().map(|status| status.sequence.subruns).max()?;
    let rows = night
        .sequences
        .iter()
        .filter(|status| !status.segments.is_empty())
        .map(|status| row(night.date, status, widest))
        .collect::<Vec<_>>();
    if rows.is_empty() {
        return None;
    }
    Some(view! {
        {table::table("map", "Subruns by the stage reached", &COLUMNS, rows)}
        {legend()}
    })
}

fn row(date: NightDate, status: &SequenceStatus, widest: u32) -> impl IntoView + use<> {
    let run = status.sequence.run;
    let done = status.count(Condition::Done);
    view! {
        <tr id=format!("map-{run}")>
            <th scope="row"><a href=links::run(date, run)>{run.to_string()}</a></th>
            <td class="wide">
                {track(date, status, widest)}
                <span class="unseen">{summary(status)}</span>
            </td>
            <td class="n">{done}" of "{status.known_subruns()}</td>
            <td>{failed_links(date, run, &status.segments)}</td>
        </tr>
    }
}

/// The columns of one run. Screen readers get [`summary`] and the list of failures instead.
pub fn track(date: NightDate, status: &SequenceStatus, widest: u32) -> impl IntoView + use<> {
    let run = status.sequence.run;
    let single = status.count(Condition::Failed) <= LINKED;
    let mut pieces = Vec::new();
    for segment in &status.segments {
        if single && segment.condition == Condition::Failed {
            let alone = |subrun| Segment { first: subrun, last: subrun, ..*segment };
            pieces.extend((segment.first..=segment.last).map(alone));
        } else {
            pieces.push(*segment);
        }
    }
    let kind = status.sequence.kind;
    let pieces = pieces.into_iter().map(|s| piece(date, run, kind, s)).collect::<Vec<_>>();
    let style = format!("--n:{};--of:{}", status.known_subruns().max(1), widest.max(1));
    view! { <div class="track" style=style aria-hidden="true">{pieces}</div> }
}

fn piece(date: NightDate, run: RunId, kind: Kind, segment: Segment) -> impl IntoView {
    let class = format!("s{} {}", level(segment.done), Tone::from(segment.condition).class());
    let style = format!("--n:{}", segment.len());
    let title = describe(kind, &segment);
    if segment.condition == Condition::Failed {
        let href = links::subrun(date, run, Subrun(segment.first));
        view! { <a class=class style=style title=title href=href tabindex="-1"></a> }.into_any()
    } else {
        view! { <i class=class style=style title=title></i> }.into_any()
    }
}

/// Quarters of a column that a subrun has filled.
fn level(done: Option<Stage>) -> u8 {
    match done {
        None => 0,
        Some(Stage::R0ToDl1) => 1,
        Some(Stage::Drs4Baseline | Stage::Dl1ab) => 2,
        Some(Stage::CheckDl1) => 3,
        Some(Stage::ChargeCalibration | Stage::Dl1ToDl2) => 4,
    }
}

/// The stage after `done`, which is the one at work, or the one that failed.
fn next(kind: Kind, done: Option<Stage>) -> Option<Stage> {
    let stages = kind.stages(true);
    match done {
        None => stages.first().copied(),
        Some(done) => {
            let at = stages.iter().position(|stage| *stage == done)?;
            stages.get(at + 1).copied()
        }
    }
}

/// `0004: failed at DL1b`, `0012–0040: running, DL1a done`.
fn describe(kind: Kind, segment: &Segment) -> String {
    let subruns = if segment.first == segment.last {
        Subrun(segment.first).to_string()
    } else {
        format!("{}–{}", Subrun(segment.first), Subrun(segment.last))
    };
    let word = segment.condition.as_str();
    let rest = match (segment.condition, segment.done) {
        (Condition::Failed, done) => {
            next(kind, done).map_or(String::new(), |stage| format!(" at {}", stage.title()))
        }
        (Condition::Done, _) | (_, None) => String::new(),
        (_, Some(done)) => format!(", {} done", done.title()),
    };
    format!("{subruns}: {word}{rest}")
}

/// The row in words: `6 subruns: 1 done, 2 failed`.
fn summary(status: &SequenceStatus) -> String {
    use Condition::{Done, Failed, Idle, Running, Waiting};
    let parts = [Done, Running, Waiting, Failed, Idle]
        .into_iter()
        .map(|condition| (status.count(condition), condition))
        .filter(|(number, _)| *number > 0)
        .map(|(number, condition)| format!("{number} {}", condition.as_str()))
        .collect::<Vec<_>>();
    format!("{}: {}", format::plural(status.known_subruns(), "subrun"), parts.join(", "))
}

/// Links to the logs of the first failed subruns, and to the run for the others.
fn failed_links(date: NightDate, run: RunId, segments: &[Segment]) -> impl IntoView + use<> {
    let failed = || {
        let failed = segments.iter().filter(|segment| segment.condition == Condition::Failed);
        failed.flat_map(|segment| segment.first..=segment.last).map(Subrun)
    };
    let more = failed().count().saturating_sub(NAMED);
    let named = failed()
        .take(NAMED)
        .map(|subrun| {
            let label = format!("Log of failed subrun {run}.{subrun}");
            view! {
                <a class="failure" href=links::subrun(date, run, subrun) aria-label=label>
                    <i class="icon" aria-hidden="true"></i>
                    {subrun.to_string()}
                </a>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <span class="failures state failed">
            {named}
            {(more > 0).then(|| view! { <a href=links::run(date, run)>"and "{more}" more"</a> })}
        </span>
    }
}

/// What the columns mean.
fn legend() -> impl IntoView {
    let stages = [("s1", "DL1a"), ("s2", "DL1b"), ("s3", "Datacheck")].map(|(class, word)| {
        view! { <li><i class=format!("swatch {class} idle") aria-hidden="true"></i>{word}</li> }
    });
    let conditions = [Condition::Done, Condition::Running, Condition::Waiting, Condition::Failed]
        .map(|condition| {
            let tone = Tone::from(condition);
            let class = format!("swatch s{} {}", if tone == Tone::Done { 4 } else { 1 }, tone.class());
            view! { <li><i class=class aria-hidden="true"></i>{badge(tone, condition.as_str())}</li> }
        });
    view! {
        <ul class="legend" aria-label="Legend">
            <li>"Height: last stage done"</li>
            {stages.into_iter().collect::<Vec<_>>()}
            {conditions.into_iter().collect::<Vec<_>>()}
        </ul>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_says_what_happened_to_whom() {
        let mut segment =
            Segment { first: 4, last: 4, done: Some(Stage::R0ToDl1), condition: Condition::Failed };
        assert_eq!(describe(Kind::Data, &segment), "0004: failed at DL1b");
        segment.done = None;
        assert_eq!(describe(Kind::Calibration, &segment), "0004: failed at DRS4 baseline");
        segment = Segment {
            first: 12,
            last: 40,
            done: Some(Stage::Dl1ab),
            condition: Condition::Running,
        };
        assert_eq!(describe(Kind::Data, &segment), "0012–0040: running, DL1b done");
    }
}
