//! Reading a file that must not be changed, whatever the age of its schema.

use std::path::Path;

use super::connections::Connections;

/// Opens a file to read only.
///
/// Where no write-ahead log lies beside it, nobody has it open, and SQLite is told that it will
/// not change while we look: otherwise it would make a log of its own, and leave it.
///
/// Statements name columns of the present schema. So a file whose schema is older is copied, and
/// read from the copy after the migrations were applied to that.
pub(super) async fn open_to_read(
    file: &Path,
) -> Result<(Connections, Option<tempfile::TempDir>), sqlx::Error> {
    let original = original(file).await?;
    if version(&original).await? >= newest() {
        return Ok((original, None));
    }
    let (copy, directory) = copy_of(Some(original)).await?;
    Ok((copy, Some(directory)))
}

/// A copy of a file, or an empty one, with all migrations, in a directory of its own.
pub(super) async fn copied(
    file: Option<&Path>,
) -> Result<(Connections, tempfile::TempDir), sqlx::Error> {
    let original = match file {
        Some(file) => Some(original(file).await?),
        None => None,
    };
    copy_of(original).await
}

async fn copy_of(
    original: Option<Connections>,
) -> Result<(Connections, tempfile::TempDir), sqlx::Error> {
    let directory = tempfile::tempdir()?;
    let copy = directory.path().join("copy.sqlite");
    match original {
        Some(original) => {
            let name = copy.to_string_lossy().into_owned();
            sqlx::query!("VACUUM INTO ?", name).execute(original.readers()).await?;
            original.close().await;
        }
        None => std::fs::File::create_new(&copy).map(|_| ())?,
    }
    Ok((Connections::open(&copy, None).await?, directory))
}

/// The file itself, to read only.
pub(super) async fn original(file: &Path) -> Result<Connections, sqlx::Error> {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    Connections::open_to_read(file, !Path::new(&log).exists()).await
}

/// The last migration that was applied to a file; 0 if none was.
pub(super) async fn version(file: &Connections) -> Result<i64, sqlx::Error> {
    let begun = sqlx::query_scalar!(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '_sqlx_migrations'"
    );
    if begun.fetch_one(file.readers()).await? == 0 {
        return Ok(0);
    }
    let last = sqlx::query_scalar!(
        r#"SELECT coalesce(max(version), 0) AS "last!: i64" FROM _sqlx_migrations WHERE success"#
    );
    last.fetch_one(file.readers()).await
}

pub(super) fn newest() -> i64 {
    super::MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}
