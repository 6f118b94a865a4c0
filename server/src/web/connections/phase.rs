//! What a connection is waiting for, and for how long it may.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::pending::Place;
use crate::config::ConnectionConfig;

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

/// Where a connection stands.
#[derive(Debug)]
pub struct Progress(Mutex<State>);

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// Since when the client takes nothing of what is sent to it.
    stalled: Option<Instant>,
    /// Counts the connection among those that wait.
    place: Option<Place>,
}

impl Progress {
    /// A new connection: a request must come.
    pub fn new(place: Place) -> Arc<Self> {
        let since = Instant::now();
        let state = State { phase: Phase::Head, since, stalled: None, place: Some(place) };
        Arc::new(Self(Mutex::new(state)))
    }

    /// The head of a request is there; `body` counts the connection where a body is still to come.
    pub fn head_received(&self, body: Option<Place>) {
        let phase = if body.is_some() { Phase::Body } else { Phase::Answer };
        self.enter(phase, body);
    }

    /// The body is there, or nobody wants it any more.
    pub fn body_received(&self) {
        if self.state().phase == Phase::Body {
            self.enter(Phase::Answer, None);
        }
    }

    /// A request is answered.
    pub fn answered(&self, place: Place) {
        self.enter(Phase::Idle, Some(place));
    }

    /// When the client will have kept us waiting for too long.
    pub fn deadline(&self, times: &ConnectionConfig) -> Option<Instant> {
        let state = self.state();
        let allowed = match state.phase {
            Phase::Head => Some(times.head),
            Phase::Body => Some(times.body),
            Phase::Answer => None,
            Phase::Idle => Some(times.idle),
        };
        let stalled = state.stalled.map(|since| since + times.idle);
        let waiting = allowed.map(|allowed| state.since + allowed);
        waiting.into_iter().chain(stalled).min()
    }

    fn enter(&self, phase: Phase, place: Option<Place>) {
        let mut state = self.state();
        (state.phase, state.since) = (phase, Instant::now());
        let before = std::mem::replace(&mut state.place, place);
        drop(state);
        drop(before);
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
