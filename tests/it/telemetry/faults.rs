//! A collector that is down, silent, slow, or talks nonsense changes nothing for callers.

use std::time::Duration;

use axum::http::StatusCode;
use loangate::sim::{Provider, World};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use super::Scrape;
use super::collector::{Collector, traced};
use crate::support::log::Capturing;
use crate::support::{Running, Setup};

/// How long a gateway may take to end although spans are left.
const FLUSH: Duration = Duration::from_secs(2);

fn setup() -> Setup {
    Setup::only(Provider::Carbon, &World::documents())
}

async fn ended(gateway: &Running, outcome: &str) -> u64 {
    let sample = format!("loangate_trace_spans_total{{outcome=\"{outcome}\"}}");
    Scrape::of(gateway).await.value(&sample)
}

/// Asks until so many spans have ended like this.
async fn until(gateway: &Running, outcome: &str, count: u64) {
    let begun = Instant::now();
    while ended(gateway, outcome).await < count {
        // Leaves the machine to the others meanwhile.
        sleep(Duration::from_millis(20)).await;
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "never {count} {outcome}"
        );
    }
}

/// A listener that takes connections, writes these bytes, and never says more.
async fn silent(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut kept: Vec<TcpStream> = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(bytes).await.unwrap();
            kept.push(stream);
        }
    });
    format!("http://{address}")
}

/// An address at which nobody listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn spans_that_cannot_be_handed_over_are_counted_and_cost_callers_nothing() {
    let refusing = Collector::answering(|| (StatusCode::INTERNAL_SERVER_ERROR, b"mark".to_vec())).await;
    let redirecting = Collector::answering(|| (StatusCode::TEMPORARY_REDIRECT, Vec::new())).await;
    for (collector, why) in [
        (nobody().await, "the collector could not be reached"),
        (silent(b"").await, "the collector did not answer in time"),
        (
            silent(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n").await,
            "the collector did not answer in time",
        ),
        (
            silent(b"mark garbage \r\n\r\n").await,
            "the collector could not be reached",
        ),
        (refusing.url(), "the collector refused them"),
        (redirecting.url(), "the collector refused them"),
    ] {
        let log = Capturing::start();
        let gateway = traced(setup(), &collector)
            .set("telemetry.timeout", "100ms")
            .start()
            .await;
        for _ in 0..5 {
            gateway.get("/loans").await.assert_complete();
        }
        until(&gateway, "failed", 10).await;
        assert_eq!(ended(&gateway, "exported").await, 0, "{why}");
        assert_eq!(ended(&gateway, "dropped").await, 0, "{why}");
        let lines: Vec<String> = log
            .end()
            .into_iter()
            .filter(|line| line.contains("spans were lost"))
            .collect();
        assert_eq!(lines.len(), 1, "{lines:#?}");
        assert!(
            lines[0].starts_with("WARN loangate") && lines[0].contains(why),
            "{why}: {lines:#?}"
        );
        assert!(
            !lines[0].contains("mark") && !lines[0].contains("127.0.0.1"),
            "{lines:#?}"
        );
    }
}

/// Like a process that was stopped: it takes connections, and does nothing.
#[tokio::test]
async fn a_collector_that_hangs_keeps_neither_callers_nor_the_end_of_the_process() {
    let gateway = traced(setup(), &silent(b"").await)
        .set("telemetry.timeout", "1m")
        .start()
        .await;
    let begun = Instant::now();
    for _ in 0..20 {
        gateway.get("/loans").await.assert_complete();
    }
    let stopping = Instant::now();
    assert!(stopping.duration_since(begun) < Duration::from_secs(5));
    gateway.stop().await;
    assert!(
        stopping.elapsed() < FLUSH + Duration::from_secs(3),
        "{:?}",
        stopping.elapsed()
    );
}

/// The collector took them, whatever else it says; what it says it refused is not counted as taken.
#[tokio::test]
async fn an_answer_that_makes_no_sense_is_an_answer() {
    let confused = Collector::answering(|| (StatusCode::OK, vec![0xff; 1000])).await;
    let gateway = traced(setup(), &confused.url()).start().await;
    gateway.get("/loans").await.assert_complete();
    until(&gateway, "exported", 2).await;
    assert_eq!(ended(&gateway, "failed").await, 0);

    let partly = Collector::answering(|| {
        let answer = ExportTraceServiceResponse {
            partial_success: Some(ExportTracePartialSuccess {
                rejected_spans: 1,
                error_message: "mark".to_owned(),
            }),
        };
        (StatusCode::OK, answer.encode_to_vec())
    })
    .await;
    let gateway = traced(setup(), &partly.url()).start().await;
    gateway.get("/loans").await.assert_complete();
    until(&gateway, "failed", 1).await;
    let taken = ended(&gateway, "exported").await;
    assert!(taken > 0, "{taken}");
}

#[tokio::test]
async fn what_is_left_is_handed_over_at_the_end() {
    let collector = Collector::start().await;
    let gateway = traced(setup(), &collector.url()).start().await;
    for _ in 0..600 {
        gateway.get("/livez").await;
    }
    gateway.stop().await;
    assert_eq!(collector.spans().len(), 600);
    let most = collector
        .calls()
        .into_iter()
        .map(|call| call.message.resource_spans[0].scope_spans[0].spans.len());
    assert!(most.max().unwrap() <= 512);
}
