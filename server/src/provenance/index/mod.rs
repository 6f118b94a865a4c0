//! An index of `prov.log` files in our database, for questions that no single run answers: where a
//! file came from, and what was made of it. A log is read on from where it was left, while its night
//! is being processed; nothing need be closed for it.

mod batch;
mod keep;
mod lineage;
mod rows;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sqlx::{SqliteConnection, SqliteExecutor};

use crate::hint::Hint;
use crate::store::{Store, StoreError};

use super::digest::sha256_hex;
use super::scan::{BadLine, scan};
use batch::Batch;

pub use keep::{Keeper, logs};
pub use lineage::{Lineage, LineageError, Question, Start, lineage};

/// A log is indexed in pieces of this size, in bytes: so long, some two seconds, others wait who want to
/// write to the database.
const PIECE: u64 = 512 << 20;

/// A log is known again by this much of its beginning, and of the end of what is indexed, in bytes.
const KNOWN_BY: u64 = 4096;

/// Bad lines of a log that are kept; more are only counted.
const MOST_BAD: i64 = 1000;

/// Why a log cannot be indexed.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The log cannot be read.
    #[error("cannot read {}: {cause}", file.display())]
    Read {
        /// The log.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Hint for IndexError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { cause, .. } => cause.hint(),
            Self::Store(error) => error.hint(),
        }
    }
}

/// How far a log is indexed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Indexed {
    /// Bytes read, up to the end of a line.
    pub complete: u64,
    /// Lines up to there.
    pub lines: u64,
    /// How many of them are torn or no records.
    pub bad: u64,
    /// The first thousand of those.
    pub bad_lines: Vec<BadLine>,
}

/// Which log, and how much of it is known.
#[derive(Clone, Debug)]
struct State {
    id: i64,
    inode: i64,
    mark: String,
    complete: u64,
    lines: u64,
}

/// Reads what has been added to a log since it was last indexed; all of it if it is another file
/// than then. A line that is still being written is left for the next time.
///
/// Reading is done in a thread that may block.
pub async fn update(store: &Store, log: &Path) -> Result<(), IndexError> {
    while piece(store, log).await? {}
    Ok(())
}

/// How far a log is indexed; none if it is not at all.
pub async fn indexed(store: &Store, log: &Path) -> Result<Option<Indexed>, StoreError> {
    let mut db = store.reader().await?;
    store.wrap(indexed_by(&mut db, log).await)
}

async fn indexed_by(db: &mut SqliteConnection, log: &Path) -> Result<Option<Indexed>, sqlx::Error> {
    let found =
        sqlx::query!("SELECT id, complete, lines, bad FROM prov_logs WHERE path = ?", text(log));
    let Some(found) = found.fetch_optional(&mut *db).await? else { return Ok(None) };
    let bad = sqlx::query!(
        "SELECT line, place, problem FROM prov_bad_lines WHERE log = ? ORDER BY line",
        found.id,
    );
    let bad = bad.map(|row| BadLine {
        number: unsigned(row.line),
        column: usize::try_from(row.place).unwrap_or_default(),
        problem: row.problem,
    });
    Ok(Some(Indexed {
        complete: unsigned(found.complete),
        lines: unsigned(found.lines),
        bad: unsigned(found.bad),
        bad_lines: bad.fetch_all(db).await?,
    }))
}

/// Indexes one piece; tells whether there may be more.
async fn piece(store: &Store, log: &Path) -> Result<bool, IndexError> {
    let more = store.write(async |db| {
        let known = state(&mut *db, log).await?;
        let (file, wanted) = (log.to_owned(), known.clone());
        let read = tokio::task::spawn_blocking(move || read(&file, wanted.as_ref()));
        let read = match read.await.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(Ok(false)),
            Err(cause) => return Ok(Err(cause)),
        };
        let more = read.more;
        write(db, log, known, read).await?;
        Ok(Ok(more))
    });
    more.await?.map_err(|cause| IndexError::Read { file: log.to_owned(), cause })
}

async fn state(from: impl SqliteExecutor<'_>, log: &Path) -> Result<Option<State>, sqlx::Error> {
    let state = sqlx::query!(
        "SELECT id, inode, mark, complete, lines FROM prov_logs WHERE path = ?",
        text(log),
    );
    let state = state.map(|row| State {
        id: row.id,
        inode: row.inode,
        mark: row.mark,
        complete: unsigned(row.complete),
        lines: unsigned(row.lines),
    });
    state.fetch_optional(from).await
}

/// What a piece holds.
struct Piece {
    /// Whether it goes on from what is known; else that is to be forgotten.
    goes_on: bool,
    inode: i64,
    mark: String,
    complete: u64,
    lines: u64,
    bad_count: u64,
    bad: Vec<BadLine>,
    batch: Batch,
    more: bool,
}

