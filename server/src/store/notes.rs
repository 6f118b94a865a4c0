//! Notes about the data quality. None is ever deleted: one that is withdrawn stays, with who did.

use chrono::{DateTime, Utc};
use sqlx::types::Text;

use crate::model::{Author, DatacheckNote, NewNote, NightDate, ProdId, RunId, Undone};

use super::{Store, StoreError, Timestamp};

impl Store {
    /// Records a note; returns its number.
    pub async fn note(
        &self,
        (date, prod_id): (NightDate, &ProdId),
        note: &NewNote,
        author: &Author,
        at: DateTime<Utc>,
    ) -> Result<i64, StoreError> {
        let note = sqlx::query!(
            "INSERT INTO datacheck_notes (date, prod_id, run, sheet, text, author, made)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            Text(date),
            prod_id.as_str(),
            note.run.map(|run| run.0),
            note.sheet,
            note.text,
            Text(author),
            Timestamp(at),
        );
        self.write(async |db| Ok(note.execute(db).await?.last_insert_rowid())).await
    }

    /// Withdraws a note; `false` if that was done already.
    pub async fn withdraw_note(
        &self,
        id: i64,
        author: &Author,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let note = sqlx::query!(
            "UPDATE datacheck_notes SET withdrawn_by = ?, withdrawn = ?
             WHERE id = ? AND withdrawn IS NULL",
            Text(author),
            Timestamp(at),
            id,
        );
        self.write(async |db| Ok(note.execute(db).await?.rows_affected() == 1)).await
    }

    /// All notes about a night and its runs, also those that were withdrawn, oldest first.
    pub async fn notes(
        &self,
        date: NightDate,
        prod_id: &ProdId,
    ) -> Result<Vec<DatacheckNote>, StoreError> {
        let notes = sqlx::query!(
            r#"SELECT id, date AS "date: Text<NightDate>", run AS "run: u32", sheet, text,
                      author AS "author: Text<Author>", made AS "made: Timestamp",
                      withdrawn_by AS "withdrawn_by: Text<Author>",
                      withdrawn AS "withdrawn: Timestamp"
               FROM datacheck_notes WHERE date = ? AND prod_id = ? ORDER BY id"#,
            Text(date),
            prod_id.as_str(),
        );
        let notes = notes.map(|row| DatacheckNote {
            id: row.id,
            night: row.date.0,
            run: row.run.map(RunId),
            sheet: row.sheet,
            text: row.text,
            author: row.author.0,
            made: row.made.0,
            withdrawn: row
                .withdrawn_by
                .zip(row.withdrawn)
                .map(|(author, at)| Undone { author: author.0, at: at.0 }),
        });
        self.wrap(notes.fetch_all(self.readers()).await)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[tokio::test]
    async fn a_note_is_withdrawn_once_and_stays_on_record() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("osa.sqlite")).await.unwrap();
        let at = |second| Utc.timestamp_opt(second, 0).unwrap();
        let (date, prod_id) = ("2024-11-28".parse().unwrap(), "v0.1.0".parse().unwrap());
        let (jane, bob) = (Author::Web("jane".into()), Author::Web("bob".into()));
        let new = NewNote {
            run: Some(RunId(19102)),
            sheet: Some("rates".into()),
            text: "clouds'; DROP TABLE datacheck_notes; --".into(),
        };
        let id = store.note((date, &prod_id), &new, &jane, at(10)).await.unwrap();
        let night = store.note((date, &prod_id), &NewNote::default(), &bob, at(11)).await.unwrap();
        assert!(store.withdraw_note(id, &bob, at(20)).await.unwrap());
        assert!(!store.withdraw_note(id, &jane, at(30)).await.unwrap());
        let notes = store.notes(date, &prod_id).await.unwrap();
        assert_eq!(notes.iter().map(|note| note.id).collect::<Vec<_>>(), [id, night]);
        assert_eq!((notes[0].run, notes[0].sheet.as_deref()), (new.run, Some("rates")));
        assert_eq!((&notes[0].text, &notes[0].author, notes[0].made), (&new.text, &jane, at(10)));
        assert_eq!(notes[0].withdrawn, Some(Undone { author: bob, at: at(20) }));
        assert_eq!((notes[1].run, &notes[1].withdrawn, notes[1].text.as_str()), (None, &None, ""));
        let other = "v0.2.0".parse().unwrap();
        assert!(store.notes(date, &other).await.unwrap().is_empty());
    }
}
