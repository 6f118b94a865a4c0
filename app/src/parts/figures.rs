//! Figures of data quality on a page: the drawings, the ways to have them otherwise, and the choice of
//! what is drawn and how. All of it are plain links and forms.

use std::collections::BTreeMap;

use leptos::prelude::*;

use super::state::Tone;
use super::{links, quality};
use crate::model::{FigureChoice, FigureInfo, ValueLimits, ValueScale, Verdict};

/// A sheet of figures as a page shows it.
pub struct Shown<'a> {
    /// The page's address, without a query.
    pub address: String,
    /// The address of the figures, without a name.
    pub figures: String,
    /// Parameters that stay as they are whatever is chosen.
    pub carried: Vec<(&'static str, String)>,
    /// Every sheet there is: its permanent name and its title.
    pub sheets: &'a [(String, String)],
    /// The permanent name of this sheet.
    pub key: &'a str,
    /// Its figures.
    pub infos: &'a [FigureInfo],
    /// The worst of what sheets show, by their permanent names, if it is not ok.
    pub marks: &'a BTreeMap<String, Verdict>,
    /// How addresses of figures end.
    pub query: &'a str,
    /// How values are shown.
    pub choice: &'a FigureChoice,
}

/// In which forms something is to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formats {
    /// A figure.
    Figure,
    /// A sheet.
    Sheet,
}

impl Shown<'_> {
    /// A figure's address, with a place for its suffix.
    fn figure(&self, id: &str) -> Address {
        Address(format!("{}/{id}", self.figures), self.query.to_owned())
    }

    /// The page of a sheet, all shown as usual.
    fn sheet(&self, key: &str) -> String {
        self.carried.iter().fold(format!("{}?sheet={key}", self.address), |href, (name, value)| {
            format!("{href}&{name}={}", links::quoted(value))
        })
    }

    /// The address of the sheet as one page.
    pub fn whole(&self) -> Address {
        self.figure("sheet")
    }

    /// Every figure: drawing, notes and other forms.
    pub fn drawings(&self) -> impl IntoView + use<> {
        self.infos.iter().map(|info| drawing(&self.figure(&info.id), info)).collect::<Vec<_>>()
    }
}

/// An address that lacks its suffix.
pub struct Address(String, String);

impl Address {
    fn with(&self, suffix: &str) -> String {
        format!("{}.{suffix}{}", self.0, self.1)
    }
}

fn drawing(address: &Address, info: &FigureInfo) -> impl IntoView + use<> {
    let source = address.with("svg");
    let (href, title) = (source.clone(), info.title.clone());
    let readout = info.pixels.then(|| {
        view! {
            <p class="hint">
                <output class="readout">"Pixels tell their values, and lead to their history."</output>
            </p>
        }
    });
    view! {
        <figure id=format!("figure-{}", info.id)>
            <a href=href class=info.pixels.then_some("map")>
                <img src=source alt=title loading="lazy" width="620" height="540"/>
            </a>
            <figcaption>
                {info.verdict.map(|own| judged(own, &info.reasons))}
                {readout} {notes(&info.notes)} {formats(address, &info.title, Formats::Figure)}
            </figcaption>
        </figure>
    }
}

/// The most reasons that a figure tells.
const MOST_REASONS: usize = 6;

/// What is thought of a figure, and why.
fn judged(own: Verdict, reasons: &[String]) -> impl IntoView + use<> {
    let mut texts: Vec<String> = reasons.iter().take(MOST_REASONS).cloned().collect();
    if reasons.len() > MOST_REASONS {
        texts.push(format!("and {} more", reasons.len() - MOST_REASONS));
    }
    let text = texts.join("; ");
    view! { <p class="judged">{quality::verdict(own)}<span>{text}</span></p> }
}

/// Links to something in its forms.
pub fn formats(address: &Address, title: &str, which: Formats) -> impl IntoView + use<> {
    let suffixes: &[&str] = match which {
        Formats::Figure => &["svg", "png", "pdf", "csv", "json"],
        Formats::Sheet => &["pdf", "png"],
    };
    let links = suffixes
        .iter()
        .map(|suffix| {
            let name = format!("{title} as {}", suffix.to_uppercase());
            let href = address.with(suffix);
            view! { <a href=href aria-label=name>{suffix.to_uppercase()}</a> }
        })
        .collect::<Vec<_>>();
    view! { <span class="formats">{links}</span> }
}

