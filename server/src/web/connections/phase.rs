//! What a connection is waiting for, and for how long it may.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::pending::Place;
use crate::config::ConnectionConfig;
use crate::internal::lock;

/// What a connection is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The head of a request, whole.
    Head,
    /// The body of a request, whole.
    Body,
    /// Nothing: a request is being answered.
    Answer,
    /// The next request, or any news that the last answer is being taken.
    Idle,
}

/// A connection that waits for no longer is not counted: a request that is sent at once is on its way, and
/// many that come in one moment are no attack.
const GRACE: Duration = Duration::from_secs(1);

/// What has to be done with a connection if nothing comes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It has to be counted among those that wait.
    Count,
    /// It has to be closed.
    Close,
}

/// Where a connection stands.
#[derive(Debug)]
pub struct Progress(Mutex<State>);

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// Whom we wait for, as clients are counted; `None` if that is not known.
    client: Option<String>,
    /// Since when the client takes nothing of what is sent to it.
    stalled: Option<Instant>,
    /// Counts the connection among those that wait.
    place: Option<Place>,
}

impl Progress {
    /// A new connection: a request must come.
    pub fn new(client: Option<String>) -> Arc<Self> {
        let (phase, since) = (Phase::Head, Instant::now());
        Arc::new(Self(Mutex::new(State { phase, since, client, stalled: None, place: None })))
    }

    /// The head of a request is there, and no body follows.
    pub fn request_received(&self) {
        self.enter(Phase::Answer, None);
    }

    /// The head of a request is there, and its body is to come from this client.
    pub fn head_received(&self, client: String) {
        self.enter(Phase::Body, Some(client));
    }

    /// The body is there, or nobody wants it any more.
    pub fn body_received(&self) {
        if self.state().phase == Phase::Body {
            self.enter(Phase::Answer, None);
        }
    }

    /// A request is answered; another may come from this client.
    pub fn answered(&self, client: Option<String>) {
        self.enter(Phase::Idle, client);
    }

    /// Counts the connection, which `count` does for the client.
    pub fn count(&self, count: impl FnOnce(Option<&str>) -> Place) {
        let client = self.state().client.clone();
        let place = count(client.as_deref());
        self.state().place = Some(place);
    }

    /// Whether it is the client that has to do something.
    pub fn waits(&self) -> bool {
        self.state().phase != Phase::Answer
    }

    /// What has to be done next if nothing comes before, and when.
    pub fn due(&self, times: &ConnectionConfig) -> Option<(Instant, Due)> {
        let state = self.state();
        let allowed = match state.phase {
            Phase::Head => Some(times.head),
            Phase::Body => Some(times.body),
            Phase::Answer => None,
            Phase::Idle => Some(times.idle),
        };
        let stalled = state.stalled.map(|since| (since + times.idle, Due::Close));
        let close = allowed.map(|allowed| (state.since + allowed, Due::Close));
        let count = (allowed.is_some() && state.place.is_none())
            .then_some((state.since + GRACE, Due::Count));
        // Of two at the same moment the first counts.
        close.into_iter().chain(stalled).chain(count).min_by_key(|(at, _)| *at)
    }

    fn enter(&self, phase: Phase, client: Option<String>) {
        let mut state = self.state();
        (state.phase, state.since, state.client) = (phase, Instant::now(), client);
        let place = state.place.take();
        // It takes another lock when it goes.
        drop(state);
        drop(place);
    }

    /// Something came.
    fn received(&self) {
        let mut state = self.state();
        if state.phase == Phase::Idle {
            (state.phase, state.since) = (Phase::Head, Instant::now());
        }
    }

    /// Something was taken.
    fn sent(&self) {
        let mut state = self.state();
        state.stalled = None;
        if state.phase == Phase::Idle {
            state.since = Instant::now();
        }
    }

    /// Nothing could be sent.
    fn stalled(&self) {
        self.state().stalled.get_or_insert_with(Instant::now);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

/// A stream that notes when something comes and goes.
pub struct Observed<S> {
    stream: S,
    progress: Arc<Progress>,
}

impl<S> Observed<S> {
    /// Notes it in `progress`.
    pub fn new(stream: S, progress: Arc<Progress>) -> Self {
        Self { stream, progress }
    }

    fn note_written(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Pending => self.progress.stalled(),
            Poll::Ready(_) => self.progress.sent(),
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Observed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.progress.received();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Observed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note_written(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.note_written(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pending::{Limits, Pending};
    use super::*;

    const TIMES: ConnectionConfig = ConnectionConfig {
        head: Duration::from_secs(10),
        body: Duration::from_secs(20),
        idle: Duration::from_secs(30),
        pending: 1,
        pending_per_client: 1,
    };

    /// What is due, and after how many seconds, to the nearest.
    fn due(progress: &Progress) -> Option<(u64, Due)> {
        let (at, due) = progress.due(&TIMES)?;
        Some(((at - Instant::now() + Duration::from_millis(500)).as_secs(), due))
    }

    #[tokio::test]
    async fn whoever_waits_is_counted_after_a_moment_and_closed_in_time() {
        let pending = Pending::new(Limits { pending: 9, pending_per_client: 9, open: 9 });
        let close = Arc::new(tokio::sync::Notify::new());
        let count = |progress: &Progress| {
            assert_eq!(due(progress), Some((1, Due::Count)));
            progress.count(|client| pending.wait(client, &close));
        };
        let progress = Progress::new(Some("a".to_owned()));
        count(&progress);
        assert_eq!(due(&progress), Some((10, Due::Close)));
        progress.head_received("b".to_owned());
        count(&progress);
        assert_eq!(due(&progress), Some((20, Due::Close)));
        progress.body_received();
        assert_eq!(due(&progress), None, "an answer may take its time");
        progress.stalled();
        assert_eq!(due(&progress), Some((30, Due::Close)), "unless nobody takes it");
        progress.sent();
        progress.answered(None);
        progress.body_received();
        count(&progress);
        assert_eq!(due(&progress), Some((30, Due::Close)));
        progress.received();
        assert_eq!(due(&progress), Some((10, Due::Close)), "the next head is on its way");
    }
}
