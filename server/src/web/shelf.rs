//! Snapshots on a shelf: each is looked at once, however many want it, and again while somebody
//! does.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use app::backend::{BackendError, Seen};
use tokio::sync::{Semaphore, watch};

use crate::internal::lock;

/// What a look found.
pub type Found<T> = Result<Arc<T>, BackendError>;

/// What is on the shelf under one key.
#[derive(Debug)]
pub struct Snapshot<T> {
    /// Grows by one or more whenever there is something new to see; unique, also
    /// among those of servers that ran before.
    pub version: u64,
    /// What was found.
    pub found: Found<T>,
    /// When it was last looked at.
    pub at: Instant,
}

impl<T> Snapshot<T> {
    /// What was found, with its version.
    pub fn seen(self) -> Result<Seen<T>, BackendError> {
        let version = self.version;
        self.found.map(|value| Seen { version, value })
    }
}

impl<T> Clone for Snapshot<T> {
    fn clone(&self) -> Self {
        Self { version: self.version, found: self.found.clone(), at: self.at }
    }
}

/// How a shelf is kept.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Time between two looks at what somebody wants; longer where a look takes long.
    pub poll: Duration,
    /// How long somebody who has asked once is taken to be interested.
    pub interest: Duration,
    /// How long a snapshot is kept that nobody is interested in.
    pub memory: Duration,
    /// How long to wait for a fresh look where there is an older one.
    pub patience: Duration,
    /// How long to wait for the first look.
    pub first: Duration,
}

