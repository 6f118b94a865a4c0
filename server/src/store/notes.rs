//! Notes about the data quality. None is ever deleted: one that is withdrawn stays, with who did.

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::model::{Author, DatacheckNote, NewNote, NightDate, ProdId, RunId, Undone};

use super::submissions::parsed;
use super::{Store, StoreError};

impl Store {
    /// Records a note; returns its number.
    pub async fn note(
        &self,
        (date, prod_id): (NightDate, &ProdId),
        note: &NewNote,
        author: &Author,
        at: DateTime<Utc>,
    ) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "INSERT INTO datacheck_notes (date, prod_id, run, sheet, text, author, made)
             VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
        )
        .bind(date.to_string())
        .bind(prod_id.as_str())
        .bind(note.run.map(|run| run.0))
        .bind(&note.sheet)
        .bind(&note.text)
        .bind(author.to_string())
        .bind(at)
        .fetch_one(&self.pool)
        .await;
        row.and_then(|row| row.try_get("id")).map_err(|e| self.error(e))
    }

    /// Withdraws a note; `false` if that was done already.
    pub async fn withdraw_note(
        &self,
        id: i64,
        author: &Author,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        sqlx::query(
            "UPDATE datacheck_notes SET withdrawn_by = ?, withdrawn = ?
             WHERE id = ? AND withdrawn IS NULL",
        )
        .bind(author.to_string())
        .bind(at)
        .bind(id)
        .execute(&self.pool)
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(|e| self.error(e))
    }

    /// All notes about a night and its runs, also those that were withdrawn, oldest first.
    pub async fn notes(
        &self,
        date: NightDate,
        prod_id: &ProdId,
    ) -> Result<Vec<DatacheckNote>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, date, run, sheet, text, author, made, withdrawn_by, withdrawn
             FROM datacheck_notes WHERE date = ? AND prod_id = ? ORDER BY id",
        )
        .bind(date.to_string())
        .bind(prod_id.as_str())
        .fetch_all(&self.pool)
        .await;
        rows.and_then(|rows| rows.iter().map(note).collect()).map_err(|e| self.error(e))
    }
}

fn note(row: &SqliteRow) -> Result<DatacheckNote, sqlx::Error> {
    let at: Option<DateTime<Utc>> = row.try_get("withdrawn")?;
    let withdrawn = match at {
        Some(at) => Some(Undone { author: parsed(row, "withdrawn_by")?, at }),
        None => None,
    };
    let run: Option<u32> = row.try_get("run")?;
    Ok(DatacheckNote {
        id: row.try_get("id")?,
        night: parsed(row, "date")?,
        run: run.map(RunId),
        sheet: row.try_get("sheet")?,
        text: row.try_get("text")?,
        author: parsed(row, "author")?,
        made: row.try_get("made")?,
        withdrawn,
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[tokio::test]
    async fn a_note_is_withdrawn_once_and_kept() {
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
