//! Rows of users.

use chrono::{DateTime, Utc};
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::types::Text;
use sqlx::{Sqlite, SqliteConnection};

use crate::model::{PersonName, Role, User};
use crate::store::{Store, StoreError, Timestamp};

/// A user, with the hash of the password.
#[derive(Clone, Debug)]
pub struct StoredUser {
    /// The user.
    pub user: User,
    /// PHC string.
    pub password: String,
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
        let user = sqlx::query!(
            "INSERT INTO users (name, role, password, created) VALUES (?, ?, ?, ?)
             ON CONFLICT (name) DO NOTHING",
            name.as_str(),
            role.as_str(),
            password,
            Timestamp(now),
        );
        self.changed(user).await
    }

    /// All users, by name.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        let users = self.select_users(None, None).await?;
        Ok(users.into_iter().map(|stored| stored.user).collect())
    }

    /// The user with a name.
    pub async fn user(&self, name: &PersonName) -> Result<Option<StoredUser>, StoreError> {
        Ok(self.select_users(Some(name), None).await?.pop())
    }

    /// The user with a number.
    pub async fn user_by_id(&self, id: i64) -> Result<Option<User>, StoreError> {
        Ok(self.select_users(None, Some(id)).await?.pop().map(|stored| stored.user))
    }

    /// Users, by name: the one with a name or number, else all.
    async fn select_users(
        &self,
        name: Option<&PersonName>,
        id: Option<i64>,
    ) -> Result<Vec<StoredUser>, StoreError> {
        let users = sqlx::query!(
            r#"SELECT id, name AS "name: Text<PersonName>", role AS "role: Text<Role>", password,
                      created AS "created: Timestamp", disabled AS "disabled: Timestamp"
               FROM users WHERE (?1 IS NULL OR name = ?1) AND (?2 IS NULL OR id = ?2)
               ORDER BY name"#,
            name.map(PersonName::as_str),
            id,
        );
        let users = users.map(|row| StoredUser {
            user: User {
                id: row.id,
                name: row.name.0,
                role: row.role.0,
                created: row.created.0,
                disabled: row.disabled.map(DateTime::from),
            },
            password: row.password,
        });
        self.wrap(users.fetch_all(self.readers()).await)
    }

    /// Gives a user another role; `false` if there is no such user.
    pub async fn set_role(&self, name: &PersonName, role: Role) -> Result<bool, StoreError> {
        let (name, role) = (name.as_str(), role.as_str());
        self.changed(sqlx::query!("UPDATE users SET role = ? WHERE name = ?", role, name)).await
    }

    /// Gives a user another password and ends their sessions; their tokens are revoked at `revoked`, or
    /// stay in force if it is `None`. `false` if there is no such user.
    pub async fn set_password(
        &self,
        name: &PersonName,
        password: &str,
        revoked: Option<DateTime<Utc>>,
    ) -> Result<bool, StoreError> {
        let name = name.as_str();
        let revoke = sqlx::query!(
            "UPDATE api_tokens SET revoked = ?1 WHERE ?1 IS NOT NULL AND revoked IS NULL
             AND owner = (SELECT id FROM users WHERE name = ?2)",
            revoked.map(Timestamp),
            name,
        );
        let user = sqlx::query!("UPDATE users SET password = ? WHERE name = ?", password, name);
        let changed = self.write(async |db| {
            let found = user.execute(&mut *db).await?.rows_affected() > 0;
            revoke.execute(&mut *db).await?;
            end_sessions_of(db, name).await?;
            Ok(found)
        });
        changed.await
    }

    /// Says since when a user may not sign in, and ends their sessions; `None`: they may again.
    /// `false` if there is no such user.
    pub async fn set_disabled(
        &self,
        name: &PersonName,
        since: Option<DateTime<Utc>>,
    ) -> Result<bool, StoreError> {
        let name = name.as_str();
        let disabled = since.map(Timestamp);
        let user = sqlx::query!("UPDATE users SET disabled = ? WHERE name = ?", disabled, name);
        let changed = self.write(async |db| {
            let found = user.execute(&mut *db).await?.rows_affected() > 0;
            if since.is_some() {
                end_sessions_of(db, name).await?;
            }
            Ok(found)
        });
        changed.await
    }

    /// Removes a user with all sessions and tokens; `false` if there is no such user.
    pub async fn remove_user(&self, name: &PersonName) -> Result<bool, StoreError> {
        self.changed(sqlx::query!("DELETE FROM users WHERE name = ?", name.as_str())).await
    }

    /// Runs a statement in a transaction of its own; tells whether it found a row.
    pub(super) async fn changed(
        &self,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<bool, StoreError> {
        self.write(async |db| Ok(query.execute(db).await?.rows_affected() > 0)).await
    }
}

async fn end_sessions_of(db: &mut SqliteConnection, name: &str) -> Result<(), sqlx::Error> {
    let sessions = sqlx::query!(
        "DELETE FROM sessions WHERE user = (SELECT id FROM users WHERE name = ?)",
        name,
    );
    sessions.execute(db).await.map(drop)
}
