//! Rows of sign-ins that failed or are not decided yet.

use chrono::{DateTime, Utc};
use sqlx::Row;

use super::{from_millis, millis};
use crate::store::{Store, StoreError};

/// Who tries to sign in.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Hash of the name.
    pub name: &'a str,
    /// From where.
    pub address: &'a str,
    /// When.
    pub at: DateTime<Utc>,
}

/// Earlier attempts, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Attempts {
    /// For the same name.
    pub name: Vec<DateTime<Utc>>,
    /// From the same address.
    pub address: Vec<DateTime<Utc>>,
}

impl Store {
    /// Records an attempt if `allowed` of those since `since`, and forgets the earlier ones. Before
    /// the password is looked at, so that many at once are no more than one after another.
    ///
    /// Gives the number of the record, or what `allowed` says against it.
    pub async fn record_attempt<E>(
        &self,
        attempt: Attempt<'_>,
        since: DateTime<Utc>,
        allowed: impl FnOnce(&Attempts) -> Result<(), E> + Send,
    ) -> Result<Result<i64, E>, StoreError> {
        let wrap = |cause| self.error(cause);
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(wrap)?;
        let forget = sqlx::query("DELETE FROM sign_in_attempts WHERE at < ?").bind(millis(since));
        forget.execute(&mut *transaction).await.map_err(wrap)?;
        let select = "SELECT name = ? AS same_name, address = ? AS same_address, at \
                      FROM sign_in_attempts WHERE same_name OR same_address ORDER BY at";
        let select = sqlx::query(select).bind(attempt.name).bind(attempt.address);
        let rows = select.fetch_all(&mut *transaction).await.map_err(wrap)?;
        let mut earlier = Attempts::default();
        for row in rows {
            let at = row.try_get("at").and_then(|at| from_millis(at, "at")).map_err(wrap)?;
            if row.try_get("same_name").map_err(wrap)? {
                earlier.name.push(at);
            }
            if row.try_get("same_address").map_err(wrap)? {
                earlier.address.push(at);
            }
        }
        if let Err(refusal) = allowed(&earlier) {
            return Ok(Err(refusal));
        }
        let insert = "INSERT INTO sign_in_attempts (name, address, at) VALUES (?, ?, ?)";
        let insert = sqlx::query(insert).bind(attempt.name).bind(attempt.address);
        let insert = insert.bind(millis(attempt.at)).execute(&mut *transaction).await;
        let id = insert.map_err(wrap)?.last_insert_rowid();
        transaction.commit().await.map_err(wrap)?;
        Ok(Ok(id))
    }

    /// The attempt was good: it and those of that name from that address count no more.
    pub async fn attempt_succeeded(&self, attempt: Attempt<'_>) -> Result<(), StoreError> {
        let query = sqlx::query("DELETE FROM sign_in_attempts WHERE name = ? AND address = ?");
        self.changed(query.bind(attempt.name).bind(attempt.address)).await.map(drop)
    }
}
