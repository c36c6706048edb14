//! What only shows on a real socket.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{Fault, Provider, World, keys, loans_path};
use crate::sim::serve;

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

async fn started(world: &World) -> Running {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let server = tokio::spawn(serve(listener, world.clone(), async move {
        let _ = stopped.await;
    }));
    Running {
        address,
        stop,
        server,
    }
}

fn header_lines(provider: Provider) -> String {
    let lines: Vec<String> = keys(provider)
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    lines.concat()
}

/// What came before the connection closed, or before it fell silent for `patience` after the head.
/// The head is waited for as long as it takes, unless none is `expected`.
fn exchange(
    address: SocketAddr,
    provider: Provider,
    patience: Duration,
    expected: bool,
) -> (TcpStream, String, bool) {
    let mut socket = TcpStream::connect(address).unwrap();
    let headers = header_lines(provider);
    let path = format!("{}{}", provider.base_path(), loans_path(provider));
    write!(
        socket,
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n"
    )
    .unwrap();
    let mut bytes = Vec::new();
    let mut byte = [0];
    while expected && !bytes.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
    socket.set_read_timeout(Some(patience)).unwrap();
    let closed = match socket.read_to_end(&mut bytes) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    };
    (socket, String::from_utf8(bytes).unwrap(), closed)
}

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(60);

async fn asked(running: &Running, provider: Provider, patience: Duration) -> (TcpStream, String, bool) {
    let address = running.address;
    spawn_blocking(move || exchange(address, provider, patience, true))
        .await
        .unwrap()
}

fn promised(head: &str) -> usize {
    let line = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    line.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whole_cut_stalled_and_never() {
    let world = World::documents();
    let running = started(&world).await;
    for provider in Provider::ALL {
        world.set_fault(provider, Fault::None);
        let (_, text, closed) = asked(&running, provider, LONG).await;
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(closed && head.starts_with("HTTP/1.1 200 OK"), "{head}");
        assert_eq!(promised(head), body.len());

        world.set_fault(provider, Fault::Truncated);
        let (_, text, closed) = asked(&running, provider, LONG).await;
        let (head, half) = text.split_once("\r\n\r\n").unwrap();
        assert!(closed);
        assert_eq!((promised(head), half.len()), (body.len(), body.len() / 2));
    }

    world.set_fault(Provider::Belvo, Fault::Stalled);
    let (stalled, text, closed) = asked(&running, Provider::Belvo, SHORT).await;
    assert!(!closed && text.starts_with("HTTP/1.1 200 OK") && text.ends_with("\r\n\r\n"));
    world.set_fault(Provider::Belvo, Fault::NoAnswer);
    world.clear_requests();
    let address = running.address;
    let (unanswered, text, closed) = spawn_blocking(move || exchange(address, Provider::Belvo, SHORT, false))
        .await
        .unwrap();
    assert!(!closed && text.is_empty());
    while world.requests().is_empty() {
        tokio::task::yield_now().await;
    }

    // Neither keeps the server from ending.
    running.stop.send(()).unwrap();
    running.server.await.unwrap().unwrap();
    drop((stalled, unanswered));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_oversized_body_ends_with_its_reader() {
    let world = World::documents();
    world.set_fault(Provider::Carbon, Fault::Oversized);
    let running = started(&world).await;
    let address = running.address;
    spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        let headers = header_lines(Provider::Carbon);
        write!(
            socket,
            "GET /carbon/baas/api/v1/loans HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n"
        )
        .unwrap();
        let mut first = vec![0; 1 << 20];
        socket.read_exact(&mut first).unwrap();
    })
    .await
    .unwrap();
    running.stop.send(()).unwrap();
    running.server.await.unwrap().unwrap();
}
