//! Requests at a fixed rate, whatever became of the earlier ones. A request's latency counts from when it was due.
//!
//! `pace <port> <path> <requests per second> <seconds> [<connections>]` prints
//! `{"sent":…,"failed":…,"seconds":…,"p50_us":…,"p99_us":…}`.
//! The other headers of each request are read from standard input, one a line, as they go out.
//!
//! With a number of connections, so many are opened first and used in turn, and a request waits for one that is free.
//! A rate of 0 then means: each connection asks again as soon as it was answered. Every request that is begun counts.

use std::collections::VecDeque;
use std::io::Read as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};

#[derive(Default)]
struct Seen {
    idle: VecDeque<TcpStream>,
    took: Vec<Duration>,
    failed: usize,
}

impl Seen {
    /// Without turns the one that was used last, so that there are no more than it takes.
    fn next(&mut self, in_turn: bool) -> Option<TcpStream> {
        if in_turn {
            self.idle.pop_front()
        } else {
            self.idle.pop_back()
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [port, path, rate, seconds, connections @ ..] = words.as_slice() else {
        panic!("pace <port> <path> <requests per second> <seconds> [<connections>]");
    };
    let port: u16 = port.parse().expect("a port");
    let rate: u32 = rate.parse().expect("a rate");
    let seconds: u32 = seconds.parse().expect("seconds");
    let connections: Option<usize> = connections
        .first()
        .map(|number| number.parse().expect("a number of connections"));
    let mut headers = String::new();
    std::io::stdin().read_to_string(&mut headers).expect("headers");
    let headers = headers.replace('\n', "\r\n");
    let request: Arc<str> = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{headers}\r\n").into();

    let mut idle = VecDeque::new();
    for _ in 0..connections.unwrap_or(0) {
        idle.push_back(
            TcpStream::connect(("127.0.0.1", port))
                .await
                .expect("a connection"),
        );
    }
    let seen = Arc::new(Mutex::new(Seen {
        idle,
        ..Seen::default()
    }));
    let free = Arc::new(Semaphore::new(connections.unwrap_or(Semaphore::MAX_PERMITS)));
    let in_turn = connections.is_some();
    let began = Instant::now();
    let end = began + Duration::from_secs(1) * seconds;
    let mut sent = Vec::new();
    loop {
        let mut permit = None;
        let due = if rate == 0 {
            permit = Some(Arc::clone(&free).acquire_owned().await.expect("never closed"));
            Instant::now()
        } else {
            let number = u32::try_from(sent.len()).expect("a number of requests");
            began + Duration::from_secs(1) * number / rate
        };
        if due >= end {
            break;
        }
        sleep_until(due).await;
        let (seen, request, free) = (Arc::clone(&seen), Arc::clone(&request), Arc::clone(&free));
        sent.push(tokio::spawn(async move {
            let _permit = match permit {
                Some(permit) => permit,
                None => free.acquire_owned().await.expect("never closed"),
            };
            let idle = seen.lock().expect("nobody panics with it").next(in_turn);
            let answered = ask(port, idle, &request).await;
            let took = due.elapsed();
            let mut seen = seen.lock().expect("nobody panics with it");
            match answered {
                Some(stream) => {
                    seen.idle.push_back(stream);
                    seen.took.push(took);
                }
                None => seen.failed += 1,
            }
        }));
    }
    let count = sent.len();
    for request in sent {
        request.await.expect("nobody panics");
    }
    let seconds = began.elapsed().as_secs_f64();
    let mut seen = seen.lock().expect("nobody panics with it");
    seen.took.sort_unstable();
    let at = |per_cent: usize| {
        seen.took
            .get(seen.took.len() * per_cent / 100)
            .map_or(0, Duration::as_micros)
    };
    println!(
        r#"{{"sent":{count},"failed":{},"seconds":{seconds:.6},"p50_us":{},"p99_us":{}}}"#,
        seen.failed,
        at(50),
        at(99)
    );
}

/// The connection again, if the answer was a whole 200.
async fn ask(port: u16, idle: Option<TcpStream>, request: &str) -> Option<TcpStream> {
    let mut stream = match idle {
        Some(stream) => stream,
        None => TcpStream::connect(("127.0.0.1", port)).await.ok()?,
    };
    stream.set_nodelay(true).ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut buffer = vec![0; 64 * 1024];
    let mut filled = 0;
    let head = loop {
        let read = stream
            .read(buffer.get_mut(filled..)?)
            .await
            .ok()
            .filter(|read| *read > 0)?;
        filled += read;
        let text = buffer.get(..filled)?;
        if let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
    };
    let text = String::from_utf8_lossy(buffer.get(..head)?).to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let length: usize = length.filter(|_| text.starts_with("http/1.1 200"))?;
    let mut left = (head + 4 + length).checked_sub(filled)?;
    while left > 0 {
        let read = stream.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        left = left.checked_sub(read)?;
    }
    Some(stream)
}
