//! A cache of snapshots: each is loaded once, however many viewers request it, and refreshed while
//! somebody is interested in it.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use app::backend::{BackendError, Versioned};
use tokio::sync::{Semaphore, watch};

use crate::internal::lock;

/// The outcome of loading.
pub type LoadResult<T> = Result<Arc<T>, BackendError>;

/// What the cache has for one key.
#[derive(Debug)]
pub struct Snapshot<T> {
    /// Grows by one or more whenever there is something new to see; unique, also
    /// among those of servers that ran before.
    pub version: u64,
    /// What was loaded.
    pub found: LoadResult<T>,
    /// When it was loaded.
    pub at: Instant,
}

impl<T> Snapshot<T> {
    /// What was loaded, with its version.
    pub fn versioned(self) -> Result<Versioned<T>, BackendError> {
        let version = self.version;
        self.found.map(|value| Versioned { version, value })
    }
}

impl<T> Clone for Snapshot<T> {
    fn clone(&self) -> Self {
        Self { version: self.version, found: self.found.clone(), at: self.at }
    }
}

/// When a cache refreshes and drops its snapshots.
#[derive(Clone, Copy, Debug)]
pub struct RefreshPolicy {
    /// Time between two loads of what somebody wants; longer where loading takes long.
    pub poll: Duration,
    /// How long a single request counts as interest.
    pub interest: Duration,
    /// How long a snapshot is kept that nobody is interested in.
    pub memory: Duration,
    /// How long to wait for a fresh snapshot where there is an older one.
    pub patience: Duration,
    /// How long to wait for the first snapshot.
    pub first: Duration,
}

impl RefreshPolicy {
    /// The policy of a server that refreshes every `poll`.
    pub fn new(poll: Duration) -> Self {
        Self {
            poll,
            interest: Duration::from_secs(60).max(poll * 3),
            memory: Duration::from_secs(600).max(poll * 30),
            patience: Duration::from_secs(2),
            first: Duration::from_secs(15),
        }
    }
}

/// Concurrent loads of one cache. A file system that hangs keeps the threads of those that it does not
/// answer, and other work needs some too.
const LOADS_AT_ONCE: usize = 32;

/// Loading may take this share of the time: one fifth.
const SHARE: u32 = 4;
/// More keys than any number of viewers request; the rest are guesses at addresses.
const LARGEST: usize = 2_000;

static VERSIONS: LazyLock<AtomicU64> = LazyLock::new(|| {
    // A server that was started again must not count as the one before did.
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    AtomicU64::new(since.as_secs() << 20)
});

/// One kind of snapshots.
pub struct SnapshotCache<K, T> {
    entries: Mutex<HashMap<K, Arc<Entry<T>>>>,
    load: Box<Load<K, T>>,
    /// Whether two values are equal to a viewer.
    same: fn(&T, &T) -> bool,
    policy: RefreshPolicy,
    threads: Arc<Semaphore>,
}

type Load<K, T> = dyn Fn(&K) -> Result<T, BackendError> + Send + Sync;

struct Entry<T> {
    sender: watch::Sender<Option<Snapshot<T>>>,
    loading: AtomicBool,
    plan: Mutex<Plan>,
}

/// Who wants it, and when to load next.
#[derive(Clone, Copy)]
struct Plan {
    /// When somebody last asked, if anybody has.
    asked: Option<Instant>,
    /// When it was last of use.
    used: Instant,
    due: Instant,
}

