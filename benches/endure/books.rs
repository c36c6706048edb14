//! Whole books: everything that three listing providers have, as an export and as a walk with cursors.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use loangate::sim::Recorded;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::Size;
use crate::client::{self, Connection};
use crate::gateway::Gateway;
use crate::report::{Kib, Ms, Report};
use crate::upstream::{config, simulators};

/// Loans that the three have, and the gateway's own bounds: 64 MiB, and this many loans for each second of its own
/// processor time.
const PEAK: u64 = 64 * 1024;
const PER_SECOND: u64 = 100_000;

/// What an answer says that matters here.
#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "their names")]
struct Page {
    data: Vec<Loan>,
    page: Next,
    complete: bool,
}

#[derive(Deserialize)]
struct Loan {
    id: String,
}

#[derive(Deserialize)]
struct Next {
    next_cursor: Option<String>,
}

pub(crate) async fn run(size: Size, report: &mut Report) {
    // Belvo's records are snapshots, about 2.2 of each loan.
    let records = size.pick(4_000, 410_000);
    let (_, simulators) = simulators(records).await;
    let top = "[server]\ndeadline = \"30s\"\n[cache]\nmax_age = \"0s\"";
    let gateway = Gateway::start(&config(simulators, top, "")).await;
    let exported = export(&gateway, report, records).await;
    gateway.forget_peak();
    walk(&gateway, report, exported).await;
}

/// Reads an export to its end; how many loans it had.
async fn export(gateway: &Gateway, report: &mut Report, records: usize) -> usize {
    let began = Instant::now();
    let used = gateway.processor_time();
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let ask = "GET /loans?provider=belvo,bsa,carbon HTTP/1.1\r\nhost: endure.test\r\naccept: application/x-ndjson\r\nconnection: close\r\n\r\n";
    stream.write_all(ask.as_bytes()).await.unwrap();
    let (mut lines, mut end) = (0_usize, Vec::new());
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = stream.read(&mut buffer).await.unwrap();
        if read == 0 {
            break;
        }
        lines += buffer[..read].split(|byte| *byte == b'\n').count() - 1;
        end.extend_from_slice(&buffer[..read]);
        end.drain(..end.len().saturating_sub(8 * 1024));
    }
    let took = began.elapsed();
    let used = gateway.processor_time().saturating_sub(used);
    let end = String::from_utf8_lossy(&end);
    let end = &end[end.rfind("{\"end\":true").unwrap_or(0)..];
    let count: usize = number_after(end, "\"count\":");
    let per_second = u64::try_from(count * 1000).unwrap() / u64::try_from(used.as_millis()).unwrap().max(1);
    let peak = gateway.usage().peak;
    let mut bounds = vec![
        ("complete", end.contains("\"complete\":true")),
        // Each chunk has two lines of its own, so lines alone prove nothing.
        ("as many lines as it says", count > 0 && lines > count),
        ("below 64 MiB", peak < PEAK),
    ];
    // A small one is over before the processor's clock has told anything.
    if records >= 100_000 {
        bounds.push(("100,000 loans a second", per_second >= PER_SECOND));
    }
    report.line(
        "books",
        &format!("an export of three books of {records} records"),
        &format!(
            "{count} loans in {}; {per_second} for each second of the gateway's processor time, the rest is the simulators'; peak {}",
            Ms(took),
            Kib(peak)
        ),
        &bounds,
    );
    count
}

fn number_after(text: &str, key: &str) -> usize {
    let digits = text.split(key).nth(1).unwrap_or_default();
    digits
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_default()
}

