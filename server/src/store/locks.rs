//! What only one may do at a time. Whether a holder lives is for the caller to tell: this room
//! knows rows, not processes.

use chrono::{DateTime, Utc};
use sqlx::SqliteExecutor;

use super::local_queue::Runner;
use super::{Store, StoreError, Timestamp};

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Tells two holders in one process apart.
    pub token: String,
    /// The process.
    pub process: Runner,
    /// Who, for people.
    pub author: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

async fn holder(from: impl SqliteExecutor<'_>, name: &str) -> Result<Option<Holder>, sqlx::Error> {
    let holder = sqlx::query!(
        r#"SELECT token, pid AS "pid: i32", start, boot, author, since AS "since: Timestamp"
           FROM locks WHERE name = ?"#,
        name,
    );
    let holder = holder.map(|row| Holder {
        token: row.token,
        process: Runner { pid: row.pid, start: row.start.cast_unsigned(), boot: row.boot },
        author: row.author,
        since: row.since.0,
    });
    holder.fetch_optional(from).await
}

impl Store {
    /// Takes a lock, from nobody or from a holder that does not live; else tells who has it.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn take_lock(
        &self,
        name: &str,
        holder: &Holder,
        lives: impl Fn(&Holder) -> bool,
    ) -> Result<Option<Holder>, StoreError> {
        self.write(async |db| {
            if let Some(before) = self::holder(&mut *db, name).await?
                && lives(&before)
            {
                return Ok(Some(before));
            }
            sqlx::query!(
                "INSERT OR REPLACE INTO locks (name, token, pid, start, boot, author, since)
                 VALUES (?, ?, ?, ?, ?, ?, ?)",
                name,
                holder.token,
                holder.process.pid,
                holder.process.start.cast_signed(),
                holder.process.boot,
                holder.author,
                Timestamp(holder.since),
            )
            .execute(db)
            .await?;
            Ok(None)
        })
        .await
    }

    /// Who has a lock, whether alive or not.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn lock_holder(&self, name: &str) -> Result<Option<Holder>, StoreError> {
        self.wrap(holder(self.readers(), name).await)
    }

    /// Gives a lock back, if it is still the one of this token.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn drop_lock(&self, name: &str, token: &str) -> Result<(), StoreError> {
        let lock = sqlx::query!("DELETE FROM locks WHERE name = ? AND token = ?", name, token);
        self.write(async |db| lock.execute(db).await.map(drop)).await
    }
}
