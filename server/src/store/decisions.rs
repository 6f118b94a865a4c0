//! Decisions about runs. None is ever deleted: one that is undone stays, with who undid it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::types::{Json, Text};

use crate::model::{Author, Choice, Decision, NightDate, ProdId, RunId, Undone};

use super::{Store, StoreError, Timestamp};

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

impl Store {
    /// Records a decision; returns its number.
    pub async fn decide(
        &self,
        new: &NewDecision<'_>,
        at: DateTime<Utc>,
    ) -> Result<i64, StoreError> {
        let decision = sqlx::query!(
            "INSERT INTO decisions (date, prod_id, run, decision, reason, author, made)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            Text(new.date),
            new.prod_id.as_str(),
            new.run.0,
            Json(new.choice),
            new.reason,
            Text(new.author),
            Timestamp(at),
        );
        self.write(async |db| Ok(decision.execute(db).await?.last_insert_rowid())).await
    }

    /// Ends a decision; `false` if it had ended already.
    pub async fn undo_decision(
        &self,
        id: i64,
        author: &Author,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let decision = sqlx::query!(
            "UPDATE decisions SET undone_by = ?, undone = ? WHERE id = ? AND undone IS NULL",
            Text(author),
            Timestamp(at),
            id,
        );
        self.write(async |db| Ok(decision.execute(db).await?.rows_affected() == 1)).await
    }

    /// All decisions about a night's runs, also those that were undone, oldest first.
    pub async fn decisions(
        &self,
        date: NightDate,
        prod_id: &ProdId,
    ) -> Result<Vec<Decision>, StoreError> {
        self.select_decisions(prod_id, Some(date)).await
    }

    /// The decisions that act, of all nights of a production.
    pub async fn decisions_of_all_nights(
        &self,
        prod_id: &ProdId,
    ) -> Result<BTreeMap<NightDate, Vec<Decision>>, StoreError> {
        let mut nights: BTreeMap<NightDate, Vec<Decision>> = BTreeMap::new();
        for decision in self.select_decisions(prod_id, None).await? {
            if decision.undone.is_none() {
                nights.entry(decision.night).or_default().push(decision);
            }
        }
        Ok(nights)
    }

    /// The decisions of a production about one night, or all.
    async fn select_decisions(
        &self,
        prod_id: &ProdId,
        date: Option<NightDate>,
    ) -> Result<Vec<Decision>, StoreError> {
        let decisions = sqlx::query!(
            r#"SELECT id, date AS "date: Text<NightDate>", prod_id AS "prod_id: Text<ProdId>",
                      run AS "run: u32", decision AS "decision: Json<Choice>", reason,
                      author AS "author: Text<Author>", made AS "made: Timestamp",
                      undone_by AS "undone_by: Text<Author>", undone AS "undone: Timestamp"
               FROM decisions WHERE prod_id = ?1 AND (?2 IS NULL OR date = ?2) ORDER BY id"#,
            prod_id.as_str(),
            date.map(Text),
        );
        let decisions = decisions.map(|row| Decision {
            id: row.id,
            night: row.date.0,
            prod_id: row.prod_id.0,
            run: RunId(row.run),
            choice: row.decision.0,
            reason: row.reason,
            author: row.author.0,
            made: row.made.0,
            undone: row
                .undone_by
                .zip(row.undone)
                .map(|(author, at)| Undone { author: author.0, at: at.0 }),
        });
        self.wrap(decisions.fetch_all(self.readers()).await)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;
    use crate::model::Subrun;

    #[tokio::test]
    async fn a_decision_acts_until_it_is_undone_and_stays_on_record() {
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
