//! Rows of sign-ins that failed or are not decided yet.

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use crate::store::{Store, StoreError, Timestamp};

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
        let forget = sqlx::query!("DELETE FROM sign_in_attempts WHERE at < ?", Timestamp(since));
        let record = sqlx::query!(
            "INSERT INTO sign_in_attempts (name, address, at) VALUES (?, ?, ?)",
            attempt.name,
            attempt.address,
            Timestamp(attempt.at),
        );
        self.write(async |db| {
            forget.execute(&mut *db).await?;
            if let Err(refusal) = allowed(&earlier(&mut *db, attempt).await?) {
                return Ok(Err(refusal));
            }
            Ok(Ok(record.execute(db).await?.last_insert_rowid()))
        })
        .await
    }

    /// The attempt was good: it and those of that name from that address count no more.
    pub async fn attempt_succeeded(&self, attempt: Attempt<'_>) -> Result<(), StoreError> {
        let attempts = sqlx::query!(
            "DELETE FROM sign_in_attempts WHERE name = ? AND address = ?",
            attempt.name,
            attempt.address,
        );
        self.changed(attempts).await.map(drop)
    }
}

/// The attempts for the same name, and from the same address.
async fn earlier(db: &mut SqliteConnection, attempt: Attempt<'_>) -> Result<Attempts, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT name = ?1 AS "same_name!: bool", address = ?2 AS "same_address!: bool",
                  at AS "at: Timestamp"
           FROM sign_in_attempts WHERE name = ?1 OR address = ?2 ORDER BY at"#,
        attempt.name,
        attempt.address,
    );
    let mut earlier = Attempts::default();
    for row in rows.fetch_all(db).await? {
        if row.same_name {
            earlier.name.push(row.at.0);
        }
        if row.same_address {
            earlier.address.push(row.at.0);
        }
    }
    Ok(earlier)
}
