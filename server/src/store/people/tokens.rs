//! Rows of tokens.

use chrono::{DateTime, Utc};
use sqlx::types::Text;

use crate::model::{ApiToken, PersonName, Role, User};
use crate::store::{Store, StoreError, Timestamp};

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

impl Store {
    /// Records a token; `false` if one in force has its name.
    pub async fn add_token(
        &self,
        token: &NewToken<'_>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let token = sqlx::query!(
            "INSERT INTO api_tokens (name, role, owner, hash, created, expires)
             VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) WHERE revoked IS NULL DO NOTHING",
            token.name.as_str(),
            token.role.as_str(),
            token.owner.map(|owner| owner.id),
            token.hash,
            Timestamp(now),
            token.expires.map(Timestamp),
        );
        self.changed(token).await
    }

    /// All tokens, the revoked ones too, by name and age.
    pub async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        self.select_tokens(None).await
    }

    /// The token with this hash.
    pub async fn token(&self, hash: &str) -> Result<Option<ApiToken>, StoreError> {
        Ok(self.select_tokens(Some(hash)).await?.pop())
    }

    /// The token with a hash, or all, by name and age.
    async fn select_tokens(&self, hash: Option<&str>) -> Result<Vec<ApiToken>, StoreError> {
        let tokens = sqlx::query!(
            r#"SELECT api_tokens.id, api_tokens.name AS "name: Text<PersonName>",
                      api_tokens.role AS "role: Text<Role>",
                      users.name AS "owner?: Text<PersonName>",
                      api_tokens.created AS "created: Timestamp",
                      api_tokens.expires AS "expires: Timestamp",
                      api_tokens.used AS "used: Timestamp",
                      api_tokens.revoked AS "revoked: Timestamp"
               FROM api_tokens LEFT JOIN users ON users.id = api_tokens.owner
               WHERE ?1 IS NULL OR api_tokens.hash = ?1
               ORDER BY api_tokens.name, api_tokens.id"#,
            hash,
        );
        let tokens = tokens.map(|row| ApiToken {
            id: row.id,
            name: row.name.0,
            role: row.role.0,
            owner: row.owner.map(Text::into_inner),
            created: row.created.0,
            expires: row.expires.map(DateTime::from),
            used: row.used.map(DateTime::from),
            revoked: row.revoked.map(DateTime::from),
        });
        self.wrap(tokens.fetch_all(self.readers()).await)
    }

    /// Notes when a token was used.
    pub async fn token_used(&self, id: i64, now: DateTime<Utc>) -> Result<(), StoreError> {
        let used = Timestamp(now);
        self.changed(sqlx::query!("UPDATE api_tokens SET used = ? WHERE id = ?", used, id))
            .await
            .map(drop)
    }

    /// Revokes the token in force with this name, if it is one of `owner`'s or `owner` is `None`;
    /// `false` if there is no such token.
    pub async fn revoke_token(
        &self,
        name: &PersonName,
        owner: Option<i64>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let token = sqlx::query!(
            "UPDATE api_tokens SET revoked = ?1
             WHERE name = ?2 AND revoked IS NULL AND (?3 IS NULL OR owner = ?3)",
            Timestamp(now),
            name.as_str(),
            owner,
        );
        self.changed(token).await
    }
}
