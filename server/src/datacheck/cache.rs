//! What was read is kept, for as long as its files stay as they are and memory allows.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::SystemTime;

use crate::internal::lock;

use super::night::{Frame, NightData};
use super::run::RunData;

/// Something that knows what it takes in memory.
pub trait Weigh {
    /// Bytes, roughly.
    fn weight(&self) -> usize;
}

impl Weigh for RunData {
    fn weight(&self) -> usize {
        self.memory()
    }
}

impl Weigh for NightData {
    fn weight(&self) -> usize {
        self.memory()
    }
}

impl Weigh for Frame {
    fn weight(&self) -> usize {
        self.memory()
    }
}

/// Contents of files, by their paths, sizes and times of change. Of what does not fit into the
/// memory allowed, the longest unused goes first; the latest stays in any case.
///
/// It blocks while it reads: on asynchronous threads, call it through `spawn_blocking`.
pub struct Cache<T> {
    limit: usize,
    state: Mutex<State<T>>,
    /// Those who wait for what others read.
    awaiting: AtomicUsize,
}

struct State<T> {
    clock: u64,
    entries: HashMap<Key, Entry<T>>,
}

/// Files, and what of them.
type Key = (Vec<PathBuf>, String);

/// What was read last, and how its files were then; locked while it is read.
type Slot<T> = Arc<Mutex<Content<T>>>;

/// What was read last, and how its files were then.
type Content<T> = Option<(Vec<Stamp>, Arc<T>)>;

struct Entry<T> {
    used: u64,
    weight: usize,
    slot: Slot<T>,
}

/// How a file was when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    size: u64,
    changed: Option<SystemTime>,
}

impl Stamp {
    fn of(path: &PathBuf) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self { size: metadata.len(), changed: metadata.modified().ok() })
    }
}

impl<T: Weigh> Cache<T> {
    /// A cache of at most so many bytes.
    pub fn new(limit: usize) -> Self {
        let state = Mutex::new(State { clock: 0, entries: HashMap::new() });
        Self { limit, state, awaiting: AtomicUsize::new(0) }
    }

    /// What the files hold: kept from before if they have not changed, else read. Those who ask
    /// for the same files at once wait for one reader. Failures are not kept.
    pub fn get<E>(
        &self,
        files: &[PathBuf],
        read: impl FnOnce(&[PathBuf]) -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        self.get_part(files, "", read)
    }

    /// The same for a part of the files, or something made of them; `what` tells it from others.
    pub fn get_part<E>(
        &self,
        files: &[PathBuf],
        what: &str,
        read: impl FnOnce(&[PathBuf]) -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let key = (files.to_vec(), what.to_owned());
        let slot = self.slot(&key);
        let mut slot = self.locked(&slot);
        // Examined before reading: a file that changes meanwhile is read again the next time.
        let stamps: Vec<Stamp> = files.iter().filter_map(Stamp::of).collect();
        if let Some((known, content)) = slot.as_ref()
            && *known == stamps
            && stamps.len() == files.len()
        {
            return Ok(content.clone());
        }
        let content = Arc::new(read(files)?);
        *slot = Some((stamps, content.clone()));
        let names: usize = files.iter().map(|file| file.as_os_str().len() + 48).sum();
        self.settle(&key, content.weight() + names);
        Ok(content)
    }

    /// Whether somebody waits for what another reads; who reads should not tarry then.
    pub fn is_awaited(&self) -> bool {
        self.awaiting.load(Ordering::Acquire) > 0
    }

