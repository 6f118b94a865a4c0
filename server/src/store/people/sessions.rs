//! Rows of sessions.

use chrono::{DateTime, Utc};

use crate::store::{Store, StoreError, Timestamp};

/// So many sessions of a user are kept, those that end last.
const MOST: i64 = 20;

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
    /// Writes a session. One that is new (`fresh`) is added unless its id is taken, and ends those of its
    /// user that were not used for longest where there are too many; one that is not new is changed
    /// unless it has been ended since. `false` if nothing was written.
    pub async fn save_session(&self, row: &SessionRow, fresh: bool) -> Result<bool, StoreError> {
        let expires = Timestamp(row.expires);
        let query = if fresh {
            sqlx::query!(
                "INSERT INTO sessions (user, content, expires, id) VALUES (?, ?, ?, ?)
                 ON CONFLICT (id) DO NOTHING",
                row.user,
                row.content,
                expires,
                row.id,
            )
        } else {
            sqlx::query!(
                "UPDATE sessions SET user = ?, content = ?, expires = ? WHERE id = ?",
                row.user,
                row.content,
                expires,
                row.id,
            )
        };
        let crowd_out = sqlx::query!(
            "DELETE FROM sessions WHERE user = ?1 AND id <> ?2 AND id NOT IN (
                 SELECT id FROM sessions WHERE user = ?1 AND id <> ?2
                 ORDER BY expires DESC, id LIMIT ?3
             )",
            row.user,
            row.id,
            MOST - 1,
        );
        self.write(async |db| {
            let written = query.execute(&mut *db).await?.rows_affected() > 0;
            if written && fresh {
                crowd_out.execute(db).await?;
            }
            Ok(written)
        })
        .await
    }

    /// The session with this hash.
    pub async fn session(&self, id: &str) -> Result<Option<SessionRow>, StoreError> {
        let session = sqlx::query_as!(
            SessionRow,
            r#"SELECT id, user, content, expires AS "expires: Timestamp"
               FROM sessions WHERE id = ?"#,
            id,
        );
        self.wrap(session.fetch_optional(self.readers()).await)
    }

    /// The sessions of a user.
    pub async fn sessions_of(&self, user: i64) -> Result<Vec<SessionRow>, StoreError> {
        let sessions = sqlx::query_as!(
            SessionRow,
            r#"SELECT id, user, content, expires AS "expires: Timestamp"
               FROM sessions WHERE user = ?"#,
            user,
        );
        self.wrap(sessions.fetch_all(self.readers()).await)
    }

    /// Ends a session.
    pub async fn end_session(&self, id: &str) -> Result<(), StoreError> {
        self.changed(sqlx::query!("DELETE FROM sessions WHERE id = ?", id)).await.map(drop)
    }

    /// Ends all sessions of a user.
    pub async fn end_sessions(&self, user: i64) -> Result<(), StoreError> {
        self.changed(sqlx::query!("DELETE FROM sessions WHERE user = ?", user)).await.map(drop)
    }

    /// Forgets the sessions that are void.
    pub async fn forget_sessions(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let void = sqlx::query!("DELETE FROM sessions WHERE expires <= ?", Timestamp(now));
        self.changed(void).await.map(drop)
    }
}
