//! Files of the local scheduler: a directory beside the database, named after it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::LocalError;
use crate::model::JobId;

/// Above this the supervisor's log begins again.
const LOG_LIMIT: u64 = 4 << 20;

/// Where the local scheduler of a database keeps its files.
#[derive(Clone, Debug)]
pub struct Place {
    database: PathBuf,
    dir: PathBuf,
}

impl Place {
    /// The place of this database; its directory is made if it is missing.
    pub fn of(database: &Path) -> Result<Self, LocalError> {
        let wrap = |cause| LocalError::file("use", database, cause);
        let database = std::fs::canonicalize(database).map_err(wrap)?;
        let mut name = database.file_name().unwrap_or_default().to_owned();
        name.push(".local");
        let dir = database.with_file_name(name);
        std::fs::create_dir_all(&dir).map_err(|cause| LocalError::file("make", &dir, cause))?;
        Ok(Self { database, dir })
    }

    /// The database, absolute.
    pub fn database(&self) -> &Path {
        &self.database
    }

    /// What supervisors and runners have to say.
    pub fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// Opens the log at its end; a very long one begins again.
    pub fn open_log(&self) -> Result<File, LocalError> {
        let file = self.log();
        let wrap = |cause| LocalError::file("write", &file, cause);
        let log = OpenOptions::new().create(true).append(true).open(&file).map_err(wrap)?;
        if log.metadata().map_err(wrap)?.len() > LOG_LIMIT {
            log.set_len(0).map_err(wrap)?;
        }
        Ok(log)
    }

    /// Copy of a job's script from which its tasks run.
    pub fn script(&self, job: JobId) -> PathBuf {
        self.dir.join(format!("{job}.sh"))
    }

    fn lock_file(&self) -> Result<File, LocalError> {
        let file = self.dir.join("lock");
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .read(true)
            .mode(0o644)
            .open(&file)
            .map_err(|cause| LocalError::file("open", &file, cause))
    }

    /// Whether a supervisor is at work. Asking takes a shared lock for a moment, which
    /// [`Place::become_supervisor`] waits out.
    pub fn has_supervisor(&self) -> Result<bool, LocalError> {
        match self.lock_file()?.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(cause)) => {
                Err(LocalError::file("lock", &self.dir.join("lock"), cause))
            }
        }
    }

    /// Becomes the one supervisor for as long as the file is held open; `None` if another one
    /// still is after `patience`. The system drops the lock however the process ends.
    pub fn become_supervisor(&self, patience: Duration) -> Result<Option<File>, LocalError> {
        let deadline = Instant::now() + patience;
        loop {
            let file = self.lock_file()?;
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Ok(None),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
                Err(TryLockError::Error(cause)) => {
                    return Err(LocalError::file("lock", &self.dir.join("lock"), cause));
                }
            }
        }
    }

    /// Which file the database is; `None` if it is gone.
    pub fn identity(&self) -> Option<(u64, u64)> {
        let metadata = std::fs::metadata(&self.database).ok()?;
        Some((metadata.dev(), metadata.ino()))
    }

    /// Puts a job's script where its tasks run it from, whole or not at all.
    pub fn put_script(&self, job: JobId, body: &[u8]) -> Result<PathBuf, LocalError> {
        let script = self.script(job);
        if script.exists() {
            return Ok(script);
        }
        let wrap = |cause| LocalError::file("write", &script, cause);
        let mut beside = tempfile::NamedTempFile::new_in(&self.dir).map_err(wrap)?;
        io::Write::write_all(&mut beside, body).map_err(wrap)?;
        beside.as_file().sync_all().map_err(wrap)?;
        beside.persist(&script).map_err(|error| wrap(error.error))?;
        Ok(script)
    }

    /// The jobs whose scripts are there.
    pub fn scripts(&self) -> Result<Vec<JobId>, LocalError> {
        let wrap = |cause| LocalError::file("read", &self.dir, cause);
        let mut jobs = Vec::new();
        for entry in std::fs::read_dir(&self.dir).map_err(wrap)? {
            let path = entry.map_err(wrap)?.path();
            let is_script = path.extension().is_some_and(|ending| ending == "sh");
            let job = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            jobs.extend(job.filter(|_| is_script).map(JobId));
        }
        Ok(jobs)
    }

    /// Removes a job's script.
    pub fn remove_script(&self, job: JobId) -> Result<(), LocalError> {
        let script = self.script(job);
        std::fs::remove_file(&script).map_err(|cause| LocalError::file("remove", &script, cause))
    }
}
