//! What only one may do at a time. Whether a holder lives is for the caller to tell: this room
//! knows rows, not processes.

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::local_queue::Runner;
use super::{Store, StoreError};

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

fn holder(row: &SqliteRow) -> Result<Holder, sqlx::Error> {
    let process = Runner {
        pid: row.try_get("pid")?,
        start: row.try_get::<i64, _>("start")?.cast_unsigned(),
        boot: row.try_get("boot")?,
    };
    Ok(Holder {
        token: row.try_get("token")?,
        process,
        author: row.try_get("author")?,
        since: row.try_get("since")?,
    })
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
        let mut tx =
            self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(|cause| self.error(cause))?;
        let row = sqlx::query("SELECT * FROM locks WHERE name = ?")
            .bind(name)
            .fetch_optional(&mut *tx)
            .await;
        let before = row.and_then(|row| row.as_ref().map(self::holder).transpose());
        if let Some(before) = before.map_err(|cause| self.error(cause))?
            && lives(&before)
        {
            return Ok(Some(before));
        }
        let written = sqlx::query(
            "INSERT OR REPLACE INTO locks (name, token, pid, start, boot, author, since)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(name)
        .bind(&holder.token)
        .bind(holder.process.pid)
        .bind(holder.process.start.cast_signed())
        .bind(&holder.process.boot)
        .bind(&holder.author)
        .bind(holder.since)
        .execute(&mut *tx)
        .await;
        written.map_err(|cause| self.error(cause))?;
        tx.commit().await.map_err(|cause| self.error(cause))?;
        Ok(None)
    }

    /// Who has a lock, whether alive or not.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn lock_holder(&self, name: &str) -> Result<Option<Holder>, StoreError> {
        let row = sqlx::query("SELECT * FROM locks WHERE name = ?")
            .bind(name)
            .fetch_optional(&self.pool)
            .await;
        row.and_then(|row| row.as_ref().map(holder).transpose()).map_err(|e| self.error(e))
    }

    /// Gives a lock back, if it is still the one of this token.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn drop_lock(&self, name: &str, token: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM locks WHERE name = ? AND token = ?")
            .bind(name)
            .bind(token)
            .execute(&self.pool)
            .await
            .map(|_| ())
            .map_err(|cause| self.error(cause))
    }
}
