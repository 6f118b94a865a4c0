//! A row that is written to see whether the database can be.

use chrono::{DateTime, Utc};

use super::{Store, StoreError, Timestamp};

impl Store {
    /// Writes when the server was last asked how it is.
    pub async fn note_health(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let note = sqlx::query!(
            "INSERT INTO health (id, at) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET at = ?1",
            Timestamp(now),
        );
        self.write(async |db| note.execute(db).await.map(drop)).await
    }
}
