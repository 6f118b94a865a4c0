//! Reads from disks that may not answer. A file system that hangs keeps a thread per read until it
//! recovers; so the reads of a kind and night are few at a time, and nobody waits long for them.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::backend::BackendError;
use chrono::Utc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::internal::activity::Activity;
use crate::internal::{blocking, lock};
use crate::model::NightDate;

use super::problem::unavailable;

/// How long a read may stand still before the file system counts as silent.
const PATIENCE: Duration = Duration::from_secs(15);
/// Reads of one kind and night at a time.
const AT_ONCE: usize = 4;

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadKind {
    /// Directories, to find a run's night or the place of its files.
    Directories,
    /// Datacheck files.
    Datacheck,
    /// The list of a night's products.
    Products,
    /// Records of provenance.
    Provenance,
    /// Logs of jobs.
    Logs,
}

impl ReadKind {
    fn name(self) -> &'static str {
        match self {
            Self::Directories => "directories",
            Self::Datacheck => "datacheck files",
            Self::Products => "products",
            Self::Provenance => "provenance records",
            Self::Logs => "logs",
        }
    }
}

/// A kind, and the night if it is about one.
type Place = (ReadKind, Option<NightDate>);

/// All reads under way.
pub struct DiskReads {
    queues: Mutex<HashMap<Place, Arc<Queue>>>,
    /// Figures are drawn from datacheck files: more at a time than the processors can draw would only
    /// wait for each other, each with its memory.
    drawing: Semaphore,
    patience: Duration,
}

/// Reads of one place.
struct Queue {
    free: Arc<Semaphore>,
    /// Those that have not ended.
    under_way: Mutex<Vec<Arc<Activity>>>,
}

impl Default for DiskReads {
    fn default() -> Self {
        Self::with_patience(PATIENCE)
    }
}

impl DiskReads {
    /// Nobody waits for a read that has stood still for longer than `patience`.
    pub fn with_patience(patience: Duration) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self { queues: Mutex::default(), drawing: Semaphore::new(2 * processors), patience }
    }

    /// Reads on a thread that may block.
    ///
    /// # Errors
    /// That of `read`; or one that says since when the file system has not answered. The read then goes
    /// on in its thread, and takes one of the places of its kind and night until it ends.
    pub async fn run<T: Send + 'static>(
        &self,
        kind: ReadKind,
        night: Option<NightDate>,
        read: impl FnOnce() -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let queue = self.queue((kind, night));
        let Some(permit) = queue.turn(self.patience).await else {
            return Err(queue.silent(kind, night));
        };
        // Given back when patience ends, unlike the permit: others may draw meanwhile.
        let _drawing = match kind {
            ReadKind::Datacheck => Some(self.drawing.acquire().await),
            _ => None,
        };
        let reading = Reading::new(&queue);
        let activity = Arc::clone(&reading.activity);
        let mut work = pin!(blocking(move || {
            let _until_it_ends = (permit, &reading);
            let _entered = reading.activity.enter();
            read()
        }));
        loop {
            if let Ok(result) = timeout(self.patience / 20, &mut work).await {
                return result.unwrap_or_else(|error| Err(unavailable(&error)));
            }
            if is_over(&activity, self.patience) {
                return Err(queue.silent(kind, night));
            }
        }
    }

    /// The queue of a place; those that nobody uses are dropped.
    fn queue(&self, place: Place) -> Arc<Queue> {
        let mut queues = lock(&self.queues);
        queues.retain(|_, queue| Arc::strong_count(queue) > 1);
        let queue = queues.entry(place).or_insert_with(|| {
            let free = Arc::new(Semaphore::new(AT_ONCE));
            Arc::new(Queue { free, under_way: Mutex::default() })
        });
        Arc::clone(queue)
    }
}

impl Queue {
    /// A place among those that read at a time, however long others take who are served; `None` if the
    /// file system is silent.
    async fn turn(&self, patience: Duration) -> Option<OwnedSemaphorePermit> {
        let mut turn = pin!(Arc::clone(&self.free).acquire_owned());
        loop {
            if let Ok(permit) = timeout(patience / 20, &mut turn).await {
                return permit.ok();
            }
            if lock(&self.under_way).iter().any(|activity| is_over(activity, patience)) {
                return None;
            }
        }
    }

