//! Rows of sessions.

use chrono::{DateTime, Utc};
use sqlx::Row;

use super::{millis, time};
use crate::store::{Store, StoreError};

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Hash of its id.
    pub id: String,
    /// Number of its user.
    pub user: i64,
    /// What it holds, as JSON.
    pub content: String,
    /// When it is void at the latest.
    pub expires: DateTime<Utc>,
}

impl Store {
    /// Writes a session. One that is new (`fresh`) is added unless its id is taken; one that is not
    /// is changed unless it has been ended meanwhile. `false` if nothing was written.
    pub async fn save_session(&self, row: &SessionRow, fresh: bool) -> Result<bool, StoreError> {
        let sql = match fresh {
            true => {
                "INSERT INTO sessions (user, content, expires, id) VALUES (?, ?, ?, ?) \
                     ON CONFLICT (id) DO NOTHING"
            }
            false => "UPDATE sessions SET user = ?, content = ?, expires = ? WHERE id = ?",
        };
        let query = sqlx::query(sql).bind(row.user).bind(&row.content).bind(millis(row.expires));
        self.changed(query.bind(&row.id)).await
    }

    /// The session with this hash.
    pub async fn session(&self, id: &str) -> Result<Option<SessionRow>, StoreError> {
        let query = sqlx::query("SELECT * FROM sessions WHERE id = ?").bind(id);
        let row = query.fetch_optional(&self.pool).await;
        row.and_then(|row| row.as_ref().map(read).transpose()).map_err(|cause| self.error(cause))
    }

    /// The sessions of a user.
    pub async fn sessions_of(&self, user: i64) -> Result<Vec<SessionRow>, StoreError> {
        let query = sqlx::query("SELECT * FROM sessions WHERE user = ?").bind(user);
        let rows = query.fetch_all(&self.pool).await;
        let sessions: Result<Vec<_>, _> = rows.and_then(|rows| rows.iter().map(read).collect());
        sessions.map_err(|cause| self.error(cause))
    }

    /// Ends a session.
    pub async fn end_session(&self, id: &str) -> Result<(), StoreError> {
        self.changed(sqlx::query("DELETE FROM sessions WHERE id = ?").bind(id)).await.map(drop)
    }

    /// Ends all sessions of a user.
    pub async fn end_sessions(&self, user: i64) -> Result<(), StoreError> {
        self.changed(sqlx::query("DELETE FROM sessions WHERE user = ?").bind(user)).await.map(drop)
    }

    /// Forgets the sessions that are void.
    pub async fn forget_sessions(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let query = sqlx::query("DELETE FROM sessions WHERE expires <= ?").bind(millis(now));
        self.changed(query).await.map(drop)
    }
}

fn read(row: &sqlx::sqlite::SqliteRow) -> Result<SessionRow, sqlx::Error> {
    Ok(SessionRow {
        id: row.try_get("id")?,
        user: row.try_get("user")?,
        content: row.try_get("content")?,
        expires: time(row, "expires")?,
    })
}