/// What must be known; nothing if there is nothing.
pub fn notes(lines: &[String]) -> Option<AnyView> {
    if lines.is_empty() {
        return None;
    }
    let items = lines.iter().map(|line| view! { <li>{line.clone()}</li> }).collect::<Vec<_>>();
    Some(view! { <ul class="notes">{items}</ul> }.into_any())
}

/// The way to the other sheets.
pub fn sheets(shown: &Shown<'_>) -> impl IntoView + use<> {
    let items = shown
        .sheets
        .iter()
        .map(|(key, title)| {
            let href = shown.sheet(key);
            let current = (key == shown.key).then_some("page");
            let mark = shown.marks.get(key).map(|own| {
                let class = format!("mark {}", Tone::from(*own).class());
                let word = format!(" ({})", own.as_str());
                view! {
                    <span class=class>
                        <i class="icon" aria-hidden="true"></i>
                        <span class="unseen">{word}</span>
                    </span>
                }
            });
            view! { <li><a href=href aria-current=current>{title.clone()}</a>{mark}</li> }
        })
        .collect::<Vec<_>>();
    view! { <nav class="sheets" aria-label="Sheets of figures"><ul>{items}</ul></nav> }
}

/// Parameters that a form keeps.
pub fn hidden(carried: &[(&'static str, String)]) -> impl IntoView + use<> {
    let inputs = carried.iter().map(|(name, value)| {
        let value = value.clone();
        view! { <input type="hidden" name=*name value=value/> }
    });
    inputs.collect::<Vec<_>>()
}

/// The choice of scale and limits.
pub fn choices(shown: &Shown<'_>) -> impl IntoView + use<> {
    let choice = shown.choice;
    let option = |value: &str, name: &str, chosen: bool| {
        let (value, name) = (value.to_owned(), name.to_owned());
        view! { <option value=value selected=chosen>{name}</option> }
    };
    let figures = shown
        .infos
        .iter()
        .map(|info| option(&info.id, &info.title, choice.figure.as_ref() == Some(&info.id)))
        .collect::<Vec<_>>();
    let scales =
        [("linear", "Linear", ValueScale::Linear), ("log", "Logarithmic", ValueScale::Log)]
            .map(|(value, name, scale)| option(value, name, choice.scale == Some(scale)))
            .into_iter()
            .collect::<Vec<_>>();
    let kinds = [("all", "All values"), ("percentile", "Percentiles"), ("value", "Values")];
    let (kind, low, high) = match choice.limits {
        None => ("", None, None),
        Some(ValueLimits::All) => ("all", None, None),
        Some(ValueLimits::Percentile(low, high)) => ("percentile", Some(low), Some(high)),
        Some(ValueLimits::Value(low, high)) => ("value", Some(low), Some(high)),
    };
    let limits = kinds
        .map(|(value, name)| option(value, name, value == kind))
        .into_iter()
        .collect::<Vec<_>>();
    let usual = shown.sheet(shown.key);
    let back = (!choice.is_usual()).then(|| view! { <a href=usual>"As usual"</a> });
    let key = shown.key.to_owned();
    let action = shown.address.clone();
    view! {
        <details class="choice" open=!choice.is_usual()>
            <summary>"Scale and limits"</summary>
            <form class="row" action=action>
                <input type="hidden" name="sheet" value=key/>
                {hidden(&shown.carried)}
                <label>
                    "Of "
                    <select name="figure"><option value="">"All figures"</option>{figures}</select>
                </label>
                <label>
                    "Scale "
                    <select name="scale"><option value="">"As usual"</option>{scales}</select>
                </label>
                <label>
                    "Limits "
                    <select name="limits"><option value="">"As usual"</option>{limits}</select>
                </label>
                <label>"From " <input name="low" inputmode="decimal" size="6" value=low.map(|v| v.to_string())/></label>
                <label>"to " <input name="high" inputmode="decimal" size="6" value=high.map(|v| v.to_string())/></label>
                <button>"Show"</button>
                {back}
            </form>
        </details>
    }
}