    fn silent(&self, kind: ReadKind, night: Option<NightDate>) -> BackendError {
        let under_way = lock(&self.under_way);
        let since = under_way.iter().filter_map(|activity| activity.idle_since()).min();
        let since = since.unwrap_or_else(Utc::now);
        let night = night.map(|night| format!(" of {night}")).unwrap_or_default();
        BackendError::unavailable(format!(
            "the {}{night} cannot be read: no response from the file system since {}",
            kind.name(),
            since.format("%H:%M:%S UTC")
        ))
        .with_hint(Some(
            "see whether the file system is mounted and its server answers; nothing has to be started \
             again once it does"
                .to_owned(),
        ))
    }
}

/// Whether a read has stood still for that long.
fn is_over(activity: &Activity, patience: Duration) -> bool {
    let idle = activity.idle_since().and_then(|since| (Utc::now() - since).to_std().ok());
    idle.is_some_and(|time| time >= patience)
}

/// A read that has not ended.
struct Reading {
    queue: Arc<Queue>,
    activity: Arc<Activity>,
}

impl Reading {
    fn new(queue: &Arc<Queue>) -> Self {
        let activity = Activity::new();
        lock(&queue.under_way).push(Arc::clone(&activity));
        Self { queue: Arc::clone(queue), activity }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        lock(&self.queue.under_way).retain(|activity| !Arc::ptr_eq(activity, &self.activity));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// A read that does not end before its sender is dropped.
    fn hanging() -> (Sender<()>, impl FnOnce() -> Result<u32, BackendError> + Send + 'static) {
        let (sender, receiver) = channel::<()>();
        let read = move || {
            let _ = receiver.recv();
            Ok(1)
        };
        (sender, read)
    }

    fn night(text: &str) -> NightDate {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn reads_that_hang_keep_no_others_waiting_and_are_not_more_than_some() {
        let reads = DiskReads::with_patience(Duration::from_millis(20));
        let bad = Some(night("2024-11-28"));
        let mut held = Vec::new();
        for _ in 0..AT_ONCE {
            let (sender, read) = hanging();
            held.push(sender);
            let error = reads.run(ReadKind::Logs, bad, read).await.unwrap_err();
            assert!(error.text.starts_with(
                "the logs of 2024-11-28 cannot be read: no response from the file system since "
            ));
        }
        // No further thread is taken.
        let never = || -> Result<u32, BackendError> { panic!("it is not read") };
        reads.run(ReadKind::Logs, bad, never).await.unwrap_err();
        // Other nights and other kinds are read.
        let others = DiskReads { patience: PATIENCE, ..reads };
        for (kind, night) in
            [(ReadKind::Logs, Some(night("2024-11-29"))), (ReadKind::Products, bad)]
        {
            assert_eq!(others.run(kind, night, || Ok(2)).await.unwrap(), 2);
        }
        // And this one is, once those that hung have ended.
        drop(held);
        assert_eq!(others.run(ReadKind::Logs, bad, || Ok(3)).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn who_computes_for_long_is_no_file_system_that_hangs() {
        let patience = Duration::from_millis(20);
        let reads = DiskReads::with_patience(patience);
        let compute = move || {
            let began = std::time::Instant::now();
            let mut rounds = 0_u64;
            while began.elapsed() < 10 * patience {
                rounds = std::hint::black_box(rounds + 1);
            }
            Ok(rounds)
        };
        assert!(reads.run(ReadKind::Datacheck, None, compute).await.unwrap() > 0);
    }

    #[tokio::test]
    async fn queues_without_reads_are_forgotten() {
        let reads = DiskReads::default();
        for day in ["2024-11-28", "2024-11-29"] {
            reads.run(ReadKind::Logs, Some(night(day)), || Ok(())).await.unwrap();
        }
        reads.run(ReadKind::Products, None, || Ok(())).await.unwrap();
        assert_eq!(lock(&reads.queues).len(), 1);
    }
}
