//! Rows of tokens.

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{millis, parsed, some_time, time};
use crate::model::{ApiToken, PersonName, Role, User};
use crate::store::{Store, StoreError};

/// A token to be recorded.
#[derive(Clone, Debug)]
pub struct NewToken<'a> {
    /// Its name.
    pub name: &'a PersonName,
    /// What it may do.
    pub role: Role,
    /// Whose it is.
    pub owner: Option<&'a User>,
    /// Its hash.
    pub hash: &'a str,
    /// From when on it is void.
    pub expires: Option<DateTime<Utc>>,
}

const SELECT: &str = "SELECT api_tokens.*, users.name AS owner_name FROM api_tokens \
                      LEFT JOIN users ON users.id = api_tokens.owner";

fn read(row: &SqliteRow) -> Result<ApiToken, sqlx::Error> {
    let owned = row.try_get::<Option<String>, _>("owner_name")?.is_some();
    Ok(ApiToken {
        id: row.try_get("id")?,
        name: parsed(row, "name")?,
        role: parsed(row, "role")?,
        owner: owned.then(|| parsed(row, "owner_name")).transpose()?,
        created: time(row, "created")?,
        expires: some_time(row, "expires")?,
        used: some_time(row, "used")?,
        revoked: some_time(row, "revoked")?,
    })
}

impl Store {
    /// Records a token; `false` if one in force has its name.
    pub async fn add_token(
        &self,
        token: &NewToken<'_>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let sql = "INSERT INTO api_tokens (name, role, owner, hash, created, expires) \
                   VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) WHERE revoked IS NULL DO NOTHING";
        let query = sqlx::query(sql).bind(token.name.as_str()).bind(token.role.as_str());
        let query = query.bind(token.owner.map(|owner| owner.id)).bind(token.hash);
        self.changed(query.bind(millis(now)).bind(token.expires.map(millis))).await
    }

    /// All tokens, the revoked ones too, by name and age.
    pub async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("{SELECT} ORDER BY api_tokens.name, api_tokens.id"));
        let rows = sqlx::query(sql).fetch_all(&self.pool).await;
        let tokens: Result<Vec<_>, _> = rows.and_then(|rows| rows.iter().map(read).collect());
        tokens.map_err(|cause| self.error(cause))
    }

    /// The token with this hash.
    pub async fn token(&self, hash: &str) -> Result<Option<ApiToken>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("{SELECT} WHERE api_tokens.hash = ?"));
        let row = sqlx::query(sql).bind(hash).fetch_optional(&self.pool).await;
        row.and_then(|row| row.as_ref().map(read).transpose()).map_err(|cause| self.error(cause))
    }

    /// Notes when a token was used.
    pub async fn token_used(&self, id: i64, now: DateTime<Utc>) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE api_tokens SET used = ? WHERE id = ?").bind(millis(now));
        self.changed(query.bind(id)).await.map(drop)
    }

    /// Revokes the token in force with this name, if it is one of `owner`'s or `owner` is `None`;
    /// `false` if there is no such token.
    pub async fn revoke_token(
        &self,
        name: &PersonName,
        owner: Option<i64>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE api_tokens SET revoked = ? \
                   WHERE name = ? AND revoked IS NULL AND (?3 IS NULL OR owner = ?3)";
        self.changed(sqlx::query(sql).bind(millis(now)).bind(name.as_str()).bind(owner)).await
    }
}
