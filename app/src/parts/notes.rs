//! Notes about the data quality: who has looked at what, and what they saw.

use leptos::prelude::*;

use super::{format, links};
use crate::api::{AddNote, WithdrawNote};
use crate::form::{FormToken, action, button};
use crate::model::{Author, DatacheckNote, DatacheckSheet, NewNote, Role};
use crate::people::visitor;

/// Notes without their forms, as tables and lists show them; nothing if there is none.
pub fn list<'a>(notes: impl Iterator<Item = &'a DatacheckNote>) -> Option<AnyView> {
    let items = notes.map(|note| view! { <li>{text(note)}</li> }).collect::<Vec<_>>();
    (!items.is_empty()).then(|| view! { <ul class="noted">{items}</ul> }.into_any())
}

/// Who, when, about what, and what they saw.
fn text(note: &DatacheckNote) -> impl IntoView + use<> {
    let about = match (note.run, &note.sheet) {
        (run, Some(sheet)) => {
            let href = format!("{}?sheet={sheet}", links::datacheck(note.night, run));
            Some(view! { ", " <a href=href>{sheet.clone()}</a> })
        }
        _ => None,
    };
    let seen = match note.text.as_str() {
        "" => view! { <span class="hint">"has looked at it"</span> }.into_any(),
        text => view! { <span class="text">{text.to_owned()}</span> }.into_any(),
    };
    view! {
        <span class="hint">{name(&note.author)} ", " {format::utc(note.made)} {about} ": "</span>
        {seen}
    }
}

/// Who, without how they came.
fn name(author: &Author) -> String {
    match author {
        Author::Web(name) | Author::Cli(name) | Author::Token(name) => name.clone(),
        Author::Auto => "osa".to_owned(),
    }
}

/// Below the figures of a run or night: the notes, and the form of a new one for those who are
/// signed in.
pub fn section(sheet: &DatacheckSheet) -> impl IntoView + use<> {
    let items = sheet.notes.iter().map(|note| item(note, sheet)).collect::<Vec<_>>();
    let list = (!items.is_empty()).then(|| view! { <ul class="noted">{items}</ul> });
    let none = sheet.notes.is_empty().then(|| view! { <p class="none">"Nobody yet."</p> });
    let form = match visitor().may(Role::Viewer) {
        true => form(sheet).into_any(),
        false => view! {
            <p class="hint"><a href="sign-in">"Sign in"</a>" to say that you have looked at it."</p>
        }
        .into_any(),
    };
    view! {
        <section id="notes" class="part" aria-labelledby="notes-title">
            <h2 id="notes-title">"Who has looked at it"</h2>
            {list}
            {none}
            {form}
        </section>
    }
}

/// This sheet's page, at its notes.
fn here(sheet: &DatacheckSheet) -> String {
    format!("{}?sheet={}#notes", links::datacheck(sheet.date, sheet.run), sheet.key)
}

fn item(note: &DatacheckNote, sheet: &DatacheckSheet) -> impl IntoView + use<> {
    let visitor = visitor();
    let own = visitor
        .signed_in
        .as_ref()
        .is_some_and(|signed_in| note.author == Author::Web(signed_in.name.to_string()));
    let button = (own || visitor.may(Role::Shifter)).then(|| {
        let fields = [("date", note.night.to_string()), ("note", note.id.to_string())];
        let of = format!("the note of {}", name(&note.author));
        button::<WithdrawNote>(&here(sheet), &fields, "Withdraw", &of, "small")
    });
    let run = note.run.map(|run| {
        let href = links::datacheck(note.night, Some(run));
        view! { <a href=href>{format!("Run {run}")}</a> " " }
    });
    view! { <li>{run}{text(note)}{button}</li> }
}

fn form(sheet: &DatacheckSheet) -> impl IntoView + use<> {
    let run = sheet.run.map(|run| {
        let value = run.to_string();
        view! { <input type="hidden" name="run" value=value/> }
    });
    let of = if sheet.run.is_some() { "The run as a whole" } else { "The night as a whole" };
    let (key, title) = (sheet.key.clone(), sheet.title.clone());
    view! {
        <form class="note" method="post" action={action::<AddNote>(&here(sheet), None)}>
            <FormToken/>
            <input type="hidden" name="date" value=sheet.date.to_string()/>
            {run}
            <label>
                "About "
                <select name="sheet">
                    <option value="">{of}</option>
                    <option value=key>{title}</option>
                </select>
            </label>
            <label>
                "What I saw (may be left empty) "
                <textarea name="text" rows="3" maxlength=NewNote::LONGEST></textarea>
            </label>
            <button>"Note that I have looked"</button>
        </form>
    }
}