impl<K, T> SnapshotCache<K, T>
where
    K: Clone + Debug + Eq + Hash + Send + Sync + 'static,
    T: Send + Sync + 'static,
{
    /// An empty cache; `load` may block: it is called on threads for blocking work.
    pub fn new(
        policy: RefreshPolicy,
        same: fn(&T, &T) -> bool,
        load: impl Fn(&K) -> Result<T, BackendError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let threads = Arc::new(Semaphore::new(LOADS_AT_ONCE));
        Arc::new(Self { entries: Mutex::default(), load: Box::new(load), same, policy, threads })
    }

    /// The newest snapshot. One that is not recent is refreshed first; if that takes too long, the
    /// older one is returned.
    pub async fn get(self: &Arc<Self>, key: K) -> Snapshot<T> {
        let entry = self.asked(key.clone());
        let mut receiver = entry.sender.subscribe();
        let newest = receiver.borrow_and_update().clone();
        if let Some(snapshot) = &newest
            && snapshot.at.elapsed() <= self.policy.poll * 2
        {
            return snapshot.clone();
        }
        self.refresh(key, &entry);
        let wait = if newest.is_some() { self.policy.patience } else { self.policy.first };
        // Also one that another viewer began a moment ago.
        let before = newest.as_ref().map(|snapshot| snapshot.at);
        let fresh = receiver.wait_for(|snapshot| {
            snapshot.as_ref().is_some_and(|snapshot| Some(snapshot.at) != before)
        });
        let fresh = tokio::time::timeout(wait, fresh).await;
        match fresh.ok().and_then(|fresh| fresh.ok()?.clone()).or(newest) {
            Some(snapshot) => snapshot,
            None => Snapshot {
                version: 0,
                found: Err(BackendError::unavailable(format!(
                    "no response from the file system within {} s",
                    wait.as_secs()
                ))
                .with_hint(Some(
                    "try again, and see whether the file system is slow or not mounted".to_owned(),
                ))),
                at: Instant::now(),
            },
        }
    }

    /// Every snapshot from now on, for as long as the receiver lives; the last one at once.
    pub fn follow(self: &Arc<Self>, key: K) -> watch::Receiver<Option<Snapshot<T>>> {
        let entry = self.asked(key.clone());
        let mut receiver = entry.sender.subscribe();
        receiver.mark_changed();
        let current =
            receiver.borrow().as_ref().is_some_and(|s| s.at.elapsed() <= self.policy.poll);
        if !current {
            self.refresh(key, &entry);
        }
        receiver
    }

    /// Refreshes what somebody wants and is due, or all that somebody wants if there are `news`;
    /// drops what nobody has wanted for long.
    pub fn tick(self: &Arc<Self>, news: bool) {
        let now = Instant::now();
        let mut due = Vec::new();
        self.lock().retain(|key, entry| {
            let plan = *lock(&entry.plan);
            let wanted = self.is_wanted(entry);
            if wanted && (news || plan.due <= now) {
                due.push((key.clone(), Arc::clone(entry)));
            }
            wanted || now.duration_since(plan.used) < self.policy.memory
        });
        for (key, entry) in due {
            self.refresh(key, &entry);
        }
    }

    /// The newest snapshot, if there is one; does not count as interest.
    pub fn peek(&self, key: &K) -> Option<Snapshot<T>> {
        let entry = self.lock().get(key).map(Arc::clone)?;
        entry.sender.borrow().clone()
    }

    /// Loads once, so that the next request finds something; does not count as interest.
    pub fn warm(self: &Arc<Self>, key: K) {
        let entry = self.entry(key.clone());
        self.refresh(key, &entry);
    }

    /// What somebody wants now.
    pub fn wanted(&self) -> Vec<K> {
        let entries = self.lock();
        let wanted = entries.iter().filter(|(_, entry)| self.is_wanted(entry));
        wanted.map(|(key, _)| key.clone()).collect()
    }

    fn is_wanted(&self, entry: &Entry<T>) -> bool {
        let asked = lock(&entry.plan).asked;
        entry.sender.receiver_count() > 0
            || asked.is_some_and(|asked| asked.elapsed() < self.policy.interest)
    }

    /// The entry of something that somebody asks for.
    fn asked(&self, key: K) -> Arc<Entry<T>> {
        let entry = self.entry(key);
        lock(&entry.plan).asked = Some(Instant::now());
        entry
    }

    fn entry(&self, key: K) -> Arc<Entry<T>> {
        let now = Instant::now();
        let mut entries = self.lock();
        if entries.len() >= LARGEST && !entries.contains_key(&key) {
            entries.retain(|_, entry| entry.sender.receiver_count() > 0);
        }
        let entry = entries.entry(key).or_insert_with(|| {
            Arc::new(Entry {
                sender: watch::Sender::new(None),
                loading: AtomicBool::new(false),
                plan: Mutex::new(Plan { asked: None, used: now, due: now }),
            })
        });
        lock(&entry.plan).used = now;
        Arc::clone(entry)
    }

    /// Loads on a thread of its own, unless a load is in progress.
    fn refresh(self: &Arc<Self>, key: K, entry: &Arc<Entry<T>>) {
        if entry.loading.swap(true, Ordering::AcqRel) {
            return;
        }
        let (cache, entry) = (Arc::clone(self), Arc::clone(entry));
        tokio::spawn(async move {
            let permit = Arc::clone(&cache.threads).acquire_owned().await;
            tokio::task::spawn_blocking(move || {
                let _permit = permit;
                cache.load(&key, &entry);
            });
        });
    }

    /// Loads, and publishes the result. Blocks.
    fn load(&self, key: &K, entry: &Entry<T>) {
        let _span = tracing::debug_span!("refresh", what = ?key).entered();
        let loading = Loading(&entry.loading);
        let began = Instant::now();
        let found = (self.load)(key);
        let took = began.elapsed();
        lock(&entry.plan).due = began + self.policy.poll.max(took * (SHARE + 1));
        self.put(entry, found, began);
        drop(loading);
    }

    fn put(&self, entry: &Entry<T>, found: Result<T, BackendError>, at: Instant) {
        entry.sender.send_modify(|slot| {
            let same = slot.as_ref().is_some_and(|old| match (&old.found, &found) {
                (Ok(old), Ok(new)) => (self.same)(old, new),
                (Err(old), Err(new)) => old == new,
                _ => false,
            });
            let version = match slot {
                Some(old) if same => old.version,
                _ => VERSIONS.fetch_add(1, Ordering::Relaxed),
            };
            *slot = Some(Snapshot { version, found: found.map(Arc::new), at });
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Arc<Entry<T>>>> {
        lock(&self.entries)
    }
}

/// Allows the next load, also after a panic.
struct Loading<'a>(&'a AtomicBool);

impl Drop for Loading<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    fn policy() -> RefreshPolicy {
        RefreshPolicy {
            poll: Duration::from_millis(5),
            interest: Duration::from_secs(60),
            memory: Duration::from_secs(60),
            patience: Duration::from_millis(20),
            first: Duration::from_secs(20),
        }
    }

    #[tokio::test]
    async fn many_viewers_cost_one_load() {
        let loads = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&loads);
        let policy = RefreshPolicy { poll: Duration::from_secs(60), ..policy() };
        let cache = SnapshotCache::new(policy, u32::eq, move |key: &u32| {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok(*key)
        });
        let viewers: Vec<_> = (0..50)
            .map(|_| {
                let cache = Arc::clone(&cache);
                tokio::spawn(async move { cache.get(7).await.found.unwrap() })
            })
            .collect();
        for viewer in viewers {
            assert_eq!(*viewer.await.unwrap(), 7);
        }
        assert_eq!(loads.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn equal_content_keeps_its_version() {
        let value = Arc::new(AtomicU32::new(10));
        let read = Arc::clone(&value);
        let cache = SnapshotCache::new(
            policy(),
            |a: &u32, b: &u32| a / 10 == b / 10,
            move |(): &()| Ok(read.load(Ordering::SeqCst)),
        );
        let first = cache.get(()).await;
        value.store(11, Ordering::SeqCst);
        let mut receiver = cache.follow(());
        let again = async |receiver: &mut watch::Receiver<Option<Snapshot<u32>>>, wanted: u32| {
            loop {
                cache.tick(true);
                let seen = receiver.wait_for(Option::is_some).await.unwrap().clone().unwrap();
                if *seen.found.clone().unwrap() == wanted {
                    return seen;
                }
                tokio::task::yield_now().await;
            }
        };
        assert_eq!(again(&mut receiver, 11).await.version, first.version);
        value.store(20, Ordering::SeqCst);
        assert!(again(&mut receiver, 20).await.version > first.version);
    }

    #[tokio::test]
    async fn while_loading_hangs_the_older_snapshot_is_shown() {
        let (release, hung) = std::sync::mpsc::channel::<()>();
        let hung = Mutex::new(hung);
        let loads = AtomicU32::new(0);
        let cache = SnapshotCache::new(policy(), u32::eq, move |(): &()| {
            if loads.fetch_add(1, Ordering::SeqCst) > 0 {
                let _ = lock(&hung).recv();
            }
            Ok(1)
        });
        let first = cache.get(()).await;
        tokio::time::sleep(policy().poll * 3).await;
        let second = cache.get(()).await;
        assert_eq!((second.version, second.at), (first.version, first.at));
        drop(release);
    }

    #[tokio::test]
    async fn unwanted_snapshots_are_not_refreshed_and_then_dropped() {
        let policy = RefreshPolicy { interest: Duration::ZERO, memory: Duration::ZERO, ..policy() };
        let cache = SnapshotCache::new(policy, u32::eq, |key: &u32| Ok(*key));
        cache.get(1).await;
        let follower = cache.follow(2);
        assert_eq!(cache.wanted(), [2]);
        drop(follower);
        assert!(cache.wanted().is_empty());
        cache.tick(false);
        assert!(cache.lock().is_empty());
    }
}
