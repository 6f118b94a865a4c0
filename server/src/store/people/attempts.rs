//! Rows of sign-ins that failed or are not decided yet.

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use crate::store::{Store, StoreError, Timestamp};

/// Who tries to sign in.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Hash of the name.
    pub name: &'a str,
    /// From where: an address, or something that is known to be the user's.
    pub source: &'a str,
    /// When.
    pub at: DateTime<Utc>,
}

/// Earlier attempts, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Attempts {
    /// For the same name from the same source.
    pub both: Vec<DateTime<Utc>>,
    /// For the same name.
    pub name: Vec<DateTime<Utc>>,
    /// From the same source.
    pub source: Vec<DateTime<Utc>>,
}

impl Store {
    /// Records an attempt if `allowed` of those since `since`, and forgets the earlier ones. Before
    /// the password is looked at, so that many at once are no more than one after another.
    ///
    /// An attempt from the future, recorded before the clock was set back, is taken to be made now: it
    /// must not count for longer than any other.
    ///
    /// Returns the answer of `allowed`; nothing is recorded after a refusal.
    pub async fn record_attempt<T, E>(
        &self,
        attempt: Attempt<'_>,
        since: DateTime<Utc>,
        allowed: impl FnOnce(&Attempts) -> Result<T, E> + Send,
    ) -> Result<Result<T, E>, StoreError> {
        let now = Timestamp(attempt.at);
        let forget = sqlx::query!("DELETE FROM sign_in_attempts WHERE at < ?", Timestamp(since));
        let correct = sqlx::query!("UPDATE sign_in_attempts SET at = ?1 WHERE at > ?1", now);
        let record = sqlx::query!(
            "INSERT INTO sign_in_attempts (name, source, at) VALUES (?, ?, ?)",
            attempt.name,
            attempt.source,
            now,
        );
        self.write(async |db| {
            forget.execute(&mut *db).await?;
            correct.execute(&mut *db).await?;
            let allowed = allowed(&earlier(&mut *db, attempt).await?);
            if allowed.is_ok() {
                record.execute(db).await?;
            }
            Ok(allowed)
        })
        .await
    }

    /// The attempt was good: it and those of that name from that source count no more.
    pub async fn attempt_succeeded(&self, attempt: Attempt<'_>) -> Result<(), StoreError> {
        let attempts = sqlx::query!(
            "DELETE FROM sign_in_attempts WHERE name = ? AND source = ?",
            attempt.name,
            attempt.source,
        );
        self.changed(attempts).await.map(drop)
    }
}

/// The attempts for the same name, and from the same source.
async fn earlier(db: &mut SqliteConnection, attempt: Attempt<'_>) -> Result<Attempts, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT name = ?1 AS "same_name!: bool", source = ?2 AS "same_source!: bool",
                  at AS "at: Timestamp"
           FROM sign_in_attempts WHERE name = ?1 OR source = ?2 ORDER BY at"#,
        attempt.name,
        attempt.source,
    );
    let mut earlier = Attempts::default();
    for row in rows.fetch_all(db).await? {
        if row.same_name {
            earlier.name.push(row.at.0);
        }
        if row.same_source {
            earlier.source.push(row.at.0);
        }
        if row.same_name && row.same_source {
            earlier.both.push(row.at.0);
        }
    }
    Ok(earlier)
}