impl Pace {
    /// The pace of a server that looks every `poll`.
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

/// Looks of one shelf at a time. A file system that hangs keeps the threads of those that it does not
/// answer, and other work needs some too.
const LOOKS_AT_ONCE: usize = 32;

/// A look may take this share of the time: one fifth.
const SHARE: u32 = 4;
/// More keys than any number of viewers looks at; the rest are guesses at addresses.
const LARGEST: usize = 2_000;

static VERSIONS: LazyLock<AtomicU64> = LazyLock::new(|| {
    // A server that was started again must not count as the one before did.
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    AtomicU64::new(since.as_secs() << 20)
});

/// One kind of snapshots.
pub struct Shelf<K, T> {
    entries: Mutex<HashMap<K, Arc<Entry<T>>>>,
    look: Box<Look<K, T>>,
    /// Whether two findings look the same to a viewer.
    same: fn(&T, &T) -> bool,
    pace: Pace,
    threads: Arc<Semaphore>,
}

type Look<K, T> = dyn Fn(&K) -> Result<T, BackendError> + Send + Sync;

struct Entry<T> {
    sender: watch::Sender<Option<Snapshot<T>>>,
    looking: AtomicBool,
    plan: Mutex<Plan>,
}

/// Who wants it, and when to look next.
#[derive(Clone, Copy)]
struct Plan {
    /// When somebody last asked, if anybody has.
    asked: Option<Instant>,
    /// When it was last of use.
    used: Instant,
    due: Instant,
}

impl<K, T> Shelf<K, T>
where
    K: Clone + Debug + Eq + Hash + Send + Sync + 'static,
    T: Send + Sync + 'static,
{
    /// An empty shelf; `look` blocks, and is called on threads that may.
    pub fn new(
        pace: Pace,
        same: fn(&T, &T) -> bool,
        look: impl Fn(&K) -> Result<T, BackendError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let threads = Arc::new(Semaphore::new(LOOKS_AT_ONCE));
        Arc::new(Self { entries: Mutex::default(), look: Box::new(look), same, pace, threads })
    }

    /// The newest snapshot. What has not been looked at lately is looked at first; if that takes
    /// too long, an older one is given, as of its time.
    pub async fn get(self: &Arc<Self>, key: K) -> Snapshot<T> {
        let entry = self.asked(key.clone());
        let mut receiver = entry.sender.subscribe();
        let newest = receiver.borrow_and_update().clone();
        if let Some(snapshot) = &newest
            && snapshot.at.elapsed() <= self.pace.poll * 2
        {
            return snapshot.clone();
        }
        self.refresh(key, &entry);
        let wait = if newest.is_some() { self.pace.patience } else { self.pace.first };
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

    /// Every look from now on, for as long as the receiver is kept; the last one at once.
    pub fn follow(self: &Arc<Self>, key: K) -> watch::Receiver<Option<Snapshot<T>>> {
        let entry = self.asked(key.clone());
        let mut receiver = entry.sender.subscribe();
        receiver.mark_changed();
        let current = receiver.borrow().as_ref().is_some_and(|s| s.at.elapsed() <= self.pace.poll);
        if !current {
            self.refresh(key, &entry);
        }
        receiver
    }

    /// Looks again at what somebody wants and is due, or at all that somebody wants if there are
    /// `news`; forgets what nobody has wanted for long.
    pub fn tick(self: &Arc<Self>, news: bool) {
        let now = Instant::now();
        let mut due = Vec::new();
        self.lock().retain(|key, entry| {
            let plan = *lock(&entry.plan);
            let wanted = self.is_wanted(entry);
            if wanted && (news || plan.due <= now) {
                due.push((key.clone(), Arc::clone(entry)));
            }
            wanted || now.duration_since(plan.used) < self.pace.memory
        });
        for (key, entry) in due {
            self.refresh(key, &entry);
        }
    }

    /// The newest snapshot, if there is one, without taking anybody to be interested.
    pub fn peek(&self, key: &K) -> Option<Snapshot<T>> {
        let entry = self.lock().get(key).map(Arc::clone)?;
        entry.sender.borrow().clone()
    }

    /// Looks once, so that whoever comes next finds something, without taking anybody to be
    /// interested.
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
            || asked.is_some_and(|asked| asked.elapsed() < self.pace.interest)
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
                looking: AtomicBool::new(false),
                plan: Mutex::new(Plan { asked: None, used: now, due: now }),
            })
        });
        lock(&entry.plan).used = now;
        Arc::clone(entry)
    }

    /// Looks on a thread of its own, unless somebody is at it.
    fn refresh(self: &Arc<Self>, key: K, entry: &Arc<Entry<T>>) {
        if entry.looking.swap(true, Ordering::AcqRel) {
            return;
        }
        let (shelf, entry) = (Arc::clone(self), Arc::clone(entry));
        tokio::spawn(async move {
            let permit = Arc::clone(&shelf.threads).acquire_owned().await;
            tokio::task::spawn_blocking(move || {
                let _permit = permit;
                shelf.look_at(&key, &entry);
            });
        });
    }

    /// Looks, and publishes what is found. Blocks.
    fn look_at(&self, key: &K, entry: &Entry<T>) {
        let _span = tracing::debug_span!("refresh", what = ?key).entered();
        let looking = Looking(&entry.looking);
        let began = Instant::now();
        let found = (self.look)(key);
        let took = began.elapsed();
        lock(&entry.plan).due = began + self.pace.poll.max(took * (SHARE + 1));
        self.put(entry, found, began);
        drop(looking);
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

/// Lets others look again, also when a look ends by a panic.
struct Looking<'a>(&'a AtomicBool);

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    fn pace() -> Pace {
        Pace {
            poll: Duration::from_millis(5),
            interest: Duration::from_secs(60),
            memory: Duration::from_secs(60),
            patience: Duration::from_millis(20),
            first: Duration::from_secs(20),
        }
    }

    #[tokio::test]
    async fn many_viewers_cost_one_look() {
        let looks = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&looks);
        let pace = Pace { poll: Duration::from_secs(60), ..pace() };
        let shelf = Shelf::new(pace, u32::eq, move |key: &u32| {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok(*key)
        });
        let viewers: Vec<_> = (0..50)
            .map(|_| {
                let shelf = Arc::clone(&shelf);
                tokio::spawn(async move { shelf.get(7).await.found.unwrap() })
            })
            .collect();
        for viewer in viewers {
            assert_eq!(*viewer.await.unwrap(), 7);
        }
        assert_eq!(looks.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn what_looks_the_same_keeps_its_version() {
        let value = Arc::new(AtomicU32::new(10));
        let read = Arc::clone(&value);
        let shelf = Shelf::new(
            pace(),
            |a: &u32, b: &u32| a / 10 == b / 10,
            move |(): &()| Ok(read.load(Ordering::SeqCst)),
        );
        let first = shelf.get(()).await;
        value.store(11, Ordering::SeqCst);
        let mut receiver = shelf.follow(());
        let again = async |receiver: &mut watch::Receiver<Option<Snapshot<u32>>>, wanted: u32| {
            loop {
                shelf.tick(true);
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
    async fn while_a_look_hangs_the_older_one_is_shown() {
        let (release, hung) = std::sync::mpsc::channel::<()>();
        let hung = Mutex::new(hung);
        let looks = AtomicU32::new(0);
        let shelf = Shelf::new(pace(), u32::eq, move |(): &()| {
            if looks.fetch_add(1, Ordering::SeqCst) > 0 {
                let _ = lock(&hung).recv();
            }
            Ok(1)
        });
        let first = shelf.get(()).await;
        tokio::time::sleep(pace().poll * 3).await;
        let second = shelf.get(()).await;
        assert_eq!((second.version, second.at), (first.version, first.at));
        drop(release);
    }

    #[tokio::test]
    async fn what_nobody_wants_is_not_looked_at_and_then_forgotten() {
        let pace = Pace { interest: Duration::ZERO, memory: Duration::ZERO, ..pace() };
        let shelf = Shelf::new(pace, u32::eq, |key: &u32| Ok(*key));
        shelf.get(1).await;
        let kept = shelf.follow(2);
        assert_eq!(shelf.wanted(), [2]);
        drop(kept);
        assert!(shelf.wanted().is_empty());
        shelf.tick(false);
        assert!(shelf.lock().is_empty());
    }
}
