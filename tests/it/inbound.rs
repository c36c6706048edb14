//! Clients that are slow, silent or rude, at the real accept loop with deadlines that a test can wait for.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::routing::get;
use futures_util::future::join_all;
use loangate::server::{self, Patience, Stop};
use loangate::sim::{Provider, World};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use crate::support::Setup;

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_mins(5);
/// What a busy machine may add.
const ROOM: Duration = Duration::from_secs(3);

const PATIENT: Patience = Patience {
    head: LONG,
    idle: LONG,
    write: LONG,
};

struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    done: tokio::task::JoinHandle<()>,
}

async fn serve(patience: Patience) -> Served {
    serve_with(patience, Duration::ZERO).await
}

async fn serve_with(patience: Patience, grace: Duration) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new()
        .route("/", get(async || "well"))
        .route("/large", get(async || "x".repeat(64 << 20)))
        .route(
            "/slow",
            get(async || {
                sleep(SHORT * 2).await;
                "late"
            }),
        );
    let (stop, stopped) = oneshot::channel();
    let stopping = Stop {
        drain_delay: Duration::ZERO,
        grace,
    };
    let done = tokio::spawn(async move {
        let routes = Arc::new(ArcSwap::from_pointee(routes));
        let stopped = async {
            // Dropped means the test is over, and so it keeps serving.
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        server::serve(listener, routes, patience, stopping, stopped, || {}).await;
    });
    Served { address, stop, done }
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// Everything until the other side closes. A reset is a close, too.
async fn rest(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let ended = timeout(ROOM, stream.read_to_end(&mut read)).await;
    assert!(
        ended.is_ok(),
        "still open after {}",
        String::from_utf8_lossy(&read)
    );
    String::from_utf8_lossy(&read).into_owned()
}

/// What comes back for these bytes until the other side closes.
async fn said(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = connect(address).await;
    stream.write_all(bytes).await.unwrap();
    rest(&mut stream).await
}

async fn is_well(address: SocketAddr) {
    let answer = said(
        address,
        b"GET / HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn silence_and_half_a_head_are_ended() {
    let served = serve(Patience {
        head: SHORT,
        ..PATIENT
    })
    .await;
    let beginnings: [&[u8]; 4] = [
        b"",
        b"G",
        b"GET / HTTP/1.1\r\nhost: gate",
        b"PRI * HTTP/2.0\r\n\r\nSM",
    ];
    let started = Instant::now();
    for answer in join_all(beginnings.map(|bytes| said(served.address, bytes))).await {
        assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert!(started.elapsed() < SHORT + ROOM);
    is_well(served.address).await;
}

/// Each byte comes in time, the head does not.
#[tokio::test]
async fn a_head_that_drips_is_ended() {
    let served = serve(Patience {
        head: SHORT,
        ..PATIENT
    })
    .await;
    let (mut read, mut write) = connect(served.address).await.into_split();
    let started = Instant::now();
    let drip = async {
        for byte in b"GET / HTTP/1.1\r\nhost: gateway\r\nx-more: "
            .iter()
            .chain([b'a'; 4096].iter())
        {
            if write.write_all(&[*byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    let mut sink = Vec::new();
    tokio::select! {
        () = drip => {}
        _ = read.read_to_end(&mut sink) => {}
    }
    assert!(started.elapsed() < SHORT + ROOM, "{:?}", started.elapsed());
}

#[tokio::test]
async fn an_idle_kept_connection_is_ended_and_a_busy_one_is_not() {
    let served = serve(Patience {
        idle: SHORT,
        head: SHORT,
        write: SHORT,
    })
    .await;
    let mut stream = connect(served.address).await;
    // The answer takes longer than any of the client's deadlines.
    stream
        .write_all(b"GET /slow HTTP/1.1\r\nhost: gateway\r\n\r\n")
        .await
        .unwrap();
    let started = Instant::now();
    let answer = rest(&mut stream).await;
    assert!(answer.ends_with("late"), "{answer}");
    assert!(started.elapsed() >= SHORT * 2);
}

/// Answered before anybody reads again, a request is over all the same: its head is not waited for any more.
#[tokio::test]
async fn a_kept_connection_outlives_the_deadline_of_its_first_head() {
    let served = serve(Patience {
        head: SHORT,
        ..PATIENT
    })
    .await;
    let mut stream = connect(served.address).await;
    let started = Instant::now();
    while started.elapsed() < SHORT * 3 {
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: gateway\r\n\r\n")
            .await
            .unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"well") {
            let read = stream.read_buf(&mut answer).await.unwrap();
            assert!(read > 0, "closed after {:?}", started.elapsed());
        }
    }
    // And idle, it waits for as long as an idle one may.
    assert!(timeout(SHORT * 2, stream.read_u8()).await.is_err());
}

#[tokio::test]
async fn clients_that_never_read_are_ended() {
    let patience = Patience {
        write: SHORT,
        ..PATIENT
    };
    let served = serve_with(patience, LONG).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(served.address).await.unwrap();
    stream
        .write_all(b"GET /large HTTP/1.1\r\nhost: gateway\r\n\r\n")
        .await
        .unwrap();
    is_well(served.address).await;
    // Stopping waits for every client in hand, so it is done once this one is let go.
    served.stop.send(()).unwrap();
    timeout(SHORT + ROOM, served.done).await.unwrap().unwrap();
    let mut read = Vec::new();
    let _ = stream.read_to_end(&mut read).await;
    assert!(read.len() < 64 << 20, "it got everything");
}

#[tokio::test]
async fn a_client_that_reads_slowly_but_reads_gets_everything() {
    let served = serve(Patience {
        write: SHORT,
        idle: SHORT,
        ..PATIENT
    })
    .await;
    let mut stream = connect(served.address).await;
    stream
        .write_all(b"GET /large HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut read = 0;
    let mut buffer = vec![0; 4 << 20];
    loop {
        sleep(Duration::from_millis(20)).await;
        match stream.read(&mut buffer).await.unwrap() {
            0 => break,
            more => read += more,
        }
    }
    assert!(read > 64 << 20, "{read}");
}

#[tokio::test]
async fn two_hundred_that_hang_cost_the_others_nothing() {
    let served = serve(PATIENT).await;
    let mut hanging = Vec::new();
    for client in 0..200 {
        let mut stream = connect(served.address).await;
        let bytes: &[u8] = [
            b"".as_slice(),
            b"GET / HT",
            b"GET /large HTTP/1.1\r\nhost: gateway\r\n\r\n",
            b"GET / HTTP/1.1\r\nhost: gateway\r\n\r\n",
        ][client % 4];
        // Few large ones: each holds its whole answer.
        let bytes = if client % 4 == 2 && client > 12 {
            b"GET"
        } else {
            bytes
        };
        stream.write_all(bytes).await.unwrap();
        hanging.push(stream);
    }
    let started = Instant::now();
    for _ in 0..20 {
        is_well(served.address).await;
    }
    assert!(started.elapsed() < ROOM, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_stuck_client_does_not_keep_the_process() {
    for grace in [Duration::ZERO, SHORT] {
        let served = serve_with(PATIENT, grace).await;
        let mut half = connect(served.address).await;
        half.write_all(b"GET / HTTP/1.1\r\nhost").await.unwrap();
        is_well(served.address).await;
        let started = Instant::now();
        served.stop.send(()).unwrap();
        timeout(grace + ROOM, served.done).await.unwrap().unwrap();
        assert!(started.elapsed() < grace + ROOM);
    }
}

/// The real gateway: what it says to requests that are none.
#[tokio::test]
async fn rude_requests_are_refused_and_others_served() {
    let gateway = Setup::only(Provider::Bsa, &World::documents()).start().await;
    let at = gateway.address;
    let large = format!(
        "GET /loans HTTP/1.1\r\nhost: g\r\nx: {}\r\n\r\n",
        "a".repeat(40 << 10)
    );
    let many = format!("GET /loans HTTP/1.1\r\nhost: g\r\n{}\r\n", "a: b\r\n".repeat(300));
    let long = format!("GET /loans?{} HTTP/1.1\r\nhost: g\r\n\r\n", "a".repeat(9 << 10));
    let cases: [(&str, &str, &[&str]); 14] = [
        ("no host", "GET /loans HTTP/1.1\r\n\r\n", &["400"]),
        (
            "two hosts",
            "GET /loans HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
            &["400"],
        ),
        (
            "a host that is none",
            "GET /loans HTTP/1.1\r\nhost: a b\r\n\r\n",
            &["400"],
        ),
        ("an empty host", "GET /loans HTTP/1.1\r\nhost:\r\n\r\n", &["400"]),
        ("a head of 40 KiB", &large, &["431", ""]),
        ("300 fields", &many, &["431"]),
        ("a long address", &long, &["414"]),
        (
            "HTTP/2 in the clear",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            &["400", "505", ""],
        ),
        ("no method", " /loans HTTP/1.1\r\nhost: a\r\n\r\n", &["400"]),
        (
            "CONNECT",
            "CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n",
            &["404", "405", "400"],
        ),
        ("TRACE", "TRACE /loans HTTP/1.1\r\nhost: a\r\n\r\n", &["405"]),
        (
            "two lengths",
            "GET /loans HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
            &["400"],
        ),
        (
            "a length of +5",
            "GET /loans HTTP/1.1\r\nhost: a\r\ncontent-length: +5\r\n\r\nxxxxx",
            &["400"],
        ),
        (
            "a control character",
            "GET /loans HTTP/1.1\r\nhost: a\r\nx: \0\r\n\r\n",
            &["400"],
        ),
    ];
    for (what, request, expected) in cases {
        let mut stream = connect(at).await;
        // What was refused early may be closed before all of it was taken.
        let _ = stream.write_all(request.as_bytes()).await;
        let _ = stream.shutdown().await;
        let mut read = Vec::new();
        let ended = timeout(ROOM, stream.read_to_end(&mut read)).await;
        assert!(ended.is_ok(), "{what}: still open");
        let answer = String::from_utf8_lossy(&read);
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(expected.contains(&status), "{what}: {answer}");
    }
    gateway.get("/loans").await.assert_complete();
    assert_eq!(gateway.asked(Provider::Bsa).len(), 1);
}
