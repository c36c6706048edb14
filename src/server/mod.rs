//! Inbound sockets: accepting, the deadlines of slow clients, and stopping without losing a request. Knows nothing of
//! what is served.
//!
//! The stock server has no deadline for a client that sends nothing, half a header, or never reads, and none for its
//! own shutdown (measured in `docs/decisions/0008-own-accept-loop.md`).

#![warn(missing_docs)]

mod body;
mod closing;
mod socket;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;

use body::Together;
use socket::{Exchange, Guarded};

/// Connections at once; more wait in the accept queue.
const CONNECTIONS: usize = 4096;
/// Connections that the system may hold for us until we get to them; it may have a lower limit of its own. When there
/// is no room, a client repeats its handshake a second later, and one of two sides may think that it is connected.
const BACKLOG: u32 = 4096;
/// Most bytes of a request's head.
const MAX_HEAD: usize = 64 * 1024;
/// Most headers of a request; what is served may draw the line earlier and say so.
const MAX_HEADERS: usize = 128;
/// Pause after the system refused another socket, first and longest.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(100));
/// The accept queue is empty when nothing came for this long.
const QUIET: Duration = Duration::from_millis(20);
/// Where new connections cannot be kept from coming, the queue may never be empty; this is as long as we try.
const EMPTYING: Duration = Duration::from_secs(1);

/// What is served; replaced as a whole by a reload, while requests in hand finish with what they began with.
pub type Routes = Arc<ArcSwap<Router>>;

/// Deadlines of clients.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From the connection to its first byte, and from there to the end of the head.
    pub head: Duration,
    /// Between requests on a kept connection.
    pub idle: Duration,
    /// Without a byte of the answer being taken.
    pub write: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(5),
            idle: Duration::from_mins(1),
            write: Duration::from_secs(10),
        }
    }
}

/// How to stop.
#[derive(Debug, Clone, Copy)]
pub struct Stop {
    /// How long connections are still accepted after the signal.
    pub drain_delay: Duration,
    /// How long requests in hand may take after that.
    pub grace: Duration,
}

/// Listens on an address, with room for a burst of connections.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A restart must not wait for the connections of the process before.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until `stop` ends; then keeps accepting for the drain delay, empties the accept queue, closes it, and lets
/// requests in hand finish within the grace. `draining` is called once, right after `stop`.
pub async fn serve(
    listener: TcpListener,
    routes: Routes,
    patience: Patience,
    stopping: Stop,
    stop: impl Future<Output = ()>,
    draining: impl FnOnce(),
) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let accept = |(stream, peer), place| converse(stream, peer, place, &routes, patience, &graceful);
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            (connected, place) = next(&listener, &places) => accept(connected, place),
        }
    }
    draining();
    let mut delay = pin!(sleep(stopping.drain_delay));
    loop {
        tokio::select! {
            biased;
            () = &mut delay => break,
            (connected, place) = next(&listener, &places) => accept(connected, place),
        }
    }
    // What the system has accepted for us would be reset if the listener just closed.
    if let Err(error) = closing::refuse_handshakes(&listener) {
        tracing::debug!(%error, "new connections keep coming until the listener is closed");
    }
    let empty = async {
        while let Ok((connected, place)) = timeout(QUIET, next(&listener, &places)).await {
            accept(connected, place);
        }
    };
    let _ = timeout(EMPTYING, empty).await;
    drop(listener);
    if timeout(stopping.grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections still open at the end of the grace were cut");
    }
}

/// The next connection, once there is a place for it. Out of descriptors, it waits instead of spinning.
async fn next(listener: &TcpListener, places: &Arc<Semaphore>) -> (Connected, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed; without a permit the connection would only be uncounted.
    let place = Arc::clone(places).acquire_owned().await.ok();
    let (mut pause, longest) = BACK_OFF;
    loop {
        match listener.accept().await {
            Ok(connected) => return (connected, place),
            Err(error) if gone(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(pause).await;
                pause = pause.saturating_mul(2).min(longest);
            }
        }
    }
}

/// A connection, and whose it is.
type Connected = (TcpStream, SocketAddr);

/// The client gave up before we got to it.
fn gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

/// Talks HTTP/1.1 on one connection, in a task of its own.
fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    place: Option<OwnedSemaphorePermit>,
    routes: &Routes,
    patience: Patience,
    graceful: &GracefulShutdown,
) {
    // Small answers must not wait for the last acknowledgement; a socket that refuses the option still works.
    let _ = stream.set_nodelay(true);
    let exchange = Arc::new(Exchange::default());
    let socket = Guarded::new(stream, Arc::clone(&exchange), patience);
    let routes = Arc::clone(routes);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let (routes, exchange) = (Arc::clone(&routes), Arc::clone(&exchange));
        async move {
            let _serving = exchange.begin();
            let served: Result<Response<Body>, Infallible> =
                Router::clone(&routes.load()).oneshot(request).await;
            served.map(|response| response.map(Together::new))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(socket), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        // Whatever ends a connection early is the client's doing, or a deadline's.
        let _ = connection.await;
        drop(place);
    });
}