/// Reads the next piece; `None` if nothing was added. Blocks.
fn read(log: &Path, known: Option<&State>) -> io::Result<Option<Piece>> {
    let mut file = crate::input_file::open(log)?;
    let metadata = file.metadata()?;
    let inode = i64::from_ne_bytes(metadata.ino().to_ne_bytes());
    let same = match known {
        Some(known) if known.inode == inode && metadata.len() >= known.complete => {
            mark(&mut file, known.complete)? == known.mark
        }
        _ => false,
    };
    let known = known.filter(|_| same);
    let start = known.map_or(0, |known| known.complete);
    let end = last_line_end(&mut file, start, metadata.len().min(start + PIECE))?;
    let end = match end {
        // A line longer than a piece: all there is up to its end.
        None if metadata.len() > start + PIECE => last_line_end(&mut file, start, metadata.len())?,
        end => end,
    };
    if end.is_none() && same {
        return Ok(None);
    }
    let end = end.unwrap_or(start);
    let mark = mark(&mut file, end)?;
    file.seek(SeekFrom::Start(start))?;
    let mut batch = Batch::default();
    let scan = scan(file.take(end - start), |line| batch.take(&line))?;
    let before = known.map_or(0, |known| known.lines);
    let shifted = |bad: BadLine| BadLine { number: bad.number + before, ..bad };
    Ok(Some(Piece {
        goes_on: same,
        inode,
        mark,
        complete: end,
        lines: before + scan.numbered,
        bad_count: scan.bad_count,
        bad: scan.bad.into_iter().map(shifted).collect(),
        batch,
        more: end < metadata.len() && end > start,
    }))
}

/// A hash of the beginning of a file and of what stands before `end`.
fn mark(file: &mut File, end: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    for start in [0, end.saturating_sub(KNOWN_BY)] {
        file.seek(SeekFrom::Start(start))?;
        file.take(KNOWN_BY.min(end - start)).read_to_end(&mut bytes)?;
    }
    Ok(sha256_hex(&bytes))
}

/// Where the last line between two places ends.
fn last_line_end(file: &mut File, start: u64, end: u64) -> io::Result<Option<u64>> {
    const STEP: u64 = 64 << 10;
    let mut to = end;
    while to > start {
        let from = to.saturating_sub(STEP).max(start);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(to - from).read_to_end(&mut bytes)?;
        if let Some(at) = memchr::memrchr(b'\n', &bytes) {
            return Ok(Some(from + at as u64 + 1));
        }
        to = from;
    }
    Ok(None)
}

async fn write(
    db: &mut SqliteConnection,
    log: &Path,
    known: Option<State>,
    piece: Piece,
) -> Result<(), sqlx::Error> {
    if let Some(known) = known.filter(|_| !piece.goes_on) {
        forget(&mut *db, known.id).await?;
    }
    let id = sqlx::query_scalar!(
        r#"INSERT INTO prov_logs (path, inode, mark, complete, lines, bad)
           VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (path) DO UPDATE SET inode = excluded.inode, mark = excluded.mark,
               complete = excluded.complete, lines = excluded.lines, bad = bad + excluded.bad
           RETURNING id AS "id!""#,
        text(log),
        piece.inode,
        piece.mark,
        signed(piece.complete),
        signed(piece.lines),
        signed(piece.bad_count),
    );
    let id = id.fetch_one(&mut *db).await?;
    let stored = sqlx::query_scalar!(
        r#"SELECT count(*) AS "kept!: i64" FROM prov_bad_lines WHERE log = ?"#,
        id,
    );
    let stored = stored.fetch_one(&mut *db).await?;
    let room = usize::try_from(MOST_BAD - stored).unwrap_or_default();
    for bad in piece.bad.iter().take(room) {
        sqlx::query!(
            "INSERT INTO prov_bad_lines (log, line, place, problem) VALUES (?, ?, ?, ?)",
            id,
            signed(bad.number),
            signed(bad.column as u64),
            bad.problem,
        )
        .execute(&mut *db)
        .await?;
    }
    piece.batch.write(db, id).await
}

/// Takes a log out of the index, and the entities that no other log knows.
async fn forget(db: &mut SqliteConnection, log: i64) -> Result<(), sqlx::Error> {
    for statement in [
        sqlx::query!(
            "DELETE FROM prov_relations
             WHERE activity IN (SELECT id FROM prov_activities WHERE log = ?)",
            log,
        ),
        sqlx::query!("DELETE FROM prov_activities WHERE log = ?", log),
        sqlx::query!("DELETE FROM prov_bad_lines WHERE log = ?", log),
        sqlx::query!("DELETE FROM prov_logs WHERE id = ?", log),
        sqlx::query!(
            "DELETE FROM prov_entities WHERE id NOT IN (SELECT entity FROM prov_relations)"
        ),
    ] {
        statement.execute(&mut *db).await?;
    }
    Ok(())
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests;
