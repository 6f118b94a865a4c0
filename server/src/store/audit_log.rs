//! The audit log: a line is begun before something is done to a night, and ended after.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::types::{Json, Text};

use crate::model::{ActionOutcome, AuditEntry, Author, NightDate, ProdId};

use super::{Store, StoreError, Timestamp};

/// Something that is about to be done to a night.
#[derive(Clone, Copy, Debug)]
pub struct NewAction<'a, P: Serialize> {
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

/// A row of the table.
struct Line {
    id: i64,
    date: Text<NightDate>,
    prod_id: Text<ProdId>,
    author: Text<Author>,
    process: String,
    action: String,
    plan: Json<serde_json::Value>,
    begun: Timestamp,
    ended: Option<Timestamp>,
    success: Option<bool>,
    outcome: Option<String>,
}

impl From<Line> for AuditEntry {
    fn from(line: Line) -> Self {
        let outcome = line.success.zip(line.outcome);
        Self {
            id: line.id,
            night: line.date.0,
            prod_id: line.prod_id.0,
            author: line.author.0,
            process: line.process,
            action: line.action,
            plan: line.plan.0,
            outcome: outcome.map(|(success, message)| ActionOutcome { success, message }),
            begun: line.begun.0,
            ended: line.ended.map(DateTime::from),
        }
    }
}

impl Store {
    /// Begins a line of the audit log; returns its number.
    pub async fn begin_action<P: Serialize>(
        &self,
        new: &NewAction<'_, P>,
        at: DateTime<Utc>,
    ) -> Result<i64, StoreError> {
        let line = sqlx::query!(
            "INSERT INTO audit_log (date, prod_id, author, process, action, plan, begun)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            Text(new.date),
            new.prod_id.as_str(),
            Text(new.author),
            new.process,
            new.action,
            Json(new.plan),
            Timestamp(at),
        );
        self.write(async |db| Ok(line.execute(db).await?.last_insert_rowid())).await
    }

    /// Ends a line of the audit log. A line that has ended stays as it is.
    pub async fn end_action(
        &self,
        id: i64,
        outcome: &ActionOutcome,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let line = sqlx::query!(
            "UPDATE audit_log SET ended = ?, success = ?, outcome = ? WHERE id = ? AND ended IS NULL",
            Timestamp(at),
            outcome.success,
            outcome.message,
            id,
        );
        self.write(async |db| line.execute(db).await.map(drop)).await
    }

    /// The lines of an action that were begun after `since`, have not ended, and are the last of their
    /// night; oldest first.
    pub async fn last_open_actions(
        &self,
        action: &str,
        since: DateTime<Utc>,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let lines = sqlx::query_as!(
            Line,
            r#"SELECT id, date AS "date: Text<NightDate>", prod_id AS "prod_id: Text<ProdId>",
                      author AS "author: Text<Author>", process, action,
                      plan AS "plan: Json<serde_json::Value>", begun AS "begun: Timestamp",
                      ended AS "ended: Timestamp", success AS "success: bool", outcome
               FROM audit_log AS line
               WHERE action = ? AND ended IS NULL AND begun >= ? AND NOT EXISTS (
                   SELECT 1 FROM audit_log AS later
                   WHERE later.date = line.date AND later.prod_id = line.prod_id
                     AND later.id > line.id
               ) ORDER BY id"#,
            action,
            Timestamp(since),
        );
        let lines = self.wrap(lines.fetch_all(self.readers()).await)?;
        Ok(lines.into_iter().map(AuditEntry::from).collect())
    }

    /// The audit log of a night, oldest line first.
    pub async fn audit_log(
        &self,
        date: NightDate,
        prod_id: &ProdId,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let lines = sqlx::query_as!(
            Line,
            r#"SELECT id, date AS "date: Text<NightDate>", prod_id AS "prod_id: Text<ProdId>",
                      author AS "author: Text<Author>", process, action,
                      plan AS "plan: Json<serde_json::Value>", begun AS "begun: Timestamp",
                      ended AS "ended: Timestamp", success AS "success: bool", outcome
               FROM audit_log WHERE date = ? AND prod_id = ? ORDER BY id"#,
            Text(date),
            prod_id.as_str(),
        );
        let lines = self.wrap(lines.fetch_all(self.readers()).await)?;
        Ok(lines.into_iter().map(AuditEntry::from).collect())
    }
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
        let entry = NewAction {
            date,
            prod_id: &prod_id,
            author: &Author::Cli("jane".into()),
            process: "jane@host:1",
            action: "launch",
            plan: &serde_json::json!({ "jobs": ["LST1_19102"] }),
        };
        let id = store.begin_action(&entry, at(10)).await.unwrap();
        let open = store.audit_log(date, &prod_id).await.unwrap();
        assert_eq!((open.len(), open[0].outcome.as_ref(), open[0].ended), (1, None, None));
        let outcome = ActionOutcome { success: true, message: "submitted 1 job".into() };
        store.end_action(id, &outcome, at(20)).await.unwrap();
        let late = ActionOutcome { success: false, message: "late".into() };
        store.end_action(id, &late, at(30)).await.unwrap();
        let [line] = &store.audit_log(date, &prod_id).await.unwrap()[..] else {
            panic!("one line")
        };
        assert_eq!((line.outcome.as_ref(), line.ended), (Some(&outcome), Some(at(20))));
        assert_eq!((line.begun, line.plan["jobs"][0].as_str()), (at(10), Some("LST1_19102")));
        let other = "v0.2.0".parse().unwrap();
        assert!(store.audit_log(date, &other).await.unwrap().is_empty());
    }
}