/// Follows cursors to the end.
async fn walk(gateway: &Gateway, report: &mut Report, exported: usize) {
    let began = Instant::now();
    let mut connection = Connection::open(gateway.address).await.unwrap();
    let target = "/loans?provider=belvo,bsa,carbon&limit=200".to_owned();
    let (mut seen, mut given, mut answers, mut complete) = (HashSet::new(), 0, 0, true);
    let mut next = Some(target.clone());
    while let Some(target_now) = next {
        let answer = connection.get(&target_now).await.unwrap();
        let page: Page = serde_json::from_slice(&answer.body).unwrap();
        given += page.data.len();
        answers += 1;
        complete &= page.complete;
        seen.extend(page.data.into_iter().map(|loan| fingerprint(&loan.id)));
        next = page
            .page
            .next_cursor
            .map(|cursor| format!("{target}&cursor={cursor}"));
    }
    let peak = gateway.usage().peak;
    report.line(
        "books",
        "the same as a walk, 200 loans an answer",
        &format!(
            "{given} loans in {answers} answers and {}; peak {}",
            Ms(began.elapsed()),
            Kib(peak)
        ),
        &[
            ("each exactly once", given == seen.len()),
            ("the same as the export", given == exported),
            ("complete", complete),
            ("below 64 MiB", peak < PEAK),
        ],
    );
}

fn fingerprint(id: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

/// One person over five providers, each of which takes 20 ms.
pub(crate) async fn person(size: Size, report: &mut Report) {
    let (world, simulators) = simulators(0).await;
    let upstream = Duration::from_millis(20);
    for provider in loangate::sim::Provider::ALL {
        world.set_fault(provider, loangate::sim::Fault::Slow(upstream));
    }
    let gateway = Gateway::start(&config(simulators, "[cache]\nmax_age = \"0s\"", "")).await;
    let references = [
        "goscore:consent:6915ab99857fec1e6f2f6c078",
        "carbon:customer:1732ca47-42b2-4990-a65d-c369e934eed3",
        "bsa:customer:42",
        "belvo:merchant_customer:CUST-005678",
        "fineract:loan:123",
    ];
    let target = format!("/loans?ref={}", references.join("&ref="));
    let mut loans = 0;
    let mut times = Vec::new();
    let rounds = size.pick(30, 500);
    for _ in 0..rounds {
        let mut connection = Connection::open(gateway.address).await.unwrap();
        world.clear_requests();
        let began = Instant::now();
        let answer = connection.get(&target).await.unwrap();
        times.push(began.elapsed());
        let list = client::Listing::of(&answer).unwrap();
        assert!(list.complete, "{:?}", list.sources);
        loans = list.data.len();
    }
    let requests: Vec<Vec<u8>> = world.requests().iter().map(as_sent).collect();
    let trip = round_trip(simulators, &requests, rounds).await;
    times.sort_unstable();
    let median = times[rounds / 2];
    report.line(
        "person",
        "one person over five providers that take 20 ms each",
        &format!(
            "{loans} loans; median {}, 99 of 100 within {}; the {} upstream calls alone, all at once: median {}",
            Ms(median),
            Ms(times[rounds * 99 / 100]),
            requests.len(),
            Ms(trip)
        ),
        &[
            (
                size.pick("one round trip and 10 ms", "one round trip and 2 ms"),
                median < trip + Duration::from_millis(size.pick(10, 2)),
            ),
            ("ten loans", loans >= 10),
        ],
    );
}

/// A request as the gateway sent it, but for the compression, which this client does not know.
fn as_sent(request: &Recorded) -> Vec<u8> {
    let mut text = format!("GET {}?{} HTTP/1.1\r\n", request.path, request.query);
    for (name, value) in request
        .headers
        .iter()
        .filter(|(name, _)| name != "accept-encoding")
    {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// The median time that these requests take at once, over connections that are kept, with nobody in between.
async fn round_trip(simulators: SocketAddr, requests: &[Vec<u8>], rounds: usize) -> Duration {
    let mut connections = Vec::new();
    for _ in requests {
        connections.push(Connection::open(simulators).await.unwrap());
    }
    let mut times = Vec::new();
    for _ in 0..rounds {
        let began = Instant::now();
        let answers = connections.iter_mut().zip(requests);
        for answer in join_all(answers.map(|(connection, request)| connection.exchange(request))).await {
            assert_eq!(answer.unwrap().status, 200);
        }
        times.push(began.elapsed());
    }
    times.sort_unstable();
    times[rounds / 2]
}
