//! A body that tells when it has come to its end.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};

/// A body that calls a function once: when it has come to its end, or when nobody wants the rest.
pub struct Ending<F: FnOnce()> {
    body: Body,
    at_end: Option<F>,
}

impl<F: FnOnce()> Ending<F> {
    /// Calls `at_end`.
    pub fn new(body: Body, at_end: F) -> Self {
        Self { body, at_end: Some(at_end) }
    }

    fn end(&mut self) {
        if let Some(at_end) = self.at_end.take() {
            at_end();
        }
    }
}

impl<F: FnOnce()> Drop for Ending<F> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<F: FnOnce() + Unpin> HttpBody for Ending<F> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.end();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn the_end_is_reported_once_whether_it_is_reached_or_not() {
        let ends = AtomicUsize::new(0);
        let count = || {
            ends.fetch_add(1, Ordering::Relaxed);
        };
        let whole = Ending::new(Body::from("all of it"), count);
        assert_eq!(whole.size_hint().exact(), Some(9));
        assert_eq!(whole.collect().await.unwrap().to_bytes(), "all of it");
        assert_eq!(ends.load(Ordering::Relaxed), 1);
        drop(Ending::new(Body::from("nobody wants it"), count));
        assert_eq!(ends.load(Ordering::Relaxed), 2);
    }
}
