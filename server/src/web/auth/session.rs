//! Sessions of signed-in browsers, kept in SQLite under the hash of their id.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use tower_sessions::{Session, SessionStore};

use crate::config::AccessConfig;
use crate::people::hash_of;
use crate::store::Store;
use crate::store::people::SessionRow;

/// What tells the time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// How often it is noted that a session is used.
const NOTE: TimeDelta = TimeDelta::minutes(1);
/// Where the content is in the session's data.
const KEY: &str = "content";
/// Ids that are tried before something must be wrong with the random numbers.
const TRIES: usize = 3;

/// What a session holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Number of the user.
    pub user: i64,
    /// What forms must carry.
    pub form_token: String,
    /// When they signed in.
    pub since: DateTime<Utc>,
    /// When it was last used, about.
    pub seen: DateTime<Utc>,
    /// From where they signed in.
    pub address: String,
    /// What the browser called itself.
    pub agent: String,
}

impl Content {
    /// The content of a session, if it has any.
    pub async fn read(session: &Session) -> Option<Self> {
        let read = session.get(KEY).await;
        read.inspect_err(|error| tracing::error!(%error, "cannot read a session")).ok().flatten()
    }

    /// Puts it into the session.
    pub async fn write(
        &self,
        session: &Session,
    ) -> std::result::Result<(), tower_sessions::session::Error> {
        session.insert(KEY, self).await
    }

    /// Notes that it is used now, unless that was noted a moment ago.
    pub async fn used(mut self, session: &Session, now: DateTime<Utc>) {
        if now - self.seen < NOTE {
            return;
        }
        self.seen = now;
        if let Err(error) = self.write(session).await {
            tracing::error!(%error, "cannot record that a session is used");
        }
    }

    /// The content of a row.
    pub fn of_row(row: &SessionRow) -> Option<Self> {
        serde_json::from_str(&row.content).ok()
    }
}

/// Sessions in our database; those that have ended are not there.
#[derive(Clone)]
pub struct Sessions {
    store: Store,
    clock: Clock,
    idle: TimeDelta,
    longest: TimeDelta,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("idle", &self.idle).finish_non_exhaustive()
    }
}

impl Sessions {
    /// The sessions in `store`.
    pub fn new(store: Store, clock: Clock, access: &AccessConfig) -> Self {
        let delta = |time| TimeDelta::from_std(time).unwrap_or(TimeDelta::days(7));
        let (idle, longest) = (delta(access.session_idle), delta(access.session_longest));
        Self { store, clock, idle, longest }
    }

    /// Under what a session's id is kept.
    pub fn key(id: Id) -> String {
        hash_of(&id.to_string())
    }

    fn row(&self, record: &Record) -> Result<SessionRow> {
        let value = record.data.get(KEY).ok_or_else(|| Error::Encode("nobody's session".into()))?;
        let content: Content = serde_json::from_value(value.clone()).map_err(encode)?;
        Ok(SessionRow {
            id: Self::key(record.id),
            user: content.user,
            content: serde_json::to_string(&content).map_err(encode)?,
            expires: (content.seen + self.idle).min(content.since + self.longest),
        })
    }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        self.store.forget_sessions((self.clock)()).await.map_err(backend)?;
        for _ in 0..TRIES {
            if self.store.save_session(&self.row(record)?, true).await.map_err(backend)? {
                return Ok(());
            }
            record.id = Id::default();
        }
        Err(Error::Backend("every session id is taken".into()))
    }

    /// One that has been ended meanwhile stays so.
    async fn save(&self, record: &Record) -> Result<()> {
        self.store.save_session(&self.row(record)?, false).await.map_err(backend).map(drop)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let row = self.store.session(&Self::key(*id)).await.map_err(backend)?;
        let Some(row) = row.filter(|row| (self.clock)() < row.expires) else { return Ok(None) };
        let value = serde_json::from_str(&row.content);
        let value = value.map_err(|error| Error::Decode(error.to_string()))?;
        // That of the row counts, and this one is not asked.
        let expiry_date = time::OffsetDateTime::now_utc();
        Ok(Some(Record { id: *id, data: [(KEY.to_owned(), value)].into(), expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.store.end_session(&Self::key(*id)).await.map_err(backend)
    }
}

fn backend(error: impl fmt::Display) -> Error {
    Error::Backend(error.to_string())
}

fn encode(error: serde_json::Error) -> Error {
    Error::Encode(error.to_string())
}
