//! Rows of browsers in which somebody has signed in.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::PersonName;
use crate::store::{Store, StoreError, Timestamp};

/// A browser is forgotten if its user has not signed in there for so long.
pub const BROWSER_LIFETIME: TimeDelta = TimeDelta::days(180);
/// So many browsers of a user are kept, those of the last sign-ins.
const MOST: i64 = 20;

impl Store {
    /// Whether the user with this name has signed in in the browser with this hash.
    pub async fn is_known_browser(
        &self,
        browser: &str,
        name: &PersonName,
    ) -> Result<bool, StoreError> {
        let found = sqlx::query_scalar!(
            r#"SELECT EXISTS (
                   SELECT 1 FROM known_browsers JOIN users ON users.id = known_browsers.user
                   WHERE known_browsers.id = ? AND users.name = ?
               ) AS "found!: bool""#,
            browser,
            name.as_str(),
        );
        self.wrap(found.fetch_one(self.readers()).await)
    }

    /// Notes that a user has signed in in a browser, which gets another hash with every sign-in:
    /// `before` is the one that it had.
    pub async fn remember_browser(
        &self,
        user: i64,
        before: Option<&str>,
        browser: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let forget = sqlx::query!(
            "DELETE FROM known_browsers WHERE seen < ?",
            Timestamp(now - BROWSER_LIFETIME)
        );
        let rename = sqlx::query!("UPDATE known_browsers SET id = ? WHERE id = ?", browser, before);
        let seen = sqlx::query!(
            "INSERT INTO known_browsers (id, user, seen) VALUES (?1, ?2, ?3)
             ON CONFLICT (id, user) DO UPDATE SET seen = ?3",
            browser,
            user,
            Timestamp(now),
        );
        let crowd_out = sqlx::query!(
            "DELETE FROM known_browsers WHERE user = ?1 AND id NOT IN (
                 SELECT id FROM known_browsers WHERE user = ?1 ORDER BY seen DESC, id LIMIT ?2
             )",
            user,
            MOST,
        );
        self.write(async |db| {
            forget.execute(&mut *db).await?;
            rename.execute(&mut *db).await?;
            seen.execute(&mut *db).await?;
            crowd_out.execute(db).await.map(drop)
        })
        .await
    }
}
