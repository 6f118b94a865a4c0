//! Rows of users.

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{millis, parsed, some_time, time};
use crate::model::{PersonName, Role, User};
use crate::store::{Store, StoreError};

/// A user, with the hash of the password.
#[derive(Clone, Debug)]
pub struct StoredUser {
    /// The user.
    pub user: User,
    /// PHC string.
    pub password: String,
}

fn user(row: &SqliteRow) -> Result<User, sqlx::Error> {
    Ok(User {
        id: row.try_get("id")?,
        name: parsed(row, "name")?,
        role: parsed(row, "role")?,
        created: time(row, "created")?,
        disabled: some_time(row, "disabled")?,
    })
}

impl Store {
    /// Adds a user; `false` if there is one with that name.
    pub async fn add_user(
        &self,
        name: &PersonName,
        role: Role,
        password: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let sql = "INSERT INTO users (name, role, password, created) VALUES (?, ?, ?, ?) \
                   ON CONFLICT (name) DO NOTHING";
        let query = sqlx::query(sql).bind(name.as_str()).bind(role.as_str());
        let done = query.bind(password).bind(millis(now)).execute(&self.pool).await;
        Ok(done.map_err(|cause| self.error(cause))?.rows_affected() > 0)
    }

    /// All users, by name.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        let rows = sqlx::query("SELECT * FROM users ORDER BY name").fetch_all(&self.pool).await;
        let users: Result<Vec<_>, _> = rows.and_then(|rows| rows.iter().map(user).collect());
        users.map_err(|cause| self.error(cause))
    }

    /// The user with a name.
    pub async fn user(&self, name: &PersonName) -> Result<Option<StoredUser>, StoreError> {
        let query = sqlx::query("SELECT * FROM users WHERE name = ?").bind(name.as_str());
        let read = |row: &SqliteRow| {
            Ok(StoredUser { user: user(row)?, password: row.try_get("password")? })
        };
        let row = query.fetch_optional(&self.pool).await;
        row.and_then(|row| row.as_ref().map(read).transpose()).map_err(|cause| self.error(cause))
    }

    /// The user with a number.
    pub async fn user_by_id(&self, id: i64) -> Result<Option<User>, StoreError> {
        let row = sqlx::query("SELECT * FROM users WHERE id = ?").bind(id);
        let row = row.fetch_optional(&self.pool).await;
        row.and_then(|row| row.as_ref().map(user).transpose()).map_err(|cause| self.error(cause))
    }

    /// Gives a user another role; `false` if there is no such user.
    pub async fn set_role(&self, name: &PersonName, role: Role) -> Result<bool, StoreError> {
        let query = sqlx::query("UPDATE users SET role = ? WHERE name = ?").bind(role.as_str());
        self.changed(query.bind(name.as_str())).await
    }

    /// Gives a user another password and ends their sessions; `false` if there is no such user.
    pub async fn set_password(
        &self,
        name: &PersonName,
        password: &str,
    ) -> Result<bool, StoreError> {
        let query = sqlx::query("UPDATE users SET password = ? WHERE name = ?").bind(password);
        let found = self.changed(query.bind(name.as_str())).await?;
        self.end_sessions_of(name).await?;
        Ok(found)
    }

    /// Says since when a user may not sign in, and ends their sessions; `None`: they may again.
    /// `false` if there is no such user.
    pub async fn set_disabled(
        &self,
        name: &PersonName,
        since: Option<DateTime<Utc>>,
    ) -> Result<bool, StoreError> {
        let query = sqlx::query("UPDATE users SET disabled = ? WHERE name = ?");
        let found = self.changed(query.bind(since.map(millis)).bind(name.as_str())).await?;
        if since.is_some() {
            self.end_sessions_of(name).await?;
        }
        Ok(found)
    }

    /// Removes a user with all sessions and tokens; `false` if there is no such user.
    pub async fn remove_user(&self, name: &PersonName) -> Result<bool, StoreError> {
        self.changed(sqlx::query("DELETE FROM users WHERE name = ?").bind(name.as_str())).await
    }

    async fn end_sessions_of(&self, name: &PersonName) -> Result<(), StoreError> {
        let sql = "DELETE FROM sessions WHERE user = (SELECT id FROM users WHERE name = ?)";
        self.changed(sqlx::query(sql).bind(name.as_str())).await.map(drop)
    }

    /// Runs a statement; tells whether it found a row.
    pub(super) async fn changed(
        &self,
        query: sqlx::query::Query<'_, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>,
    ) -> Result<bool, StoreError> {
        let done = query.execute(&self.pool).await.map_err(|cause| self.error(cause))?;
        Ok(done.rows_affected() > 0)
    }
}
