//! A response body that ends at a deadline, whatever is left of it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use tokio::time::Sleep;

/// Such a body.
pub struct DeadlineBody {
    body: Body,
    end: Pin<Box<Sleep>>,
}

impl DeadlineBody {
    /// Ends after `time`. Call it on the runtime.
    pub fn new(body: Body, time: Duration) -> Self {
        Self { body, end: Box::pin(tokio::time::sleep(time)) }
    }
}

impl HttpBody for DeadlineBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        if self.end.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_frame(context)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn an_endless_body_ends_at_its_deadline() {
        let endless = tokio_stream::pending::<Result<Bytes, std::io::Error>>();
        let ending = DeadlineBody::new(Body::from_stream(endless), Duration::from_millis(5));
        let whole = tokio::time::timeout(Duration::from_secs(60), ending.collect()).await;
        assert!(whole.unwrap().unwrap().to_bytes().is_empty());
        let short = DeadlineBody::new(Body::from("all of it"), Duration::from_secs(600));
        assert_eq!(short.collect().await.unwrap().to_bytes(), "all of it");
    }
}
