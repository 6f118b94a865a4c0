//! What only one may do at a time. A lock lives exactly as long as its process, and within that as
//! its guard: neither a crash nor a reboot leaves one behind.

use std::collections::BTreeSet;
use std::sync::Mutex;

use chrono::{DateTime, Utc};

use crate::internal::lock;
use crate::schedule::local::{is_alive, myself};
use crate::store::{Holder, Store};

use super::CloseError;

/// The tokens that this process holds.
static HELD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn held<T>(with: impl FnOnce(&mut BTreeSet<String>) -> T) -> T {
    with(&mut lock(&HELD))
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(super) struct Guard {
    store: Store,
    name: String,
    token: String,
    released: bool,
}

/// Takes a lock.
///
/// # Errors
/// [`CloseError::Busy`] if somebody has it, who is named.
pub(super) async fn take(
    store: &Store,
    name: &str,
    author: &str,
    now: DateTime<Utc>,
) -> Result<Guard, CloseError> {
    let process = myself().ok_or(CloseError::NoProcess)?;
    let token = uuid::Uuid::new_v4().to_string();
    let holder = Holder { token: token.clone(), process, author: author.to_owned(), since: now };
    held(|held| held.insert(token.clone()));
    let guard = Guard { store: store.clone(), name: name.to_owned(), token, released: false };
    match store.take_lock(name, &holder, lives).await? {
        None => Ok(guard),
        Some(Holder { author, since, .. }) => {
            Err(CloseError::Busy { what: name.to_owned(), author, since })
        }
    }
}

/// Whether whoever took a lock still holds it.
pub(super) fn lives(holder: &Holder) -> bool {
    let ours = myself().is_some_and(|me| me == holder.process);
    if ours { held(|held| held.contains(&holder.token)) } else { is_alive(&holder.process) }
}

impl Guard {
    /// Gives it back.
    pub(super) async fn release(mut self) -> Result<(), CloseError> {
        self.store.drop_lock(&self.name, &self.token).await?;
        self.released = true;
        Ok(())
    }
}

impl Drop for Guard {
    /// From here on the row in the database is that of nobody, for this process. Others are reported as
    /// well, where that can still be done: this process may go on living without the lock.
    fn drop(&mut self) {
        held(|held| held.remove(&self.token));
        if !self.released
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (store, name, token) = (self.store.clone(), self.name.clone(), self.token.clone());
            runtime.spawn(async move { store.drop_lock(&name, &token).await });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::local_queue::Runner;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    #[tokio::test]
    async fn a_lock_has_one_holder_and_none_that_is_dead() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("osa.sqlite")).await.unwrap();
        let guard = take(&store, "close x", "jane", at(0)).await.unwrap();
        let error = take(&store, "close x", "joe", at(1)).await.unwrap_err();
        assert!(error.to_string().contains("begun by jane at"), "{error}");
        take(&store, "close y", "joe", at(1)).await.unwrap();
        guard.release().await.unwrap();
        assert_eq!(store.lock_holder("close x").await.unwrap(), None);
        // Dropped, as where a task is cut short: it counts for nothing at once.
        drop(take(&store, "close x", "joe", at(2)).await.unwrap());
        take(&store, "close x", "jane", at(3)).await.unwrap();
    }

    #[tokio::test]
    async fn neither_another_process_of_that_number_nor_another_boot_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("osa.sqlite")).await.unwrap();
        let me = myself().unwrap();
        for process in [
            Runner { start: me.start + 1, ..me.clone() },
            Runner { boot: "another".into(), ..me.clone() },
            Runner { pid: i32::MAX, ..me },
        ] {
            let holder = Holder { token: "t".into(), process, author: "jane".into(), since: at(0) };
            store.take_lock("close x", &holder, |_| false).await.unwrap();
            take(&store, "close x", "joe", at(1)).await.unwrap().release().await.unwrap();
        }
    }
}
