//! Connections: how many there may be, and for how long each may keep the server waiting.
//!
//! axum's own `serve` knows no limits: a thousand clients that connect and say nothing would take all file
//! descriptors of the process, and nobody else could connect.

mod body;
mod pending;
mod phase;

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tower::ServiceExt;

use self::body::Ending;
use self::pending::{Limits, Open, Pending};
use self::phase::{Due, Observed, Progress};
use super::auth::{Client, counted, trusts};
use super::hosts::Arrival;
use crate::config::{AccessConfig, ConnectionConfig};

/// How long it takes before the next connection is accepted after one could not be.
const PAUSE: Duration = Duration::from_millis(100);
/// File descriptors that connections leave to everything else: the database, files of nights, processes.
const RESERVE: u64 = 256;

/// Serves connections until `closing` is true, then lets those that are open come to their end.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    times: ConnectionConfig,
    access: Arc<AccessConfig>,
    mut closing: watch::Receiver<bool>,
) {
    let server = Server { router, times, access, pending: Pending::new(limits(&times)) };
    let (alive, all_gone) = watch::channel(());
    loop {
        let (stream, peer) = tokio::select! {
            accepted = accept(&listener, &server.pending) => accepted,
            _ = closing.wait_for(|closing| *closing) => break,
        };
        let Some(open) = server.pending.open() else {
            tracing::warn!(
                client = %peer.ip(),
                "a connection was refused: all that there may be are in use; raise the limit of \
                 open files (LimitNOFILE in the systemd unit, or `ulimit -n`)"
            );
            continue;
        };
        let (server, closing, alive) = (server.clone(), closing.clone(), all_gone.clone());
        tokio::spawn(async move {
            server.handle(stream, peer, open, closing).await;
            drop(alive);
        });
    }
    drop((listener, all_gone));
    alive.closed().await;
}

/// The next connection. What can go wrong with one concerns no other.
async fn accept(listener: &TcpListener, pending: &Pending) -> (TcpStream, SocketAddr) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                if [ConnectionAborted, ConnectionRefused, ConnectionReset].contains(&error.kind()) {
                    continue;
                }
                tracing::error!(%error, "cannot accept a connection");
                pending.make_room();
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// What every connection needs.
#[derive(Clone)]
struct Server {
    router: Router,
    times: ConnectionConfig,
    access: Arc<AccessConfig>,
    pending: Pending,
}

/// The two ends of a connection.
#[derive(Clone, Copy)]
struct Ends {
    peer: SocketAddr,
    own: SocketAddr,
}

impl Server {
    /// Serves one connection until it ends, keeps the server waiting for too long, or has to go.
    async fn handle(
        self,
        stream: TcpStream,
        peer: SocketAddr,
        _open: Open,
        mut closing: watch::Receiver<bool>,
    ) {
        // Without it every answer waits 40 ms for the network's convenience.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let Ok(own) = stream.local_addr() else { return };
        let times = self.times;
        let close = Arc::new(Notify::new());
        let progress = Progress::new(self.peer(peer));
        let stream = TokioIo::new(Observed::new(stream, Arc::clone(&progress)));
        let service = self.service(Ends { peer, own }, &progress);
        let service = TowerToHyperService::new(service);
        let mut connection = pin!(http1::Builder::new().serve_connection(stream, service));
        let mut evicted = pin!(close.notified());
        let mut late = pin!(tokio::time::sleep(times.head));
        let mut ending = pin!(closing.wait_for(|closing| *closing));
        let mut announced = false;
        poll_fn(|context| {
            if !announced && ending.as_mut().poll(context).is_ready() {
                announced = true;
                connection.as_mut().graceful_shutdown();
            }
            if let Poll::Ready(ended) = connection.as_mut().poll(context) {
                if let Err(error) = ended {
                    tracing::debug!(client = %peer.ip(), %error, "a connection broke");
                }
                return Poll::Ready(());
            }
            while evicted.as_mut().poll(context).is_ready() {
                if progress.waits() {
                    return Poll::Ready(());
                }
                // The request came at the last moment.
                evicted.set(close.notified());
            }
            // All that changes what is due has happened above, within the connection.
            while let Some((at, due)) = progress.due(&times) {
                if late.deadline() != at {
                    late.as_mut().reset(at);
                }
                ready!(late.as_mut().poll(context));
                match due {
                    Due::Close => return Poll::Ready(()),
                    Due::Count => progress.count(|client| self.pending.wait(client, &close)),
                }
            }
            Poll::Pending
        })
        .await;
    }

    /// Answers the requests of a connection, and notes where it stands.
    fn service(
        &self,
        ends: Ends,
        progress: &Arc<Progress>,
    ) -> impl tower::Service<
        Request<Incoming>,
        Response = Response,
        Error = std::convert::Infallible,
        Future: Send,
    > + Clone
    + Send
    + use<> {
        let (server, progress) = (self.clone(), Arc::clone(progress));
        tower::service_fn(move |request: Request<Incoming>| {
            let request = server.received(request, ends, &progress);
            let answer = server.router.clone().oneshot(request);
            let (client, progress) = (server.peer(ends.peer), Arc::clone(&progress));
            async move {
                let answered = move || progress.answered(client);
                Ok(answer.await?.map(|body| Body::new(Ending::new(body, answered))))
            }
        })
    }

    /// A request as handlers take it. One whose body is still to come counts for the client that is
    /// behind a trusted proxy, which only the head of the request names.
    fn received(
        &self,
        request: Request<Incoming>,
        ends: Ends,
        progress: &Arc<Progress>,
    ) -> Request {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(ends.peer));
        request.extensions_mut().insert(Arrival(ends.own));
        if request.body().is_end_stream() {
            progress.request_received();
            return request;
        }
        progress.head_received(Client::of(&request, &self.access).counted());
        let progress = Arc::clone(progress);
        request.map(|body| Body::new(Ending::new(body, move || progress.body_received())))
    }

    /// The client as it is counted; `None` for a trusted proxy, which speaks for many.
    fn peer(&self, peer: SocketAddr) -> Option<String> {
        let address = peer.ip().to_canonical();
        (!trusts(&self.access, address)).then(|| counted(address))
    }
}

/// How many connections there may be: as configured, but no more than half of the file descriptors wait.
fn limits(config: &ConnectionConfig) -> Limits {
    let files = raise_file_limit();
    let open = usize::try_from(files.saturating_sub(RESERVE).max(files / 2)).unwrap_or(usize::MAX);
    let pending = config.pending.min(open / 2).max(1);
    if pending < config.pending {
        tracing::warn!(
            files,
            pending,
            "pending_connections is larger than the limit of open files allows: raise that \
             (LimitNOFILE in the systemd unit, or `ulimit -Hn`)"
        );
    }
    Limits { pending, pending_per_client: config.pending_per_client, open }
}

/// Raises the limit of open files as far as this process may, and returns it.
fn raise_file_limit() -> u64 {
    /// What is assumed where the system does not tell.
    const USUAL: u64 = 1024;
    /// As many as anybody needs; some systems allow a billion.
    const MOST: u64 = 65_536;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return USUAL };
    let wanted = hard.min(MOST);
    if soft >= wanted {
        return soft;
    }
    match setrlimit(Resource::RLIMIT_NOFILE, wanted, hard) {
        Ok(()) => wanted,
        Err(error) => {
            tracing::warn!(%error, soft, "cannot raise the limit of open files");
            soft
        }
    }
}
