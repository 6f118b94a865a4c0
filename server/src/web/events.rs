//! News for viewers, as server-sent events:
//! - `change` carries the version of what there is to see, at once and then whenever it changes: a
//!   viewer with another version takes the page, or the JSON, again;
//! - `beat` carries the age of what there is to see, in milliseconds, at least every two seconds: a
//!   viewer that hears nothing for longer knows that something is wrong;
//! - of a log, `append` carries what was written, as a JSON string, its id being the offset in bytes
//!   that this reaches; `end` says that nothing more will be written.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, Sse};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

use crate::model::{LogChunk, NightDate, RunId};

use super::WebState;
use super::api::{From, LogPath};
use super::logs::Start;
use super::path::Path;
use super::problem::Problem;
use super::snapshot_cache::Snapshot;

/// Longest silence.
const BEAT: Duration = Duration::from_secs(2);

/// nginx keeps answers until a buffer is full, unless they say that they must not be kept.
type News = ([(&'static str, &'static str); 1], Sse<ReceiverStream<Result<Event, Infallible>>>);

/// `GET /api/v1/nights/events`
pub async fn nights(State(state): State<WebState>) -> News {
    follow(state.watcher.nights.follow(()), &state)
}

/// `GET /api/v1/nights/{date}/events`
pub async fn night(
    State(state): State<WebState>,
    Path(date): Path<NightDate>,
) -> Result<News, Problem> {
    Ok(follow(state.watcher.night.follow(date), &state))
}

/// `GET /api/v1/nights/{date}/runs/{run}/events`
pub async fn run(
    State(state): State<WebState>,
    Path((date, run)): Path<(NightDate, RunId)>,
) -> Result<News, Problem> {
    Ok(follow(state.watcher.run.follow((date, run)), &state))
}

/// `GET /api/v1/nights/{date}/runs/{run}/logs/{name}/events?from=`: what is written to a log from
/// that byte on. After a break the browser says itself where it was.
pub async fn log(
    State(state): State<WebState>,
    Path((date, run, name)): Path<LogPath>,
    Query(From { from }): Query<From>,
    headers: HeaderMap,
) -> Result<News, Problem> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let mut at = last.or(from).unwrap_or(0);
    // What is wrong is reported now; later it only ends the news.
    state.watcher.log_piece(date, run, &name, Start::Exactly(at)).await?;
    let (sender, news) = channel();
    let WebState { watcher, mut closing, .. } = state;
    let poll = watcher.poll.min(BEAT);
    tokio::spawn(async move {
        while let Ok(chunk) = watcher.log_piece(date, run, &name, Start::Exactly(at)).await {
            let more = chunk.to < chunk.size && chunk.to > chunk.from;
            for event in log_events(&chunk, at) {
                if send(&sender, event).await.is_err() {
                    return;
                }
            }
            at = chunk.to;
            if !more && (!chunk.live || pause(poll, &mut closing).await) {
                return;
            }
        }
    });
    Ok(news)
}

/// What to tell of a piece to a viewer who is at byte `at`.
fn log_events(chunk: &LogChunk, at: u64) -> Vec<Result<Event, axum::Error>> {
    let mut events = Vec::new();
    let append =
        |text: &str| Event::default().event("append").id(chunk.to.to_string()).json_data(text);
    if chunk.from < at {
        events.push(append("\n(the file was begun again)\n"));
    }
    if !chunk.text.is_empty() {
        events.push(append(&chunk.text));
    }
    events.push(Ok(beat(Duration::ZERO)));
    if !chunk.live && chunk.to >= chunk.size {
        events.push(Ok(Event::default().event("end").data("")));
    }
    events
}

/// Sends what is on a cache until the viewer goes or the server ends.
fn follow<T>(mut snapshots: watch::Receiver<Option<Snapshot<T>>>, state: &WebState) -> News
where
    T: Send + Sync + 'static,
{
    let (sender, news) = channel();
    state.watcher.jobs.wake();
    let mut closing = state.closing.clone();
    tokio::spawn(async move {
        let mut sent = 0;
        // When something could last be seen. It ages while nothing can.
        let mut seen = None;
        loop {
            let snapshot = snapshots.borrow_and_update().clone();
            if let Some(snapshot) = snapshot {
                if snapshot.version != sent {
                    let change = Event::default().event("change");
                    let change = change.data(snapshot.version.to_string());
                    if send(&sender, Ok(change)).await.is_err() {
                        return;
                    }
                    sent = snapshot.version;
                }
                if snapshot.found.is_ok() {
                    seen = Some(snapshot.at);
                }
            }
            if let Some(seen) = seen
                && send(&sender, Ok(beat(seen.elapsed()))).await.is_err()
            {
                return;
            }
            tokio::select! {
                changed = snapshots.changed() => if changed.is_err() { return },
                ended = pause(BEAT, &mut closing) => if ended { return },
                () = sender.closed() => return,
            }
        }
    });
    news
}

fn channel() -> (mpsc::Sender<Result<Event, Infallible>>, News) {
    let (sender, receiver) = mpsc::channel(4);
    (sender, ([("x-accel-buffering", "no")], Sse::new(ReceiverStream::new(receiver))))
}

/// Fails when the viewer has gone.
async fn send(
    sender: &mpsc::Sender<Result<Event, Infallible>>,
    event: Result<Event, axum::Error>,
) -> Result<(), ()> {
    let event = event.map_err(|error| tracing::error!(%error, "cannot write an event"))?;
    sender.send(Ok(event)).await.map_err(drop)
}

fn beat(age: Duration) -> Event {
    Event::default().event("beat").data(age.as_millis().to_string())
}

/// Waits; tells whether the server is ending.
async fn pause(time: Duration, closing: &mut watch::Receiver<bool>) -> bool {
    let ended = closing.wait_for(|closing| *closing);
    tokio::time::timeout(time, ended).await.is_ok()
}
