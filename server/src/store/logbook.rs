//! The logbook: a line is begun before something is done to a night, and ended after.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::model::{Author, DeedOutcome, LogbookEntry, NightDate, ProdId};

use super::submissions::parsed;
use super::{Store, StoreError};

/// Something that is about to be done to a night.
#[derive(Clone, Copy, Debug)]
pub struct Deed<'a, P: Serialize> {
    /// The night.
    pub date: NightDate,
    /// The production.
    pub prod_id: &'a ProdId,
    /// Who.
    pub author: &'a Author,
    /// The program that does it, `user@host:pid`.
    pub process: &'a str,
    /// What, in one word: `launch`, `cancel`.
    pub action: &'a str,
    /// What exactly: the plan that is carried out.
    pub plan: &'a P,
}

impl Store {
    /// Begins a line of the logbook; returns its number.
    pub async fn begin_deed<P: Serialize>(
        &self,
        deed: &Deed<'_, P>,
        at: DateTime<Utc>,
    ) -> Result<i64, StoreError> {
        let plan = serde_json::to_string(deed.plan)
            .map_err(|cause| self.error(sqlx::Error::Encode(cause.into())))?;
        let row = sqlx::query(
            "INSERT INTO logbook (date, prod_id, author, process, action, plan, begun)
             VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
        )
        .bind(deed.date.to_string())
        .bind(deed.prod_id.as_str())
        .bind(deed.author.to_string())
        .bind(deed.process)
        .bind(deed.action)
        .bind(plan)
        .bind(at)
        .fetch_one(&self.pool)
        .await;
        row.and_then(|row| row.try_get("id")).map_err(|e| self.error(e))
    }

    /// Ends a line of the logbook. A line that has ended stays as it is.
    pub async fn end_deed(
        &self,
        id: i64,
        outcome: &DeedOutcome,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE logbook SET ended = ?, well = ?, outcome = ? WHERE id = ? AND ended IS NULL",
        )
        .bind(at)
        .bind(outcome.well)
        .bind(&outcome.message)
        .bind(id)
        .execute(&self.pool)
        .await
        .map(|_| ())
        .map_err(|e| self.error(e))
    }

    /// The logbook of a night, oldest line first. Empty where the books are older than logbooks and
    /// were opened to be read only.
    pub async fn logbook(
        &self,
        date: NightDate,
        prod_id: &ProdId,
    ) -> Result<Vec<LogbookEntry>, StoreError> {
        if !self.has_table("logbook").await? {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(
            "SELECT id, date, prod_id, author, process, action, plan, begun, ended, well, outcome
             FROM logbook WHERE date = ? AND prod_id = ? ORDER BY id",
        )
        .bind(date.to_string())
        .bind(prod_id.as_str())
        .fetch_all(&self.pool)
        .await;
        rows.and_then(|rows| rows.iter().map(entry).collect()).map_err(|e| self.error(e))
    }

    /// Whether the schema has this table: a file that is only read is not brought up to date.
    pub(crate) async fn has_table(&self, name: &str) -> Result<bool, StoreError> {
        sqlx::query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?")
            .bind(name)
            .fetch_optional(&self.pool)
            .await
            .map(|row| row.is_some())
            .map_err(|e| self.error(e))
    }
}

fn entry(row: &SqliteRow) -> Result<LogbookEntry, sqlx::Error> {
    let plan: String = row.try_get("plan")?;
    let well: Option<bool> = row.try_get("well")?;
    let message: Option<String> = row.try_get("outcome")?;
    Ok(LogbookEntry {
        id: row.try_get("id")?,
        night: parsed(row, "date")?,
        prod_id: parsed(row, "prod_id")?,
        author: parsed(row, "author")?,
        process: row.try_get("process")?,
        action: row.try_get("action")?,
        plan: serde_json::from_str(&plan).map_err(|e| sqlx::Error::Decode(e.into()))?,
        outcome: well.zip(message).map(|(well, message)| DeedOutcome { well, message }),
        begun: row.try_get("begun")?,
        ended: row.try_get("ended")?,
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[tokio::test]
    async fn a_line_is_begun_and_ended_once() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("osa.sqlite")).await.unwrap();
        let at = |second| Utc.timestamp_opt(second, 0).unwrap();
        let (date, prod_id) = ("2024-11-28".parse().unwrap(), "v0.1.0".parse().unwrap());
        let deed = Deed {
            date,
            prod_id: &prod_id,
            author: &Author::Cli("jane".into()),
            process: "jane@host:1",
            action: "launch",
            plan: &serde_json::json!({ "jobs": ["LST1_19102"] }),
        };
        let id = store.begin_deed(&deed, at(10)).await.unwrap();
        let open = store.logbook(date, &prod_id).await.unwrap();
        assert_eq!((open.len(), open[0].outcome.as_ref(), open[0].ended), (1, None, None));
        let outcome = DeedOutcome { well: true, message: "submitted 1 job".into() };
        store.end_deed(id, &outcome, at(20)).await.unwrap();
        let late = DeedOutcome { well: false, message: "late".into() };
        store.end_deed(id, &late, at(30)).await.unwrap();
        let [line] = &store.logbook(date, &prod_id).await.unwrap()[..] else { panic!("one line") };
        assert_eq!((line.outcome.as_ref(), line.ended), (Some(&outcome), Some(at(20))));
        assert_eq!((line.begun, line.plan["jobs"][0].as_str()), (at(10), Some("LST1_19102")));
        let other = "v0.2.0".parse().unwrap();
        assert!(store.logbook(date, &other).await.unwrap().is_empty());
    }
}
