//! Notes about the data quality.

use app::backend::BackendError;

use super::Caller;
use crate::datacheck::figure::NightSheet;
use crate::hint::Hint;
use crate::model::{DatacheckNote, NewNote, NightDate, Role};
use crate::store::StoreError;
use crate::web::figures::RunFigures;

impl Caller {
    /// All notes of a night, also those that were withdrawn.
    pub async fn notes(&self, date: NightDate) -> Result<Vec<DatacheckNote>, BackendError> {
        self.state.watcher.notes(date).await
    }

    /// Records a note.
    pub async fn make_note(
        &self,
        date: NightDate,
        note: NewNote,
    ) -> Result<DatacheckNote, BackendError> {
        let author = self.author(Role::Viewer)?;
        let note = note.checked().map_err(BackendError::invalid)?;
        let night = self.state.watcher.see_night(date).await.versioned()?.value;
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
        let store = &self.state.people.store;
        let night = (date, &night.prod_id);
        let id = store.note(night, &note, &author, self.now()).await.map_err(lost)?;
        tracing::info!(%date, user = %author, "a note was added");
        self.note(date, id).await
    }

    /// Withdraws a note. One that was withdrawn already is as it should be.
    pub async fn take_back_note(
        &self,
        date: NightDate,
        note: i64,
    ) -> Result<DatacheckNote, BackendError> {
        let author = self.author(Role::Viewer)?;
        let note = self.note(date, note).await?;
        if note.author != author && !self.principal.may(Role::Shifter) {
            let text = "only who wrote a note may withdraw it, or a shifter";
            return Err(BackendError::forbidden(text));
        }
        let store = &self.state.people.store;
        store.withdraw_note(note.id, &author, self.now()).await.map_err(lost)?;
        self.note(date, note.id).await
    }

    async fn note(&self, date: NightDate, id: i64) -> Result<DatacheckNote, BackendError> {
        let none = || BackendError::not_found(format!("night {date} has no note {id}"));
        self.notes(date).await?.into_iter().find(|note| note.id == id).ok_or_else(none)
    }
}

fn lost(error: StoreError) -> BackendError {
    let text = format!("the note was not kept: {error}: {}", error.cause);
    BackendError::unavailable(text).with_hint(error.hint())
}
