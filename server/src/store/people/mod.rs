//! Rows of users, their sessions, tokens and failed sign-ins. What they mean is decided in
//! [`crate::people`].

mod attempts;
mod sessions;
mod tokens;
mod users;

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

pub use attempts::{Attempt, Attempts};
pub use sessions::SessionRow;
pub use tokens::NewToken;
pub use users::StoredUser;

/// A time as it is stored.
fn millis(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis()
}

/// A time of a row.
fn time(row: &SqliteRow, column: &str) -> Result<DateTime<Utc>, sqlx::Error> {
    from_millis(row.try_get(column)?, column)
}

/// A time of a row that may have none.
fn some_time(row: &SqliteRow, column: &str) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    let stored: Option<i64> = row.try_get(column)?;
    stored.map(|millis| from_millis(millis, column)).transpose()
}

fn from_millis(millis: i64, column: &str) -> Result<DateTime<Utc>, sqlx::Error> {
    DateTime::from_timestamp_millis(millis)
        .ok_or_else(|| decode(column, format!("{millis} is no time").into()))
}

/// A text of a row, read.
fn parsed<T>(row: &SqliteRow, column: &str) -> Result<T, sqlx::Error>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: String = row.try_get(column)?;
    text.parse().map_err(|cause: T::Err| decode(column, cause.into()))
}

fn decode(column: &str, source: Box<dyn std::error::Error + Send + Sync>) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_owned(), source }
}
