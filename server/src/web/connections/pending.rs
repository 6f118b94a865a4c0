//! Connections that wait for their client: for a request, for the rest of one, or for the next one. They cost
//! the client nothing, so there is a limit to them. Where one too many comes, the one that has waited
//! longest is closed: whoever sends a request at once is served however many others stay silent.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::internal::lock;

/// How often it is logged that connections were closed because there were too many.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// How many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections that wait, in total.
    pub pending: usize,
    /// Connections of one client that wait.
    pub pending_per_client: usize,
    /// Connections of any kind.
    pub open: usize,
}

/// The connections that wait, and how many there are of any kind.
#[derive(Clone, Debug)]
pub struct Pending(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    limits: Limits,
    open: usize,
    next: u64,
    waiting: BTreeMap<u64, Waiting>,
    by_client: HashMap<String, BTreeSet<u64>>,
    closed: usize,
    logged: Option<Instant>,
}

#[derive(Debug)]
struct Waiting {
    client: Option<String>,
    close: Arc<Notify>,
}

impl Pending {
    /// Nobody waits yet.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Mutex::new(State {
            limits,
            open: 0,
            next: 0,
            waiting: BTreeMap::new(),
            by_client: HashMap::new(),
            closed: 0,
            logged: None,
        })))
    }

    /// Counts a connection for as long as what this returns lives. `None` if there are too many that do not
    /// wait: then none can be closed for it.
    pub fn open(&self) -> Option<Open> {
        let mut state = self.state();
        if state.open >= state.limits.open && !state.close_oldest() {
            return None;
        }
        state.open += 1;
        Some(Open(self.clone()))
    }

    /// Counts a connection as waiting for as long as what this returns lives; `close` is notified if it
    /// has to go. A client that is not known is only counted in total.
    pub fn wait(&self, client: Option<&str>, close: &Arc<Notify>) -> Place {
        let mut state = self.state();
        if let Some(client) = client {
            let own = state.by_client.get(client);
            let oldest = own.filter(|own| own.len() >= state.limits.pending_per_client);
            if let Some(oldest) = oldest.and_then(BTreeSet::first).copied() {
                state.close(oldest);
            }
        }
        if state.waiting.len() >= state.limits.pending {
            state.close_oldest();
        }
        let number = state.next;
        state.next += 1;
        if let Some(client) = client {
            state.by_client.entry(client.to_owned()).or_default().insert(number);
        }
        let waiting = Waiting { client: client.map(str::to_owned), close: Arc::clone(close) };
        state.waiting.insert(number, waiting);
        Place { pending: self.clone(), number }
    }

    /// Closes the connection that has waited longest, where file descriptors have run out.
    pub fn make_room(&self) {
        self.state().close_oldest();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

impl State {
    /// Whether there was one.
    fn close_oldest(&mut self) -> bool {
        let oldest = self.waiting.keys().next().copied();
        oldest.map(|oldest| self.close(oldest)).is_some()
    }

    fn close(&mut self, number: u64) {
        let Some(waiting) = self.leave(number) else { return };
        waiting.close.notify_one();
        self.closed += 1;
        if self.logged.is_none_or(|logged| logged.elapsed() >= LOG_EVERY) {
            tracing::warn!(
                closed = self.closed,
                waiting = self.waiting.len(),
                client = waiting.client.as_deref().unwrap_or("unknown"),
                "too many connections without a complete request: the oldest are closed; \
                 pending_connections and pending_connections_per_client in osa.toml set the limits"
            );
            self.logged = Some(Instant::now());
            self.closed = 0;
        }
    }

    fn leave(&mut self, number: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&number)?;
        if let Some(client) = &waiting.client
            && let Some(own) = self.by_client.get_mut(client)
        {
            own.remove(&number);
            if own.is_empty() {
                self.by_client.remove(client);
            }
        }
        Some(waiting)
    }
}

/// A connection is open while this lives.
#[derive(Debug)]
pub struct Open(Pending);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.state().open -= 1;
    }
}

/// A connection waits while this lives.
#[derive(Debug)]
pub struct Place {
    pending: Pending,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pending.state().leave(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(pending: usize, pending_per_client: usize, open: usize) -> Pending {
        Pending::new(Limits { pending, pending_per_client, open })
    }

    /// A connection that waits.
    struct Connection {
        close: Arc<Notify>,
        _place: Place,
    }

    impl Connection {
        fn of(client: Option<&str>, pending: &Pending) -> Self {
            let close = Arc::new(Notify::new());
            let place = pending.wait(client, &close);
            Self { close, _place: place }
        }

        fn is_closed(&self) -> bool {
            let mut notified = Box::pin(self.close.notified());
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let closed = notified.as_mut().poll(&mut context).is_ready();
            if closed {
                self.close.notify_one();
            }
            closed
        }
    }

    #[test]
    fn one_too_many_of_a_client_closes_its_oldest_and_nobody_elses() {
        let pending = pending(10, 2, 10);
        let other = Connection::of(Some("b"), &pending);
        let own = [0, 1].map(|_| Connection::of(Some("a"), &pending));
        assert!(!own[0].is_closed());
        let third = Connection::of(Some("a"), &pending);
        assert_eq!(
            [&own[0], &own[1], &third, &other].map(Connection::is_closed),
            [true, false, false, false]
        );
        drop(third);
        let fourth = Connection::of(Some("a"), &pending);
        assert!(!own[1].is_closed() && !fourth.is_closed(), "one has gone, so there is room");
    }

    #[test]
    fn one_too_many_in_total_closes_the_oldest_of_all() {
        let pending = pending(2, 2, 10);
        let proxy = [0, 1].map(|_| Connection::of(None, &pending));
        let newest = Connection::of(Some("a"), &pending);
        assert_eq!(
            [&proxy[0], &proxy[1], &newest].map(Connection::is_closed),
            [true, false, false]
        );
    }

    #[test]
    fn clients_that_are_gone_are_forgotten() {
        let pending = pending(2, 1, 10);
        for client in 0..100 {
            drop(Connection::of(Some(&client.to_string()), &pending));
        }
        let state = pending.state();
        assert!(state.waiting.is_empty() && state.by_client.is_empty());
    }

    #[test]
    fn where_too_many_are_open_one_that_waits_must_go_if_there_is_one() {
        let pending = pending(10, 10, 2);
        let open: Vec<Open> = (0..2).filter_map(|_| pending.open()).collect();
        assert_eq!(open.len(), 2);
        assert!(pending.open().is_none(), "both are busy");
        let waits = Connection::of(Some("a"), &pending);
        assert!(pending.open().is_some() && waits.is_closed());
        drop(open);
        assert_eq!(pending.state().open, 0);
    }
}