    fn locked<'slot>(&self, slot: &'slot Mutex<Content<T>>) -> MutexGuard<'slot, Content<T>> {
        match slot.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(error)) => PoisonError::into_inner(error),
            Err(TryLockError::WouldBlock) => {
                self.awaiting.fetch_add(1, Ordering::AcqRel);
                let guard = lock(slot);
                self.awaiting.fetch_sub(1, Ordering::AcqRel);
                guard
            }
        }
    }

    /// Whether something is kept of these files, be it of today or not.
    pub fn has(&self, files: &[PathBuf]) -> bool {
        lock(&self.state).entries.contains_key(&(files.to_vec(), String::new()))
    }

    /// Bytes held, roughly.
    pub fn weight(&self) -> usize {
        lock(&self.state).entries.values().map(|entry| entry.weight).sum()
    }

    fn slot(&self, key: &Key) -> Slot<T> {
        let mut state = lock(&self.state);
        state.clock += 1;
        let clock = state.clock;
        let entry = state.entries.entry(key.clone()).or_insert_with(|| Entry {
            used: clock,
            weight: 0,
            slot: Arc::default(),
        });
        entry.used = clock;
        entry.slot.clone()
    }

    /// Notes what an entry weighs, and lets others go until all fit.
    fn settle(&self, key: &Key, weight: usize) {
        let mut state = lock(&self.state);
        if let Some(entry) = state.entries.get_mut(key) {
            entry.weight = weight;
        }
        while state.entries.values().map(|entry| entry.weight).sum::<usize>() > self.limit {
            let oldest = state
                .entries
                .iter()
                .filter(|(other, _)| *other != key)
                .min_by_key(|(_, entry)| entry.used)
                .map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { break };
            state.entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datacheck::DatacheckError;
    use std::cell::Cell;

    struct Text(String);

    impl Weigh for Text {
        fn weight(&self) -> usize {
            self.0.len()
        }
    }

    #[allow(clippy::unnecessary_wraps)]
    fn read(files: &[PathBuf]) -> Result<Text, DatacheckError> {
        Ok(Text(std::fs::read_to_string(&files[0]).unwrap()))
    }

    #[test]
    fn who_reads_learns_that_others_wait_for_it() {
        let cache = Cache::new(100);
        let files = [PathBuf::from("a")];
        let text = || Ok::<_, DatacheckError>(Text("read".to_owned()));
        let (begun, began) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let (cache, files) = (&cache, &files);
            scope.spawn(move || {
                let slow = |_: &[PathBuf]| {
                    assert!(!cache.is_awaited());
                    begun.send(()).unwrap();
                    while !cache.is_awaited() {
                        std::thread::yield_now();
                    }
                    text()
                };
                cache.get(files, slow).unwrap();
            });
            began.recv().unwrap();
            assert_eq!(cache.get(files, |_| text()).unwrap().0, "read");
        });
        assert!(!cache.is_awaited());
    }

    #[test]
    fn a_file_is_read_again_only_once_it_has_changed() {
        let dir = tempfile::tempdir().unwrap();
        let files = [dir.path().join("a")];
        std::fs::write(&files[0], "one").unwrap();
        let cache = Cache::new(100);
        let reads = Cell::new(0);
        let get = || {
            let counted = |files: &[PathBuf]| {
                reads.set(reads.get() + 1);
                read(files)
            };
            cache.get(&files, counted).unwrap().0.clone()
        };
        assert_eq!((get(), get(), reads.get()), ("one".into(), "one".into(), 1));
        std::fs::write(&files[0], "three").unwrap();
        assert_eq!((get(), reads.get()), ("three".into(), 2));
    }

    #[test]
    fn the_longest_unused_goes_when_memory_is_full() {
        let dir = tempfile::tempdir().unwrap();
        let name = dir.path().join("a").as_os_str().len() + 48;
        let cache = Cache::new(25 + 2 * name);
        let file = |name: &str| vec![dir.path().join(name)];
        for name in ["a", "b", "c"] {
            std::fs::write(&file(name)[0], "ten bytes.").unwrap();
        }
        cache.get(&file("a"), read).unwrap();
        cache.get(&file("b"), read).unwrap();
        cache.get(&file("a"), read).unwrap();
        cache.get(&file("c"), read).unwrap();
        assert_eq!(cache.weight(), 20 + 2 * name);
        let fresh = |_: &[PathBuf]| Ok::<_, DatacheckError>(Text("read again".into()));
        assert_eq!(cache.get(&file("a"), fresh).unwrap().0, "ten bytes.");
        assert_eq!(cache.get(&file("b"), fresh).unwrap().0, "read again");
    }

    #[test]
    fn a_failure_is_not_cached() {
        let cache: Cache<Text> = Cache::new(100);
        let files = [PathBuf::from("/nowhere")];
        let fail = |_: &[PathBuf]| {
            let cause = std::io::Error::from(std::io::ErrorKind::NotFound);
            Err(DatacheckError::Read { file: "/nowhere".into(), cause })
        };
        assert!(cache.get(&files, fail).is_err());
        assert!(cache.get(&files, |_| Ok::<_, DatacheckError>(Text(String::new()))).is_ok());
    }
}
