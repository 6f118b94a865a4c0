//! Notes about the data quality: made and withdrawn in the browser and by programs.

use app::backend::BackendError;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form, Json};
use serde::Deserialize;

use super::WebState;
use super::problem::Problem;
use super::who::Who;
use crate::datacheck::figure::NightSheet;
use crate::model::{Author, DatacheckNote, NewNote, NightDate, Role};
use crate::store::StoreError;

use super::figures::RunFigures;

/// `GET /api/v1/nights/{date}/notes`: also those that were withdrawn.
pub async fn list(
    State(state): State<WebState>,
    Path(date): Path<String>,
) -> Result<Json<Vec<DatacheckNote>>, Problem> {
    Ok(Json(state.watcher.notes(date.parse()?).await?))
}

/// `POST /api/v1/nights/{date}/notes`
pub async fn order(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    Path(date): Path<String>,
    Json(note): Json<NewNote>,
) -> Result<Response, Problem> {
    let note = add(&state, &who, date.parse()?, note).await?;
    Ok((StatusCode::CREATED, Json(note)).into_response())
}

/// `POST /api/v1/nights/{date}/notes/{note}/withdraw`
pub async fn withdraw_order(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    Path((date, note)): Path<(String, String)>,
) -> Result<Json<DatacheckNote>, Problem> {
    Ok(Json(withdraw(&state, &who, date.parse()?, &note).await?))
}

/// The form below figures. Fields that are empty are none.
#[derive(Debug, Deserialize)]
pub struct NoteForm {
    #[serde(default)]
    run: String,
    #[serde(default)]
    sheet: String,
    #[serde(default)]
    text: String,
}

/// `POST /nights/{date}/notes`
pub async fn make(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    Path(date): Path<String>,
    Form(form): Form<NoteForm>,
) -> Response {
    let made = async {
        let date: NightDate = date.parse().map_err(|e| BackendError::not_found(format!("{e}")))?;
        let run = match form.run.as_str() {
            "" => None,
            run => Some(run.parse().map_err(|e| BackendError::not_found(format!("{e}")))?),
        };
        let sheet = Some(form.sheet).filter(|sheet| !sheet.is_empty());
        add(&state, &who, date, NewNote { run, sheet, text: form.text }).await
    };
    back(&state, &who, made.await).await
}

/// `POST /nights/{date}/notes/{note}/withdraw`
pub async fn take_back(
    State(state): State<WebState>,
    Extension(who): Extension<Who>,
    Path((date, note)): Path<(String, String)>,
) -> Response {
    let taken = match date.parse().map_err(|e| BackendError::not_found(format!("{e}"))) {
        Ok(date) => withdraw(&state, &who, date, &note).await,
        Err(error) => Err(error),
    };
    back(&state, &who, taken).await
}

/// To the figures that the note is about.
async fn back(state: &WebState, who: &Who, note: Result<DatacheckNote, BackendError>) -> Response {
    let note = match note {
        Ok(note) => note,
        Err(error) => return state.instead(who, error).await,
    };
    let run = note.run.map_or_else(String::new, |run| format!("/runs/{run}"));
    let sheet = note.sheet.map_or_else(String::new, |sheet| format!("?sheet={sheet}"));
    let to = format!("{}/nights/{}{run}/datacheck{sheet}#notes", state.prefix, note.night);
    Redirect::to(&to).into_response()
}

async fn add(
    state: &WebState,
    who: &Who,
    date: NightDate,
    note: NewNote,
) -> Result<DatacheckNote, BackendError> {
    let author = author(who)?;
    let note = note.checked().map_err(BackendError::invalid)?;
    let night = state.watcher.see_night(date).await.seen()?.value;
    if let Some(run) = note.run
        && !night.data().any(|status| status.sequence.run == run)
    {
        let text = format!("night {date} has no run {run} with data quality");
        return Err(BackendError::not_found(text));
    }
    if let Some(sheet) = &note.sheet {
        let known = match note.run {
            Some(_) => RunFigures::by_key(Some(sheet)).is_ok(),
            None => NightSheet::by_key(sheet).is_some(),
        };
        let text = || BackendError::invalid(format!("there is no sheet of figures {sheet:?}"));
        known.then_some(()).ok_or_else(text)?;
    }
    let now = (state.people.clock)();
    let store = &state.people.store;
    let id = store.note((date, &night.prod_id), &note, &author, now).await.map_err(lost)?;
    tracing::info!(%date, user = %author, "a note was added");
    found(state, date, id).await
}

async fn withdraw(
    state: &WebState,
    who: &Who,
    date: NightDate,
    note: &str,
) -> Result<DatacheckNote, BackendError> {
    let author = author(who)?;
    let none = || BackendError::not_found(format!("night {date} has no note {note:?}"));
    let note = found(state, date, note.parse().map_err(|_| none())?).await?;
    if note.author != author && !who.may(Role::Shifter) {
        let text = "only who wrote a note may withdraw it, or a shifter".to_owned();
        return Err(BackendError::forbidden(text));
    }
    let now = (state.people.clock)();
    // One that was withdrawn already is as it should be.
    state.people.store.withdraw_note(note.id, &author, now).await.map_err(lost)?;
    found(state, date, note.id).await
}

async fn found(state: &WebState, date: NightDate, id: i64) -> Result<DatacheckNote, BackendError> {
    let notes = state.watcher.notes(date).await?;
    let none = || BackendError::not_found(format!("night {date} has no note {id}"));
    notes.into_iter().find(|note| note.id == id).ok_or_else(none)
}

/// Who signs; the rule of the route keeps out whoever has not shown who they are.
fn author(who: &Who) -> Result<Author, BackendError> {
    let author = who.author.as_ref().and_then(|author| author.to_string().parse().ok());
    author.ok_or_else(|| BackendError::forbidden("sign in first"))
}

fn lost(error: StoreError) -> BackendError {
    BackendError::unavailable(format!("the note was not kept: {error}: {}", error.cause))
}
