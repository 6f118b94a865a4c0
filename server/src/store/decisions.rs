//! Decisions about runs. None is ever deleted: one that is undone stays, with who undid it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row};

use crate::model::{Author, Choice, Decision, NightDate, ProdId, RunId, Undone};

use super::submissions::parsed;
use super::{Store, StoreError};

/// A decision that is to be recorded.
#[derive(Clone, Copy, Debug)]
pub struct NewDecision<'a> {
    /// The night.
    pub date: NightDate,
    /// The production.
    pub prod_id: &'a ProdId,
    /// The run.
    pub run: RunId,
    /// What was decided.
    pub choice: &'a Choice,
    /// Why; may be empty.
    pub reason: &'a str,
    /// Who decided.
    pub author: &'a Author,
}

const COLUMNS: &str = "id, date, prod_id, run, decision, reason, author, made, undone_by, undone";

impl Store {
    /// Records a decision; returns its number.
    pub async fn decide(
        &self,
        new: &NewDecision<'_>,
        at: DateTime<Utc>,
    ) -> Result<i64, StoreError> {
        let choice = serde_json::to_string(new.choice)
            .map_err(|cause| self.error(sqlx::Error::Encode(cause.into())))?;
        let row = sqlx::query(
            "INSERT INTO decisions (date, prod_id, run, decision, reason, author, made)
             VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
        )
        .bind(new.date.to_string())
        .bind(new.prod_id.as_str())
        .bind(new.run.0)
        .bind(choice)
        .bind(new.reason)
        .bind(new.author.to_string())
        .bind(at)
        .fetch_one(&self.pool)
        .await;
        row.and_then(|row| row.try_get("id")).map_err(|e| self.error(e))
    }

    /// Ends a decision; `false` if it had ended already.
    pub async fn undo_decision(
        &self,
        id: i64,
        author: &Author,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        sqlx::query(
            "UPDATE decisions SET undone_by = ?, undone = ? WHERE id = ? AND undone IS NULL",
        )
        .bind(author.to_string())
        .bind(at)
        .bind(id)
        .execute(&self.pool)
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(|e| self.error(e))
    }

    /// All decisions about a night's runs, also those that were undone, oldest first. None where
    /// the books are older than decisions and were opened to be read only.
    pub async fn decisions(
        &self,
        date: NightDate,
        prod_id: &ProdId,
    ) -> Result<Vec<Decision>, StoreError> {
        if !self.has_table("decisions").await? {
            return Ok(Vec::new());
        }
        let sql =
            format!("SELECT {COLUMNS} FROM decisions WHERE date = ? AND prod_id = ? ORDER BY id");
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(date.to_string())
            .bind(prod_id.as_str())
            .fetch_all(&self.pool)
            .await;
        rows.and_then(|rows| rows.iter().map(decision).collect()).map_err(|e| self.error(e))
    }

    /// The decisions that act, of all nights of a production.
    pub async fn decisions_of_all_nights(
        &self,
        prod_id: &ProdId,
    ) -> Result<BTreeMap<NightDate, Vec<Decision>>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM decisions WHERE prod_id = ? AND undone IS NULL ORDER BY id"
        );
        let rows =
            sqlx::query(AssertSqlSafe(sql)).bind(prod_id.as_str()).fetch_all(&self.pool).await;
        let decisions: Result<Vec<Decision>, sqlx::Error> =
            rows.and_then(|rows| rows.iter().map(decision).collect());
        let mut nights: BTreeMap<NightDate, Vec<Decision>> = BTreeMap::new();
        for decision in decisions.map_err(|e| self.error(e))? {
            nights.entry(decision.night).or_default().push(decision);
        }
        Ok(nights)
    }
}

fn decision(row: &SqliteRow) -> Result<Decision, sqlx::Error> {
    let choice: String = row.try_get("decision")?;
    let at: Option<DateTime<Utc>> = row.try_get("undone")?;
    let undone = match at {
        Some(at) => Some(Undone { author: parsed(row, "undone_by")?, at }),
        None => None,
    };
    Ok(Decision {
        id: row.try_get("id")?,
        night: parsed(row, "date")?,
        prod_id: parsed(row, "prod_id")?,
        run: RunId(row.try_get("run")?),
        choice: serde_json::from_str(&choice).map_err(|e| sqlx::Error::Decode(e.into()))?,
        reason: row.try_get("reason")?,
        author: parsed(row, "author")?,
        made: row.try_get("made")?,
        undone,
    })
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;
    use crate::model::Subrun;

    #[tokio::test]
    async fn a_decision_acts_until_it_is_undone_and_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("osa.sqlite")).await.unwrap();
        let at = |second| Utc.timestamp_opt(second, 0).unwrap();
        let (date, prod_id) = ("2024-11-28".parse().unwrap(), "v0.1.0".parse().unwrap());
        let (jane, auto) = (Author::Web("jane".into()), Author::Auto);
        let choice = Choice::DropLastSubrun { subrun: Subrun(6) };
        let new = NewDecision {
            date,
            prod_id: &prod_id,
            run: RunId(19102),
            choice: &choice,
            reason: "truncated",
            author: &jane,
        };
        let id = store.decide(&new, at(10)).await.unwrap();
        let acting = store.decisions_of_all_nights(&prod_id).await.unwrap();
        assert_eq!(acting[&date][0].choice, choice);
        assert!(store.undo_decision(id, &auto, at(20)).await.unwrap());
        assert!(!store.undo_decision(id, &jane, at(30)).await.unwrap());
        assert!(store.decisions_of_all_nights(&prod_id).await.unwrap().is_empty());
        let [kept] = &store.decisions(date, &prod_id).await.unwrap()[..] else { panic!("one") };
        assert_eq!(kept.undone, Some(Undone { author: auto, at: at(20) }));
        assert_eq!((&kept.author, kept.made, kept.reason.as_str()), (&jane, at(10), "truncated"));
    }
}
