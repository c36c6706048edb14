//! Thousands of clients that never finish what they began, and a few real ones.

use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use loangate::sim::{Fault, Provider};

use crate::Size;
use crate::client;
use crate::gateway::Gateway;
use crate::load::Load;
use crate::report::{Kib, Ms, Report, quantile};
use crate::upstream::{config, simulators};

/// The gateway's own deadlines, and what a busy machine may add.
const HEAD: Duration = Duration::from_secs(5);
const WRITE: Duration = Duration::from_secs(10);
const SLACK: Duration = Duration::from_secs(2);
/// Clients that open their connections in one go; below the gateway's cap of connections, so that real clients need
/// not queue behind those that it has no place for.
const WAVE: usize = 3_500;
/// Asked for that often without reading, so that the system's own buffers are full.
const PIPELINED: usize = 8;
const LARGE: &str = "/loans?limit=200&include=raw,personal";
const RATE: u32 = 20;
/// Between two clients that never read.
const PACE: Duration = Duration::from_millis(5);
const BACK: u64 = 64 * 1024;
const SETTLED: Duration = Duration::from_secs(30);

pub(crate) async fn run(size: Size, report: &mut Report) {
    let waves: &[usize] = size.pick(&[300], &[WAVE, 1_500]);
    let (world, simulators) = simulators(200).await;
    world.set_fault(Provider::Carbon, Fault::None);
    let gateway = Gateway::start(&config(simulators, "", "")).await;
    let large = client::get(gateway.address, LARGE).await.unwrap();
    assert_eq!(large.status, 200);
    for clients in waves {
        wave(&gateway, *clients, large.body.len(), report).await;
    }
}

async fn wave(gateway: &Gateway, clients: usize, large: usize, report: &mut Report) {
    // Something to begin from that has already served.
    for _ in 0..20 {
        client::get(gateway.address, LARGE).await.unwrap();
    }
    sleep(Duration::from_millis(200)).await;
    let (before, descriptors) = (gateway.usage(), gateway.descriptors());
    gateway.forget_peak();
    let began = Instant::now();
    let opening = PACE * u32::try_from(clients / 3).unwrap();
    let seconds = u32::try_from((opening + WRITE + SLACK).as_secs()).unwrap();
    let real = tokio::spawn(
        Load {
            address: gateway.address,
            target: "/loans".to_owned(),
            requests: RATE * seconds,
            every: Duration::from_secs(1) / RATE,
            keep: false,
            patient: false,
            judge: Load::any_ok(),
        }
        .run(),
    );
    let third = clients / 3;
    let silent: Vec<_> = (0..third)
        .map(|_| tokio::spawn(until_closed(gateway.address, "")))
        .collect();
    let half = (0..third).map(|_| tokio::spawn(until_closed(gateway.address, "GET /loans HTTP/1.1\r\nHo")));
    let half: Vec<_> = half.collect();
    let mut deaf = Vec::new();
    for _ in third * 2..clients {
        deaf.push(never_reading(gateway.address).await);
        // Two hundred large answers a second are work; more at once would measure the machine, not the patience.
        sleep(PACE).await;
    }
    let all_open = began.elapsed();

    let (mut closed, mut open) = (Vec::new(), 0);
    for client in silent.into_iter().chain(half) {
        match client.await.unwrap() {
            Some(after) => closed.push(after),
            None => open += 1,
        }
    }
    closed.sort_unstable();
    // The last of those who never read began at `all_open`.
    sleep_until(began + all_open + WRITE + SLACK).await;
    let left = gateway.descriptors().saturating_sub(descriptors);
    let real = real.await.unwrap();
    let mut whole = 0;
    for stream in &mut deaf {
        whole += usize::from(received(stream).await >= PIPELINED * large);
    }
    let never_read = deaf.len();
    drop(deaf);
    // The allocator gives pages back over ten seconds after they were freed.
    let freed = Instant::now();
    let mut after = gateway.usage();
    while after.resident >= before.resident + BACK && freed.elapsed() < SETTLED {
        sleep(Duration::from_millis(500)).await;
        after = gateway.usage();
    }
    let settled = freed.elapsed();
    let on_time = quantile(&closed, 1000) <= HEAD + SLACK && open == 0;
    report.line(
        "slow",
        &format!("{clients} at once: a third sends nothing, a third half a head, a third never reads {PIPELINED} answers of {}, beside {RATE}/s real ones", Kib(u64::try_from(large).unwrap() / 1024)),
        &format!(
            "{} silent and half heads closed after {} to {}, {open} left open; of {never_read} that never read {left} were still open after {}; real: {} of {} answered{}, p50 {}, p99 {}; memory {} before, peak {}, {} after {}",
            closed.len(),
            Ms(quantile(&closed, 0)),
            Ms(quantile(&closed, 1000)),
            Ms(WRITE + SLACK),
            real.right(),
            real.asked,
            real.complaints(),
            Ms(real.at(500)),
            Ms(real.at(990)),
            Kib(before.resident),
            Kib(after.peak),
            Kib(after.resident),
            Ms(settled)
        ),
        &[
            ("silent and half heads closed in 5 s + 2 s", on_time),
            // Sockets to the simulators and of the real clients come and go.
            ("those that never read closed in 10 s + 2 s", left < 50 && whole == 0),
            ("real clients all answered", real.all_right()),
            ("their p99 below 200 ms", real.at(990) < Duration::from_millis(200)),
            ("memory back within 64 MiB after 30 s", after.resident < before.resident + BACK),
        ],
    );
}

/// Sends this much and waits; how long until the gateway had enough, `None` when it did not within its time.
async fn until_closed(address: SocketAddr, text: &'static str) -> Option<Duration> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let began = Instant::now();
    stream.write_all(text.as_bytes()).await.ok()?;
    let mut byte = [0];
    let closed = timeout(HEAD + SLACK + SLACK, stream.read(&mut byte)).await;
    closed.is_ok().then(|| began.elapsed())
}

/// Asks for large answers through a small window, and reads none.
async fn never_reading(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    // As on a real network; with the segments of the loopback the system alone would take megabytes.
    SockRef::from(&socket).set_tcp_mss(1460).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream
        .write_all(&client::request(LARGE).repeat(PIPELINED))
        .await
        .unwrap();
    stream
}

/// What is still to be had on a connection.
async fn received(stream: &mut TcpStream) -> usize {
    let (mut all, mut buffer) = (0, vec![0; 64 * 1024]);
    while let Ok(Ok(read @ 1..)) = timeout(Duration::from_millis(20), stream.read(&mut buffer)).await {
        all += read;
    }
    all
}
